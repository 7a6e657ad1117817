//! Models drawn at random on the GPU: layers of any kind in any order, every input, head, loss, optimizer and clip, at small odd sizes,
//! with lanes of any length and positions without a symbol.
//!
//! `RNNKIT_RANDOM_CASES=FIRST..END` runs other cases than the fixed few: a failure names its case, and runs alone by that number.

use std::sync::atomic::AtomicBool;

use rnnkit_backend_tests::gpu;
use rnnkit_backend_tests::suite::layers::SEPARATE;
use rnnkit_backend_tests::suite::models::{CELLS, Sample, Sizes};
use rnnkit_backend_tests::suite::oracle::values;
use rnnkit_backend_tests::suite::training::{State, Trainer};
use rnnkit_backend_tests::tolerances::{BITS, F32_AGAINST_F64};
use rnnkit_core::backend::Backend;
use rnnkit_core::cell::CellKind;
use rnnkit_core::grad_clip::ClipSpec;
use rnnkit_core::optim::{Adagrad, Adam, Flavour, OptimizerSpec, RmsProp, Sgd};
use rnnkit_core::plain::Plain;
use rnnkit_core::plan::ModelPlan;
use rnnkit_core::reference::Reference;
use rnnkit_core::rng::{Key, Stream};
use rnnkit_core::sampler::SamplingOptions;
use rnnkit_core::session::{Context, Sampling, TrainingSetup};
use rnnkit_core::spec::{
    Activation, HeadSpec, InputSpec, LayerSpec, LossSpec, MaskShape, ModelSpec, Predict, Projection, RecurrentDropout, Reduction,
};
use rnnkit_core::window::{Masks, Report, Values};
use rnnkit_wgpu::{Budgets, Form, Gpu, Precision};

/// The cases that every run tries: a dozen in a row that between them have every kind of layer, dropout and input, and lengths.
const CASES: std::ops::Range<u64> = 75..87;
const WINDOWS: usize = 5;

/// The draws of one case, one after another.
struct Dice {
    key: Key,
    drawn: u64,
}

impl Dice {
    fn new(case: u64) -> Self {
        Self { key: Key::stream(case, Stream::Batches, 77), drawn: 0 }
    }

    /// An integer below `limit`.
    fn below(&mut self, limit: usize) -> usize {
        self.drawn += 1;
        (self.key.uniform(self.drawn) * limit as f64) as usize
    }

    fn one_of<T: Copy>(&mut self, values: &[T]) -> T {
        values[self.below(values.len())]
    }

    /// True once in so many times.
    fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }
}

const ACTIVATIONS: [Activation; 4] = [Activation::Linear, Activation::Tanh, Activation::Relu, Activation::Sigmoid];
const SIZES: [usize; 13] = [1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 20, 33, 40];

const RATES: [f64; 4] = [0.1, 0.4, 0.5, 0.9];
const SHAPES: [MaskShape; 3] = [MaskShape::Step, MaskShape::Sequence, MaskShape::Batch];

/// A layer over those before it. `norms`: whether a window has rows enough for their deviation to mean something.
fn layer(dice: &mut Dice, before: &[LayerSpec], norms: bool) -> LayerSpec {
    let size = dice.one_of(&SIZES);
    // A constant that a batch normalisation takes away again has a gradient of roundings.
    let shifts = matches!(before.last(), Some(LayerSpec::Dense { .. } | LayerSpec::BatchNorm { .. }));
    match dice.below(8) {
        0 => LayerSpec::Dense { size, activation: dice.one_of(&ACTIVATIONS) },
        1 if norms && !shifts => {
            LayerSpec::BatchNorm { momentum: dice.one_of(&[0.0, 0.9]), epsilon: dice.one_of(&[1e-3, 0.1]), frozen: dice.once_in(3) }
        }
        2 | 3 => LayerSpec::Dropout { rate: dice.one_of(&RATES), mask: dice.one_of(&SHAPES) },
        _ => recurrent(dice, size),
    }
}

