//! [`Gpu`]: the stages of the seam, each recorded as dispatches.
//!
//! Nothing waits but `read`, `logits`, `tap` and `finish`. Work is handed over in submissions of some tens of milliseconds, and until a
//! window's update nothing outlives the window, so an abort between stages leaves all as it was.

use std::ops::Range;
use std::sync::Arc;

use rnnkit_core::backend::{Backend, LogitRows, Part, RunOf, Shape, Tap, Training};
use rnnkit_core::error::{Error, Result};
use rnnkit_core::grad_clip::CHUNK;
use rnnkit_core::optim::StepScalars;
use rnnkit_core::plan::{Layer, ModelPlan};
use rnnkit_core::spec::Predict;
use rnnkit_core::unroll;
use rnnkit_core::window::{Finished, Report, Values};

use crate::arguments::NOWHERE;
use crate::device::Device;
use crate::forms::Forms;
use crate::memory::{Data, Memory};
use crate::recorder::{Counts, Recorder};
use crate::slice::Slice;
use crate::stages::update::Scratch;
use crate::stages::{batch_norm, call, gradients, head, input, recurrent, rows, segments, update};
use crate::workspace::{State, Workspace};
use crate::{AdapterKind, Budgets, Form, GpuOptions, Precision, Work};

/// The GPU backend.
pub struct Gpu {
    pub(crate) recorder: Recorder,
    form: Option<Form>,
    budgets: Budgets,
}

impl Gpu {
    /// On the GPU that the options name, which all who work on it share.
    ///
    /// # Errors
    /// [`Error::DeviceUnavailable`] if there is none such, or it lacks what the options ask for.
    pub fn open(options: &GpuOptions) -> Result<Self> {
        Ok(Self::on(Device::shared(options)?, options.form))
    }

    /// On an open device; `form` is taken wherever it is possible.
    pub fn on(device: Arc<Device>, form: Option<Form>) -> Self {
        let budgets = Budgets::of(device.limits());
        Self { recorder: Recorder::new(device), form, budgets }
    }

    /// With other budgets of the resident form than the device's limits give: smaller ones, for tests of where weights lie.
    pub fn with_budgets(self, budgets: Budgets) -> Self {
        Self { budgets, ..self }
    }

    /// With another bound of a dispatch's work than the device's kind gives: a smaller one, for tests of where work is cut.
    pub fn with_work(mut self, work: Work) -> Self {
        self.recorder.work = work;
        self
    }

    /// Whether the device tells how long each window of a training takes.
    pub fn has_clock(&self) -> bool {
        self.recorder.device().tick().is_some()
    }

    /// What was done so far.
    pub fn counts(&self) -> Counts {
        self.recorder.counts()
    }

    fn forms(&self, plan: &ModelPlan, shape: Shape) -> Forms {
        Forms::choose(plan, shape, self.form, &self.budgets, self.recorder.device().precision())
    }
}

/// What belongs to window k alone of a run's scratch.
fn scratch(run: &RunOf<'_, Gpu>) -> Scratch {
    Scratch { norm_parts: Slice::whole(&run.prepared.norm_parts), state: run.prepared.state.slice() }
}

impl Backend for Gpu {
    type Real = f32;
    type Memory = Memory;
    type Data = Data;
    type Prepared = Workspace;

    fn describe(&self) -> String {
        let device = self.recorder.device();
        let software = if device.kind() == AdapterKind::Software { ", software" } else { "" };
        let precision = if device.precision() == Precision::F16 { ", f16" } else { "" };
        format!("gpu, {}{software}{precision}", device.name())
    }

    fn memory_needed(&self, plan: &ModelPlan, shape: Shape) -> u64 {
        Workspace::bytes(plan, shape, &self.forms(plan, shape))
    }

    fn alloc(&mut self, len: usize) -> Result<Memory> {
        self.recorder.forget_buffers();
        Ok(Memory { buffer: self.recorder.device().alloc(len)?, len })
    }

    fn write(&mut self, memory: &mut Memory, at: usize, values: &[f32]) -> Result<()> {
        self.recorder.write(&memory.buffer, at, values)
    }

    fn read(&mut self, memory: &Memory, range: Range<usize>) -> Result<Vec<f32>> {
        self.recorder.read(&memory.buffer, range.start, range.len())
    }

