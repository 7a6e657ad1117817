//! The oracle backend: every stage in the plainest loops, generic over f32 and f64. Slow, obvious, and what all others are held against.

mod batch_norm;
mod head;
mod products;
mod recurrent;
mod rows;
mod workspace;

use std::marker::PhantomData;
use std::ops::Range;
use std::sync::Arc;

use crate::backend::{Backend, LogitRows, Part, RunOf, Shape, Tap, Training};
use crate::error::{Error, Result};
use crate::grad_clip::{CHUNK, ClipSpec, clip_value, global_norm, norm_scale, square_sum};
use crate::math::Scalar;
use crate::memory::zeros;
use crate::optim::{StepScalars, guarded};
use crate::plan::{Layer, ModelPlan};
use crate::spec::Predict;
use crate::window::{Clock, Finished, Report, Values};
use crate::with_cell;

pub use workspace::Workspace;

/// Plain loops on one thread.
#[derive(Debug, Clone, Copy, Default)]
pub struct Reference<R>(PhantomData<R>);

impl<R: Scalar> Reference<R> {
    /// The oracle for that number type.
    pub fn new() -> Self {
        Self(PhantomData)
    }
}

/// Positions on the host.
pub enum HostData<R> {
    /// Symbol ids.
    Ids(Vec<u32>),
    /// Rows of `width` numbers.
    Real {
        /// Numbers a position.
        width: usize,
        /// [positions, width].
        values: Vec<R>,
    },
}

impl<R: Scalar> HostData<R> {
    /// The id at a position.
    pub fn id(&self, position: usize) -> Result<u32> {
        match self {
            HostData::Ids(ids) => Ok(ids[position]),
            HostData::Real { .. } => Err(Error::internal("ids were expected, the data are real numbers")),
        }
    }

    /// The row at a position.
    pub fn row(&self, position: usize) -> Result<&[R]> {
        match self {
            HostData::Real { width, values } => Ok(&values[position * width..(position + 1) * width]),
            HostData::Ids(_) => Err(Error::internal("real numbers were expected, the data are ids")),
        }
    }
}

impl<R: Scalar> Backend for Reference<R> {
    type Real = R;
    type Memory = Vec<R>;
    type Data = HostData<R>;
    type Prepared = Workspace<R>;

    fn describe(&self) -> String {
        format!("reference, plain loops in f{}", 8 * size_of::<R>())
    }

    fn memory_needed(&self, plan: &ModelPlan, shape: Shape) -> u64 {
        let rows = (shape.lanes as u64).saturating_mul(shape.time as u64);
        let width = |layer: &Layer| match layer {
            Layer::Recurrent(layer) => (3 * layer.cell.gates() + 6) as u64 * layer.size as u64,
            layer => 3 * layer.size() as u64,
        };
        let masks: usize = plan.sites.iter().map(|site| site.copies * site.size).sum();
        let per_row = plan.layers.iter().map(width).sum::<u64>() + (2 * plan.head.size + 2 * plan.input_width() + 2 * masks) as u64;
        rows.saturating_mul(per_row).saturating_mul(size_of::<R>() as u64)
    }

    fn alloc(&mut self, len: usize) -> Result<Vec<R>> {
        zeros(len)
    }

    fn write(&mut self, memory: &mut Vec<R>, at: usize, values: &[R]) -> Result<()> {
        memory[at..at + values.len()].copy_from_slice(values);
        Ok(())
    }

    fn read(&mut self, memory: &Vec<R>, range: Range<usize>) -> Result<Vec<R>> {
        Ok(memory[range].to_vec())
    }

    fn load(&mut self, values: &Values) -> Result<HostData<R>> {
        Ok(match values {
            Values::Ids(ids) => HostData::Ids(ids.clone()),
            Values::Real { width, values } => {
                HostData::Real { width: *width, values: values.iter().map(|&value| R::from_f64(f64::from(value))).collect() }
            }
        })
    }

