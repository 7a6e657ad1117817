//! What a workgroup of the resident form may take of an adapter.

/// Half of the 65,536 4-byte registers that a multiprocessor of NVIDIA's has: the other half is for sums, values on their way and addresses.
/// No interface tells how many a device has; one with fewer spills some to memory, which is slower and nothing worse.
const REGISTERS: usize = 32768;
/// A thread has 255 at most, half of them again.
const THREAD_REGISTERS: usize = 128;
/// With so many threads the arithmetic units have enough to do. More of them would only cut the sums into more parts, which have to be
/// added up, and leave each thread with so few registers that a compiler may not keep the weights there.
const THREADS: usize = 512;
/// Workgroups that a large device runs at once, about one a multiprocessor. More would be a second round over all time steps, so a group
/// takes a second lane instead.
const GROUPS: usize = 128;

/// What a workgroup of the resident form may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budgets {
    /// Threads, at most.
    pub threads: usize,
    /// Threads beyond which the sums are not cut into more parts.
    pub busy_threads: usize,
    /// Registers of 4 bytes for weights and sums, of all threads together.
    pub registers: usize,
    /// The same of one thread.
    pub thread_registers: usize,
    /// Workgroup memory, in bytes.
    pub memory: usize,
    /// What of it weights may take, in bytes.
    pub weight_memory: usize,
    /// Workgroups beyond which each takes another lane.
    pub groups: usize,
}

impl Budgets {
    /// For an adapter of those limits.
    pub fn of(limits: &wgpu::Limits) -> Self {
        let memory = limits.max_compute_workgroup_storage_size as usize;
        Self {
            threads: limits.max_compute_invocations_per_workgroup.min(limits.max_compute_workgroup_size_x) as usize,
            busy_threads: THREADS,
            registers: REGISTERS,
            thread_registers: THREAD_REGISTERS,
            memory,
            weight_memory: memory,
            groups: GROUPS,
        }
    }
}
