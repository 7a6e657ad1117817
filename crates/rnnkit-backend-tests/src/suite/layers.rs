//! Models of every layer beyond plain recurrent and dense ones: two directions, lengths, all dropout, batch normalisation, no symbol.

use rnnkit_core::cell::CellKind;
use rnnkit_core::spec::{Activation, InputSpec, LayerSpec, LossSpec, MaskShape, ModelSpec, Predict, RecurrentDropout};
use rnnkit_core::window::{Masks, Values};

use super::models::{CELLS, CROSS_ENTROPY, Sample, Sizes, head, recurrent, symbols};

/// Elman's cell in the separate form.
pub const SEPARATE: [CellKind; 2] = [CellKind::ElmanTanhSeparate, CellKind::ElmanReluSeparate];

const SIZES: Sizes = Sizes { lanes: 3, time: 4, windows: 2 };

/// A layer in both directions.
pub fn bidirectional(cell: CellKind, size: usize) -> LayerSpec {
    LayerSpec::Recurrent { cell, size, bidirectional: true, dropout: RecurrentDropout::default() }
}

/// Keras's batch normalisation.
pub fn batch_norm() -> LayerSpec {
    LayerSpec::BatchNorm { momentum: 0.9, epsilon: 1e-3, frozen: false }
}

/// Small ones of every kind.
pub fn layered() -> Vec<Sample> {
    [separate(), directions(), lengths(), dropouts(), norms(), no_symbol()].concat()
}

fn real(layers: Vec<LayerSpec>, predict: Predict) -> ModelSpec {
    ModelSpec { input: InputSpec::Real { size: 3 }, layers, head: head(predict, 2), loss: LossSpec::MeanSquaredError }
}

fn embedded(layers: Vec<LayerSpec>, predict: Predict) -> ModelSpec {
    let input = InputSpec::Embedding { vocabulary: 5, size: 3 };
    ModelSpec { input, layers, head: head(predict, 5), loss: CROSS_ENTROPY }
}

fn one_hot(layers: Vec<LayerSpec>) -> ModelSpec {
    ModelSpec { layers, ..symbols(CellKind::Gru, 5, &[]) }
}

fn separate() -> Vec<Sample> {
    let of = |cell| {
        let name = |what: &str| format!("{cell:?}, {what}");
        [
            Sample::new(name("one-hot"), symbols(cell, 5, &[4, 3]), SIZES),
            Sample::new(name("embedding"), embedded(vec![recurrent(cell, 4)], Predict::LastStep), SIZES),
            Sample::new(name("two directions"), real(vec![bidirectional(cell, 4)], Predict::EveryStep), SIZES),
        ]
    };
    SEPARATE.into_iter().flat_map(of).collect()
}

fn directions() -> Vec<Sample> {
    let mut samples = Vec::new();
    for cell in CELLS {
        for predict in [Predict::EveryStep, Predict::LastStep] {
            let name = |what: &str| format!("two directions of {cell:?}, {what}, {predict:?}");
            let two = || vec![bidirectional(cell, 4), bidirectional(cell, 3)];
            samples.push(Sample::new(name("real"), real(two(), predict), SIZES));
            samples.push(Sample::new(name("embedding"), embedded(two(), predict), SIZES));
            let mut spec = one_hot(vec![bidirectional(cell, 4), recurrent(cell, 3)]);
            spec.head.predict = predict;
            samples.push(Sample::new(name("one-hot, one above"), spec, SIZES));
        }
    }
    let dense = LayerSpec::Dense { size: 4, activation: Activation::Tanh };
    let behind = real(vec![bidirectional(CellKind::Gru, 3), dense, LayerSpec::dropout(0.3)], Predict::LastStep);
    samples.push(Sample::new("final states through a dense layer and dropout", behind, SIZES).with_masks());
    let one_step = real(vec![bidirectional(CellKind::Lstm, 3)], Predict::LastStep);
    samples.push(Sample::new("two directions of one time step", one_step, Sizes { time: 1, ..SIZES }));
    samples
}

