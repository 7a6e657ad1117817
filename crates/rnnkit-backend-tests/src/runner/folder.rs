//! Runs the cases of a folder and writes what was computed.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use rnnkit_core::checkpoint::{NewTensor, TensorData, write_plain};

use super::{Case, Computed, Data, Problem, SCHEDULES};
use crate::devices::Device;

/// Which cases of a folder to run.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// Only those of this section.
    pub section: Option<String>,
    /// Only those whose file name holds this.
    pub only: Option<String>,
}

/// What became of a case.
#[derive(Debug, Clone, PartialEq)]
pub enum Status {
    /// Its numbers stand in the file.
    Written,
    /// Not this program's: see [`SCHEDULES`].
    Elsewhere,
    /// Nothing was written.
    Failed(Problem),
}

/// What became of a case.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// Its file, without the ending.
    pub name: String,
    /// Its section; empty if the file could not be read.
    pub section: String,
    /// What became of it.
    pub status: Status,
}

/// Runs the `*.safetensors` of `cases`, in the order of their names, and writes to `out`.
///
/// # Errors
/// If one of the folders cannot be read or made; what goes wrong with a case is its outcome.
pub fn run_folder(device: &Device, cases: &Path, out: &Path, selection: &Selection) -> std::io::Result<Vec<Outcome>> {
    std::fs::create_dir_all(out)?;
    let mut paths: Vec<PathBuf> = std::fs::read_dir(cases)?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?;
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "safetensors"));
    paths.sort();
    Ok(paths.iter().filter_map(|path| run_file(device, path, out, selection)).collect())
}

fn run_file(device: &Device, path: &Path, out: &Path, selection: &Selection) -> Option<Outcome> {
    let name = path.file_stem()?.to_string_lossy().into_owned();
    if selection.only.as_ref().is_some_and(|only| !name.contains(only)) {
        return None;
    }
    let case = match Case::open(path) {
        Ok(case) => case,
        Err(problem) => return Some(Outcome { name, section: String::new(), status: Status::Failed(problem) }),
    };
    let section = case.section().to_owned();
    if selection.section.as_ref().is_some_and(|wanted| *wanted != section) {
        return None;
    }
    if section == SCHEDULES {
        return Some(Outcome { name, section, status: Status::Elsewhere });
    }
    let target = out.join(path.file_name()?);
    // An older run's numbers must not pass for this one's.
    let _ = std::fs::remove_file(&target);
    let status = match run_caught(device, &case).and_then(|computed| write(&target, &computed)) {
        Ok(()) => Status::Written,
        Err(problem) => Status::Failed(problem),
    };
    Some(Outcome { name, section, status })
}

/// One case's panic is that case's failure.
fn run_caught(device: &Device, case: &Case) -> Result<Computed, Problem> {
    catch_unwind(AssertUnwindSafe(|| device.run(case))).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned().or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        Err(Problem::Panic { message: text.unwrap_or_else(|| "without a message".to_owned()) })
    })
}

fn write(path: &Path, computed: &Computed) -> Result<(), Problem> {
    let tensors: Vec<NewTensor> = computed
        .iter()
        .map(|(name, tensor)| {
            let data = match &tensor.data {
                Data::F32(values) => TensorData::F32(values),
                Data::I32(values) => TensorData::I32(values),
            };
            NewTensor::new(name.clone(), &tensor.shape, data)
        })
        .collect();
    Ok(write_plain(path, &BTreeMap::new(), &tensors)?)
}
