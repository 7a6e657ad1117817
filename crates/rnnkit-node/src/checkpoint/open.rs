//! Reads a model, and the training it was saved with, from a file that nobody vouches for.

use std::path::Path;

use napi::Env;
use napi::bindgen_prelude::{Float32Array, PromiseRaw};
use napi_derive::napi;
use rnnkit_core::checkpoint::{Checkpoint, DType, Expected, Header, Limits, code};
use rnnkit_core::error::{Error, Result};
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

/// Reads a checkpoint strictly, on a thread of its own. `extras`: JSON `[{ name, dtype, rank, optional }]`; any other tensor that is
/// not the model's or its training's is refused.
#[napi(catch_unwind)]
pub fn open_checkpoint<'e>(env: &'e Env, path: String, max_file_bytes: f64, extras: String) -> napi::Result<PromiseRaw<'e, NativeOpened>> {
    let (promise, settle) = promised(env)?;
    let command = move || -> Result<NativeOpened> {
        let limits = Limits { max_file_bytes: requests::bytes("maxFileBytes", max_file_bytes)? };
        open(path.as_ref(), &limits, &requests::parsed::<Vec<ExtraRule>>("extras", &extras)?)
    };
    environment::watch(env, run_once(move || Ok(command()?), settle))?;
    Ok(promise)
}

fn open(path: &Path, limits: &Limits, extras: &[ExtraRule]) -> Result<NativeOpened> {
    let header = Header::open(path, limits)?;
    let text = |key| header.metadata().get(key).cloned();
    let model = text(MODEL).ok_or_else(|| header_problem(MODEL, "the file lacks it: it is no model of this program"))?;
    let plan = ModelPlan::new(&read(MODEL, &model)?).map_err(|error| header_problem(MODEL, &error.to_string()))?;
    let training = text(TRAINING);
    let record = training.as_deref().map(read_record).transpose()?;

    let content = Content::new(&plan, record.as_ref());
    let (required, optional) = content.expected(extras)?;
    header.expect(&required, &optional)?;
    let metadata = serde_json::to_string(header.metadata()).map_err(|error| Error::internal(error.to_string()))?;
    let file = header.read()?;

    let extras: Vec<NativeTensor> = extras.iter().filter_map(|extra| file.get(&extra.name)).map(|tensor| native_tensor(&tensor)).collect();
    let moments = content.moments.iter().map(|moment| content.flat(&file, moment)).collect::<Result<Vec<_>>>()?;
    Ok(NativeOpened {
        error: None,
        metadata: Some(metadata),
        model: Some(model),
        parameters: Some(content.flat(&file, &content.parameters)?),
        moments: record.is_some().then_some(moments),
        carry_lanes: record.as_ref().map(|record| record.lanes as u32),
        carry: record.as_ref().map(|_| content.carry(&file)).transpose()?,
        training,
        extras: Some(extras),
    })
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
    /// For each moment the same.
    moments: Vec<Vec<String>>,
    carry: Vec<CarryTensor>,
    lanes: usize,
}

impl<'a> Content<'a> {
    fn new(plan: &'a ModelPlan, record: Option<&TrainingRecord>) -> Self {
        let names = || plan.params.tensors().iter().map(|tensor| tensor.name.as_str());
        let moments = record.map(|record| record.optimizer.moments()).unwrap_or_default();
        let lanes = record.map_or(0, |record| record.lanes);
        Content {
            plan,
            parameters: names().map(str::to_owned).collect(),
            moments: moments.iter().map(|moment| names().map(|name| moment_name(moment, name)).collect()).collect(),
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

    /// Tensors of those names, one for each of the layout's, as one flat buffer of finite numbers.
    fn flat(&self, file: &Checkpoint, names: &[String]) -> Result<Float32Array> {
        let places = self.plan.params.tensors().iter().map(|tensor| tensor.range());
        filled(file, self.plan.params.len(), names.iter().map(String::as_str).zip(places))
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
