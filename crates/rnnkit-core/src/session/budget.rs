//! How much memory a session may take, and how much it has taken.

use crate::backend::Backend;
use crate::error::{Error, Result};

/// Bytes allowed and bytes taken.
#[derive(Debug)]
pub(super) struct Budget {
    limit: u64,
    used: u64,
}

impl Budget {
    /// Nothing taken yet.
    pub fn new(limit: u64) -> Self {
        Self { limit, used: 0 }
    }

    /// Takes bytes, before they are allocated; an error if they are more than is left.
    pub fn take(&mut self, bytes: u64) -> Result<()> {
        let available = self.limit - self.used;
        if bytes > available {
            return Err(Error::Memory { needed: bytes, available });
        }
        self.used += bytes;
        Ok(())
    }

    /// Gives back what was taken.
    pub fn give_back(&mut self, bytes: u64) {
        self.used = self.used.saturating_sub(bytes);
    }
}

/// Bytes of a buffer of that many numbers.
pub(super) fn bytes<B: Backend>(len: usize) -> u64 {
    (len as u64).saturating_mul(size_of::<B::Real>() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_counted_together_and_given_back() {
        let mut budget = Budget::new(100);
        budget.take(60).expect("60 of 100");
        assert_eq!(budget.take(50), Err(Error::Memory { needed: 50, available: 40 }));
        budget.give_back(30);
        budget.take(50).expect("50 of the 70 left");
    }
}
