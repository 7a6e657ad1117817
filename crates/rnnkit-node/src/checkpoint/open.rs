//! Reads a model, and the training it was saved with, from a file that nobody vouches for.

use std::collections::BTreeMap;
use std::path::Path;

use napi::Env;
use napi::bindgen_prelude::{Float32Array, PromiseRaw};
use napi_derive::napi;
use rnnkit_core::checkpoint::{Checkpoint, DType, Expected, Header, Limits, code};
use rnnkit_core::error::{Error, Result};
use rnnkit_core::init::TensorRole;
use rnnkit_core::layout::Tensor;
use rnnkit_core::plan::ModelPlan;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::{CarryTensor, MODEL, TRAINING, TrainingRecord, carry_tensors, dtype, moment_name, native_tensor};
use crate::environment;
use crate::native_session::promised;
use crate::outcomes::{NativeOpened, NativeTensor};
use crate::requests;
use crate::session_thread::run_once;

/// A further tensor that a file may or must hold; its sizes are free.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ExtraRule {
    name: String,
    dtype: String,
    rank: usize,
    optional: bool,
}

/// What a file must be.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct FileRule {
    /// The metadata's `kind`.
    kind: String,
    /// For each kind of file what reads it, for the error's words.
    loaders: BTreeMap<String, String>,
    extras: Vec<ExtraRule>,
}

/// Reads a checkpoint strictly, on a thread of its own. `rule`: JSON `{ kind, loaders, extras: [{ name, dtype, rank, optional }] }`;
/// another kind of file, and any other tensor that is not the model's or its training's, is refused.
#[napi(catch_unwind)]
pub fn open_checkpoint<'e>(env: &'e Env, path: String, max_file_bytes: f64, rule: String) -> napi::Result<PromiseRaw<'e, NativeOpened>> {
    let (promise, settle) = promised(env)?;
    let command = move || -> Result<NativeOpened> {
        let limits = Limits { max_file_bytes: requests::bytes("maxFileBytes", max_file_bytes)? };
        open(path.as_ref(), &limits, &requests::parsed::<FileRule>("rule", &rule)?)
    };
    environment::watch(env, run_once(move || Ok(command()?), settle))?;
    Ok(promise)
}

fn open(path: &Path, limits: &Limits, FileRule { kind, loaders, extras }: &FileRule) -> Result<NativeOpened> {
    let header = Header::open(path, limits)?;
    let text = |key| header.metadata().get(key).cloned();
    check_kind(kind, text("kind"), loaders)?;
    let model = text(MODEL).ok_or_else(|| header_problem(MODEL, "the file lacks it: it is no model of this program"))?;
    let plan = ModelPlan::new(&read(MODEL, &model)?).map_err(|error| header_problem(MODEL, &error.to_string()))?;
    let record = text(TRAINING).as_deref().map(read_record).transpose()?;
    // As this version writes it: with the options that the file's version did not have yet.
    let training = record.as_ref().map(serde_json::to_string).transpose().map_err(|error| Error::internal(error.to_string()))?;

    let content = Content::new(&plan, record.as_ref());
    let (required, optional) = content.expected(extras)?;
    header.expect(&required, &optional)?;
    let metadata = serde_json::to_string(header.metadata()).map_err(|error| Error::internal(error.to_string()))?;
    let file = header.read()?;

    let extras: Vec<NativeTensor> = extras.iter().filter_map(|extra| file.get(&extra.name)).map(|tensor| native_tensor(&tensor)).collect();
    let len = plan.params.trainable();
    let moments = content.moments.iter().map(|moment| content.flat(&file, moment, len)).collect::<Result<Vec<_>>>()?;
    check_variances(&plan, &file)?;
    Ok(NativeOpened {
        error: None,
        metadata: Some(metadata),
        model: Some(model),
        parameters: Some(content.flat(&file, &content.parameters, plan.params.len())?),
        moments: record.is_some().then_some(moments),
        carry_lanes: record.as_ref().map(|record| record.lanes as u32),
        carry: record.as_ref().map(|_| content.carry(&file)).transpose()?,
        training,
        extras: Some(extras),
    })
}

/// Before the tensors, of which another kind of model has others.
fn check_kind(wanted: &str, found: Option<String>, loaders: &BTreeMap<String, String>) -> Result<()> {
    match found {
        None => Err(header_problem("kind", "the file lacks it: it is no model of this program")),
        Some(kind) if kind != wanted => {
            let remedy = loaders.get(&kind).map_or_else(String::new, |loader| format!(": {loader} reads it"));
            Err(header_problem("kind", &format!("it is '{kind}', not '{wanted}'{remedy}")))
        }
        Some(_) => Ok(()),
    }
}

