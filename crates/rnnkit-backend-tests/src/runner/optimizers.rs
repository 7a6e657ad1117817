//! Optimizers: given gradients, step by step, through the backend's own update.

use rnnkit_core::Result as CoreResult;
use rnnkit_core::backend::Backend;
use rnnkit_core::grad_clip::ClipSpec;
use rnnkit_core::init::TensorRole;
use rnnkit_core::layout::ParamLayout;
use rnnkit_core::optim::{Adagrad, Adam, OptimizerSpec, RmsProp, Sgd};

use super::{Case, Computed, Hyper, Problem, Tensor};
use crate::steps::walk;

type Make<'a, B> = &'a dyn Fn() -> CoreResult<B>;

/// The optimizer of a case, PyTorch's options by PyTorch's names.
pub fn read_optimizer(kind: &str, hyper: &Hyper) -> Result<OptimizerSpec, Problem> {
    let weight_decay = hyper.number("weight_decay")?;
    hyper.only("decoupled_weight_decay", kind == "adamw")?;
    let spec = match kind {
        "sgd" => OptimizerSpec::Sgd(Sgd {
            momentum: hyper.number("momentum")?,
            dampening: hyper.number("dampening")?,
            nesterov: hyper.flag("nesterov")?,
            weight_decay,
        }),
        "adagrad" => OptimizerSpec::Adagrad(Adagrad {
            epsilon: hyper.number("eps")?,
            initial_accumulator: hyper.number("initial_accumulator_value")?,
            learning_rate_decay: hyper.number("lr_decay")?,
            weight_decay,
        }),
        "rmsprop" => {
            hyper.only("initial_square_avg", 0.0)?;
            OptimizerSpec::RmsProp(RmsProp {
                alpha: hyper.number("alpha")?,
                epsilon: hyper.number("eps")?,
                momentum: hyper.number("momentum")?,
                centered: hyper.flag("centered")?,
                weight_decay,
            })
        }
        "adam" | "adamw" => {
            let [beta1, beta2] = hyper.numbers("betas")?[..] else { return Err(Problem::unfit("hyper.betas", "expected two numbers")) };
            let adam = Adam { beta1, beta2, epsilon: hyper.number("eps")?, amsgrad: hyper.flag("amsgrad")?, weight_decay };
            if kind == "adam" { OptimizerSpec::Adam(adam) } else { OptimizerSpec::AdamW(adam) }
        }
        other => return Err(Problem::unsupported("kind", other)),
    };
    spec.validate()?;
    Ok(spec)
}

/// Runs a case of the optimizers.
pub fn run<B: Backend>(make: Make<'_, B>, case: &Case) -> Result<Computed, Problem> {
    case.check_flavour(&["pytorch"])?;
    let spec = read_optimizer(case.kind(), &case.hyper)?;
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
