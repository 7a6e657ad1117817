//! Head, loss and the start of the way back.

use super::products::{add_outer, add_rows, affine, back};
use super::workspace::Workspace;
use crate::backend::{LogitRows, Run};
use crate::error::Result;
use crate::loss::{softmax_cross_entropy, squared_error};
use crate::math::Scalar;
use crate::spec::{LossSpec, Predict};
use crate::window::Report;

type HostRun<'a, R> = Run<'a, Vec<R>, super::HostData<R>, Workspace<R>>;

/// The rows t * N + lane that the head looks at: all, or each lane's last (`None` for a lane without any).
fn predicted_rows<R>(run: &HostRun<'_, R>) -> Vec<Option<usize>> {
    let n = run.windows.lanes;
    match run.plan.head.predict {
        Predict::EveryStep => (0..run.windows.time * n).map(Some).collect(),
        Predict::LastStep => last_rows(&run.prepared.lengths),
    }
}

/// Each lane's last row.
fn last_rows(lengths: &[usize]) -> Vec<Option<usize>> {
    lengths.iter().enumerate().map(|(lane, &length)| Some(length.checked_sub(1)? * lengths.len() + lane)).collect()
}

/// The head's input at those rows, zero for a lane without any.
fn input_at<R: Scalar>(run: &HostRun<'_, R>, rows: &[Option<usize>]) -> Vec<R> {
    let (input, x) = (run.plan.head.input, run.prepared.input_of(run.plan.layers.len()));
    let row = |row: &Option<usize>| row.map_or(vec![R::default(); input], |row| x[row * input..(row + 1) * input].to_vec());
    rows.iter().flat_map(row).collect()
}

/// Logits of those rows.
fn logits_of<R: Scalar>(run: &HostRun<'_, R>, rows: &[Option<usize>]) -> Vec<R> {
    let head = &run.plan.head;
    let x = input_at(run, rows);
    let Some((weight, bias)) = &head.weights else { return x };
    let mut out = vec![R::default(); rows.len() * head.size];
    affine(&mut out, &x, &run.parameters[weight.clone()], &run.parameters[bias.clone()]);
    out
}

/// Zero where a row lies past its lane's end.
fn zero_past_the_end<R: Scalar>(run: &HostRun<'_, R>, rows: &[Option<usize>], logits: &mut [R]) {
    let n = run.windows.lanes;
    let ended = |row: &Option<usize>| row.is_none_or(|row| row / n >= run.prepared.lengths[row % n]);
    for (_, logits) in rows.iter().zip(logits.chunks_exact_mut(run.plan.head.size)).filter(|(row, _)| ended(row)) {
        logits.fill(R::default());
    }
}

/// Logits of all rows that are predicted.
fn forward<R: Scalar>(run: &mut HostRun<'_, R>) {
    let rows = predicted_rows(run);
    let mut out = logits_of(run, &rows);
    zero_past_the_end(run, &rows, &mut out);
    run.prepared.logits[..out.len()].copy_from_slice(&out);
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
    let scale = run.plan.spec.loss.row_scale(count, n, size);
    let mut sums = (0.0, 0.0);
    for (at, row) in predicted_rows(run).into_iter().enumerate() {
        let (logits, d_logits) = (&run.prepared.logits[at * size..(at + 1) * size], &mut run.prepared.d_logits[at * size..(at + 1) * size]);
        let counted = row.filter(|row| run.windows.predicts(run.plan, &run.data.extent, k, row % n, row / n));
        let Some(row) = counted else {
            d_logits.fill(R::default());
            continue;
        };
        let target = run.data.extent.target(run.windows.starts_of(k)[row % n] as usize + row / n);
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
    let (loss, factor) = run.plan.spec.loss.objective(sums.0 * scale);
    if factor != 1.0 {
        run.prepared.d_logits.iter_mut().for_each(|d| *d = *d * R::from_f64(factor));
    }
    Ok(Report { loss, nats: sums.1, count: count as u64, ..Report::default() })
}

/// From `d_logits` to the gradient of the last layer's output; zero where the head does not look.
fn backward<R: Scalar>(run: &mut HostRun<'_, R>) {
    let rows = predicted_rows(run);
    let head = &run.plan.head;
    let mut dx = vec![R::default(); rows.len() * head.input];
    let d_logits = &run.prepared.d_logits[..rows.len() * head.size];
    match &head.weights {
        Some((weight, _)) => back(&mut dx, d_logits, &run.parameters[weight.clone()], head.size),
        None => dx.copy_from_slice(d_logits),
    }
    let d_output = run.prepared.d_input_of(run.plan.layers.len());
    d_output.fill(R::default());
    for (row, dx) in rows.into_iter().zip(dx.chunks_exact(head.input)) {
        if let Some(row) = row {
            d_output[row * head.input..(row + 1) * head.input].copy_from_slice(dx);
        }
    }
}

/// Gradients of the head's weights.
pub fn weight_gradients<R: Scalar>(run: &mut HostRun<'_, R>) {
    let rows = predicted_rows(run);
    let x = input_at(run, &rows);
    let head = &run.plan.head;
    let (Some(training), Some((weight, bias))) = (&mut run.training, &head.weights) else { return };
    let d_logits = &run.prepared.d_logits[..rows.len() * head.size];
    training.gradients[weight.clone()].fill(R::default());
    training.gradients[bias.clone()].fill(R::default());
    add_outer(&mut training.gradients[weight.clone()], d_logits, &x, head.size);
    add_rows(&mut training.gradients[bias.clone()], d_logits);
}

/// Logits of the window that was run forward.
pub fn logits<R: Scalar>(run: &HostRun<'_, R>, rows: LogitRows, out: &mut [R]) {
    let rows = match rows {
        LogitRows::LastStep => last_rows(&run.prepared.lengths),
        LogitRows::EveryStep => (0..run.windows.time * run.windows.lanes).map(Some).collect(),
    };
    out.copy_from_slice(&logits_of(run, &rows));
    zero_past_the_end(run, &rows, out);
}
