//! One case: the tensors that go in, the names of those that must come out, and the metadata that says how.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use rnnkit_core::checkpoint::{Checkpoint, DType};

use super::{Hyper, Problem};

/// Elements of a tensor.
#[derive(Debug, Clone, PartialEq)]
pub enum Data {
    /// Real numbers.
    F32(Vec<f32>),
    /// Ids, counts, lengths.
    I32(Vec<i32>),
}

/// A tensor of a case, row-major; shape `[]` is a scalar.
#[derive(Debug, Clone, PartialEq)]
pub struct Tensor {
    /// Its shape.
    pub shape: Vec<usize>,
    /// Its elements.
    pub data: Data,
}

/// Tensors that were computed, by name.
pub type Computed = BTreeMap<String, Tensor>;

impl Tensor {
    /// Real numbers, rounded to f32.
    pub fn real(shape: &[usize], values: &[f64]) -> Self {
        Self { shape: shape.to_vec(), data: Data::F32(values.iter().map(|&value| value as f32).collect()) }
    }

    /// One real number.
    pub fn scalar(value: f64) -> Self {
        Self::real(&[], &[value])
    }

    /// Integers.
    pub fn integers(shape: &[usize], values: Vec<i32>) -> Self {
        Self { shape: shape.to_vec(), data: Data::I32(values) }
    }

    /// The elements as f64.
    pub fn values(&self) -> Vec<f64> {
        match &self.data {
            Data::F32(values) => values.iter().map(|&value| f64::from(value)).collect(),
            Data::I32(values) => values.iter().map(|&value| f64::from(value)).collect(),
        }
    }
}

/// One case.
pub struct Case {
    /// Its options.
    pub hyper: Hyper,
    metadata: BTreeMap<String, String>,
    inputs: BTreeMap<String, Tensor>,
    answers: BTreeMap<String, Tensor>,
    placed: RefCell<BTreeSet<String>>,
}

impl Case {
    /// Reads a case's file.
    pub fn open(path: &Path) -> Result<Self, Problem> {
        let file = Checkpoint::open_plain(path)?;
        let metadata = file.metadata().clone();
        for key in ["section", "kind", "flavour"] {
            if !metadata.contains_key(key) {
                return Err(Problem::missing(format!("the metadata {key}")));
            }
        }
        let hyper = Hyper::parse(metadata.get("hyper").ok_or_else(|| Problem::missing("the metadata hyper"))?)?;
        let (mut inputs, mut answers) = (BTreeMap::new(), BTreeMap::new());
        for tensor in file.tensors() {
            let data = match tensor.dtype {
                DType::F32 => Data::F32(tensor.to_vec()?),
                DType::I32 => Data::I32(tensor.to_vec()?),
                other => return Err(Problem::unfit(tensor.name, format!("its type is {other}; expected F32 or I32"))),
            };
            let place = if is_answer(tensor.name) { &mut answers } else { &mut inputs };
            place.insert(tensor.name.to_owned(), Tensor { shape: tensor.shape.to_vec(), data });
        }
        Ok(Self { hyper, metadata, inputs, answers, placed: RefCell::default() })
    }

    /// What is computed: a word of the metadata.
    pub fn section(&self) -> &str {
        &self.metadata["section"]
    }

    /// Which of the section's kinds.
    pub fn kind(&self) -> &str {
        &self.metadata["kind"]
    }

    /// Whose formula or layout.
    pub fn flavour(&self) -> &str {
        &self.metadata["flavour"]
    }

    /// A failure unless the flavour is one of `known`.
    pub fn check_flavour(&self, known: &[&str]) -> Result<(), Problem> {
        let flavour = self.flavour();
        if known.contains(&flavour) { Ok(()) } else { Err(Problem::unsupported("flavour", flavour)) }
    }

    /// The names of all inputs that begin so.
    pub fn names(&self, prefix: &str) -> Vec<&str> {
        self.inputs.keys().filter(|name| name.starts_with(prefix)).map(String::as_str).collect()
    }

    /// An input, if the case has it.
    pub fn get(&self, name: &str) -> Option<&Tensor> {
        self.placed.borrow_mut().insert(name.to_owned());
        self.inputs.get(name)
    }

