//! Every instruction set of this machine against arithmetic in 64 bits.

use super::*;

struct Each<'a> {
    values: &'a [f32],
    exponential: bool,
}

impl Kernel for Each<'_> {
    type Output = Vec<f32>;

    #[inline(always)]
    unsafe fn run<S: Simd>(self) -> Vec<f32> {
        let mut output = vec![0.0; self.values.len()];
        for at in (0..self.values.len()).step_by(S::LANES) {
            // SAFETY: the values are a multiple of `MAX_LANES`.
            unsafe {
                let values = S::load(self.values.as_ptr().add(at));
                let values = if self.exponential { exponential::<S>(values) } else { gelu::<S>(values) };
                S::store(output.as_mut_ptr().add(at), values);
            }
        }
        output
    }
}

/// Dot products of the same bytes with weights of each lane, as floats.
struct Dots<'a> {
    bytes: [u8; 4],
    weights: &'a [i8; MAX_LANES * 4],
}

impl Kernel for Dots<'_> {
    type Output = Vec<f32>;

    #[inline(always)]
    unsafe fn run<S: Simd>(self) -> Vec<f32> {
        let mut output = vec![0.0; MAX_LANES];
        // SAFETY: there are four weights for each of `MAX_LANES`, and a place in the output.
        unsafe {
            let once = S::add_dot(S::no_sums(), self.bytes.as_ptr(), self.weights.as_ptr());
            let twice = S::add_dot(once, self.bytes.as_ptr(), self.weights.as_ptr());
            S::store(output.as_mut_ptr(), S::floats(twice));
        }
        output.truncate(S::LANES);
        output
    }
}

fn run<K: Kernel>(level: Level, kernel: K) -> K::Output {
    // SAFETY: the tests take their levels from `Level::all`.
    unsafe {
        match level {
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => avx512::Avx512::run(kernel),
            #[cfg(target_arch = "x86_64")]
            Level::Avx2Vnni => avx2::Avx2::<true>::run(kernel),
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => avx2::Avx2::<false>::run(kernel),
            Level::Portable => portable::Portable::run(kernel),
        }
    }
}

/// The error function by its Taylor series.
fn error_function(x: f64) -> f64 {
    let (mut term, mut sum) = (x, x);
    for n in 1..120 {
        let n = f64::from(n);
        term *= -x * x / n;
        sum += term / (2.0 * n + 1.0);
    }
    sum * std::f64::consts::FRAC_2_SQRT_PI
}

#[test]
fn gelu_is_exact_to_a_millionth() {
    let values: Vec<f32> = (0..2048).map(|step| (step as f32 - 1024.0) / 256.0).collect();
    for level in Level::all() {
        for (x, found) in values.iter().zip(run(level, Each { values: &values, exponential: false })) {
            let x = f64::from(*x);
            let exact = 0.5 * x * (1.0 + error_function(x / std::f64::consts::SQRT_2));
            assert!((f64::from(found) - exact).abs() < 1e-6, "{level:?}: {x} gave {found}, not {exact}");
        }
    }
    let far = [-1e30, -50.0, 50.0, 1e30].repeat(4);
    for level in Level::all() {
        let found = run(level, Each { values: &far, exponential: false });
        assert!(found[0].abs() < 1e24 && found[1].abs() < 1e-4, "{level:?}: {found:?}");
        assert!((found[2] - 50.0).abs() < 1e-4 && (found[3] / 1e30 - 1.0).abs() < 1e-6, "{found:?}");
    }
}

#[test]
fn the_exponential_is_exact_to_a_millionth_of_itself() {
    let values: Vec<f32> = (0..1600).map(|step| step as f32 / -18.5).collect();
    for level in Level::all() {
        for (x, found) in values.iter().zip(run(level, Each { values: &values, exponential: true })) {
            let exact = f64::from(*x).exp();
            assert!((f64::from(found) / exact - 1.0).abs() < 1e-6, "{level:?}: {x} gave {found}");
        }
        let nothing = run(level, Each { values: &[-1e30; MAX_LANES], exponential: true });
        assert!(nothing.iter().all(|value| *value < 1e-37), "{level:?}: {nothing:?}");
    }
}

#[test]
fn dot_products_of_bytes_never_saturate() {
    let mut weights = [0; MAX_LANES * 4];
    for (at, weight) in weights.iter_mut().enumerate() {
        *weight = [127, -127, 127, 1, -127, 64][at % 6];
    }
    for bytes in [[255; 4], [0, 255, 1, 254], [255, 255, 0, 0]] {
        for level in Level::all() {
            let found = run(level, Dots { bytes, weights: &weights });
            for (lane, found) in found.iter().enumerate() {
                let four = bytes.iter().zip(&weights[lane * 4..]);
                let exact: i32 = four.map(|(byte, weight)| i32::from(*byte) * i32::from(*weight)).sum();
                assert_eq!(*found, 2.0 * exact as f32, "{level:?}");
            }
        }
    }
}
