//! What a backend says it needs is what it takes: a session's budget is kept by these numbers.

mod counting;

use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;

use counting::{ALLOCATIONS, BYTES};
use rnnkit_core::backend::{Backend, Shape};
use rnnkit_core::cell::CellKind;
use rnnkit_core::plan::ModelPlan;
use rnnkit_core::spec::{
    Activation, HeadSpec, InputSpec, LayerSpec, LossSpec, MaskShape, ModelSpec, Predict, Projection, RecurrentDropout, Reduction,
};
use rnnkit_cpu::{Cpu, Precision};

const TRAINING: Shape = Shape { lanes: 40, time: 30, training: true, taps: false };
/// A training, an inspection, an evaluation, one symbol of a sampling.
const SHAPES: [Shape; 4] = [
    TRAINING,
    Shape { taps: true, ..TRAINING },
    Shape { training: false, ..TRAINING },
    Shape { lanes: 1, time: 1, training: false, taps: false },
];

#[test]
fn a_workspace_takes_the_bytes_it_was_said_to_need() {
    for precision in [Precision::F32, Precision::Bf16] {
        takes_what_was_said(&mut Cpu::new(1).expect("one thread").with_precision(precision));
    }
}

fn takes_what_was_said(cpu: &mut Cpu) {
    for (name, input, layers, predict) in models() {
        let loss = LossSpec::CrossEntropy { label_smoothing: 0.0, reduction: Reduction::Mean };
        let head = HeadSpec { predict, size: 50, projection: Projection::Linear, dropout: 0.0 };
        let plan = Arc::new(ModelPlan::new(&ModelSpec { input, layers, head, loss }).expect("a valid model"));
        for shape in SHAPES {
            let (before, calls) = (BYTES.load(SeqCst), ALLOCATIONS.load(SeqCst));
            let prepared = cpu.prepare(&plan, shape).expect("a small model");
            let (taken, needed) = ((BYTES.load(SeqCst) - before) as f64, cpu.memory_needed(&plan, shape) as f64);
            assert!(ALLOCATIONS.load(SeqCst) > calls, "the counting works");
            // Weights are packed in panels, whose padding depends on the machine; a single symbol's workspace is little else.
            assert!(
                taken <= 1.1 * needed && needed <= 2.5 * taken,
                "{}, {name}, {shape:?}: {taken} bytes taken, {needed} said",
                cpu.describe()
            );
            drop(prepared);
        }
    }
}

fn models() -> Vec<(&'static str, InputSpec, Vec<LayerSpec>, Predict)> {
    let one_hot = || InputSpec::OneHot { vocabulary: 50 };
    let embedding = || InputSpec::Embedding { vocabulary: 50, size: 40 };
    let stack = |cell| vec![LayerSpec::recurrent(cell, 64), LayerSpec::dropout(0.2), LayerSpec::recurrent(cell, 48)];
    let dropout = |per_gate| RecurrentDropout { input: 0.2, recurrent: 0.2, per_gate };
    let variational =
        |per_gate, bidirectional| LayerSpec::Recurrent { cell: CellKind::Lstm, size: 40, bidirectional, dropout: dropout(per_gate) };
    let norm = || LayerSpec::BatchNorm { momentum: 0.9, epsilon: 1e-3, frozen: false };
    let batch = || LayerSpec::Dropout { rate: 0.3, mask: MaskShape::Batch };
    let dense = || LayerSpec::Dense { size: 60, activation: Activation::Tanh };
    vec![
        ("LSTMs", one_hot(), stack(CellKind::Lstm), Predict::EveryStep),
        ("GRUs", embedding(), stack(CellKind::Gru), Predict::LastStep),
        ("ReLU cells", InputSpec::Real { size: 30 }, stack(CellKind::ElmanRelu), Predict::LastStep),
        ("one mask for all gates", embedding(), vec![variational(false, false); 2], Predict::EveryStep),
        ("a mask for each gate, two directions", one_hot(), vec![variational(true, true)], Predict::EveryStep),
        ("normalised and dropped", embedding(), vec![norm(), batch(), dense(), norm()], Predict::EveryStep),
    ]
}
