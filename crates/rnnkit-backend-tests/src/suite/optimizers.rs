//! Optimizers and clipping on a backend against the core's formulas, on a buffer of several partial sums.

use rnnkit_core::backend::Backend;
use rnnkit_core::grad_clip::{CHUNK, ClipSpec, clip_value, global_norm, norm_scale, square_sum};
use rnnkit_core::math::Scalar;
use rnnkit_core::optim::{Adagrad, Adam, Flavour, OptimizerSpec, RmsProp, Sgd};
use rnnkit_core::rng::{Key, Stream};

use super::Make;
use crate::steps::{Walk, walk};
use crate::tolerances::OPTIMIZER;
use crate::window::wide;

const STEPS: usize = 4;
/// Several chunks of the norm and an odd rest.
const LENGTH: usize = 3 * CHUNK + 77;

/// Each kind with each option on once, in each flavour that differs by it.
pub fn all() -> Vec<OptimizerSpec> {
    [sgd(), adagrad(), rmsprop(), adam()].concat()
}

fn sgd() -> Vec<OptimizerSpec> {
    let plain = Sgd { flavour: Flavour::PyTorch, momentum: 0.0, dampening: 0.0, nesterov: false, weight_decay: 0.0 };
    let keras = Sgd { flavour: Flavour::Keras, weight_decay: 0.1, ..plain };
    [
        plain,
        Sgd { weight_decay: 0.1, ..plain },
        Sgd { momentum: 0.9, dampening: 0.5, ..plain },
        Sgd { momentum: 0.9, nesterov: true, ..plain },
        keras,
        Sgd { momentum: 0.9, ..keras },
        Sgd { momentum: 0.9, nesterov: true, ..keras },
        Sgd { flavour: Flavour::Tf1, momentum: 0.9, nesterov: true, ..plain },
    ]
    .map(OptimizerSpec::Sgd)
    .to_vec()
}

fn adagrad() -> Vec<OptimizerSpec> {
    let flavour = Flavour::PyTorch;
    let pytorch = Adagrad { flavour, epsilon: 1e-6, initial_accumulator: 0.1, learning_rate_decay: 0.1, weight_decay: 0.1 };
    let keras = Adagrad { flavour: Flavour::Keras, epsilon: 0.1, learning_rate_decay: 0.0, ..pytorch };
    let tf1 = Adagrad { flavour: Flavour::Tf1, epsilon: 0.0, learning_rate_decay: 0.0, weight_decay: 0.0, ..pytorch };
    [pytorch, keras, tf1].map(OptimizerSpec::Adagrad).to_vec()
}

fn rmsprop() -> Vec<OptimizerSpec> {
    let plain = RmsProp {
        flavour: Flavour::PyTorch,
        alpha: 0.9,
        epsilon: 1e-6,
        initial_mean_square: 0.0,
        momentum: 0.0,
        centered: false,
        weight_decay: 0.0,
    };
    let keras = RmsProp { flavour: Flavour::Keras, epsilon: 1e-2, ..plain };
    let tf1 = RmsProp { flavour: Flavour::Tf1, initial_mean_square: 1.0, ..plain };
    [
        plain,
        RmsProp { momentum: 0.9, ..plain },
        RmsProp { centered: true, ..plain },
        RmsProp { momentum: 0.9, centered: true, weight_decay: 0.1, ..plain },
        keras,
        RmsProp { momentum: 0.9, weight_decay: 0.1, ..keras },
        RmsProp { momentum: 0.9, centered: true, ..keras },
        tf1,
        RmsProp { momentum: 0.9, centered: true, ..tf1 },
    ]
    .map(OptimizerSpec::RmsProp)
    .to_vec()
}

fn adam() -> Vec<OptimizerSpec> {
    let plain = Adam { flavour: Flavour::PyTorch, beta1: 0.9, beta2: 0.999, epsilon: 1e-6, amsgrad: false, weight_decay: 0.0 };
    let keras = Adam { flavour: Flavour::Keras, epsilon: 1e-3, amsgrad: true, weight_decay: 0.1, ..plain };
    vec![
        OptimizerSpec::Adam(plain),
        OptimizerSpec::Adam(Adam { amsgrad: true, weight_decay: 0.1, ..plain }),
        OptimizerSpec::AdamW(Adam { weight_decay: 0.1, ..plain }),
        OptimizerSpec::Adam(keras),
        OptimizerSpec::AdamW(keras),
        OptimizerSpec::Adam(Adam { flavour: Flavour::Tf1, ..plain }),
    ]
}

