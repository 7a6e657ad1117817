//! Memory for sizes that come from users and files: an error where there is not enough, never an abort.

use crate::error::{Error, Result};

/// `len` default values (zeros, for numbers).
///
/// The memory is asked for twice: first so that a refusal is an error, then as zeroed pages, which the system makes when they are first
/// touched. Filling gigabytes here would be deaf to an abort.
///
/// # Errors
/// [`Error::Memory`] where there is not enough.
pub fn zeros<T: Clone + Default>(len: usize) -> Result<Vec<T>> {
    let needed = (len as u64).saturating_mul(size_of::<T>() as u64);
    Vec::<T>::new().try_reserve_exact(len).map_err(|_| Error::Memory { needed, available: 0 })?;
    Ok(vec![T::default(); len])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_machine_has_is_an_error() {
        assert_eq!(zeros::<f64>(3), Ok(vec![0.0; 3]));
        assert!(matches!(zeros::<f64>(usize::MAX / 16), Err(Error::Memory { .. })));
    }
}
