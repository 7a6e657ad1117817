//! Weights as Keras and TensorFlow 1 keep them: converted, then run as this project's own.

use rnnkit_core::Result as CoreResult;
use rnnkit_core::backend::{Backend, Tap};
use rnnkit_core::cell::CellKind;
use rnnkit_core::convert::{Array, CellTensors, KerasCell, from_keras, from_tf1};
use rnnkit_core::plan::ModelPlan;
use rnnkit_core::spec::{HeadSpec, InputSpec, LayerSpec, LossSpec, ModelSpec, Predict, Projection};
use rnnkit_core::window::{Masks, Sequence, Values};

use super::cells::put_states;
use super::model::{cell_kind, read_carry, transposed};
use super::{Case, Computed, Data, Problem, Tensor};
use crate::window::{OneWindow, Setup};

type Make<'a, B> = &'a dyn Fn() -> CoreResult<B>;

/// Runs a case of the converters.
pub fn run<B: Backend>(make: Make<'_, B>, case: &Case) -> Result<Computed, Problem> {
    let hyper = &case.hyper;
    for (name, only) in [("bidirectional", false), ("batch_first", false), ("variable_lengths", false)] {
        hyper.only(name, only)?;
    }
    hyper.only("layers", 1)?;
    hyper.only("input_kind", "real")?;
    hyper.only("loss", "none")?;
    let cell = cell_kind(case.kind())?;
    let tensors = convert(case, cell)?;
    let setup = setup(case, cell, tensors.weight_hh.shape[1])?;
    let mut window = OneWindow::new(make()?, &setup)?;
    let named = named(tensors);
    window.set_parameters(&parameters(window.plan(), &named)?)?;
    window.set_carry(&read_carry(case, &window.plan().carry, setup.lanes)?);
    window.evaluate()?;

    let mut computed = Computed::new();
    let layout = window.plan().carry.clone();
    put_states(&mut computed, "expect.?_n", &layout, &window.carry()?, setup.lanes);
    let output = window.tap(Tap::Output(0))?;
    computed.insert("expect.output".into(), Tensor::real(&[setup.time, setup.lanes, layout.size(0)], &output));
    for (name, Array { shape, values }) in named {
        computed.insert(format!("expect.{name}"), Tensor { shape, data: Data::F32(values) });
    }
    Ok(computed)
}

/// The case's weights in this project's layout.
fn convert(case: &Case, cell: CellKind) -> Result<CellTensors, Problem> {
    let hyper = &case.hyper;
    let (kernel, bias) = (array(case, "kernel")?, array(case, "bias")?);
    match case.flavour() {
        "keras" => {
            let order: Option<&[&str]> = match cell {
                CellKind::Lstm => Some(&["i", "f", "g", "o"]),
                CellKind::Gru => Some(&["z", "r", "n"]),
                _ => None,
            };
            check_order(case, order)?;
            // Keras keeps an LSTM's forget bias in the bias itself.
            hyper.only("forget_bias", 0.0)?;
            let reset_after = cell == CellKind::Gru && hyper.flag("reset_after")?;
            let recurrent_kernel = array(case, "recurrent_kernel")?;
            Ok(from_keras(cell, &KerasCell { kernel, recurrent_kernel, bias: Some(bias), reset_after })?)
        }
        "tf1" => {
            check_order(case, (cell == CellKind::Lstm).then_some(&["i", "g", "f", "o"]))?;
            let forget_bias = if cell == CellKind::Lstm { hyper.number("forget_bias")? } else { 0.0 };
            Ok(from_tf1(cell, &kernel, &bias, forget_bias)?)
        }
        other => Err(Problem::unsupported("flavour", other)),
    }
}

/// The converters know the orders of gates; a case of another order is none of theirs.
fn check_order(case: &Case, order: Option<&[&str]>) -> Result<(), Problem> {
    order.map_or(Ok(()), |order| case.hyper.only("gate_order", order))
}

fn array(case: &Case, name: &str) -> Result<Array, Problem> {
    let name = format!("keras.{name}");
    let shape = case.get(&name).ok_or_else(|| Problem::missing(&name))?.shape.clone();
    let values = case.real(&name, &shape)?.to_vec();
    Ok(Array { shape, values })
}

/// One layer of `size` units on `input.x` [T, N, I], shown as it is.
fn setup(case: &Case, cell: CellKind, size: usize) -> Result<Setup, Problem> {
    let (_, shape) = case.tensor::<3>("input.x")?;
    let [time, lanes, width] = shape;
    let inputs = Values::Real { width, values: transposed(case.real("input.x", &shape)?, time, lanes, width) };
    // The loss is not looked at.
    let targets = Values::Real { width: size, values: vec![0.0; lanes * time * size] };
    Ok(Setup {
        spec: ModelSpec {
            input: InputSpec::Real { size: width },
            layers: vec![LayerSpec::recurrent(cell, size)],
            head: HeadSpec { predict: Predict::EveryStep, size, projection: Projection::Identity, dropout: 0.0 },
            loss: LossSpec::MeanSquaredError,
        },
        sequence: Sequence::paired(inputs, targets),
        lanes,
        time,
        starts: (0..lanes).map(|lane| (lane * time) as u32).collect(),
        resets: vec![false; lanes],
        lengths: None,
        masks: Masks::Off,
    })
}

/// By the names of the first layer's parameters.
fn named(tensors: CellTensors) -> [(&'static str, Array); 4] {
    let CellTensors { weight_ih, weight_hh, bias_ih, bias_hh } = tensors;
    [("weight_ih_l0", weight_ih), ("weight_hh_l0", weight_hh), ("bias_ih_l0", bias_ih), ("bias_hh_l0", bias_hh)]
}

/// The flat buffer.
fn parameters(plan: &ModelPlan, named: &[(&str, Array)]) -> Result<Vec<f64>, Problem> {
    let mut flat = vec![0.0; plan.params.len()];
    for (name, array) in named {
        let tensor = plan.params.tensor(name).ok_or_else(|| Problem::missing(*name))?;
        if tensor.shape != array.shape {
            return Err(Problem::unfit(*name, format!("its shape is {:?}; expected {:?}", array.shape, tensor.shape)));
        }
        flat[tensor.range()].iter_mut().zip(&array.values).for_each(|(to, &value)| *to = f64::from(value));
    }
    Ok(flat)
}
