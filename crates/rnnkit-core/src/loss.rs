//! Losses of one row (one predicted symbol, one vector of values) with their gradients.
//!
//! Sums over rows, means and masks belong to the caller, who also puts their factors into `gradient_scale`. Sums run in f64,
//! in the order of the elements, so that a row's loss has the same bits whoever computes it.

use crate::math::Scalar;
use crate::spec::{LossSpec, Reduction};

impl LossSpec {
    /// Factor from the sum over a window's predicted rows to the mean that the loss is made of; each row's gradient has it too.
    /// `count`: predicted rows; `size`: values of a row.
    pub fn row_scale(&self, count: usize, lanes: usize, size: usize) -> f64 {
        match self {
            LossSpec::CrossEntropy { reduction: Reduction::SumOverTime, .. } => 1.0 / lanes as f64,
            LossSpec::CrossEntropy { .. } => 1.0 / count.max(1) as f64,
            LossSpec::MeanSquaredError | LossSpec::RootMeanSquaredError => 1.0 / (count.max(1) * size) as f64,
        }
    }

    /// The objective from that mean, and the factor of all gradients that only the whole sum gives.
    pub fn objective(&self, mean: f64) -> (f64, f64) {
        match self {
            // d sqrt(m) = dm / (2 sqrt(m)); at m = 0 the gradients are 0 anyway.
            LossSpec::RootMeanSquaredError if mean > 0.0 => (mean.sqrt(), 0.5 / mean.sqrt()),
            _ => (mean, 1.0),
        }
    }
}

/// The loss of one row.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct RowLoss {
    /// What training lowers: cross-entropy against the (smoothed) target, nats.
    pub objective: f64,
    /// -log p(target), nats: what perplexity is made of, never smoothed.
    pub nats: f64,
}

/// Softmax cross-entropy of one row against the symbol `target`.
///
/// The target distribution is `(1 - smoothing) * one_hot + smoothing / V` (PyTorch's and Keras's form, the true symbol included),
/// `smoothing` in [0, 1). `logits`: `[V]`. `gradient`, if wanted: `[V]`, set to `gradient_scale` times the objective's gradient.
/// The largest logit is subtracted first, so that finite logits do not overflow; a NaN or +infinity among them makes both losses NaN.
pub fn softmax_cross_entropy<R: Scalar>(
    logits: &[R],
    target: usize,
    smoothing: f64,
    gradient_scale: f64,
    gradient: Option<&mut [R]>,
) -> RowLoss {
    if let Some(gradient) = gradient {
        gradient.copy_from_slice(logits);
        return softmax_cross_entropy_in_place(gradient, target, smoothing, gradient_scale);
    }
    let largest = largest(logits);
    let distances = Distances::new(logits, largest, target, smoothing);
    distances.loss(logits.iter().map(|&x| (x - largest).exp().to_f64()).sum(), smoothing)
}

/// As [`softmax_cross_entropy`], with the gradient written over the logits: `row`: `[V]`.
pub fn softmax_cross_entropy_in_place<R: Scalar>(row: &mut [R], target: usize, smoothing: f64, gradient_scale: f64) -> RowLoss {
    let largest = largest(row);
    let distances = Distances::new(row, largest, target, smoothing);
    let exponential = |x: &mut R| {
        *x = (*x - largest).exp();
        x.to_f64()
    };
    let sum: f64 = row.iter_mut().map(exponential).sum();

    let each = smoothing / row.len() as f64;
    // In f64, since p - 1 cancels once the model is sure.
    let at_target = gradient_scale * (row[target].to_f64() / sum - (1.0 - smoothing) - each);
    let (factor, offset) = (R::from_f64(gradient_scale / sum), R::from_f64(gradient_scale * each));
    for x in row.iter_mut() {
        *x = *x * factor - offset;
    }
    row[target] = R::from_f64(at_target);
    distances.loss(sum, smoothing)
}

/// log softmax(logits), nats. `logits`, `out`: `[V]`.
pub fn log_softmax<R: Scalar>(logits: &[R], out: &mut [f64]) {
    assert_eq!(logits.len(), out.len(), "one log-probability for each logit");
    let largest = largest(logits).to_f64();
    let log_sum = logits.iter().map(|x| (x.to_f64() - largest).exp()).sum::<f64>().ln();
    for (out, x) in out.iter_mut().zip(logits) {
        *out = x.to_f64() - largest - log_sum;
    }
}

/// Sum of the squared differences of one row, without a factor 1/2. `prediction`, `target`: `[O]`.
///
/// `gradient`, if wanted: `[O]`, set to `gradient_scale * 2 * (prediction - target)`. The mean squared error of n elements takes
/// `gradient_scale = 1/n`; its root takes `1 / (2 n rmse)`, known only once all rows were summed.
pub fn squared_error<R: Scalar>(prediction: &[R], target: &[R], gradient_scale: f64, gradient: Option<&mut [R]>) -> f64 {
    assert_eq!(prediction.len(), target.len(), "one target for each prediction");
    let difference = |(&p, &t): (&R, &R)| p.to_f64() - t.to_f64();
    if let Some(gradient) = gradient {
        assert_eq!(prediction.len(), gradient.len(), "one gradient for each prediction");
        for (gradient, pair) in gradient.iter_mut().zip(prediction.iter().zip(target)) {
            *gradient = R::from_f64(2.0 * gradient_scale * difference(pair));
        }
    }
    prediction.iter().zip(target).map(|pair| difference(pair).powi(2)).sum()
}

/// How far below the largest logit others lie: what the loss needs of the logits beside the sum of exponentials.
struct Distances {
    /// Largest logit - the target's.
    target: f64,
    /// Largest logit - the mean logit; 0 where no smoothing asks for it.
    mean: f64,
}