/// Lanes of every length, none at all too; the padding holds numbers that would spoil everything.
fn lengths() -> Vec<Sample> {
    let sizes = Sizes { lanes: 5, ..SIZES };
    let lengths = || vec![2, 4, 0, 1, 3];
    let mut samples = Vec::new();
    for cell in CELLS.into_iter().chain([CellKind::ElmanReluSeparate]) {
        for predict in [Predict::EveryStep, Predict::LastStep] {
            let name = |what: &str| format!("lengths, {cell:?}, {what}, {predict:?}");
            let two = || vec![recurrent(cell, 4), recurrent(cell, 3)];
            let both = || vec![bidirectional(cell, 4), bidirectional(cell, 3)];
            let specs = [("real", real(two(), predict)), ("real, two directions", real(both(), predict))];
            let more = [("embedding", embedded(two(), predict)), ("embedding, two directions", embedded(both(), predict))];
            for (what, spec) in specs.into_iter().chain(more) {
                samples.push(Sample::new(name(what), spec, sizes).with_lengths(lengths()));
            }
        }
        samples.push(Sample::new(format!("lengths, {cell:?}, one-hot"), symbols(cell, 5, &[4]), sizes).with_lengths(lengths()));
    }
    let masked = symbols(CellKind::Lstm, 5, &[4]);
    samples.push(Sample::new("lengths and a mask", masked, sizes).with_position_mask().with_lengths(lengths()));
    let dense = LayerSpec::Dense { size: 3, activation: Activation::Sigmoid };
    let mixed = real(vec![dense, batch_norm(), recurrent(CellKind::Gru, 4), batch_norm()], Predict::EveryStep);
    samples.push(Sample::new("lengths, dense and batch normalisation", mixed, sizes).with_lengths(lengths()));
    samples
}

fn dropouts() -> Vec<Sample> {
    let mut samples = Vec::new();
    let variational = |cell, per_gate, bidirectional| LayerSpec::Recurrent {
        cell,
        size: 4,
        bidirectional,
        dropout: RecurrentDropout { input: 0.3, recurrent: 0.4, per_gate },
    };
    for cell in CELLS.into_iter().chain(SEPARATE) {
        for per_gate in [false, true] {
            let name = |what: &str| format!("variational dropout of {cell:?}, per gate {per_gate}, {what}");
            let layers = |two| vec![variational(cell, per_gate, two), variational(cell, per_gate, two)];
            samples.push(Sample::new(name("real"), real(layers(false), Predict::EveryStep), SIZES).with_masks());
            samples.push(Sample::new(name("two directions"), embedded(layers(true), Predict::LastStep), SIZES).with_masks());
            samples.push(Sample::new(name("one-hot"), one_hot(layers(false)), SIZES).with_masks());
        }
    }
    let recurrent_only = RecurrentDropout { input: 0.0, recurrent: 0.5, per_gate: false };
    let only = LayerSpec::Recurrent { cell: CellKind::Lstm, size: 4, bidirectional: false, dropout: recurrent_only };
    let lengths = Sizes { lanes: 5, ..SIZES };
    samples.push(Sample::new("recurrent dropout alone", one_hot(vec![only.clone()]), SIZES).with_masks());
    let uneven = real(vec![only], Predict::LastStep);
    samples.push(Sample::new("recurrent dropout and lengths", uneven, lengths).with_masks().with_lengths(vec![4, 0, 2, 3, 1]));
    for mask in [MaskShape::Step, MaskShape::Sequence, MaskShape::Batch] {
        let drop = |rate| LayerSpec::Dropout { rate, mask };
        let wrapped = || vec![drop(0.2), recurrent(CellKind::Lstm, 4), drop(0.3), drop(0.25), recurrent(CellKind::Gru, 3), drop(0.4)];
        samples.push(Sample::new(format!("wrapped in dropout, {mask:?}"), embedded(wrapped(), Predict::EveryStep), SIZES).with_masks());
        samples.push(Sample::new(format!("wrapped in dropout, one-hot, {mask:?}"), one_hot(wrapped()), SIZES).with_masks());
    }
    samples
}

