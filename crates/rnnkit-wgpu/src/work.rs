//! How much one dispatch may multiply. Nothing can be handed over in less than a dispatch, and a driver resets a device that does not answer
//! for about two seconds; so what could take long is cut into several dispatches, none of whose sums depends on the cut.

use crate::AdapterKind;
use crate::layout::TILE;

/// Time steps, at most, that one dispatch of the resident form goes through: however small the layer is, each costs its barriers.
const TIME_STEPS: usize = 16_384;
/// Workgroups of the resident form that a small device runs at once; fewer leave it idle and take as long.
const FEW_GROUPS: u64 = 16;

/// What one dispatch may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Work {
    /// Multiplications.
    most: u64,
}

impl Work {
    /// For a kind of device: what the slowest of them is thought to do in about a tenth of a second. Estimates: 0.4, 20 and 300 billion
    /// multiplications a second.
    pub fn of(kind: AdapterKind) -> Self {
        Self::at_most(match kind {
            AdapterKind::Software => 1 << 25,
            AdapterKind::Integrated | AdapterKind::Virtual | AdapterKind::Other => 1 << 31,
            AdapterKind::Discrete => 1 << 35,
        })
    }

    /// So many multiplications.
    pub fn at_most(most: u64) -> Self {
        Self { most }
    }

    /// Multiplications of one dispatch, and after which a submission is handed over.
    pub fn most(self) -> u64 {
        self.most
    }

    /// Rows of a product: whole tiles.
    pub fn rows(self, columns: usize, inner: usize) -> usize {
        let each = product_of([TILE, columns, inner]);
        TILE.saturating_mul((self.most / each.max(1)).clamp(1, u64::from(u32::MAX)) as usize)
    }

    /// Workgroups, each of which multiplies so often at most.
    pub fn groups(self, each: u64) -> usize {
        (self.most / each.max(1)).clamp(1, u64::from(u32::MAX)) as usize
    }

    /// Time steps of a resident layer with so many weights and lanes, in so many workgroups.
    pub fn time_steps(self, weights: usize, lanes: usize, groups: usize) -> usize {
        let waiting = FEW_GROUPS.div_ceil(groups.max(1) as u64);
        let each = product_of([weights, lanes]).saturating_mul(waiting);
        (self.most / each.max(1)).clamp(1, TIME_STEPS as u64) as usize
    }
}

/// A product of sizes, as many as fit.
pub fn product_of<const N: usize>(sizes: [usize; N]) -> u64 {
    sizes.into_iter().fold(1, |product, size| product.saturating_mul(size as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_is_cut_where_it_is_more_than_a_dispatch_may_hold() {
        let work = Work::at_most(1 << 20);
        assert_eq!(work.rows(64, 64), 4 * TILE);
        assert_eq!(work.rows(4096, 4096), TILE, "a row of tiles is the least");
        assert_eq!(work.groups(1 << 18), 4);
        assert_eq!(work.groups(1 << 30), 1);
        assert_eq!(work.time_steps(1024, 64, 64), 16);
        assert_eq!(work.time_steps(1 << 20, 64, 64), 1);
    }

    #[test]
    fn few_workgroups_take_as_long_as_many_and_a_step_of_nothing_takes_time() {
        let work = Work::at_most(1 << 20);
        assert_eq!(work.time_steps(1024, 1, 1), 64, "as for sixteen lanes in sixteen workgroups");
        assert_eq!(Work::of(AdapterKind::Discrete).time_steps(1, 1, 1), TIME_STEPS);
    }
}
