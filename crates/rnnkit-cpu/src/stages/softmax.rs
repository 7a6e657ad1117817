//! Softmax, cross-entropy and its gradient on one row of logits, in vectors.

use rnnkit_core::math::Real;

use crate::simd::{Kernel, LANES, Simd, Vector};

/// One row: its losses, and its gradient over the logits.
pub struct Row<'a> {
    /// [V] logits in; `gradient_scale` times the objective's gradient out, if there is to be one.
    pub logits: &'a mut [f32],
    /// The symbol that came.
    pub target: usize,
    /// Share s of the target spread evenly: (1 - s) one-hot + s/V.
    pub smoothing: f64,
    /// Factor of the gradient; `None` leaves the logits as they are.
    pub gradient_scale: Option<f32>,
}

impl Kernel for Row<'_> {
    /// Objective and plain -ln p(target), in nats.
    type Output = [f64; 2];

    #[inline(always)]
    fn run<S: Simd>(self) -> [f64; 2] {
        let count = self.logits.len();
        let largest = largest::<S>(self.logits);
        let target_logit = self.logits[self.target];
        let mean = if self.smoothing > 0.0 { self.logits.iter().map(|&x| f64::from(x)).sum::<f64>() / count as f64 } else { 0.0 };
        let sum = exponentials::<S>(self.logits, largest, self.gradient_scale.is_some());
        let log_sum = f64::from(largest) + sum.ln();
        let nats = log_sum - f64::from(target_logit);
        let objective = if self.smoothing > 0.0 { (1.0 - self.smoothing) * nats + self.smoothing * (log_sum - mean) } else { nats };
        if let Some(scale) = self.gradient_scale {
            // p - target distribution; the even share is taken from every element.
            let share = Vector::<S>::splat((self.smoothing / count as f64) as f32 * scale);
            let factor = Vector::splat((f64::from(scale) / sum) as f32);
            let mut at = 0;
            while at < count {
                (Vector::load(&self.logits[at..]) * factor - share).store(&mut self.logits[at..]);
                at += LANES;
            }
            self.logits[self.target] -= (1.0 - self.smoothing) as f32 * scale;
        }
        [objective, nats]
    }
}

#[inline(always)]
fn largest<S: Simd>(row: &[f32]) -> f32 {
    let mut largest = Vector::<S>::splat(f32::NEG_INFINITY);
    let whole = row.len() - row.len() % LANES;
    let mut at = 0;
    while at < whole {
        largest = largest.max(Vector::load(&row[at..]));
        at += LANES;
    }
    let mut most = largest.largest();
    while at < row.len() {
        most = if row[at] > most { row[at] } else { most };
        at += 1;
    }
    most
}

/// Sum of e^(x - largest), each block of 16 in f32, the blocks in f64; written over the row if they are to stay.
#[inline(always)]
fn exponentials<S: Simd>(row: &mut [f32], largest: f32, keep: bool) -> f64 {
    let shift = Vector::<S>::splat(largest);
    let mut sum = 0.0;
    let mut at = 0;
    while at < row.len() {
        let exponentials = (Vector::load(&row[at..]) - shift).exp();
        let rest = row.len() - at;
        if rest >= LANES {
            sum += f64::from(exponentials.sum());
        } else {
            let lanes = exponentials.to_array();
            let mut i = 0;
            while i < rest {
                sum += f64::from(lanes[i]);
                i += 1;
            }
        }
        if keep {
            exponentials.store(&mut row[at..]);
        }
        at += LANES;
    }
    sum
}

#[cfg(test)]
mod tests {
    use rnnkit_core::loss::softmax_cross_entropy;

    use super::*;
    use crate::simd::Isa;

    #[test]
    fn losses_and_gradients_are_the_cores_at_every_length_and_instruction_set() {
        for count in [1, 2, 15, 16, 17, 31, 65, 100] {
            for smoothing in [0.0, 0.1] {
                let logits: Vec<f32> = (0..count).map(|i| ((i * 37 % 23) as f32 - 11.0) * 0.7).collect();
                let wide: Vec<f64> = logits.iter().map(|&x| f64::from(x)).collect();
                let mut want = vec![0.0; count];
                let row = softmax_cross_entropy(&wide, count / 2, smoothing, 0.5, Some(&mut want));
                for isa in Isa::available() {
                    let mut got = logits.clone();
                    let [objective, nats] = isa.dispatch(Row { logits: &mut got, target: count / 2, smoothing, gradient_scale: Some(0.5) });
                    assert!(
                        (objective - row.objective).abs() < 1e-5 && (nats - row.nats).abs() < 1e-5,
                        "{count} symbols on {}",
                        isa.name()
                    );
                    for (got, want) in got.iter().zip(&want) {
                        assert!((f64::from(*got) - want).abs() < 1e-6, "{count} symbols on {}: {got} for {want}", isa.name());
                    }
                }
            }
        }
    }

    #[test]
    fn a_logit_that_is_not_a_number_makes_the_loss_one_too() {
        for isa in Isa::available() {
            for bad in [f32::NAN, f32::INFINITY] {
                let mut logits = vec![0.0; 20];
                logits[17] = bad;
                let [objective, _] = isa.dispatch(Row { logits: &mut logits, target: 3, smoothing: 0.0, gradient_scale: None });
                assert!(!objective.is_finite(), "{bad} on {}", isa.name());
            }
        }
    }
}
