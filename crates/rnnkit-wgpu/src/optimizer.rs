//! An optimizer's numbers for one step, as its kernel takes them: made in f64, then rounded once.

use rnnkit_core::optim::{OptimizerSpec, StepScalars};

use crate::arguments::{Adagrad, Adam, RmsProp, Sgd, Step};
use crate::kernel::OptimizerKind;

/// The kernel that an optimizer takes: its kind, and how many moments it keeps.
pub fn kernel_of(optimizer: &OptimizerSpec) -> (OptimizerKind, usize) {
    let kind = match optimizer {
        OptimizerSpec::Sgd(_) => OptimizerKind::Sgd,
        OptimizerSpec::Adagrad(_) => OptimizerKind::Adagrad,
        OptimizerSpec::RmsProp(_) => OptimizerKind::RmsProp,
        OptimizerSpec::Adam(_) | OptimizerSpec::AdamW(_) => OptimizerKind::Adam,
    };
    (kind, optimizer.moments().len())
}

/// The kernel's arguments.
pub fn arguments(step: Step, optimizer: &OptimizerSpec, scalars: &StepScalars) -> Vec<u8> {
    let mut bytes = bytemuck::bytes_of(&step).to_vec();
    let rate = scalars.learning_rate;
    match optimizer {
        OptimizerSpec::Sgd(sgd) => bytes.extend_from_slice(bytemuck::bytes_of(&Sgd {
            rate: rate as f32,
            decay: sgd.weight_decay as f32,
            momentum: sgd.momentum as f32,
            // The buffer starts at zero, so a share of 1 makes it the gradient itself.
            share: if scalars.first { 1.0 } else { 1.0 - sgd.dampening } as f32,
            nesterov: u32::from(sgd.nesterov),
        })),
        OptimizerSpec::Adagrad(adagrad) => bytes.extend_from_slice(bytemuck::bytes_of(&Adagrad {
            rate: rate as f32,
            decay: adagrad.weight_decay as f32,
            epsilon: adagrad.epsilon as f32,
        })),
        OptimizerSpec::RmsProp(rmsprop) => bytes.extend_from_slice(bytemuck::bytes_of(&RmsProp {
            rate: rate as f32,
            decay: rmsprop.weight_decay as f32,
            epsilon: rmsprop.epsilon as f32,
            kept: rmsprop.alpha as f32,
            new_share: (1.0 - rmsprop.alpha) as f32,
            momentum: rmsprop.momentum as f32,
            has_buffer: u32::from(rmsprop.momentum > 0.0),
            centered: u32::from(rmsprop.centered),
        })),
        OptimizerSpec::Adam(adam) | OptimizerSpec::AdamW(adam) => {
            let decoupled = matches!(optimizer, OptimizerSpec::AdamW(_));
            let (shrink, penalty) = if decoupled { (1.0 - rate * adam.weight_decay, 0.0) } else { (1.0, adam.weight_decay) };
            bytes.extend_from_slice(bytemuck::bytes_of(&Adam {
                rate: (rate / scalars.bias1) as f32,
                root_scale: (1.0 / scalars.bias2.sqrt()) as f32,
                epsilon: adam.epsilon as f32,
                kept1: adam.beta1 as f32,
                new1: (1.0 - adam.beta1) as f32,
                kept2: adam.beta2 as f32,
                new2: (1.0 - adam.beta2) as f32,
                shrink: shrink as f32,
                penalty: penalty as f32,
            }));
        }
    }
    bytes
}