fn recurrent(dice: &mut Dice, size: usize) -> LayerSpec {
    let cell = if dice.once_in(5) { dice.one_of(&SEPARATE) } else { dice.one_of(&CELLS) };
    let mut rate = || if dice.once_in(5) { dice.one_of(&RATES) } else { 0.0 };
    let dropout = RecurrentDropout { input: rate(), recurrent: rate(), per_gate: dice.once_in(2) };
    LayerSpec::Recurrent { cell, size, bidirectional: dice.once_in(4), dropout }
}

fn model(dice: &mut Dice, norms: bool) -> ModelSpec {
    let vocabulary = dice.one_of(&[1, 2, 3, 7, 30, 65, 130]);
    let input = match dice.below(3) {
        0 => InputSpec::OneHot { vocabulary },
        1 => InputSpec::Embedding { vocabulary, size: dice.one_of(&SIZES) },
        _ => InputSpec::Real { size: dice.one_of(&SIZES) },
    };
    let mut layers = Vec::new();
    for _ in 0..dice.below(5) {
        layers.push(layer(dice, &layers, norms));
    }
    if !layers.iter().any(|layer| matches!(layer, LayerSpec::Dense { .. } | LayerSpec::Recurrent { .. })) {
        layers.push(recurrent(dice, 5));
    }
    // Often of one cell, so that there are stacks.
    if dice.once_in(2) {
        let one = dice.one_of(&CELLS);
        for layer in &mut layers {
            if let LayerSpec::Recurrent { cell, .. } = layer {
                *cell = one;
            }
        }
    }
    let width = layers.iter().fold(input.width(), |width, layer| layer.width(width));
    let identity = dice.once_in(4);
    let size = if identity { width } else { input.vocabulary().unwrap_or_else(|| dice.one_of(&SIZES)) };
    let smoothing = dice.one_of(&[0.0, 0.0, 0.2]);
    // Of a single symbol all gradients are 0, of which the oracle would show the roundings.
    let label_smoothing = if size > 1 { smoothing } else { 0.0 };
    let reduction = dice.one_of(&[Reduction::Mean, Reduction::SumOverTime]);
    let loss = match dice.below(4) {
        0 => LossSpec::MeanSquaredError,
        1 => LossSpec::RootMeanSquaredError,
        _ => LossSpec::CrossEntropy { label_smoothing, reduction },
    };
    let predict = if dice.once_in(3) { Predict::LastStep } else { Predict::EveryStep };
    let projection = if identity { Projection::Identity } else { Projection::Linear };
    let dropout = if dice.once_in(3) { 0.4 } else { 0.0 };
    ModelSpec { input, layers, head: HeadSpec { predict, size, projection, dropout }, loss }
}

fn sample(case: u64, dice: &mut Dice) -> Sample {
    let sizes = Sizes { lanes: dice.one_of(&[1, 2, 3, 5, 7, 17, 33]), time: dice.one_of(&[1, 2, 3, 5, 9, 40]), windows: WINDOWS };
    let spec = model(dice, sizes.lanes * sizes.time >= 30);
    let mut sample = Sample::new(format!("case {case}: {spec:?}, {sizes:?}"), spec, sizes);
    // Gates that saturate hide wrong gradients, and units of ReLU that grow from layer to layer hide everything else.
    let plan = ModelPlan::new(&sample.setup.spec).expect("a valid model");
    for tensor in plan.params.tensors() {
        let width = tensor.shape.get(1).copied().unwrap_or(1).max(1) as f64;
        let scale = (1.5 / width.sqrt()).min(0.8);
        sample.parameters[tensor.range()].iter_mut().for_each(|p| *p = f64::from((*p * scale) as f32));
    }
    sample.setup.masks = Masks::Drawn { seed: case };
    if dice.once_in(3) {
        sample = sample.with_masks();
    }
    if dice.once_in(3) {
        sample = sample.with_position_mask();
    }
    for reset in &mut sample.setup.resets {
        *reset = dice.once_in(3);
    }
    if dice.once_in(4) {
        forget_symbols(&mut sample, dice);
    }
    if dice.once_in(3) {
        sample = sample.with_lengths((0..sizes.lanes).map(|_| dice.below(sizes.time + 1) as u32).collect());
    }
    sample
}

