//! Checks a header: its frame in the file, its JSON, and that its tensors fill the data exactly.

use std::collections::BTreeMap;
use std::ops::Range;

use super::digest::Claim;
use super::json::{self, EntryText};
use super::{DType, FORMAT_NAME, FORMAT_VERSION, MAX_NAME_BYTES, MAX_RANK, Mode, code, problem};
use super::{foreign, printable};
use crate::error::Result;

/// Bytes before the header: its length.
pub(super) const LENGTH_BYTES: usize = 8;

/// One tensor of a file, checked.
#[derive(Debug, Clone, PartialEq)]
pub struct TensorEntry {
    /// Its name; at most [`MAX_NAME_BYTES`] bytes, without control characters.
    pub name: String,
    /// Type of its elements.
    pub dtype: DType,
    /// Its shape; `[]` is a scalar, and no dimension is 0.
    pub shape: Vec<usize>,
    /// Its bytes, counted from the end of the header.
    pub range: Range<usize>,
}

/// What a checked header says.
pub(super) struct Parsed {
    /// The user's keys; ours are taken out.
    pub metadata: BTreeMap<String, String>,
    /// In the order of their data.
    pub entries: Vec<TensorEntry>,
    /// In our own files.
    pub claim: Option<Claim>,
}

/// The header's length in bytes, from the first bytes of a file that is `file_bytes` long.
pub(super) fn frame(opening: &[u8], file_bytes: u64, mode: Mode) -> Result<usize> {
    safetensors_frame(opening, file_bytes, mode).map_err(|error| match foreign::name(opening) {
        Some(name) => problem(code::FORMAT, "file", format!("this is {name}; expected a safetensors file")),
        None => error,
    })
}

fn safetensors_frame(opening: &[u8], file_bytes: u64, mode: Mode) -> Result<usize> {
    let Some(length) = opening.first_chunk::<LENGTH_BYTES>() else {
        return Err(problem(code::TRUNCATED, "file", format!("it has {file_bytes} bytes; a safetensors file has at least 8")));
    };
    let (length, most) = (u64::from_le_bytes(*length), mode.max_header_bytes());
    if length == 0 || length > most {
        return Err(problem(code::HEADER, "header length", format!("it is {length}; expected 1 to {most} bytes")));
    }
    let there = file_bytes - LENGTH_BYTES as u64;
    if length > there {
        return Err(problem(code::TRUNCATED, "header", format!("it should have {length} bytes and only {there} follow")));
    }
    if opening.get(LENGTH_BYTES) != Some(&b'{') {
        return Err(problem(code::HEADER, "header", "it does not begin with '{'"));
    }
    usize::try_from(length).map_err(|_| problem(code::HEADER, "header length", format!("{length} bytes are too many here")))
}

/// Checks the header `bytes`, which `data_bytes` bytes follow in the file.
pub(super) fn parse(bytes: &[u8], data_bytes: u64, mode: Mode) -> Result<Parsed> {
    let refuse = |text: String| problem(code::HEADER, "header", text);
    let text = std::str::from_utf8(bytes).map_err(|error| refuse(format!("invalid UTF-8 after {} bytes", error.valid_up_to())))?;
    let object = text.trim_end_matches(' ');
    if !object.starts_with('{') || !object.ends_with('}') {
        return Err(refuse("it is not a JSON object followed by nothing but spaces".to_owned()));
    }
    let mut header = json::parse(object).map_err(refuse)?;
    let claim = match mode {
        Mode::Checkpoint => Some(take_our_keys(text, &mut header.metadata)?),
        Mode::Plain => {
            // Others list tensors in any order; ours are written in the order of their data.
            header.entries.sort_by_key(|entry| (entry.begin, entry.end));
            None
        }
    };
    Ok(Parsed { metadata: header.metadata, entries: check_entries(header.entries, data_bytes)?, claim })
}

