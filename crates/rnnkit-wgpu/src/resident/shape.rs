//! How a recurrent layer is cut for the resident form: the threads and lanes of a workgroup, and where each thread's weights lie.

use rnnkit_core::cell::CellKind;

use super::Budgets;
use crate::Precision;
use crate::layout::gate_stride;

/// Lanes of a workgroup, at most: each takes sums in registers from the weights.
const LANES: usize = 8;
/// k that are multiplied together.
pub const QUAD: usize = 4;

/// The way over time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From the first time step on.
    Forward,
    /// From the last time step back.
    Backward,
}

/// A layer cut for one direction. Thread (unit, part) multiplies the `depth` k of its part with its unit's weights: the first of them lie
/// in registers, the next in workgroup memory, and the rest are streamed from the packed buffer at every time step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ResidentShape {
    /// The cell.
    pub cell: CellKind,
    /// Units H.
    pub size: usize,
    /// Parts of the sum over k; a workgroup has `size * parts` threads.
    pub parts: usize,
    /// Lanes of a workgroup, at most as many as parts: each thread finishes a unit of one lane.
    pub lanes: usize,
    /// Quads of k in a part.
    pub quads: usize,
    /// k of a thread whose weights are in registers; one at least.
    pub in_registers: usize,
    /// k of a thread whose weights are in workgroup memory.
    pub in_memory: usize,
}

/// A layer cut for both directions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResidentShapes {
    /// Forward.
    pub forward: ResidentShape,
    /// Back.
    pub backward: ResidentShape,
}

impl ResidentShapes {
    /// For a layer of `size` units over `lanes` lanes; nothing where no workgroup can run it.
    pub fn new(cell: CellKind, size: usize, lanes: usize, precision: Precision, budgets: &Budgets) -> Option<Self> {
        let shape = |direction| ResidentShape::new(cell, direction, size, lanes, precision, budgets);
        Some(Self { forward: shape(Direction::Forward)?, backward: shape(Direction::Backward)? })
    }

    /// Bytes of weights that a workgroup fetches anew at every time step, the larger of both directions.
    pub fn streamed_bytes(&self, precision: Precision) -> usize {
        self.forward.streamed_bytes(precision).max(self.backward.streamed_bytes(precision))
    }
}

impl ResidentShape {
    /// For a layer of `size` units over `lanes` lanes; nothing where no workgroup can run it.
    pub fn new(cell: CellKind, direction: Direction, size: usize, lanes: usize, precision: Precision, budgets: &Budgets) -> Option<Self> {
        let wanted = lanes.div_ceil(budgets.groups).clamp(1, LANES);
        (1..=wanted).rev().find_map(|lanes| Self::with_lanes(cell, direction, size, lanes, precision, budgets))
    }

    /// With so many lanes a workgroup: first as many parts as keep a device busy, then the weights where there is room.
    fn with_lanes(
        cell: CellKind,
        direction: Direction,
        size: usize,
        lanes: usize,
        precision: Precision,
        budgets: &Budgets,
    ) -> Option<Self> {
        let all_quads = size.div_ceil(QUAD);
        let most = budgets.threads.checked_div(size)?;
        let busy = (budgets.busy_threads / size).min(all_quads).max(lanes).min(most);
        (lanes..=busy).rev().find_map(|parts| {
            let quads = all_quads.div_ceil(parts);
            // Parts that would have no k are left out, as long as there is one for each lane.
            let parts = all_quads.div_ceil(quads).max(lanes);
            let shape = Self { cell, size, parts, lanes, quads, in_registers: 1, in_memory: 0 };
            let room = budgets.memory.checked_sub(shape.exchanged_bytes(direction))?;
            Some(shape.with_weights(room.min(budgets.weight_memory), precision, budgets))
        })
    }

    fn with_weights(mut self, room: usize, precision: Precision, budgets: &Budgets) -> Self {
        let registers = (budgets.registers / self.threads()).min(budgets.thread_registers);
        // The sums of one lane are within what weights leave; those of the others are not.
        let for_weights = registers.saturating_sub((self.lanes - 1) * self.cell.gates());
        self.in_registers = (for_weights / registers_of(self.cell, precision)).clamp(1, self.depth());
        self.in_memory = (room / (self.threads() * bytes_of(self.cell, precision))).min(self.depth() - self.in_registers);
        self
    }

    /// k of a thread, those beyond H included, which are zero.
    pub fn depth(&self) -> usize {
        QUAD * self.quads
    }

    /// Threads of a workgroup.
    pub fn threads(&self) -> usize {
        self.size * self.parts
    }

    /// Weights of the layer's recurrence.
    pub fn weights(&self) -> usize {
        self.cell.gates() * self.size * self.size
    }

    /// Bytes of weights that a workgroup fetches anew at every time step.
    pub fn streamed_bytes(&self, precision: Precision) -> usize {
        (self.depth() - self.in_registers - self.in_memory) * self.threads() * bytes_of(self.cell, precision)
    }

    /// Bytes of workgroup memory.
    #[cfg(test)]
    pub fn memory_bytes(&self, direction: Direction, precision: Precision) -> usize {
        self.exchanged_bytes(direction) + self.in_memory * self.threads() * bytes_of(self.cell, precision)
    }

