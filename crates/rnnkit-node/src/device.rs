//! The device that a session is asked to run on.

use std::fmt::{self, Display, Formatter};

use rnnkit_core::error::{Error, Result};
use serde::Deserialize;

/// A device, and how it is to be used; JSON as TypeScript makes it. What belongs to a GPU alone is refused elsewhere.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DeviceSpec {
    /// Which kind of device.
    pub name: DeviceName,
    /// Processor threads that share the work.
    pub threads: u32,
    /// The number type of packed weights; a device may have one besides f32.
    #[serde(default)]
    pub precision: Precision,
    /// Which GPU: its number in the list of adapters, or a part of its name.
    #[serde(default)]
    pub adapter: Option<String>,
    /// How recurrent layers run on a GPU; `None`: by its table.
    #[serde(default)]
    pub form: Option<Form>,
    /// Sample on the CPU what trains on a GPU: one symbol at a time is no work for a GPU.
    #[serde(default)]
    pub sample_on_cpu: bool,
}

/// The devices that a session can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum DeviceName {
    /// The processor.
    Cpu,
    /// A GPU.
    Gpu,
    /// The oracle, slow and plain.
    Reference,
}

/// The number type of packed weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Precision {
    /// 32 bits.
    #[default]
    F32,
    /// 16 bits, of a GPU.
    F16,
    /// The upper 16 bits of an f32, of the CPU.
    Bf16,
}

/// How a recurrent layer runs over time on a GPU.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Form {
    /// One dispatch for each time step.
    Step,
    /// One dispatch for a whole layer.
    Resident,
}

impl DeviceSpec {
    /// Refuses what serde cannot.
    pub fn check(&self) -> Result<()> {
        if self.threads == 0 {
            return Err(Error::invalid("threads", 0, "a whole number of at least 1"));
        }
        self.check_precision()?;
        if self.name == DeviceName::Gpu {
            return Ok(());
        }
        let of_a_gpu = [("adapter", self.adapter.is_some()), ("form", self.form.is_some()), ("sampleOnCpu", self.sample_on_cpu)];
        match of_a_gpu.into_iter().find(|(_, given)| *given) {
            Some((field, _)) => Err(Error::invalid(field, "given", "left out unless device is 'gpu'")),
            None => Ok(()),
        }
    }

    fn check_precision(&self) -> Result<()> {
        use Precision::{Bf16, F16, F32};

        let (allowed, expected): (&[Precision], _) = match self.name {
            DeviceName::Cpu => (&[F32, Bf16], "'f32' or 'bf16' on device 'cpu'"),
            DeviceName::Gpu => (&[F32, F16], "'f32' or 'f16' on device 'gpu'"),
            DeviceName::Reference => (&[F32], "'f32' on device 'reference'"),
        };
        if allowed.contains(&self.precision) { Ok(()) } else { Err(Error::invalid("precision", self.precision, expected)) }
    }
}

impl Display for Precision {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Precision::F32 => "'f32'",
            Precision::F16 => "'f16'",
            Precision::Bf16 => "'bf16'",
        })
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::requests::parsed;

    /// That device on one thread.
    pub fn device(name: &str) -> DeviceSpec {
        parsed("device", &format!(r#"{{"name":"{name}","threads":1}}"#)).unwrap()
    }

    #[test]
    fn what_belongs_to_a_gpu_is_refused_elsewhere() {
        for (field, json) in [("adapter", r#""0""#), ("form", r#""step""#), ("sampleOnCpu", "true")] {
            let with = |name| parsed::<DeviceSpec>("device", &format!(r#"{{"name":"{name}","threads":1,"{field}":{json}}}"#)).unwrap();
            assert_eq!(with("gpu").check(), Ok(()));
            let error = with("cpu").check().unwrap_err();
            assert!(error.to_string().starts_with(&format!("{field} is given; it must be left out")), "{error}");
        }
    }

    #[test]
    fn a_precision_that_the_device_lacks_is_refused_with_those_that_it_has() {
        let on = |name, precision| DeviceSpec { precision, ..device(name) }.check();
        for (name, precision) in [("cpu", Precision::Bf16), ("gpu", Precision::F16)] {
            assert_eq!(on(name, precision), Ok(()));
            assert_eq!(on(name, Precision::F32), Ok(()));
        }
        for (name, precision, message) in [
            ("cpu", Precision::F16, "precision is 'f16'; it must be 'f32' or 'bf16' on device 'cpu'"),
            ("gpu", Precision::Bf16, "precision is 'bf16'; it must be 'f32' or 'f16' on device 'gpu'"),
            ("reference", Precision::Bf16, "precision is 'bf16'; it must be 'f32' on device 'reference'"),
        ] {
            assert_eq!(on(name, precision).unwrap_err().to_string(), message);
        }
    }

    #[test]
    fn no_threads_and_no_device_of_that_name_are_refused() {
        let threads = DeviceSpec { threads: 0, ..device("cpu") }.check().unwrap_err();
        assert!(threads.to_string().starts_with("threads is 0"), "{threads}");
        let error = parsed::<DeviceSpec>("device", r#"{"name":"tpu","threads":1}"#).unwrap_err();
        assert!(error.to_string().contains("unknown variant `tpu`"), "{error}");
    }
}
