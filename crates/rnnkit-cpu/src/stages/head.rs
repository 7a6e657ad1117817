//! Head, loss and the start of the way back, on one lane tile.

use std::ops::Range;

use rnnkit_core::Result;
use rnnkit_core::backend::Resident;
use rnnkit_core::loss::squared_error;
use rnnkit_core::plan::ModelPlan;
use rnnkit_core::spec::{LossSpec, Predict};
use rnnkit_core::window::{Values, WindowPlan};

use super::rows_at_once;
use super::softmax::Row;
use crate::product::{Matrix, MatrixMut, Start, multiply};
use crate::simd::Isa;
use crate::weights::Affine;
use crate::workspace::LaneTile;

/// The rows of a tile's [T, n, ·] that the head looks at.
pub fn predicted_rows(plan: &ModelPlan, time: usize, n: usize) -> Range<usize> {
    match plan.head.predict {
        Predict::EveryStep => 0..time * n,
        Predict::LastStep => (time - 1) * n..time * n,
    }
}

/// Logits of some rows of the last layer's output, to the front of `tile.logits`; not all of them once `stop` says so.
pub fn forward(tile: &mut LaneTile, plan: &ModelPlan, head: Option<&Affine>, rows: Range<usize>, stop: &dyn Fn() -> bool) {
    let (input, size) = (plan.head.input, plan.head.size);
    let x = &match plan.layers.len().checked_sub(1) {
        Some(last) => &*tile.layers[last].output,
        None => &*tile.input,
    }[rows.start * input..rows.end * input];
    let logits = &mut tile.logits[..rows.len() * size];
    match head {
        Some(head) => {
            let at_once = rows_at_once(size, input);
            for (x, logits) in x.chunks(at_once * input).zip(logits.chunks_mut(at_once * size)) {
                if stop() {
                    return;
                }
                let rows = x.len() / input;
                let start = Start::Row(&head.bias);
                multiply(Matrix::new(x, rows, input), &head.forward, MatrixMut::new(logits, rows, size), start);
            }
        }
        None => logits.copy_from_slice(x),
    }
    if !tile.kept_logits.is_empty() {
        tile.kept_logits[..logits.len()].copy_from_slice(logits);
    }
}

/// What the loss of a tile's rows needs to know.
pub struct Loss<'a> {
    /// The instruction set.
    pub isa: Isa,
    /// The model.
    pub plan: &'a ModelPlan,
    /// Where targets and mask are.
    pub data: &'a Resident<Values>,
    /// The windows.
    pub windows: &'a WindowPlan,
    /// Which of them.
    pub k: usize,
    /// Factor of every row's gradient; `None` in evaluation.
    pub gradient_scale: Option<f32>,
}

impl Loss<'_> {
    /// Losses of the tile's predicted rows into `tile.sums`; the logits become their gradients.
    pub fn run(&self, tile: &mut LaneTile) -> Result<()> {
        let (n, size) = (tile.n(), self.plan.head.size);
        let rows = predicted_rows(self.plan, self.windows.time, n);
        tile.sums = [0.0; 2];
        for (index, row) in rows.clone().enumerate() {
            let (t, lane) = (row / n, tile.lanes.start + row % n);
            let position = self.windows.starts_of(self.k)[lane] as usize + t;
            let logits = &mut tile.logits[index * size..(index + 1) * size];
            if self.data.extent.mask.as_ref().is_some_and(|mask| mask[position] == 0.0) {
                logits.fill(0.0);
                continue;
            }
            let [objective, score] = self.row(logits, position)?;
            tile.sums[0] += objective;
            tile.sums[1] += score;
        }
        Ok(())
    }

    fn row(&self, logits: &mut [f32], position: usize) -> Result<[f64; 2]> {
        let target = self.data.extent.target(position);
        let targets = self.data.targets.as_ref().unwrap_or(&self.data.inputs);
        if let LossSpec::CrossEntropy { label_smoothing, .. } = self.plan.spec.loss {
            let target = targets.id(target)? as usize;
            return Ok(self.isa.dispatch(Row { logits, target, smoothing: label_smoothing, gradient_scale: self.gradient_scale }));
        }
        let target = targets.row(target)?;
        let sum = squared_error(logits, target, 0.0, None);
        if let Some(scale) = self.gradient_scale {
            logits.iter_mut().zip(target).for_each(|(y, target)| *y = (*y - target) * (2.0 * scale));
        }
        Ok([sum, sum])
    }
}

/// From the gradients of the logits to that of the last layer's output, zero where the head does not look.
pub fn backward(tile: &mut LaneTile, plan: &ModelPlan, head: Option<&Affine>, time: usize, factor: f32, stop: &dyn Fn() -> bool) {
    let (n, input, size) = (tile.n(), plan.head.input, plan.head.size);
    let rows = predicted_rows(plan, time, n);
    let d_logits = &mut tile.logits[..rows.len() * size];
    if factor != 1.0 {
        d_logits.iter_mut().for_each(|d| *d *= factor);
    }
    let d_output = match plan.layers.len().checked_sub(1) {
        Some(last) => &mut *tile.layers[last].d_output,
        None => &mut *tile.d_input,
    };
    if d_output.is_empty() {
        return;
    }
    d_output[..rows.start * input].fill(0.0);
    let d_output = &mut d_output[rows.start * input..rows.end * input];
    match head.and_then(|head| head.backward.as_ref()) {
        Some(map) => {
            let at_once = rows_at_once(size, input);
            for (d_logits, d_output) in d_logits.chunks(at_once * size).zip(d_output.chunks_mut(at_once * input)) {
                if stop() {
                    return;
                }
                let rows = d_logits.len() / size;
                multiply(Matrix::new(d_logits, rows, size), map, MatrixMut::new(d_output, rows, input), Start::Zero);
            }
        }
        None => d_output.copy_from_slice(d_logits),
    }
}
