//! The models the suite runs: every cell, depth, input and head, at odd sizes, with drawn numbers.

use rnnkit_core::cell::CellKind;
use rnnkit_core::init::TensorRole;
use rnnkit_core::plan::{ModelPlan, Site};
use rnnkit_core::rng::{Key, Stream};
use rnnkit_core::spec::{Activation, HeadSpec, InputSpec, LayerSpec, LossSpec, ModelSpec, Predict, Projection, Reduction};
use rnnkit_core::window::{Masks, Sequence, Targets, Values};

use crate::window::Setup;

/// The cells.
pub const CELLS: [CellKind; 4] = [CellKind::ElmanTanh, CellKind::ElmanRelu, CellKind::Gru, CellKind::Lstm];

/// Plain cross-entropy.
pub const CROSS_ENTROPY: LossSpec = LossSpec::CrossEntropy { label_smoothing: 0.0, reduction: Reduction::Mean };

/// A model with data for some windows, parameters and a starting carry. Lanes lie one after another in the data.
#[derive(Debug, Clone)]
pub struct Sample {
    /// What it is, for a failure's message.
    pub name: String,
    /// The model, its data, and the first window.
    pub setup: Setup,
    /// Windows there are data for.
    pub windows: usize,
    /// The flat buffer; every value an f32.
    pub parameters: Vec<f64>,
    /// The flat carry; every value an f32.
    pub carry: Vec<f64>,
}

/// Sizes of a sample.
#[derive(Debug, Clone, Copy)]
pub struct Sizes {
    /// Lanes N.
    pub lanes: usize,
    /// Time steps T of a window.
    pub time: usize,
    /// Windows there are data for.
    pub windows: usize,
}

impl Sample {
    /// Draws data, parameters and carry.
    pub fn new(name: impl Into<String>, spec: ModelSpec, sizes: Sizes) -> Self {
        let name = name.into();
        let plan = ModelPlan::new(&spec).expect("a sample's model is valid");
        let draw = Draw::new(&name);
        let per_lane = sizes.time * sizes.windows;
        let positions = sizes.lanes * per_lane;
        let inputs = draw.values(0, positions, spec.input.vocabulary(), spec.input.width());
        let targets = draw.values(1, positions, plan.is_classifier().then_some(spec.head.size), spec.head.size);
        let mut parameters = vec![0.0; plan.params.len()];
        for (index, tensor) in (0..).zip(plan.params.tensors()) {
            let mut values = draw.normal(100 + index, tensor.len(), 0.5);
            if tensor.role == TensorRole::MovingVariance {
                values.iter_mut().for_each(|value| *value = value.abs() + 0.5);
            }
            parameters[tensor.range()].copy_from_slice(&values);
        }
        let carry = draw.normal(2, plan.carry.len(sizes.lanes), 0.5);
        let setup = Setup {
            sequence: Sequence::paired(inputs, targets),
            lanes: sizes.lanes,
            time: sizes.time,
            starts: (0..sizes.lanes).map(|lane| (lane * per_lane) as u32).collect(),
            resets: vec![false; sizes.lanes],
            lengths: None,
            masks: Masks::Off,
            spec,
        };
        Self { name, setup, windows: sizes.windows, parameters, carry }
    }

    /// With masks given for every place of dropout.
    pub fn with_masks(mut self) -> Self {
        let plan = ModelPlan::new(&self.setup.spec).expect("a sample's model is valid");
        let draw = Draw::new(&self.name);
        let elements = |site: &Site| site.elements(self.setup.lanes, self.setup.time);
        let site = |(index, count): (u32, usize)| (0..count).map(|i| draw.uniform(50 + index, i) < 0.6).collect();
        self.setup.masks = Masks::Given((0..).zip(plan.sites.iter().map(elements)).map(site).collect());
        self
    }

