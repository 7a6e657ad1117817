//! What this machine and this build offer.

use napi::Env;
use napi::bindgen_prelude::PromiseRaw;
use napi_derive::napi;
use serde_json::{Value, json};

use crate::engine;
use crate::environment;
use crate::failure::Failure;
use crate::native_session::promised;
use crate::outcomes::{NativeDevices, NativeDone, Outcome};
use crate::requests::parsed;
use crate::session_thread::run_once;

type Promise<'e, T> = napi::Result<PromiseRaw<'e, T>>;

/// JSON, made on a thread of its own because drivers take their time: `version`; `cpu`, the widest vector instructions of this machine
/// that the build can use; `threads`, as many as run at once; `gpu`, whether the build has a GPU backend; `adapters`, the best first.
#[napi(catch_unwind)]
pub fn describe_devices<'e>(env: &'e Env) -> Promise<'e, NativeDevices> {
    on_own_thread(env, || {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let devices = json!({
            "version": version(), "cpu": vector_instructions(), "threads": threads,
            "gpu": cfg!(feature = "gpu"), "adapters": adapters(),
        });
        Ok(NativeDevices { devices: Some(devices.to_string()), ..NativeDevices::default() })
    })
}

/// Whether a session can be opened on that device (JSON of a DeviceSpec), before there is a model for it.
#[napi(catch_unwind)]
pub fn check_device<'e>(env: &'e Env, device: String) -> Promise<'e, NativeDone> {
    on_own_thread(env, move || {
        engine::check_device(&parsed("device", &device)?)?;
        Ok(NativeDone::default())
    })
}

fn on_own_thread<'e, T: Outcome>(env: &'e Env, command: impl FnOnce() -> Result<T, Failure> + Send + 'static) -> Promise<'e, T> {
    let (promise, settle) = promised(env)?;
    environment::watch(env, run_once(command, settle))?;
    Ok(promise)
}

#[cfg(feature = "gpu")]
fn adapters() -> Vec<Value> {
    rnnkit_wgpu::adapters().iter().map(adapter).collect()
}

#[cfg(not(feature = "gpu"))]
fn adapters() -> Vec<Value> {
    Vec::new()
}

/// Sizes in bytes, `subgroup` in threads; `residentUpTo`: for each cell the largest hidden size of the resident form.
#[cfg(feature = "gpu")]
fn adapter(report: &rnnkit_wgpu::AdapterReport) -> Value {
    use rnnkit_wgpu::AdapterKind;

    let kind = match report.kind {
        AdapterKind::Discrete => "discrete",
        AdapterKind::Integrated => "integrated",
        AdapterKind::Virtual => "virtual",
        AdapterKind::Other => "other",
        AdapterKind::Software => "software",
    };
    json!({
        "name": report.name, "kind": kind, "backend": report.backend, "driver": report.driver,
        "maxBufferBytes": report.max_buffer_bytes, "workgroupBytes": report.workgroup_bytes,
        "workgroupThreads": report.workgroup_threads, "subgroup": [report.subgroup.0, report.subgroup.1],
        "f16": report.f16,
        "residentUpTo": report.resident_up_to.iter().map(|(cell, size)| json!({ "cell": cell, "size": size })).collect::<Vec<_>>(),
    })
}

/// Version of the addon, which is that of the package it belongs to.
#[napi(catch_unwind)]
pub fn version() -> String {
    env!("CARGO_PKG_VERSION").to_owned()
}

fn vector_instructions() -> &'static str {
    #[cfg(target_arch = "x86_64")]
    {
        if std::arch::is_x86_feature_detected!("avx512f") {
            return "AVX-512";
        }
        if std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma") {
            return "AVX2 and FMA";
        }
        "SSE2"
    }
    #[cfg(target_arch = "aarch64")]
    {
        "NEON"
    }
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    {
        "none"
    }
}
