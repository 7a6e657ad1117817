//! [`Cpu`]: the stages of the seam, each handed to the lane tiles and threads.
//!
//! The required stages run one time step of a layer; the overridden blocks run all of them, as `stages/sharing.rs` shares them out. Both call
//! the same routines on the same numbers in the same order for each element, so their bits are the same.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use rnnkit_core::backend::{Backend, LogitRows, Part, RunOf, Shape, Tap, Training};
use rnnkit_core::error::{Error, Result};
use rnnkit_core::grad_clip::CHUNK;
use rnnkit_core::optim::{StepScalars, guarded};
use rnnkit_core::plan::{Layer, ModelPlan};
use rnnkit_core::window::{Clock, Finished, Report, Values};

use crate::aligned::large_pages;
use crate::pool::ThreadPool;
use crate::product::{Packing, Precision};
use crate::simd::Isa;
use crate::stages::gradients::Gradients;
use crate::stages::head::{self, Loss};
use crate::stages::layers::Layers;
use crate::stages::sharing::Sharing;
use crate::stages::{batch_norm, dropout, input, taps, update};
use crate::weights::SharedSizes;
use crate::workspace::{LaneTile, Workspace};

/// The CPU backend.
pub struct Cpu {
    isa: Isa,
    pool: ThreadPool,
    precision: Precision,
    shared: SharedSizes,
}

impl Cpu {
    /// A backend on `threads` threads, with the best instruction set of the machine (or the one that `RNNKIT_ISA` names).
    ///
    /// # Errors
    /// [`Error::Invalid`] for no threads, more than the system starts, or an instruction set that the machine lacks.
    pub fn new(threads: usize) -> Result<Self> {
        Ok(Self::on(Isa::detect()?, ThreadPool::new(threads)?))
    }

    /// A backend on that instruction set and those threads.
    pub fn on(isa: Isa, pool: ThreadPool) -> Self {
        Self { isa, pool, precision: Precision::F32, shared: SharedSizes::default() }
    }

    /// The same backend with the weights of products packed in that precision.
    #[must_use]
    pub fn with_precision(self, precision: Precision) -> Self {
        Self { precision, ..self }
    }

    /// The same backend with the units of other layers shared by its threads than of the large ones: for tests of both ways on small models.
    #[must_use]
    pub fn with_shared(self, shared: SharedSizes) -> Self {
        Self { shared, ..self }
    }

    /// One optimizer step; whether it stands.
    fn step(&self, parameters: &mut Vec<f32>, training: &mut Training<'_, Vec<f32>>, scalars: &StepScalars, norm: f64) -> Result<bool> {
        let Training { gradients, moments, optimizer, .. } = training;
        guarded(optimizer.is_tame(scalars, norm), parameters, moments, |parameters, moments| {
            // Behind what has gradients stand the statistics.
            update::update(self.isa, &self.pool, optimizer, scalars, &mut parameters[..gradients.len()], gradients, moments);
        })
    }

    /// Some layers forward over some time steps.
    fn layers_forward(&self, run: &mut RunOf<'_, Self>, layers: Range<usize>, steps: Range<usize>) -> Result<()> {
        if let [Layer::BatchNorm(layer)] = &run.plan.layers[layers.clone()] {
            let by_window = run.training.is_some() && !layer.frozen;
            let finite = batch_norm::forward(&self.pool, run.prepared, run.parameters, layers.start, layer, run.windows.time, by_window);
            run.prepared.non_finite |= !finite;
            return run.check_abort();
        }
        self.shared_out(run, |sharing, tiles| sharing.forward(tiles, layers, steps))
    }

    /// The same back, last layer first.
    fn layers_backward(&self, run: &mut RunOf<'_, Self>, layers: Range<usize>, steps: Range<usize>) -> Result<()> {
        if let [Layer::BatchNorm(layer)] = &run.plan.layers[layers.clone()] {
            let gamma = &run.parameters[layer.gamma.clone()];
            batch_norm::backward(&self.pool, run.prepared, gamma, layers.start, layer, run.windows.time);
            return run.check_abort();
        }
        self.shared_out(run, |sharing, tiles| sharing.backward(tiles, layers, steps))
    }

    /// Calls `work` with what shares layers out, and the tiles.
    fn shared_out(&self, run: &mut RunOf<'_, Self>, work: impl FnOnce(&Sharing<'_>, &mut [LaneTile])) -> Result<()> {
        let (plan, time, abort) = (run.plan, run.windows.time, run.abort);
        let Workspace { tiles, weights, .. } = &mut *run.prepared;
        work(&Sharing { pool: &self.pool, layers: Layers { isa: self.isa, plan, weights, time, abort } }, tiles);
        run.check_abort()
    }

    fn gradients<'a>(&'a self, run: &RunOf<'a, Self>) -> Gradients<'a> {
        Gradients { isa: self.isa, pool: &self.pool, time: run.windows.time, abort: run.abort }
    }
}

impl Backend for Cpu {
    type Real = f32;
    type Memory = Vec<f32>;
    type Data = Values;
    type Prepared = Workspace;

