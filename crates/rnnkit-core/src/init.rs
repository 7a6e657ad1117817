//! Initial values of parameters, one stored tensor at a time.
//!
//! A rule acts on the whole stored tensor: all gates of `weight_hh` together are one [G*H, H] matrix. Element i takes draw i of the
//! tensor's key, so a tensor's values do not depend on the others.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::rng::Key;

/// How parameters start.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum InitSpec {
    /// torch.nn's: recurrent tensors uniform ±1/√H, dense and head ±1/√(inputs), embedding N(0, 1).
    Pytorch,
    /// Keras's: Glorot uniform, orthogonal recurrence, zero biases with the forget gate's at 1, embedding uniform ±0.05.
    Keras,
    /// Weights and embedding N(0, this²), biases 0.
    Normal(f64),
    /// Weights and embedding Glorot uniform (Glorot, Bengio 2010), biases 0.
    Xavier,
    /// Weights and embedding orthogonal (Saxe, McClelland, Ganguli 2014), biases 0.
    Orthogonal,
    /// Elman's recurrence the identity (Le, Jaitly, Hinton, arXiv:1504.00941), the rest as [`InitSpec::Xavier`].
    Identity,
}

impl InitSpec {
    /// Refuses a deviation out of range, and the identity for a model with a recurrent cell that is not Elman's.
    pub fn validate(&self, only_elman_cells: bool) -> Result<()> {
        match *self {
            InitSpec::Normal(deviation) if !(deviation > 0.0 && deviation.is_finite()) => {
                Err(Error::invalid("init.normal", deviation, "a finite number above 0"))
            }
            InitSpec::Identity if !only_elman_cells => {
                Err(Error::invalid("init", "'identity'", "another one, or every recurrent cell must be 'rnn': gates have no identity"))
            }
            _ => Ok(()),
        }
    }
}

/// What a tensor is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TensorRole {
    /// [V, E]: a row for each symbol.
    Embedding,
    /// [G*H, E]: from the layer below.
    WeightIh,
    /// [G*H, H]: from the time step before.
    WeightHh,
    /// `[G*H]`.
    BiasIh,
    /// `[G*H]`.
    BiasHh,
    /// [O, I].
    DenseWeight,
    /// `[O]`.
    DenseBias,
    /// [V, H].
    HeadWeight,
    /// `[V]`.
    HeadBias,
    /// `[H]`: batch normalisation's scale; starts at 1.
    Gamma,
    /// `[H]`: batch normalisation's shift; starts at 0.
    Beta,
    /// `[H]`: batch normalisation's moving mean, a statistic; starts at 0.
    MovingMean,
    /// `[H]`: batch normalisation's moving variance, a statistic; starts at 1.
    MovingVariance,
}

impl TensorRole {
    /// Whether it is a statistic: no gradient, no optimizer.
    pub fn is_statistic(self) -> bool {
        matches!(self, TensorRole::MovingMean | TensorRole::MovingVariance)
    }
}

/// What an initial value may depend on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TensorShape<'a> {
    /// What the tensor is for.
    pub role: TensorRole,
    /// As stored, row-major: one or two sizes.
    pub shape: &'a [usize],
    /// H of the recurrent layer the tensor belongs to; elsewhere unused.
    pub hidden: usize,
    /// Inputs of the layer (a bias has its weight's).
    pub fan_in: usize,
    /// Index of the forget gate's block of H rows, where the cell has one.
    pub forget_gate: Option<usize>,
}

/// Where a tensor's values come from, and whether anybody still wants them.
#[derive(Clone, Copy)]
pub struct Draw<'a> {
    /// Element i takes draw i.
    pub key: Key,
    /// Looked at every few thousand draws; the values are of no use once it is true.
    pub stop: &'a dyn Fn() -> bool,
}

impl Draw<'_> {
    fn each(self, values: &mut [f64], of: impl Fn(Key, u64) -> f64) {
        const BETWEEN_LOOKS: usize = 1 << 14;
        for (piece, values) in values.chunks_mut(BETWEEN_LOOKS).enumerate() {
            if (self.stop)() {
                return;
            }
            for (i, value) in values.iter_mut().enumerate() {
                *value = of(self.key, (piece * BETWEEN_LOOKS + i) as u64);
            }
        }
    }
}

