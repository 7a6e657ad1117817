//! Trainings through a session: windows a call, resets, evaluation, going on where one stood.

use std::sync::atomic::AtomicBool;
use std::time::Instant;

use rnnkit_core::backend::Backend;
use rnnkit_core::cell::CellKind;
use rnnkit_core::grad_clip::ClipSpec;
use rnnkit_core::optim::{Adam, Flavour, OptimizerSpec};
use rnnkit_core::session::{EvaluationRequest, Session, TrainedCall, TrainingRequest, TrainingSetup};
use rnnkit_core::window::{Masks, Report};

use super::Make;
use super::models::{CELLS, Sample, Sizes, dropped, symbols};
use crate::tolerances::{BITS, FAST_PATH};
use crate::window::{real, wide};

/// Adam with its usual options.
pub const ADAM: OptimizerSpec =
    OptimizerSpec::Adam(Adam { flavour: Flavour::PyTorch, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, amsgrad: false, weight_decay: 0.0 });

/// A session in the middle of training a sample.
pub struct Trainer<'a, B: Backend> {
    /// The session.
    pub session: Session<B>,
    /// The sample.
    pub sample: &'a Sample,
    /// The sample's data.
    pub data: u32,
}

/// Everything a training keeps.
#[derive(Debug, Clone, PartialEq)]
pub struct State {
    /// The flat buffer.
    pub parameters: Vec<f64>,
    /// All moments, one after another.
    pub moments: Vec<f64>,
    /// The flat carry.
    pub carry: Vec<f64>,
    /// Optimizer steps.
    pub steps: u64,
}

impl State {
    /// Panics unless both hold the same bits (any NaN is as good as another).
    pub fn assert_same(&self, other: &State, what: &str) {
        BITS.assert(&format!("{what}: parameters"), &self.parameters, &other.parameters);
        BITS.assert(&format!("{what}: moments"), &self.moments, &other.moments);
        BITS.assert(&format!("{what}: carry"), &self.carry, &other.carry);
        assert_eq!(self.steps, other.steps, "{what}: steps");
    }
}

impl<'a, B: Backend> Trainer<'a, B> {
    /// At the sample's parameters and carry, with Adam and clipping by norm.
    pub fn new(backend: B, sample: &'a Sample) -> Self {
        let clip = ClipSpec::Norm { theta: 0.1, epsilon: 0.0 };
        Self::with(backend, sample, &TrainingSetup { optimizer: ADAM, clip, seed: 3 })
    }

    /// At the sample's parameters and carry.
    pub fn with(backend: B, sample: &'a Sample, setup: &TrainingSetup) -> Self {
        let mut session = Session::new(backend, &sample.setup.spec, u64::MAX).expect("a sample is valid");
        session.set_parameters(&real::<B>(&sample.parameters)).expect("the sizes fit");
        let data = session.load(&sample.setup.sequence).expect("a sample's data are valid");
        session.configure(setup).expect("the setup is valid");
        let moments = session.moments().expect("moments after configure");
        let carry = (sample.setup.lanes, real::<B>(&sample.carry));
        session.restore(0, &moments, Some(carry)).expect("the sizes fit");
        Self { session, sample, data }
    }

    /// Windows `first..first + count` of the sample.
    pub fn request(&self, first: usize, count: usize, learning_rate: f64) -> TrainingRequest {
        TrainingRequest {
            data: self.data,
            lanes: self.sample.setup.lanes,
            time: self.sample.setup.time,
            starts: starts(self.sample, first, count),
            resets: vec![false; count * self.sample.setup.lanes],
            lengths: self.lengths(count),
            learning_rates: vec![learning_rate; count],
            masks: match &self.sample.setup.masks {
                Masks::Given(masks) => Some(masks.clone()),
                _ => None,
            },
        }
    }

    /// The sample's lengths for so many windows.
    fn lengths(&self, count: usize) -> Option<Vec<u32>> {
        self.sample.setup.lengths.as_ref().map(|lengths| lengths.repeat(count))
    }

    /// Trains on those windows.
    pub fn train(&mut self, first: usize, count: usize, learning_rate: f64) -> TrainedCall {
        let request = self.request(first, count, learning_rate);
        self.session.train(&request, &AtomicBool::new(false)).expect("the windows lie in the data")
    }