    fn describe(&self) -> String {
        let weights = match self.precision {
            Precision::F32 => "",
            Precision::Bf16 => " bf16 weights,",
        };
        let threads = self.pool.threads();
        format!("cpu, {},{weights} {threads} thread{}", self.isa.name(), if threads == 1 { "" } else { "s" })
    }

    fn memory_needed(&self, plan: &ModelPlan, shape: Shape) -> u64 {
        Workspace::bytes(plan, shape, self.precision)
    }

    fn alloc(&mut self, len: usize) -> Result<Vec<f32>> {
        large_pages(len)
    }

    fn write(&mut self, memory: &mut Vec<f32>, at: usize, values: &[f32]) -> Result<()> {
        memory[at..at + values.len()].copy_from_slice(values);
        Ok(())
    }

    fn read(&mut self, memory: &Vec<f32>, range: Range<usize>) -> Result<Vec<f32>> {
        Ok(memory[range].to_vec())
    }

    fn load(&mut self, values: &Values) -> Result<Values> {
        Ok(values.clone())
    }

    fn overwrite(&mut self, data: &mut Values, at: usize, ids: &[u32]) -> Result<()> {
        match data {
            Values::Ids(all) => all[at..at + ids.len()].copy_from_slice(ids),
            Values::Real { .. } => return Err(Error::internal("only ids can be overwritten")),
        }
        Ok(())
    }

    fn prepare(&mut self, plan: &Arc<ModelPlan>, shape: Shape) -> Result<Workspace> {
        Workspace::new(Packing { isa: self.isa, precision: self.precision }, self.shared, plan, shape)
    }

    fn begin(&mut self, run: &mut RunOf<'_, Self>, parameters_version: u64) -> Result<()> {
        run.prepared.non_finite = false;
        run.prepared.reports.clear();
        run.prepared.reports.reserve(run.windows.windows());
        if run.prepared.weights.version != parameters_version {
            run.prepared.weights.pack(&self.pool, run.parameters, parameters_version);
        }
        Ok(())
    }

    fn gather(&mut self, run: &mut RunOf<'_, Self>, k: usize) -> Result<()> {
        for tile in &mut run.prepared.tiles {
            input::gather(tile, run.plan, run.parameters, &run.data.inputs, run.windows, k)?;
            input::starting_carry(tile, run.plan, run.carry, run.windows, k);
        }
        Ok(())
    }

    fn masks(&mut self, run: &mut RunOf<'_, Self>, k: usize) -> Result<()> {
        let (plan, windows) = (run.plan, run.windows);
        if !plan.sites.is_empty() {
            self.pool.for_each(&mut run.prepared.tiles, |_, tile| dropout::masks(self.isa, tile, plan, windows, k));
        }
        Ok(())
    }

    fn rows_forward(&mut self, run: &mut RunOf<'_, Self>, layer: usize) -> Result<()> {
        self.layers_forward(run, layer..layer + 1, 0..run.windows.time)
    }

    fn rows_backward(&mut self, run: &mut RunOf<'_, Self>, layer: usize) -> Result<()> {
        self.layers_backward(run, layer..layer + 1, 0..run.windows.time)
    }

    fn step_forward(&mut self, run: &mut RunOf<'_, Self>, layer: usize, t: usize) -> Result<()> {
        self.layers_forward(run, layer..layer + 1, t..t + 1)
    }

    fn step_backward(&mut self, run: &mut RunOf<'_, Self>, layer: usize, t: usize) -> Result<()> {
        self.layers_backward(run, layer..layer + 1, t..t + 1)
    }

    fn block_forward(&mut self, run: &mut RunOf<'_, Self>, block: Range<usize>) -> Result<()> {
        self.layers_forward(run, block, 0..run.windows.time)
    }

    fn block_backward(&mut self, run: &mut RunOf<'_, Self>, block: Range<usize>) -> Result<()> {
        self.layers_backward(run, block, 0..run.windows.time)
    }

