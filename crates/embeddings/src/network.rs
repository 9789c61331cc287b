//! The network: six layers of a BERT encoder, from pieces to one vector a text.
//!
//! Invariant: a text's vector is the same to the last bit whatever else is in its batch. The
//! pieces of all texts of a batch are rows of one matrix without padding; only attention looks at
//! the rows of one text at a time, and every row's sums are taken in the same order.
//!
//! [`dense`] multiplies by weights, in floats or in bytes; [`attention`] and [`rows`] are the rest.

mod attention;
mod dense;
mod rows;
mod tile;

use crate::error::Result;
use crate::simd::{Kernel, Level, Simd, portable::Portable};
#[cfg(target_arch = "x86_64")]
use crate::simd::{avx2::Avx2, avx512::Avx512};
use crate::tokenizer::MAX_PIECES;
use crate::weights::Weights;
use attention::Attention;
use dense::{Dense, Finish, Product};
use rows::{Norm, Quantise, Quantised};

/// How wide a vector is, and a row of the network.
pub const WIDTH: usize = 384;
const INNER: usize = 1536;
const HEADS: usize = 12;
const HEAD_WIDTH: usize = WIDTH / HEADS;
const LAYERS: usize = 6;
const PIECES: usize = 30_522;
const POSITIONS: usize = 512;

/// The pieces of some texts, one text after the other.
#[derive(Debug, Default)]
pub struct Batch {
    /// The pieces of all texts.
    pub pieces: Vec<u32>,
    /// How many of them each text has; at least one.
    pub lengths: Vec<usize>,
}

/// The weights, laid out for this processor.
pub struct Network {
    level: Level,
    words: Vec<f32>,
    /// The mean of all rows of `words`.
    mean: Vec<f32>,
    /// Positions, with the one segment there is added.
    positions: Vec<f32>,
    norm: LayerNorm,
    layers: Vec<Layer>,
}

struct Layer {
    /// Query, key and value side by side; the query is scaled.
    attention: Dense,
    merge: Dense,
    merge_norm: LayerNorm,
    widen: Dense,
    narrow: Dense,
    narrow_norm: LayerNorm,
}

struct LayerNorm {
    weight: Vec<f32>,
    bias: Vec<f32>,
}

/// The matrices of one batch on its way through the layers.
struct Activations {
    states: Vec<f32>,
    attention: Vec<f32>,
    inner: Vec<f32>,
    quantised: Quantised,
}

impl Network {
    /// Lays out the weights for a processor, in bytes if they are to be quantised.
    pub fn new(weights: &Weights, quantised: bool, level: Level) -> Result<Self> {
        let words = weights.tensor("embeddings.word_embeddings.weight", &[PIECES, WIDTH])?;
        let mut positions = weights.tensor("embeddings.position_embeddings.weight", &[POSITIONS, WIDTH])?;
        positions.truncate(MAX_PIECES * WIDTH);
        let segments = weights.tensor("embeddings.token_type_embeddings.weight", &[2, WIDTH])?;
        for position in positions.chunks_exact_mut(WIDTH) {
            position.iter_mut().zip(&segments).for_each(|(value, segment)| *value += segment);
        }
        let norm = LayerNorm::new(weights, "embeddings")?;
        let layers = (0..LAYERS).map(|number| Layer::new(weights, number, quantised, level));
        let mut mean = vec![0.0; WIDTH];
        for row in words.chunks_exact(WIDTH) {
            mean.iter_mut().zip(row).for_each(|(mean, value)| *mean += value / PIECES as f32);
        }
        Ok(Self { level, words, mean, positions, norm, layers: layers.collect::<Result<_>>()? })
    }

    /// How many pieces it knows.
    pub fn vocabulary(&self) -> usize {
        self.words.len() / WIDTH
    }

    /// The mean of some pieces' rows less the mean of all rows, of length 1; none when nothing is left.
    pub fn word(&self, pieces: &[u32]) -> Option<[f32; WIDTH]> {
        let mut sum = [0.0; WIDTH];
        for piece in pieces {
            let row = self.words.chunks_exact(WIDTH).nth(*piece as usize)?;
            sum.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
        }
        let count = pieces.len().max(1) as f32;
        sum.iter_mut().zip(&self.mean).for_each(|(sum, mean)| *sum = *sum / count - mean);
        // In lanes, since a single sum has to wait for each addition before the next.
        let mut squares = [0.0_f32; 16];
        for values in sum.chunks_exact(16) {
            squares.iter_mut().zip(values).for_each(|(square, value)| *square += value * value);
        }
        let length = squares.iter().sum::<f32>().sqrt();
        (length > f32::EPSILON).then(|| sum.map(|value| value / length))
    }

    /// One vector of length 1 for each text.
    pub fn embed(&self, batch: &Batch) -> Vec<[f32; WIDTH]> {
        match self.level {
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => self.embed_with::<Avx512>(batch),
            #[cfg(target_arch = "x86_64")]
            Level::Avx2Vnni => self.embed_with::<Avx2<true>>(batch),
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => self.embed_with::<Avx2<false>>(batch),
            Level::Portable => self.embed_with::<Portable>(batch),
        }
    }

