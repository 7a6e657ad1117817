//! Why a case could not be done.

use std::fmt;

/// Why a case could not be done.
#[derive(Debug, Clone, PartialEq)]
pub enum Problem {
    /// What this project cannot do (yet).
    Unsupported {
        /// What of the case asks for it: a metadata key.
        what: &'static str,
        /// Its value.
        value: String,
    },
    /// The case lacks a tensor or a piece of metadata that its kind needs.
    Missing {
        /// Its name.
        name: String,
    },
    /// A tensor or an option that has no place in what was computed.
    Unplaced {
        /// Its name.
        name: String,
    },
    /// A tensor or option of another type or shape than its kind has.
    Unfit {
        /// Its name.
        name: String,
        /// What it is, and what would do.
        problem: String,
    },
    /// A tensor that the case wants and that was not computed.
    NotComputed {
        /// Its name.
        name: String,
    },
    /// Two ways to compute the same gave different numbers.
    Disagree {
        /// The two ways, and the tensor.
        what: String,
        /// Where, and how far apart.
        detail: String,
    },
    /// The core or backend refused.
    Core(rnnkit_core::Error),
    /// A panic, caught.
    Panic {
        /// Its message.
        message: String,
    },
}

impl Problem {
    pub(super) fn unsupported(what: &'static str, value: impl fmt::Display) -> Self {
        Problem::Unsupported { what, value: value.to_string() }
    }

    pub(super) fn missing(name: impl Into<String>) -> Self {
        Problem::Missing { name: name.into() }
    }

    pub(super) fn unfit(name: impl Into<String>, problem: impl Into<String>) -> Self {
        Problem::Unfit { name: name.into(), problem: problem.into() }
    }
}

impl From<rnnkit_core::Error> for Problem {
    fn from(error: rnnkit_core::Error) -> Self {
        Problem::Core(error)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Problem::Unsupported { what, value } => write!(f, "unsupported {what}: {value}"),
            Problem::Missing { name } => write!(f, "the case lacks {name}"),
            Problem::Unplaced { name } => write!(f, "there is no place for {name}"),
            Problem::Unfit { name, problem } => write!(f, "{name}: {problem}"),
            Problem::NotComputed { name } => write!(f, "{name} is wanted and was not computed"),
            Problem::Disagree { what, detail } => write!(f, "{what}: {detail}"),
            Problem::Core(error) => write!(f, "{}: {error}", error.code()),
            Problem::Panic { message } => write!(f, "panic: {message}"),
        }
    }
}

impl std::error::Error for Problem {}