fn norms() -> Vec<Sample> {
    let frozen = || LayerSpec::BatchNorm { momentum: 0.5, epsilon: 0.01, frozen: true };
    let lstm = || recurrent(CellKind::Lstm, 4);
    let named = [
        ("first", embedded(vec![batch_norm(), lstm()], Predict::EveryStep)),
        ("over one-hot", one_hot(vec![batch_norm(), lstm()])),
        ("between and last", real(vec![lstm(), batch_norm(), lstm(), batch_norm()], Predict::EveryStep)),
        ("before a last-step head", real(vec![bidirectional(CellKind::Gru, 3), batch_norm()], Predict::LastStep)),
        ("frozen", embedded(vec![frozen(), lstm(), frozen()], Predict::EveryStep)),
        ("alone", real(vec![batch_norm()], Predict::EveryStep)),
        ("twice in a row", real(vec![batch_norm(), frozen(), lstm()], Predict::LastStep)),
    ];
    let mut samples: Vec<Sample> =
        named.into_iter().map(|(what, spec)| Sample::new(format!("batch normalisation, {what}"), spec, SIZES)).collect();
    let uneven = Sample::new("batch normalisation, lengths", samples[0].setup.spec.clone(), Sizes { lanes: 5, ..SIZES });
    samples.push(uneven.with_lengths(vec![4, 0, 2, 3, 1]));
    samples
}

/// The first input of every lane is the zero vector.
fn no_symbol() -> Vec<Sample> {
    let start = |mut sample: Sample| {
        if let Values::Ids(ids) = &mut sample.setup.sequence.inputs {
            sample.setup.starts.iter().for_each(|&start| ids[start as usize] = 5);
        }
        sample
    };
    let models = [
        ("one-hot", symbols(CellKind::Lstm, 5, &[4])),
        ("one-hot, two directions", one_hot(vec![bidirectional(CellKind::Gru, 4)])),
        ("one-hot, dense", one_hot(vec![LayerSpec::Dense { size: 3, activation: Activation::Tanh }, recurrent(CellKind::Gru, 4)])),
        ("embedding", embedded(vec![recurrent(CellKind::ElmanRelu, 4)], Predict::EveryStep)),
        ("embedding, last step", embedded(vec![recurrent(CellKind::ElmanReluSeparate, 4)], Predict::LastStep)),
    ];
    models.into_iter().map(|(what, spec)| start(Sample::new(format!("no symbol, {what}"), spec, SIZES))).collect()
}

/// More lanes than a tile has, sizes beyond vectors, masks drawn.
pub fn wide_layered() -> Vec<Sample> {
    let (lanes, time) = (37, 5);
    let dropout = RecurrentDropout { input: 0.2, recurrent: 0.3, per_gate: true };
    let mut samples = Vec::new();
    for cell in [CellKind::Lstm, CellKind::Gru] {
        for per_gate in [false, true] {
            let dropout = RecurrentDropout { per_gate, ..dropout };
            let both = LayerSpec::Recurrent { cell, size: 33, bidirectional: true, dropout };
            let layers = vec![batch_norm(), both, batch_norm(), LayerSpec::Dropout { rate: 0.2, mask: MaskShape::Batch }];
            let mut spec = embedded(layers, Predict::EveryStep);
            spec.input = InputSpec::Embedding { vocabulary: 29, size: 19 };
            spec.head.size = 29;
            let name = format!("{cell:?} of 33 in two directions, {lanes} lanes, per gate {per_gate}");
            let mut sample = Sample::new(name, spec, Sizes { lanes, time, windows: 2 });
            sample.parameters.iter_mut().for_each(|p| *p = f64::from((*p * 0.5) as f32));
            sample.setup.masks = Masks::Drawn { seed: 5 };
            samples.push(sample.with_lengths((0..lanes as u32).map(|lane| lane * 7 % (time as u32 + 1)).collect()));
        }
    }
    samples
}
