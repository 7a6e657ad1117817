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
use crate::product::Start;
use crate::simd::Isa;
use crate::weights::GateMaps;
use crate::workspace::LaneTile;

/// The rows of a tile's [T, n, ·] that the head looks at, where all lanes are as long as the window.
pub fn predicted_rows(plan: &ModelPlan, time: usize, n: usize) -> Range<usize> {
    match plan.head.predict {
        Predict::EveryStep => 0..time * n,
        Predict::LastStep => (time - 1) * n..time * n,
    }
}

/// Whether the head reads each lane's last row, and they end at different steps.
pub fn reads_ends(plan: &ModelPlan, tile: &LaneTile) -> bool {
    tile.uneven && plan.head.predict == Predict::LastStep
}

/// Each lane's last row of what the head reads into `tile.ends`; zero for a lane without any.
fn gather_ends(tile: &mut LaneTile, plan: &ModelPlan) {
    let (n, input) = (tile.n(), plan.head.input);
    let mut ends = std::mem::take(&mut tile.ends);
    let x = tile.input_of(plan.layers.len());
    for (lane, row) in ends.chunks_exact_mut(input).enumerate() {
        match tile.lengths[lane].checked_sub(1) {
            Some(last) => row.copy_from_slice(&x[(last * n + lane) * input..(last * n + lane + 1) * input]),
            None => row.fill(0.0),
        }
    }
    tile.ends = ends;
}

/// Logits of the rows that are predicted, to the front of `tile.logits`; not all of them once `stop` says so.
pub fn forward(tile: &mut LaneTile, plan: &ModelPlan, head: Option<&GateMaps>, time: usize, stop: &dyn Fn() -> bool) {
    if reads_ends(plan, tile) {
        gather_ends(tile, plan);
        return multiply_head(tile, plan, head, None, stop);
    }
    multiply_head(tile, plan, head, Some(predicted_rows(plan, time, tile.n())), stop);
}

/// Logits of each lane's last time step, whatever the head predicts; zero for a lane without any. `stop` as in [`forward`].
pub fn forward_last(tile: &mut LaneTile, plan: &ModelPlan, head: Option<&GateMaps>, time: usize, stop: &dyn Fn() -> bool) {
    let n = tile.n();
    if tile.uneven {
        gather_ends(tile, plan);
        multiply_head(tile, plan, head, None, stop);
    } else {
        multiply_head(tile, plan, head, Some((time - 1) * n..time * n), stop);
    }
}

/// Logits of some rows of what the head reads, or of `tile.ends`.
fn multiply_head(tile: &mut LaneTile, plan: &ModelPlan, head: Option<&GateMaps>, rows: Option<Range<usize>>, stop: &dyn Fn() -> bool) {
    let (input, size) = (plan.head.input, plan.head.size);
    let mut logits = std::mem::take(&mut tile.logits);
    let x = match &rows {
        Some(rows) => &tile.input_of(plan.layers.len())[rows.start * input..rows.end * input],
        None => &tile.ends,
    };
    let out = &mut logits[..x.len() / input * size];
    match head {
        Some(head) => {
            let at_once = rows_at_once(size, input);
            for (x, out) in x.chunks(at_once * input).zip(out.chunks_mut(at_once * size)) {
                if stop() {
                    break;
                }
                head.forward(x, x.len() / input, out, true);
            }
        }
        None => out.copy_from_slice(x),
    }
    if tile.uneven {
        let n = tile.n();
        let ended = |row: usize| match &rows {
            Some(rows) => (rows.start + row) / n >= tile.lengths[row % n],
            None => tile.lengths[row] == 0,
        };
        out.chunks_exact_mut(size).enumerate().filter(|(row, _)| ended(*row)).for_each(|(_, row)| row.fill(0.0));
    }
    if !tile.kept_logits.is_empty() {
        tile.kept_logits[..out.len()].copy_from_slice(out);
    }
    tile.logits = logits;
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
        let ends = reads_ends(self.plan, tile);
        tile.sums = [0.0; 2];
        for (index, row) in rows.enumerate() {
            // A lane without time steps has no last one; any other step is not predicted either.
            let t = if ends { tile.lengths[row % n].saturating_sub(1) } else { row / n };
            let lane = tile.lanes.start + row % n;
            let logits = &mut tile.logits[index * size..(index + 1) * size];
            if !self.windows.predicts(self.plan, &self.data.extent, self.k, lane, t) {
                logits.fill(0.0);
                continue;
            }
            let position = self.windows.starts_of(self.k)[lane] as usize + t;
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

/// From the gradients of the logits to that of what the head reads, zero where the head does not look.
pub fn backward(tile: &mut LaneTile, plan: &ModelPlan, head: Option<&GateMaps>, time: usize, factor: f32, stop: &dyn Fn() -> bool) {
    let (n, input, size) = (tile.n(), plan.head.input, plan.head.size);
    let rows = predicted_rows(plan, time, n);
    let mut logits = std::mem::take(&mut tile.logits);
    let d_logits = &mut logits[..rows.len() * size];
    if factor != 1.0 {
        d_logits.iter_mut().for_each(|d| *d *= factor);
    }
    let ends = reads_ends(plan, tile);
    let d_output = tile.d_input_of(plan.layers.len());
    if !d_output.is_empty() {
        // A last-step head's rows are made at the end, and go from there to where lanes end.
        d_output[..rows.start * input].fill(0.0);
        back(head, d_logits, &mut d_output[rows.start * input..rows.end * input], [input, size], stop);
        if ends {
            scatter_ends(tile, plan, time);
        }
    }
    tile.logits = logits;
}

fn back(head: Option<&GateMaps>, d_logits: &[f32], d_output: &mut [f32], [input, size]: [usize; 2], stop: &dyn Fn() -> bool) {
    let Some(head) = head else { return d_output.copy_from_slice(d_logits) };
    let at_once = rows_at_once(size, input);
    for (d_logits, d_output) in d_logits.chunks(at_once * size).zip(d_output.chunks_mut(at_once * input)) {
        if stop() {
            return;
        }
        head.back(d_logits, d_logits.len() / size, d_output, Start::Zero);
    }
}

/// Moves the rows of the last time step to those at which the lanes end.
fn scatter_ends(tile: &mut LaneTile, plan: &ModelPlan, time: usize) {
    let (n, input) = (tile.n(), plan.head.input);
    let lengths = std::mem::take(&mut tile.lengths);
    let d_output = tile.d_input_of(plan.layers.len());
    for (lane, &length) in lengths.iter().enumerate().filter(|(_, length)| **length < time) {
        let last = ((time - 1) * n + lane) * input;
        if length > 0 {
            d_output.copy_within(last..last + input, ((length - 1) * n + lane) * input);
        }
        d_output[last..last + input].fill(0.0);
    }
    tile.lengths = lengths;
}
