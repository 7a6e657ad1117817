//! What a device reports at any time, on any thread, kept until the next stage can return it as an error.

use std::sync::{Mutex, MutexGuard, PoisonError};

use rnnkit_core::{Error, Result};

/// The first fault of a device; nothing that was recorded after it can be trusted.
#[derive(Debug, Default)]
pub struct Faults {
    first: Mutex<Option<Error>>,
}

impl Faults {
    /// Takes a fault in, unless there was one before: later ones are its consequences. A loss, which explains them all, goes first.
    pub fn report(&self, error: Error) {
        let mut first = self.locked();
        let lost = matches!(error, Error::DeviceLost { .. });
        if first.is_none() || (lost && !matches!(*first, Some(Error::DeviceLost { .. }))) {
            *first = Some(error);
        }
    }

    /// The first fault, as often as it is asked for: a device does not recover.
    pub fn check(&self) -> Result<()> {
        self.locked().clone().map_or(Ok(()), Err)
    }

    fn locked(&self) -> MutexGuard<'_, Option<Error>> {
        self.first.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What wgpu reports, as an error of ours.
pub fn of_wgpu(device: &str, error: &wgpu::Error) -> Error {
    match error {
        // How much there was is not told.
        wgpu::Error::OutOfMemory { .. } => Error::Memory { needed: 0, available: 0 },
        wgpu::Error::Validation { description, .. } | wgpu::Error::Internal { description, .. } => {
            Error::DeviceFailed { device: device.to_owned(), problem: description.trim().to_owned() }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(problem: &str) -> Error {
        Error::DeviceFailed { device: "d".to_owned(), problem: problem.to_owned() }
    }

    #[test]
    fn the_first_fault_stays_and_a_loss_explains_it() {
        let faults = Faults::default();
        assert_eq!(faults.check(), Ok(()));
        faults.report(failed("first"));
        faults.report(failed("second"));
        assert_eq!(faults.check(), Err(failed("first")));
        let lost = Error::DeviceLost { device: "d".to_owned(), reason: "unplugged".to_owned() };
        faults.report(lost.clone());
        faults.report(failed("third"));
        assert_eq!(faults.check(), Err(lost));
    }
}
