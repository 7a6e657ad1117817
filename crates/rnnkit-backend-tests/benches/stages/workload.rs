//! The work list as models: `bench/workloads.json`, which every program that is compared reads.

use rnnkit_backend_tests::suite::models::{CROSS_ENTROPY, Sample, Sizes, head, recurrent};
use rnnkit_backend_tests::suite::training::ADAM;
use rnnkit_backend_tests::window::SGD;
use rnnkit_core::cell::CellKind;
use rnnkit_core::optim::{Adagrad, Flavour, OptimizerSpec};
use rnnkit_core::plan::ModelPlan;
use rnnkit_core::spec::{InputSpec, LayerSpec, LossSpec, ModelSpec, Predict};
use rnnkit_core::window::Masks;
use serde_json::Value;

/// Adagrad with PyTorch's options.
const ADAGRAD: OptimizerSpec = OptimizerSpec::Adagrad(Adagrad {
    flavour: Flavour::PyTorch,
    epsilon: 1e-10,
    initial_accumulator: 0.0,
    learning_rate_decay: 0.0,
    weight_decay: 0.0,
});

const LIST: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../bench/workloads.json"));

/// One of the list.
pub struct Workload {
    /// `lstm/2x512-T40-N64`.
    pub name: String,
    /// The model.
    pub plan: ModelPlan,
    /// Its optimizer.
    pub optimizer: OptimizerSpec,
    /// Lanes N and time steps T.
    pub sizes: Sizes,
    hidden: usize,
}

impl Workload {
    /// The whole list, in its order.
    pub fn all() -> Vec<Self> {
        let list: Value = serde_json::from_str(LIST).expect("the work list is JSON");
        list.as_object().expect("the work list is an object").values().map(Self::of).collect()
    }

    fn of(entry: &Value) -> Self {
        let number = |key: &str| entry[key].as_u64().unwrap_or_else(|| panic!("{entry} lacks the number {key}")) as usize;
        let (cell, name) = cell(text(entry, "cell"));
        let (layers, hidden, sizes) = (number("layers"), number("hidden"), Sizes { lanes: number("B"), time: number("T"), windows: 1 });
        let shape = format!("{layers}x{hidden}-T{}-N{}", sizes.time, sizes.lanes);
        let optimizer = optimizer(text(entry, "opt"));
        let plan = ModelPlan::new(&model(entry, cell, layers, hidden)).expect("the work list's models are valid");
        Self { name: format!("{name}/{shape}"), plan, optimizer, sizes, hidden }
    }

    /// Data, and weights of the deviation that a new model of that size has.
    pub fn sample(&self) -> Sample {
        let mut sample = Sample::new(&self.name, self.plan.spec.clone(), self.sizes);
        let scale = 1.0 / (self.hidden as f64).sqrt();
        sample.parameters.iter_mut().for_each(|value| *value = f64::from((*value * scale) as f32));
        sample.setup.masks = Masks::Drawn { seed: 1 };
        sample
    }
}

fn text<'a>(entry: &'a Value, key: &str) -> &'a str {
    entry[key].as_str().unwrap_or_else(|| panic!("{entry} lacks the text {key}"))
}

fn cell(name: &str) -> (CellKind, &'static str) {
    match name {
        "rnn_tanh" => (CellKind::ElmanTanh, "elman-tanh"),
        "rnn_relu" => (CellKind::ElmanRelu, "elman-relu"),
        "gru" => (CellKind::Gru, "gru"),
        "lstm" => (CellKind::Lstm, "lstm"),
        other => panic!("the work list has a cell that the benches do not know: {other}"),
    }
}

fn optimizer(name: &str) -> OptimizerSpec {
    match name {
        "sgd" => SGD,
        "adam" => ADAM,
        "adagrad" => ADAGRAD,
        other => panic!("the work list has an optimizer that the benches do not know: {other}"),
    }
}

fn model(entry: &Value, cell: CellKind, layers: usize, hidden: usize) -> ModelSpec {
    let number = |key: &str| entry[key].as_u64().map(|value| value as usize);
    let vocabulary = number("vocab").unwrap_or(0);
    let input = match (number("in"), number("embed")) {
        (Some(size), _) => InputSpec::Real { size },
        (None, Some(size)) => InputSpec::Embedding { vocabulary, size },
        (None, None) => InputSpec::OneHot { vocabulary },
    };
    let dropout = entry["dropout"].as_f64().map(LayerSpec::dropout);
    let layers = (0..layers).flat_map(|_| [Some(recurrent(cell, hidden)), dropout.clone()]).flatten().collect();
    let predict = if text(entry, "head") == "last" { Predict::LastStep } else { Predict::EveryStep };
    let (outputs, loss) = match input {
        InputSpec::Real { size } => (size, LossSpec::MeanSquaredError),
        _ => (vocabulary, CROSS_ENTROPY),
    };
    ModelSpec { input, layers, head: head(predict, outputs), loss }
}
