//! The start of a window: its plan goes up, its symbols, rows and starting states are gathered; and the end, where the carry is kept.

use rnnkit_core::Result;
use rnnkit_core::rng::{Key, Stream, threshold};
use rnnkit_core::window::Masks;

use super::{GpuRun, groups, lengths_at, plan_at};
use crate::arguments::{DrawMasks, Embed, Gather, GatherReal, KeepCarry, OneHotRows};
use crate::kernel::KernelId;
use crate::layout::{Entry, SLOTS};
use crate::memory::Data;
use crate::recorder::Recorder;
use crate::slice::Slice;

/// Inputs and starting carry of window k.
pub fn gather(recorder: &mut Recorder, run: &mut GpuRun<'_>, k: usize) -> Result<()> {
    run.prepared.window = k;
    upload_plan(recorder, run, k)?;
    if let Some(stamps) = &mut run.prepared.stamps {
        stamps.begin_window(recorder, k);
    }
    let (plan, space, windows) = (run.plan, &*run.prepared, run.windows);
    let (lanes, rows) = (windows.lanes, windows.lanes * windows.time);
    let starts = plan_at(run, k);
    let (vocabulary, lengths) = (plan.spec.input.vocabulary(), lengths_at(run));
    let carry = plan.carry.len(lanes);
    let ids = vocabulary.map_or(0, |_| rows);
    let arguments = Gather {
        rows: ids as u32,
        lanes: lanes as u32,
        vocabulary: vocabulary.unwrap_or(0) as u32,
        carry: carry as u32,
        states: space.carried_states as u32,
        starts,
        resets: starts + space.layout.window.resets as u32,
        lengths,
    };
    let slices = vec![
        space.arena_slice(),
        space.words_slice(),
        run.carry.slice(),
        Slice::whole(&space.windows),
        run.data.inputs.slice(),
        Slice::whole(&space.carried),
    ];
    recorder.dispatch(KernelId::Gather, slices, bytemuck::bytes_of(&arguments), groups(ids.max(carry)))?;
    input_rows(recorder, run)
}

/// Input rows, where there are rows.
fn input_rows(recorder: &mut Recorder, run: &GpuRun<'_>) -> Result<()> {
    let (plan, space, windows) = (run.plan, &*run.prepared, run.windows);
    let (lanes, rows, width) = (windows.lanes, windows.lanes * windows.time, plan.input_width());
    if !space.layout.entry.has_rows() {
        return Ok(());
    }
    let output = Slice::of(&space.arena, space.layout.input as usize, rows * width);
    match (space.layout.entry, &plan.embedding) {
        (Entry::RealRows, _) => {
            let (starts, lengths) = (plan_at(run, space.window), lengths_at(run));
            let arguments = GatherReal { rows: rows as u32, width: width as u32, lanes: lanes as u32, starts, lengths };
            let slices = vec![output, Slice::whole(&space.windows), run.data.inputs.slice()];
            recorder.dispatch(KernelId::GatherReal, slices, bytemuck::bytes_of(&arguments), groups(rows * width))
        }
        (Entry::EmbeddingRows, Some(table)) => {
            let arguments = Embed { rows: rows as u32, width: width as u32, vocabulary: (table.len() / width) as u32 };
            let slices = vec![Slice::of(&run.parameters.buffer, table.start, table.len()), space.words_slice(), output];
            recorder.dispatch(KernelId::Embed, slices, bytemuck::bytes_of(&arguments), groups(rows * width))
        }
        _ => {
            let arguments = OneHotRows { rows: rows as u32, width: width as u32 };
            let slices = vec![space.words_slice(), output];
            recorder.dispatch(KernelId::OneHotRows, slices, bytemuck::bytes_of(&arguments), groups(rows * width))
        }
    }
}

