//! [`Aligned`]: a buffer that starts on a cache line.

use std::ops::{Deref, DerefMut};

use rnnkit_core::Result;
use rnnkit_core::memory::zeros;

/// Bytes of a cache line, and of the widest vector.
const LINE: usize = 64;

/// A buffer whose first element lies on a 64-byte boundary, so that no vector of an aligned row straddles two lines.
#[derive(Default)]
pub struct Aligned<T = f32> {
    storage: Vec<T>,
    start: usize,
    length: usize,
}

impl<T: Clone + Default> Aligned<T> {
    /// A buffer of `length` zeros.
    ///
    /// # Errors
    /// [`rnnkit_core::Error::Memory`] where there is not enough.
    pub fn zeros(length: usize) -> Result<Self> {
        let slack = if length == 0 { 0 } else { LINE / size_of::<T>() };
        Ok(Self::over(large_pages(length.saturating_add(slack))?, length))
    }

    fn over(storage: Vec<T>, length: usize) -> Self {
        // The slack is cut off in front, once: the storage never grows, so it never moves.
        let start = storage.as_ptr().align_offset(LINE).min(storage.len() - length);
        Self { storage, start, length }
    }
}

/// `length` zeros, on pages of 2 MiB where that saves many: products read large buffers in another order than they lie in memory, and each
/// page that they come by costs a look into tables that hold some thousand.
///
/// # Errors
/// [`rnnkit_core::Error::Memory`] where there is not enough.
pub fn large_pages<T: Clone + Default>(length: usize) -> Result<Vec<T>> {
    let mut values = zeros(length)?;
    advise(&mut values);
    Ok(values)
}

/// Asks the system for large pages, before the zeros are first touched. It may decline; nothing but the speed depends on it.
#[cfg(target_os = "linux")]
fn advise<T>(values: &mut [T]) {
    /// Fewer bytes have few pages, and would be rounded up by too large a share.
    const LEAST_BYTES: usize = 8 << 20;
    const PAGE: usize = 2 << 20;
    let bytes = size_of_val(values);
    if bytes < LEAST_BYTES {
        return;
    }
    let start = values.as_mut_ptr().cast::<u8>();
    let first = start.align_offset(PAGE);
    // SAFETY: the range lies within the buffer, which is ours; the advice changes no value.
    unsafe { libc::madvise(start.add(first).cast(), (bytes - first) / PAGE * PAGE, libc::MADV_HUGEPAGE) };
}

/// Other systems choose by themselves.
#[cfg(not(target_os = "linux"))]
fn advise<T>(_: &mut [T]) {}

impl<T> Deref for Aligned<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.storage[self.start..self.start + self.length]
    }
}

impl<T> DerefMut for Aligned<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.storage[self.start..self.start + self.length]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_of_any_length_start_on_a_line_and_hold_zeros() {
        for length in [0, 1, 15, 16, 17, 1000, 3 << 20] {
            let mut buffer = Aligned::<f32>::zeros(length).expect("memory for a small buffer");
            assert_eq!(buffer.len(), length);
            assert!(buffer.iter().all(|&x| x == 0.0));
            assert!(length == 0 || (buffer.as_ptr() as usize).is_multiple_of(LINE), "{length} values");
            buffer.fill(1.0);
        }
    }
}
