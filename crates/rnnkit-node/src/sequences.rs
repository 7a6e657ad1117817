//! Data that JavaScript hands over: inputs, what they should lead to, and which positions count.

use std::ops::Range;

use napi::bindgen_prelude::{Float32Array, Uint32Array};
use napi_derive::napi;
use rnnkit_core::error::{Error, Result};
use rnnkit_core::window::{Sequence, Targets, Values};

use crate::requests::count;

/// Symbol ids or rows of numbers: one of the two.
#[napi(object, object_to_js = false)]
pub struct NativeValues {
    /// One id a position.
    pub ids: Option<Uint32Array>,
    /// [positions, width].
    pub numbers: Option<Float32Array>,
    /// Numbers a position; beside `numbers` alone.
    pub width: Option<f64>,
}

/// Inputs with their targets.
#[napi(object, object_to_js = false)]
pub struct NativeSequence {
    /// An id equal to the vocabulary is no symbol, the zero vector, unless the targets are shifted.
    pub inputs: NativeValues,
    /// The target of each position at its place; left out: shifted ones or none, from which data can be predicted only.
    pub targets: Option<NativeValues>,
    /// The target of position p is the input at p + 1; `targets` are left out then.
    pub shifted: bool,
    /// [positions]: 1 where the target counts, 0 where not; left out: all count.
    pub mask: Option<Float32Array>,
    /// Ranges of positions that windows use, each as its start and its end, in order; left out: all. The others are never looked at.
    pub used: Option<Uint32Array>,
}

impl NativeSequence {
    /// As the core wants it.
    pub fn checked(&self) -> Result<Sequence> {
        let targets = match (&self.targets, self.shifted) {
            (Some(given), false) => Targets::Given(given.checked("targets")?),
            (None, true) => Targets::Shifted,
            (None, false) => Targets::None,
            (Some(_), true) => return Err(Error::invalid("shifted", true, "false beside targets")),
        };
        Ok(Sequence {
            inputs: self.inputs.checked("inputs")?,
            targets,
            mask: self.mask.as_ref().map(|mask| mask.to_vec()),
            used: self.used.as_ref().map(|used| ranges(used)).transpose()?,
        })
    }
}

impl NativeValues {
    fn checked(&self, field: &str) -> Result<Values> {
        match (&self.ids, &self.numbers, self.width) {
            (Some(ids), None, None) => Ok(Values::Ids(ids.to_vec())),
            (None, Some(numbers), Some(width)) => {
                let width = count(&format!("{field}.width"), width)?;
                if !numbers.len().is_multiple_of(width) {
                    return Err(Error::invalid(field, numbers.len(), format!("a multiple of {width} numbers, the width of a position")));
                }
                Ok(Values::Real { width, values: numbers.to_vec() })
            }
            _ => Err(Error::invalid(field, "neither of the two", "either ids, or numbers with their width")),
        }
    }
}

/// [start, end, start, end, …].
fn ranges(bounds: &[u32]) -> Result<Vec<Range<usize>>> {
    if !bounds.len().is_multiple_of(2) {
        return Err(Error::invalid("used", bounds.len(), "an even number of bounds, two a range"));
    }
    Ok(bounds.chunks_exact(2).map(|pair| pair[0] as usize..pair[1] as usize).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_come_in_pairs() {
        assert_eq!(ranges(&[0, 3, 5, 9]), Ok(vec![0..3, 5..9]));
        let error = ranges(&[0, 3, 5]).unwrap_err();
        assert!(error.to_string().starts_with("used is 3"), "{error}");
    }
}