/// Starts, resets, lengths and, for the way back, the positions sorted by symbol.
fn upload_plan(recorder: &mut Recorder, run: &mut GpuRun<'_>, k: usize) -> Result<()> {
    let windows = run.windows;
    let mut words: Vec<u32> = windows.starts_of(k).to_vec();
    words.extend(windows.resets_of(k).iter().map(|&reset| u32::from(reset)));
    words.extend((0..windows.lanes).map(|lane| windows.length(k, lane) as u32));
    let layout = &run.prepared.layout.window;
    if let (true, Data::Ids { ids, .. }) = (layout.begins > layout.sorted, &run.data.inputs) {
        let vocabulary = layout.len - layout.begins - 1;
        let symbol = |t: usize, lane: usize| match windows.holds(k, lane, t) {
            true => ids[windows.starts_of(k)[lane] as usize + t] as usize,
            false => vocabulary,
        };
        let symbols: Vec<usize> = (0..windows.time).flat_map(|t| (0..windows.lanes).map(move |lane| symbol(t, lane))).collect();
        let (sorted, begins) = sort_by_symbol(&symbols, vocabulary);
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

/// The window's rows in the order of their symbols (then of time and lane), those without a symbol left out, and where each symbol's begin:
/// one place more than there are symbols.
fn sort_by_symbol(symbols: &[usize], vocabulary: usize) -> (Vec<u32>, Vec<u32>) {
    let rows = || (0..).zip(symbols.iter().copied()).filter(|&(_, symbol)| symbol < vocabulary);
    let mut begins = vec![0; vocabulary + 1];
    rows().for_each(|(_, symbol)| begins[symbol + 1] += 1);
    for symbol in 0..vocabulary {
        begins[symbol + 1] += begins[symbol];
    }
    let mut next = begins.clone();
    let mut sorted = vec![0; rows().count()];
    for (row, symbol) in rows() {
        sorted[next[symbol] as usize] = row;
        next[symbol] += 1;
    }
    (sorted, begins)
}

/// Fills the masks of window k.
pub fn masks(recorder: &mut Recorder, run: &mut GpuRun<'_>, k: usize) -> Result<()> {
    let space = &*run.prepared;
    for (index, (site, &at)) in run.plan.sites.iter().zip(&space.layout.masks).enumerate() {
        let count = site.elements(run.windows.lanes, run.windows.time).div_ceil(32);
        match &run.windows.masks {
            Masks::Off => {}
            Masks::Given(sites) => {
                let mut bits = vec![0u32; count];
                for (element, _) in sites[index].iter().enumerate().filter(|(_, kept)| **kept) {
                    bits[element / 32] |= 1 << (element % 32);
                }
                recorder.write(&space.words, at as usize, &bits)?;
            }
            Masks::Drawn { seed } => {
                let step = run.windows.first_step + k as u64;
                let [key_low, key_high] = Key::stream(*seed, Stream::Dropout, step as u32).child(index as u32).words();
                let arguments = DrawMasks { count: count as u32, at, key_low, key_high, threshold: threshold(site.rate) };
                recorder.dispatch(KernelId::Masks, vec![space.words_slice()], bytemuck::bytes_of(&arguments), groups(count))?;
            }
        }
    }
    Ok(())
}

/// The states at each lane's end become the carry.
pub fn keep_carry(recorder: &mut Recorder, run: &GpuRun<'_>) -> Result<()> {
    let space = &*run.prepared;
    let lanes = run.windows.lanes;
    let carry = run.plan.carry.len(lanes);
    let arguments = KeepCarry { carry: carry as u32, states: space.carried_states as u32, lengths: lengths_at(run), lanes: lanes as u32 };
    let slices = vec![space.arena_slice(), run.carry.slice(), Slice::whole(&space.carried), space.state.slice(), space.plan_slice()];
    recorder.dispatch(KernelId::KeepCarry, slices, bytemuck::bytes_of(&arguments), groups(carry))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_sorted_by_symbol_and_stay_in_order_within_one() {
        let (sorted, begins) = sort_by_symbol(&[1, 0, 0, 2, 1, 1], 4);
        assert_eq!(begins, [0, 2, 5, 6, 6]);
        assert_eq!(sorted, [1, 2, 0, 4, 5, 3]);
    }

    #[test]
    fn a_position_without_a_symbol_is_in_no_sum() {
        let (sorted, begins) = sort_by_symbol(&[2, 1, 2, 0], 2);
        assert_eq!(begins, [0, 1, 2]);
        assert_eq!(sorted, [3, 1]);
    }
}
