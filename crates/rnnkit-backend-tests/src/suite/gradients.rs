//! Backpropagation in the f64 oracle against central differences of the loss: what all other gradients rest on.

use rnnkit_core::backend::Tap;
use rnnkit_core::reference::{HostData, Reference};
use rnnkit_core::window::Values;

use super::models::Sample;
use crate::tolerances::CENTRAL_DIFFERENCES;
use crate::window::OneWindow;

/// Half the distance between the two losses of a difference.
const STEP: f64 = 1e-5;

/// Parameters, starting carry and real inputs.
pub fn backpropagation_matches_central_differences(samples: &[Sample]) {
    for sample in samples {
        let mut window = OneWindow::new(Reference::<f64>::new(), &sample.setup).expect("a sample is valid");
        window.set_parameters(&sample.parameters).expect("the sizes fit");
        window.set_carry(&sample.carry);
        window.train().expect("a window of the sample");
        let gradients = window.gradients().expect("gradients after training");
        let d_carry = window.tap(Tap::CarryGradient).expect("taps were prepared");
        parameters(sample, &mut window, &gradients);
        let by_difference = differences(&sample.carry, |carry| {
            window.set_carry(carry);
            loss(&mut window)
        });
        CENTRAL_DIFFERENCES.assert(&format!("{}: carry", sample.name), &d_carry, &by_difference);
        window.set_carry(&sample.carry);
        if matches!(sample.setup.sequence.inputs, Values::Real { .. }) {
            window.train().expect("a window of the sample");
            let d_input = window.tap(Tap::InputGradient).expect("taps were prepared");
            real_input(sample, &mut window, &d_input);
        }
    }
}

fn parameters(sample: &Sample, window: &mut OneWindow<Reference<f64>>, gradients: &[f64]) {
    for tensor in window.plan().params.clone().trained() {
        let mut parameters = sample.parameters.clone();
        let by_difference = differences(&sample.parameters[tensor.range()], |values| {
            parameters[tensor.range()].copy_from_slice(values);
            window.set_parameters(&parameters).expect("the sizes fit");
            loss(window)
        });
        CENTRAL_DIFFERENCES.assert(&format!("{}: {}", sample.name, tensor.name), &gradients[tensor.range()], &by_difference);
    }
    window.set_parameters(&sample.parameters).expect("the sizes fit");
}

/// The tap is [T, N, E]; the data lie lane after lane.
fn real_input(sample: &Sample, window: &mut OneWindow<Reference<f64>>, d_input: &[f64]) {
    let HostData::Real { width, values } = &window.data.inputs else { panic!("real inputs are rows") };
    let (width, values) = (*width, values.clone());
    let by_difference = differences(&values, |values| {
        window.data.inputs = HostData::Real { width, values: values.to_vec() };
        loss(window)
    });
    let lanes = sample.setup.lanes;
    let row = |t: usize, lane: usize| (sample.setup.starts[lane] as usize + t) * width;
    let arranged: Vec<f64> = (0..sample.setup.time)
        .flat_map(|t| (0..lanes).map(move |lane| (t, lane)))
        .flat_map(|(t, lane)| by_difference[row(t, lane)..row(t, lane) + width].to_vec())
        .collect();
    CENTRAL_DIFFERENCES.assert(&format!("{}: input", sample.name), d_input, &arranged);
}

fn loss(window: &mut OneWindow<Reference<f64>>) -> f64 {
    // In training, as batch normalisation takes the window's statistics there.
    window.train().expect("a window of the sample").loss
}

fn differences(at: &[f64], mut loss: impl FnMut(&[f64]) -> f64) -> Vec<f64> {
    let mut values = at.to_vec();
    (0..at.len())
        .map(|i| {
            values[i] = at[i] + STEP;
            let above = loss(&values);
            values[i] = at[i] - STEP;
            let below = loss(&values);
            values[i] = at[i];
            (above - below) / (2.0 * STEP)
        })
        .collect()
}
