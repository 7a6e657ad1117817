//! Lanes of different lengths, moving statistics, predictions and inspections, through windows and sessions.

use std::sync::atomic::AtomicBool;

use rnnkit_core::backend::{Backend, Tap};
use rnnkit_core::cell::CellKind;
use rnnkit_core::grad_clip::ClipSpec;
use rnnkit_core::plan::Layer;
use rnnkit_core::session::{EvaluationRequest, InspectionRequest, TrainingSetup};
use rnnkit_core::spec::Predict;
use rnnkit_core::window::{Masks, Targets};

use super::Make;
use super::layers::{batch_norm, layered};
use super::models::{Sample, Sizes, symbols};
use super::training::Trainer;
use crate::tolerances::{BITS, FAST_PATH};
use crate::window::{OneWindow, SGD, wide};

/// Each lane of a window ends in the states, and has the loss, that it has alone in a window as long as it is.
pub fn a_lane_with_a_length_is_as_if_it_were_alone<B: Backend>(make: Make<'_, B>) {
    // Lanes share statistics, and a given mask counts lanes.
    let alone = |sample: &Sample| {
        let norm = |layer: &Layer| matches!(layer, Layer::BatchNorm(_));
        let plan = rnnkit_core::plan::ModelPlan::new(&sample.setup.spec).expect("a sample's model is valid");
        sample.setup.lengths.is_some() && sample.setup.masks == Masks::Off && !plan.layers.iter().any(norm)
    };
    for sample in layered().iter().filter(|sample| alone(sample)) {
        let mut window = OneWindow::new(make(), &sample.setup).expect("a sample is valid");
        window.set_parameters(&sample.parameters).expect("the sizes fit");
        window.set_carry(&sample.carry);
        let together = window.evaluate().expect("a window of the sample");
        let carry = window.carry().expect("a carry");
        let mut nats = 0.0;
        for lane in 0..sample.setup.lanes {
            let length = window.length(lane);
            let of_lane = |carry: &[f64]| carry_of_lane(&window, carry, lane, sample.setup.lanes);
            if length == 0 {
                BITS.assert(&format!("{}: lane {lane}, empty", sample.name), &of_lane(&carry), &of_lane(&sample.carry));
                continue;
            }
            let mut setup = sample.setup.clone();
            (setup.lanes, setup.time, setup.lengths) = (1, length, None);
            (setup.starts, setup.resets) = (vec![sample.setup.starts[lane]], vec![false]);
            let mut single = OneWindow::new(make(), &setup).expect("a lane of a sample is valid");
            single.set_parameters(&sample.parameters).expect("the sizes fit");
            single.set_carry(&of_lane(&sample.carry));
            nats += single.evaluate().expect("a window of the lane").nats;
            FAST_PATH.assert(&format!("{}: lane {lane}", sample.name), &of_lane(&carry), &single.carry().expect("a carry"));
        }
        FAST_PATH.assert(&format!("{}: nats", sample.name), &[together.nats], &[nats]);
    }
}

/// The part of a carry that belongs to one of `lanes` lanes, laid out as a carry of one.
fn carry_of_lane<B: Backend>(window: &OneWindow<B>, carry: &[f64], lane: usize, lanes: usize) -> Vec<f64> {
    let layout = &window.plan().carry;
    let states = (0..layout.slots()).flat_map(|slot| [Some(layout.hidden(slot, lanes)), layout.cell_state(slot, lanes)]);
    let of = |range: std::ops::Range<usize>| carry[range.clone()][lane * range.len() / lanes..(lane + 1) * range.len() / lanes].to_vec();
    states.flatten().flat_map(of).collect()
}

