//! [`Aligned`]: a buffer of f32 that starts on a cache line.

use std::ops::{Deref, DerefMut};

use rnnkit_core::Result;
use rnnkit_core::memory::zeros;

/// Bytes of a cache line, and of the widest vector.
const LINE: usize = 64;

/// A buffer of f32 whose first element lies on a 64-byte boundary, so that no vector of an aligned row straddles two lines.
#[derive(Default)]
pub struct Aligned {
    storage: Vec<f32>,
    start: usize,
    length: usize,
}

impl Aligned {
    /// A buffer of `length` zeros.
    ///
    /// # Errors
    /// [`rnnkit_core::Error::Memory`] where there is not enough.
    pub fn zeros(length: usize) -> Result<Self> {
        let slack = if length == 0 { 0 } else { LINE / size_of::<f32>() };
        Ok(Self::over(zeros(length.saturating_add(slack))?, length))
    }

    fn over(storage: Vec<f32>, length: usize) -> Self {
        // The slack is cut off in front, once: the storage never grows, so it never moves.
        let start = storage.as_ptr().align_offset(LINE).min(storage.len() - length);
        Self { storage, start, length }
    }
}

impl Deref for Aligned {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        &self.storage[self.start..self.start + self.length]
    }
}

impl DerefMut for Aligned {
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut self.storage[self.start..self.start + self.length]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_of_any_length_start_on_a_line_and_hold_zeros() {
        for length in [0, 1, 15, 16, 17, 1000] {
            let mut buffer = Aligned::zeros(length).expect("memory for a small buffer");
            assert_eq!(buffer.len(), length);
            assert!(buffer.iter().all(|&x| x == 0.0));
            assert!(length == 0 || (buffer.as_ptr() as usize).is_multiple_of(LINE), "{length} values");
            buffer.fill(1.0);
        }
    }
}
