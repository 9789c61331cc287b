//! Requests, batches, privacy and answers that do not fit, with an embedder that follows a script.

use std::sync::Mutex;

use kernel::SeededEntropy;

use super::*;
use crate::options::ModelsOptions;

/// Gives these answers one after the other and notes how many texts it was given.
struct Scripted {
    identity: EmbedderIdentity,
    is_local: bool,
    shortens: bool,
    answers: Mutex<Vec<Result<Vec<Vec<f32>>, Error>>>,
    asked: Mutex<Vec<usize>>,
}

#[async_trait]
impl Embedder for Scripted {
    fn identity(&self) -> &EmbedderIdentity {
        &self.identity
    }

    fn is_local(&self) -> bool {
        self.is_local
    }

    fn can_shorten(&self) -> bool {
        self.shortens
    }

    fn batch_limit(&self) -> usize {
        2
    }

    async fn embed(&self, texts: &[String], dimensions: Option<usize>) -> Result<Embedded, Error> {
        self.asked.lock().unwrap().push(texts.len());
        let mut answers = self.answers.lock().unwrap();
        if !answers.is_empty() {
            return answers.remove(0).map(|vectors| Embedded { vectors, tokens: 1 });
        }
        let mut vector = vec![0.0; dimensions.unwrap_or(2)];
        vector[0] = 4.0;
        Ok(Embedded { vectors: vec![vector; texts.len()], tokens: texts.len() as u64 })
    }
}

type Answers = Vec<Result<Vec<Vec<f32>>, Error>>;

fn scripted(is_local: bool, shortens: bool, answers: Answers) -> (Embeddings, Arc<Scripted>) {
    let identity = EmbedderIdentity { name: "e".into(), version: "1".into(), dimensions: 2 };
    let embedder =
        Scripted { identity, is_local, shortens, answers: answers.into(), asked: Mutex::default() };
    let embedder = Arc::new(embedder);
    let retry = RetryOptions { attempts: 3, first_pause_ms: 1, longest_pause_ms: 1 };
    (Embeddings::new(embedder.clone(), retry, Arc::new(SeededEntropy::new(1))), embedder)
}

fn request(count: usize) -> EmbeddingRequest {
    EmbeddingRequest::new(vec!["a text".into(); count], Privacy::Shareable)
}

fn code(result: Result<Embedded, Error>) -> &'static str {
    result.expect_err("it is refused").code()
}

#[tokio::test]
async fn long_lists_go_in_batches_and_vectors_get_the_norm_1() {
    let (embeddings, embedder) = scripted(true, false, Vec::new());
    let embedded = embeddings.embed(&request(5)).await.unwrap();
    assert_eq!(*embedder.asked.lock().unwrap(), [2, 2, 1]);
    assert_eq!(embedded, Embedded { vectors: vec![vec![1.0, 0.0]; 5], tokens: 5 });
}

#[tokio::test]
async fn a_local_text_reaches_no_embedder_elsewhere() {
    let local = EmbeddingRequest { privacy: Privacy::Local, ..request(1) };
    let (elsewhere, embedder) = scripted(false, false, Vec::new());
    assert_eq!(code(elsewhere.embed(&local).await), "embedder_not_local");
    assert!(embedder.asked.lock().unwrap().is_empty());
    let (here, _) = scripted(true, false, Vec::new());
    assert!(here.embed(&local).await.is_ok());
}

#[tokio::test]
async fn where_only_this_machine_is_asked_no_text_goes_elsewhere() {
    let clock: Arc<dyn kernel::Clock> = Arc::new(kernel::SystemClock);
    let entropy = Arc::new(SeededEntropy::new(1));
    let open = ModelsOptions::default();
    let router = Arc::new(Router::from_options(&open, &clock, entropy).unwrap());
    let (elsewhere, embedder) = scripted(false, false, Vec::new());
    let elsewhere = elsewhere.with_router(router.clone());
    assert!(elsewhere.embed(&request(1)).await.is_ok());
    router.reconfigure(&ModelsOptions { local_only: true, ..open.clone() }).unwrap();
    assert_eq!(code(elsewhere.embed(&request(1)).await), "embedder_not_local");
    assert_eq!(embedder.asked.lock().unwrap().len(), 1);
    router.reconfigure(&open).unwrap();
    assert!(elsewhere.embed(&request(1)).await.is_ok());
}

#[tokio::test]
async fn what_fails_for_a_moment_is_asked_again() {
    let busy = || Error::RateLimited { provider: "e".into(), message: String::new(), retry_after: None };
    let refused = Error::Rejected { provider: "e".into(), status: 400, message: String::new() };
    let (embeddings, embedder) = scripted(true, false, vec![Err(busy()), Err(busy())]);
    assert!(embeddings.embed(&request(1)).await.is_ok());
    assert_eq!(embedder.asked.lock().unwrap().len(), 3);
    let (embeddings, embedder) = scripted(true, false, vec![Err(refused)]);
    assert_eq!(code(embeddings.embed(&request(1)).await), "model_request_refused");
    assert_eq!(embedder.asked.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn vectors_that_do_not_fit_are_an_error() {
    for (vectors, expected) in [
        (vec![vec![1.0, 0.0, 0.0]], "embedding_dimensions_differ"),
        (vec![vec![1.0, 0.0]; 2], "model_answer_malformed"),
        (vec![vec![f32::NAN, 0.0]], "model_answer_malformed"),
        (vec![vec![f32::INFINITY, 0.0]], "model_answer_malformed"),
    ] {
        let answers = (0..3).map(|_| Ok(vectors.clone())).collect();
        let (embeddings, _) = scripted(true, false, answers);
        assert_eq!(code(embeddings.embed(&request(1)).await), expected, "{vectors:?}");
    }
    // Nothing in the text means anything: no direction, and no division by zero.
    let (embeddings, _) = scripted(true, false, vec![Ok(vec![vec![0.0, 0.0]])]);
    assert_eq!(embeddings.embed(&request(1)).await.unwrap().vectors, [[0.0, 0.0]]);
}

#[tokio::test]
async fn requests_that_cannot_be_met_are_refused_before_anything_is_sent() {
    let shorter = |dimensions| EmbeddingRequest { dimensions: Some(dimensions), ..request(1) };
    let (embeddings, embedder) = scripted(true, false, Vec::new());
    assert_eq!(code(embeddings.embed(&request(0)).await), "embedding_input_invalid");
    assert_eq!(code(embeddings.embed(&request(MOST_TEXTS + 1)).await), "embedding_input_invalid");
    let empty = EmbeddingRequest::new(vec!["a".into(), String::new()], Privacy::Local);
    assert_eq!(code(embeddings.embed(&empty).await), "embedding_input_invalid");
    for dimensions in [0, 1, 3] {
        assert_eq!(code(embeddings.embed(&shorter(dimensions)).await), "embedding_dimensions_invalid");
    }
    assert!(embedder.asked.lock().unwrap().is_empty());
    assert!(embeddings.embed(&shorter(2)).await.is_ok(), "its own length may be named");
    let (embeddings, _) = scripted(true, true, Vec::new());
    assert_eq!(embeddings.embed(&shorter(1)).await.unwrap().vectors, [[1.0]]);
}

#[tokio::test]
async fn without_the_chosen_embedder_there_are_no_vectors() {
    let embeddings = Embeddings::missing("its files are not here", Arc::new(SeededEntropy::new(1)));
    assert_eq!(code(embeddings.embed(&request(1)).await), "no_embedder");
    assert_eq!(
        embeddings.identity().unwrap_err().to_string(),
        "there is no embedder: its files are not here"
    );
}
