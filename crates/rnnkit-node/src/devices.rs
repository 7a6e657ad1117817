//! What this machine and this build offer.

use napi_derive::napi;
use serde_json::json;

/// JSON: `cpu`, the widest vector instructions of this machine that the build can use; `threads`, as many as run at once; `version`.
#[napi(catch_unwind)]
pub fn describe_devices() -> String {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    json!({ "cpu": vector_instructions(), "threads": threads, "version": version() }).to_string()
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
