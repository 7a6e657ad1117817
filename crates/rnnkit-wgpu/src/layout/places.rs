//! Places in a buffer that does not exist yet.

use crate::arguments::NOWHERE;
use crate::slice::ALIGNMENT;

/// Hands out places one after the other.
#[derive(Default)]
pub struct Places {
    end: u64,
}

impl Places {
    /// The first element of a place of `len`.
    pub fn take(&mut self, len: usize) -> u32 {
        let at = self.end;
        self.end = (at.saturating_add(len as u64)).next_multiple_of(ALIGNMENT as u64);
        // What does not fit into 32 bits is refused once all places are known.
        u32::try_from(at).unwrap_or(NOWHERE)
    }

    /// The same, or nowhere.
    pub fn take_if(&mut self, wanted: bool, len: usize) -> u32 {
        if wanted { self.take(len) } else { NOWHERE }
    }

    /// Elements of the buffer.
    pub fn end(&self) -> u64 {
        self.end
    }
}
