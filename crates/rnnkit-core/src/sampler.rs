//! Choosing a symbol from logits: greedy, or by temperature, top-k, top-p and min-p, in that order.
//!
//! The probabilities are normalised again after each cut, so that each acts on what the one before left. All sums run in f64.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::math::Scalar;

/// How to choose.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SamplingOptions {
    /// Divides the logits, at least 0; 0 = greedy.
    pub temperature: f64,
    /// Keep the k likeliest symbols (and those as likely as the k-th); 0 = all (Fan, Lewis, Dauphin 2018).
    pub top_k: usize,
    /// Keep the fewest likeliest symbols whose probabilities reach this sum, (0, 1]; 1 = all (Holtzman et al. 2020).
    pub top_p: f64,
    /// Keep symbols at least this share as likely as the likeliest, [0, 1]; 0 = all (Nguyen et al., arXiv:2407.01082).
    pub min_p: f64,
    /// Always the likeliest symbol, the first of equals.
    pub greedy: bool,
}

impl SamplingOptions {
    /// Temperature 1 and nothing cut.
    pub const PLAIN: Self = Self { temperature: 1.0, top_k: 0, top_p: 1.0, min_p: 0.0, greedy: false };

    /// Refuses values out of their range, and `greedy` with a temperature other than 0 or 1 (which is the one left out).
    pub fn validate(&self) -> Result<()> {
        if !(self.temperature >= 0.0 && self.temperature.is_finite()) {
            return Err(Error::invalid("temperature", self.temperature, "a finite number of at least 0 (0 = greedy)"));
        }
        if self.greedy && self.temperature != 0.0 && self.temperature != 1.0 {
            return Err(Error::invalid("temperature", self.temperature, "left out where greedy is set"));
        }
        if !(self.top_p > 0.0 && self.top_p <= 1.0) {
            return Err(Error::invalid("topP", self.top_p, "a number above 0 and at most 1 (1 = off)"));
        }
        if !(0.0..=1.0).contains(&self.min_p) {
            return Err(Error::invalid("minP", self.min_p, "a number from 0 to 1 (0 = off)"));
        }
        Ok(())
    }
}

/// Chooses symbols; keeps the memory it needs, so that no symbol allocates any.
#[derive(Debug, Clone)]
pub struct Chooser {
    options: SamplingOptions,
    /// `[V]`.
    probabilities: Vec<f64>,
    /// `[V]`: what the cuts sort.
    candidates: Vec<(f64, u32)>,
}

impl Chooser {
    /// For a vocabulary of `vocabulary` symbols.
    ///
    /// # Errors
    /// `ERR_INVALID_OPTION`, see [`SamplingOptions::validate`].
    pub fn new(options: SamplingOptions, vocabulary: usize) -> Result<Self> {
        options.validate()?;
        Ok(Self { options, probabilities: vec![0.0; vocabulary], candidates: Vec::with_capacity(vocabulary) })
    }

    /// The probability of each symbol, `[V]`, from its logit, `[V]`; greedy gives the likeliest 1.
    ///
    /// # Errors
    /// [`Error::NonFinite`] if a logit is NaN. Infinite logits, of a model whose training has run off, count as their limit: +∞ takes all.
    pub fn probabilities<R: Scalar>(&mut self, logits: &[R]) -> Result<&[f64]> {
        assert_eq!(logits.len(), self.probabilities.len(), "one logit for each symbol");
        if logits.iter().any(|x| x.to_f64().is_nan()) {
            return Err(Error::NonFinite { what: "a logit is NaN".to_owned() });
        }
        let likeliest = likeliest(logits);
        if self.options.greedy || self.options.temperature == 0.0 {
            self.probabilities.fill(0.0);
            self.probabilities[likeliest] = 1.0;
            return Ok(&self.probabilities);
        }
        let largest = logits[likeliest].to_f64();
        for (p, x) in self.probabilities.iter_mut().zip(logits) {
            // The largest is subtracted first: a tiny temperature cannot overflow then, and the likeliest has e^0.
            let below = if x.to_f64() == largest { 0.0 } else { x.to_f64() - largest };
            *p = (below / self.options.temperature).exp();
        }
        normalise(&mut self.probabilities);
        self.cut_to_top_k();
        self.cut_to_top_p();
        self.cut_to_min_p();
        Ok(&self.probabilities)
    }

    /// The symbol for `u`, uniform in [0, 1): the first whose cumulative probability, in vocabulary order, is above it.
    ///
    /// A symbol that was cut is never chosen.
    ///
    /// # Errors
    /// As [`Chooser::probabilities`].
    pub fn choose<R: Scalar>(&mut self, logits: &[R], u: f64) -> Result<usize> {
        debug_assert!((0.0..1.0).contains(&u), "u is uniform in [0, 1)");
        let probabilities = self.probabilities(logits)?;
        let (mut sum, mut last) = (0.0, 0);
        for (symbol, &p) in probabilities.iter().enumerate() {
            if p > 0.0 {
                sum += p;
                last = symbol;
                if sum > u {
                    break;
                }
            }
        }
        // The sum may round to a little less than 1, and u lie above it: then the last one kept.
        Ok(last)
    }