    fn overwrite(&mut self, data: &mut HostData<R>, at: usize, ids: &[u32]) -> Result<()> {
        match data {
            HostData::Ids(all) => all[at..at + ids.len()].copy_from_slice(ids),
            HostData::Real { .. } => return Err(Error::internal("only ids can be overwritten")),
        }
        Ok(())
    }

    fn prepare(&mut self, plan: &Arc<ModelPlan>, shape: Shape) -> Result<Workspace<R>> {
        Workspace::new(plan, shape)
    }

    fn begin(&mut self, run: &mut RunOf<'_, Self>, _parameters_version: u64) -> Result<()> {
        run.prepared.non_finite = false;
        run.prepared.reports.clear();
        Ok(())
    }

    fn gather(&mut self, run: &mut RunOf<'_, Self>, k: usize) -> Result<()> {
        rows::gather(run, k)
    }

    fn masks(&mut self, run: &mut RunOf<'_, Self>, k: usize) -> Result<()> {
        rows::masks(run, k)
    }

    fn rows_forward(&mut self, run: &mut RunOf<'_, Self>, layer: usize) -> Result<()> {
        rows::forward(run, layer);
        Ok(())
    }

    fn rows_backward(&mut self, run: &mut RunOf<'_, Self>, layer: usize) -> Result<()> {
        rows::backward(run, layer);
        Ok(())
    }

    fn step_forward(&mut self, run: &mut RunOf<'_, Self>, layer: usize, t: usize) -> Result<()> {
        let Layer::Recurrent(recurrent) = &run.plan.layers[layer] else { return Err(not_recurrent(layer)) };
        with_cell!(recurrent.cell, cell => recurrent::step_forward(cell, run, layer, recurrent, t));
        Ok(())
    }

    fn step_backward(&mut self, run: &mut RunOf<'_, Self>, layer: usize, t: usize) -> Result<()> {
        let Layer::Recurrent(recurrent) = &run.plan.layers[layer] else { return Err(not_recurrent(layer)) };
        with_cell!(recurrent.cell, cell => recurrent::step_backward(cell, run, layer, recurrent, t));
        Ok(())
    }

    fn head_and_loss(&mut self, run: &mut RunOf<'_, Self>, k: usize) -> Result<()> {
        head::head_and_loss(run, k)
    }

    fn weight_gradients(&mut self, run: &mut RunOf<'_, Self>, part: Part) -> Result<()> {
        match part {
            Part::Head => head::weight_gradients(run),
            Part::Embedding => rows::embedding_gradients(run),
            Part::Layer(index) => match &run.plan.layers[index] {
                Layer::Recurrent(layer) => recurrent::weight_gradients(run, index, layer),
                Layer::Dense(layer) => rows::dense_gradients(run, index, layer),
                Layer::BatchNorm(layer) => batch_norm::weight_gradients(run, index, layer),
                Layer::Dropout(_) | Layer::Turn(_) | Layer::Join(_) => {}
            },
        }
        Ok(())
    }

    fn norm_and_clip(&mut self, run: &mut RunOf<'_, Self>, _k: usize) -> Result<()> {
        let Some(training) = &mut run.training else { return Ok(()) };
        let (norm, clipped) = clip(training.gradients, training.clip);
        let workspace = &mut *run.prepared;
        let report = workspace.reports.last_mut().ok_or_else(|| Error::internal("the norm was asked for before the loss"))?;
        report.gradient_norm = norm;
        report.clipped = clipped;
        workspace.non_finite |= !norm.is_finite() || !report.loss.is_finite();
        report.non_finite = workspace.non_finite;
        Ok(())
    }

    fn update(&mut self, run: &mut RunOf<'_, Self>, k: usize) -> Result<()> {
        let Some(training) = &mut run.training else { return Ok(()) };
        let Some(report) = run.prepared.reports.last_mut() else { return Ok(()) };
        if run.prepared.non_finite {
            return Ok(());
        }
        if step(run.parameters, training, &run.windows.scalars[k], report.gradient_norm)? {
            batch_norm::update_statistics(run);
        } else {
            run.prepared.non_finite = true;
            report.non_finite = true;
        }
        Ok(())
    }

