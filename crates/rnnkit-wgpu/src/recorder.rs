//! Records dispatches, hands them over in submissions that stay short, and waits where something is read.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rnnkit_core::Result;

use crate::device::{Device, Gated, MAX_ARGUMENTS, Pipeline, enter};
use crate::kernel::KernelId;
use crate::pace::Pace;
use crate::slice::Slice;
use crate::work::Work;

/// What is recorded and not yet handed over.
struct Recording {
    // In this order: the pass must end before its encoder.
    pass: wgpu::ComputePass<'static>,
    encoder: wgpu::CommandEncoder,
    dispatches: u32,
    /// Multiplications of those that were counted.
    products: u64,
    /// What the pass is set to: the steps of a recurrence differ in their arguments alone.
    bound: Option<(KernelId, Vec<Slice>)>,
}

impl Recording {
    fn begin(device: &Device) -> Self {
        let mut encoder = device.raw().create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        let pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default()).forget_lifetime();
        Self { pass, encoder, dispatches: 0, products: 0, bound: None }
    }
}

/// Kernels with what they are bound to.
type BindGroups = HashMap<(KernelId, Vec<Slice>), wgpu::BindGroup>;

/// The bind group of a kernel and its slices, made the first time it is asked for.
fn bind_group<'a>(groups: &'a mut BindGroups, device: &Device, pipeline: &Pipeline, key: &(KernelId, Vec<Slice>)) -> &'a wgpu::BindGroup {
    if groups.len() >= KEPT_BIND_GROUPS && !groups.contains_key(key) {
        groups.clear();
    }
    groups.entry(key.clone()).or_insert_with(|| {
        let entries: Vec<_> =
            (0..).zip(&key.1).map(|(binding, slice)| wgpu::BindGroupEntry { binding, resource: slice.resource() }).collect();
        let descriptor = wgpu::BindGroupDescriptor { label: None, layout: &pipeline.layout, entries: &entries };
        device.raw().create_bind_group(&descriptor)
    })
}

/// A submission that may still be running.
struct InFlight {
    index: wgpu::SubmissionIndex,
    dispatches: u32,
}

/// Submissions that run at a time: one works while the next is recorded.
const IN_FLIGHT: usize = 2;
/// Longest wait for a callback whose work is done.
const CALLBACK: Duration = Duration::from_secs(30);
/// Bind groups that are kept; they keep their buffers alive.
const KEPT_BIND_GROUPS: usize = 1024;

/// Counts of what a recorder did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Dispatches recorded.
    pub dispatches: u64,
    /// Submissions made.
    pub submissions: u64,
    /// Bytes that came back to the host.
    pub bytes_read: u64,
}

/// Records for one device.
pub struct Recorder {
    device: Arc<Device>,
    bind_groups: Gated<BindGroups>,
    recording: Gated<Option<Recording>>,
    in_flight: VecDeque<InFlight>,
    pace: Pace,
    last_done: Instant,
    counts: Counts,
    staging: Option<Gated<wgpu::Buffer>>,
    /// What one dispatch may hold; those who record what could be more cut it.
    pub(crate) work: Work,
}

impl Recorder {
    /// For that device.
    pub fn new(device: Arc<Device>) -> Self {
        Self {
            work: Work::of(device.kind()),
            device,
            bind_groups: Gated::new(HashMap::new()),
            recording: Gated::new(None),
            in_flight: VecDeque::new(),
            pace: Pace::default(),
            last_done: Instant::now(),
            counts: Counts::default(),
            staging: None,
        }
    }

    /// The device.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// What was done so far.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Forgets the buffers that earlier dispatches used.
    pub fn forget_buffers(&mut self) {
        let _inside = enter();
        self.bind_groups.clear();
    }

    /// Records a kernel on `groups` workgroups, laid out in two dimensions where one does not hold them all.
    pub fn dispatch(&mut self, id: KernelId, slices: Vec<Slice>, arguments: &[u8], groups: usize) -> Result<()> {
        let [across, down] = in_two_dimensions(groups, self.widest());
        self.dispatch_3d(id, slices, arguments, [across, down, 1])
    }

    /// The most workgroups in one dimension.
    pub fn widest(&self) -> usize {
        self.device.limits().max_compute_workgroups_per_dimension as usize
    }

    /// Records a kernel on a grid of workgroups; nothing for an empty one.
    pub fn dispatch_3d(&mut self, id: KernelId, slices: Vec<Slice>, arguments: &[u8], groups: [usize; 3]) -> Result<()> {
        if groups.contains(&0) {
            return Ok(());
        }
        let _inside = enter();
        debug_assert!(arguments.len() <= MAX_ARGUMENTS as usize);
        let Recording { pass, bound, .. } = self.recording.get_or_insert_with(|| Recording::begin(&self.device));
        let wanted = (id, slices);
        if bound.as_ref() != Some(&wanted) {
            let pipeline = self.device.pipeline(id)?;
            pass.set_pipeline(&pipeline.pipeline);
            pass.set_bind_group(0, bind_group(&mut self.bind_groups, &self.device, &pipeline, &wanted), &[]);
            *bound = Some(wanted);
        }
        let Some(recording) = &mut *self.recording else { return Ok(()) };
        recording.pass.set_immediates(0, arguments);
        let [x, y, z] = groups.map(|count| count as u32);
        recording.pass.dispatch_workgroups(x, y, z);
        recording.dispatches += 1;
        self.counts.dispatches += 1;
        if recording.dispatches >= self.pace.dispatches() { self.submit() } else { Ok(()) }
    }