    /// An input of that many dimensions.
    pub fn tensor<const D: usize>(&self, name: &str) -> Result<(&Tensor, [usize; D]), Problem> {
        let tensor = self.get(name).ok_or_else(|| Problem::missing(name))?;
        let shape = tensor.shape.as_slice().try_into();
        Ok((tensor, shape.map_err(|_| Problem::unfit(name, format!("its shape is {:?}; expected {D} dimensions", tensor.shape)))?))
    }

    /// Real numbers of that shape.
    pub fn real(&self, name: &str, shape: &[usize]) -> Result<&[f32], Problem> {
        let tensor = self.get(name).ok_or_else(|| Problem::missing(name))?;
        check_shape(name, tensor, shape)?;
        match &tensor.data {
            Data::F32(values) => Ok(values),
            Data::I32(_) => Err(Problem::unfit(name, "it holds integers; expected real numbers")),
        }
    }

    /// Symbol ids of that shape.
    pub fn ids(&self, name: &str, shape: &[usize]) -> Result<Vec<u32>, Problem> {
        let tensor = self.get(name).ok_or_else(|| Problem::missing(name))?;
        check_shape(name, tensor, shape)?;
        let Data::I32(ids) = &tensor.data else { return Err(Problem::unfit(name, "it holds real numbers; expected ids")) };
        ids.iter().map(|&id| u32::try_from(id).map_err(|_| Problem::unfit(name, format!("{id} is no symbol id")))).collect()
    }

    /// What must come out, with its shape: the metadata's `wanted`, or where there is none the answers' names.
    pub fn wanted(&self) -> Result<BTreeMap<String, Vec<usize>>, Problem> {
        match self.metadata.get("wanted") {
            Some(text) => serde_json::from_str(text).map_err(|error| Problem::unfit("wanted", error.to_string())),
            None => Ok(self.answers.iter().map(|(name, tensor)| (name.clone(), tensor.shape.clone())).collect()),
        }
    }

    /// The answers, for tests; nothing that computes looks at them.
    pub fn answers(&self) -> &BTreeMap<String, Tensor> {
        &self.answers
    }

    /// A number of the metadata.
    pub fn number(&self, key: &str) -> Option<f64> {
        self.metadata.get(key)?.parse().ok()
    }

    /// What of `computed` is wanted; a failure if an input or option had no place, or something wanted is not there.
    pub fn check(&self, mut computed: Computed) -> Result<Computed, Problem> {
        let placed = self.placed.borrow();
        let input = self.inputs.keys().find(|name| !placed.contains(*name)).cloned();
        if let Some(name) = input.or_else(|| self.hyper.unplaced()) {
            return Err(Problem::Unplaced { name });
        }
        let wanted = self.wanted()?;
        computed.retain(|name, _| wanted.contains_key(name));
        let (optional, alternatives) = (self.beginnings("optional"), self.beginnings("alternatives"));
        let begins = |name: &str, with: &[&str]| with.iter().any(|start| name.starts_with(start));
        for (name, shape) in &wanted {
            match computed.get(name) {
                Some(tensor) => check_shape(name, tensor, shape)?,
                None if begins(name, &optional) || begins(name, &alternatives) => {}
                None => return Err(Problem::NotComputed { name: name.clone() }),
            }
        }
        let whole = |group: &&str| wanted.keys().filter(|name| name.starts_with(group)).all(|name| computed.contains_key(name));
        if !alternatives.is_empty() && !alternatives.iter().any(whole) {
            return Err(Problem::NotComputed { name: format!("one whole group of {}", alternatives.join(", ")) });
        }
        Ok(computed)
    }

    /// A list of the metadata: the beginnings of tensor names.
    fn beginnings(&self, key: &str) -> Vec<&str> {
        self.metadata.get(key).map_or(Vec::new(), |list| list.split(',').map(str::trim).filter(|start| !start.is_empty()).collect())
    }
}

fn is_answer(name: &str) -> bool {
    name.starts_with("expect.") || name.starts_with("grad.")
}

fn check_shape(name: &str, tensor: &Tensor, shape: &[usize]) -> Result<(), Problem> {
    if tensor.shape == shape {
        return Ok(());
    }
    Err(Problem::unfit(name, format!("its shape is {:?}; expected {shape:?}", tensor.shape)))
}
