//! The stages of a training step, what each needs to have run before it, and how much work it is.

use rnnkit_backend_tests::window::OneWindow;
use rnnkit_core::Result;
use rnnkit_core::backend::{Backend, Part, RunOf, weighted_parts};
use rnnkit_core::plan::{Layer, ModelPlan};
use std::time::{Duration, Instant};

/// A stage of the seam, or the whole training step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Stage {
    Gather,
    Masks,
    BlockForward,
    HeadAndLoss,
    BlockBackward,
    WeightGradients(Part),
    NormAndClip,
    Update,
    TrainWindow,
}

use Stage::*;

impl Stage {
    /// Those that a model has, in their order.
    pub fn of(plan: &ModelPlan) -> Vec<Self> {
        let mut stages = vec![Gather, Masks, BlockForward, HeadAndLoss, BlockBackward];
        stages.retain(|&stage| stage != Masks || !plan.sites.is_empty());
        stages.extend(weighted_parts(plan).into_iter().map(WeightGradients));
        stages.extend([NormAndClip, Update, TrainWindow]);
        stages
    }

    /// Its name in the seam; of the gradients of weights with the part.
    pub fn name(self) -> String {
        match self {
            Gather => "gather".to_owned(),
            Masks => "masks".to_owned(),
            BlockForward => "block_forward".to_owned(),
            HeadAndLoss => "head_and_loss".to_owned(),
            BlockBackward => "block_backward".to_owned(),
            WeightGradients(Part::Embedding) => "weight_gradients-embedding".to_owned(),
            WeightGradients(Part::Layer(layer)) => format!("weight_gradients-layer{layer}"),
            WeightGradients(Part::Head) => "weight_gradients-head".to_owned(),
            NormAndClip => "norm_and_clip".to_owned(),
            Update => "update".to_owned(),
            TrainWindow => "train_window".to_owned(),
        }
    }

    /// What must run anew before each time, because the stage changes what it reads or adds to it.
    fn before(self) -> &'static [Self] {
        match self {
            BlockForward => &[Gather],
            BlockBackward => &[Gather, BlockForward, HeadAndLoss],
            _ => &[],
        }
    }

    fn run<B: Backend>(self, backend: &mut B, run: &mut RunOf<'_, B>) -> Result<()> {
        match self {
            Gather => backend.gather(run, 0),
            Masks => backend.masks(run, 0),
            BlockForward => run.plan.blocks.iter().try_for_each(|block| backend.block_forward(run, block.clone())),
            HeadAndLoss => backend.head_and_loss(run, 0),
            BlockBackward => run.plan.blocks.iter().rev().try_for_each(|block| backend.block_backward(run, block.clone())),
            WeightGradients(part) => backend.weight_gradients(run, part),
            NormAndClip => backend.norm_and_clip(run, 0),
            Update => backend.update(run, 0),
            TrainWindow => backend.train_window(run, 0),
        }
    }

    /// How long the stage itself takes, in a window that was trained once.
    pub fn time<B: Backend>(self, window: &mut OneWindow<B>) -> Result<Duration> {
        if matches!(self, HeadAndLoss | BlockBackward | TrainWindow) {
            window.begin()?;
        }
        window.stages(u64::from(matches!(self, Update | TrainWindow)), |backend, run| {
            self.before().iter().try_for_each(|stage| stage.run(backend, run))?;
            let start = Instant::now();
            self.run(backend, run)?;
            Ok(start.elapsed())
        })
    }

    /// Floating-point operations, two a multiply-add, of the products that the mathematics asks for: a one-hot input asks for none. 0 for
    /// stages that are not made of products.
    pub fn flops(self, plan: &ModelPlan, lanes: usize, time: usize) -> u64 {
        let (positions, predicted) = (lanes * time, plan.predicted(lanes, time));
        let layers: usize = plan.layers.iter().map(weights).sum();
        let head = plan.head.weights.as_ref().map_or(0, |(weight, _)| weight.len());
        let multiply_adds = match self {
            BlockForward | BlockBackward => layers * positions,
            HeadAndLoss => 2 * head * predicted,
            WeightGradients(Part::Layer(layer)) => weights(&plan.layers[layer]) * positions,
            WeightGradients(Part::Head) => head * predicted,
            TrainWindow => 3 * (layers * positions + head * predicted),
            Gather | Masks | WeightGradients(Part::Embedding) | NormAndClip | Update => 0,
        };
        2 * multiply_adds as u64
    }
}

/// Weights of a recurrent layer that meet every position.
fn weights(layer: &Layer) -> usize {
    match layer {
        Layer::Recurrent(layer) if layer.one_hot => layer.weight_hh.len(),
        Layer::Recurrent(layer) => layer.weight_hh.len() + layer.weight_ih.len(),
        _ => 0,
    }
}
