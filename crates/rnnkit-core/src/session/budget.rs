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

    /// Takes bytes for what `allocate` makes; gives them back if it fails.
    pub fn take_for<T>(&mut self, bytes: u64, allocate: impl FnOnce() -> Result<T>) -> Result<T> {
        self.take(bytes)?;
        allocate().inspect_err(|_| self.give_back(bytes))
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

    #[test]
    fn what_cannot_be_allocated_is_not_counted() {
        let mut budget = Budget::new(100);
        let refused = Error::Memory { needed: 80, available: 0 };
        assert_eq!(budget.take_for(80, || Err::<(), _>(refused.clone())), Err(refused));
        assert_eq!(budget.take_for(80, || Ok(7)), Ok(7));
        assert_eq!(budget.take(21), Err(Error::Memory { needed: 21, available: 20 }));
    }
}
