//! The peak of multiply-adds: chains in registers, independent of each other and of memory.

use rnnkit_core::math::Real;
use rnnkit_cpu::pool::ThreadPool;
use rnnkit_cpu::simd::{Isa, Kernel, LANES, Simd, Vector};
use std::hint::black_box;

/// Steps that each chain takes in one call: about a tenth of a millisecond.
const STEPS: usize = 1 << 16;

/// Keeps every thread of `pool` at multiply-adds; returns how many floating-point operations all of them did, two a multiply-add.
pub fn multiply_adds(isa: Isa, pool: &ThreadPool) -> u64 {
    let mut done = vec![0; pool.threads()];
    pool.for_each(&mut done, |_, done| *done = isa.dispatch(Chains { factor: black_box(0.5) }));
    done.iter().sum()
}

struct Chains {
    factor: f32,
}

impl Kernel for Chains {
    /// Floating-point operations.
    type Output = u64;

    /// As many chains as the registers of the set hold and its multipliers need: two a cycle, each done after four or five.
    #[inline(always)]
    fn run<S: Simd>(self) -> u64 {
        match S::TILE_ROWS * S::PANEL_VECTORS {
            12.. => chains::<S, 12>(self.factor),
            5.. => chains::<S, 5>(self.factor),
            _ => chains::<S, 3>(self.factor),
        }
    }
}

#[inline(always)]
fn chains<S: Simd, const CHAINS: usize>(factor: f32) -> u64 {
    let factor = Vector::<S>::splat(factor);
    let mut sums = [factor; CHAINS];
    for i in 0..CHAINS {
        // Chains that start alike would be one chain to the compiler.
        sums[i] = Vector::splat(i as f32);
    }
    for _ in 0..STEPS {
        for i in 0..CHAINS {
            sums[i] = sums[i].mul_add(factor, factor);
        }
    }
    for sum in sums {
        black_box(sum.to_array());
    }
    (2 * LANES * CHAINS * STEPS) as u64
}