impl Distances {
    fn new<R: Scalar>(logits: &[R], largest: R, target: usize, smoothing: f64) -> Self {
        assert!(target < logits.len(), "symbol {target} is outside of a vocabulary of {}", logits.len());
        let below = |x: R| largest.to_f64() - x.to_f64();
        let mean = if smoothing > 0.0 { logits.iter().map(|&x| below(x)).sum::<f64>() / logits.len() as f64 } else { 0.0 };
        Self { target: below(logits[target]), mean }
    }

    /// `sum`: of e^(logit - largest).
    fn loss(&self, sum: f64, smoothing: f64) -> RowLoss {
        let nats = sum.ln() + self.target;
        if smoothing > 0.0 {
            RowLoss { objective: sum.ln() + (1.0 - smoothing) * self.target + smoothing * self.mean, nats }
        } else {
            RowLoss { objective: nats, nats }
        }
    }
}

/// The largest element; a NaN is passed over here and found by the sum.
fn largest<R: Scalar>(x: &[R]) -> R {
    x.iter().copied().fold(R::from_f64(f64::NEG_INFINITY), |a, b| if b > a { b } else { a })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assert_close(got: f64, want: f64, tolerance: f64) {
        assert!((got - want).abs() <= tolerance, "got {got}, expected {want}, difference {:e}", got - want);
    }

    #[test]
    fn equal_logits_cost_the_logarithm_of_the_vocabulary() {
        let loss = softmax_cross_entropy(&[7.5f32; 10], 3, 0.0, 1.0, None);
        assert_close(loss.nats, 10f64.ln(), 1e-12);
        assert_eq!(loss.objective, loss.nats);
    }

    #[test]
    fn two_logits_give_the_logistic_loss() {
        let mut gradient = [0.0; 2];
        let loss = softmax_cross_entropy(&[1.0f64, 3.0], 0, 0.0, 2.0, Some(&mut gradient));
        assert_close(loss.nats, (1.0 + 2f64.exp()).ln(), 1e-14);
        let p = 1.0 / (1.0 + 2f64.exp());
        assert_close(gradient[0], 2.0 * (p - 1.0), 1e-14);
        assert_close(gradient[1], 2.0 * (1.0 - p), 1e-14);
    }

    #[test]
    fn smoothing_changes_the_objective_and_leaves_nats_alone() {
        let logits = [0.3f64, -1.0, 2.0, 0.5];
        let mut log_p = [0.0; 4];
        log_softmax(&logits, &mut log_p);
        let loss = softmax_cross_entropy(&logits, 1, 0.1, 1.0, None);
        assert_close(loss.nats, -log_p[1], 1e-14);
        assert_close(loss.objective, -0.9 * log_p[1] - 0.025 * log_p.iter().sum::<f64>(), 1e-14);
    }

    #[test]
    fn the_gradient_is_the_slope_of_the_objective() {
        let logits = [0.3f64, -1.0, 2.0, 0.5, -0.2];
        for smoothing in [0.0, 0.1] {
            let mut gradient = [0.0; 5];
            softmax_cross_entropy(&logits, 4, smoothing, 3.0, Some(&mut gradient));
            for j in 0..5 {
                let objective = |step: f64| {
                    let mut x = logits;
                    x[j] += step;
                    softmax_cross_entropy(&x, 4, smoothing, 1.0, None).objective
                };
                assert_close(gradient[j], 3.0 * (objective(1e-5) - objective(-1e-5)) / 2e-5, 1e-8);
            }
        }
    }

    #[test]
    fn the_loss_is_the_same_with_and_without_gradient_and_in_place() {
        let logits: Vec<f32> = (0..67).map(|i| ((i * 37 % 29) as f32 - 14.0) * 0.3).collect();
        let (mut gradient, mut row) = (vec![0.0; 67], logits.clone());
        let loss = softmax_cross_entropy(&logits, 5, 0.2, 0.5, None);
        assert_eq!(loss, softmax_cross_entropy(&logits, 5, 0.2, 0.5, Some(&mut gradient)));
        assert_eq!(loss, softmax_cross_entropy_in_place(&mut row, 5, 0.2, 0.5));
        assert_eq!(gradient, row);
        assert_close(gradient.iter().map(|&g| f64::from(g)).sum(), 0.0, 1e-7);
    }

    #[test]
    fn large_logits_do_not_overflow() {
        let mut gradient = [0.0f32; 3];
        let loss = softmax_cross_entropy(&[1e4f32, -1e4, 1e4], 1, 0.0, 1.0, Some(&mut gradient));
        assert_close(loss.nats, 2e4 + 2f64.ln(), 1e-9);
        assert_eq!(gradient, [0.5, -1.0, 0.5]);
    }

    #[test]
    fn a_logit_that_is_not_finite_shows_in_the_loss() {
        assert!(softmax_cross_entropy(&[0.0f32, f32::NAN, 1.0], 0, 0.0, 1.0, None).nats.is_nan());
        assert!(softmax_cross_entropy(&[0.0f32, f32::INFINITY], 0, 0.0, 1.0, None).nats.is_nan());
    }

    #[test]
    #[should_panic(expected = "symbol 3 is outside of a vocabulary of 3")]
    fn a_target_outside_of_the_vocabulary_is_refused() {
        softmax_cross_entropy(&[0.0f32; 3], 3, 0.0, 1.0, None);
    }

    #[test]
    fn squared_error_has_no_half() {
        let mut gradient = [0.0f32; 3];
        assert_eq!(squared_error(&[1.0f32, 2.0, 3.0], &[1.0, 0.0, 4.0], 0.5, Some(&mut gradient)), 5.0);
        assert_eq!(gradient, [0.0, 2.0, -1.0]);
    }
}
