//! [`LaneTile`]: a fixed slice of the lanes, cut by shape alone, with what a window keeps of them.
//!
//! Where threads share lanes, one takes a tile through a whole block of layers without waiting for anybody; where they share units, each has
//! its own of every tile (`stages/sharing.rs`). The buffers are time-major over the tile's n lanes, [T, n, ·], so that T·n rows are one
//! matrix.

use std::ops::Range;

use rnnkit_core::Result;
use rnnkit_core::backend::Shape;
use rnnkit_core::memory::zeros;
use rnnkit_core::plan::ModelPlan;
use rnnkit_core::spec::Predict;

use super::layer::LayerSpace;
use crate::aligned::Aligned;

/// One tile's part of a window.
pub struct LaneTile {
    /// Its lanes among the window's N.
    pub lanes: Range<usize>,
    /// Length of each lane's sequence in the window in work, `[n]`.
    pub lengths: Vec<usize>,
    /// Whether some lane is shorter than the window.
    pub uneven: bool,
    /// What each layer reads, and last what the head reads.
    sources: Vec<Option<usize>>,
    /// Factors of each site of dropout, 0 or 1/(1 - rate): [T, n, size], [copies, n, size] or [copies, size], as its mask says.
    pub factors: Vec<Aligned>,
    /// Rows that a last-step head reads where lanes end at different steps, [n, ·].
    pub ends: Aligned,
    /// Ids, [T, n]; empty for real input.
    pub ids: Vec<u32>,
    /// Input rows, embedded or real, [T, n, E]; empty where ids are read.
    pub input: Aligned,
    /// Gradient of `input`; empty where nobody asks for it.
    pub d_input: Aligned,
    /// One for each layer of the plan.
    pub layers: Vec<LayerSpace>,
    /// Logits of the predicted rows, then their gradients in place.
    pub logits: Aligned,
    /// The logits as they were, for a tap.
    pub kept_logits: Aligned,
    /// Sums over the tile's rows of the objective and of the nats.
    pub sums: [f64; 2],
}

impl LaneTile {
    /// Buffers for those lanes.
    pub fn new(plan: &ModelPlan, shape: Shape, lanes: Range<usize>) -> Result<Self> {
        let n = lanes.len();
        let rows = n * shape.time;
        let has_ids = plan.spec.input.vocabulary().is_some();
        let width = plan.input_width();
        let wants_gradient = shape.training && (plan.embedding.is_some() || shape.taps);
        let predicted = match plan.head.predict {
            Predict::EveryStep => rows,
            Predict::LastStep => n,
        };
        let wanted = wanted_gradients(plan, wants_gradient);
        let layers = plan.layers.iter().zip(wanted).map(|(layer, wanted)| LayerSpace::new(plan, layer, shape, n, wanted));
        Ok(Self {
            lanes,
            lengths: zeros(n)?,
            uneven: false,
            sources: plan.sources.iter().copied().chain([plan.layers.len().checked_sub(1)]).collect(),
            factors: plan.sites.iter().map(|site| Aligned::zeros(site.elements(n, shape.time))).collect::<Result<_>>()?,
            ends: Aligned::zeros(n * plan.head.input)?,
            ids: zeros(if has_ids { rows } else { 0 })?,
            input: Aligned::zeros(rows * width)?,
            d_input: Aligned::zeros(if wants_gradient { rows * width } else { 0 })?,
            layers: layers.collect::<Result<_>>()?,
            logits: Aligned::zeros(predicted * plan.head.size)?,
            kept_logits: Aligned::zeros(if shape.taps { predicted * plan.head.size } else { 0 })?,
            sums: [0.0; 2],
        })
    }

    /// Its number of lanes n.
    pub fn n(&self) -> usize {
        self.lanes.len()
    }

    /// Layer `index` with the input rows it reads, and where the gradient of those goes (empty if nobody wants it).
    pub fn layer(&mut self, index: usize) -> (&mut LayerSpace, &[f32], &mut [f32], &[u32]) {
        let (below, here) = self.layers.split_at_mut(index);
        match self.sources[index].map(|source| &mut below[source]) {
            Some(below) => (&mut here[0], &below.output, &mut below.d_output, &self.ids),
            None => (&mut here[0], &self.input, &mut self.d_input, &self.ids),
        }
    }

    /// The rows that layer `index` reads, or the head, as the number after the last: [T, n, ·].
    pub fn input_of(&self, index: usize) -> &[f32] {
        self.sources[index].map_or(&*self.input, |source| &*self.layers[source].output)
    }

    /// Where the gradient of those goes; empty if nobody wants it.
    pub fn d_input_of(&mut self, index: usize) -> &mut [f32] {
        match self.sources[index] {
            Some(source) => &mut self.layers[source].d_output,
            None => &mut self.d_input,
        }
    }
}

/// For each layer whether anybody asks for the gradient of its output: a layer with weights, or one below it, down to the input, if `input`
/// is asked for.
fn wanted_gradients(plan: &ModelPlan, input: bool) -> Vec<bool> {
    let mut wanted: Vec<bool> = Vec::with_capacity(plan.layers.len());
    for (layer, source) in plan.layers.iter().zip(&plan.sources) {
        wanted.push(layer.is_weighted() || source.map_or(input, |source| wanted[source]));
    }
    wanted
}
