//! Losses: an identity head over real inputs, so that the inputs are the logits.

use rnnkit_core::Result as CoreResult;
use rnnkit_core::backend::{Backend, Tap};
use rnnkit_core::loss::log_softmax;
use rnnkit_core::spec::{HeadSpec, InputSpec, LossSpec, ModelSpec, Predict, Projection, Reduction};
use rnnkit_core::window::{Masks, Report, Sequence, Values};

use super::{Case, Computed, Problem, Tensor};
use crate::window::{OneWindow, Setup};

type Make<'a, B> = &'a dyn Fn() -> CoreResult<B>;

/// Runs a case of the losses.
pub fn run<B: Backend>(make: Make<'_, B>, case: &Case) -> Result<Computed, Problem> {
    let masked = match case.hyper.word("reduction")? {
        "mean" => false,
        "masked_mean" => true,
        other => return Err(Problem::unsupported("reduction", other)),
    };
    match case.kind() {
        "cross_entropy" | "label_smoothing" => {
            case.check_flavour(&["none", "pytorch"])?;
            cross_entropy(make, case, masked)
        }
        "mse" | "rmse" => {
            case.check_flavour(&["none"])?;
            if masked {
                return Err(Problem::unsupported("reduction", "masked_mean of squares"));
            }
            squares(make, case)
        }
        other => Err(Problem::unsupported("kind", other)),
    }
}

fn cross_entropy<B: Backend>(make: Make<'_, B>, case: &Case, masked: bool) -> Result<Computed, Problem> {
    let (_, [rows, classes]) = case.tensor("input.logits")?;
    let logits = case.real("input.logits", &[rows, classes])?.to_vec();
    let mask = if masked { Some(case.real("input.mask", &[rows])?.to_vec()) } else { None };
    let loss = LossSpec::CrossEntropy { label_smoothing: case.hyper.number("label_smoothing")?, reduction: Reduction::Mean };
    let targets = Values::Ids(case.ids("target.ids", &[rows])?);
    let inputs = Values::Real { width: classes, values: logits.clone() };
    let sequence = Sequence { mask, ..Sequence::paired(inputs, targets) };
    let (report, gradient) = whole(make, &loss, &sequence)?;
    let nats = report.nats / report.count.max(1) as f64;
    let each = each(make, &loss, &Sequence { mask: None, ..sequence })?;

    let mut row_logs = vec![0.0; classes];
    let mut logs = Vec::with_capacity(logits.len());
    for row in logits.chunks_exact(classes) {
        log_softmax(row, &mut row_logs);
        logs.extend_from_slice(&row_logs);
    }
    let shares: Vec<f64> = logs.iter().map(|log| log.exp()).collect();
    Ok(Computed::from([
        ("expect.loss".to_owned(), Tensor::scalar(report.loss)),
        ("expect.loss_each".to_owned(), Tensor::real(&[rows], &each)),
        ("expect.log_softmax".to_owned(), Tensor::real(&[rows, classes], &logs)),
        ("expect.softmax".to_owned(), Tensor::real(&[rows, classes], &shares)),
        ("expect.perplexity".to_owned(), Tensor::scalar(nats.exp())),
        ("expect.bits_per_token".to_owned(), Tensor::scalar(nats / std::f64::consts::LN_2)),
        ("grad.logits".to_owned(), Tensor::real(&[rows, classes], &gradient)),
    ]))
}

fn squares<B: Backend>(make: Make<'_, B>, case: &Case) -> Result<Computed, Problem> {
    let (_, [rows, width]) = case.tensor("input.prediction")?;
    let loss = if case.kind() == "rmse" { LossSpec::RootMeanSquaredError } else { LossSpec::MeanSquaredError };
    let of = |name: &str| Ok::<_, Problem>(Values::Real { width, values: case.real(name, &[rows, width])?.to_vec() });
    let sequence = Sequence::paired(of("input.prediction")?, of("target.values")?);
    let (report, gradient) = whole(make, &loss, &sequence)?;
    Ok(Computed::from([
        ("expect.loss".to_owned(), Tensor::scalar(report.loss)),
        ("grad.prediction".to_owned(), Tensor::real(&[rows, width], &gradient)),
    ]))
}

/// All rows as one window of one lane: the report, and the gradient of the rows.
fn whole<B: Backend>(make: Make<'_, B>, loss: &LossSpec, sequence: &Sequence) -> Result<(Report, Vec<f64>), Problem> {
    let mut window = OneWindow::new(make()?, &setup(loss, sequence, sequence.inputs.positions(), 0))?;
    let report = window.train()?;
    Ok((report, window.tap(Tap::InputGradient)?))
}

/// The objective of each row by itself.
fn each<B: Backend>(make: Make<'_, B>, loss: &LossSpec, sequence: &Sequence) -> Result<Vec<f64>, Problem> {
    let of_row = |row: usize| Ok(OneWindow::new(make()?, &setup(loss, sequence, 1, row))?.evaluate()?.loss);
    (0..sequence.inputs.positions()).map(of_row).collect()
}

fn setup(loss: &LossSpec, sequence: &Sequence, time: usize, start: usize) -> Setup {
    let size = match &sequence.inputs {
        Values::Real { width, .. } => *width,
        Values::Ids(_) => 1,
    };
    let head = HeadSpec { predict: Predict::EveryStep, size, projection: Projection::Identity, dropout: 0.0 };
    Setup {
        spec: ModelSpec { input: InputSpec::Real { size }, layers: Vec::new(), head, loss: loss.clone() },
        sequence: sequence.clone(),
        lanes: 1,
        time,
        starts: vec![start as u32],
        resets: vec![true],
        lengths: None,
        masks: Masks::Off,
    }
}