/// With every way of clipping, over a few steps of changing rates.
pub fn every_optimizer_follows_the_cores_formula<B: Backend>(make: Make<'_, B>) {
    let clips = [ClipSpec::None {}, ClipSpec::Norm { theta: 3.0, epsilon: 1e-6 }, ClipSpec::Value { limit: 0.4 }];
    let rates = [0.05, 0.05, 0.01, 0.1];
    let (parameters, gradients) = numbers();
    for spec in all() {
        for clip in clips {
            let got = walk(make(), &spec, &clip, &rates, &parameters, &gradients).expect("the buffers fit");
            let want = by_formula::<B::Real>(&spec, &clip, &rates, &parameters, &gradients);
            let what = format!("{spec:?} with {clip:?}");
            for (step, (got, want)) in got.path.iter().zip(&want.path).enumerate() {
                OPTIMIZER.assert(&format!("{what}: parameters after step {step}"), got, want);
            }
            for (index, (got, want)) in got.moments.iter().zip(&want.moments).enumerate() {
                OPTIMIZER.assert(&format!("{what}: moment {index}"), got, want);
            }
        }
    }
}

/// Where parameter and gradient are 0, as between tensors, both stay 0.
pub fn padding_stays_zero<B: Backend>(make: Make<'_, B>) {
    let (mut parameters, mut gradients) = numbers();
    parameters[100..164].fill(0.0);
    gradients.iter_mut().for_each(|gradients| gradients[100..164].fill(0.0));
    for spec in all() {
        let clip = ClipSpec::Norm { theta: 1.0, epsilon: 0.0 };
        let left = walk(make(), &spec, &clip, &[0.1; STEPS], &parameters, &gradients).expect("the buffers fit");
        for path in left.path {
            assert!(path[100..164].iter().all(|&value| value == 0.0), "{spec:?}");
        }
    }
}

fn numbers() -> (Vec<f64>, Vec<Vec<f64>>) {
    let draw = |instance: u32| {
        let key = Key::stream(11, Stream::Init, instance);
        (0..LENGTH as u64).map(|i| f64::from(key.normal(i) as f32)).collect::<Vec<f64>>()
    };
    (draw(0), (1..=STEPS as u32).map(draw).collect())
}

fn by_formula<R: Scalar>(spec: &OptimizerSpec, clip: &ClipSpec, rates: &[f64], parameters: &[f64], gradients: &[Vec<f64>]) -> Walk {
    let to = |values: &[f64]| values.iter().map(|&value| R::from_f64(value)).collect::<Vec<R>>();
    let mut parameters = to(parameters);
    let mut moments: Vec<Vec<R>> = spec.moments().iter().map(|moment| vec![R::from_f64(moment.initial); LENGTH]).collect();
    let mut path = Vec::new();
    for ((step, &rate), gradients) in (0..).zip(rates).zip(gradients) {
        let mut gradients = to(gradients);
        let scale = clip_by_formula(clip, &mut gradients);
        let mut slices: Vec<&mut [R]> = moments.iter_mut().map(Vec::as_mut_slice).collect();
        spec.apply(&spec.scalars(step, rate), R::from_f64(scale), &mut parameters, &gradients, &mut slices);
        path.push(wide(&parameters));
    }
    Walk { path, moments: moments.iter().map(|moment| wide(moment)).collect() }
}

/// The factor of the gradients.
fn clip_by_formula<R: Scalar>(clip: &ClipSpec, gradients: &mut [R]) -> f64 {
    match *clip {
        ClipSpec::None {} => 1.0,
        ClipSpec::Norm { theta, epsilon } => {
            let partials: Vec<f64> = gradients.chunks(CHUNK).map(square_sum).collect();
            norm_scale(global_norm(&partials), theta, epsilon)
        }
        ClipSpec::Value { limit } => {
            clip_value(gradients, limit);
            1.0
        }
    }
}
