//! Compiled kernels, shared by all who work on a device.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::Precision;
use crate::kernel::{Access, KernelId};

/// A compiled kernel.
pub struct Pipeline {
    /// The kernel.
    pub pipeline: wgpu::ComputePipeline,
    /// What it is bound to.
    pub layout: wgpu::BindGroupLayout,
}

/// The kernels compiled so far.
#[derive(Default)]
pub struct Pipelines {
    compiled: Mutex<HashMap<KernelId, Arc<Pipeline>>>,
    added: AtomicBool,
}

impl Pipelines {
    /// The kernel, compiled the first time it is asked for. What the driver says against it comes as the device's fault.
    pub fn get(&self, device: &wgpu::Device, id: KernelId, precision: Precision) -> Arc<Pipeline> {
        let mut compiled = self.compiled.lock().unwrap_or_else(PoisonError::into_inner);
        let compile = || {
            self.added.store(true, Ordering::Relaxed);
            Arc::new(compile(device, id, precision))
        };
        compiled.entry(id).or_insert_with(compile).clone()
    }

    /// Whether a kernel was compiled since this was last asked.
    pub fn were_added(&self) -> bool {
        self.added.swap(false, Ordering::Relaxed)
    }
}

fn compile(device: &wgpu::Device, id: KernelId, precision: Precision) -> Pipeline {
    let kernel = id.kernel(precision);
    let label = Some(kernel.entry);
    let descriptor = wgpu::ShaderModuleDescriptor { label, source: wgpu::ShaderSource::Wgsl(kernel.source.into()) };
    let checks = wgpu::ShaderRuntimeChecks { force_loop_bounding: false, ..wgpu::ShaderRuntimeChecks::checked() };
    // SAFETY: every loop of the shaders counts up to, or down from, a number that is fixed before it begins.
    let module = unsafe { device.create_shader_module_trusted(descriptor, checks) };
    let entries: Vec<_> = (0..)
        .zip(kernel.bindings)
        .map(|(binding, access)| wgpu::BindGroupLayoutEntry {
            binding,
            visibility: wgpu::ShaderStages::COMPUTE,
            ty: wgpu::BindingType::Buffer {
                ty: wgpu::BufferBindingType::Storage { read_only: *access == Access::Read },
                has_dynamic_offset: false,
                min_binding_size: None,
            },
            count: None,
        })
        .collect();
    let layout = device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor { label, entries: &entries });
    let pipeline_layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
        label,
        bind_group_layouts: &[Some(&layout)],
        immediate_size: kernel.arguments.iter().map(|fields| fields.len() as u32 * 4).sum(),
    });
    let pipeline = device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
        label,
        layout: Some(&pipeline_layout),
        module: &module,
        entry_point: Some(kernel.entry),
        // Every kernel writes what it reads of its workgroup's memory.
        compilation_options: wgpu::PipelineCompilationOptions { zero_initialize_workgroup_memory: false, ..Default::default() },
        cache: None,
    });
    Pipeline { pipeline, layout }
}