    /// Scores those windows from a zero carry.
    pub fn evaluate(&mut self, first: usize, count: usize) -> Vec<Report> {
        let (lanes, time) = (self.sample.setup.lanes, self.sample.setup.time);
        let evaluation = self.session.begin_evaluation(lanes).expect("room for a carry");
        let starts = starts(self.sample, first, count);
        let resets = vec![false; starts.len()];
        let request = EvaluationRequest { data: self.data, lanes, time, starts, resets, lengths: self.lengths(count), every_step: false };
        let reports = self.session.evaluate(evaluation, &request, &AtomicBool::new(false)).expect("the windows lie in the data");
        self.session.end_evaluation(evaluation);
        reports
    }

    /// What the training keeps.
    pub fn state(&mut self) -> State {
        State {
            parameters: wide(&self.session.parameters().expect("parameters")),
            moments: self.session.moments().expect("moments").iter().flat_map(|moment| wide(moment)).collect(),
            carry: self.session.carry().expect("a carry").map_or(Vec::new(), |(_, carry)| wide(&carry)),
            steps: self.session.steps(),
        }
    }
}

fn starts(sample: &Sample, first: usize, count: usize) -> Vec<u32> {
    let of = |window: usize| sample.setup.starts.iter().map(move |start| start + (window * sample.setup.time) as u32);
    (first..first + count).flat_map(of).collect()
}

fn losses(reports: &[Report]) -> Vec<f64> {
    reports.iter().flat_map(|report| [report.loss, report.nats, report.gradient_norm]).collect()
}

/// Samples to train on: every cell, dropout drawn anew each step.
pub fn training_samples() -> Vec<Sample> {
    let sizes = Sizes { lanes: 3, time: 5, windows: 4 };
    CELLS.iter().map(|&cell| Sample::new(format!("training {cell:?}"), dropped(cell), sizes)).collect()
}

/// K is a matter of calls, not of numbers.
pub fn four_windows_in_one_call_equal_one_window_in_four_calls<B: Backend>(make: Make<'_, B>) {
    for sample in &training_samples() {
        let (mut together, mut apart) = (Trainer::new(make(), sample), Trainer::new(make(), sample));
        let call = together.train(0, 4, 0.02);
        let reports: Vec<Report> = (0..4).flat_map(|k| apart.train(k, 1, 0.02).reports).collect();
        assert_eq!((call.applied, call.aborted), (4, false), "{}", sample.name);
        assert!(call.reports.iter().any(|report| report.clipped), "{}: the clip must act", sample.name);
        BITS.assert(&format!("{}: losses", sample.name), &losses(&call.reports), &losses(&reports));
        together.state().assert_same(&apart.state(), &sample.name);
    }
}

/// The same as a zero carry written by hand, lane by lane.
pub fn a_reset_lane_starts_from_zero_and_leaves_the_others_alone<B: Backend>(make: Make<'_, B>) {
    for sample in &training_samples() {
        let mut reset = Trainer::new(make(), sample);
        let mut request = reset.request(0, 2, 0.02);
        request.resets = vec![false, true, false, true, false, false];
        let call = reset.session.train(&request, &AtomicBool::new(false)).expect("the windows lie in the data");

        let mut by_hand = Trainer::new(make(), sample);
        let mut reports = Vec::new();
        for (k, lane) in [(0, 1), (1, 0)] {
            zero_lane(&mut by_hand, lane);
            reports.extend(by_hand.train(k, 1, 0.02).reports);
        }
        BITS.assert(&format!("{}: losses", sample.name), &losses(&call.reports), &losses(&reports));
        reset.state().assert_same(&by_hand.state(), &sample.name);
    }
}

fn zero_lane<B: Backend>(trainer: &mut Trainer<'_, B>, lane: usize) {
    let (lanes, mut carry) = trainer.session.carry().expect("a carry").expect("training has a carry");
    let layout = trainer.session.plan().carry.clone();
    for slot in 0..layout.slots() {
        let size = layout.size(slot);
        for range in [Some(layout.hidden(slot, lanes)), layout.cell_state(slot, lanes)].into_iter().flatten() {
            carry[range][lane * size..(lane + 1) * size].fill(B::Real::default());
        }
    }
    let (steps, moments) = (trainer.session.steps(), trainer.session.moments().expect("moments"));
    trainer.session.restore(steps, &moments, Some((lanes, carry))).expect("the sizes fit");
}

