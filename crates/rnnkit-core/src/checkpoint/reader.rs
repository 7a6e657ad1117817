//! Opens a file, checks it, and only then reads its tensors into memory.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::{File, Metadata};
use std::io::{Cursor, Read};
use std::path::Path;

use super::digest::Claim;
use super::expected::{self, Expected};
use super::header::{self, LENGTH_BYTES, TensorEntry};
use super::tensor::{self, Tensor};
use super::{Mode, code, foreign, printable, problem, room};
use crate::error::{Error, Result};

/// What a reader accepts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// Largest file, in bytes. Default: 4 GiB.
    pub max_file_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { max_file_bytes: 4 << 30 }
    }
}

/// An opened file whose header and length hold; its tensors are not read yet.
pub struct Header {
    metadata: BTreeMap<String, String>,
    entries: Vec<TensorEntry>,
    claim: Option<Claim>,
    data_bytes: u64,
    /// Stands at the first byte of the data.
    source: Box<dyn Read + Send>,
}

impl Header {
    /// Opens a checkpoint of ours.
    ///
    /// # Errors
    /// `ERR_CHECKPOINT_FILE`, `_FORMAT`, `_TRUNCATED`, `_HEADER`, `_VERSION`, `_TENSOR`, `_OFFSETS` or `_DIGEST` (none in the file).
    pub fn open(path: &Path, limits: &Limits) -> Result<Self> {
        Self::open_file(path, limits, Mode::Checkpoint)
    }

    /// Opens a safetensors file of any program: same structure, neither `format` nor `digest` asked for.
    pub fn open_plain(path: &Path) -> Result<Self> {
        Self::open_file(path, &Limits::default(), Mode::Plain)
    }

    /// [`Header::open`] for a file that is in memory already.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self> {
        let length = bytes.len() as u64;
        Self::from_source(Box::new(Cursor::new(bytes)), length, Mode::Checkpoint)
    }

    fn open_file(path: &Path, limits: &Limits, mode: Mode) -> Result<Self> {
        let refuse = |text: String| problem(code::FILE, path.display().to_string(), text);
        let unreadable = |error: std::io::Error| refuse(format!("it cannot be read: {error}"));
        if path.as_os_str().is_empty() {
            return Err(problem(code::FILE, "path", "it is empty; expected the name of a file"));
        }
        // Asked before opening, because to open a FIFO waits for a writer; asked again afterwards, of the file that was opened.
        check_file(&std::fs::metadata(path).map_err(unreadable)?, limits).map_err(refuse)?;
        let file = File::open(path).map_err(unreadable)?;
        let metadata = file.metadata().map_err(unreadable)?;
        check_file(&metadata, limits).map_err(refuse)?;
        Self::from_source(Box::new(file), metadata.len(), mode)
    }

    /// `length`: all bytes that `source` should give.
    pub(super) fn from_source(mut source: Box<dyn Read + Send>, length: u64, mode: Mode) -> Result<Self> {
        let opening = read_up_to(&mut source, length.min(foreign::OPENING_BYTES as u64), "file")?;
        let header_bytes = header::frame(&opening, length, mode)?;
        let mut source = Cursor::new(opening).chain(source);
        read_up_to(&mut source, LENGTH_BYTES as u64, "file")?;
        let header = read_up_to(&mut source, header_bytes as u64, "header")?;
        let data_bytes = length - (LENGTH_BYTES + header_bytes) as u64;
        let parsed = header::parse(&header, data_bytes, mode)?;
        let source = Box::new(source);
        Ok(Header { metadata: parsed.metadata, entries: parsed.entries, claim: parsed.claim, data_bytes, source })
    }

    /// The metadata, without the keys that every checkpoint of ours has.
    pub fn metadata(&self) -> &BTreeMap<String, String> {
        &self.metadata
    }

    /// The tensors, in the order of their data.
    pub fn entries(&self) -> &[TensorEntry] {
        &self.entries
    }

    /// Bytes that [`Header::read`] will take.
    pub fn data_bytes(&self) -> u64 {
        self.data_bytes
    }

    /// Checks that the file has all `required` tensors, perhaps some of the `optional` ones, and no others, each of the type and
    /// shape given; otherwise `ERR_CHECKPOINT_TENSOR` with the tensor's name as the field.
    pub fn expect(&self, required: &[Expected], optional: &[Expected]) -> Result<()> {
        expected::check(&self.entries, required, optional)
    }

    /// Reads the tensors and checks the digest.
    ///
    /// # Errors
    /// `ERR_MEMORY`, `ERR_CHECKPOINT_FILE` when the file changed meanwhile, `ERR_CHECKPOINT_DIGEST`.
    pub fn read(mut self) -> Result<Checkpoint> {
        let data = read_up_to(&mut self.source, self.data_bytes, "data")?;
        if !read_up_to(&mut self.source, 1, "data")?.is_empty() {
            return Err(changed("it grew"));
        }
        if data.len() as u64 != self.data_bytes {
            return Err(changed("it became shorter"));
        }
        if let Some(claim) = self.claim {
            claim.check(&data)?;
        }
        Ok(Checkpoint { metadata: self.metadata, entries: self.entries, data })
    }
}

