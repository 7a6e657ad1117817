//! The errors of the core: data with a stable code, the field and the value at fault, and what would do.

use serde::Serialize;

/// Result of anything in the core that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong. [`Error::code`] is stable; the message is for people.
#[derive(Debug, Clone, PartialEq)]
pub enum Error {
    /// A value that no model or plan can have: `expected` says what would do.
    Invalid {
        /// Path of the field, as the caller wrote it (`layers[1].size`).
        field: String,
        /// The offending value, printed.
        value: String,
        /// What would be accepted, as a phrase.
        expected: String,
    },
    /// The model or its workspace would not fit.
    Memory {
        /// Bytes the request needs; 0 where the device does not tell.
        needed: u64,
        /// Bytes it may take; 0 where there is no room, however much was taken before.
        available: u64,
    },
    /// The requested device is not there.
    DeviceUnavailable {
        /// The device asked for.
        device: String,
        /// Why, and what would do.
        reason: String,
    },
    /// The device went away while it was in use; what lay on it is gone.
    DeviceLost {
        /// The device, in words.
        device: String,
        /// What its driver said.
        reason: String,
    },
    /// The device or its driver refused work that it should have taken.
    DeviceFailed {
        /// The device, in words.
        device: String,
        /// What was refused, and why.
        problem: String,
    },
    /// A file that cannot be read as a model, or could not be written.
    Checkpoint {
        /// One of the `ERR_CHECKPOINT_…` codes.
        code: &'static str,
        /// The tensor, metadata key or part of the file.
        field: String,
        /// What is wrong with it, and what was expected.
        problem: String,
    },
    /// A model whose numbers have run off: it predicts nothing any more.
    NonFinite {
        /// What came out, and where.
        what: String,
    },
    /// The abort flag was raised; nothing of the current window was kept.
    Aborted,
    /// A defect of ours: a broken invariant or a panic that was caught.
    Internal {
        /// What was found.
        problem: String,
    },
}

/// An [`Error`] as it crosses a language boundary.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ErrorData {
    /// Stable code, `ERR_…`.
    pub code: &'static str,
    /// One sentence or two, naming field, value and remedy.
    pub message: String,
    /// The field at fault, if there is one.
    pub field: Option<String>,
    /// The value at fault, printed, if there is one.
    pub value: Option<String>,
}

impl Error {
    /// A value out of its range: `expected` is a phrase such as "an integer of at least 1".
    pub fn invalid(field: impl Into<String>, value: impl ToString, expected: impl Into<String>) -> Self {
        Error::Invalid { field: field.into(), value: value.to_string(), expected: expected.into() }
    }

    /// A broken invariant of ours.
    pub fn internal(problem: impl Into<String>) -> Self {
        Error::Internal { problem: problem.into() }
    }

    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Error::Invalid { .. } => "ERR_INVALID_OPTION",
            Error::Memory { .. } => "ERR_MEMORY",
            Error::DeviceUnavailable { .. } => "ERR_DEVICE_UNAVAILABLE",
            Error::DeviceLost { .. } => "ERR_DEVICE_LOST",
            Error::DeviceFailed { .. } => "ERR_DEVICE_FAILED",
            Error::Checkpoint { code, .. } => code,
            Error::NonFinite { .. } => "ERR_NON_FINITE",
            Error::Aborted => "ERR_ABORTED",
            Error::Internal { .. } => "ERR_INTERNAL",
        }
    }

    /// The error as plain data.
    pub fn data(&self) -> ErrorData {
        let (field, value) = match self {
            Error::Invalid { field, value, .. } => (Some(field.clone()), Some(value.clone())),
            Error::Memory { needed, .. } => (None, Some(needed.to_string())),
            Error::DeviceUnavailable { device, .. } | Error::DeviceLost { device, .. } | Error::DeviceFailed { device, .. } => {
                (Some("device".to_owned()), Some(device.clone()))
            }
            Error::Checkpoint { field, .. } => (Some(field.clone()), None),
            Error::NonFinite { .. } | Error::Aborted | Error::Internal { .. } => (None, None),
        };
        ErrorData { code: self.code(), message: self.to_string(), field, value }
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Error::Invalid { field, value, expected } => write!(f, "{field} is {value}; it must be {expected}"),
            Error::Memory { needed, available } => {
                match (needed, available) {
                    (0, 0) => write!(f, "memory ran out")?,
                    (_, 0) => write!(f, "there is no memory left for {needed} bytes")?,
                    _ => write!(f, "a part of the model or its workspace needs {needed} bytes, {available} are available")?,
                }
                write!(f, "; take smaller layers, batchSize or unrollLength")
            }
            Error::DeviceUnavailable { device, reason } => write!(f, "device '{device}' is not available: {reason}"),
            Error::DeviceLost { device, reason } => {
                write!(f, "device '{device}' was lost: {reason}; device 'cpu' would do, if it happens again")
            }
            Error::DeviceFailed { device, problem } => {
                write!(f, "device '{device}' failed: {problem}; device 'cpu' would do, and an update of the driver may help")
            }
            Error::Checkpoint { field, problem, .. } => write!(f, "{field}: {problem}"),
            Error::NonFinite { what } => {
                write!(f, "{what}: the parameters have run off; go back to an earlier model, train with a lower learning rate or clip")
            }
            Error::Aborted => write!(f, "aborted"),
            Error::Internal { problem } => write!(f, "internal error: {problem}"),
        }
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lack_of_memory_is_told_as_it_was_met() {
        let told = |needed, available| Error::Memory { needed, available }.to_string();
        assert_eq!(
            told(80, 20),
            "a part of the model or its workspace needs 80 bytes, 20 are available; take smaller layers, batchSize or unrollLength"
        );
        assert!(told(80, 0).starts_with("there is no memory left for 80 bytes; take smaller"), "{}", told(80, 0));
        assert!(told(0, 0).starts_with("memory ran out; take smaller"), "{}", told(0, 0));
    }
}
