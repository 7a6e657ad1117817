//! Clipping: gradients that belong to no model, through the backend's own norm and clip.

use rnnkit_core::Result as CoreResult;
use rnnkit_core::backend::{Backend, Training};
use rnnkit_core::grad_clip::{ClipSpec, norm_scale};
use rnnkit_core::init::TensorRole;
use rnnkit_core::layout::ParamLayout;
use rnnkit_core::window::Report;

use super::{Case, Computed, Problem, Tensor};
use crate::window::{SGD, real, wide};

type Make<'a, B> = &'a dyn Fn() -> CoreResult<B>;

/// Runs a case of clipping.
pub fn run<B: Backend>(make: Make<'_, B>, case: &Case) -> Result<Computed, Problem> {
    case.check_flavour(&["none"])?;
    let gradients = Gradients::read(case)?;
    let mut computed = Computed::new();
    match case.kind() {
        "norm" => by_norm(make, case, &gradients, &mut computed)?,
        "value" => {
            let (_, clipped) = gradients.clipped(make()?, ClipSpec::Value { limit: case.hyper.number("c")? })?;
            gradients.put(&mut computed, "expect.grad.", &clipped);
        }
        other => return Err(Problem::unsupported("kind", other)),
    }
    Ok(computed)
}

/// By each formula that `eps` names; the norm alone where it names none.
fn by_norm<B: Backend>(make: Make<'_, B>, case: &Case, gradients: &Gradients, computed: &mut Computed) -> Result<(), Problem> {
    let theta = case.hyper.number("theta")?;
    let (report, _) = gradients.clipped(make()?, ClipSpec::Norm { theta, epsilon: 0.0 })?;
    computed.insert("expect.norm".into(), Tensor::scalar(report.gradient_norm));
    computed.insert("expect.norm_is_finite".into(), Tensor::integers(&[], vec![i32::from(!report.non_finite)]));
    let Some(formulas) = case.hyper.get("eps") else { return Ok(()) };
    let formulas = formulas.as_object().ok_or_else(|| Problem::unfit("hyper.eps", "expected a list by formula"))?;
    for (formula, epsilon) in formulas {
        let epsilon = epsilon.as_f64().ok_or_else(|| Problem::unfit(format!("hyper.eps.{formula}"), "expected a number"))?;
        let (report, clipped) = gradients.clipped(make()?, ClipSpec::Norm { theta, epsilon })?;
        let scale = norm_scale(report.gradient_norm, theta, epsilon);
        computed.insert(format!("expect.{formula}.scale"), Tensor::scalar(scale));
        gradients.put(computed, &format!("expect.{formula}.grad."), &clipped);
    }
    Ok(())
}

/// Gradients laid out as a model's parameters would be.
struct Gradients {
    layout: ParamLayout,
    values: Vec<f64>,
}

impl Gradients {
    fn read(case: &Case) -> Result<Self, Problem> {
        let mut layout = ParamLayout::default();
        let mut values = Vec::new();
        for name in case.names("input.grad.") {
            let tensor = case.get(name).ok_or_else(|| Problem::missing(name))?;
            layout.push(&name["input.grad.".len()..], &tensor.shape, TensorRole::DenseWeight, None);
            let start = layout.tensors().last().map_or(0, |tensor| tensor.offset);
            values.resize(start, 0.0);
            values.extend(tensor.values());
        }
        values.resize(layout.len(), 0.0);
        Ok(Self { layout, values })
    }

    /// The report, and the clipped gradients: a step of learning rate 1 from zero leaves them, with the other sign, in the parameters,
    /// whether the backend scales the gradients where they stand or on their way into the step.
    fn clipped<B: Backend>(&self, mut backend: B, clip: ClipSpec) -> Result<(Report, Vec<f64>), Problem> {
        let len = self.values.len();
        let (mut parameters, mut gradients) = (backend.alloc(len)?, backend.alloc(len)?);
        backend.write(&mut gradients, 0, &real::<B>(&self.values))?;
        let training = Training { gradients: &mut gradients, moments: &mut [], optimizer: &SGD, clip: &clip };
        let report = backend.clip_and_update(&mut parameters, training, &SGD.scalars(0, 1.0))?;
        let stepped = wide(&backend.read(&parameters, 0..len)?);
        Ok((report, stepped.into_iter().map(|value| 0.0 - value).collect()))
    }

    fn put(&self, computed: &mut Computed, prefix: &str, values: &[f64]) {
        for tensor in self.layout.tensors() {
            computed.insert(format!("{prefix}{}", tensor.name), Tensor::real(&tensor.shape, &values[tensor.range()]));
        }
    }
}
