//! Safetensors files: a strict reader and a durable writer.
//!
//! A checkpoint is a [safetensors](https://github.com/huggingface/safetensors) file: eight bytes of header length (little
//! endian), a JSON header padded with spaces, then the tensors one after another. Ours adds three metadata keys: `format`,
//! `format_version`, and `digest`, the SHA-256 of the whole file with the digest's own 64 digits read as zeros. So every
//! changed bit is refused, and any other safetensors reader still opens the file.
//!
//! Nothing in a file is believed: each number is recomputed from the others and compared with the real length of the file
//! before memory for the tensors is taken. A file holds no path, no code and no compression.
//!
//! Reading takes three stages, so that a file that does not fit costs nothing: [`Header::open`] (structure and file length
//! hold), [`Header::expect`] (the tensors are those the model has), [`Header::read`] (data in memory, digest holds).
//! [`Header::open_plain`] and [`write_plain`] do the same for safetensors files of other programs: same structure, no digest.

mod digest;
mod dtype;
mod durable;
mod expected;
mod foreign;
mod header;
mod json;
mod reader;
mod tensor;
mod writer;

#[cfg(test)]
mod tests;

pub use dtype::{DType, Element};
pub use expected::Expected;
pub use header::TensorEntry;
pub use reader::{Checkpoint, Header, Limits};
pub use tensor::{NewTensor, Tensor, TensorData};
pub use writer::{to_bytes, write, write_plain};

use crate::error::Error;

/// The codes of [`Error::Checkpoint`] that reading and writing give.
pub mod code {
    /// Missing, unreadable, not a regular file, too large, or changed while it was read.
    pub const FILE: &str = "ERR_CHECKPOINT_FILE";
    /// Another program's format, or safetensors without our metadata.
    pub const FORMAT: &str = "ERR_CHECKPOINT_FORMAT";
    /// Shorter than it says of itself.
    pub const TRUNCATED: &str = "ERR_CHECKPOINT_TRUNCATED";
    /// The header is not the JSON that the format prescribes.
    pub const HEADER: &str = "ERR_CHECKPOINT_HEADER";
    /// A format version that this build cannot read.
    pub const VERSION: &str = "ERR_CHECKPOINT_VERSION";
    /// A tensor with an impossible name, type or shape, or another one than expected; missing or unknown tensors.
    pub const TENSOR: &str = "ERR_CHECKPOINT_TENSOR";
    /// Tensors that overlap, leave holes, have another size than their shape, or bytes that belong to none.
    pub const OFFSETS: &str = "ERR_CHECKPOINT_OFFSETS";
    /// The content is not what was written.
    pub const DIGEST: &str = "ERR_CHECKPOINT_DIGEST";
    /// NaN or infinity where parameters must be finite.
    pub const NON_FINITE: &str = "ERR_CHECKPOINT_NON_FINITE";
    /// The file could not be written.
    pub const WRITE: &str = "ERR_CHECKPOINT_WRITE";
    /// There is not enough memory for the tensors.
    pub const MEMORY: &str = "ERR_MEMORY";
}

/// Value of the metadata key `format` in our files.
pub const FORMAT_NAME: &str = "rnnkit";
/// Value of the metadata key `format_version` that is written, and the newest that is read.
pub const FORMAT_VERSION: u32 = 1;
/// Most tensors in one file.
pub const MAX_TENSORS: usize = 1024;
/// Longest tensor name, in bytes.
pub const MAX_NAME_BYTES: usize = 128;
/// Most dimensions of a tensor.
pub const MAX_RANK: usize = 4;

/// Which rules a file is held to.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Mode {
    /// Our own files: name, version and digest required, header of at most 1 MiB, tensors in the order of their data.
    Checkpoint,
    /// Safetensors from anywhere: header of at most 100 MB, as in the format's reference implementation.
    Plain,
}

impl Mode {
    fn max_header_bytes(self) -> u64 {
        match self {
            Mode::Checkpoint => 1 << 20,
            Mode::Plain => 100_000_000,
        }
    }
}

fn problem(code: &'static str, field: impl Into<String>, problem: impl Into<String>) -> Error {
    Error::Checkpoint { code, field: field.into(), problem: problem.into() }
}

/// A name from a file as it can stand in a message: escaped, and cut when it is long.
fn printable(name: &str) -> String {
    let cut: String = name.chars().take(MAX_NAME_BYTES).collect();
    let dots = if cut.len() < name.len() { "…" } else { "" };
    format!("{}{dots}", cut.escape_debug())
}

/// Room for `count` elements of `what`, or a typed error: an allocation that fails otherwise ends the process.
fn room<T>(count: usize, what: &str) -> Result<Vec<T>, Error> {
    let mut values = Vec::new();
    match values.try_reserve_exact(count) {
        Ok(()) => Ok(values),
        Err(_) => {
            let bytes = count.saturating_mul(size_of::<T>());
            Err(problem(code::MEMORY, what, format!("its {bytes} bytes do not fit into memory; free some, or take a smaller model")))
        }
    }
}
