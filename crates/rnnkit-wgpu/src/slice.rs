//! What a kernel is bound to.

/// A piece of a buffer, in elements of 4 bytes; it begins at a multiple of [`ALIGNMENT`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Slice {
    buffer: wgpu::Buffer,
    at: usize,
    len: usize,
}

/// Elements at which a binding may begin: 256 bytes, which every device takes.
pub const ALIGNMENT: usize = 64;

impl Slice {
    /// All of a buffer.
    pub fn whole(buffer: &wgpu::Buffer) -> Self {
        Self { buffer: buffer.clone(), at: 0, len: (buffer.size() / 4) as usize }
    }

    /// So many elements from `at` on; one at least, since a binding may not be empty.
    pub fn of(buffer: &wgpu::Buffer, at: usize, len: usize) -> Self {
        debug_assert!(at.is_multiple_of(ALIGNMENT), "a binding at element {at}");
        Self { buffer: buffer.clone(), at, len: len.max(1) }
    }

    /// As a bind group takes it.
    pub fn resource(&self) -> wgpu::BindingResource<'_> {
        wgpu::BindingResource::Buffer(wgpu::BufferBinding {
            buffer: &self.buffer,
            offset: self.at as u64 * 4,
            size: wgpu::BufferSize::new(self.len as u64 * 4),
        })
    }
}
