//! Positions on the host: symbol ids, or rows of real numbers.

use crate::error::{Error, Result};

/// A sequence of positions on the host: symbol ids, or rows of real numbers.
#[derive(Debug, Clone, PartialEq)]
pub enum Values {
    /// One id a position.
    Ids(Vec<u32>),
    /// `width` numbers a position.
    Real {
        /// Numbers a position.
        width: usize,
        /// [positions, width].
        values: Vec<f32>,
    },
}

impl Values {
    /// Number of positions.
    pub fn positions(&self) -> usize {
        match self {
            Values::Ids(ids) => ids.len(),
            Values::Real { width, values } => values.len() / width,
        }
    }

    /// Bytes that the values take.
    pub fn bytes(&self) -> u64 {
        4 * match self {
            Values::Ids(ids) => ids.len() as u64,
            Values::Real { values, .. } => values.len() as u64,
        }
    }

    /// The id at a position.
    pub fn id(&self, position: usize) -> Result<u32> {
        match self {
            Values::Ids(ids) => Ok(ids[position]),
            Values::Real { .. } => Err(Error::internal("ids were expected, the data are real numbers")),
        }
    }

    /// The row at a position.
    pub fn row(&self, position: usize) -> Result<&[f32]> {
        match self {
            Values::Real { width, values } => Ok(&values[position * width..(position + 1) * width]),
            Values::Ids(_) => Err(Error::internal("real numbers were expected, the data are ids")),
        }
    }

    /// Checks that ids lie below `limit`, or that rows are `limit` wide and finite.
    pub fn check(&self, field: &str, limit: usize) -> Result<()> {
        self.check_used(field, limit, |_| true)
    }

    /// The same of the positions that are used.
    pub(super) fn check_used(&self, field: &str, limit: usize, used: impl Fn(usize) -> bool) -> Result<()> {
        match self {
            Values::Ids(ids) => match ids.iter().enumerate().position(|(at, &id)| id as usize >= limit && used(at)) {
                Some(at) => Err(Error::invalid(format!("{field}[{at}]"), ids[at], format!("a symbol id below {limit}"))),
                None => Ok(()),
            },
            Values::Real { width, .. } if *width != limit => Err(Error::invalid(format!("{field}.width"), width, format!("{limit}"))),
            Values::Real { values, .. } => match values.iter().enumerate().position(|(at, value)| !value.is_finite() && used(at / limit)) {
                Some(at) => Err(Error::invalid(format!("{field}[{at}]"), values[at], "a finite number")),
                None => Ok(()),
            },
        }
    }
}
