//! Dropout's factors for one lane tile: 0 where a value is dropped, 1/(1 - rate) where it is kept.

use rnnkit_core::plan::{Dropout, Layer, ModelPlan};
use rnnkit_core::rng::{Key, Stream, keep_word, threshold};
use rnnkit_core::window::{Masks, WindowPlan};

use crate::simd::{Isa, Kernel, Simd};
use crate::workspace::LaneTile;

/// Fills the factors of window k.
pub fn masks(isa: Isa, tile: &mut LaneTile, plan: &ModelPlan, windows: &WindowPlan, k: usize) {
    let n = tile.n();
    for (layer, space) in plan.layers.iter().zip(&mut tile.layers) {
        let Layer::Dropout(layer) = layer else { continue };
        let kept = (1.0 / (1.0 - layer.rate)) as f32;
        for (row, factors) in space.factors[..windows.time * n * layer.size].chunks_exact_mut(layer.size).enumerate() {
            // The row's first element in the mask of the whole window, [T, N, size].
            let first = ((row / n) * windows.lanes + tile.lanes.start + row % n) * layer.size;
            match &windows.masks {
                Masks::Off => factors.fill(1.0),
                Masks::Given(sites) => {
                    for (factor, &keeps) in factors.iter_mut().zip(&sites[layer.site][first..]) {
                        *factor = if keeps { kept } else { 0.0 };
                    }
                }
                Masks::Drawn { seed } => {
                    let step = windows.first_step + k as u64;
                    let key = Key::stream(*seed, Stream::Dropout, step as u32).child(layer.site as u32);
                    isa.dispatch(Draw { key, layer, kept, first, factors });
                }
            }
        }
    }
}

/// Factors of the elements from `first` on.
struct Draw<'a> {
    key: Key,
    layer: &'a Dropout,
    kept: f32,
    first: usize,
    factors: &'a mut [f32],
}

impl Kernel for Draw<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self) {
        let threshold = threshold(self.layer.rate);
        let mut at = 0;
        while at < self.factors.len() {
            let element = self.first + at;
            let bits = keep_word(self.key, (element / 32) as u64, threshold) >> (element % 32);
            let count = (32 - element % 32).min(self.factors.len() - at);
            let mut i = 0;
            while i < count {
                self.factors[at + i] = if (bits >> i) & 1 == 1 { self.kept } else { 0.0 };
                i += 1;
            }
            at += count;
        }
    }
}
