//! An optimizer's numbers for one step, as its kernel takes them: made by the core in f64, then rounded once.

use rnnkit_core::optim::{self, AdagradNumbers, AdamNumbers, OptimizerSpec, RmsPropNumbers, SgdNumbers, StepScalars};

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
    match optimizer {
        OptimizerSpec::Sgd(sgd) => bytes.extend_from_slice(bytemuck::bytes_of(&sgd_arguments(sgd, scalars))),
        OptimizerSpec::Adagrad(adagrad) => bytes.extend_from_slice(bytemuck::bytes_of(&adagrad_arguments(adagrad, scalars))),
        OptimizerSpec::RmsProp(rmsprop) => bytes.extend_from_slice(bytemuck::bytes_of(&rmsprop_arguments(rmsprop, scalars))),
        OptimizerSpec::Adam(adam) => bytes.extend_from_slice(bytemuck::bytes_of(&adam_arguments(adam.numbers(false, scalars)))),
        OptimizerSpec::AdamW(adam) => bytes.extend_from_slice(bytemuck::bytes_of(&adam_arguments(adam.numbers(true, scalars)))),
    }
    bytes
}

fn sgd_arguments(sgd: &optim::Sgd, scalars: &StepScalars) -> Sgd {
    let SgdNumbers { decay, momentum, share, rate } = sgd.numbers(scalars);
    Sgd {
        shrink: decay.shrink as f32,
        penalty: decay.penalty as f32,
        momentum: momentum as f32,
        share: share as f32,
        rate: rate as f32,
        nesterov: u32::from(sgd.nesterov),
    }
}

fn adagrad_arguments(adagrad: &optim::Adagrad, scalars: &StepScalars) -> Adagrad {
    let AdagradNumbers { decay, epsilon, rate } = adagrad.numbers(scalars);
    Adagrad {
        shrink: decay.shrink as f32,
        penalty: decay.penalty as f32,
        epsilon_inside: epsilon.inside as f32,
        epsilon_outside: epsilon.outside as f32,
        rate: rate as f32,
    }
}

fn rmsprop_arguments(rmsprop: &optim::RmsProp, scalars: &StepScalars) -> RmsProp {
    let RmsPropNumbers { decay, epsilon, kept, new, momentum, inner_rate, rate } = rmsprop.numbers(scalars);
    RmsProp {
        shrink: decay.shrink as f32,
        penalty: decay.penalty as f32,
        epsilon_inside: epsilon.inside as f32,
        epsilon_outside: epsilon.outside as f32,
        kept: kept as f32,
        new_share: new as f32,
        momentum: momentum as f32,
        inner_rate: inner_rate as f32,
        rate: rate as f32,
        has_buffer: u32::from(rmsprop.momentum > 0.0),
        centered: u32::from(rmsprop.centered),
    }
}

fn adam_arguments(AdamNumbers { decay, kept1, new1, kept2, new2, rate, root_scale, epsilon }: AdamNumbers) -> Adam {
    Adam {
        shrink: decay.shrink as f32,
        penalty: decay.penalty as f32,
        kept1: kept1 as f32,
        new1: new1 as f32,
        kept2: kept2 as f32,
        new2: new2 as f32,
        rate: rate as f32,
        root_scale: root_scale as f32,
        epsilon: epsilon as f32,
    }
}