impl fmt::Debug for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Header").field("metadata", &self.metadata).field("entries", &self.entries).finish_non_exhaustive()
    }
}

fn check_file(metadata: &Metadata, limits: &Limits) -> Result<(), String> {
    if metadata.is_dir() {
        return Err("it is a folder; expected a file".to_owned());
    }
    if !metadata.is_file() {
        return Err("it is not a regular file (a pipe, socket or device)".to_owned());
    }
    if metadata.len() > limits.max_file_bytes {
        return Err(format!("it has {} bytes; the limit is {} (maxFileBytes)", metadata.len(), limits.max_file_bytes));
    }
    Ok(())
}

/// The next `count` bytes, or fewer where the source ends; room for all is asked for first.
fn read_up_to(source: &mut (impl Read + ?Sized), count: u64, what: &str) -> Result<Vec<u8>> {
    let mut bytes = room(usize::try_from(count).unwrap_or(usize::MAX), what)?;
    let result = source.take(count).read_to_end(&mut bytes);
    result.map_err(|error| problem(code::FILE, what, format!("it cannot be read: {error}")))?;
    Ok(bytes)
}

fn changed(how: &str) -> Error {
    problem(code::FILE, "file", format!("{how} while it was read; try again when nothing writes it"))
}

/// A file in memory: metadata and tensors, all checked.
#[derive(Debug, Clone)]
pub struct Checkpoint {
    metadata: BTreeMap<String, String>,
    entries: Vec<TensorEntry>,
    data: Vec<u8>,
}

impl Checkpoint {
    /// [`Header::open`] and [`Header::read`] in one, for callers who take any tensors.
    pub fn open(path: &Path, limits: &Limits) -> Result<Self> {
        Header::open(path, limits)?.read()
    }

    /// [`Header::open_plain`] and [`Header::read`] in one.
    pub fn open_plain(path: &Path) -> Result<Self> {
        Header::open_plain(path)?.read()
    }

    /// The metadata, without the keys that every checkpoint of ours has.
    pub fn metadata(&self) -> &BTreeMap<String, String> {
        &self.metadata
    }

    /// The tensors, in the order of their data.
    pub fn entries(&self) -> &[TensorEntry] {
        &self.entries
    }

    /// As [`Header::expect`].
    pub fn expect(&self, required: &[Expected], optional: &[Expected]) -> Result<()> {
        expected::check(&self.entries, required, optional)
    }

    /// All tensors, in the order of their data.
    pub fn tensors(&self) -> impl Iterator<Item = Tensor<'_>> {
        self.entries.iter().map(|entry| self.view(entry))
    }

    /// The tensor `name`, or `None`.
    pub fn get(&self, name: &str) -> Option<Tensor<'_>> {
        self.entries.iter().find(|entry| entry.name == name).map(|entry| self.view(entry))
    }

    /// The tensor `name`, or `ERR_CHECKPOINT_TENSOR`.
    pub fn tensor(&self, name: &str) -> Result<Tensor<'_>> {
        self.get(name).ok_or_else(|| problem(code::TENSOR, printable(name), "the file lacks this tensor"))
    }

    /// Refuses NaN and infinities in the F32 or F64 tensor `name`: `ERR_CHECKPOINT_NON_FINITE` with the first one's place.
    pub fn require_finite(&self, name: &str) -> Result<()> {
        tensor::require_finite(&self.tensor(name)?)
    }

    fn view<'a>(&'a self, entry: &'a TensorEntry) -> Tensor<'a> {
        Tensor { name: &entry.name, dtype: entry.dtype, shape: &entry.shape, bytes: &self.data[entry.range.clone()] }
    }
}
