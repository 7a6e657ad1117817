//! Weight gradients: many sums over the window's positions, in one dispatch for all parts or for one.

use rnnkit_core::Result;
use rnnkit_core::backend::Part;
use rnnkit_core::plan::Layer;

use super::{GpuRun, Operands, plan_at, product};
use crate::arguments::{Jobs, WeightGradients};
use crate::kernel::{KernelId, ProductKind};
use crate::layout::Entry;
use crate::recorder::Recorder;
use crate::slice::Slice;
use crate::tables::JobRange;

/// Of all parts of the model.
pub fn all(recorder: &mut Recorder, run: &GpuRun<'_>) -> Result<()> {
    let (jobs, sums) = run.prepared.gradients.all();
    sums_over_positions(recorder, run, &jobs)?;
    through_table(recorder, run, true, true)?;
    sums_of_parts(recorder, run, &sums)
}

/// Of one part.
pub fn part(recorder: &mut Recorder, run: &GpuRun<'_>, part: Part) -> Result<()> {
    let tables = &run.prepared.gradients.parts;
    let Some((_, jobs, sums)) = tables.iter().find(|(of, ..)| *of == part) else { return Ok(()) };
    sums_over_positions(recorder, run, jobs)?;
    through_table(recorder, run, part == Part::Layer(0), part == Part::Embedding)?;
    sums_of_parts(recorder, run, sums)
}

fn sums_over_positions(recorder: &mut Recorder, run: &GpuRun<'_>, range: &JobRange) -> Result<()> {
    let (space, Some(training)) = (&run.prepared, &run.training) else { return Ok(()) };
    let at = plan_at(run, space.window);
    let slices = vec![space.arena_slice(), training.gradients.slice(), Slice::whole(&space.gradient_table), space.plan_slice()];
    let each = space.gradients.products_of_a_group(range);
    let at_once = recorder.work.groups(each);
    for first in (0..range.groups).step_by(at_once) {
        let groups = at_once.min(range.groups - first);
        let arguments = WeightGradients {
            first_job: range.jobs.start as u32,
            jobs: range.jobs.len() as u32,
            first_group: first as u32,
            sorted: at + space.layout.window.sorted as u32,
            begins: at + space.layout.window.begins as u32,
        };
        recorder.dispatch(KernelId::WeightGradients, slices.clone(), bytemuck::bytes_of(&arguments), groups)?;
        recorder.count_products(each.saturating_mul(groups as u64))?;
    }
    Ok(())
}

fn sums_of_parts(recorder: &mut Recorder, run: &GpuRun<'_>, range: &JobRange) -> Result<()> {
    let (space, Some(training)) = (&run.prepared, &run.training) else { return Ok(()) };
    let arguments = Jobs { first_job: range.jobs.start as u32, jobs: range.jobs.len() as u32 };
    let slices = vec![space.arena_slice(), training.gradients.slice(), Slice::whole(&space.sum_table)];
    recorder.dispatch(KernelId::SumParts, slices, bytemuck::bytes_of(&arguments), range.groups)
}

/// Where a table stands between embedding and first layer: from the sums of its rows' gradients to those of the weights and of the embedding.
fn through_table(recorder: &mut Recorder, run: &GpuRun<'_>, weights: bool, embedding: bool) -> Result<()> {
    let (Entry::EmbeddingTable, Some(table), Some(Layer::Recurrent(layer)), Some(training)) =
        (run.prepared.layout.entry, &run.plan.embedding, run.plan.layers.first(), &run.training)
    else {
        return Ok(());
    };
    let space = &run.prepared;
    let (gates, width) = (layer.cell.gates() * layer.size, layer.input);
    let vocabulary = table.len() / width;
    let d_table = (space.arena_slice(), space.layout.d_table);
    let (parameters, gradients) = (run.parameters.slice(), training.gradients.slice());
    if weights {
        let operands = Operands {
            a: d_table.clone(),
            b: (parameters.clone(), table.start as u32),
            bias: None,
            c: (gradients.clone(), layer.weight_ih.start as u32),
        };
        product(recorder, ProductKind::Outer, [gates, width, vocabulary], operands, 0)?;
    }
    if embedding {
        let operands =
            Operands { a: d_table, b: (parameters, layer.weight_ih.start as u32), bias: None, c: (gradients, table.start as u32) };
        product(recorder, ProductKind::Back, [vocabulary, width, gates], operands, 0)?;
    }
    Ok(())
}
