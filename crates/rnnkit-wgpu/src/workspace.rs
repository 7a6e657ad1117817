//! What one model keeps on the device for one shape of call: its buffers, and where the host stands in them.

use rnnkit_core::backend::Shape;
use rnnkit_core::plan::ModelPlan;
use rnnkit_core::window::Report;
use rnnkit_core::{Error, Result};

use crate::Precision;
use crate::arguments::{CarriedState, StateHead, WindowReport};
use crate::device::{Device, Gated};
use crate::forms::Forms;
use crate::layout::{LANES, Layout, SLOTS};
use crate::slice::Slice;
use crate::stamps::{self, Stamps};
use crate::tables::{GradientTables, carried_states, pack_jobs};

/// Windows whose reports there is room for at first.
const WINDOWS: usize = 256;
/// Elements of a structure of 4-byte fields.
const fn words_of<T>() -> usize {
    size_of::<T>() / 4
}

/// The status and the reports of a call, and after them what the device's clock read.
pub struct State {
    buffer: Gated<wgpu::Buffer>,
    windows: usize,
}

impl State {
    /// Room for that many windows.
    pub fn new(device: &Device, windows: usize) -> Result<Self> {
        Ok(Self { buffer: device.alloc_stamped(Self::stamps(windows) + stamps::words(windows))?, windows })
    }

    /// What stands there when a call begins: all is well.
    pub fn clean() -> StateHead {
        StateHead { first_bad: u32::MAX, scale: 1.0, wild: 0, factor: 1.0 }
    }

    /// The buffer.
    pub fn buffer(&self) -> &wgpu::Buffer {
        &self.buffer
    }

    /// As kernels are bound to it.
    pub fn slice(&self) -> Slice {
        Slice::whole(&self.buffer)
    }

    /// Elements that hold the status and so many reports.
    pub fn len(windows: usize) -> usize {
        words_of::<StateHead>() + windows * words_of::<WindowReport>()
    }

    /// The element after so many reports where what the clock read begins.
    pub fn stamps(windows: usize) -> usize {
        stamps::begin_after(Self::len(windows))
    }

    /// The windows' reports out of what was read.
    pub fn parse(words: &[u32]) -> Vec<Report> {
        let (head, rest) = words.split_at(words_of::<StateHead>());
        let head: StateHead = bytemuck::pod_read_unaligned(bytemuck::cast_slice(head));
        (0..)
            .zip(rest.chunks_exact(words_of::<WindowReport>()))
            .map(|(window, report)| {
                let report: WindowReport = bytemuck::pod_read_unaligned(bytemuck::cast_slice(report));
                Report {
                    loss: f64::from(report.loss),
                    nats: f64::from(report.nats),
                    gradient_norm: f64::from(report.largest) * f64::from(report.squares).sqrt(),
                    clipped: report.clipped != 0,
                    non_finite: window >= head.first_bad,
                    ..Report::default()
                }
            })
            .collect()
    }
}

/// One model for one shape of call.
pub struct Workspace {
    pub(crate) shape: Shape,
    pub(crate) layout: Layout,
    pub(crate) forms: Forms,
    pub(crate) arena: Gated<wgpu::Buffer>,
    pub(crate) words: Gated<wgpu::Buffer>,
    pub(crate) packed: Gated<wgpu::Buffer>,
    pub(crate) windows: Gated<wgpu::Buffer>,
    pub(crate) norm_parts: Gated<wgpu::Buffer>,
    pub(crate) layer_table: Gated<wgpu::Buffer>,
    pub(crate) carried: Gated<wgpu::Buffer>,
    pub(crate) carried_states: usize,
    pub(crate) pack_table: Gated<wgpu::Buffer>,
    pub(crate) pack: (usize, usize),
    pub(crate) gradients: GradientTables,
    pub(crate) gradient_table: Gated<wgpu::Buffer>,
    pub(crate) sum_table: Gated<wgpu::Buffer>,
    pub(crate) state: State,
    /// The device's clock, where it can be read and there is a training to clock.
    pub(crate) stamps: Option<Stamps>,
    /// Time steps that the gradients' tables are made for, and whether lanes end apart.
    pub(crate) gradients_for: (usize, bool),
    /// The window in work.
    pub(crate) window: usize,
    /// Version of the parameters that the packed weights were made of.
    pub(crate) version: u64,
    /// The version a call began with, the counts of its windows so far, and its updates so far.
    pub(crate) began_version: u64,
    pub(crate) counts: Vec<u64>,
    pub(crate) updates: usize,
}

