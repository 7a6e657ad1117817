//! Truncated BPTT through a session: all chunks in one call, and again one chunk a call, which must give the same bits.

use std::sync::atomic::AtomicBool;

use rnnkit_core::Result as CoreResult;
use rnnkit_core::backend::Backend;
use rnnkit_core::grad_clip::ClipSpec;
use rnnkit_core::optim::Flavour;
use rnnkit_core::plan::ModelPlan;
use rnnkit_core::session::{Session, TrainingRequest, TrainingSetup};
use rnnkit_core::window::Report;

use super::cells::put_states;
use super::dropout::Dropout;
use super::model::{Model, cell_kind, read_carry, read_parameters};
use super::optimizers::read_optimizer;
use super::{Case, Computed, Problem, Tensor};
use crate::tolerances::{BITS, Mismatch};
use crate::window::{real, wide};

type Make<'a, B> = &'a dyn Fn() -> CoreResult<B>;

/// What a training leaves.
struct Trained {
    reports: Vec<Report>,
    parameters: Vec<f64>,
    carry: Vec<f64>,
    /// Clipped gradients of the first call's last window.
    gradients: Vec<f64>,
}

/// The training of a case.
struct Training {
    model: Model,
    setup: TrainingSetup,
    parameters: Vec<f64>,
    carry: Vec<f64>,
    chunks: usize,
    chunk_time: usize,
    learning_rate: f64,
}

/// Runs a case of truncated BPTT.
pub fn run<B: Backend>(make: Make<'_, B>, case: &Case) -> Result<Computed, Problem> {
    case.check_flavour(&["pytorch"])?;
    let training = Training::read(case)?;
    let together = training.run(make()?, training.chunks)?;
    let apart = training.run(make()?, 1)?;
    same_bits("parameters", &together.parameters, &apart.parameters)?;
    same_bits("states", &together.carry, &apart.carry)?;
    let of = |reports: &[Report], number: fn(&Report) -> f64| reports.iter().map(number).collect::<Vec<_>>();
    let (losses, norms) = (of(&together.reports, |report| report.loss), of(&together.reports, |report| report.gradient_norm));
    same_bits("losses", &losses, &of(&apart.reports, |report| report.loss))?;
    same_bits("norms", &norms, &of(&apart.reports, |report| report.gradient_norm))?;

    let plan = ModelPlan::new(&training.model.spec)?;
    let mut computed = Computed::new();
    computed.insert("expect.loss".into(), Tensor::real(&[losses.len()], &losses));
    computed.insert("expect.norm".into(), Tensor::real(&[norms.len()], &norms));
    put_states(&mut computed, "expect.?_n", &plan.carry, &together.carry, training.model.lanes);
    for tensor in plan.params.tensors() {
        let of = |values: &[f64]| Tensor::real(&tensor.shape, &values[tensor.range()]);
        computed.insert(format!("expect.param.{}", tensor.name), of(&together.parameters));
        computed.insert(format!("expect.first_clipped_grad.{}", tensor.name), of(&apart.gradients));
    }
    Ok(computed)
}

impl Training {
    fn read(case: &Case) -> Result<Self, Problem> {
        let hyper = &case.hyper;
        hyper.only("cell", case.kind())?;
        let model = Model::read(case, cell_kind(case.kind())?, Dropout::None, Vec::new())?;
        let (chunks, chunk_time) = (hyper.integer("chunks")?, hyper.integer("chunk_time")?);
        if chunks * chunk_time != model.time {
            return Err(Problem::unfit("input.ids", format!("{} time steps; expected {chunks} chunks of {chunk_time}", model.time)));
        }
        let optimizer = read_optimizer(hyper.word("optimizer")?, Flavour::PyTorch, hyper)?;
        let clip = ClipSpec::Norm { theta: hyper.number("clip_norm")?, epsilon: hyper.number("clip_eps")? };
        let plan = ModelPlan::new(&model.spec)?;
        Ok(Self {
            parameters: read_parameters(case, &plan.params)?,
            carry: read_carry(case, &plan.carry, model.lanes)?,
            setup: TrainingSetup { optimizer, clip, seed: 0 },
            chunks,
            chunk_time,
            learning_rate: hyper.number("lr")?,
            model,
        })
    }

    /// All chunks, `together` a call.
    fn run<B: Backend>(&self, backend: B, together: usize) -> Result<Trained, Problem> {
        let mut session = Session::new(backend, &self.model.spec, u64::MAX)?;
        session.set_parameters(&real::<B>(&self.parameters))?;
        let data = session.load(&self.model.sequence)?;
        session.configure(&self.setup)?;
        let moments = session.moments()?;
        session.restore(0, &moments, Some((self.model.lanes, real::<B>(&self.carry))))?;
        let (mut reports, mut gradients) = (Vec::new(), None);
        for first in (0..self.chunks).step_by(together) {
            let call = session.train(&self.request(data, first, together), &AtomicBool::new(false))?;
            reports.extend(call.reports);
            if gradients.is_none() {
                gradients = Some(wide(&session.gradients()?));
            }
        }
        let carry = session.carry()?.map_or(Vec::new(), |(_, carry)| wide(&carry));
        Ok(Trained { reports, parameters: wide(&session.parameters()?), carry, gradients: gradients.unwrap_or_default() })
    }

    fn request(&self, data: u32, first: usize, together: usize) -> TrainingRequest {
        let (lanes, time) = (self.model.lanes, self.model.time);
        let start = |chunk: usize, lane: usize| (lane * time + chunk * self.chunk_time) as u32;
        TrainingRequest {
            data,
            lanes,
            time: self.chunk_time,
            starts: (first..first + together).flat_map(|chunk| (0..lanes).map(move |lane| start(chunk, lane))).collect(),
            resets: vec![false; together * lanes],
            lengths: None,
            learning_rates: vec![self.learning_rate; together],
            masks: None,
        }
    }
}

fn same_bits(what: &str, together: &[f64], apart: &[f64]) -> Result<(), Problem> {
    let Some(Mismatch { index, got, want, .. }) = BITS.mismatch(together, apart) else { return Ok(()) };
    Err(Problem::Disagree {
        what: format!("{what} of all windows in one call and of one window a call"),
        detail: format!("at {index} {got:e} and {want:e}"),
    })
}
