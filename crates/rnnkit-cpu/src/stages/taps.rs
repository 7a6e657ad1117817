//! Named values for tests and teaching views: from the tiles' own layouts to time-major over all lanes.

use rnnkit_core::backend::Tap;
use rnnkit_core::error::{Error, Result};
use rnnkit_core::plan::{Layer, ModelPlan};
use rnnkit_core::spec::Predict;
use rnnkit_core::window::WindowPlan;

use crate::workspace::{LaneTile, LayerSpace, Workspace};

/// The value a tap names.
pub fn tap(space: &Workspace, plan: &ModelPlan, windows: &WindowPlan, tap: Tap) -> Result<Vec<f32>> {
    if !space.shape.taps {
        return Err(Error::internal("a tap needs a workspace made for taps"));
    }
    let (time, lanes) = (windows.time, windows.lanes);
    let of_layer =
        |layer: usize, width: usize, of: fn(&LayerSpace) -> &[f32]| joined(space, lanes, time, width, |tile| of(&tile.layers[layer]));
    let size = |layer: usize| plan.layers[layer].size();
    let values = match tap {
        Tap::Output(layer) => of_layer(layer, size(layer), |space| &space.output),
        Tap::Gates(layer) => {
            let gates = if let Layer::Recurrent(recurrent) = &plan.layers[layer] { recurrent.cell.gates() } else { 0 };
            of_layer(layer, gates * size(layer), |space| &space.kept_gates)
        }
        Tap::CellState(layer) => of_layer(layer, size(layer), |space| &space.cell_state),
        Tap::HiddenGradient(layer) => of_layer(layer, size(layer), |space| &space.d_state),
        Tap::Logits => {
            let time = if plan.head.predict == Predict::LastStep { 1 } else { time };
            joined(space, lanes, time, plan.head.size, |tile| &tile.kept_logits)
        }
        Tap::InputGradient => joined(space, lanes, time, plan.input_width(), |tile| &tile.d_input),
        Tap::CarryGradient => space.shape.training.then(|| carry_gradient(space, plan, lanes)),
    };
    values.ok_or_else(|| Error::internal(format!("{tap:?} was asked of a model, or of a run, that has none")))
}

/// [T, N, width] from the tiles' [T, n, width]; `None` where they keep no such thing.
fn joined<'a>(space: &'a Workspace, lanes: usize, time: usize, width: usize, of: impl Fn(&'a LaneTile) -> &'a [f32]) -> Option<Vec<f32>> {
    let mut all = vec![0.0; time * lanes * width];
    for tile in &space.tiles {
        let n = tile.n();
        let kept = of(tile).get(..time * n * width).filter(|kept| !kept.is_empty())?;
        for (t, rows) in kept.chunks_exact(n * width).enumerate() {
            let at = (t * lanes + tile.lanes.start) * width;
            all[at..at + n * width].copy_from_slice(rows);
        }
    }
    Some(all)
}

fn carry_gradient(space: &Workspace, plan: &ModelPlan, lanes: usize) -> Vec<f32> {
    let mut all = vec![0.0; plan.carry.len(lanes)];
    for tile in &space.tiles {
        for (layer, kept) in plan.layers.iter().zip(&tile.layers) {
            let Layer::Recurrent(layer) = layer else { continue };
            let here = tile.lanes.start * layer.size..tile.lanes.end * layer.size;
            all[plan.carry.hidden(layer.slot, lanes)][here.clone()].copy_from_slice(&kept.d_carry[0]);
            if let Some(state) = plan.carry.cell_state(layer.slot, lanes) {
                all[state][here].copy_from_slice(&kept.d_carry[1]);
            }
        }
    }
    all
}