    /// Says how often the kernels just recorded multiply. The pace learns from what was done; this keeps the first submissions short, and
    /// those after the work has become more.
    pub fn count_products(&mut self, products: u64) -> Result<()> {
        let Some(recording) = &mut *self.recording else { return Ok(()) };
        recording.products = recording.products.saturating_add(products);
        if recording.products >= self.work.most() { self.submit() } else { Ok(()) }
    }

    /// Has the device's clock read when all work recorded so far is done.
    pub fn read_clock(&mut self, set: &wgpu::QuerySet, index: u32) {
        let _inside = enter();
        let recording = self.recording.get_or_insert_with(|| Recording::begin(&self.device));
        recording.pass.write_timestamp(set, index);
    }

    /// Hands over what is recorded; waits only while more than [`IN_FLIGHT`] submissions run.
    pub fn submit(&mut self) -> Result<()> {
        self.submit_after(|_| ())
    }

    /// As [`Recorder::submit`], with something recorded last that is no dispatch; nothing where nothing was recorded before it.
    pub fn submit_after(&mut self, last: impl FnOnce(&mut wgpu::CommandEncoder)) -> Result<()> {
        let _inside = enter();
        self.device.check()?;
        let Some(Recording { pass, mut encoder, dispatches, .. }) = self.recording.take() else { return Ok(()) };
        drop(pass);
        last(&mut encoder);
        if self.in_flight.is_empty() {
            self.last_done = Instant::now();
        }
        let commands = encoder.finish();
        self.counts.submissions += 1;
        let index = self.device.submit(commands, self.counts.submissions)?;
        self.in_flight.push_back(InFlight { index, dispatches });
        while self.in_flight.len() > IN_FLIGHT {
            self.wait_for_oldest()?;
        }
        Ok(())
    }

    fn wait_for_oldest(&mut self) -> Result<()> {
        let Some(InFlight { index, dispatches }) = self.in_flight.pop_front() else { return Ok(()) };
        self.device.wait(index)?;
        let now = Instant::now();
        // One that only reads the clock tells nothing of dispatches.
        if dispatches > 0 {
            self.pace.learn(dispatches, now.duration_since(self.last_done));
        }
        self.last_done = now;
        Ok(())
    }

    /// Hands everything over and waits for it.
    pub fn wait(&mut self) -> Result<()> {
        self.submit()?;
        while !self.in_flight.is_empty() {
            self.wait_for_oldest()?;
        }
        Ok(())
    }

    /// Copies elements to a buffer, after all work recorded so far and before all that is recorded later.
    pub fn write<T: bytemuck::NoUninit>(&mut self, buffer: &wgpu::Buffer, at: usize, values: &[T]) -> Result<()> {
        self.submit()?;
        self.device.write(buffer, at, values);
        self.device.check()
    }

    /// As [`Recorder::write`], for a place that no recorded work uses: nothing needs to be handed over first.
    pub fn write_unused<T: bytemuck::NoUninit>(&self, buffer: &wgpu::Buffer, at: usize, values: &[T]) {
        self.device.write(buffer, at, values);
    }

    /// Makes room for so many elements to come back, so that [`Recorder::read`] needs none.
    pub fn ready_to_read(&mut self, len: usize) -> Result<()> {
        if self.staging.as_ref().is_none_or(|staging| staging.size() < len as u64 * 4) {
            self.staging = Some(self.device.alloc_readable(len)?);
        }
        Ok(())
    }

    /// Elements of a buffer, after all work recorded so far. Waits.
    pub fn read<T: bytemuck::Pod>(&mut self, buffer: &wgpu::Buffer, at: usize, len: usize) -> Result<Vec<T>> {
        if len == 0 {
            return Ok(Vec::new());
        }
        let _inside = enter();
        self.wait()?;
        let bytes = len as u64 * 4;
        self.ready_to_read(len)?;
        let Some(staging) = &self.staging else { return Ok(Vec::new()) };
        let mut encoder = self.device.raw().create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        encoder.copy_buffer_to_buffer(buffer, at as u64 * 4, staging, 0, bytes);
        self.counts.submissions += 1;
        let index = self.device.submit(encoder.finish(), self.counts.submissions)?;
        let slice = staging.slice(0..bytes);
        let (sender, receiver) = std::sync::mpsc::sync_channel(1);
        // A receiver that is gone needs no answer.
        slice.map_async(wgpu::MapMode::Read, move |result| drop(sender.send(result)));
        self.device.wait(index)?;
        // A loss since then explains what cannot be read.
        let unreadable =
            |problem: String| self.device.check().err().unwrap_or_else(|| self.device.failed(format!("reading its memory: {problem}")));
        // Who polls runs everybody's callbacks: it may be another session of this device that is about to.
        let mapped = receiver.recv_timeout(CALLBACK).map_err(|error| unreadable(error.to_string()))?;
        mapped.map_err(|error| unreadable(error.to_string()))?;
        let view = slice.get_mapped_range().map_err(|error| unreadable(error.to_string()))?;
        let values = bytemuck::pod_collect_to_vec(&view);
        drop(view);
        staging.unmap();
        self.counts.bytes_read += bytes;
        self.last_done = Instant::now();
        Ok(values)
    }
}

/// At least so many workgroups as rows of at most `widest`; the last row may reach beyond.
pub fn in_two_dimensions(groups: usize, widest: usize) -> [usize; 2] {
    let down = groups.div_ceil(widest);
    [groups.div_ceil(down.max(1)), down]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workgroups_beyond_one_dimension_take_another() {
        assert_eq!(in_two_dimensions(0, 65_535), [0, 0]);
        assert_eq!(in_two_dimensions(65_535, 65_535), [65_535, 1]);
        assert_eq!(in_two_dimensions(65_536, 65_535), [32_768, 2]);
        assert_eq!(in_two_dimensions(7, 3), [3, 3], "two more than are wanted");
    }
}