    fn keep_carry(&mut self, run: &mut RunOf<'_, Self>) -> Result<()> {
        if !run.prepared.non_finite {
            recurrent::keep_carry(run);
        }
        Ok(())
    }

    fn finish(&mut self, run: &mut RunOf<'_, Self>) -> Result<Finished> {
        Ok(Finished { reports: std::mem::take(&mut run.prepared.reports), clock: Clock::Window })
    }

    fn logits(&mut self, run: &mut RunOf<'_, Self>, rows: LogitRows, out: &mut [R]) -> Result<()> {
        head::logits(run, rows, out);
        Ok(())
    }

    fn tap(&mut self, run: &mut RunOf<'_, Self>, tap: Tap) -> Result<Vec<R>> {
        let rows = run.windows.time * run.windows.lanes;
        let space = &run.prepared;
        Ok(match tap {
            Tap::Output(layer) => space.layers[layer].output[..rows * run.plan.layers[layer].size()].to_vec(),
            Tap::Gates(layer) => match &run.plan.layers[layer] {
                Layer::Recurrent(recurrent) => space.layers[layer].gates[..rows * recurrent.cell.gates() * recurrent.size].to_vec(),
                _ => return Err(not_recurrent(layer)),
            },
            Tap::Logits => {
                let rows = if run.plan.head.predict == Predict::LastStep { run.windows.lanes } else { rows };
                space.logits[..rows * run.plan.head.size].to_vec()
            }
            Tap::InputGradient if space.d_input.is_empty() => {
                return Err(Error::internal("a one-hot input has no rows to show a gradient of"));
            }
            Tap::InputGradient => space.d_input[..rows * run.plan.input_width()].to_vec(),
            Tap::CarryGradient => recurrent::carry_gradient(run),
            Tap::CellState(layer) => space.layers[layer].cell_state[..rows * run.plan.layers[layer].size()].to_vec(),
            Tap::HiddenGradient(layer) => space.layers[layer].d_state[..rows * run.plan.layers[layer].size()].to_vec(),
        })
    }

    fn clip_and_update(&mut self, parameters: &mut Vec<R>, mut training: Training<'_, Vec<R>>, scalars: &StepScalars) -> Result<Report> {
        let (norm, clipped) = clip(training.gradients, training.clip);
        let non_finite = !norm.is_finite() || !step(parameters, &mut training, scalars, norm)?;
        Ok(Report { gradient_norm: norm, clipped, non_finite, ..Report::default() })
    }
}

fn not_recurrent(layer: usize) -> Error {
    Error::internal(format!("layer {layer} is not recurrent"))
}

/// Clips in place; the norm before it, and whether anything changed.
fn clip<R: Scalar>(gradients: &mut [R], clip: &ClipSpec) -> (f64, bool) {
    let partials: Vec<f64> = gradients.chunks(CHUNK).map(square_sum).collect();
    let norm = global_norm(&partials);
    let clipped = match *clip {
        ClipSpec::None {} => false,
        ClipSpec::Norm { theta, epsilon } => {
            let scale = norm_scale(norm, theta, epsilon);
            if scale < 1.0 {
                gradients.iter_mut().for_each(|gradient| *gradient = *gradient * R::from_f64(scale));
            }
            scale < 1.0
        }
        ClipSpec::Value { limit } => clip_value(gradients, limit),
    };
    (norm, clipped)
}

/// One optimizer step on the whole buffer; whether it stands.
fn step<R: Scalar>(parameters: &mut Vec<R>, training: &mut Training<'_, Vec<R>>, scalars: &StepScalars, norm: f64) -> Result<bool> {
    let Training { gradients, moments, optimizer, .. } = training;
    guarded(optimizer.is_tame(scalars, norm), parameters, moments, |parameters, moments| {
        let mut moments: Vec<&mut [R]> = moments.iter_mut().map(Vec::as_mut_slice).collect();
        // Behind what has gradients stand the statistics.
        optimizer.apply(scalars, R::splat(1.0), &mut parameters[..gradients.len()], gradients, &mut moments);
    })
}
