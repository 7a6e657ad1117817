//! A GPU: adapter, device, queue, what its driver reports, and the memory it gives.

mod adapters;
mod faults;
mod gate;
mod injection;
mod pipelines;
mod shared;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rnnkit_core::{Error, Result};

use crate::kernel::KernelId;
use crate::{GpuOptions, Precision};
pub use adapters::{AdapterKind, backend_name, driver_of, found, kind_of, largest_buffer};
use faults::{Faults, of_wgpu};
pub use gate::{Gated, enter};
pub use injection::Injection;
pub use pipelines::Pipeline;
use pipelines::Pipelines;

/// The most bytes of a kernel's arguments: what every Vulkan driver takes.
pub const MAX_ARGUMENTS: u32 = 128;

/// What reading the clock between dispatches takes.
const CLOCK: wgpu::Features = wgpu::Features::TIMESTAMP_QUERY.union(wgpu::Features::TIMESTAMP_QUERY_INSIDE_PASSES);

/// An open device.
pub struct Device {
    device: Gated<Arc<wgpu::Device>>,
    queue: Gated<wgpu::Queue>,
    adapter: wgpu::AdapterInfo,
    limits: wgpu::Limits,
    name: String,
    precision: Precision,
    faults: Arc<Faults>,
    injection: Injection,
    allocations: AtomicU64,
    pipelines: Gated<Pipelines>,
}

impl Device {
    /// Opens an adapter.
    ///
    /// # Errors
    /// [`Error::DeviceUnavailable`] if there is no such adapter, or it lacks what the options ask for.
    pub fn open(options: &GpuOptions) -> Result<Self> {
        Self::with_injection(options, Injection::from_environment()?)
    }

    /// As [`Device::open`], with a fault to come.
    pub fn with_injection(options: &GpuOptions, injection: Injection) -> Result<Self> {
        let _inside = enter();
        Self::on_adapter(&adapters::choose(options.adapter.as_deref())?, options.precision, injection)
    }

    fn on_adapter(adapter: &wgpu::Adapter, precision: Precision, injection: Injection) -> Result<Self> {
        let info = adapter.get_info();
        let name = format!("{} ({}, {})", info.name, adapters::backend_name(info.backend), adapters::driver_of(&info));
        let features = wanted_features(&name, precision, adapter.features())?;
        // The adapter's own limits: the defaults of WebGPU are far below what GPUs have.
        let limits = wgpu::Limits { max_immediate_size: MAX_ARGUMENTS, ..adapter.limits() };
        let descriptor = wgpu::DeviceDescriptor {
            label: Some("rnnkit"),
            required_features: features,
            required_limits: limits.clone(),
            ..Default::default()
        };
        let (device, queue) = pollster::block_on(adapter.request_device(&descriptor))
            .map_err(|error| Error::DeviceUnavailable { device: "gpu".to_owned(), reason: format!("{name} cannot be opened: {error}") })?;
        let device = Arc::new(device);
        gate::wait_at_the_end(&device);
        let faults = Arc::new(Faults::default());
        let (its, its_name) = (Arc::clone(&faults), name.clone());
        device.on_uncaptured_error(Arc::new(move |error: wgpu::Error| its.report(of_wgpu(&its_name, &error))));
        let (its, its_name) = (Arc::clone(&faults), name.clone());
        device.set_device_lost_callback(move |reason, message| {
            let reason = if message.is_empty() { format!("{reason:?}") } else { message };
            its.report(Error::DeviceLost { device: its_name.clone(), reason });
        });
        Ok(Self {
            device: Gated::new(device),
            queue: Gated::new(queue),
            adapter: info,
            limits,
            name,
            precision,
            faults,
            injection,
            allocations: AtomicU64::new(0),
            pipelines: Gated::new(Pipelines::default()),
        })
    }

    /// Adapter and driver in words.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it is.
    pub fn kind(&self) -> AdapterKind {
        kind_of(&self.adapter)
    }

    /// What it can do at most.
    pub fn limits(&self) -> &wgpu::Limits {
        &self.limits
    }

    /// The number type of packed weights.
    pub fn precision(&self) -> Precision {
        self.precision
    }