    fn embed_with<S: Simd>(&self, batch: &Batch) -> Vec<[f32; WIDTH]> {
        let rows = batch.pieces.len();
        let mut activations = Activations {
            states: self.look_up(batch),
            attention: vec![0.0; rows * 3 * WIDTH],
            inner: vec![0.0; rows * INNER],
            quantised: Quantised::default(),
        };
        self.norm.apply::<S>(&mut activations.states);
        for layer in &self.layers {
            layer.apply::<S>(batch, &mut activations);
        }
        let mut rest = &activations.states[..];
        let pooled = batch.lengths.iter().map(|length| {
            let (text, others) = rest.split_at(length * WIDTH);
            rest = others;
            pool(text)
        });
        pooled.collect()
    }

    /// The sum of each piece's word and position.
    fn look_up(&self, batch: &Batch) -> Vec<f32> {
        let mut states = Vec::with_capacity(batch.pieces.len() * WIDTH);
        let mut pieces = batch.pieces.iter();
        for length in &batch.lengths {
            for (piece, position) in pieces.by_ref().take(*length).zip(self.positions.chunks_exact(WIDTH)) {
                let word = &self.words[*piece as usize * WIDTH..][..WIDTH];
                states.extend(word.iter().zip(position).map(|(word, position)| word + position));
            }
        }
        states
    }
}

impl Layer {
    fn new(weights: &Weights, number: usize, quantised: bool, level: Level) -> Result<Self> {
        let tensor =
            |name: &str, shape: &[usize]| weights.tensor(&format!("encoder.layer.{number}.{name}"), shape);
        let dense = |name: &str, inputs: usize, outputs: usize| -> Result<Dense> {
            let weight = tensor(&format!("{name}.dense.weight"), &[outputs, inputs])?;
            let bias = tensor(&format!("{name}.dense.bias"), &[outputs])?;
            Ok(Dense::new(&weight, bias, quantised, level))
        };
        let (mut weight, mut bias) = (Vec::new(), Vec::new());
        for part in ["query", "key", "value"] {
            weight.extend(tensor(&format!("attention.self.{part}.weight"), &[WIDTH, WIDTH])?);
            bias.extend(tensor(&format!("attention.self.{part}.bias"), &[WIDTH])?);
        }
        let scale = 1.0 / (HEAD_WIDTH as f32).sqrt();
        weight[..WIDTH * WIDTH].iter_mut().for_each(|weight| *weight *= scale);
        bias[..WIDTH].iter_mut().for_each(|bias| *bias *= scale);
        let prefix = format!("encoder.layer.{number}");
        Ok(Self {
            attention: Dense::new(&weight, bias, quantised, level),
            merge: dense("attention.output", WIDTH, WIDTH)?,
            merge_norm: LayerNorm::new(weights, &format!("{prefix}.attention.output"))?,
            widen: dense("intermediate", WIDTH, INNER)?,
            narrow: dense("output", INNER, WIDTH)?,
            narrow_norm: LayerNorm::new(weights, &format!("{prefix}.output"))?,
        })
    }

    fn apply<S: Simd>(&self, batch: &Batch, activations: &mut Activations) {
        let Activations { states, attention, inner, quantised } = activations;
        self.attention.apply::<S>(states, quantised, Finish::Store, attention);
        // The widened rows are not in use yet, so what attention answers goes there.
        let context = &mut inner[..states.len()];
        run::<S, _>(Attention { lengths: &batch.lengths, input: attention, output: context });
        self.merge.apply::<S>(context, quantised, Finish::Add, states);
        self.merge_norm.apply::<S>(states);
        self.widen.apply::<S>(states, quantised, Finish::Gelu, inner);
        self.narrow.apply::<S>(inner, quantised, Finish::Add, states);
        self.narrow_norm.apply::<S>(states);
    }
}

impl Dense {
    /// Multiplies rows, which are quantised first if the weights are.
    fn apply<S: Simd>(&self, input: &[f32], quantised: &mut Quantised, finish: Finish, output: &mut [f32]) {
        if self.is_quantised() {
            run::<S, _>(Quantise { input, width: self.inputs(), output: quantised });
        }
        run::<S, _>(Product { dense: self, input, quantised, finish, output });
    }
}

impl LayerNorm {
    fn new(weights: &Weights, name: &str) -> Result<Self> {
        Ok(Self {
            weight: weights.tensor(&format!("{name}.LayerNorm.weight"), &[WIDTH])?,
            bias: weights.tensor(&format!("{name}.LayerNorm.bias"), &[WIDTH])?,
        })
    }

    fn apply<S: Simd>(&self, states: &mut [f32]) {
        run::<S, _>(Norm { weight: &self.weight, bias: &self.bias, states });
    }
}

/// Runs a kernel on the instruction set that [`Network::embed`] chose.
fn run<S: Simd, K: Kernel>(kernel: K) -> K::Output {
    // SAFETY: the set is that of `Network::level`, which `Level::detect` or `Level::all` has found.
    #[allow(unsafe_code)]
    unsafe {
        S::run(kernel)
    }
}

/// The mean of a text's rows, at length 1.
fn pool(rows: &[f32]) -> [f32; WIDTH] {
    let mut mean = [0.0; WIDTH];
    for row in rows.chunks_exact(WIDTH) {
        mean.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
    }
    let count = (rows.len() / WIDTH).max(1) as f32;
    mean.iter_mut().for_each(|value| *value /= count);
    let length = mean.iter().map(|value| value * value).sum::<f32>().sqrt().max(1e-12);
    mean.map(|value| value / length)
}
