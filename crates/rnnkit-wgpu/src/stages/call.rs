//! The beginning and the end of a call: a clean status, packed weights, reports.

use rnnkit_core::Result;
use rnnkit_core::plan::Layer;
use rnnkit_core::window::{Clock, Finished};

use super::{GpuRun, Operands, product};
use crate::arguments::Jobs;
use crate::kernel::{KernelId, ProductKind};
use crate::layout::Entry;
use crate::recorder::Recorder;
use crate::slice::Slice;
use crate::stamps;
use crate::tables::GradientTables;
use crate::workspace::State;

/// Readies the workspace for the windows of a call.
pub fn begin(recorder: &mut Recorder, run: &mut GpuRun<'_>, parameters_version: u64) -> Result<()> {
    let (space, windows) = (&mut *run.prepared, run.windows);
    let reports = windows.windows().max(1);
    space.ready_reports(recorder.device(), reports)?;
    // Before anything is done: a call whose reports there is no room for must not have changed anything.
    recorder.ready_to_read(State::stamps(reports) + stamps::words(reports))?;
    recorder.write(space.state.buffer(), 0, &[State::clean()])?;
    let wanted = (windows.time, windows.lengths.is_some());
    if space.gradients_for != wanted && run.training.is_some() {
        space.gradients_for = wanted;
        space.gradients = GradientTables::new(run.plan, &space.layout, windows.lanes, wanted);
        recorder.write(&space.gradient_table, 0, &space.gradients.jobs)?;
        recorder.write(&space.sum_table, 0, &space.gradients.sums)?;
    }
    space.began_version = parameters_version;
    space.counts.clear();
    space.updates = 0;
    if space.version != parameters_version {
        pack(recorder, run)?;
        run.prepared.version = parameters_version;
    }
    Ok(())
}

/// Packs the weights as the parameters are now, and makes the tables that depend on them.
pub fn pack(recorder: &mut Recorder, run: &GpuRun<'_>) -> Result<()> {
    let space = &run.prepared;
    let (jobs, groups) = space.pack;
    let slices = vec![run.parameters.slice(), Slice::whole(&space.packed), space.arena_slice(), Slice::whole(&space.pack_table)];
    recorder.dispatch(KernelId::Pack, slices, bytemuck::bytes_of(&Jobs { first_job: 0, jobs: jobs as u32 }), groups)?;
    let (Entry::EmbeddingTable, Some(table), Some(Layer::Recurrent(layer))) =
        (space.layout.entry, &run.plan.embedding, run.plan.layers.first())
    else {
        return Ok(());
    };
    let (gates, width) = (layer.cell.gates() * layer.size, layer.input);
    let parameters = run.parameters.slice();
    let operands = Operands {
        a: (parameters.clone(), table.start as u32),
        b: (parameters, layer.weight_ih.start as u32),
        bias: Some((run.parameters.slice(), layer.bias_ih.start as u32)),
        c: (space.arena_slice(), space.layout.table),
    };
    product(recorder, ProductKind::Affine, [table.len() / width, gates, width], operands, 0)
}

/// Waits, and reads the reports of the windows since `begin`, and how long they took, in one piece.
pub fn finish(recorder: &mut Recorder, run: &mut GpuRun<'_>) -> Result<Finished> {
    let space = &mut *run.prepared;
    let (buffer, windows) = (space.state.buffer(), space.counts.len());
    let (len, at) = (State::len(windows), State::stamps(windows));
    let (mut reports, clock) = match &space.stamps {
        Some(stamps) => {
            stamps.hand_over(recorder, buffer, at)?;
            let words = recorder.read(buffer, 0, at + stamps.len())?;
            (State::parse(&words[..len]), stamps.clock(&words[at..]))
        }
        None => (State::parse(&recorder.read(buffer, 0, len)?), Clock::Call),
    };
    for (report, &count) in reports.iter_mut().zip(&space.counts) {
        report.count = count;
    }
    // The packed weights are those of the last step that was done; an aborted window has a report and no update.
    let applied = reports.iter().take(space.updates).take_while(|report| !report.non_finite).count() as u64;
    space.version = space.began_version + applied;
    Ok(Finished { reports, clock })
}
