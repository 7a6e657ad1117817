//! Whole models: one window forward and back, with taps and in production form.

use std::sync::atomic::AtomicBool;

use rnnkit_core::Result as CoreResult;
use rnnkit_core::backend::{Backend, Tap};
use rnnkit_core::grad_clip::ClipSpec;
use rnnkit_core::layout::CarryLayout;
use rnnkit_core::plan::{Layer, ModelPlan};
use rnnkit_core::session::{Session, TrainingRequest, TrainingSetup};
use rnnkit_core::spec::{InputSpec, LossSpec, Predict};

use super::dropout::Dropout;
use super::model::{Model, State, cell_kind, read_carry, read_parameters};
use super::{Case, Computed, Problem, Tensor};
use crate::tolerances::{FAST_PATH, Mismatch};
use crate::window::{OneWindow, SGD, Setup, real, wide};

type Make<'a, B> = &'a dyn Fn() -> CoreResult<B>;

/// What both forms of a run give.
struct Numbers {
    loss: f64,
    gradients: Vec<f64>,
    carry: Vec<f64>,
}

/// Runs a case of the cells.
pub fn run<B: Backend>(make: Make<'_, B>, case: &Case, flavours: &[&str]) -> Result<Computed, Problem> {
    case.check_flavour(flavours)?;
    case.hyper.only("cell", case.kind())?;
    let model = Model::read(case, cell_kind(case.kind())?, Dropout::None, Vec::new())?;
    let parameters = read_parameters(case, &ModelPlan::new(&model.spec)?.params)?;
    Ok(run_model(make, case, &model, &parameters)?.0)
}

/// Runs a case of dropout: with given masks.
pub fn run_dropout<B: Backend>(make: Make<'_, B>, case: &Case) -> Result<Computed, Problem> {
    let cell = cell_kind(case.hyper.word("cell")?)?;
    let model = Model::read(case, cell, Dropout::read(case)?, Vec::new())?;
    // The libraries whose cells add it at run time would; no other stores it apart from the bias.
    case.hyper.only("forget_bias", 0.0)?;
    let parameters = read_parameters(case, &ModelPlan::new(&model.spec)?.params)?;
    Ok(run_model(make, case, &model, &parameters)?.0)
}

/// One window of a model: what the case wants of it, and the window for what else there is to see.
pub fn run_model<B: Backend>(
    make: Make<'_, B>,
    case: &Case,
    model: &Model,
    parameters: &[f64],
) -> Result<(Computed, OneWindow<B>), Problem> {
    let setup = Setup {
        spec: model.spec.clone(),
        sequence: model.sequence.clone(),
        lanes: model.lanes,
        time: model.time,
        starts: starts(model),
        resets: vec![false; model.lanes],
        lengths: model.lengths.clone(),
        masks: model.window_masks(),
    };
    let mut window = OneWindow::new(make()?, &setup)?;
    let carry = read_carry(case, &window.plan().carry, model.lanes)?;
    window.set_parameters(parameters)?;
    window.set_carry(&carry);
    let loss = window.train()?.loss;
    let with_taps = Numbers { loss, gradients: window.gradients()?, carry: window.carry()? };
    let numbers = in_production(make()?, model, parameters, &carry)?;
    agree("loss", &[with_taps.loss], &[numbers.loss])?;
    agree("gradients", &with_taps.gradients, &numbers.gradients)?;
    agree("states", &with_taps.carry, &numbers.carry)?;

    let mut computed = Computed::new();
    let plan = window.plan().clone();
    if model.has_loss {
        computed.insert("expect.loss".into(), Tensor::scalar(numbers.loss));
        put_gradients(&mut computed, &plan, &numbers.gradients);
        put_states(&mut computed, "grad.?0", &plan.carry, &window.tap(Tap::CarryGradient)?, model.lanes);
    }
    put_states(&mut computed, "expect.?_n", &plan.carry, &numbers.carry, model.lanes);
    put_rows(&mut computed, &mut window, model)?;
    Ok((computed, window))
}

/// Position of each lane's first time step.
pub fn starts(model: &Model) -> Vec<u32> {
    (0..model.lanes).map(|lane| (lane * model.time) as u32).collect()
}