/// Without dropout, learning rate 0 and one evaluation over the same windows.
pub fn evaluation_and_training_give_the_same_loss_without_dropout<B: Backend>(make: Make<'_, B>) {
    for cell in CELLS {
        let sizes = Sizes { lanes: 3, time: 5, windows: 4 };
        let mut sample = Sample::new(format!("evaluation {cell:?}"), symbols(cell, 7, &[6, 5]), sizes);
        sample.carry.fill(0.0);
        let mut trainer = Trainer::new(make(), &sample);
        let trained = trainer.train(0, 4, 0.0).reports;
        let evaluated = trainer.evaluate(0, 4);
        let of = |reports: &[Report]| reports.iter().flat_map(|report| [report.loss, report.nats, report.count as f64]).collect::<Vec<_>>();
        FAST_PATH.assert(&sample.name, &of(&evaluated), &of(&trained));
    }
}

/// Two windows, everything read out and handed to a new session, two more.
pub fn a_restored_training_goes_on_with_the_same_bits<B: Backend>(make: Make<'_, B>) {
    let sizes = Sizes { lanes: 3, time: 5, windows: 4 };
    let sample = Sample::new("restored", dropped(CellKind::Lstm), sizes);
    let mut whole = Trainer::new(make(), &sample);
    whole.train(0, 4, 0.02);
    let mut first = Trainer::new(make(), &sample);
    first.train(0, 2, 0.02);
    let mut second = Trainer::new(make(), &sample);
    second.session.set_parameters(&first.session.parameters().expect("parameters")).expect("the sizes fit");
    let carry = first.session.carry().expect("a carry");
    let moments = first.session.moments().expect("moments");
    second.session.restore(first.session.steps(), &moments, carry).expect("the sizes fit");
    second.train(2, 2, 0.02);
    second.state().assert_same(&whole.state(), "restored");
}

/// Whichever clock they are timed by; its ticks, and how it goes beside the host's, are allowed a hundredth.
pub fn windows_take_no_longer_than_their_call<B: Backend>(make: Make<'_, B>) {
    let sample = &training_samples()[0];
    let mut trainer = Trainer::new(make(), sample);
    for windows in [1, 3] {
        let clock = Instant::now();
        let call = trainer.train(0, windows, 0.02);
        let took = clock.elapsed().as_secs_f64() * 1e3;
        assert_eq!(call.milliseconds.len(), windows);
        assert!(call.milliseconds.iter().all(|&window| window > 0.0), "{:?}", call.milliseconds);
        let together: f64 = call.milliseconds.iter().sum();
        assert!(together < 1.01 * took, "{:?} ms in a call of {took}, {:?}", call.milliseconds, call.timing);
    }
}

/// Packed copies of weights, in training's workspace and in evaluation's, follow every change of the parameters.
pub fn every_workspace_sees_the_parameters_as_they_are<B: Backend>(make: Make<'_, B>) {
    for sample in &training_samples() {
        let mut trainer = Trainer::new(make(), sample);
        let untrained = losses(&trainer.evaluate(0, 4));
        trainer.train(0, 2, 0.02);
        let trained = losses(&trainer.evaluate(0, 4));
        assert_ne!(untrained, trained, "{}: training changes the loss", sample.name);
        let mut fresh = Trainer::new(make(), sample);
        fresh.session.set_parameters(&trainer.session.parameters().expect("parameters")).expect("the sizes fit");
        BITS.assert(&format!("{}: evaluation after training", sample.name), &trained, &losses(&fresh.evaluate(0, 4)));

        trainer.session.set_parameters(&real::<B>(&sample.parameters)).expect("the sizes fit");
        BITS.assert(&format!("{}: evaluation after writing", sample.name), &losses(&trainer.evaluate(0, 4)), &untrained);
        let (call, mut from_start) = (trainer.train(2, 1, 0.0), Trainer::new(make(), sample));
        from_start.train(0, 2, 0.02);
        from_start.session.set_parameters(&real::<B>(&sample.parameters)).expect("the sizes fit");
        let want = from_start.train(2, 1, 0.0);
        BITS.assert(&format!("{}: training after writing", sample.name), &losses(&call.reports), &losses(&want.reports));
    }
}