/// Fills one tensor with its initial values. `values`: row-major, as many as the shape says.
pub fn fill(spec: &InitSpec, tensor: &TensorShape<'_>, draw: Draw, values: &mut [f64]) {
    assert_eq!(values.len(), tensor.shape.iter().product::<usize>(), "as many values as the shape says");
    match tensor.role {
        TensorRole::Gamma | TensorRole::MovingVariance => values.fill(1.0),
        TensorRole::Beta | TensorRole::MovingMean => values.fill(0.0),
        _ if *spec == InitSpec::Pytorch => fill_pytorch(tensor, draw, values),
        TensorRole::BiasIh | TensorRole::BiasHh | TensorRole::DenseBias | TensorRole::HeadBias => {
            values.fill(0.0);
            if *spec == InitSpec::Keras && tensor.role == TensorRole::BiasIh {
                fill_forget_gate(tensor, 1.0, values);
            }
        }
        role => fill_weight(spec, role, rows_and_columns(tensor), draw, values),
    }
}

/// Sets the forget gate's rows of a bias `[G*H]` to `value`; nothing where the cell has no such gate.
pub fn fill_forget_gate(tensor: &TensorShape<'_>, value: f64, bias: &mut [f64]) {
    if let Some(gate) = tensor.forget_gate {
        bias[gate * tensor.hidden..(gate + 1) * tensor.hidden].fill(value);
    }
}

fn fill_pytorch(tensor: &TensorShape<'_>, draw: Draw, values: &mut [f64]) {
    let fan = match tensor.role {
        TensorRole::Embedding => return fill_normal(1.0, draw, values),
        TensorRole::WeightIh | TensorRole::WeightHh | TensorRole::BiasIh | TensorRole::BiasHh => tensor.hidden,
        _ => tensor.fan_in,
    };
    fill_uniform(1.0 / (fan as f64).sqrt(), draw, values);
}

/// A weight or embedding by any rule but PyTorch's.
fn fill_weight(spec: &InitSpec, role: TensorRole, [rows, columns]: [usize; 2], draw: Draw, values: &mut [f64]) {
    match (spec, role) {
        (InitSpec::Normal(deviation), _) => fill_normal(*deviation, draw, values),
        (InitSpec::Keras, TensorRole::Embedding) => fill_uniform(0.05, draw, values),
        (InitSpec::Keras, TensorRole::WeightHh) | (InitSpec::Orthogonal, _) => fill_orthogonal(rows, columns, draw, values),
        (InitSpec::Identity, TensorRole::WeightHh) => fill_identity(columns, values),
        _ => fill_glorot(columns, rows, draw, values),
    }
}

fn rows_and_columns(tensor: &TensorShape<'_>) -> [usize; 2] {
    tensor.shape.try_into().expect("weights and embeddings are matrices")
}

/// Uniform in [-bound, bound).
pub fn fill_uniform(bound: f64, draw: Draw, values: &mut [f64]) {
    draw.each(values, |key, i| (2.0 * key.uniform(i) - 1.0) * bound);
}

/// N(0, deviation²).
pub fn fill_normal(deviation: f64, draw: Draw, values: &mut [f64]) {
    draw.each(values, |key, i| deviation * key.normal(i));
}

/// Glorot and Bengio's uniform: ±√(6 / (fan_in + fan_out)).
pub fn fill_glorot(fan_in: usize, fan_out: usize, draw: Draw, values: &mut [f64]) {
    fill_uniform((6.0 / (fan_in + fan_out) as f64).sqrt(), draw, values);
}

/// Ones on the diagonal, zeros elsewhere. `values`: [_, columns].
pub fn fill_identity(columns: usize, values: &mut [f64]) {
    for (i, value) in values.iter_mut().enumerate() {
        *value = f64::from(i / columns == i % columns);
    }
}

/// A random matrix [rows, columns] whose rows or columns, whichever are fewer, are orthonormal.
///
/// Normal numbers made orthonormal by Gram and Schmidt's modified process, which leaves a positive diagonal in R, so that the
/// result is uniform over all such matrices (Mezzadri, arXiv:math-ph/0609050). A vector goes through twice where the first time took
/// most of it away, for the rest then holds too much of the others (Giraud et al. 2005). Some vectors go together, so that those done
/// before are read once for all of them.
pub fn fill_orthogonal(rows: usize, columns: usize, draw: Draw, values: &mut [f64]) {
    const TOGETHER: usize = 8;
    let (count, length) = (rows.min(columns), rows.max(columns));
    let mut vectors = vec![0.0; count * length];
    fill_normal(1.0, draw, &mut vectors);
    for first in (0..count).step_by(TOGETHER) {
        let (done, rest) = vectors.split_at_mut(first * length);
        let block = &mut rest[..TOGETHER.min(count - first) * length];
        if !make_orthonormal(done, block, length, draw.stop) {
            return;
        }
    }
    if rows <= columns {
        values.copy_from_slice(&vectors);
    } else {
        for (i, value) in values.iter_mut().enumerate() {
            *value = vectors[i % columns * length + i / columns];
        }
    }
}