    /// With lanes of those lengths. What lies past them are numbers and ids that would spoil everything, in the targets too.
    pub fn with_lengths(mut self, lengths: Vec<u32>) -> Self {
        let Setup { lanes, time, ref mut sequence, .. } = self.setup;
        let per_lane = time * self.windows;
        let range = |lane: usize, window: usize| {
            let start = lane * per_lane + window * time;
            start..start + lengths[lane] as usize
        };
        let used: Vec<_> =
            (0..lanes).flat_map(|lane| (0..self.windows).map(move |window| (lane, window))).map(|(a, b)| range(a, b)).collect();
        let spoil = |values: &mut Values| {
            for position in (0..lanes * per_lane).filter(|position| !used.iter().any(|range| range.contains(position))) {
                match values {
                    Values::Ids(ids) => ids[position] = 1 << 20,
                    Values::Real { width, values } => values[position * *width..(position + 1) * *width].fill(f32::NAN),
                }
            }
        };
        spoil(&mut sequence.inputs);
        if let Targets::Given(targets) = &mut sequence.targets {
            spoil(targets);
        }
        sequence.used = Some(used.clone());
        self.setup.lengths = Some(lengths);
        self
    }

    /// With every third position masked.
    pub fn with_position_mask(mut self) -> Self {
        let positions = self.setup.sequence.inputs.positions();
        self.setup.sequence.mask = Some((0..positions).map(|position| if position % 3 == 1 { 0.0 } else { 1.0 }).collect());
        self
    }
}

/// Numbers from the name, so that a sample is the same in every run.
struct Draw(u64);

impl Draw {
    fn new(name: &str) -> Self {
        Self(name.bytes().fold(7, |hash: u64, byte| (hash * 31 + u64::from(byte)) % (1 << 50)))
    }

    fn uniform(&self, stream: u32, i: usize) -> f64 {
        Key::stream(self.0, Stream::Batches, stream).uniform(i as u64)
    }

    fn normal(&self, stream: u32, count: usize, deviation: f64) -> Vec<f64> {
        let key = Key::stream(self.0, Stream::Init, stream);
        (0..count as u64).map(|i| f64::from((deviation * key.normal(i)) as f32)).collect()
    }

    fn values(&self, stream: u32, positions: usize, ids_below: Option<usize>, width: usize) -> Values {
        match ids_below {
            Some(limit) => Values::Ids((0..positions).map(|i| (self.uniform(stream, i) * limit as f64) as u32).collect()),
            None => Values::Real { width, values: self.normal(stream, positions * width, 1.0).into_iter().map(|x| x as f32).collect() },
        }
    }
}

/// A recurrent layer without dropout.
pub fn recurrent(cell: CellKind, size: usize) -> LayerSpec {
    LayerSpec::recurrent(cell, size)
}

/// A linear head.
pub fn head(predict: Predict, size: usize) -> HeadSpec {
    HeadSpec { predict, size, projection: Projection::Linear, dropout: 0.0 }
}

/// A model of symbols: one-hot, layers of one cell, cross-entropy at every step.
pub fn symbols(cell: CellKind, vocabulary: usize, sizes: &[usize]) -> ModelSpec {
    ModelSpec {
        input: InputSpec::OneHot { vocabulary },
        layers: sizes.iter().map(|&size| recurrent(cell, size)).collect(),
        head: head(Predict::EveryStep, vocabulary),
        loss: CROSS_ENTROPY,
    }
}

/// Every cell with 1 to 3 layers, every input, every head; small odd sizes.
pub fn grid() -> Vec<Sample> {
    let mut samples = Vec::new();
    for cell in CELLS {
        for layers in 1..=3 {
            for input in [InputSpec::OneHot { vocabulary: 5 }, InputSpec::Embedding { vocabulary: 5, size: 3 }, InputSpec::Real { size: 3 }]
            {
                for predict in [Predict::EveryStep, Predict::LastStep] {
                    let real = matches!(input, InputSpec::Real { .. });
                    let (outputs, loss) = if real { (2, LossSpec::MeanSquaredError) } else { (5, CROSS_ENTROPY) };
                    let name = format!("{cell:?} x {layers}, {input:?}, {predict:?}");
                    let layers = [5, 3, 4][..layers].iter().map(|&size| recurrent(cell, size)).collect();
                    let spec = ModelSpec { input: input.clone(), layers, head: head(predict, outputs), loss };
                    samples.push(Sample::new(name, spec, Sizes { lanes: 3, time: 4, windows: 2 }));
                }
            }
        }
    }
    samples
}

