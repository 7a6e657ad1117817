//! The adapters of this machine: what they are, which is taken.

use std::sync::OnceLock;

use rnnkit_core::{Error, Result};

/// What kind of device an adapter is, the better first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum AdapterKind {
    /// A GPU with memory of its own.
    Discrete,
    /// A GPU that shares the processor's memory.
    Integrated,
    /// A GPU that a virtual machine lends.
    Virtual,
    /// What says nothing of itself.
    Other,
    /// The processor, playing a GPU: for tests.
    Software,
}

/// One for the process: it opens the drivers' libraries.
fn instance() -> &'static wgpu::Instance {
    static INSTANCE: OnceLock<wgpu::Instance> = OnceLock::new();
    INSTANCE.get_or_init(|| wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle()))
}

/// The adapters, the best first; equal ones as the system lists them.
pub fn found() -> Vec<wgpu::Adapter> {
    let mut adapters = pollster::block_on(instance().enumerate_adapters(wgpu::Backends::PRIMARY));
    adapters.sort_by_key(|adapter| kind_of(&adapter.get_info()));
    adapters
}

/// Bytes of the largest buffer that a shader can see, whose elements have numbers of 32 bits.
pub fn largest_buffer(limits: &wgpu::Limits) -> u64 {
    limits.max_buffer_size.min(limits.max_storage_buffer_binding_size).min(4 * u64::from(u32::MAX))
}

/// What an adapter is.
pub fn kind_of(info: &wgpu::AdapterInfo) -> AdapterKind {
    match info.device_type {
        wgpu::DeviceType::DiscreteGpu => AdapterKind::Discrete,
        wgpu::DeviceType::IntegratedGpu => AdapterKind::Integrated,
        wgpu::DeviceType::VirtualGpu => AdapterKind::Virtual,
        wgpu::DeviceType::Other => AdapterKind::Other,
        wgpu::DeviceType::Cpu => AdapterKind::Software,
    }
}

/// The interface it is reached by.
pub fn backend_name(backend: wgpu::Backend) -> &'static str {
    match backend {
        wgpu::Backend::Vulkan => "vulkan",
        wgpu::Backend::Metal => "metal",
        wgpu::Backend::Dx12 => "dx12",
        _ => "other",
    }
}

/// The driver and its version.
pub fn driver_of(info: &wgpu::AdapterInfo) -> String {
    format!("{} {}", info.driver, info.driver_info).trim().to_owned()
}

/// The adapter of that number or name, or the best.
pub fn choose(wanted: Option<&str>) -> Result<wgpu::Adapter> {
    let mut found = found();
    let names: Vec<String> = found.iter().map(|adapter| adapter.get_info().name).collect();
    match index_of(wanted, &names) {
        Some(index) => Ok(found.swap_remove(index)),
        None => {
            let reason = match wanted {
                Some(wanted) if !names.is_empty() => format!("no adapter is '{wanted}': there are {}", listed(&names)),
                _ => "no adapter was found, so there is no GPU or no driver of it".to_owned(),
            };
            Err(Error::DeviceUnavailable { device: "gpu".to_owned(), reason })
        }
    }
}

/// `0 (NVIDIA H200), 1 (llvmpipe)`
fn listed(names: &[String]) -> String {
    let each: Vec<String> = names.iter().enumerate().map(|(number, name)| format!("{number} ({name})")).collect();
    each.join(", ")
}

/// A number that no adapter has may be a word of a name (`4090`), but no other part of one: else adapter 1 of a machine with a single
/// one would be any whose name or version has that digit.
fn index_of(wanted: Option<&str>, names: &[String]) -> Option<usize> {
    let Some(wanted) = wanted.map(str::to_lowercase) else { return (!names.is_empty()).then_some(0) };
    match wanted.parse::<usize>() {
        Ok(index) if index < names.len() => Some(index),
        Ok(_) => names.iter().position(|name| words(name).any(|word| word == wanted)),
        Err(_) => names.iter().position(|name| name.to_lowercase().contains(&wanted)),
    }
}

/// A version (`15.0.6`) is one word.
fn words(name: &str) -> impl Iterator<Item = &str> {
    name.split(|letter: char| !letter.is_alphanumeric() && letter != '.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_adapter_is_found_by_number_or_by_a_part_of_its_name() {
        let names = ["NVIDIA GeForce RTX 4090".to_owned(), "llvmpipe (LLVM 15.0.6, 256 bits)".to_owned()];
        assert_eq!(index_of(None, &names), Some(0));
        assert_eq!(index_of(Some("1"), &names), Some(1));
        assert_eq!(index_of(Some("LLVMpipe"), &names), Some(1));
        assert_eq!(index_of(Some("4090"), &names), Some(0), "a number that is no adapter's is a word of a name");
        assert_eq!(index_of(Some("2"), &names), None, "but not a digit of one");
        assert_eq!(index_of(Some("6"), &names), None, "nor of a version");
        assert_eq!(listed(&names), "0 (NVIDIA GeForce RTX 4090), 1 (llvmpipe (LLVM 15.0.6, 256 bits))");
        assert_eq!(index_of(Some("radeon"), &names), None);
        assert_eq!(index_of(None, &[]), None);
    }
}
