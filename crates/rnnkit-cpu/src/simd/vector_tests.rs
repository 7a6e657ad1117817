//! Operators, selections, loads and sums of vectors, lane by lane against scalars, on every instruction set.

use super::{Isa, Kernel, LANES, Simd, Vector};
use rnnkit_core::math::Real;

/// Values where operations tend to differ: signs of zero, infinities, NaN, denormals, and plain ones.
const VALUES: [f32; 12] = [0.0, -0.0, 1.0, -1.5, f32::INFINITY, f32::NEG_INFINITY, f32::NAN, 1e-40, -1e-40, 3e38, -7.25, 0.3];

/// What two vectors make, named.
struct Operations([f32; LANES], [f32; LANES]);

impl Kernel for Operations {
    type Output = Vec<(&'static str, [f32; LANES])>;
    #[inline(always)]
    fn run<S: Simd>(self) -> Self::Output {
        let (a, b) = (Vector::<S>::load(&self.0), Vector::<S>::load(&self.1));
        vec![
            ("add", (a + b).to_array()),
            ("sub", (a - b).to_array()),
            ("mul", (a * b).to_array()),
            ("div", (a / b).to_array()),
            ("neg", (-a).to_array()),
            ("abs", a.abs().to_array()),
            ("sqrt", a.sqrt().to_array()),
            ("copysign", a.copysign(b).to_array()),
            ("relu", a.relu().to_array()),
            ("where_positive", a.where_positive(b).to_array()),
            ("max", a.max(b).to_array()),
            ("min", a.min(b).to_array()),
            ("select_less", a.select_less(b, Vector::splat(2.0), Vector::splat(3.0)).to_array()),
        ]
    }
}

/// What [`Operations`] makes of one lane.
fn scalar(name: &str, a: f32, b: f32) -> f32 {
    match name {
        "add" => a + b,
        "sub" => a - b,
        "mul" => a * b,
        "div" => a / b,
        "neg" => -a,
        "abs" => a.abs(),
        "sqrt" => f32::sqrt(a),
        "copysign" => a.copysign(b),
        "relu" => Real::relu(a),
        "where_positive" => Real::where_positive(a, b),
        "max" if a > b => a,
        "min" if a < b => a,
        "max" | "min" => b,
        "select_less" if a < b => 2.0,
        "select_less" => 3.0,
        _ => unreachable!("no operation {name}"),
    }
}

#[test]
fn every_operation_gives_the_bits_of_the_scalar_one() {
    for isa in Isa::available() {
        for a in VALUES {
            for shift in 0..VALUES.len() {
                let b = std::array::from_fn(|i| VALUES[(i + shift) % VALUES.len()]);
                for (name, got) in isa.dispatch(Operations([a; LANES], b)) {
                    for (i, &b) in b.iter().enumerate() {
                        let (got, want) = (got[i], scalar(name, a, b));
                        let same = got.to_bits() == want.to_bits() || (got.is_nan() && want.is_nan());
                        assert!(same, "{name}({a}, {b}) on {isa:?} is {got}, not {want}");
                    }
                }
            }
        }
    }
}

/// A vector of the first slice to the second; what it was.
pub(super) struct Copy<'a>(pub(super) &'a [f32], pub(super) &'a mut [f32]);

impl Kernel for Copy<'_> {
    type Output = [f32; LANES];
    #[inline(always)]
    fn run<S: Simd>(self) -> [f32; LANES] {
        let vector = Vector::<S>::load(self.0);
        vector.store(self.1);
        vector.to_array()
    }
}

#[test]
fn short_slices_load_with_zeros_behind_and_store_no_further_than_they_reach() {
    let from: Vec<f32> = (1..=LANES + 3).map(|x| x as f32).collect();
    for isa in Isa::available() {
        for count in 0..=LANES + 3 {
            let mut to = [-1.0; LANES + 8];
            let loaded = isa.dispatch(Copy(&from[..count], &mut to[..count]));
            let kept = count.min(LANES);
            assert_eq!(loaded[..kept], from[..kept]);
            assert!(loaded[kept..].iter().all(|&x| x == 0.0), "{isa:?}, {count}: {loaded:?}");
            assert_eq!(to[..kept], from[..kept]);
            assert!(to[kept..].iter().all(|&x| x == -1.0), "{isa:?}, {count}: {to:?}");
        }
    }
}

struct Reduce<'a>(&'a [f32]);

impl Kernel for Reduce<'_> {
    type Output = (f32, f32);
    #[inline(always)]
    fn run<S: Simd>(self) -> (f32, f32) {
        let vector = Vector::<S>::load(self.0);
        (vector.sum(), vector.largest())
    }
}

#[test]
fn sums_over_the_lanes_have_one_order_on_every_set() {
    let lanes: [f32; LANES] = std::array::from_fn(|i| (i as f32 * 0.7).sin() * 10f32.powi(i as i32 % 5));
    let halves = |x: &[f32]| -> Vec<f32> { (0..x.len() / 2).map(|i| x[i] + x[i + x.len() / 2]).collect() };
    let expected = (0..4).fold(lanes.to_vec(), |x, _| halves(&x))[0];
    let largest = lanes.iter().copied().fold(f32::MIN, f32::max);
    for isa in Isa::available() {
        let (sum, found) = isa.dispatch(Reduce(&lanes));
        assert_eq!((sum.to_bits(), found), (expected.to_bits(), largest), "{isa:?}");
    }
}