/// Leaves some positions without a symbol.
fn forget_symbols(sample: &mut Sample, dice: &mut Dice) {
    let none = sample.setup.spec.input.vocabulary().unwrap_or(0) as u32;
    if let Values::Ids(ids) = &mut sample.setup.sequence.inputs {
        ids.iter_mut().filter(|_| dice.once_in(4)).for_each(|id| *id = none);
    }
}

fn setup(case: u64, dice: &mut Dice) -> TrainingSetup {
    let weight_decay = dice.one_of(&[0.0, 0.01]);
    let flavour = dice.one_of(&[Flavour::PyTorch, Flavour::Keras]);
    let adam = Adam { flavour, beta1: 0.9, beta2: 0.99, epsilon: 1e-3, amsgrad: dice.once_in(2), weight_decay };
    let momentum = dice.one_of(&[0.0, 0.9]);
    let nesterov = momentum > 0.0 && dice.once_in(2);
    let dampening = if nesterov || momentum == 0.0 || flavour == Flavour::Keras { 0.0 } else { dice.one_of(&[0.0, 0.1]) };
    let optimizer = match dice.below(5) {
        0 => OptimizerSpec::Sgd(Sgd { flavour, momentum, dampening, nesterov, weight_decay }),
        1 => {
            let learning_rate_decay = if flavour == Flavour::Keras { 0.0 } else { 0.1 };
            OptimizerSpec::Adagrad(Adagrad { flavour, epsilon: 1e-3, initial_accumulator: 0.1, learning_rate_decay, weight_decay })
        }
        2 => OptimizerSpec::RmsProp(RmsProp {
            flavour,
            alpha: 0.9,
            epsilon: 1e-2,
            initial_mean_square: 0.1,
            momentum,
            centered: dice.once_in(2),
            weight_decay,
        }),
        3 => OptimizerSpec::Adam(adam),
        _ => OptimizerSpec::AdamW(adam),
    };
    let clip = match dice.below(3) {
        0 => ClipSpec::None {},
        1 => ClipSpec::Norm { theta: 0.3, epsilon: 1e-6 },
        _ => ClipSpec::Value { limit: 0.01 },
    };
    TrainingSetup { optimizer, clip, seed: case }
}

/// All threads and memory there are, or hardly any.
fn gpu_of(dice: &mut Dice, form: Form) -> Gpu {
    let gpu = gpu::open(Precision::F32, Some(form)).expect("an adapter, as was asked before");
    if form == Form::Step || dice.once_in(2) {
        return gpu;
    }
    let threads = dice.one_of(&[64, 128, 256]);
    gpu.with_budgets(Budgets {
        threads,
        busy_threads: threads,
        registers: dice.one_of(&[1, 1 << 15]),
        thread_registers: dice.one_of(&[1, 12, 40]),
        memory: dice.one_of(&[4096, 16384]),
        weight_memory: dice.one_of(&[0, 2048, 16384]),
        groups: dice.one_of(&[1, 2, 128]),
    })
}

fn assert_values(form: &str, sample: &Sample, got: &[(String, Vec<f64>)], want: &[(String, Vec<f64>)]) {
    for ((name, got), (_, want)) in got.iter().zip(want) {
        F32_AGAINST_F64.assert(&format!("{}, {form}: {name}", sample.name), got, want);
    }
}

/// Whether two models drawn at random may be compared after some steps: a unit of ReLU near 0 goes either way.
fn is_smooth(spec: &ModelSpec) -> bool {
    !spec.layers.iter().any(|layer| match layer {
        LayerSpec::Dense { activation, .. } => *activation == Activation::Relu,
        LayerSpec::Recurrent { cell, .. } => matches!(cell, CellKind::ElmanRelu | CellKind::ElmanReluSeparate),
        LayerSpec::Dropout { .. } | LayerSpec::BatchNorm { .. } => false,
    })
}