/// Makes the vectors of `block` orthonormal to those of `done` and to each other; false if `stop` ended it.
fn make_orthonormal(done: &[f64], block: &mut [f64], length: usize, stop: &dyn Fn() -> bool) -> bool {
    let norms: Vec<f64> = block.chunks_exact(length).map(norm).collect();
    let mut through = vec![true; norms.len()];
    for _ in 0..2 {
        for other in done.chunks_exact(length) {
            if stop() {
                return false;
            }
            let wanted = block.chunks_exact_mut(length).zip(&through).filter(|(_, through)| **through);
            wanted.for_each(|(vector, _)| take_share(vector, other));
        }
        for ((vector, before), through) in block.chunks_exact(length).zip(&norms).zip(&mut through) {
            *through = norm(vector) < 0.5 * before;
        }
    }
    for j in 0..block.len() / length {
        let (before, rest) = block.split_at_mut(j * length);
        let vector = &mut rest[..length];
        for _ in 0..2 {
            before.chunks_exact(length).for_each(|other| take_share(vector, other));
        }
        let norm = norm(vector);
        vector.iter_mut().for_each(|x| *x /= norm);
    }
    true
}

/// Takes from `vector` what it shares with `other`, of length 1.
fn take_share(vector: &mut [f64], other: &[f64]) {
    let share = dot(other, vector);
    vector.iter_mut().zip(other).for_each(|(x, o)| *x -= share * o);
}

fn norm(vector: &[f64]) -> f64 {
    dot(vector, vector).sqrt()
}