    fn cut_to_top_k(&mut self) {
        let k = self.options.top_k;
        if k == 0 || k >= self.probabilities.len() {
            return;
        }
        self.candidates.clear();
        self.candidates.extend(self.probabilities.iter().map(|&p| (p, 0)));
        let (_, &mut (least, _), _) = self.candidates.select_nth_unstable_by(k - 1, |a, b| b.0.total_cmp(&a.0));
        self.keep_from(least);
    }

    fn cut_to_top_p(&mut self) {
        if self.options.top_p >= 1.0 {
            return;
        }
        self.candidates.clear();
        self.candidates.extend(self.probabilities.iter().zip(0..).filter(|&(&p, _)| p > 0.0).map(|(&p, symbol)| (p, symbol)));
        // Among equals the first in the vocabulary comes first, so that the cut is the same everywhere.
        self.candidates.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        let mut sum = 0.0;
        for &(p, symbol) in &self.candidates {
            if sum >= self.options.top_p {
                self.probabilities[symbol as usize] = 0.0;
            }
            sum += p;
        }
        normalise(&mut self.probabilities);
    }

    fn cut_to_min_p(&mut self) {
        if self.options.min_p > 0.0 {
            let largest = self.probabilities.iter().copied().fold(0.0, f64::max);
            self.keep_from(self.options.min_p * largest);
        }
    }

    /// Sets probabilities below `least` to 0.
    fn keep_from(&mut self, least: f64) {
        for p in &mut self.probabilities {
            if *p < least {
                *p = 0.0;
            }
        }
        normalise(&mut self.probabilities);
    }
}

fn normalise(probabilities: &mut [f64]) {
    let sum: f64 = probabilities.iter().sum();
    probabilities.iter_mut().for_each(|p| *p /= sum);
}

