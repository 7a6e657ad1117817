//! The devices that are open: sessions on one adapter share it and its compiled kernels, which take longer to make than many a model to train.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use rnnkit_core::Result;

use super::{Device, Injection, adapters, enter};
use crate::GpuOptions;

/// Kept by those who work on them alone, so that the last one to go closes a device.
static OPEN: Mutex<Vec<Weak<Device>>> = Mutex::new(Vec::new());

impl Device {
    /// The adapter's device in that precision: the one that is open and well, or a new one. A device with a fault to come is nobody else's.
    ///
    /// # Errors
    /// As [`Device::open`].
    pub fn shared(options: &GpuOptions) -> Result<Arc<Self>> {
        let injection = Injection::from_environment()?;
        if injection != Injection::None {
            return Self::with_injection(options, injection).map(Arc::new);
        }
        let _inside = enter();
        let adapter = adapters::choose(options.adapter.as_deref())?;
        let info = adapter.get_info();
        // Held while a device is opened: another thread that wants it waits for it.
        let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|device| device.strong_count() > 0);
        let fits = |device: &Arc<Self>| device.adapter == info && device.precision == options.precision && device.check().is_ok();
        if let Some(device) = open.iter().filter_map(Weak::upgrade).find(fits) {
            return Ok(device);
        }
        let device = Arc::new(Self::on_adapter(&adapter, options.precision, injection)?);
        open.push(Arc::downgrade(&device));
        Ok(device)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_that_failed_is_not_handed_out_again() {
        // Where there is no adapter there is nothing to share; the backends' tests say that it is missing.
        let Ok(first) = Device::shared(&GpuOptions::default()) else { return };
        assert!(Arc::ptr_eq(&first, &Device::shared(&GpuOptions::default()).expect("it is open")));
        first.faults.report(first.failed("on purpose".to_owned()));
        let second = Device::shared(&GpuOptions::default()).expect("the adapter can be opened again");
        assert!(!Arc::ptr_eq(&first, &second) && second.check().is_ok());
        assert!(Arc::ptr_eq(&second, &Device::shared(&GpuOptions::default()).expect("it is open")));
    }
}