/// Inner product by eight running sums, which the compiler may keep in vectors.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; 8];
    let (a, a_rest) = a.as_chunks::<8>();
    let (b, b_rest) = b.as_chunks::<8>();
    for (a, b) in a.iter().zip(b) {
        for lane in 0..8 {
            sums[lane] += a[lane] * b[lane];
        }
    }
    sums.iter().sum::<f64>() + a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Stream;
    use TensorRole::*;

    fn filled(spec: InitSpec, role: TensorRole, shape: &[usize]) -> Vec<f64> {
        let tensor = TensorShape { role, shape, hidden: 16, fan_in: 25, forget_gate: Some(1) };
        let mut values = vec![f64::NAN; shape.iter().product()];
        fill(&spec, &tensor, Draw { key: Key::stream(1, Stream::Init, 4), stop: &|| false }, &mut values);
        values
    }

    /// The values stay within ±bound and come near it on both sides.
    fn assert_uniform(values: &[f64], bound: f64) {
        let (low, high) = values.iter().fold((0.0f64, 0.0f64), |(l, h), &x| (l.min(x), h.max(x)));
        assert!(low >= -bound && high <= bound && low < -0.9 * bound && high > 0.9 * bound, "{low} to {high}, expected ±{bound}");
    }

    /// Mean 0 and the deviation, within four standard errors.
    fn assert_normal(values: &[f64], deviation: f64) {
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let variance = values.iter().map(|x| x * x).sum::<f64>() / n;
        assert!(mean.abs() < 4.0 * deviation / n.sqrt(), "mean {mean}");
        assert!((variance / deviation.powi(2) - 1.0).abs() < 4.0 * (2.0 / n).sqrt(), "variance {variance}");
    }

    fn assert_orthonormal(vectors: &[Vec<f64>]) {
        for (i, a) in vectors.iter().enumerate() {
            for (j, b) in vectors.iter().enumerate() {
                let product: f64 = a.iter().zip(b).map(|(x, y)| x * y).sum();
                assert!((product - f64::from(i == j)).abs() < 1e-12, "vectors {i} and {j}: {product}");
            }
        }
    }

    fn rows(values: &[f64], columns: usize) -> Vec<Vec<f64>> {
        values.chunks(columns).map(<[f64]>::to_vec).collect()
    }

    fn columns(values: &[f64], columns: usize) -> Vec<Vec<f64>> {
        (0..columns).map(|c| values.iter().skip(c).step_by(columns).copied().collect()).collect()
    }

    #[test]
    fn pytorch_bounds_recurrent_tensors_by_hidden_and_dense_ones_by_inputs() {
        for (role, shape) in [(WeightIh, &[64, 25][..]), (WeightHh, &[64, 16]), (BiasIh, &[64]), (BiasHh, &[64])] {
            assert_uniform(&filled(InitSpec::Pytorch, role, shape), 0.25);
        }
        for (role, shape) in [(DenseWeight, &[40, 25][..]), (DenseBias, &[40]), (HeadWeight, &[40, 25]), (HeadBias, &[40])] {
            assert_uniform(&filled(InitSpec::Pytorch, role, shape), 0.2);
        }
        assert_normal(&filled(InitSpec::Pytorch, Embedding, &[100, 25]), 1.0);
    }

    #[test]
    fn keras_is_glorot_with_orthogonal_recurrence_and_a_forget_gate_at_one() {
        assert_uniform(&filled(InitSpec::Keras, WeightIh, &[64, 25]), (6.0f64 / 89.0).sqrt());
        assert_uniform(&filled(InitSpec::Keras, HeadWeight, &[40, 25]), (6.0f64 / 65.0).sqrt());
        assert_uniform(&filled(InitSpec::Keras, Embedding, &[100, 25]), 0.05);
        assert_orthonormal(&columns(&filled(InitSpec::Keras, WeightHh, &[64, 16]), 16));
        let bias = filled(InitSpec::Keras, BiasIh, &[64]);
        assert!(bias.iter().enumerate().all(|(i, &b)| b == f64::from((16..32).contains(&i))), "{bias:?}");
        assert!(filled(InitSpec::Keras, BiasHh, &[64]).iter().all(|&b| b == 0.0));
    }

    #[test]
    fn the_other_rules_leave_biases_at_zero() {
        for spec in [InitSpec::Normal(0.01), InitSpec::Xavier, InitSpec::Orthogonal, InitSpec::Identity] {
            for role in [BiasIh, BiasHh, DenseBias, HeadBias] {
                assert!(filled(spec, role, &[64]).iter().all(|&b| b == 0.0), "{spec:?} {role:?}");
            }
        }
    }

    #[test]
    fn normal_xavier_and_orthogonal_take_the_embedding_too() {
        for role in [Embedding, WeightIh, WeightHh, DenseWeight, HeadWeight] {
            assert_normal(&filled(InitSpec::Normal(0.01), role, &[60, 16]), 0.01);
            assert_uniform(&filled(InitSpec::Xavier, role, &[60, 16]), (6.0f64 / 76.0).sqrt());
            assert_orthonormal(&columns(&filled(InitSpec::Orthogonal, role, &[60, 16]), 16));
        }
    }

    #[test]
    fn a_wide_orthogonal_matrix_has_orthonormal_rows() {
        assert_orthonormal(&rows(&filled(InitSpec::Orthogonal, HeadWeight, &[13, 40]), 40));
        assert_orthonormal(&rows(&filled(InitSpec::Orthogonal, HeadWeight, &[33, 33]), 33));
        assert_eq!(filled(InitSpec::Orthogonal, WeightHh, &[1, 1])[0].abs(), 1.0);
    }

    #[test]
    fn identity_is_for_the_recurrence_and_the_rest_is_xavier() {
        let recurrence = filled(InitSpec::Identity, WeightHh, &[16, 16]);
        assert!(recurrence.iter().enumerate().all(|(i, &x)| x == f64::from(i % 17 == 0)));
        assert_eq!(filled(InitSpec::Identity, WeightIh, &[16, 25]), filled(InitSpec::Xavier, WeightIh, &[16, 25]));
    }

    #[test]
    fn batch_normalisation_starts_as_the_identity() {
        assert!(filled(InitSpec::Pytorch, Gamma, &[16]).iter().all(|&x| x == 1.0));
        assert!(filled(InitSpec::Normal(0.1), Beta, &[16]).iter().all(|&x| x == 0.0));
    }

    #[test]
    fn a_spec_is_a_word_or_a_deviation() {
        let read = |json: &str| serde_json::from_str::<InitSpec>(json);
        assert_eq!(read(r#""pytorch""#).unwrap(), InitSpec::Pytorch);
        assert_eq!(read(r#"{"normal":0.01}"#).unwrap(), InitSpec::Normal(0.01));
        assert!(read(r#""he""#).is_err());
    }

    #[test]
    fn what_cannot_be_honoured_is_refused() {
        assert!(InitSpec::Identity.validate(true).is_ok());
        assert_eq!(InitSpec::Identity.validate(false).unwrap_err().data().field.unwrap(), "init");
        assert_eq!(InitSpec::Normal(-1.0).validate(true).unwrap_err().data().field.unwrap(), "init.normal");
        assert!(InitSpec::Normal(f64::NAN).validate(true).is_err());
    }
}