    fn load(&mut self, values: &Values) -> Result<Data> {
        self.recorder.forget_buffers();
        let device = self.recorder.device();
        match values {
            Values::Ids(ids) => {
                let buffer = device.alloc(ids.len())?;
                device.write(&buffer, 0, ids);
                Ok(Data::Ids { buffer, ids: ids.clone() })
            }
            Values::Real { values, .. } => {
                let buffer = device.alloc(values.len())?;
                device.write(&buffer, 0, values);
                Ok(Data::Real { buffer })
            }
        }
    }

    fn overwrite(&mut self, data: &mut Data, at: usize, new: &[u32]) -> Result<()> {
        match data {
            Data::Ids { buffer, ids } => {
                ids[at..at + new.len()].copy_from_slice(new);
                self.recorder.write(buffer, at, new)
            }
            Data::Real { .. } => Err(Error::internal("only ids can be overwritten")),
        }
    }

    fn prepare(&mut self, plan: &Arc<ModelPlan>, shape: Shape) -> Result<Workspace> {
        self.recorder.forget_buffers();
        let forms = self.forms(plan, shape);
        if forms.refuses(self.form) {
            let most = self.budgets.threads;
            let expected = format!("'step', or layers of at most {most} units, as many as a workgroup of this GPU has threads");
            return Err(Error::invalid("form", "resident", expected));
        }
        Workspace::new(self.recorder.device(), plan, shape, forms)
    }

    fn begin(&mut self, run: &mut RunOf<'_, Self>, parameters_version: u64) -> Result<()> {
        call::begin(&mut self.recorder, run, parameters_version)
    }

    fn gather(&mut self, run: &mut RunOf<'_, Self>, k: usize) -> Result<()> {
        input::gather(&mut self.recorder, run, k)
    }

    fn masks(&mut self, run: &mut RunOf<'_, Self>, k: usize) -> Result<()> {
        input::masks(&mut self.recorder, run, k)
    }

    fn rows_forward(&mut self, run: &mut RunOf<'_, Self>, layer: usize) -> Result<()> {
        rows::forward(&mut self.recorder, run, layer)
    }

    fn rows_backward(&mut self, run: &mut RunOf<'_, Self>, layer: usize) -> Result<()> {
        rows::backward(&mut self.recorder, run, layer)
    }

    fn step_forward(&mut self, run: &mut RunOf<'_, Self>, layer: usize, t: usize) -> Result<()> {
        recurrent::input_forward(&mut self.recorder, run, layer, t..t + 1)?;
        recurrent::step_forward(&mut self.recorder, run, layer, t)
    }

    fn step_backward(&mut self, run: &mut RunOf<'_, Self>, layer: usize, t: usize) -> Result<()> {
        recurrent::step_backward(&mut self.recorder, run, layer, t)?;
        recurrent::input_backward(&mut self.recorder, run, layer, t..t + 1)
    }

    fn block_forward(&mut self, run: &mut RunOf<'_, Self>, block: Range<usize>) -> Result<()> {
        for (segment, form) in run.prepared.forms.within(block) {
            segments::forward(&mut self.recorder, run, segment, *form)?;
        }
        run.check_abort()
    }

    fn block_backward(&mut self, run: &mut RunOf<'_, Self>, block: Range<usize>) -> Result<()> {
        for (segment, form) in run.prepared.forms.within(block).rev() {
            segments::backward(&mut self.recorder, run, segment, *form)?;
        }
        run.check_abort()
    }

    fn head_and_loss(&mut self, run: &mut RunOf<'_, Self>, k: usize) -> Result<()> {
        head::head_and_loss(&mut self.recorder, run, k)
    }

    fn weight_gradients(&mut self, run: &mut RunOf<'_, Self>, part: Part) -> Result<()> {
        gradients::part(&mut self.recorder, run, part)
    }

    fn norm_and_clip(&mut self, run: &mut RunOf<'_, Self>, k: usize) -> Result<()> {
        let Some(training) = &run.training else { return Ok(()) };
        update::norm(&mut self.recorder, training, &scratch(run), &run.windows.scalars[k], k)
    }

