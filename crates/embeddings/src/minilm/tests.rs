//! The model on its real weights, against vectors of the reference implementation.
//!
//! `tests/reference` holds 1,000 texts (English, Portuguese, code, and every oddity we know of) and
//! what `transformers` with PyTorch makes of them in 32-bit floats, mean-pooled over the attention
//! mask and brought to length 1; as 16-bit multiples of 2^-16, so good to 8e-6.

use std::path::PathBuf;
use std::sync::OnceLock;

use proptest::prelude::*;

use super::*;

const VECTORS: &[u8] = include_bytes!("../../tests/reference/vectors.i16");

/// The model's folder: where the tests' runner says, else where it puts it.
fn folder() -> PathBuf {
    let given = std::env::var_os("ATELIER_TEST_MINILM").map(PathBuf::from);
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = || cache.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache")));
    let folder = given.or_else(|| Some(cache()?.join("atelier/models/all-MiniLM-L6-v2")));
    let folder = folder.expect("HOME or ATELIER_TEST_MINILM is set");
    let there = files::MINILM.iter().all(|file| folder.join(file.name).exists());
    assert!(there, "the model is not in {}; `cargo xtask test` fetches it", folder.display());
    folder
}

fn texts() -> Vec<String> {
    serde_json::from_str(include_str!("../../tests/reference/texts.json")).unwrap()
}

fn reference(text: usize) -> Vec<f32> {
    let (values, _) = VECTORS[text * WIDTH * 2..][..WIDTH * 2].as_chunks::<2>();
    values.iter().map(|value| f32::from(i16::from_le_bytes(*value)) / 65_536.0).collect()
}

fn difference(vector: &[f32], reference: &[f32]) -> f32 {
    vector.iter().zip(reference).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

fn cosine(vector: &[f32], reference: &[f32]) -> f32 {
    vector.iter().zip(reference).map(|(a, b)| a * b).sum()
}

#[test]
fn full_precision_equals_the_reference_on_a_thousand_texts() {
    let model = MiniLm::load(&folder(), Precision::Full).unwrap();
    let texts = texts();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let vectors = model.embed(&texts, 2);
    assert_eq!((vectors.len(), VECTORS.len()), (1000, 1000 * WIDTH * 2));
    for (number, vector) in vectors.iter().enumerate() {
        let difference = difference(vector, &reference(number));
        assert!(difference < 1e-4, "{difference} off at {:?}", texts[number]);
    }
}

#[test]
fn every_instruction_set_gives_the_reference_s_vectors() {
    let (folder, texts) = (folder(), texts());
    let some: Vec<&str> = texts.iter().map(String::as_str).filter(|text| text.len() < 100).take(5).collect();
    let places: Vec<usize> = (0..texts.len()).filter(|place| texts[*place].len() < 100).take(5).collect();
    for level in Level::all() {
        let full = MiniLm::load_for(&folder, Precision::Full, level).unwrap().embed(&some, 1);
        let quantised = MiniLm::load_for(&folder, Precision::Quantised, level).unwrap().embed(&some, 1);
        for (number, place) in places.iter().enumerate() {
            let reference = reference(*place);
            assert!(difference(&full[number], &reference) < 1e-4, "{level:?} at {:?}", some[number]);
            assert!(cosine(&quantised[number], &reference) > 0.985, "{level:?} at {:?}", some[number]);
        }
    }
}

#[test]
fn a_vector_depends_on_its_text_alone() {
    let texts = texts();
    let texts: Vec<&str> = texts.iter().take(30).map(String::as_str).collect();
    for precision in [Precision::Full, Precision::Quantised] {
        let model = MiniLm::load(&folder(), precision).unwrap();
        let together = model.embed(&texts, 2);
        for (text, vector) in texts.iter().zip(&together) {
            assert_eq!(model.embed(&[text], 1)[0], *vector, "{text:?}");
        }
    }
}

#[test]
fn a_folder_without_the_model_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let error = MiniLm::load(folder.path(), Precision::Full).err().unwrap();
    let error = kernel::Error::from(error);
    assert_eq!(error.code, "embedding_model_missing");
    assert!(error.message.contains("vocab.txt"), "{}", error.message);
    assert!(error.hint.unwrap().contains("atelier models pull"));
}

#[test]
fn long_and_strange_texts_have_vectors() {
    let model = MiniLm::load(&folder(), Precision::Quantised).unwrap();
    let long = ["word ", "x", "\u{301}", "[SEP]", "東", "\u{0}", "\u{1f468}\u{200d}"]
        .map(|part| part.repeat(1 << 17));
    let texts: Vec<&str> = long.iter().map(String::as_str).chain(["", "\u{10ffff}", "\n"]).collect();
    for vector in model.embed(&texts, 2) {
        assert!((cosine(&vector, &vector) - 1.0).abs() < 1e-5);
    }
    assert!(model.embed(&[], 8).is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_text_has_a_vector_of_length_one(text in any::<String>(), wide in "\\PC{0,300}") {
        static MODEL: OnceLock<MiniLm> = OnceLock::new();
        let model = MODEL.get_or_init(|| MiniLm::load(&folder(), Precision::Quantised).unwrap());
        for vector in model.embed(&[&text, &wide], 1) {
            prop_assert!((cosine(&vector, &vector) - 1.0).abs() < 1e-5);
        }
    }
}