    fn head_and_loss(&mut self, run: &mut RunOf<'_, Self>, k: usize) -> Result<()> {
        run.check_abort()?;
        let (plan, lanes, time) = (run.plan, run.windows.lanes, run.windows.time);
        let count = run.windows.count(plan, &run.data.extent, k);
        let scale = plan.spec.loss.row_scale(count, lanes, plan.head.size);
        let gradient_scale = run.training.is_some().then_some(scale as f32);
        let loss = Loss { isa: self.isa, plan, data: run.data, windows: run.windows, k, gradient_scale };
        let Workspace { tiles, weights, .. } = &mut *run.prepared;
        let failed = std::sync::Mutex::new(None);
        let stop = || run.abort.load(Ordering::Relaxed);
        self.pool.for_each(tiles, |_, tile| {
            head::forward(tile, plan, weights.head.as_ref(), time, &stop);
            if stop() {
                return;
            }
            if let Err(error) = loss.run(tile) {
                failed.lock().unwrap_or_else(std::sync::PoisonError::into_inner).replace(error);
            }
        });
        if stop() {
            return Err(Error::Aborted);
        }
        if let Some(error) = failed.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner) {
            return Err(error);
        }
        let sums = tiles.iter().fold([0.0; 2], |sums, tile| [sums[0] + tile.sums[0], sums[1] + tile.sums[1]]);
        let (loss, factor) = plan.spec.loss.objective(sums[0] * scale);
        if run.training.is_some() {
            self.pool.for_each(tiles, |_, tile| head::backward(tile, plan, weights.head.as_ref(), time, factor as f32, &stop));
        }
        let non_finite = run.prepared.non_finite || !loss.is_finite();
        run.prepared.non_finite = non_finite;
        run.prepared.reports.push(Report { loss, nats: sums[1], count: count as u64, non_finite, ..Report::default() });
        Ok(())
    }

    fn weight_gradients(&mut self, run: &mut RunOf<'_, Self>, part: Part) -> Result<()> {
        let stage = self.gradients(run);
        let Some(training) = &mut run.training else { return Ok(()) };
        let (space, gradients) = (&mut *run.prepared, &mut training.gradients[..]);
        match part {
            Part::Head => stage.head(space, gradients, run.plan),
            Part::Embedding => stage.embedding(space, gradients, run.plan),
            Part::Layer(index) => match &run.plan.layers[index] {
                Layer::Recurrent(layer) => stage.recurrent(space, gradients, index, layer),
                Layer::Dense(layer) => stage.dense(space, gradients, index, layer),
                Layer::BatchNorm(layer) => batch_norm::weight_gradients(space, gradients, index, layer),
                Layer::Dropout(_) | Layer::Turn(_) | Layer::Join(_) => {}
            },
        }
        run.check_abort()
    }

    fn norm_and_clip(&mut self, run: &mut RunOf<'_, Self>, _k: usize) -> Result<()> {
        let Some(training) = &mut run.training else { return Ok(()) };
        let space = &mut *run.prepared;
        let (norm, clipped) = update::clip(self.isa, &self.pool, training.gradients, &mut space.partials, training.clip);
        let report = space.reports.last_mut().ok_or_else(|| Error::internal("the norm was asked for before the loss"))?;
        space.non_finite |= !norm.is_finite();
        *report = Report { gradient_norm: norm, clipped, non_finite: space.non_finite, ..*report };
        Ok(())
    }

    fn update(&mut self, run: &mut RunOf<'_, Self>, k: usize) -> Result<()> {
        let Some(training) = &mut run.training else { return Ok(()) };
        let space = &mut *run.prepared;
        let Some(report) = space.reports.last_mut().filter(|_| !space.non_finite) else { return Ok(()) };
        if self.step(run.parameters, training, &run.windows.scalars[k], report.gradient_norm)? {
            batch_norm::update_statistics(space, run.plan, run.parameters);
            let version = space.weights.version + 1;
            space.weights.pack(&self.pool, run.parameters, version);
        } else {
            space.non_finite = true;
            report.non_finite = true;
        }
        Ok(())
    }

    fn keep_carry(&mut self, run: &mut RunOf<'_, Self>) -> Result<()> {
        if !run.prepared.non_finite {
            for tile in &run.prepared.tiles {
                input::keep_carry(tile, run.plan, run.carry, run.windows.lanes);
            }
        }
        Ok(())
    }

    fn finish(&mut self, run: &mut RunOf<'_, Self>) -> Result<Finished> {
        Ok(Finished { reports: run.prepared.reports.clone(), clock: Clock::Window })
    }

    fn logits(&mut self, run: &mut RunOf<'_, Self>, rows: LogitRows, out: &mut [f32]) -> Result<()> {
        let (plan, time, size) = (run.plan, run.windows.time, run.plan.head.size);
        let Workspace { tiles, weights, .. } = &mut *run.prepared;
        let (head, stop) = (weights.head.as_ref(), || run.abort.load(Ordering::Relaxed));
        self.pool.for_each(tiles, |_, tile| match rows {
            LogitRows::LastStep => head::forward_last(tile, plan, head, time, &stop),
            LogitRows::EveryStep => head::forward(tile, plan, head, time, &stop),
        });
        for tile in &*tiles {
            let n = tile.n();
            for t in 0..if rows == LogitRows::LastStep { 1 } else { time } {
                let to = (t * run.windows.lanes + tile.lanes.start) * size;
                out[to..to + n * size].copy_from_slice(&tile.logits[t * n * size..(t + 1) * n * size]);
            }
        }
        run.check_abort()
    }

    fn tap(&mut self, run: &mut RunOf<'_, Self>, tap: Tap) -> Result<Vec<f32>> {
        taps::tap(run.prepared, run.plan, run.windows, tap)
    }

    fn clip_and_update(
        &mut self,
        parameters: &mut Vec<f32>,
        mut training: Training<'_, Vec<f32>>,
        scalars: &StepScalars,
    ) -> Result<Report> {
        let mut partials = vec![0.0; training.gradients.len().div_ceil(CHUNK)];
        let (norm, clipped) = update::clip(self.isa, &self.pool, training.gradients, &mut partials, training.clip);
        let non_finite = !norm.is_finite() || !self.step(parameters, &mut training, scalars, norm)?;
        Ok(Report { gradient_norm: norm, clipped, non_finite, ..Report::default() })
    }
}
