//! Named values for tests and teaching views: from the tiles' own layouts to time-major over all lanes.

use rnnkit_core::backend::Tap;
use rnnkit_core::error::{Error, Result};
use rnnkit_core::plan::{Layer, ModelPlan};
use rnnkit_core::spec::Predict;
use rnnkit_core::window::WindowPlan;

use crate::workspace::{LaneTile, Workspace};

/// The value a tap names.
pub fn tap(space: &Workspace, plan: &ModelPlan, windows: &WindowPlan, tap: Tap) -> Result<Vec<f32>> {
    if !space.shape.taps {
        return Err(Error::internal("a tap needs a workspace made for taps"));
    }
    let time = windows.time;
    Ok(match tap {
        Tap::Output(layer) => joined(space, windows.lanes, time, plan.layers[layer].size(), |tile| &tile.layers[layer].output),
        Tap::Gates(layer) => match &plan.layers[layer] {
            Layer::Recurrent(recurrent) => {
                let width = recurrent.cell.gates() * recurrent.size;
                joined(space, windows.lanes, time, width, |tile| &tile.layers[layer].kept_gates)
            }
            _ => return Err(Error::internal(format!("layer {layer} has no gates"))),
        },
        Tap::Logits => {
            let time = if plan.head.predict == Predict::LastStep { 1 } else { time };
            joined(space, windows.lanes, time, plan.head.size, |tile| &tile.kept_logits)
        }
        Tap::InputGradient => joined(space, windows.lanes, time, plan.spec.input.width(), |tile| &tile.d_input),
        Tap::CarryGradient => carry_gradient(space, plan, windows.lanes),
    })
}

/// [T, N, width] from the tiles' [T, n, width].
fn joined<'a>(space: &'a Workspace, lanes: usize, time: usize, width: usize, of: impl Fn(&'a LaneTile) -> &'a [f32]) -> Vec<f32> {
    let mut all = vec![0.0; time * lanes * width];
    for tile in &space.tiles {
        let n = tile.n();
        for (t, rows) in of(tile)[..time * n * width].chunks_exact(n * width).enumerate() {
            let at = (t * lanes + tile.lanes.start) * width;
            all[at..at + n * width].copy_from_slice(rows);
        }
    }
    all
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