/// A step moves them; a step that is refused, and an evaluation, do not.
pub fn statistics_move_with_a_step_that_stands<B: Backend>(make: Make<'_, B>) {
    let mut spec = symbols(CellKind::Lstm, 5, &[4]);
    spec.layers.push(batch_norm());
    let sample = Sample::new("statistics", spec, Sizes { lanes: 3, time: 4, windows: 2 });
    let setup = TrainingSetup { optimizer: SGD, clip: ClipSpec::None {}, seed: 5 };
    let mut trainer = Trainer::with(make(), &sample, &setup);
    let statistics = |trainer: &mut Trainer<'_, B>| {
        let from = trainer.session.plan().params.trainable();
        wide(&trainer.session.parameters().expect("parameters"))[from..].to_vec()
    };
    let before = statistics(&mut trainer);
    trainer.evaluate(0, 2);
    BITS.assert("after an evaluation", &statistics(&mut trainer), &before);
    // A learning rate that no parameter survives.
    trainer.train(0, 1, f64::INFINITY);
    BITS.assert("after a refused step", &statistics(&mut trainer), &before);
    trainer.train(0, 1, 0.01);
    let after = statistics(&mut trainer);
    assert!(after.iter().zip(&before).filter(|(after, before)| after != before).count() >= 8, "{after:?} after a step");
}

/// Data without targets give the logits that a window with a loss has.
pub fn predictions_are_the_logits_of_each_window<B: Backend>(make: Make<'_, B>) {
    for sample in layered().iter().filter(|sample| sample.setup.masks == Masks::Off) {
        let mut trainer = Trainer::new(make(), sample);
        let mut sequence = sample.setup.sequence.clone();
        sequence.targets = Targets::None;
        let data = trainer.session.load(&sequence).expect("data without targets");
        let request = EvaluationRequest {
            data,
            lanes: sample.setup.lanes,
            time: sample.setup.time,
            starts: sample.setup.starts.clone(),
            resets: vec![true; sample.setup.lanes],
            lengths: sample.setup.lengths.clone(),
            every_step: false,
        };
        let inspection = InspectionRequest {
            data,
            lanes: request.lanes,
            time: request.time,
            starts: request.starts.clone(),
            lengths: request.lengths.clone(),
            gradients: false,
            taps: Vec::new(),
        };
        let off = AtomicBool::new(false);
        let evaluation = trainer.session.begin_evaluation(request.lanes).expect("a carry");
        let predicted = trainer.session.predict(evaluation, &request, &off).expect("the windows lie in the data");
        let inspected = trainer.session.inspect(&inspection, &off).expect("the window lies in the data");
        let rows = if sample.setup.spec.head.predict == Predict::EveryStep { request.time } else { 1 };
        assert_eq!(predicted.len(), rows * request.lanes * sample.setup.spec.head.size, "{}", sample.name);
        FAST_PATH.assert(&sample.name, &wide(&predicted), &wide(&inspected.logits));
    }
}

/// Looking inside gives the numbers of a training step, and changes nothing.
pub fn an_inspection_shows_what_training_computes<B: Backend>(make: Make<'_, B>) {
    for sample in layered().iter().filter(|sample| sample.setup.masks == Masks::Off) {
        let mut window = OneWindow::new(make(), &sample.setup).expect("a sample is valid");
        window.set_parameters(&sample.parameters).expect("the sizes fit");
        window.set_carry(&vec![0.0; sample.carry.len()]);
        let report = window.train().expect("a window of the sample");
        let mut trainer = Trainer::new(make(), sample);
        let request = InspectionRequest {
            data: trainer.data,
            lanes: sample.setup.lanes,
            time: sample.setup.time,
            starts: sample.setup.starts.clone(),
            lengths: sample.setup.lengths.clone(),
            gradients: true,
            taps: vec![Tap::CarryGradient],
        };
        let before = trainer.state();
        let shown = trainer.session.inspect(&request, &AtomicBool::new(false)).expect("the window lies in the data");
        trainer.state().assert_same(&before, &sample.name);
        let name = |what: &str| format!("{}: {what}", sample.name);
        FAST_PATH.assert(&name("loss"), &[shown.report.expect("a loss").loss], &[report.loss]);
        FAST_PATH.assert(&name("gradients"), &wide(&shown.gradients), &window.gradients().expect("gradients"));
        FAST_PATH.assert(&name("carry gradient"), &wide(&shown.taps[0]), &window.tap(Tap::CarryGradient).expect("taps"));
    }
}
