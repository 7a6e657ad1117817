//! What sessions hold on a device: flat buffers and data.

use crate::device::Gated;
use crate::slice::Slice;

/// A flat buffer of f32.
pub struct Memory {
    pub(crate) buffer: Gated<wgpu::Buffer>,
    pub(crate) len: usize,
}

impl Memory {
    pub(crate) fn slice(&self) -> Slice {
        Slice::whole(&self.buffer)
    }
}

/// A sequence of positions.
pub enum Data {
    /// Symbols; the host keeps a copy, from which each window's positions are sorted.
    Ids {
        /// On the device.
        buffer: Gated<wgpu::Buffer>,
        /// On the host.
        ids: Vec<u32>,
    },
    /// Rows of real numbers, or a mask.
    Real {
        /// On the device.
        buffer: Gated<wgpu::Buffer>,
    },
}

impl Data {
    pub(crate) fn buffer(&self) -> &wgpu::Buffer {
        match self {
            Data::Ids { buffer, .. } | Data::Real { buffer } => buffer,
        }
    }

    pub(crate) fn slice(&self) -> Slice {
        Slice::whole(self.buffer())
    }
}
