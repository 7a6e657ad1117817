//! The start of a window: its plan goes up, its symbols, rows and starting states are gathered; and the end, where the carry is kept.

use rnnkit_core::Result;
use rnnkit_core::rng::{Key, Stream, threshold};
use rnnkit_core::window::Masks;

use super::{GpuRun, groups};
use crate::arguments::{DrawMasks, Embed, Gather, GatherReal, KeepCarry};
use crate::kernel::KernelId;
use crate::layout::{Entry, SLOTS};
use crate::memory::Data;
use crate::recorder::Recorder;
use crate::slice::Slice;

/// First word of window k's plan.
pub fn plan_at(run: &GpuRun<'_>, k: usize) -> u32 {
    ((k % SLOTS) * run.prepared.layout.slot) as u32
}

/// Inputs and starting carry of window k.
pub fn gather(recorder: &mut Recorder, run: &mut GpuRun<'_>, k: usize) -> Result<()> {
    upload_plan(recorder, run, k)?;
    let (plan, space, windows) = (run.plan, &*run.prepared, run.windows);
    let (lanes, rows) = (windows.lanes, windows.lanes * windows.time);
    let starts = plan_at(run, k);
    let by_symbol = plan.spec.input.vocabulary().is_some();
    let carry = plan.carry.len(lanes);
    let ids = if by_symbol { rows } else { 0 };
    let arguments = Gather { rows: ids as u32, lanes: lanes as u32, carry: carry as u32, states: space.carried_states as u32, starts };
    let slices = vec![
        space.arena_slice(),
        space.words_slice(),
        run.carry.slice(),
        Slice::whole(&space.windows),
        run.data.inputs.slice(),
        Slice::whole(&space.carried),
    ];
    recorder.dispatch(KernelId::Gather, slices, bytemuck::bytes_of(&arguments), groups(ids.max(carry)))?;
    let width = plan.spec.input.width();
    match (space.layout.entry, &plan.embedding) {
        (Entry::RealRows, _) => {
            let arguments = GatherReal { rows: rows as u32, width: width as u32, lanes: lanes as u32, starts };
            let output = Slice::of(&space.arena, space.layout.input as usize, rows * width);
            let slices = vec![output, Slice::whole(&space.windows), run.data.inputs.slice()];
            recorder.dispatch(KernelId::GatherReal, slices, bytemuck::bytes_of(&arguments), groups(rows * width))
        }
        (Entry::EmbeddingRows, Some(table)) => {
            let arguments = Embed { rows: rows as u32, width: width as u32 };
            let output = Slice::of(&space.arena, space.layout.input as usize, rows * width);
            let slices = vec![Slice::of(&run.parameters.buffer, table.start, table.len()), space.words_slice(), output];
            recorder.dispatch(KernelId::Embed, slices, bytemuck::bytes_of(&arguments), groups(rows * width))
        }
        _ => Ok(()),
    }
}

/// Starts, resets and, for the way back, the positions sorted by symbol.
fn upload_plan(recorder: &mut Recorder, run: &mut GpuRun<'_>, k: usize) -> Result<()> {
    let windows = run.windows;
    let mut words: Vec<u32> = windows.starts_of(k).to_vec();
    words.extend(windows.resets_of(k).iter().map(|&reset| u32::from(reset)));
    let layout = &run.prepared.layout;
    if let (true, Data::Ids { ids, .. }) = (layout.begins > layout.sorted, &run.data.inputs) {
        let vocabulary = layout.slot - layout.begins - 1;
        let (sorted, begins) = sort_by_symbol(ids, windows.starts_of(k), windows.time, vocabulary);
        words.extend(sorted);
        words.resize(layout.begins, 0);
        words.extend(begins);
    }
    if k > 0 && k.is_multiple_of(SLOTS) {
        // The slots are taken anew, and recorded work still wants what stands there.
        recorder.submit()?;
    }
    recorder.write_unused(&run.prepared.windows, plan_at(run, k) as usize, &words);
    Ok(())
}

/// The window's positions in the order of their symbols (then of time and lane), and where each symbol's begin: one place more than
/// there are symbols.
fn sort_by_symbol(ids: &[u32], starts: &[u32], time: usize, vocabulary: usize) -> (Vec<u32>, Vec<u32>) {
    let symbols = || (0..time).flat_map(|t| starts.iter().map(move |&start| ids[start as usize + t] as usize));
    let mut begins = vec![0; vocabulary + 1];
    symbols().for_each(|symbol| begins[symbol + 1] += 1);
    for symbol in 0..vocabulary {
        begins[symbol + 1] += begins[symbol];
    }
    let mut next = begins.clone();
    let mut sorted = vec![0; time * starts.len()];
    for (row, symbol) in (0..).zip(symbols()) {
        sorted[next[symbol] as usize] = row;
        next[symbol] += 1;
    }
    (sorted, begins)
}

/// Fills the masks of window k.
pub fn masks(recorder: &mut Recorder, run: &mut GpuRun<'_>, k: usize) -> Result<()> {
    let space = &*run.prepared;
    let spaces = space.layout.layers.iter().filter(|space| space.mask.1 > 0);
    for (dropout, place) in run.plan.dropouts().zip(spaces) {
        let elements = run.windows.time * run.windows.lanes * dropout.size;
        let (at, count) = (place.mask.0, elements.div_ceil(32));
        match &run.windows.masks {
            Masks::Off => {}
            Masks::Given(sites) => {
                let mut bits = vec![0u32; count];
                for (element, _) in sites[dropout.site].iter().enumerate().filter(|(_, kept)| **kept) {
                    bits[element / 32] |= 1 << (element % 32);
                }
                recorder.write(&space.words, at as usize, &bits)?;
            }
            Masks::Drawn { seed } => {
                let step = run.windows.first_step + k as u64;
                let [key_low, key_high] = Key::stream(*seed, Stream::Dropout, step as u32).child(dropout.site as u32).words();
                let arguments = DrawMasks { count: count as u32, at, key_low, key_high, threshold: threshold(dropout.rate) };
                recorder.dispatch(KernelId::Masks, vec![space.words_slice()], bytemuck::bytes_of(&arguments), groups(count))?;
            }
        }
    }
    Ok(())
}

/// The states after the last time step become the carry.
pub fn keep_carry(recorder: &mut Recorder, run: &GpuRun<'_>) -> Result<()> {
    let space = &*run.prepared;
    let (lanes, time) = (run.windows.lanes, run.windows.time);
    let carry = run.plan.carry.len(lanes);
    let arguments = KeepCarry { carry: carry as u32, states: space.carried_states as u32, lanes: lanes as u32, time: time as u32 };
    let slices = vec![space.arena_slice(), run.carry.slice(), Slice::whole(&space.carried), space.state.slice()];
    recorder.dispatch(KernelId::KeepCarry, slices, bytemuck::bytes_of(&arguments), groups(carry))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_sorted_by_symbol_and_stay_in_order_within_one() {
        // Two lanes from 0 and 3: rows are 1 0, 0 2, 1 1.
        let (sorted, begins) = sort_by_symbol(&[1, 0, 1, 0, 2, 1], &[0, 3], 3, 4);
        assert_eq!(begins, [0, 2, 5, 6, 6]);
        assert_eq!(sorted, [1, 2, 0, 4, 5, 3]);
    }
}