    /// Milliseconds of a tick of the device's clock; `None` where it cannot be read between dispatches.
    pub fn tick(&self) -> Option<f64> {
        let nanoseconds = f64::from(self.queue.get_timestamp_period());
        (self.device.features().contains(CLOCK) && nanoseconds > 0.0).then_some(nanoseconds * 1e-6)
    }

    /// The first fault there was, if any.
    pub fn check(&self) -> Result<()> {
        self.faults.check()
    }

    /// wgpu's device, to make things that are not memory.
    pub fn raw(&self) -> &wgpu::Device {
        &self.device
    }

    /// A kernel, ready to run.
    pub fn pipeline(&self, id: KernelId) -> Result<Arc<Pipeline>> {
        let _inside = enter();
        let pipeline = self.pipelines.get(&self.device, id, self.precision);
        self.check().map(|()| pipeline)
    }

    /// Memory of so many 4-byte elements, zero at first, for shaders and copies.
    ///
    /// # Errors
    /// [`Error::Memory`] where a buffer may not be so large, or the device has no room; checked before anything is allocated.
    pub fn alloc(&self, elements: usize) -> Result<Gated<wgpu::Buffer>> {
        let usage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC | wgpu::BufferUsages::COPY_DST;
        self.buffer(elements, usage)
    }

    /// As [`Device::alloc`], for readings of the clock besides.
    pub fn alloc_stamped(&self, elements: usize) -> Result<Gated<wgpu::Buffer>> {
        let usage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC | wgpu::BufferUsages::COPY_DST;
        self.buffer(elements, usage | wgpu::BufferUsages::QUERY_RESOLVE)
    }

    /// Memory that the host reads.
    pub fn alloc_readable(&self, elements: usize) -> Result<Gated<wgpu::Buffer>> {
        self.buffer(elements, wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST)
    }

    /// Room for so many readings of the clock.
    pub fn alloc_stamps(&self, readings: usize) -> Result<Gated<wgpu::QuerySet>> {
        let count = readings as u32;
        let descriptor = wgpu::QuerySetDescriptor { label: None, ty: wgpu::QueryType::Timestamp, count };
        self.if_there_is_room(u64::from(count * wgpu::QUERY_SIZE), || self.device.create_query_set(&descriptor))
    }

    fn buffer(&self, elements: usize, usage: wgpu::BufferUsages) -> Result<Gated<wgpu::Buffer>> {
        self.check_size(elements)?;
        let size = bytes_of(elements);
        let descriptor = wgpu::BufferDescriptor { label: None, size, usage, mapped_at_creation: false };
        self.if_there_is_room(size, || self.device.create_buffer(&descriptor))
    }

    /// What takes so many bytes, unless the device is short of memory.
    fn if_there_is_room<T>(&self, bytes: u64, make: impl FnOnce() -> T) -> Result<Gated<T>> {
        let _inside = enter();
        self.check()?;
        if self.injection == Injection::Memory(1 + self.allocations.fetch_add(1, Ordering::Relaxed)) {
            return Err(Error::Memory { needed: bytes, available: 0 });
        }
        let scope = self.device.push_error_scope(wgpu::ErrorFilter::OutOfMemory);
        let made = make();
        match pollster::block_on(scope.pop()) {
            Some(_) => Err(Error::Memory { needed: bytes, available: 0 }),
            None => self.check().map(|()| Gated::new(made)),
        }
    }

    /// Whether a buffer may have so many 4-byte elements.
    ///
    /// # Errors
    /// [`Error::Memory`] with the size of the largest buffer that a shader can see.
    pub fn check_size(&self, elements: usize) -> Result<()> {
        let (needed, available) = (bytes_of(elements), adapters::largest_buffer(&self.limits));
        if needed > available { Err(Error::Memory { needed, available }) } else { Ok(()) }
    }

    /// Copies 4-byte elements to a buffer, before all work submitted from now on.
    pub fn write<T: bytemuck::NoUninit>(&self, buffer: &wgpu::Buffer, at: usize, values: &[T]) {
        if !values.is_empty() {
            let _inside = enter();
            self.queue.write_buffer(buffer, at as u64 * 4, bytemuck::cast_slice(values));
        }
    }

