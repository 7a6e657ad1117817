//! What specs expand to.

use super::*;
use crate::cell::CellKind;
use crate::spec::{HeadSpec, LayerSpec, LossSpec, RecurrentDropout};

fn plan(input: InputSpec, layers: Vec<LayerSpec>, predict: Predict) -> ModelPlan {
    let head = HeadSpec { predict, size: 5, projection: Projection::Linear, dropout: 0.0 };
    ModelPlan::new(&ModelSpec { input, layers, head, loss: LossSpec::MeanSquaredError }).expect("a valid model")
}

fn bidirectional(dropout: RecurrentDropout) -> LayerSpec {
    LayerSpec::Recurrent { cell: CellKind::Gru, size: 4, bidirectional: true, dropout }
}

fn kinds(plan: &ModelPlan) -> Vec<&'static str> {
    let kind = |layer: &Layer| match layer {
        Layer::Recurrent(_) => "recurrent",
        Layer::Dense(_) => "dense",
        Layer::Dropout(_) => "dropout",
        Layer::BatchNorm(_) => "norm",
        Layer::Turn(_) => "turn",
        Layer::Join(_) => "join",
    };
    plan.layers.iter().map(kind).collect()
}

#[test]
fn two_directions_read_the_same_source_and_count_states_as_pytorch_does() {
    let layers = vec![bidirectional(RecurrentDropout::default()); 2];
    let plan = plan(InputSpec::Real { size: 3 }, layers, Predict::EveryStep);
    assert_eq!(kinds(&plan), ["turn", "recurrent", "recurrent", "join", "turn", "recurrent", "recurrent", "join"]);
    assert_eq!(plan.sources, [None, Some(0), None, Some(2), Some(3), Some(4), Some(3), Some(6)]);
    let slot = |index: usize| match &plan.layers[index] {
        Layer::Recurrent(layer) => (layer.slot, layer.input, layer.weight_ih.clone()),
        _ => panic!("layer {index} is not recurrent"),
    };
    assert_eq!(slot(2), (0, 3, plan.params.tensor("weight_ih_l0").unwrap().range()));
    assert_eq!(slot(5), (3, 8, plan.params.tensor("weight_ih_l1_reverse").unwrap().range()));
    assert_eq!(plan.layers[3], Layer::Join(Join { parts: [2, 1], size: 8, turns: true }));
    assert_eq!(plan.head.input, 8);
}

#[test]
fn only_the_last_join_before_a_last_step_head_stays_unturned() {
    let layers = vec![bidirectional(RecurrentDropout::default()); 2];
    let plan = plan(InputSpec::Real { size: 3 }, layers, Predict::LastStep);
    let turns: Vec<bool> =
        plan.layers.iter().filter_map(|layer| if let Layer::Join(join) = layer { Some(join.turns) } else { None }).collect();
    assert_eq!(turns, [true, false]);
}

#[test]
fn a_mask_for_each_gate_makes_as_many_copies_of_the_input() {
    let dropout = RecurrentDropout { input: 0.25, recurrent: 0.4, per_gate: true };
    let plan = plan(InputSpec::OneHot { vocabulary: 6 }, vec![bidirectional(dropout)], Predict::EveryStep);
    assert!(plan.one_hot_rows, "ids cannot be dropped or turned");
    assert_eq!(kinds(&plan), ["turn", "dropout", "recurrent", "dropout", "recurrent", "join"]);
    assert_eq!(plan.sources, [None, Some(0), Some(1), None, Some(3), Some(4)]);
    let shapes: Vec<(usize, usize)> = plan.sites.iter().map(|site| (site.copies, site.size)).collect();
    assert_eq!(shapes, [(3, 6), (3, 4), (3, 6), (3, 4)]);
    assert_eq!(plan.layers[1].size(), 18);
}

#[test]
fn batch_normalisation_is_a_block_of_its_own_and_its_statistics_stand_behind_the_parameters() {
    let norm = LayerSpec::BatchNorm { momentum: 0.9, epsilon: 1e-3, frozen: false };
    let layers = vec![norm.clone(), LayerSpec::recurrent(CellKind::Lstm, 4), LayerSpec::dropout(0.5), norm];
    let plan = plan(InputSpec::Real { size: 3 }, layers, Predict::EveryStep);
    assert_eq!(plan.blocks, [0..1, 1..3, 3..4]);
    let statistics = plan.params.tensor("batch_norm0.moving_mean").unwrap();
    assert_eq!(statistics.offset, plan.params.trainable());
    assert_eq!(plan.params.parameters(), 2 * (3 + 4) + 16 * (3 + 4 + 2) + 5 * (4 + 1));
}