    fn update(&mut self, run: &mut RunOf<'_, Self>, k: usize) -> Result<()> {
        let Some(training) = &run.training else { return Ok(()) };
        update::update(&mut self.recorder, run.parameters, training, &scratch(run), &run.windows.scalars[k], k)?;
        batch_norm::update_statistics(&mut self.recorder, run)?;
        run.prepared.updates += 1;
        call::pack(&mut self.recorder, run)
    }

    fn keep_carry(&mut self, run: &mut RunOf<'_, Self>) -> Result<()> {
        input::keep_carry(&mut self.recorder, run)
    }

    fn finish(&mut self, run: &mut RunOf<'_, Self>) -> Result<Finished> {
        call::finish(&mut self.recorder, run)
    }

    fn logits(&mut self, run: &mut RunOf<'_, Self>, rows: LogitRows, out: &mut [f32]) -> Result<()> {
        head::read_logits(&mut self.recorder, run, rows, out)
    }

    fn tap(&mut self, run: &mut RunOf<'_, Self>, tap: Tap) -> Result<Vec<f32>> {
        let (plan, layout) = (run.plan, &run.prepared.layout);
        let rows = run.windows.time * run.windows.lanes;
        let (at, len) = match tap {
            Tap::Output(layer) => (layout.layers[layer].output, rows * plan.layers[layer].size()),
            Tap::Gates(layer) => match &plan.layers[layer] {
                Layer::Recurrent(recurrent) => (layout.places[recurrent.slot].gates, rows * recurrent.cell.gates() * recurrent.size),
                _ => return Err(Error::internal(format!("layer {layer} is not recurrent"))),
            },
            Tap::Logits => {
                let rows = if plan.head.predict == Predict::LastStep { run.windows.lanes } else { rows };
                (layout.kept_logits, rows * plan.head.size)
            }
            Tap::InputGradient if layout.d_input == NOWHERE => {
                return Err(Error::internal("a one-hot input has no rows to show a gradient of"));
            }
            Tap::InputGradient => (layout.d_input, rows * plan.input_width()),
            Tap::CellState(layer) => match &plan.layers[layer] {
                Layer::Recurrent(recurrent) if recurrent.cell.has_cell_state() => {
                    let state = run.windows.lanes * recurrent.size;
                    (layout.places[recurrent.slot].cell_state + state as u32, rows * recurrent.size)
                }
                _ => return Err(Error::internal(format!("layer {layer} has no cell state"))),
            },
            Tap::HiddenGradient(layer) => match &plan.layers[layer] {
                Layer::Recurrent(recurrent) => (layout.places[recurrent.slot].d_state, rows * recurrent.size),
                _ => return Err(Error::internal(format!("layer {layer} is not recurrent"))),
            },
            Tap::CarryGradient => return recurrent::read_carry_gradient(&mut self.recorder, run),
        };
        self.recorder.read(&run.prepared.arena, at as usize, len)
    }

    fn clip_and_update(&mut self, parameters: &mut Memory, training: Training<'_, Memory>, scalars: &StepScalars) -> Result<Report> {
        let device = self.recorder.device();
        let state = State::new(device, 1)?;
        let norm_parts = device.alloc(4 * training.gradients.len.div_ceil(CHUNK))?;
        device.write(state.buffer(), 0, &[State::clean()]);
        let scratch = Scratch { norm_parts: Slice::whole(&norm_parts), state: state.slice() };
        update::norm(&mut self.recorder, &training, &scratch, scalars, 0)?;
        update::update(&mut self.recorder, parameters, &training, &scratch, scalars, 0)?;
        let words = self.recorder.read(state.buffer(), 0, State::len(1))?;
        State::parse(&words).pop().ok_or_else(|| Error::internal("a report is missing"))
    }

    /// As the plain order, with all weight gradients together.
    fn train_window(&mut self, run: &mut RunOf<'_, Self>, k: usize) -> Result<()> {
        unroll::forward(self, run, k)?;
        self.head_and_loss(run, k)?;
        for block in run.plan.blocks.iter().rev().cloned() {
            self.block_backward(run, block)?;
        }
        gradients::all(&mut self.recorder, run)?;
        run.check_abort()?;
        self.norm_and_clip(run, k)?;
        self.update(run, k)?;
        self.keep_carry(run)
    }
}
