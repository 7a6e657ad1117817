//! Gradient clipping: by the global norm of all gradients together, or element by element.
//!
//! The norm is the root of per-chunk sums taken in the chunks' order. Chunks are cut by [`CHUNK`] alone, so any number of threads
//! gives the same bits. Padding between tensors is zero and counts nothing.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::math::Scalar;

/// Elements of the flat gradient buffer in one partial sum.
pub const CHUNK: usize = 4096;

/// What to do with large gradients.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase", deny_unknown_fields)]
pub enum ClipSpec {
    /// Leave them.
    None {},
    /// Scale all by min(1, theta / (norm + epsilon)) (Pascanu, Mikolov, Bengio 2013).
    Norm {
        /// The largest global norm that is left alone, above 0.
        theta: f64,
        /// 0 as in the paper and TensorFlow; 1e-6 as in PyTorch.
        epsilon: f64,
    },
    /// Clamp each element to [-limit, limit].
    Value {
        /// Above 0.
        limit: f64,
    },
}

impl ClipSpec {
    /// Refuses values out of their range (`clip.norm`, `clip.epsilon`, `clip.value`).
    pub fn validate(&self) -> Result<()> {
        match *self {
            ClipSpec::None {} => Ok(()),
            ClipSpec::Norm { theta, epsilon } => {
                above_zero("clip.norm", theta)?;
                if !(epsilon >= 0.0 && epsilon.is_finite()) {
                    return Err(Error::invalid("clip.epsilon", epsilon, "a finite number of at least 0"));
                }
                Ok(())
            }
            ClipSpec::Value { limit } => above_zero("clip.value", limit),
        }
    }
}

fn above_zero(field: &str, value: f64) -> Result<()> {
    if value > 0.0 && value.is_finite() { Ok(()) } else { Err(Error::invalid(field, value, "a finite number above 0")) }
}

/// Sum of the squares of one chunk (at most [`CHUNK`] elements).
///
/// Sixteen running sums in f64, added up in their order: the compiler may keep them in vectors and the bits stay the same.
#[inline(always)]
pub fn square_sum<R: Scalar>(chunk: &[R]) -> f64 {
    let mut sums = [0.0; 16];
    let (blocks, rest) = chunk.as_chunks::<16>();
    for block in blocks {
        for (sum, x) in sums.iter_mut().zip(block) {
            let x = x.to_f64();
            *sum += x * x;
        }
    }
    for (sum, x) in sums.iter_mut().zip(rest) {
        let x = x.to_f64();
        *sum += x * x;
    }
    sums.iter().sum()
}

/// The global norm from the chunks' [`square_sum`]s, in the chunks' order; NaN or infinite if any gradient was.
pub fn global_norm(partials: &[f64]) -> f64 {
    partials.iter().sum::<f64>().sqrt()
}

/// What to multiply all gradients by: min(1, theta / (norm + epsilon)).
///
/// A norm of 0 gives 1. A NaN norm gives NaN and an infinite one 0: a step with such a norm is to be refused, not scaled.
pub fn norm_scale(norm: f64, theta: f64, epsilon: f64) -> f64 {
    let scale = theta / (norm + epsilon);
    if scale >= 1.0 { 1.0 } else { scale }
}

/// Clamps each gradient to [-limit, limit]; NaN stays NaN. Returns whether any was outside.
#[inline(always)]
pub fn clip_value<R: Scalar>(gradients: &mut [R], limit: f64) -> bool {
    let (low, high) = (R::from_f64(-limit), R::from_f64(limit));
    let mut clipped = false;
    for x in gradients {
        clipped |= *x > high || *x < low;
        let below = if *x > high { high } else { *x };
        *x = if below < low { low } else { below };
    }
    clipped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn norm_of(gradients: &[f32]) -> f64 {
        global_norm(&gradients.chunks(CHUNK).map(square_sum).collect::<Vec<_>>())
    }

    #[test]
    fn the_norm_is_the_root_of_all_squares() {
        assert_eq!(norm_of(&[3.0, 0.0, -4.0]), 5.0);
        assert_eq!(norm_of(&vec![2.0; 3 * CHUNK + 1]), (4.0 * (3 * CHUNK + 1) as f64).sqrt());
        assert_eq!(norm_of(&[]), 0.0);
    }

    #[test]
    fn a_gradient_that_is_not_finite_makes_the_norm_so_wherever_it_stands() {
        for at in [0, 17, CHUNK + 5] {
            let mut gradients = vec![1.0; CHUNK + 6];
            gradients[at] = f32::NAN;
            assert!(norm_of(&gradients).is_nan());
            gradients[at] = f32::INFINITY;
            assert_eq!(norm_of(&gradients), f64::INFINITY);
        }
    }

    #[test]
    fn squares_of_large_f32_gradients_do_not_overflow() {
        assert!((norm_of(&[1e30, 1e30]) / (2f64.sqrt() * 1e30) - 1.0).abs() < 1e-7);
    }

    #[test]
    fn clip_by_norm_leaves_small_gradients_alone() {
        assert_eq!(norm_scale(0.5, 1.0, 0.0), 1.0);
        assert_eq!(norm_scale(1.0, 1.0, 0.0), 1.0);
        assert_eq!(norm_scale(4.0, 1.0, 0.0), 0.25);
        assert_eq!(norm_scale(3.0, 1.0, 1.0), 0.25);
    }

    #[test]
    fn a_zero_norm_gives_one_and_a_nan_norm_is_not_hidden() {
        assert_eq!(norm_scale(0.0, 1.0, 0.0), 1.0);
        assert!(norm_scale(f64::NAN, 1.0, 0.0).is_nan());
    }

    #[test]
    fn clip_by_value_clamps_both_sides_and_says_so() {
        let mut gradients = [-2.0f32, -0.5, 0.25, 0.75, f32::NAN];
        assert!(clip_value(&mut gradients, 0.5));
        assert_eq!(gradients[..4], [-0.5, -0.5, 0.25, 0.5]);
        assert!(gradients[4].is_nan());
        assert!(!clip_value(&mut gradients[..4], 0.5));
    }

    #[test]
    fn a_spec_is_read_from_json_and_checked() {
        let spec: ClipSpec = serde_json::from_str(r#"{"kind":"norm","theta":5,"epsilon":0}"#).unwrap();
        assert_eq!(spec, ClipSpec::Norm { theta: 5.0, epsilon: 0.0 });
        assert_eq!(serde_json::from_str::<ClipSpec>(r#"{"kind":"none"}"#).unwrap(), ClipSpec::None {});
        assert!(serde_json::from_str::<ClipSpec>(r#"{"kind":"none","limit":1}"#).is_err());
        assert!(serde_json::from_str::<ClipSpec>(r#"{"kind":"value","limit":1,"theta":1}"#).is_err());
        spec.validate().unwrap();
        let message = ClipSpec::Value { limit: 0.0 }.validate().unwrap_err().to_string();
        assert_eq!(message, "clip.value is 0; it must be a finite number above 0");
        assert!(ClipSpec::Norm { theta: f64::NAN, epsilon: 0.0 }.validate().is_err());
        assert!(ClipSpec::Norm { theta: 1.0, epsilon: -1.0 }.validate().is_err());
    }
}
