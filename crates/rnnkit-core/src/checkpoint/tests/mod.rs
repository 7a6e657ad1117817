//! Tests of the checkpoint files, and what they share: one small checkpoint, folders that vanish, readers of bytes.

mod attacks;
mod disk;
mod faults;
mod power_loss;
mod round_trip;

use std::collections::BTreeMap;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use super::{Checkpoint, Header, Mode, NewTensor, to_bytes};
use crate::error::{Error, Result};

/// Version 1 of the format as first released: it must stay readable, and `small_checkpoint` must still give these bytes.
const GOLDEN: &[u8] = include_bytes!("golden-v1.safetensors");

/// The content of [`GOLDEN`].
struct Content {
    metadata: BTreeMap<String, String>,
    weights: Vec<f32>,
    moments: Vec<f64>,
}

impl Content {
    fn small() -> Self {
        let metadata = [("spec", "{\"layers\":[{\"cell\":\"lstm\",\"size\":4}]}"), ("note", "naïve \"é\" \u{1F600}\n")];
        Content {
            metadata: metadata.map(|(key, value)| (key.to_owned(), value.to_owned())).into(),
            weights: (0..16 * 5).map(|i| (i as f32 - 40.0) / 7.0).collect(),
            moments: (0..16).map(|i| f64::from(i) / 3.0).collect(),
        }
    }

    fn tensors(&self) -> Vec<NewTensor<'_>> {
        vec![
            NewTensor::new("vocabulary.text", &[3], b"abc".as_slice()),
            NewTensor::new("weight_ih_l0", &[16, 5], self.weights.as_slice()),
            NewTensor::new("optimizer.m", &[4, 4], self.moments.as_slice()),
            NewTensor::new("vocabulary.ids", &[2], [97_u32, 0x1_F600].as_slice()),
            NewTensor::new("step", &[], [u64::MAX].as_slice()),
            NewTensor::new("positions", &[1, 1, 2], [-1_i64, i64::MIN].as_slice()),
            NewTensor::new("signed", &[2], [-7_i32, 7].as_slice()),
        ]
    }
}

fn small_checkpoint() -> Vec<u8> {
    let content = Content::small();
    to_bytes(&content.metadata, &content.tensors()).expect("the content is valid")
}

fn read_bytes(bytes: &[u8]) -> Result<Checkpoint> {
    Header::from_bytes(bytes.to_vec())?.read()
}

fn read_plain_bytes(bytes: &[u8]) -> Result<Checkpoint> {
    Header::from_source(Box::new(Cursor::new(bytes.to_vec())), bytes.len() as u64, Mode::Plain)?.read()
}

/// Code, field and message of an error.
fn parts(error: &Error) -> (&'static str, String, String) {
    (error.code(), error.data().field.unwrap_or_default(), error.to_string())
}

/// A folder of one test, removed at its end.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("rnnkit-checkpoint-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).expect("the name is new");
        Folder(path)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(&self.0).expect("the folder is there");
        let mut names: Vec<String> =
            entries.map(|entry| entry.expect("it can be listed").file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // A folder left behind would not make the test wrong.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn bytes_of(path: &Path) -> Vec<u8> {
    std::fs::read(path).expect("the file is there")
}
