//! Lays a file out; the same content always gives the same bytes.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;

use super::digest::{FileDigest, PREFIX, ZEROS};
use super::durable::{DiskFiles, Target, replace};
use super::header;
use super::{FORMAT_NAME, FORMAT_VERSION, Mode, NewTensor, code, problem, room};
use crate::error::{Error, Result};

/// Writes a checkpoint to `path` so that, whatever happens, the old file or the whole new one stands there; returns when the
/// new one would outlive a power loss.
///
/// `metadata` may hold any keys but `format`, `format_version` and `digest`, which are added here. Tensors of wider elements
/// come first in the file, otherwise in the order given, so that each begins at a multiple of its element's size.
/// A link is followed, and an old file's mode is kept.
///
/// # Errors
/// `ERR_CHECKPOINT_WRITE` with the system's reason; the codes of the reader for content that it would refuse.
pub fn write(path: &Path, metadata: &BTreeMap<String, String>, tensors: &[NewTensor]) -> Result<()> {
    save(path, &Layout::new(metadata, tensors, Mode::Checkpoint)?)
}

/// Writes a safetensors file without the metadata of a checkpoint: what other programs' files look like. As durable as [`write()`].
pub fn write_plain(path: &Path, metadata: &BTreeMap<String, String>, tensors: &[NewTensor]) -> Result<()> {
    save(path, &Layout::new(metadata, tensors, Mode::Plain)?)
}

/// The bytes that [`write()`] would write.
pub fn to_bytes(metadata: &BTreeMap<String, String>, tensors: &[NewTensor]) -> Result<Vec<u8>> {
    let layout = Layout::new(metadata, tensors, Mode::Checkpoint)?;
    let mut bytes = room(layout.byte_length(), "file")?;
    layout.write_to(&mut bytes).map_err(|error| Error::internal(error.to_string()))?;
    Ok(bytes)
}

fn save(path: &Path, layout: &Layout) -> Result<()> {
    let target = Target::resolve(path)?;
    replace(&DiskFiles, &target, &|file| layout.write_to(file))
}

/// A file about to be written: the finished header and the tensors in the order of their data.
pub(super) struct Layout<'a> {
    header: Vec<u8>,
    tensors: Vec<&'a NewTensor<'a>>,
}

impl<'a> Layout<'a> {
    /// Makes the header, digest included, and holds it to the reader's rules: what cannot be read is not written.
    pub fn new(metadata: &BTreeMap<String, String>, tensors: &'a [NewTensor<'a>], mode: Mode) -> Result<Self> {
        let mut tensors: Vec<_> = tensors.iter().collect();
        tensors.iter().try_for_each(|tensor| tensor.check())?;
        tensors.sort_by_key(|tensor| std::cmp::Reverse(tensor.data.dtype().size()));
        let mut metadata = metadata.clone();
        if mode == Mode::Checkpoint {
            add_our_keys(&mut metadata)?;
        }
        let mut layout = Layout { header: header_text(&metadata, &tensors).into_bytes(), tensors };
        if mode == Mode::Checkpoint {
            layout.put_digest()?;
        }
        layout.check(mode)?;
        Ok(layout)
    }

    /// Length of the whole file, in bytes.
    pub fn byte_length(&self) -> usize {
        header::LENGTH_BYTES + self.header.len() + self.data_bytes()
    }

    /// Writes the whole file.
    pub fn write_to(&self, file: &mut dyn Write) -> io::Result<()> {
        file.write_all(&[&(self.header.len() as u64).to_le_bytes(), self.header.as_slice()].concat())?;
        self.for_each_piece(&mut |piece| file.write_all(piece))
    }

    fn data_bytes(&self) -> usize {
        self.tensors.iter().map(|tensor| tensor.data.byte_length()).sum()
    }

    fn for_each_piece(&self, take: &mut dyn FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
        self.tensors.iter().try_for_each(|tensor| tensor.data.for_each_piece(take))
    }

    /// Puts the digits in the place of the zeros.
    fn put_digest(&mut self) -> Result<()> {
        let zeros = [PREFIX, ZEROS].concat();
        let places: Vec<usize> =
            self.header.windows(zeros.len()).enumerate().filter(|(_, text)| *text == zeros.as_bytes()).map(|(at, _)| at).collect();
        let [at] = places[..] else {
            return Err(problem(code::HEADER, "metadata", "a name or value of its own holds the sign that stands for the digest"));
        };
        let mut digest = FileDigest::new(&self.header);
        let hashed = self.for_each_piece(&mut |piece| {
            digest.update(piece);
            Ok(())
        });
        hashed.map_err(|error| Error::internal(error.to_string()))?;
        self.header[at + PREFIX.len()..at + zeros.len()].copy_from_slice(digest.digits().as_bytes());
        Ok(())
    }

    fn check(&self, mode: Mode) -> Result<()> {
        let start = [&(self.header.len() as u64).to_le_bytes(), self.header.as_slice()].concat();
        header::frame(&start, self.byte_length() as u64, mode)?;
        header::parse(&self.header, self.data_bytes() as u64, mode)?;
        Ok(())
    }
}

fn add_our_keys(metadata: &mut BTreeMap<String, String>) -> Result<()> {
    let ours = [("format", FORMAT_NAME.to_owned()), ("format_version", FORMAT_VERSION.to_string()), ("digest", [PREFIX, ZEROS].concat())];
    for (key, value) in ours {
        if metadata.insert(key.to_owned(), value).is_some() {
            return Err(Error::internal(format!("metadata key '{key}' belongs to the file format")));
        }
    }
    Ok(())
}

/// The JSON header, padded with spaces to a multiple of 8 bytes, so that the data begin at one.
fn header_text(metadata: &BTreeMap<String, String>, tensors: &[&NewTensor]) -> String {
    let mut members = Vec::with_capacity(tensors.len() + 1);
    if !metadata.is_empty() {
        let pairs: Vec<String> = metadata.iter().map(|(key, value)| format!("{}:{}", quoted(key), quoted(value))).collect();
        members.push(format!("\"__metadata__\":{{{}}}", pairs.join(",")));
    }
    let mut begin = 0;
    for tensor in tensors {
        let end = begin + tensor.data.byte_length();
        let shape = tensor.shape.iter().map(usize::to_string).collect::<Vec<_>>().join(",");
        let (name, dtype) = (quoted(&tensor.name), tensor.data.dtype());
        members.push(format!("{name}:{{\"dtype\":\"{dtype}\",\"shape\":[{shape}],\"data_offsets\":[{begin},{end}]}}"));
        begin = end;
    }
    let text = format!("{{{}}}", members.join(","));
    let padding = text.len().next_multiple_of(8) - text.len();
    text + &" ".repeat(padding)
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
