//! Compares the tensors of a file with those a model has.

use super::{DType, TensorEntry, code, printable, problem};
use crate::error::Result;

/// A tensor that a file should hold.
#[derive(Debug, Clone, PartialEq)]
pub struct Expected {
    /// Its name.
    pub name: String,
    /// Type of its elements.
    pub dtype: DType,
    /// Its dimensions; `None` is any size from 1.
    pub shape: Vec<Option<usize>>,
}

impl Expected {
    /// A tensor of exactly this shape.
    pub fn exact(name: impl Into<String>, dtype: DType, shape: &[usize]) -> Self {
        Self::with_shape(name, dtype, shape.iter().copied().map(Some).collect())
    }

    /// A tensor of which some dimensions are free, such as a history's length.
    pub fn with_shape(name: impl Into<String>, dtype: DType, shape: Vec<Option<usize>>) -> Self {
        Expected { name: name.into(), dtype, shape }
    }

    fn shape_text(&self) -> String {
        let sizes: Vec<String> = self.shape.iter().map(|size| size.map_or("any".to_owned(), |size| size.to_string())).collect();
        format!("[{}]", sizes.join(", "))
    }
}

/// Whether `entries` are all of `required`, perhaps some of `optional`, and nothing else.
pub(super) fn check(entries: &[TensorEntry], required: &[Expected], optional: &[Expected]) -> Result<()> {
    for entry in entries {
        let expected = required.iter().chain(optional).find(|expected| expected.name == entry.name);
        let Some(expected) = expected else {
            return Err(problem(code::TENSOR, printable(&entry.name), "the file has this tensor and the model does not"));
        };
        check_one(entry, expected)?;
    }
    match required.iter().find(|expected| !entries.iter().any(|entry| entry.name == expected.name)) {
        Some(missing) => Err(problem(code::TENSOR, missing.name.clone(), "the file lacks this tensor")),
        None => Ok(()),
    }
}

fn check_one(entry: &TensorEntry, expected: &Expected) -> Result<()> {
    if entry.dtype != expected.dtype {
        let text = format!("its type is {}, the model's {}", entry.dtype, expected.dtype);
        return Err(problem(code::TENSOR, entry.name.clone(), text));
    }
    let fits = |(&size, &expected): (&usize, &Option<usize>)| expected.is_none_or(|expected| expected == size);
    if entry.shape.len() != expected.shape.len() || !entry.shape.iter().zip(&expected.shape).all(fits) {
        let text = format!("its shape is {:?}, the model's {}", entry.shape, expected.shape_text());
        return Err(problem(code::TENSOR, entry.name.clone(), text));
    }
    Ok(())
}
