//! What plans need to know of data that are on a device.

use std::ops::Range;

/// Where a resident sequence's targets are; see [`super::Targets`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aim {
    /// In the inputs, one position further.
    Shifted,
    /// Apart, at the same position.
    Given,
    /// Nowhere.
    None,
}

/// How far a resident sequence reaches.
#[derive(Debug, Clone, PartialEq)]
pub struct Extent {
    /// Number of positions.
    pub positions: usize,
    /// Where the targets are.
    pub targets: Aim,
    /// As in [`super::Sequence::mask`].
    pub mask: Option<Vec<f32>>,
    /// As in [`super::Sequence::used`].
    pub used: Option<Vec<Range<usize>>>,
}

impl Extent {
    /// Position of the target that belongs to input position p.
    pub fn target(&self, position: usize) -> usize {
        if self.targets == Aim::Shifted { position + 1 } else { position }
    }

    /// Whether the target of position p counts.
    pub fn counts(&self, position: usize) -> bool {
        self.mask.as_ref().is_none_or(|mask| mask[position] != 0.0)
    }

    /// End of the positions that a window may use from `start` on; `start` itself where it may use none.
    pub fn end_from(&self, start: usize) -> usize {
        let Some(ranges) = &self.used else { return self.positions };
        let after = ranges.partition_point(|range| range.end <= start);
        ranges.get(after).filter(|range| range.start <= start).map_or(start, |range| range.end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_may_use_the_rest_of_the_range_it_starts_in() {
        let all = Extent { positions: 9, targets: Aim::Given, mask: None, used: None };
        assert_eq!([0, 4, 8].map(|start| all.end_from(start)), [9; 3]);
        let some = Extent { used: Some(vec![0..3, 3..3, 5..7]), ..all };
        assert_eq!([0, 2, 3, 4, 5, 6, 7, 8].map(|start| some.end_from(start)), [3, 3, 3, 4, 7, 7, 7, 8]);
    }
}