/// Trains on all windows but the last in two calls, with scores and a sample in between.
fn life<B: Backend>(backend: B, sample: &Sample, setup: &TrainingSetup) -> (Vec<f64>, State) {
    let mut trainer = Trainer::with(backend, sample, setup);
    let mut reports = trainer.train(0, 2, 0.01).reports;
    reports.extend(trainer.evaluate(0, WINDOWS));
    draw(&mut trainer);
    let mut request = trainer.request(2, WINDOWS - 2, 0.02);
    let resets = request.resets.len();
    request.resets = sample.setup.resets.iter().copied().cycle().take(resets).collect();
    reports.extend(trainer.session.train(&request, &AtomicBool::new(false)).expect("the windows lie in the data").reports);
    reports.extend(trainer.evaluate(WINDOWS - 1, 1));
    draw(&mut trainer);
    let numbers = |report: &Report| [report.loss, report.nats, report.count as f64, report.gradient_norm];
    (reports.iter().flat_map(numbers).collect(), trainer.state())
}

/// Some symbols, where the model is one of symbols.
fn draw<B: Backend>(trainer: &mut Trainer<'_, B>) {
    let Ok(stream) = trainer.session.begin_sampling(&Sampling { options: SamplingOptions::PLAIN, seed: 1, context: Context::Carry }) else {
        return;
    };
    let abort = AtomicBool::new(false);
    trainer.session.feed(stream, &[0; 3], &abort).expect("symbol 0 is one of the model's");
    trainer.session.sample(stream, 2, &abort).expect("two symbols");
    trainer.session.end_sampling(stream);
}

fn run(case: u64) {
    let mut dice = Dice::new(case);
    let sample = sample(case, &mut dice);
    let want = values(Reference::<f64>::new(), &sample);
    assert_values("step", &sample, &values(gpu_of(&mut dice, Form::Step), &sample), &want);
    assert_values("resident", &sample, &values(gpu_of(&mut dice, Form::Resident), &sample), &want);
    assert_values("plain", &sample, &values(Plain(gpu_of(&mut dice, Form::Resident)), &sample), &want);

    let setup = setup(case, &mut dice);
    let (want, want_state) = life(Reference::<f64>::new(), &sample, &setup);
    for form in [Form::Step, Form::Resident] {
        let (got, state) = life(gpu_of(&mut dice, form), &sample, &setup);
        if is_smooth(&sample.setup.spec) {
            let what = format!("{}, {setup:?}, {form:?}", sample.name);
            F32_AGAINST_F64.assert(&format!("{what}: reports"), &got, &want);
            F32_AGAINST_F64.assert(&format!("{what}: parameters"), &state.parameters, &want_state.parameters);
            F32_AGAINST_F64.assert(&format!("{what}: moments"), &state.moments, &want_state.moments);
            F32_AGAINST_F64.assert(&format!("{what}: carry"), &state.carry, &want_state.carry);
        }
    }
    let twice = || life(gpu_of(&mut Dice::new(case), Form::Resident), &sample, &setup);
    let ((first, first_state), (second, second_state)) = (twice(), twice());
    BITS.assert(&sample.name, &first, &second);
    first_state.assert_same(&second_state, &sample.name);
}

#[test]
fn models_drawn_at_random_agree_with_the_oracle() {
    if !gpu::is_there(Precision::F32) {
        return;
    }
    let chosen = std::env::var("RNNKIT_RANDOM_CASES").ok();
    let cases = chosen.map_or(CASES, |range| {
        let (first, end) = range.split_once("..").expect("FIRST..END");
        first.parse().expect("a number")..end.parse().expect("a number")
    });
    let failed: Vec<String> = cases.filter_map(|case| std::panic::catch_unwind(|| run(case)).err().map(|error| message(&*error))).collect();
    assert!(failed.is_empty(), "{} cases failed:\n{}", failed.len(), failed.join("\n"));
}

fn message(error: &(dyn std::any::Any + Send)) -> String {
    error.downcast_ref::<String>().cloned().or_else(|| error.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default()
}
