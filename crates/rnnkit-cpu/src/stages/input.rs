//! Gathering a window's inputs and starting carry into a lane tile, and the carry's way back out.

use rnnkit_core::Result;
use rnnkit_core::plan::{Layer, ModelPlan};
use rnnkit_core::window::{Values, WindowPlan};

use crate::workspace::LaneTile;

/// Ids or rows of window k, and embedded rows.
pub fn gather(tile: &mut LaneTile, plan: &ModelPlan, parameters: &[f32], data: &Values, windows: &WindowPlan, k: usize) -> Result<()> {
    let (n, width) = (tile.n(), plan.spec.input.width());
    let starts = &windows.starts_of(k)[tile.lanes.clone()];
    for (lane, &start) in starts.iter().enumerate() {
        for t in 0..windows.time {
            let (row, position) = (t * n + lane, start as usize + t);
            if plan.spec.input.vocabulary().is_some() {
                tile.ids[row] = data.id(position)?;
            } else {
                tile.input[row * width..(row + 1) * width].copy_from_slice(data.row(position)?);
            }
        }
    }
    if let Some(table) = &plan.embedding {
        let table = &parameters[table.clone()];
        for (row, &id) in tile.ids[..windows.time * n].iter().enumerate() {
            let id = id as usize;
            tile.input[row * width..(row + 1) * width].copy_from_slice(&table[id * width..(id + 1) * width]);
        }
    }
    Ok(())
}

/// The states that window k starts from: the carry's, or zeros where the lane is reset.
pub fn starting_carry(tile: &mut LaneTile, plan: &ModelPlan, carry: &[f32], windows: &WindowPlan, k: usize) {
    for (layer, space) in plan.layers.iter().zip(&mut tile.layers) {
        let Layer::Recurrent(layer) = layer else { continue };
        let states = [Some(plan.carry.hidden(layer.slot, windows.lanes)), plan.carry.cell_state(layer.slot, windows.lanes)];
        for (state, start) in states.into_iter().zip(&mut space.start) {
            let Some(state) = state else { continue };
            let lanes = tile.lanes.start * layer.size..tile.lanes.end * layer.size;
            start.copy_from_slice(&carry[state][lanes]);
            let resets = &windows.resets_of(k)[tile.lanes.clone()];
            for (row, _) in start.chunks_exact_mut(layer.size).zip(resets).filter(|(_, reset)| **reset) {
                row.fill(0.0);
            }
        }
    }
}

/// The tile's states after the last time step become its lanes of the carry.
pub fn keep_carry(tile: &LaneTile, plan: &ModelPlan, carry: &mut [f32], lanes: usize, time: usize) {
    let n = tile.n();
    for (layer, space) in plan.layers.iter().zip(&tile.layers) {
        let Layer::Recurrent(layer) = layer else { continue };
        let last = (time - 1) * n * layer.size..time * n * layer.size;
        let here = tile.lanes.start * layer.size..tile.lanes.end * layer.size;
        carry[plan.carry.hidden(layer.slot, lanes)][here.clone()].copy_from_slice(&space.output[last.clone()]);
        if let Some(state) = plan.carry.cell_state(layer.slot, lanes) {
            carry[state][here].copy_from_slice(&space.cell_state[last]);
        }
    }
}
