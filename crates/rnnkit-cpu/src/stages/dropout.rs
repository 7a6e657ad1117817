//! Dropout on one lane tile: its factors (0 where a value is dropped, 1/(1 - rate) where it is kept), and their product with rows.

use rnnkit_core::plan::{Dropout, ModelPlan, Site};
use rnnkit_core::rng::{Key, Stream, keep_word, threshold};
use rnnkit_core::spec::MaskShape;
use rnnkit_core::window::{Masks, WindowPlan};

use crate::simd::{Isa, Kernel, LANES, Simd, Vector};
use crate::workspace::LaneTile;

/// Fills the factors of window k.
pub fn masks(isa: Isa, tile: &mut LaneTile, plan: &ModelPlan, windows: &WindowPlan, k: usize) {
    let n = tile.n();
    for (index, (site, factors)) in plan.sites.iter().zip(&mut tile.factors).enumerate() {
        let factors = &mut factors[..site.elements(n, windows.time)];
        for (row, factors) in factors.chunks_exact_mut(site.size).enumerate() {
            // The row's first element in the mask of the whole window.
            let lane = tile.lanes.start + row % n;
            let first = match site.mask {
                MaskShape::Step => site.element(row / n, lane, windows.lanes, 0),
                MaskShape::Sequence => site.element(0, lane, windows.lanes, row / n),
                MaskShape::Batch => site.element(0, 0, windows.lanes, row),
            };
            match &windows.masks {
                Masks::Off => factors.fill(1.0),
                Masks::Given(sites) => {
                    for (factor, &keeps) in factors.iter_mut().zip(&sites[index][first..]) {
                        *factor = if keeps { site.scale() as f32 } else { 0.0 };
                    }
                }
                Masks::Drawn { seed } => {
                    let step = windows.first_step + k as u64;
                    let key = Key::stream(*seed, Stream::Dropout, step as u32).child(index as u32);
                    isa.dispatch(Draw { key, site, first, factors });
                }
            }
        }
    }
}

/// The row of a site's factors, in its tile of n lanes, that one copy of row t·n + lane meets.
pub fn factor_row(site: &Site, row: usize, n: usize, copy: usize) -> usize {
    match site.mask {
        MaskShape::Step => row,
        MaskShape::Sequence => copy * n + row % n,
        MaskShape::Batch => copy,
    }
}

/// A dropout layer forward over `time` steps.
pub fn forward(isa: Isa, tile: &mut LaneTile, plan: &ModelPlan, index: usize, layer: &Dropout, time: usize) {
    let (n, site) = (tile.n(), &plan.sites[layer.site]);
    let factors = std::mem::take(&mut tile.factors[layer.site]);
    let (space, input, ..) = tile.layer(index);
    if site.mask == MaskShape::Step {
        let len = time * n * site.size;
        isa.dispatch(Multiply { out: &mut space.output[..len], a: &input[..len], b: &factors[..len], adds: false });
    } else {
        for (at, out) in space.output[..time * n * layer.size].chunks_exact_mut(site.size).enumerate() {
            let (row, copy) = (at / site.copies, at % site.copies);
            let (a, b) = (part(input, row, site.size), part(&factors, factor_row(site, row, n, copy), site.size));
            isa.dispatch(Multiply { out, a, b, adds: false });
        }
    }
    tile.factors[layer.site] = factors;
}

/// The same back: the gradients of a row's copies are summed.
pub fn backward(isa: Isa, tile: &mut LaneTile, plan: &ModelPlan, index: usize, layer: &Dropout, time: usize) {
    let (n, site) = (tile.n(), &plan.sites[layer.site]);
    let factors = std::mem::take(&mut tile.factors[layer.site]);
    let (space, _, d_input, _) = tile.layer(index);
    if d_input.is_empty() {
    } else if site.mask == MaskShape::Step {
        let len = time * n * site.size;
        isa.dispatch(Multiply { out: &mut d_input[..len], a: &space.d_output[..len], b: &factors[..len], adds: false });
    } else {
        for (at, a) in space.d_output[..time * n * layer.size].chunks_exact(site.size).enumerate() {
            let (row, copy) = (at / site.copies, at % site.copies);
            let b = part(&factors, factor_row(site, row, n, copy), site.size);
            isa.dispatch(Multiply { out: &mut d_input[row * site.size..(row + 1) * site.size], a, b, adds: copy > 0 });
        }
    }
    tile.factors[layer.site] = factors;
}

/// Row `row` of rows of `size` values.
fn part(values: &[f32], row: usize, size: usize) -> &[f32] {
    &values[row * size..(row + 1) * size]
}

/// out = a ⊙ b, or added to what is there.
pub struct Multiply<'a> {
    pub out: &'a mut [f32],
    pub a: &'a [f32],
    pub b: &'a [f32],
    pub adds: bool,
}

impl Kernel for Multiply<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self) {
        let mut at = 0;
        while at < self.out.len() {
            let mut product = Vector::<S>::load(&self.a[at..]) * Vector::load(&self.b[at..]);
            if self.adds {
                product = product + Vector::load(&self.out[at..]);
            }
            product.store(&mut self.out[at..]);
            at += LANES;
        }
    }
}

/// Factors of the elements from `first` on.
struct Draw<'a> {
    key: Key,
    site: &'a Site,
    first: usize,
    factors: &'a mut [f32],
}

impl Kernel for Draw<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self) {
        let (threshold, kept) = (threshold(self.site.rate), self.site.scale() as f32);
        let mut at = 0;
        while at < self.factors.len() {
            let element = self.first + at;
            let bits = keep_word(self.key, (element / 32) as u64, threshold) >> (element % 32);
            let count = (32 - element % 32).min(self.factors.len() - at);
            let mut i = 0;
            while i < count {
                self.factors[at + i] = if (bits >> i) & 1 == 1 { kept } else { 0.0 };
                i += 1;
            }
            at += count;
        }
    }
}