    /// Bytes of workgroup memory by which threads exchange states (or gradients) and parts of sums.
    fn exchanged_bytes(&self, direction: Direction) -> usize {
        let gates = 4 * gate_stride(self.cell);
        let (operand, share) = match direction {
            Direction::Forward => (4, gates),
            Direction::Backward => (gates, 4),
        };
        let aligned = |bytes: usize| bytes.next_multiple_of(16);
        aligned(self.lanes * self.parts * self.depth() * operand) + aligned(self.parts * self.lanes * self.size * share)
    }
}

/// Bytes that a unit's packed gates take in memory.
fn bytes_of(cell: CellKind, precision: Precision) -> usize {
    let number = if precision == Precision::F16 { 2 } else { 4 };
    gate_stride(cell) * number
}

/// Registers of 4 bytes that they take: two 16-bit gates share one, those of different k do not.
fn registers_of(cell: CellKind, precision: Precision) -> usize {
    if precision == Precision::F16 { cell.gates().div_ceil(2) } else { cell.gates() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::CELLS;

    fn budgets(threads: u32, memory: u32) -> Budgets {
        Budgets::of(&wgpu::Limits {
            max_compute_invocations_per_workgroup: threads,
            max_compute_workgroup_size_x: threads,
            max_compute_workgroup_storage_size: memory,
            ..wgpu::Limits::default()
        })
    }

    /// Every shape there is for some sizes, lanes and adapters.
    fn for_each(mut test: impl FnMut(&str, ResidentShape, Direction, Precision, &Budgets)) {
        for (threads, memory) in [(256, 16384), (1024, 32768), (1024, 49152)] {
            let budgets = budgets(threads, memory);
            for cell in CELLS {
                for size in [1, 2, 3, 4, 5, 7, 19, 33, 61, 64, 100, 128, 192, 255, 256, 257, 512] {
                    for lanes in [1, 7, 128, 129, 300, 1000, 5000] {
                        for direction in [Direction::Forward, Direction::Backward] {
                            for precision in [Precision::F32, Precision::F16] {
                                let shape = ResidentShape::new(cell, direction, size, lanes, precision, &budgets);
                                let name = format!("{cell:?} of {size}, {lanes} lanes, {direction:?}, {precision:?}, {threads} threads");
                                match shape {
                                    Some(shape) => test(&name, shape, direction, precision, &budgets),
                                    None => assert!(size > threads as usize || size >= 512, "{name}: no shape"),
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn a_shape_keeps_the_adapters_limits() {
        for_each(|name, shape, direction, precision, budgets| {
            assert!(shape.threads() <= budgets.threads, "{name}: {shape:?}");
            assert!(shape.memory_bytes(direction, precision) <= budgets.memory, "{name}: {shape:?}");
            let registers = shape.in_registers * registers_of(shape.cell, precision);
            assert!(registers <= budgets.thread_registers && registers * shape.threads() <= budgets.registers, "{name}: {shape:?}");
        });
    }

    #[test]
    fn every_k_has_its_place_and_every_lane_its_thread() {
        for_each(|name, shape, _, _, _| {
            assert!(shape.parts * shape.depth() >= shape.size, "{name}: {shape:?}");
            assert!(shape.in_registers >= 1 && shape.in_registers + shape.in_memory <= shape.depth(), "{name}: {shape:?}");
            assert!((1..=LANES).contains(&shape.lanes) && shape.lanes <= shape.parts, "{name}: {shape:?}");
            let needless = shape.parts > shape.lanes && (shape.parts - 1) * shape.depth() >= shape.size;
            assert!(!needless, "{name}: a part without k in {shape:?}");
        });
    }

    #[test]
    fn a_second_lane_comes_when_every_multiprocessor_has_one() {
        let lanes_of = |cell, lanes| {
            let budgets = budgets(1024, 49152);
            ResidentShape::new(cell, Direction::Forward, 64, lanes, Precision::F32, &budgets).map(|shape| shape.lanes)
        };
        let got: Vec<_> = [1, 128, 129, 256, 257, 1024, 100_000].map(|lanes| lanes_of(CellKind::ElmanTanh, lanes)).into();
        assert_eq!(got, [1, 1, 2, 2, 3, 8, 8].map(Some));
        assert_eq!(lanes_of(CellKind::Lstm, 1024), Some(6), "as many as memory has room for");
    }

    #[test]
    fn weights_go_to_registers_then_to_memory_and_the_rest_is_streamed() {
        let shape = |size, precision| {
            let shape = ResidentShape::new(CellKind::Lstm, Direction::Forward, size, 64, precision, &budgets(1024, 49152));
            shape.map(|shape| (shape.parts, shape.depth(), shape.in_registers, shape.in_memory))
        };
        assert_eq!(shape(64, Precision::F32), Some((8, 8, 8, 0)));
        assert_eq!(shape(128, Precision::F32), Some((4, 32, 16, 4)));
        assert_eq!(shape(128, Precision::F16), Some((4, 32, 32, 0)));
    }

    #[test]
    fn where_not_even_the_exchange_fits_there_is_no_shape() {
        let tiny = Budgets { memory: 100, ..budgets(1024, 0) };
        assert_eq!(ResidentShapes::new(CellKind::Lstm, 64, 1, Precision::F32, &tiny), None);
        assert_eq!(ResidentShapes::new(CellKind::Lstm, 1025, 1, Precision::F32, &budgets(1024, 49152)), None);
    }
}