/// What the grid leaves out: dense layers, dropout, smoothing, sums over time, root errors, masks, one lane, one time step.
pub fn extras() -> Vec<Sample> {
    let sizes = Sizes { lanes: 3, time: 4, windows: 2 };
    let small = symbols(CellKind::Lstm, 5, &[4]);
    let smooth = |reduction| LossSpec::CrossEntropy { label_smoothing: 0.2, reduction };
    let with_loss = |loss| ModelSpec { loss, ..small.clone() };
    let real = |loss| ModelSpec {
        input: InputSpec::Real { size: 3 },
        layers: vec![recurrent(CellKind::Gru, 4)],
        head: head(Predict::EveryStep, 2),
        loss,
    };
    let mut samples = vec![
        Sample::new("smoothing", with_loss(smooth(Reduction::Mean)), sizes),
        Sample::new("smoothing, sum over time, masked", with_loss(smooth(Reduction::SumOverTime)), sizes).with_position_mask(),
        Sample::new("cross-entropy, masked", small.clone(), sizes).with_position_mask(),
        Sample::new("root mean squared error", real(LossSpec::RootMeanSquaredError), sizes),
        Sample::new("mean squared error, masked", real(LossSpec::MeanSquaredError), sizes).with_position_mask(),
        Sample::new("one lane", small.clone(), Sizes { lanes: 1, ..sizes }),
        Sample::new("one time step", small.clone(), Sizes { time: 1, ..sizes }),
        Sample::new("identity head", identity_head(), sizes),
        Sample::new("no layers", ModelSpec { layers: Vec::new(), ..real(LossSpec::MeanSquaredError) }, sizes),
        Sample::new("dropout", dropped(CellKind::Lstm), sizes).with_masks(),
        Sample::new("dropout, last step", last_step(dropped(CellKind::Gru)), sizes).with_masks(),
        Sample::new("dropout of the last layer, then of the head", dropped_twice(), sizes).with_masks(),
    ];
    for activation in [Activation::Linear, Activation::Tanh, Activation::Relu, Activation::Sigmoid] {
        samples.push(Sample::new(format!("dense {activation:?}"), with_dense(activation), sizes));
    }
    samples.push(Sample::new("dense first", dense_first(), sizes));
    samples
}

/// Two layers with dropout between them and before the head.
pub fn dropped(cell: CellKind) -> ModelSpec {
    let mut spec = symbols(cell, 5, &[4, 3]);
    spec.input = InputSpec::Embedding { vocabulary: 5, size: 3 };
    spec.layers.insert(1, LayerSpec::dropout(0.4));
    spec.head.dropout = 0.25;
    spec
}

fn dropped_twice() -> ModelSpec {
    let mut spec = dropped(CellKind::Lstm);
    spec.layers.push(LayerSpec::dropout(0.3));
    spec
}

fn last_step(mut spec: ModelSpec) -> ModelSpec {
    spec.head.predict = Predict::LastStep;
    spec
}

fn identity_head() -> ModelSpec {
    let mut spec = symbols(CellKind::ElmanTanh, 5, &[4, 5]);
    spec.head.projection = Projection::Identity;
    spec
}

fn with_dense(activation: Activation) -> ModelSpec {
    let mut spec = symbols(CellKind::Gru, 5, &[4, 3]);
    spec.layers.insert(1, LayerSpec::Dense { size: 6, activation });
    spec.layers.push(LayerSpec::Dense { size: 2, activation });
    spec
}

fn dense_first() -> ModelSpec {
    let mut spec = symbols(CellKind::Lstm, 5, &[4]);
    spec.layers.insert(0, LayerSpec::Dense { size: 3, activation: Activation::Tanh });
    spec
}

/// Sizes at and beyond the edges of vectors and tiles.
pub fn wide() -> Vec<Sample> {
    let mut samples = Vec::new();
    for cell in CELLS {
        for (size, lanes, time) in [(33, 5, 9), (64, 17, 3), (7, 40, 2)] {
            let mut spec = symbols(cell, 37, &[size, 19]);
            spec.layers.insert(1, LayerSpec::dropout(0.3));
            let name = format!("{cell:?} of {size} and 19, {lanes} lanes");
            let mut sample = Sample::new(name, spec, Sizes { lanes, time, windows: 2 });
            // Smaller weights for larger layers: gates that saturate would hide a wrong gradient.
            sample.parameters.iter_mut().for_each(|p| *p = f64::from((*p * 0.4) as f32));
            sample.setup.masks = Masks::Drawn { seed: 5 };
            samples.push(sample);
        }
    }
    samples
}
