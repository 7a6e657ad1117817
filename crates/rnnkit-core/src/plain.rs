//! A backend stripped of its overrides: the plain loops over another backend's required stages, to hold its fast paths against.

use std::ops::Range;
use std::sync::Arc;

use crate::backend::{Backend, LogitRows, Part, RunOf, Shape, Tap, Training};
use crate::error::Result;
use crate::optim::StepScalars;
use crate::plan::ModelPlan;
use crate::window::{Finished, Report, Values};

/// Forwards the required methods of `B` and nothing else.
pub struct Plain<B>(pub B);

macro_rules! forward {
    ($($name:ident($($arg:ident: $type:ty),*) -> $out:ty;)*) => {
        $(fn $name(&mut self, $($arg: $type),*) -> $out {
            self.0.$name($($arg),*)
        })*
    };
}

impl<B: Backend> Backend for Plain<B> {
    type Real = B::Real;
    type Memory = B::Memory;
    type Data = B::Data;
    type Prepared = B::Prepared;

    fn describe(&self) -> String {
        format!("{}, plain loops", self.0.describe())
    }

    fn memory_needed(&self, plan: &ModelPlan, shape: Shape) -> u64 {
        self.0.memory_needed(plan, shape)
    }

    forward! {
        alloc(len: usize) -> Result<B::Memory>;
        write(memory: &mut B::Memory, at: usize, values: &[B::Real]) -> Result<()>;
        read(memory: &B::Memory, range: Range<usize>) -> Result<Vec<B::Real>>;
        load(values: &Values) -> Result<B::Data>;
        overwrite(data: &mut B::Data, at: usize, ids: &[u32]) -> Result<()>;
        prepare(plan: &Arc<ModelPlan>, shape: Shape) -> Result<B::Prepared>;
        begin(run: &mut RunOf<'_, Self>, parameters_version: u64) -> Result<()>;
        gather(run: &mut RunOf<'_, Self>, k: usize) -> Result<()>;
        masks(run: &mut RunOf<'_, Self>, k: usize) -> Result<()>;
        rows_forward(run: &mut RunOf<'_, Self>, layer: usize) -> Result<()>;
        rows_backward(run: &mut RunOf<'_, Self>, layer: usize) -> Result<()>;
        step_forward(run: &mut RunOf<'_, Self>, layer: usize, t: usize) -> Result<()>;
        step_backward(run: &mut RunOf<'_, Self>, layer: usize, t: usize) -> Result<()>;
        head_and_loss(run: &mut RunOf<'_, Self>, k: usize) -> Result<()>;
        weight_gradients(run: &mut RunOf<'_, Self>, part: Part) -> Result<()>;
        norm_and_clip(run: &mut RunOf<'_, Self>, k: usize) -> Result<()>;
        update(run: &mut RunOf<'_, Self>, k: usize) -> Result<()>;
        keep_carry(run: &mut RunOf<'_, Self>) -> Result<()>;
        finish(run: &mut RunOf<'_, Self>) -> Result<Finished>;
        logits(run: &mut RunOf<'_, Self>, rows: LogitRows, out: &mut [B::Real]) -> Result<()>;
        tap(run: &mut RunOf<'_, Self>, tap: Tap) -> Result<Vec<B::Real>>;
        clip_and_update(parameters: &mut B::Memory, training: Training<'_, B::Memory>, scalars: &StepScalars) -> Result<Report>;
    }
}
