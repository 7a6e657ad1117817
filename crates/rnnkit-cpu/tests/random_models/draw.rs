//! Draws models, data and windows from a case's number, the same in every run.

use rnnkit_core::cell::CellKind;
use rnnkit_core::rng::{Key, Stream};
use rnnkit_core::spec::{
    Activation, HeadSpec, InputSpec, LayerSpec, LossSpec, MaskShape, ModelSpec, Predict, Projection, RecurrentDropout, Reduction,
};
use rnnkit_core::window::{Sequence, Values};

const CELLS: [CellKind; 6] =
    [CellKind::ElmanTanh, CellKind::ElmanRelu, CellKind::ElmanTanhSeparate, CellKind::ElmanReluSeparate, CellKind::Gru, CellKind::Lstm];
const ACTIVATIONS: [Activation; 4] = [Activation::Linear, Activation::Tanh, Activation::Relu, Activation::Sigmoid];
const MASKS: [MaskShape; 3] = [MaskShape::Step, MaskShape::Sequence, MaskShape::Batch];
const SIZES: [usize; 10] = [1, 2, 3, 5, 7, 8, 15, 16, 17, 33];

/// The draws of one case, one after another.
pub struct Dice {
    key: Key,
    drawn: u64,
}

impl Dice {
    /// Those of that case.
    pub fn new(case: u64) -> Self {
        Self { key: Key::stream(case, Stream::Batches, 99), drawn: 0 }
    }

    /// An integer below `limit`.
    pub fn below(&mut self, limit: usize) -> usize {
        self.drawn += 1;
        (self.key.uniform(self.drawn) * limit as f64) as usize
    }

    /// One of some values.
    pub fn one_of<T: Copy>(&mut self, values: &[T]) -> T {
        values[self.below(values.len())]
    }

    /// True once in so many times.
    pub fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    /// A normal number that an f32 holds.
    pub fn normal(&mut self) -> f32 {
        self.drawn += 1;
        self.key.normal(self.drawn) as f32
    }

    fn rate(&mut self, times: usize) -> f64 {
        if self.once_in(times) { self.one_of(&[0.1, 0.3, 0.5]) } else { 0.0 }
    }

    fn layer(&mut self) -> LayerSpec {
        match self.below(8) {
            0 => LayerSpec::Dense { size: self.one_of(&SIZES), activation: self.one_of(&ACTIVATIONS) },
            1 => LayerSpec::Dropout { rate: self.one_of(&[0.0, 0.2, 0.5]), mask: self.one_of(&MASKS) },
            2 => LayerSpec::BatchNorm { momentum: 0.9, epsilon: 0.01, frozen: self.once_in(3) },
            _ => {
                let dropout = RecurrentDropout { input: self.rate(3), recurrent: self.rate(3), per_gate: self.once_in(2) };
                let (cell, size) = (self.one_of(&CELLS), self.one_of(&SIZES));
                LayerSpec::Recurrent { cell, size, bidirectional: self.once_in(3), dropout }
            }
        }
    }

    /// A model of any layers in any order.
    pub fn model(&mut self) -> ModelSpec {
        let vocabulary = self.one_of(&[2, 3, 7, 30, 65]);
        let input = match self.below(3) {
            0 => InputSpec::OneHot { vocabulary },
            1 => InputSpec::Embedding { vocabulary, size: self.one_of(&SIZES) },
            _ => InputSpec::Real { size: self.one_of(&SIZES) },
        };
        let mut layers: Vec<LayerSpec> = (0..self.below(5)).map(|_| self.layer()).collect();
        if matches!(input, InputSpec::OneHot { .. }) {
            layers.push(LayerSpec::recurrent(self.one_of(&CELLS), self.one_of(&SIZES)));
        }
        let width = layers.iter().fold(input.width(), |width, layer| layer.width(width));
        let identity = self.once_in(5) && width > 1;
        let size = if identity { width } else { self.one_of(&[2, 3, 17, 40]) };
        let projection = if identity { Projection::Identity } else { Projection::Linear };
        let predict = if self.once_in(2) { Predict::LastStep } else { Predict::EveryStep };
        let reduction = self.one_of(&[Reduction::Mean, Reduction::SumOverTime]);
        let loss = match self.below(4) {
            0 => LossSpec::MeanSquaredError,
            1 => LossSpec::RootMeanSquaredError,
            _ => LossSpec::CrossEntropy { label_smoothing: self.one_of(&[0.0, 0.2]), reduction },
        };
        ModelSpec { input, layers, head: HeadSpec { predict, size, projection, dropout: self.rate(4) }, loss }
    }

    /// A model whose recurrent layer has a weight so large that threads share its units, of no round size.
    pub fn large_model(&mut self) -> ModelSpec {
        let cell = self.one_of(&CELLS);
        let size = match cell.gates() {
            1 => 370,
            3 => 211,
            _ => 185,
        };
        let dropout = RecurrentDropout { input: self.rate(3), recurrent: self.rate(4), per_gate: self.once_in(2) };
        let large = LayerSpec::Recurrent { cell, size, bidirectional: self.once_in(4), dropout };
        let layers = if self.once_in(2) { vec![large] } else { vec![LayerSpec::recurrent(CellKind::Gru, 33), large] };
        let predict = if self.once_in(2) { Predict::LastStep } else { Predict::EveryStep };
        let head = HeadSpec { predict, size: 5, projection: Projection::Linear, dropout: 0.0 };
        ModelSpec { input: InputSpec::OneHot { vocabulary: 7 }, layers, head, loss: LossSpec::MeanSquaredError }
    }

    /// Inputs, no symbol among ids, with targets and at times a mask.
    pub fn sequence(&mut self, spec: &ModelSpec, positions: usize) -> Sequence {
        let inputs = self.values(positions, spec.input.vocabulary().map(|vocabulary| vocabulary + 1), spec.input.width());
        let ids = matches!(spec.loss, LossSpec::CrossEntropy { .. }).then_some(spec.head.size);
        let targets = self.values(positions, ids, spec.head.size);
        let mask = self.once_in(3).then(|| (0..positions).map(|_| if self.once_in(4) { 0.0 } else { 1.0 }).collect());
        Sequence { mask, ..Sequence::paired(inputs, targets) }
    }

    fn values(&mut self, positions: usize, ids_below: Option<usize>, width: usize) -> Values {
        match ids_below {
            Some(limit) => Values::Ids((0..positions).map(|_| self.below(limit) as u32).collect()),
            None => Values::Real { width, values: (0..positions * width).map(|_| self.normal()).collect() },
        }
    }
}
