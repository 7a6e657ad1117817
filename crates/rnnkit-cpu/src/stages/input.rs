//! Gathering a window's inputs and starting carry into a lane tile, and the carry's way back out.

use rnnkit_core::Result;
use rnnkit_core::plan::{Layer, ModelPlan};
use rnnkit_core::window::{Values, WindowPlan};

use crate::workspace::LaneTile;

/// Lengths, ids or rows of window k, and embedded rows; past a lane's end there is no symbol, and rows are zero.
pub fn gather(tile: &mut LaneTile, plan: &ModelPlan, parameters: &[f32], data: &Values, windows: &WindowPlan, k: usize) -> Result<()> {
    let first = tile.lanes.start;
    tile.lengths.iter_mut().enumerate().for_each(|(lane, length)| *length = windows.length(k, first + lane));
    tile.uneven = tile.lengths.iter().any(|&length| length < windows.time);
    let starts = &windows.starts_of(k)[tile.lanes.clone()];
    match plan.spec.input.vocabulary() {
        Some(vocabulary) => {
            gather_ids(tile, vocabulary, data, starts, windows.time)?;
            symbol_rows(tile, plan, parameters, vocabulary, windows.time);
            Ok(())
        }
        None => gather_rows(tile, plan.input_width(), data, starts, windows.time),
    }
}

fn gather_ids(tile: &mut LaneTile, vocabulary: usize, data: &Values, starts: &[u32], time: usize) -> Result<()> {
    let n = starts.len();
    for (lane, &start) in starts.iter().enumerate() {
        let length = tile.lengths[lane];
        for t in 0..time {
            tile.ids[t * n + lane] = if t < length { data.id(start as usize + t)? } else { vocabulary as u32 };
        }
    }
    Ok(())
}

fn gather_rows(tile: &mut LaneTile, width: usize, data: &Values, starts: &[u32], time: usize) -> Result<()> {
    let n = starts.len();
    for (lane, &start) in starts.iter().enumerate() {
        let length = tile.lengths[lane];
        for t in 0..time {
            let row = &mut tile.input[(t * n + lane) * width..(t * n + lane + 1) * width];
            if t < length {
                row.copy_from_slice(data.row(start as usize + t)?);
            } else {
                row.fill(0.0);
            }
        }
    }
    Ok(())
}

/// Rows of the embedding table, or one-hot rows where they stand in memory; no symbol is the zero vector.
fn symbol_rows(tile: &mut LaneTile, plan: &ModelPlan, parameters: &[f32], vocabulary: usize, time: usize) {
    let width = plan.input_width();
    if width == 0 {
        return;
    }
    let table = plan.embedding.as_ref().map(|table| &parameters[table.clone()]);
    let ids = &tile.ids[..time * tile.lanes.len()];
    for (row, &id) in tile.input.chunks_exact_mut(width).zip(ids) {
        let id = id as usize;
        match table {
            Some(table) if id < vocabulary => row.copy_from_slice(&table[id * width..(id + 1) * width]),
            _ => row.fill(0.0),
        }
        if table.is_none() && id < vocabulary {
            row[id] = 1.0;
        }
    }
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

/// The tile's states at each lane's end become its lanes of the carry; a lane without time steps keeps what it started from.
pub fn keep_carry(tile: &LaneTile, plan: &ModelPlan, carry: &mut [f32], lanes: usize) {
    let n = tile.n();
    for (layer, space) in plan.layers.iter().zip(&tile.layers) {
        let Layer::Recurrent(layer) = layer else { continue };
        let carried = [Some(plan.carry.hidden(layer.slot, lanes)), plan.carry.cell_state(layer.slot, lanes)];
        let states = [(&space.output, &space.start[0]), (&space.cell_state, &space.start[1])];
        for (range, (all, start)) in carried.into_iter().zip(states) {
            let Some(range) = range else { continue };
            let here = range.start + tile.lanes.start * layer.size..range.start + tile.lanes.end * layer.size;
            for (lane, row) in carry[here].chunks_exact_mut(layer.size).enumerate() {
                let (from, at) = match tile.lengths[lane].checked_sub(1) {
                    Some(last) => (all, last * n + lane),
                    None => (start, lane),
                };
                row.copy_from_slice(&from[at * layer.size..(at + 1) * layer.size]);
            }
        }
    }
}
