//! Writes a session: the parameters, and the whole state of its training if asked to.

use std::collections::BTreeMap;
use std::path::Path;

use rnnkit_core::Error;
use rnnkit_core::checkpoint::{NewTensor, TensorData, write};
use rnnkit_core::layout::Tensor;

use super::{Extra, MODEL, TRAINING, TrainingRecord, carry_tensors, moment_name};
use crate::engine::on_session;
use crate::failure::Failure;
use crate::outcomes::NativeDone;
use crate::worker::Worker;

/// A training as it is read from the session.
struct Snapshot {
    record: TrainingRecord,
    moments: Vec<Vec<f32>>,
    carry: Vec<f32>,
}

impl Worker {
    /// Writes the file so that, whatever happens, the old one or the whole new one stands there.
    pub fn save(
        &mut self,
        path: &Path,
        metadata: BTreeMap<String, String>,
        extras: &[Extra],
        training: bool,
    ) -> Result<NativeDone, Failure> {
        let parameters = on_session!(&mut self.engine, session => session.parameters())?;
        let snapshot = if training { Some(self.snapshot()?) } else { None };
        let metadata = self.metadata(metadata, snapshot.as_ref())?;
        let moments = snapshot.iter().flat_map(|snapshot| &snapshot.moments);
        if !std::iter::once(&parameters).chain(moments).flatten().all(|value| value.is_finite()) {
            // A file with them would be refused by the next load, and the good one it replaced would be gone.
            return Err(Error::NonFinite { what: "the model to be saved holds numbers that are not finite".to_owned() }.into());
        }
        let mut tensors = flat_tensors(self.plan().params.tensors(), &parameters, |name| name.to_owned());
        if let Some(snapshot) = &snapshot {
            tensors.extend(self.training_tensors(snapshot));
        }
        tensors.extend(extras.iter().map(|extra| NewTensor::new(&extra.name, &extra.shape, TensorData::Bytes(extra.dtype, &extra.data))));
        write(path, &metadata, &tensors)?;
        Ok(NativeDone::default())
    }

    fn snapshot(&mut self) -> Result<Snapshot, Failure> {
        let setup = self.setup.clone().ok_or_else(|| Error::internal("there is no training to save"))?;
        let (moments, carry) = on_session!(&mut self.engine, session => (session.moments()?, session.carry()?));
        let (lanes, carry) = carry.unwrap_or_default();
        let steps = on_session!(&self.engine, session => session.steps());
        let record = TrainingRecord { optimizer: setup.optimizer, clip: setup.clip, seed: setup.seed, steps, lanes };
        Ok(Snapshot { record, moments, carry })
    }

    fn metadata(&self, mut metadata: BTreeMap<String, String>, snapshot: Option<&Snapshot>) -> Result<BTreeMap<String, String>, Error> {
        let unwritable = |error: serde_json::Error| Error::internal(format!("metadata cannot be written: {error}"));
        let model = serde_json::to_string(&self.plan().spec).map_err(unwritable)?;
        let training = snapshot.map(|snapshot| serde_json::to_string(&snapshot.record)).transpose().map_err(unwritable)?;
        for (key, value) in [(MODEL, Some(model)), (TRAINING, training)] {
            if metadata.contains_key(key) {
                return Err(Error::invalid(format!("metadata.{key}"), "given", "left out: it is written from the session"));
            }
            value.map(|value| metadata.insert(key.to_owned(), value));
        }
        Ok(metadata)
    }

    fn training_tensors<'a>(&self, snapshot: &'a Snapshot) -> Vec<NewTensor<'a>> {
        let moments = snapshot.record.optimizer.moments();
        let mut tensors = Vec::new();
        for (moment, values) in moments.iter().zip(&snapshot.moments) {
            tensors.extend(flat_tensors(self.plan().params.trained(), values, |name| moment_name(moment, name)));
        }
        let carry = carry_tensors(self.plan(), snapshot.record.lanes);
        tensors.extend(carry.into_iter().map(|part| NewTensor::new(part.name, &part.shape, &snapshot.carry[part.range])));
        tensors
    }
}

/// A flat buffer's tensors under names made from the parameters'.
fn flat_tensors<'a>(tensors: &[Tensor], flat: &'a [f32], name: impl Fn(&str) -> String) -> Vec<NewTensor<'a>> {
    tensors.iter().map(|tensor| NewTensor::new(name(&tensor.name), &tensor.shape, &flat[tensor.range()])).collect()
}
