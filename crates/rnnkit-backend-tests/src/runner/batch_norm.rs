//! Batch normalisation behind an embedding: by itself, or under a recurrent layer.

use rnnkit_core::Result as CoreResult;
use rnnkit_core::backend::{Backend, Tap};
use rnnkit_core::plan::ModelPlan;
use rnnkit_core::spec::{HeadSpec, InputSpec, LayerSpec, LossSpec, ModelSpec, Predict, Projection};
use rnnkit_core::window::{Masks, Sequence, Values};

use super::cells::{put_gradients, run_model};
use super::dropout::Dropout;
use super::model::{Model, cell_kind, read_parameters};
use super::{Case, Computed, Problem, Tensor};
use crate::window::{OneWindow, Setup};

type Make<'a, B> = &'a dyn Fn() -> CoreResult<B>;

/// Runs a case of batch normalisation.
pub fn run<B: Backend>(make: Make<'_, B>, case: &Case) -> Result<Computed, Problem> {
    case.check_flavour(&["keras"])?;
    let hyper = &case.hyper;
    let layer =
        LayerSpec::BatchNorm { momentum: hyper.number("momentum")?, epsilon: hyper.number("eps")?, frozen: !hyper.flag("training")? };
    if case.kind() == "embedding" {
        return alone(make, case, layer);
    }
    let cell = hyper.word("cell")?;
    hyper.only("cell", case.kind())?;
    let model = Model::read(case, cell_kind(cell)?, Dropout::None, vec![layer])?;
    let parameters = read_parameters(case, &ModelPlan::new(&model.spec)?.params)?;
    let (mut computed, mut window) = run_model(make, case, &model, &parameters)?;
    // The norm stands first; its output is laid out as the case wants it.
    let (size, shape) = (window.plan().layers[0].size(), model.shape(window.plan().layers[0].size()));
    let normalized = window.tap(Tap::Output(0))?;
    computed.insert("expect.normalized".into(), Tensor::real(&shape, &model.arrange(&normalized, size)));
    put_statistics(&mut computed, &mut window)?;
    Ok(computed)
}

fn put_statistics<B: Backend>(computed: &mut Computed, window: &mut OneWindow<B>) -> Result<(), Problem> {
    let values = window.parameters()?;
    for tensor in window.plan().params.tensors().iter().filter(|tensor| tensor.role.is_statistic()) {
        let name = tensor.name.trim_start_matches("batch_norm0.");
        computed.insert(format!("expect.{name}"), Tensor::real(&tensor.shape, &values[tensor.range()]));
    }
    Ok(())
}

/// Embedding and norm alone, their output's gradient given: a squared loss whose targets lie as far off as the gradient says.
fn alone<B: Backend>(make: Make<'_, B>, case: &Case, layer: LayerSpec) -> Result<Computed, Problem> {
    case.hyper.only("input_kind", "embedding")?;
    let (_, [time, lanes]) = case.tensor("input.ids")?;
    let (_, [vocabulary, size]) = case.tensor("param.embedding.weight")?;
    let ids = case.ids("input.ids", &[time, lanes])?;
    let wanted = case.real("input.output_gradient", &[time, lanes, size])?;
    let head = HeadSpec { predict: Predict::EveryStep, size, projection: Projection::Identity, dropout: 0.0 };
    let input = InputSpec::Embedding { vocabulary, size };
    let spec = ModelSpec { input, layers: vec![layer], head, loss: LossSpec::MeanSquaredError };
    let parameters = read_parameters(case, &ModelPlan::new(&spec)?.params)?;
    let run = |targets: Vec<f32>| {
        // One lane: time-major ids are its positions in order, and statistics do not look at the order.
        let setup = Setup {
            spec: spec.clone(),
            sequence: Sequence::paired(Values::Ids(ids.clone()), Values::Real { width: size, values: targets }),
            lanes: 1,
            time: time * lanes,
            starts: vec![0],
            resets: vec![true],
            lengths: None,
            masks: Masks::Off,
        };
        let mut window = OneWindow::new(make()?, &setup)?;
        window.set_parameters(&parameters)?;
        window.train()?;
        Ok::<_, Problem>(window)
    };
    let normalized = run(vec![0.0; wanted.len()])?.tap(Tap::Output(0))?;
    let half = wanted.len() as f64 / 2.0;
    let targets = normalized.iter().zip(wanted).map(|(&y, &d)| (y - half * f64::from(d)) as f32).collect();
    let mut window = run(targets)?;
    let mut computed = Computed::from([("expect.normalized".to_owned(), Tensor::real(&[time, lanes, size], &normalized))]);
    let (plan, gradients) = (window.plan().clone(), window.gradients()?);
    put_gradients(&mut computed, &plan, &gradients);
    put_statistics(&mut computed, &mut window)?;
    Ok(computed)
}
