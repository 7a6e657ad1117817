//! Where the carry lies: hidden (and cell) state of all recurrent layers, one flat buffer for N lanes.

use std::ops::Range;

/// One recurrent layer's place in the carry.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Slot {
    /// Elements per lane before this slot.
    start: usize,
    size: usize,
    has_cell_state: bool,
}

/// The carry's layout: for each recurrent layer h [N, H], then c [N, H] where the cell has one.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CarryLayout {
    slots: Vec<Slot>,
    per_lane: usize,
}

impl CarryLayout {
    /// Adds a recurrent layer and returns its slot.
    pub fn push(&mut self, size: usize, has_cell_state: bool) -> usize {
        self.slots.push(Slot { start: self.per_lane, size, has_cell_state });
        self.per_lane += if has_cell_state { 2 * size } else { size };
        self.slots.len() - 1
    }

    /// Number of recurrent layers.
    pub fn slots(&self) -> usize {
        self.slots.len()
    }

    /// Hidden size H of a slot.
    pub fn size(&self, slot: usize) -> usize {
        self.slots[slot].size
    }

    /// Elements of the whole carry for that many lanes.
    pub fn len(&self, lanes: usize) -> usize {
        self.per_lane * lanes
    }

    /// Whether there is nothing to carry: a model without recurrent layers.
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// h [N, H] of a slot.
    pub fn hidden(&self, slot: usize, lanes: usize) -> Range<usize> {
        let Slot { start, size, .. } = self.slots[slot];
        start * lanes..(start + size) * lanes
    }

    /// c [N, H] of a slot, if its cell has one.
    pub fn cell_state(&self, slot: usize, lanes: usize) -> Option<Range<usize>> {
        let Slot { start, size, has_cell_state } = self.slots[slot];
        has_cell_state.then(|| (start + size) * lanes..(start + 2 * size) * lanes)
    }
}
