//! Two directions: the sequence turned for the reverse one, and the outputs of both joined.

use rnnkit_core::Result;
use rnnkit_core::plan::Join;

use super::{GpuRun, groups, lengths_at};
use crate::arguments;
use crate::kernel::{KernelId, LanesKernel};
use crate::recorder::Recorder;

/// Each lane's sequence from its end to its start; back the same, added to what is there.
pub fn turn(recorder: &mut Recorder, run: &GpuRun<'_>, size: usize, [from_at, to_at]: [u32; 2], adds: bool) -> Result<()> {
    let elements = run.windows.time * run.windows.lanes * size;
    let arguments = arguments::Turn {
        from_at,
        to_at,
        elements: elements as u32,
        size: size as u32,
        lanes: run.windows.lanes as u32,
        lengths: lengths_at(run),
        adds: u32::from(adds),
    };
    let slices = vec![run.prepared.arena_slice(), run.prepared.plan_slice()];
    recorder.dispatch(KernelId::Lanes(LanesKernel::Turn), slices, bytemuck::bytes_of(&arguments), groups(elements))
}

/// Joins the outputs of two directions, or parts the gradient of the joined rows.
pub fn join(recorder: &mut Recorder, run: &GpuRun<'_>, index: usize, join: &Join, back: bool) -> Result<()> {
    let elements = run.windows.time * run.windows.lanes * join.size;
    let place = |layer: usize| {
        let space = run.prepared.layout.layers[layer];
        if back { space.d_output } else { space.output }
    };
    let [forward, reverse] = join.parts.map(place);
    let arguments = arguments::Join {
        joined: place(index),
        forward,
        reverse,
        elements: elements as u32,
        half: (join.size / 2) as u32,
        lanes: run.windows.lanes as u32,
        lengths: lengths_at(run),
        turns: u32::from(join.turns),
        back: u32::from(back),
    };
    let slices = vec![run.prepared.arena_slice(), run.prepared.plan_slice()];
    recorder.dispatch(KernelId::Lanes(LanesKernel::Join), slices, bytemuck::bytes_of(&arguments), groups(elements))
}