/// The same window through a session: no taps, whatever a backend fuses.
fn in_production<B: Backend>(backend: B, model: &Model, parameters: &[f64], carry: &[f64]) -> Result<Numbers, Problem> {
    let mut session = Session::new(backend, &model.spec, u64::MAX)?;
    session.set_parameters(&real::<B>(parameters))?;
    let data = session.load(&model.sequence)?;
    session.configure(&TrainingSetup { optimizer: SGD, clip: ClipSpec::None {}, seed: 0 })?;
    session.restore(0, &[], Some((model.lanes, real::<B>(carry))))?;
    let request = TrainingRequest {
        data,
        lanes: model.lanes,
        time: model.time,
        starts: starts(model),
        resets: vec![false; model.lanes],
        lengths: model.lengths.clone(),
        learning_rates: vec![0.0],
        masks: model.masks.clone(),
    };
    let call = session.train(&request, &AtomicBool::new(false))?;
    let carry = session.carry()?.map_or(Vec::new(), |(_, carry)| wide(&carry));
    Ok(Numbers { loss: call.reports[0].loss, gradients: wide(&session.gradients()?), carry })
}

fn agree(what: &str, with_taps: &[f64], in_production: &[f64]) -> Result<(), Problem> {
    let Some(Mismatch { index, got, want, largest }) = FAST_PATH.mismatch(in_production, with_taps) else { return Ok(()) };
    Err(Problem::Disagree {
        what: format!("{what} with taps and in production form"),
        detail: format!("at {index} production gives {got:e}, taps {want:e}; largest difference {largest:e}"),
    })
}

/// `grad.*` of every parameter.
pub fn put_gradients(computed: &mut Computed, plan: &ModelPlan, gradients: &[f64]) {
    for tensor in plan.params.trained() {
        let name = tensor.name.trim_start_matches("batch_norm0.");
        computed.insert(format!("grad.{name}"), Tensor::real(&tensor.shape, &gradients[tensor.range()]));
    }
}

/// h and c out of a carry; `name` with `?` for the letter.
pub fn put_states(computed: &mut Computed, name: &str, layout: &CarryLayout, carry: &[f64], lanes: usize) {
    for state in [State::Hidden, State::Cell] {
        if let Some(shape) = state.shape(layout, lanes) {
            let name = name.replace('?', &state.letter().to_string());
            computed.insert(name, Tensor::real(&shape, &state.of(layout, carry, lanes)));
        }
    }
}

/// Width and rows [T, N, ·] of the last recurrent layer's output: with its wrapper's dropout, and both directions side by side.
fn last_output<B: Backend>(window: &mut OneWindow<B>, model: &Model) -> Result<Option<(usize, Vec<f64>)>, Problem> {
    let plan = window.plan().clone();
    let shows = |layer: &Layer| matches!(layer, Layer::Recurrent(_) | Layer::Join(_) | Layer::Dropout(_));
    let Some(index) = plan.layers.iter().rposition(shows) else { return Ok(None) };
    let Layer::Join(join) = &plan.layers[index] else { return Ok(Some((plan.layers[index].size(), window.tap(Tap::Output(index))?))) };
    // The parts' own outputs: how they are joined is the head's affair.
    let [forward, reverse] = [window.tap(Tap::Output(join.parts[0]))?, window.tap(Tap::Output(join.parts[1]))?];
    let (half, lanes) = (join.size / 2, model.lanes);
    let mut output = vec![0.0; model.time * lanes * join.size];
    for (row, output) in output.chunks_exact_mut(join.size).enumerate() {
        let (t, lane) = (row / lanes, row % lanes);
        if t < model.length(lane) {
            let turned = (model.length(lane) - 1 - t) * lanes + lane;
            output[..half].copy_from_slice(&forward[row * half..(row + 1) * half]);
            output[half..].copy_from_slice(&reverse[turned * half..(turned + 1) * half]);
        }
    }
    Ok(Some((join.size, output)))
}

/// What only taps show: the last recurrent layer's output, logits or prediction, the gradient of a real input.
fn put_rows<B: Backend>(computed: &mut Computed, window: &mut OneWindow<B>, model: &Model) -> Result<(), Problem> {
    if let Some((size, output)) = last_output(window, model)? {
        computed.insert("expect.output".into(), Tensor::real(&model.shape(size), &model.arrange(&output, size)));
    }
    let name = if matches!(model.spec.loss, LossSpec::CrossEntropy { .. }) { "expect.logits" } else { "expect.prediction" };
    let (size, logits) = (model.spec.head.size, window.tap(Tap::Logits)?);
    let tensor = match model.spec.head.predict {
        Predict::EveryStep => Tensor::real(&model.shape(size), &model.arrange(&logits, size)),
        Predict::LastStep => Tensor::real(&[model.lanes, size], &logits),
    };
    computed.insert(name.into(), tensor);
    if let (InputSpec::Real { size }, true) = (&model.spec.input, model.has_loss) {
        let gradient = window.tap(Tap::InputGradient)?;
        computed.insert("grad.x".into(), Tensor::real(&model.shape(*size), &model.arrange(&gradient, *size)));
    }
    Ok(())
}
