//! Every instruction set of this machine against the portable one.

use super::*;

/// Runs a closure for a set.
struct With<F>(F);

trait Each<T> {
    fn each<S: Simd>(self) -> T;
}

impl<T, F: Each<T>> Kernel for With<(F, std::marker::PhantomData<T>)> {
    type Output = T;

    #[inline(always)]
    fn run<S: Simd>(self) -> T {
        self.0.0.each::<S>()
    }
}

#[track_caller]
fn all_agree<T: PartialEq + std::fmt::Debug, F: Each<T> + Clone>(work: F) -> T {
    let run = |level: Level| level.run(With((work.clone(), std::marker::PhantomData)));
    let expected = run(Level(Set::Portable));
    for level in Level::all() {
        assert_eq!(run(level), expected, "{level:?}");
    }
    expected
}

#[derive(Clone)]
struct Narrowed([f32; LANES]);

impl Each<([u16; LANES], Vec<u32>)> for Narrowed {
    fn each<S: Simd>(self) -> ([u16; LANES], Vec<u32>) {
        let halves = S::narrow(&self.0);
        (halves, S::widen(&halves).map(f32::to_bits).to_vec())
    }
}

#[test]
fn halves_are_rounded_and_widened_alike() {
    let special =
        [0.0, -0.0, 1.0, -1.0, 0.1, 65_504.0, 6.1e-5, 6.0e-5, 5.96e-8, 1e-9, 1.000_488_3, 1.001_464_8];
    let (halves, wide) = all_agree(Narrowed(std::array::from_fn(|lane| special[lane % special.len()])));
    assert_eq!(halves[..6], [0, 0x8000, 0x3c00, 0xbc00, 0x2e66, 0x7bff]);
    assert_eq!(wide[2], 1.0_f32.to_bits());
    for step in 0..2_000_u32 {
        let value = |lane: usize| ((step * 16 + lane as u32) as f32 / 16_000.0 - 1.0) * 1.000_1;
        let (_, wide) = all_agree(Narrowed(std::array::from_fn(value)));
        for (lane, wide) in wide.into_iter().enumerate() {
            let (wide, value) = (f32::from_bits(wide), value(lane));
            assert!((wide - value).abs() <= value.abs() / 2_048.0 + 3e-8, "{value} became {wide}");
        }
    }
}

#[derive(Clone)]
struct Compared([f32; LANES], f32);

impl Each<u16> for Compared {
    fn each<S: Simd>(self) -> u16 {
        S::at_least(&self.0, self.1)
    }
}

#[test]
fn a_bit_tells_of_each_number_whether_it_reaches_the_bound() {
    let ramp: [f32; LANES] = std::array::from_fn(|lane| lane as f32);
    assert_eq!(all_agree(Compared(ramp, 3.0)), 0xfff8);
    assert_eq!(all_agree(Compared(ramp, -1.0)), 0xffff);
    assert_eq!(all_agree(Compared([f32::NAN; LANES], 0.0)), 0);
    assert_eq!(all_agree(Compared([f32::NEG_INFINITY; LANES], f32::MIN)), 0);
    assert_eq!(all_agree(Compared([-0.0; LANES], 0.0)), 0xffff);
}

#[derive(Clone)]
struct LookedUp(Vec<u8>, Vec<u8>);

impl Each<[u16; BLOCK]> for LookedUp {
    fn each<S: Simd>(self) -> [u16; BLOCK] {
        S::look_up(&self.0, &self.1)
    }
}

#[test]
fn sums_of_lookups_are_exact_and_never_overflow() {
    for columns in [8, 48, 128, 1024] {
        let mut state = columns as u32;
        let mut random = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        };
        let largest = (65_535 / (2 * columns)).min(63) as u8;
        let codes: Vec<u8> = (0..columns * BLOCK).map(|_| random()).collect();
        let mut tables = vec![0; columns * TABLE];
        for half in tables.chunks_exact_mut(32) {
            (0..16).for_each(|entry| {
                half[entry] = if columns == 48 { largest } else { random() % (largest + 1) }
            });
            half.copy_within(..16, 16);
        }
        let sums = all_agree(LookedUp(codes.clone(), tables.clone()));
        for (row, sum) in sums.into_iter().enumerate() {
            let exact: usize = (0..columns)
                .map(|column| {
                    let byte = usize::from(codes[column * BLOCK + row]);
                    let at = column / 2 * 128 + column % 2 * 32;
                    usize::from(tables[at + byte % 16]) + usize::from(tables[at + 64 + byte / 16])
                })
                .sum();
            assert_eq!(usize::from(sum), exact, "row {row} of {columns} columns");
        }
    }
}

#[derive(Clone)]
struct SumWhere(Vec<u8>, Vec<u8>);

impl Each<u32> for SumWhere {
    fn each<S: Simd>(self) -> u32 {
        S::sum_where(&self.0, &self.1)
    }
}

#[test]
fn bytes_are_added_where_their_bits_are_set() {
    assert_eq!(all_agree(SumWhere(vec![0xff; 1024], vec![0xff; 8192])), 8192 * 255);
    for set in 0..512 {
        let mut bits = vec![0; 64];
        bits[set / 8] = 1 << (set % 8);
        let bytes = (0..512).map(|place| (place % 251) as u8).collect();
        assert_eq!(all_agree(SumWhere(bits, bytes)), set as u32 % 251);
    }
}

#[derive(Clone)]
struct Products(Vec<i16>, Vec<i8>);

impl Each<(i32, [f32; LANES])> for Products {
    fn each<S: Simd>(self) -> (i32, [f32; LANES]) {
        let lanes = |from: usize| std::array::from_fn(|lane| f32::from(self.0[from + lane]));
        (S::dot(&self.0, &self.1), S::multiply_add_all(&lanes(0), &lanes(LANES), &lanes(2 * LANES)))
    }
}

#[test]
fn whole_numbers_are_multiplied_and_added_without_loss() {
    for length in [64, 128, 384, 8_192] {
        let (least, _) = all_agree(Products(vec![-127; length], vec![127; length]));
        assert_eq!(least, -127 * 127 * length as i32);
        let many: Vec<i16> = (0..length).map(|at| (at * 37 % 255) as i16 - 127).collect();
        let bytes: Vec<i8> = (0..length).map(|at| (at * 91 % 256) as u8 as i8).collect();
        let exact = many.iter().zip(&bytes).map(|(a, b)| i32::from(*a) * i32::from(*b)).sum::<i32>();
        let (sum, lanes) = all_agree(Products(many.clone(), bytes));
        assert_eq!(sum, exact);
        assert_eq!(lanes[3], f32::from(many[3] * many[LANES + 3] + many[2 * LANES + 3]));
    }
}
