//! Head, loss and the start of the way back.

use super::products::{add_outer, add_rows, affine, back};
use super::workspace::Workspace;
use crate::backend::Run;
use crate::error::Result;
use crate::loss::{softmax_cross_entropy, squared_error};
use crate::math::Scalar;
use crate::spec::{LossSpec, Predict};
use crate::window::Report;

type HostRun<'a, R> = Run<'a, Vec<R>, super::HostData<R>, Workspace<R>>;

/// The time steps the head looks at.
fn predicted_steps(predict: Predict, time: usize) -> std::ops::Range<usize> {
    match predict {
        Predict::EveryStep => 0..time,
        Predict::LastStep => time - 1..time,
    }
}

/// The head's input rows of a window: [T, N, ·] or the last [N, ·].
fn input_rows(run: &HostRun<'_, impl Scalar>) -> std::ops::Range<usize> {
    let steps = predicted_steps(run.plan.head.predict, run.windows.time);
    steps.start * run.windows.lanes..steps.end * run.windows.lanes
}

/// Logits of all rows that are predicted.
fn forward<R: Scalar>(run: &mut HostRun<'_, R>) {
    let rows = input_rows(run);
    let head = &run.plan.head;
    let space = &mut *run.prepared;
    let x = &space.input_of(run.plan.layers.len())[rows.start * head.input..rows.end * head.input];
    let mut out = vec![R::default(); rows.len() * head.size];
    match &head.weights {
        Some((weight, bias)) => affine(&mut out, x, &run.parameters[weight.clone()], &run.parameters[bias.clone()]),
        None => out.copy_from_slice(x),
    }
    space.logits[..out.len()].copy_from_slice(&out);
}

/// Head, loss, and in training the gradient of the head's input.
pub fn head_and_loss<R: Scalar>(run: &mut HostRun<'_, R>, k: usize) -> Result<()> {
    forward(run);
    let report = loss(run, k)?;
    run.prepared.non_finite |= !report.loss.is_finite();
    run.prepared.reports.push(Report { non_finite: run.prepared.non_finite, ..report });
    if run.training.is_some() {
        backward(run);
    }
    Ok(())
}

/// Loss of window k; `d_logits` becomes its gradient.
fn loss<R: Scalar>(run: &mut HostRun<'_, R>, k: usize) -> Result<Report> {
    let (n, size) = (run.windows.lanes, run.plan.head.size);
    let count = run.windows.count(run.plan, &run.data.extent, k);
    let steps = predicted_steps(run.plan.head.predict, run.windows.time);
    let first = steps.start;
    let mut sums = (0.0, 0.0);
    let scale = run.plan.spec.loss.row_scale(count, n, size);
    for t in steps {
        for lane in 0..n {
            let row = ((t - first) * n + lane) * size..((t - first) * n + lane + 1) * size;
            let position = run.windows.starts_of(k)[lane] as usize + t;
            let masked = run.data.extent.mask.as_ref().is_some_and(|mask| mask[position] == 0.0);
            let (logits, d_logits) = (&run.prepared.logits[row.clone()], &mut run.prepared.d_logits[row]);
            if masked {
                d_logits.fill(R::default());
                continue;
            }
            let target = run.data.extent.target(position);
            let targets = run.data.targets.as_ref().unwrap_or(&run.data.inputs);
            if let LossSpec::CrossEntropy { label_smoothing, .. } = run.plan.spec.loss {
                let target = targets.id(target)? as usize;
                let row = softmax_cross_entropy(logits, target, label_smoothing, scale, Some(d_logits));
                sums = (sums.0 + row.objective, sums.1 + row.nats);
            } else {
                let squares = squared_error(logits, targets.row(target)?, scale, Some(d_logits));
                sums = (sums.0 + squares, sums.1 + squares);
            }
        }
    }
    let (loss, factor) = run.plan.spec.loss.objective(sums.0 * scale);
    if factor != 1.0 {
        run.prepared.d_logits.iter_mut().for_each(|d| *d = *d * R::from_f64(factor));
    }
    Ok(Report { loss, nats: sums.1, count: count as u64, ..Report::default() })
}

/// From `d_logits` to the gradient of the last layer's output; zero where the head does not look.
fn backward<R: Scalar>(run: &mut HostRun<'_, R>) {
    let rows = input_rows(run);
    let head = &run.plan.head;
    let mut dx = vec![R::default(); rows.len() * head.input];
    let d_logits = &run.prepared.d_logits[..rows.len() * head.size];
    match &head.weights {
        Some((weight, _)) => back(&mut dx, d_logits, &run.parameters[weight.clone()], head.size),
        None => dx.copy_from_slice(d_logits),
    }
    let d_output = run.prepared.d_input_of(run.plan.layers.len());
    d_output.fill(R::default());
    d_output[rows.start * head.input..rows.end * head.input].copy_from_slice(&dx);
}

/// Gradients of the head's weights.
pub fn weight_gradients<R: Scalar>(run: &mut HostRun<'_, R>) {
    let rows = input_rows(run);
    let head = &run.plan.head;
    let (Some(training), Some((weight, bias))) = (&mut run.training, &head.weights) else { return };
    let x = &run.prepared.input_of(run.plan.layers.len())[rows.start * head.input..rows.end * head.input];
    let d_logits = &run.prepared.d_logits[..rows.len() * head.size];
    training.gradients[weight.clone()].fill(R::default());
    training.gradients[bias.clone()].fill(R::default());
    add_outer(&mut training.gradients[weight.clone()], d_logits, x, head.size);
    add_rows(&mut training.gradients[bias.clone()], d_logits);
}

/// Logits of the last time step, [N, size].
pub fn logits<R: Scalar>(run: &mut HostRun<'_, R>, out: &mut [R]) {
    forward(run);
    let rows = input_rows(run).len() * run.plan.head.size;
    out.copy_from_slice(&run.prepared.logits[rows - out.len()..rows]);
}