impl Workspace {
    /// Allocates for the largest window of that shape.
    pub fn new(device: &Device, plan: &ModelPlan, shape: Shape, forms: Forms) -> Result<Self> {
        let layout = Layout::new(plan, shape, &forms)?;
        check(device, shape, &layout)?;
        let upload = |values: &[u8]| -> Result<Gated<wgpu::Buffer>> {
            let buffer = device.alloc(values.len() / 4)?;
            device.write(&buffer, 0, values);
            Ok(buffer)
        };
        let states: Vec<CarriedState> = carried_states(plan, &layout, shape.lanes);
        let (pack_jobs, pack_groups) = pack_jobs(plan, &layout);
        let gradients =
            if shape.training { GradientTables::new(plan, &layout, shape.lanes, (shape.time, false)) } else { GradientTables::default() };
        let workspace = Self {
            arena: device.alloc(layout.arena)?,
            words: device.alloc(layout.words)?,
            packed: device.alloc(packed_elements(device, &layout))?,
            windows: device.alloc(layout.window.len * SLOTS)?,
            norm_parts: device.alloc(layout.norm_parts * 4)?,
            layer_table: upload(bytemuck::cast_slice(&layout.places))?,
            carried: upload(bytemuck::cast_slice(&states))?,
            carried_states: states.len(),
            pack_table: upload(bytemuck::cast_slice(&pack_jobs))?,
            pack: (pack_jobs.len(), pack_groups),
            gradient_table: upload(bytemuck::cast_slice(&gradients.jobs))?,
            sum_table: upload(bytemuck::cast_slice(&gradients.sums))?,
            gradients,
            state: State::new(device, WINDOWS)?,
            stamps: if shape.training { Stamps::new(device) } else { None },
            shape,
            layout,
            forms,
            gradients_for: (shape.time, false),
            window: 0,
            version: 0,
            began_version: 0,
            counts: Vec::new(),
            updates: 0,
        };
        Ok(workspace)
    }

    /// Room for the reports of that many windows.
    pub fn ready_reports(&mut self, device: &Device, windows: usize) -> Result<()> {
        if windows > self.state.windows {
            self.state = State::new(device, windows.next_power_of_two())?;
        }
        self.stamps.as_mut().map_or(Ok(()), |stamps| stamps.ready(device, windows))
    }

    /// Bytes that [`Workspace::new`] takes; as much as there can be where the layout is impossible.
    pub fn bytes(plan: &ModelPlan, shape: Shape, forms: &Forms) -> u64 {
        Layout::new(plan, shape, forms).map_or(u64::MAX, |layout| layout.bytes())
    }
}

/// Elements of 4 bytes that the packed weights take.
fn packed_elements(device: &Device, layout: &Layout) -> usize {
    if device.precision() == Precision::F16 { layout.packed.div_ceil(2) } else { layout.packed }
}

/// What the device could not take, found before anything is allocated.
fn check(device: &Device, shape: Shape, layout: &Layout) -> Result<()> {
    // The one number without a limit of its own that workgroups are laid out by in one dimension.
    let lanes = device.limits().max_compute_workgroups_per_dimension as usize * LANES;
    if shape.lanes > lanes {
        return Err(Error::invalid("lanes", shape.lanes, format!("at most {lanes} on this GPU")));
    }
    let largest = [layout.arena, layout.words, packed_elements(device, layout), layout.window.len * SLOTS].into_iter().max().unwrap_or(0);
    device.check_size(largest)
}
