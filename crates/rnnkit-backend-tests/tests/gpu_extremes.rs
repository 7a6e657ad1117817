//! Numbers at the ends of their range on the GPU: weights that 16 bits do not hold, and states so large that a gate must be shut entirely.

use std::sync::atomic::AtomicBool;

use rnnkit_backend_tests::gpu;
use rnnkit_backend_tests::suite::models::{CELLS, Sample, Sizes, symbols};
use rnnkit_backend_tests::suite::training::Trainer;
use rnnkit_backend_tests::tolerances::F32_AGAINST_F64;
use rnnkit_core::backend::Backend;
use rnnkit_core::cell::CellKind;
use rnnkit_core::reference::Reference;
use rnnkit_core::session::EvaluationRequest;
use rnnkit_wgpu::{Form, Precision};

const SIZES: Sizes = Sizes { lanes: 3, time: 5, windows: 3 };

/// The largest number of 16 bits trains; one more makes the loss NaN, in training and in a score, and changes nothing. As an infinite weight
/// it would only saturate most cells, and the score would be another model's.
#[test]
fn a_weight_that_16_bits_do_not_hold_is_never_used() {
    if !gpu::is_there(Precision::F16) {
        return;
    }
    for (cell, form) in CELLS.into_iter().flat_map(|cell| [(cell, Form::Step), (cell, Form::Resident)]) {
        let sample = Sample::new("16 bits", symbols(cell, 7, &[5, 6]), SIZES);
        // Of the weights between layers the step form alone has a copy in 16 bits.
        let packed = ["weight_hh_l0", "weight_hh_l1", "weight_ih_l1"];
        for name in packed.into_iter().filter(|name| form == Form::Step || *name != "weight_ih_l1") {
            for (value, holds) in [(65504.0, true), (65600.0, false), (-1e5, false)] {
                let what = format!("{cell:?}, {form:?}, {name} = {value}");
                let gpu = gpu::open(Precision::F16, Some(form)).expect("an adapter, as was asked before");
                let mut trainer = Trainer::new(gpu, &sample);
                let mut parameters = trainer.session.parameters().expect("parameters");
                parameters[trainer.session.plan().params.tensor(name).expect("the model has it").offset + 1] = value;
                trainer.session.set_parameters(&parameters).expect("the sizes fit");
                let before = trainer.state();
                assert_eq!(score(&mut trainer).err().map(|error| error.code()), (!holds).then_some("ERR_NON_FINITE"), "{what}");
                let call = trainer.train(0, 2, 0.01);
                if holds {
                    assert_eq!(call.applied, 2, "{what}");
                } else {
                    assert!(call.reports.iter().all(|report| report.non_finite) && call.applied == 0, "{what}");
                    trainer.state().assert_same(&before, &what);
                }
            }
        }
    }
}

fn score<B: Backend>(trainer: &mut Trainer<'_, B>) -> rnnkit_core::Result<f64> {
    let (starts, resets) = (trainer.sample.setup.starts.clone(), vec![false; SIZES.lanes]);
    let request =
        EvaluationRequest { data: trainer.data, lanes: SIZES.lanes, time: SIZES.time, starts, resets, lengths: None, every_step: true };
    let evaluation = trainer.session.begin_evaluation(SIZES.lanes)?;
    Ok(trainer.session.evaluate(evaluation, &request, &AtomicBool::new(false))?[0].loss)
}

/// What is left of a gate that should be 0 is multiplied by the state twice on the way back.
#[test]
fn a_shut_gate_passes_nothing_of_a_large_state() {
    if !gpu::is_there(Precision::F32) {
        return;
    }
    fn train<B: Backend>(backend: B, sample: &Sample) -> Vec<f64> {
        let report = Trainer::new(backend, sample).train(0, 1, 0.01).reports[0];
        vec![report.loss, report.gradient_norm]
    }
    for large in [1e20, 1e30] {
        let mut sample = Sample::new("a large state", symbols(CellKind::Gru, 7, &[5, 6]), SIZES);
        sample.carry[1] = f64::from(large as f32);
        let want = train(Reference::<f32>::new(), &sample);
        for form in [Form::Step, Form::Resident] {
            let got = train(gpu::open(Precision::F32, Some(form)).expect("an adapter, as was asked before"), &sample);
            F32_AGAINST_F64.assert(&format!("{large:e}, {form:?}"), &got, &want);
        }
    }
}