    /// Hands work over, as the device's submission of that number (from 1).
    pub fn submit(&self, commands: wgpu::CommandBuffer, number: u64) -> Result<wgpu::SubmissionIndex> {
        let _inside = enter();
        match self.injection {
            Injection::Lost(at) if at == number => {
                self.device.destroy();
                // Nobody is told of a destroyed device but by a poll.
                self.poll(wgpu::PollType::Poll)?;
            }
            Injection::Invalid(at) if at == number => self.do_something_invalid(),
            _ => {}
        }
        let index = self.queue.submit([commands]);
        self.check().map(|()| index)
    }

    /// A buffer that is read and written by the host, which validation refuses.
    fn do_something_invalid(&self) {
        let usage = wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::MAP_WRITE;
        let _ = self.device.create_buffer(&wgpu::BufferDescriptor { label: Some("injected"), size: 16, usage, mapped_at_creation: false });
    }

    /// Waits until that submission and all before it are done.
    pub fn wait(&self, index: wgpu::SubmissionIndex) -> Result<()> {
        let polled = self.poll(wgpu::PollType::Wait { submission_index: Some(index), timeout: None });
        if self.pipelines.were_added() {
            gate::close_at_the_end();
        }
        polled
    }

    fn poll(&self, how: wgpu::PollType) -> Result<()> {
        let _inside = enter();
        // wgpu 30 reports a loss that the driver tells of first, and then panics in the poll that learnt of it.
        let polled = catch_unwind(AssertUnwindSafe(|| self.device.poll(how)));
        self.check()?;
        match polled {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(self.failed(format!("waiting for it: {error}"))),
            Err(_) => Err(self.failed("waiting for it: its driver gave up".to_owned())),
        }
    }

    /// An error of this device.
    pub fn failed(&self, problem: String) -> Error {
        Error::DeviceFailed { device: self.name.clone(), problem }
    }
}

/// Bytes of a buffer of so many 4-byte elements.
fn bytes_of(elements: usize) -> u64 {
    // A binding may not be empty; four elements are the largest thing that a shader loads at once.
    (elements.max(4) as u64).saturating_mul(4)
}

/// What a device is asked for, if its adapter has it; the clock is left out where it cannot be read.
fn wanted_features(name: &str, precision: Precision, there: wgpu::Features) -> Result<wgpu::Features> {
    let half = if precision == Precision::F16 { wgpu::Features::SHADER_F16 } else { wgpu::Features::empty() };
    let wanted = wgpu::Features::IMMEDIATES | half;
    let missing = wanted - there;
    if missing.is_empty() {
        let clock = if there.contains(CLOCK) { CLOCK } else { wgpu::Features::empty() };
        return Ok(wanted | clock);
    }
    let would_do = if missing == half { "precision 'f32'" } else { "device 'cpu'" };
    Err(Error::DeviceUnavailable { device: "gpu".to_owned(), reason: format!("{name} lacks {missing:?}; {would_do} would do") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_adapter_is_asked_for_what_it_has() {
        let (plain, half) = (wgpu::Features::IMMEDIATES, wgpu::Features::IMMEDIATES | wgpu::Features::SHADER_F16);
        assert_eq!(wanted_features("a", Precision::F32, half), Ok(plain), "f16 only where it is used");
        assert_eq!(wanted_features("a", Precision::F16, half), Ok(half));
        assert_eq!(wanted_features("a", Precision::F32, plain | CLOCK), Ok(plain | CLOCK), "the clock where it can be read");
        let boundaries_alone = plain | wgpu::Features::TIMESTAMP_QUERY;
        assert_eq!(wanted_features("a", Precision::F32, boundaries_alone), Ok(plain), "and not where it is of no use");
        for (there, would_do) in [(plain, "precision 'f32'"), (wgpu::Features::empty(), "device 'cpu'")] {
            let error = wanted_features("a", Precision::F16, there).unwrap_err();
            assert_eq!(error.code(), "ERR_DEVICE_UNAVAILABLE");
            assert!(error.to_string().contains(would_do), "{error}");
        }
    }
}
