//! A tap of what a model or a run does not have is an error, not a panic.

use std::sync::atomic::AtomicBool;

use rnnkit_core::backend::Tap;
use rnnkit_core::cell::CellKind;
use rnnkit_core::session::{InspectionRequest, Session};
use rnnkit_core::spec::{HeadSpec, InputSpec, LayerSpec, LossSpec, ModelSpec, Predict, Projection, Reduction};
use rnnkit_core::window::Sequence;
use rnnkit_core::{Error, Result};
use rnnkit_cpu::Cpu;

/// One window of a GRU over ids, with a dense head.
fn shown(tap: Tap, gradients: bool) -> Result<Vec<f32>> {
    let spec = ModelSpec {
        input: InputSpec::OneHot { vocabulary: 5 },
        layers: vec![LayerSpec::recurrent(CellKind::Gru, 4), LayerSpec::dropout(0.5)],
        head: HeadSpec { predict: Predict::EveryStep, size: 5, projection: Projection::Linear, dropout: 0.0 },
        loss: LossSpec::CrossEntropy { label_smoothing: 0.0, reduction: Reduction::Mean },
    };
    let mut session = Session::new(Cpu::new(1)?, &spec, 1 << 30)?;
    let data = session.load(&Sequence::shifted(vec![0, 1, 2, 3, 4, 0, 1]))?;
    let request = InspectionRequest { data, lanes: 2, time: 3, starts: vec![0, 2], lengths: None, gradients, taps: vec![tap] };
    Ok(session.inspect(&request, &AtomicBool::new(false))?.taps.concat())
}

#[test]
fn what_is_kept_is_shown_and_what_is_not_there_is_an_error() {
    let rows = 2 * 3;
    for (tap, len) in [(Tap::Output(0), rows * 4), (Tap::Gates(0), rows * 12), (Tap::HiddenGradient(0), rows * 4), (Tap::CarryGradient, 8)]
    {
        assert_eq!(shown(tap, true).map(|values| values.len()), Ok(len), "{tap:?}");
    }
    for tap in [Tap::CellState(0), Tap::Gates(1), Tap::HiddenGradient(1), Tap::InputGradient] {
        assert!(matches!(shown(tap, true), Err(Error::Internal { .. })), "{tap:?} of a GRU over ids, and of dropout");
    }
    for tap in [Tap::HiddenGradient(0), Tap::CarryGradient] {
        assert!(matches!(shown(tap, false), Err(Error::Internal { .. })), "{tap:?} without a way back");
    }
}