fn read_record(json: &str) -> Result<TrainingRecord> {
    let record: TrainingRecord = read(TRAINING, json)?;
    let valid = record.optimizer.validate().and_then(|()| record.clip.validate());
    valid.map_err(|error| header_problem(TRAINING, &error.to_string()))?;
    if u32::try_from(record.lanes).is_err() {
        return Err(header_problem(TRAINING, &format!("its {} lanes are more than there can be", record.lanes)));
    }
    Ok(record)
}

/// A description in the file's metadata.
fn read<T: DeserializeOwned>(key: &str, json: &str) -> Result<T> {
    serde_json::from_str(json).map_err(|error| header_problem(key, &format!("it cannot be read: {error}")))
}

fn header_problem(key: &str, problem: &str) -> Error {
    Error::Checkpoint { code: code::HEADER, field: format!("metadata.{key}"), problem: problem.to_owned() }
}

/// The tensors that a model and its training have in a file.
struct Content<'a> {
    plan: &'a ModelPlan,
    /// Names in the order of the layout.
    parameters: Vec<String>,
    /// For each moment those of its parameters; statistics have none.
    moments: Vec<Vec<String>>,
    carry: Vec<CarryTensor>,
    lanes: usize,
}

impl<'a> Content<'a> {
    fn new(plan: &'a ModelPlan, record: Option<&TrainingRecord>) -> Self {
        let names = |tensors: &'a [Tensor]| tensors.iter().map(|tensor| tensor.name.as_str());
        let trained = || names(plan.params.trained());
        let moments = record.map(|record| record.optimizer.moments()).unwrap_or_default();
        let lanes = record.map_or(0, |record| record.lanes);
        Content {
            plan,
            parameters: names(plan.params.tensors()).map(str::to_owned).collect(),
            moments: moments.iter().map(|moment| trained().map(|name| moment_name(moment, name)).collect()).collect(),
            carry: carry_tensors(plan, lanes),
            lanes,
        }
    }

    /// Required and optional tensors.
    fn expected(&self, extras: &[ExtraRule]) -> Result<(Vec<Expected>, Vec<Expected>)> {
        let tensors = self.plan.params.tensors();
        let mut required = Vec::new();
        for names in std::iter::once(&self.parameters).chain(&self.moments) {
            required.extend(names.iter().zip(tensors).map(|(name, tensor)| Expected::exact(name, DType::F32, &tensor.shape)));
        }
        required.extend(self.carry.iter().map(|part| Expected::exact(&part.name, DType::F32, &part.shape)));
        let mut optional = Vec::new();
        for extra in extras {
            let expected = Expected::with_shape(&extra.name, dtype(&extra.dtype)?, vec![None; extra.rank]);
            if extra.optional { optional.push(expected) } else { required.push(expected) }
        }
        Ok((required, optional))
    }

    /// Tensors of those names, those of the layout in its order, as one flat buffer of `len` finite numbers.
    fn flat(&self, file: &Checkpoint, names: &[String], len: usize) -> Result<Float32Array> {
        let places = self.plan.params.tensors().iter().map(|tensor| tensor.range());
        filled(file, len, names.iter().map(String::as_str).zip(places))
    }

    fn carry(&self, file: &Checkpoint) -> Result<Float32Array> {
        let places = self.carry.iter().map(|part| (part.name.as_str(), part.range.clone()));
        filled(file, self.plan.carry.len(self.lanes), places)
    }
}

fn filled<'a>(file: &Checkpoint, len: usize, places: impl Iterator<Item = (&'a str, std::ops::Range<usize>)>) -> Result<Float32Array> {
    let mut flat = zeros(len)?;
    for (name, range) in places {
        file.require_finite(name)?;
        file.tensor(name)?.copy_to(&mut flat[range])?;
    }
    Ok(Float32Array::new(flat))
}

/// A variance below zero has no root to divide by.
fn check_variances(plan: &ModelPlan, file: &Checkpoint) -> Result<()> {
    for tensor in plan.params.tensors().iter().filter(|tensor| tensor.role == TensorRole::MovingVariance) {
        let mut values = zeros(tensor.len())?;
        file.tensor(&tensor.name)?.copy_to(&mut values)?;
        if let Some(at) = values.iter().position(|&value| value < 0.0) {
            let problem = format!("element {at} is {}; expected a variance of at least 0", values[at]);
            return Err(Error::Checkpoint { code: code::TENSOR, field: tensor.name.clone(), problem });
        }
    }
    Ok(())
}

/// A failed allocation would end the process, so room is asked for first.
fn zeros(len: usize) -> Result<Vec<f32>> {
    let mut values = Vec::new();
    if values.try_reserve_exact(len).is_err() {
        let problem = format!("{len} numbers do not fit into memory; free some, or take a smaller model");
        return Err(Error::Checkpoint { code: code::MEMORY, field: "file".to_owned(), problem });
    }
    values.resize(len, 0.0);
    Ok(values)
}