/// Checks name and version of the format and takes our keys out of the metadata.
fn take_our_keys(text: &str, metadata: &mut BTreeMap<String, String>) -> Result<Claim> {
    if metadata.remove("format").as_deref() != Some(FORMAT_NAME) {
        let text = "this is a safetensors file, but not one that rnnkit wrote (its metadata lack format 'rnnkit')";
        return Err(problem(code::FORMAT, "format", text));
    }
    let version = metadata.remove("format_version").unwrap_or_default();
    if version != FORMAT_VERSION.to_string() {
        let newer = version.parse::<u64>().is_ok_and(|number| number > u64::from(FORMAT_VERSION));
        let hint = if newer { "a newer rnnkit wrote it; update this one" } else { "no rnnkit wrote such a version" };
        let text = format!("it is '{}' and this build reads {FORMAT_VERSION}: {hint}", printable(&version));
        return Err(problem(code::VERSION, "format_version", text));
    }
    Claim::new(text, metadata.remove("digest").as_ref())
}

/// The entries with their sizes recomputed: they must fill `data_bytes` one after another, without hole or overlap.
fn check_entries(texts: Vec<EntryText>, data_bytes: u64) -> Result<Vec<TensorEntry>> {
    let mut entries = Vec::with_capacity(texts.len());
    let mut end = 0;
    for text in texts {
        let entry = check_entry(text, end, data_bytes)?;
        end = entry.range.end as u64;
        entries.push(entry);
    }
    if end != data_bytes {
        return Err(problem(code::OFFSETS, "data", format!("{} bytes at the end belong to no tensor", data_bytes - end)));
    }
    Ok(entries)
}

fn check_entry(text: EntryText, previous_end: u64, data_bytes: u64) -> Result<TensorEntry> {
    let name = printable(&text.name);
    let refuse = |code, text: String| Err(problem(code, name.clone(), text));
    if text.name.is_empty() || text.name.len() > MAX_NAME_BYTES || text.name.chars().any(char::is_control) {
        return refuse(code::TENSOR, format!("a tensor's name has 1 to {MAX_NAME_BYTES} bytes and no control characters"));
    }
    let Some(dtype) = DType::from_name(&text.dtype) else {
        let known = DType::ALL.map(DType::name).join(", ");
        return refuse(code::TENSOR, format!("type '{}' is not supported; expected one of {known}", printable(&text.dtype)));
    };
    if text.shape.len() > MAX_RANK {
        return refuse(code::TENSOR, format!("it has more than {MAX_RANK} dimensions"));
    }
    if text.shape.contains(&0) {
        return refuse(code::TENSOR, format!("its shape {:?} has a dimension of 0", text.shape));
    }
    let Some(size) = text.shape.iter().try_fold(dtype.size() as u64, |size, &dimension| size.checked_mul(dimension)) else {
        return refuse(code::TENSOR, format!("its shape {:?} overflows", text.shape));
    };
    let (begin, end) = (text.begin, text.end);
    if begin != previous_end {
        return refuse(code::OFFSETS, format!("it begins at byte {begin} and the tensor before it ends at {previous_end}"));
    }
    if begin.checked_add(size) != Some(end) {
        return refuse(code::OFFSETS, format!("it takes bytes {begin} to {end}, its shape {:?} needs {size}", text.shape));
    }
    if end > data_bytes {
        return refuse(code::TRUNCATED, format!("it ends at byte {end} and the file's data at {data_bytes}"));
    }
    // On a 32-bit machine the product can fit u64 and the file, and still not the address space.
    let Ok(range_end) = usize::try_from(end) else {
        return refuse(code::MEMORY, format!("its {size} bytes are too many here"));
    };
    // Each dimension divides a size that fits usize; so does `begin`, which is at most `end`.
    let shape = text.shape.iter().map(|&dimension| dimension as usize).collect();
    Ok(TensorEntry { name: text.name, dtype, shape, range: begin as usize..range_end })
}
