//! What a session refuses with an error, however large or wrong it is, and stays of use after.

use std::sync::atomic::AtomicBool;

use super::{Context, EvaluationRequest, Sampling, Session};
use crate::error::Error;
use crate::reference::Reference;
use crate::sampler::SamplingOptions;
use crate::window::{Sequence, Values};

const LIMIT: u64 = 1 << 20;

/// Five symbols in and out; of the head `predict`.
fn session(layer: &str, predict: &str) -> Session<Reference<f32>> {
    let json = format!(
        r#"{{"input":{{"kind":"oneHot","vocabulary":5}},"layers":[{layer}],
             "head":{{"predict":"{predict}","size":5}},"loss":{{"kind":"crossEntropy"}}}}"#
    );
    Session::new(Reference::new(), &serde_json::from_str(&json).expect("a model"), LIMIT).expect("a session")
}

fn forward_model() -> Session<Reference<f32>> {
    session(r#"{"kind":"recurrent","cell":"gru","size":3}"#, "everyStep")
}

fn sampling(context: Context) -> Sampling {
    let options = SamplingOptions { temperature: 1.0, top_k: 0, top_p: 1.0, min_p: 0.0, greedy: false };
    Sampling { options, seed: 1, context }
}

fn windows(data: u32, time: usize, starts: Vec<u32>) -> EvaluationRequest {
    EvaluationRequest { data, lanes: 1, time, resets: vec![true; starts.len()], starts, lengths: None, every_step: false }
}

fn field(error: &Error) -> Option<String> {
    error.data().field
}

#[test]
fn targets_of_another_length_are_refused_whatever_stands_in_them() {
    let sequence = Sequence {
        used: Some(std::iter::once(0..3).collect()),
        ..Sequence::paired(Values::Ids(vec![0, 1, 2]), Values::Ids(vec![0, 1, 2, 9]))
    };
    let error = forward_model().load(&sequence).expect_err("four targets for three inputs");
    assert_eq!((field(&error).as_deref(), error.to_string().contains("3 positions")), (Some("targets"), true), "{error}");
}

#[test]
fn windows_stay_within_the_positions_that_are_used() {
    let ids = Values::Ids(vec![0, 1, 2, 99, 99, 3, 4]);
    let paired = Sequence { used: Some(vec![0..3, 5..7]), ..Sequence::paired(ids.clone(), ids) };
    let shifted = Sequence { used: Some(std::iter::once(0..3).collect()), ..Sequence::shifted(vec![0, 1, 2, 99]) };
    let mut session = forward_model();
    let (paired, shifted) = (session.load(&paired).expect("what is not used may be anything"), session.load(&shifted).expect("likewise"));
    let evaluation = session.begin_evaluation(1).expect("an evaluation");
    let mut scored =
        |request: &EvaluationRequest| session.evaluate(evaluation, request, &AtomicBool::new(false)).map(|reports| reports.len());
    for (data, time, start) in [(paired, 4, 0), (paired, 1, 3), (paired, 2, 4), (paired, 3, 5), (shifted, 3, 0)] {
        let error = scored(&windows(data, time, vec![start])).expect_err("padding would be read");
        assert_eq!(field(&error).as_deref(), Some("starts[0]"), "{error}");
    }
    assert_eq!(scored(&windows(paired, 3, vec![0])), Ok(1));
    assert_eq!(scored(&windows(paired, 2, vec![5])), Ok(1));
    assert_eq!(scored(&windows(shifted, 2, vec![0])), Ok(1));
    let empty = EvaluationRequest { lengths: Some(vec![0]), ..windows(paired, 2, vec![3]) };
    assert_eq!(scored(&empty), Ok(1), "a lane without time steps reads nothing");
}

#[test]
fn predictions_that_no_memory_holds_are_refused() {
    let mut session = forward_model();
    let data = session.load(&Sequence::shifted(vec![0; 50])).expect("data");
    let evaluation = session.begin_evaluation(1).expect("an evaluation");
    let mut predicted = |windows: &EvaluationRequest| session.predict(evaluation, windows, &AtomicBool::new(false));
    let refused = predicted(&windows(data, 40, vec![0; 10_000])).expect_err("8 MB of logits");
    assert!(matches!(refused, Error::Memory { .. }), "{refused}");
    for _ in 0..3 {
        assert_eq!(
            predicted(&windows(data, 40, vec![0; 600])).map(|logits| logits.len()),
            Ok(600 * 40 * 5),
            "what was taken is given back"
        );
    }
}

#[test]
fn a_stream_takes_its_memory_from_the_limit_and_gives_it_back() {
    let mut session = forward_model();
    for length in [1 << 50, usize::MAX] {
        let refused = session.begin_sampling(&sampling(Context::Window { length })).expect_err("no machine has that");
        assert!(matches!(refused, Error::Memory { .. }), "{refused}");
    }
    let long = sampling(Context::Window { length: (LIMIT / 8) as usize });
    for _ in 0..10 {
        let stream = session.begin_sampling(&long).expect("half of the limit");
        session.end_sampling(stream);
    }
}

#[test]
fn a_model_of_two_directions_is_sampled_from_windows_alone() {
    let mut session = session(r#"{"kind":"recurrent","cell":"gru","size":3,"bidirectional":true}"#, "lastStep");
    let error = session.begin_sampling(&sampling(Context::Carry)).expect_err("the end has no past");
    assert_eq!(field(&error).as_deref(), Some("context"), "{error}");
    session.begin_sampling(&sampling(Context::Window { length: 4 })).expect("a window");
}
