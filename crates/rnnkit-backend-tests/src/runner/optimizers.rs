//! Optimizers: given gradients, step by step, through the backend's own update.

use rnnkit_core::Result as CoreResult;
use rnnkit_core::backend::Backend;
use rnnkit_core::grad_clip::ClipSpec;
use rnnkit_core::init::TensorRole;
use rnnkit_core::layout::ParamLayout;
use rnnkit_core::optim::{Adagrad, Adam, Flavour, OptimizerSpec, RmsProp, Sgd};

use super::{Case, Computed, Hyper, Problem, Tensor};
use crate::steps::walk;

type Make<'a, B> = &'a dyn Fn() -> CoreResult<B>;

/// The flavour a word of the cases stands for.
fn flavour(word: &str) -> Result<Flavour, Problem> {
    match word {
        "pytorch" => Ok(Flavour::PyTorch),
        "keras" => Ok(Flavour::Keras),
        "tf1" => Ok(Flavour::Tf1),
        _ => Err(Problem::unsupported("flavour", word)),
    }
}

/// The optimizer of a case, its options by the names of the library whose flavour it is.
pub fn read_optimizer(kind: &str, flavour: Flavour, hyper: &Hyper) -> Result<OptimizerSpec, Problem> {
    let weight_decay = if flavour == Flavour::Tf1 { 0.0 } else { hyper.number("weight_decay")? };
    hyper.only("decoupled_weight_decay", kind == "adamw" || flavour == Flavour::Keras)?;
    let spec = match kind {
        "sgd" => OptimizerSpec::Sgd(read_sgd(flavour, weight_decay, hyper)?),
        "adagrad" => OptimizerSpec::Adagrad(Adagrad {
            flavour,
            epsilon: hyper.number("eps")?,
            initial_accumulator: hyper.number("initial_accumulator_value")?,
            learning_rate_decay: if flavour == Flavour::PyTorch { hyper.number("lr_decay")? } else { 0.0 },
            weight_decay,
        }),
        "rmsprop" => OptimizerSpec::RmsProp(RmsProp {
            flavour,
            alpha: hyper.number(match flavour {
                Flavour::PyTorch => "alpha",
                Flavour::Keras => "rho",
                Flavour::Tf1 => "decay",
            })?,
            epsilon: hyper.number("eps")?,
            initial_mean_square: hyper.number("initial_square_avg")?,
            momentum: hyper.number("momentum")?,
            centered: hyper.flag("centered")?,
            weight_decay,
        }),
        "adam" => OptimizerSpec::Adam(read_adam(flavour, weight_decay, hyper)?),
        "adamw" => OptimizerSpec::AdamW(read_adam(flavour, weight_decay, hyper)?),
        other => return Err(Problem::unsupported("kind", other)),
    };
    spec.validate()?;
    Ok(spec)
}

fn read_sgd(flavour: Flavour, weight_decay: f64, hyper: &Hyper) -> Result<Sgd, Problem> {
    let momentum = hyper.number("momentum")?;
    let nesterov = hyper.flag("nesterov")?;
    // Without momentum it changes nothing in Keras and TensorFlow 1, which allow it; PyTorch and this project refuse it.
    let nesterov = nesterov && (flavour == Flavour::PyTorch || momentum > 0.0);
    let dampening = if flavour == Flavour::PyTorch { hyper.number("dampening")? } else { 0.0 };
    Ok(Sgd { flavour, momentum, dampening, nesterov, weight_decay })
}

fn read_adam(flavour: Flavour, weight_decay: f64, hyper: &Hyper) -> Result<Adam, Problem> {
    let [beta1, beta2] = match flavour {
        Flavour::PyTorch => {
            let betas = hyper.numbers("betas")?;
            betas.try_into().map_err(|_| Problem::unfit("hyper.betas", "expected two numbers"))?
        }
        Flavour::Keras => [hyper.number("beta_1")?, hyper.number("beta_2")?],
        Flavour::Tf1 => [hyper.number("beta1")?, hyper.number("beta2")?],
    };
    let amsgrad = if flavour == Flavour::Tf1 { false } else { hyper.flag("amsgrad")? };
    Ok(Adam { flavour, beta1, beta2, epsilon: hyper.number("eps")?, amsgrad, weight_decay })
}

/// Runs a case of the optimizers.
pub fn run<B: Backend>(make: Make<'_, B>, case: &Case) -> Result<Computed, Problem> {
    let spec = read_optimizer(case.kind(), flavour(case.flavour())?, &case.hyper)?;
    let rates = case.hyper.numbers("lr_at_step")?;
    let steps = case.hyper.integer("steps")?;
    // The first of `lr_at_step` again.
    case.hyper.get("lr");
    if rates.len() != steps {
        return Err(Problem::unfit("hyper.lr_at_step", format!("{} rates; expected {steps}", rates.len())));
    }
    let Given { layout, parameters, gradients } = Given::read(case, steps)?;
    let states = walk(make()?, &spec, &ClipSpec::None {}, &rates, &parameters, &gradients)?;
    let mut computed = Computed::new();
    for tensor in layout.tensors() {
        let path: Vec<f64> = states.path.iter().flat_map(|parameters| parameters[tensor.range()].to_vec()).collect();
        let shape: Vec<usize> = std::iter::once(steps).chain(tensor.shape.iter().copied()).collect();
        computed.insert(format!("expect.steps.{}", tensor.name), Tensor::real(&shape, &path));
        for (moment, values) in spec.moments().iter().zip(&states.moments) {
            let name = if moment.name == "momentum_buffer" { "momentum" } else { moment.name };
            computed.insert(format!("expect.state.{name}.{}", tensor.name), Tensor::real(&tensor.shape, &values[tensor.range()]));
        }
    }
    Ok(computed)
}

/// What a case gives.
struct Given {
    layout: ParamLayout,
    /// The flat buffer.
    parameters: Vec<f64>,
    /// The flat buffer of each step.
    gradients: Vec<Vec<f64>>,
}

impl Given {
    fn read(case: &Case, steps: usize) -> Result<Self, Problem> {
        let mut layout = ParamLayout::default();
        for name in case.names("param.") {
            let tensor = case.get(name).ok_or_else(|| Problem::missing(name))?;
            layout.push(&name["param.".len()..], &tensor.shape, TensorRole::DenseWeight, None);
        }
        let mut parameters = vec![0.0; layout.len()];
        let mut gradients = vec![vec![0.0; layout.len()]; steps];
        let copy = |place: &mut [f64], values: &[f32]| place.iter_mut().zip(values).for_each(|(place, &value)| *place = f64::from(value));
        for tensor in layout.tensors() {
            copy(&mut parameters[tensor.range()], case.real(&format!("param.{}", tensor.name), &tensor.shape)?);
            let shape: Vec<usize> = std::iter::once(steps).chain(tensor.shape.iter().copied()).collect();
            let all = case.real(&format!("input.grad.{}", tensor.name), &shape)?;
            for (gradients, values) in gradients.iter_mut().zip(all.chunks_exact(tensor.len())) {
                copy(&mut gradients[tensor.range()], values);
            }
        }
        Ok(Self { layout, parameters, gradients })
    }
}
