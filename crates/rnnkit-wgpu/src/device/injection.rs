//! Faults made on purpose, so that what happens after one can be tried on any machine.
//!
//! The environment variable `RNNKIT_GPU_FAULT` names one: `lost:N` destroys the device at its N-th submission, `memory:N` refuses the
//! N-th allocation, `invalid:N` does something at the N-th submission that validation refuses. N counts from 1.

use rnnkit_core::{Error, Result};

/// The variable.
const VARIABLE: &str = "RNNKIT_GPU_FAULT";

/// A fault and when it happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Injection {
    /// None.
    #[default]
    None,
    /// The device is lost at that submission.
    Lost(u64),
    /// That allocation is refused.
    Memory(u64),
    /// Validation refuses something at that submission.
    Invalid(u64),
}

impl Injection {
    /// What the environment asks for.
    pub fn from_environment() -> Result<Self> {
        std::env::var(VARIABLE).map_or(Ok(Self::None), |text| Self::parse(&text))
    }

    fn parse(text: &str) -> Result<Self> {
        let refused = || Error::invalid(VARIABLE, text, "lost:N, memory:N or invalid:N with N of at least 1");
        let (kind, number) = text.split_once(':').ok_or_else(refused)?;
        let number = number.parse().ok().filter(|&number| number > 0).ok_or_else(refused)?;
        match kind {
            "lost" => Ok(Self::Lost(number)),
            "memory" => Ok(Self::Memory(number)),
            "invalid" => Ok(Self::Invalid(number)),
            _ => Err(refused()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_named_with_its_number() {
        assert_eq!(Injection::parse("lost:3"), Ok(Injection::Lost(3)));
        assert_eq!(Injection::parse("memory:1"), Ok(Injection::Memory(1)));
        assert_eq!(Injection::parse("invalid:12"), Ok(Injection::Invalid(12)));
        for text in ["", "lost", "lost:0", "lost:x", "burnt:1"] {
            assert_eq!(Injection::parse(text).unwrap_err().code(), "ERR_INVALID_OPTION", "{text}");
        }
    }
}