/// Index of the largest logit, the first of equals.
fn likeliest<R: Scalar>(logits: &[R]) -> usize {
    let mut best = 0;
    for i in 1..logits.len() {
        if logits[i] > logits[best] {
            best = i;
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Key, Stream};

    const PLAIN: SamplingOptions = SamplingOptions::PLAIN;

    /// Logits of the probabilities 0.1, 0.4, 0.2, 0.3.
    fn logits() -> Vec<f64> {
        [0.1f64, 0.4, 0.2, 0.3].map(|p| p.ln() + 5.0).to_vec()
    }

    fn probabilities(options: SamplingOptions, logits: &[f64]) -> Vec<f64> {
        Chooser::new(options, logits.len()).unwrap().probabilities(logits).unwrap().to_vec()
    }

    #[track_caller]
    fn assert_probabilities(options: SamplingOptions, want: &[f64]) {
        let got = probabilities(options, &logits());
        assert!(got.iter().zip(want).all(|(g, w)| (g - w).abs() < 1e-12), "got {got:?}, expected {want:?}");
        assert!(got.iter().zip(want).all(|(&g, &w)| (g == 0.0) == (w == 0.0)), "got {got:?}, expected {want:?}");
    }

    #[test]
    fn temperature_sharpens_and_flattens() {
        assert_probabilities(PLAIN, &[0.1, 0.4, 0.2, 0.3]);
        assert_probabilities(SamplingOptions { temperature: 0.5, ..PLAIN }, &[0.01 / 0.3, 0.16 / 0.3, 0.04 / 0.3, 0.09 / 0.3]);
        assert_probabilities(SamplingOptions { temperature: 1e-300, ..PLAIN }, &[0.0, 1.0, 0.0, 0.0]);
    }

    #[test]
    fn top_k_keeps_the_likeliest_and_ties_at_the_cut() {
        assert_probabilities(SamplingOptions { top_k: 2, ..PLAIN }, &[0.0, 4.0 / 7.0, 0.0, 3.0 / 7.0]);
        assert_probabilities(SamplingOptions { top_k: 40, ..PLAIN }, &[0.1, 0.4, 0.2, 0.3]);
        assert_eq!(probabilities(SamplingOptions { top_k: 2, ..PLAIN }, &[1.0, 3.0, 1.0, -5.0]).iter().filter(|&&p| p > 0.0).count(), 3);
    }

    #[test]
    fn top_p_includes_the_symbol_that_crosses() {
        assert_probabilities(SamplingOptions { top_p: 0.6, ..PLAIN }, &[0.0, 4.0 / 7.0, 0.0, 3.0 / 7.0]);
        assert_probabilities(SamplingOptions { top_p: 0.8, ..PLAIN }, &[0.0, 4.0 / 9.0, 2.0 / 9.0, 3.0 / 9.0]);
        assert_probabilities(SamplingOptions { top_p: 1e-9, ..PLAIN }, &[0.0, 1.0, 0.0, 0.0]);
    }

    #[test]
    fn among_equals_the_nucleus_takes_the_first() {
        assert_eq!(probabilities(SamplingOptions { top_p: 0.5, ..PLAIN }, &[2.0; 4]), [0.5, 0.5, 0.0, 0.0]);
    }

    #[test]
    fn min_p_is_a_share_of_the_likeliest() {
        assert_probabilities(SamplingOptions { min_p: 0.4, ..PLAIN }, &[0.0, 4.0 / 9.0, 2.0 / 9.0, 3.0 / 9.0]);
        assert_eq!(probabilities(SamplingOptions { min_p: 1.0, ..PLAIN }, &[0.0, 1.0, 1.0]), [0.0, 0.5, 0.5]);
    }

    #[test]
    fn each_cut_acts_on_what_the_one_before_left() {
        // Of 4/9, 3/9, 2/9 the first two reach 0.75; of the whole distribution it would have taken three.
        assert_probabilities(SamplingOptions { top_k: 3, top_p: 0.75, ..PLAIN }, &[0.0, 4.0 / 7.0, 0.0, 3.0 / 7.0]);
        assert_probabilities(SamplingOptions { top_k: 3, top_p: 0.75, min_p: 0.8, ..PLAIN }, &[0.0, 1.0, 0.0, 0.0]);
    }

    #[test]
    fn greedy_and_temperature_zero_take_the_first_of_the_largest() {
        for options in [SamplingOptions { greedy: true, ..PLAIN }, SamplingOptions { temperature: 0.0, ..PLAIN }] {
            let mut chooser = Chooser::new(options, 4).unwrap();
            for u in [0.0, 0.5, 0.999] {
                assert_eq!(chooser.choose(&[0.0f32, 50.0, 3.0, 50.0], u).unwrap(), 1);
            }
        }
    }

    #[test]
    fn the_choice_is_the_first_symbol_whose_sum_is_above_u() {
        let mut chooser = Chooser::new(PLAIN, 4).unwrap();
        let equal = [1.0f32; 4];
        for (u, symbol) in [(0.0, 0), (0.2499, 0), (0.25, 1), (0.5, 2), (0.7499, 2), (0.75, 3), (1.0 - f64::EPSILON, 3)] {
            assert_eq!(chooser.choose(&equal, u).unwrap(), symbol, "u = {u}");
        }
    }

    #[test]
    fn a_symbol_that_was_cut_is_never_chosen() {
        let mut chooser = Chooser::new(SamplingOptions { top_k: 3, ..PLAIN }, 5).unwrap();
        let logits = [-9.0f32, 0.1, 0.2, 0.3, -9.0];
        assert_eq!(chooser.choose(&logits, 0.0).unwrap(), 1);
        assert_eq!(chooser.choose(&logits, 1.0 - f64::EPSILON / 2.0).unwrap(), 3);
    }

    #[test]
    fn drawn_symbols_follow_their_probabilities() {
        let logits = [0.0f32, -1.0, 1.5, 0.3, -2.0, 0.9, -0.4, 2.0];
        let mut chooser = Chooser::new(SamplingOptions { temperature: 1.2, ..PLAIN }, 8).unwrap();
        let want = chooser.probabilities(&logits).unwrap().to_vec();
        let key = Key::stream(7, Stream::Sampling, 0);
        let mut counts = [0.0; 8];
        for i in 0..100_000 {
            counts[chooser.choose(&logits, key.uniform(i)).unwrap()] += 1.0;
        }
        let chi_square: f64 = counts.iter().zip(&want).map(|(&n, p)| (n - 1e5 * p).powi(2) / (1e5 * p)).sum();
        // 7 degrees of freedom: above 24.3 once in a thousand seeds.
        assert!(chi_square < 24.3, "chi-square {chi_square}: {counts:?}");
    }

    #[test]
    fn a_logit_that_is_no_number_is_refused_and_infinite_ones_are_limits() {
        let mut chooser = Chooser::new(PLAIN, 3).unwrap();
        assert_eq!(chooser.choose(&[0.0, f32::NAN, 1.0], 0.5).unwrap_err().code(), "ERR_NON_FINITE");
        const INFINITY: f32 = f32::INFINITY;
        assert_eq!(chooser.probabilities(&[0.0, INFINITY, 1.0]).unwrap(), [0.0, 1.0, 0.0]);
        assert_eq!(chooser.probabilities(&[INFINITY, 5.0, INFINITY]).unwrap(), [0.5, 0.0, 0.5]);
        assert_eq!(chooser.probabilities(&[7.0, -INFINITY, 7.0]).unwrap(), [0.5, 0.0, 0.5]);
    }

    #[test]
    fn options_out_of_range_are_refused_by_name() {
        let field = |options: SamplingOptions| Chooser::new(options, 2).unwrap_err().data().field.unwrap();
        assert_eq!(field(SamplingOptions { temperature: -0.1, ..PLAIN }), "temperature");
        assert_eq!(field(SamplingOptions { temperature: f64::INFINITY, ..PLAIN }), "temperature");
        assert_eq!(field(SamplingOptions { greedy: true, temperature: 0.7, ..PLAIN }), "temperature");
        assert_eq!(field(SamplingOptions { top_p: 0.0, ..PLAIN }), "topP");
        assert_eq!(field(SamplingOptions { top_p: f64::NAN, ..PLAIN }), "topP");
        assert_eq!(field(SamplingOptions { min_p: 1.1, ..PLAIN }), "minP");
    }
}
