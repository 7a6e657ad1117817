//! What goes on inside a model on one window, for people: the states and gates of every recurrent layer, in the order of the sequence, and
//! the gradients that flow back to them.

use std::sync::atomic::AtomicBool;

use crate::backend::{Backend, Tap};
use crate::cell::CellKind;
use crate::error::Result;
use crate::plan::{Layer, ModelPlan, Recurrent};
use crate::session::{OwnWindow, Session};

/// A window, seen from inside.
#[derive(Debug, Clone, PartialEq)]
pub struct View<R> {
    /// The objective, where gradients were wanted.
    pub loss: Option<f64>,
    /// Logits or predictions: [T, N, size] of a head that predicts at every step, else [N, size].
    pub logits: Vec<R>,
    /// Of all parameters, laid out as they are, without the statistics; empty if not wanted.
    pub gradients: Vec<R>,
    /// Every direction of every recurrent layer, as PyTorch counts states: of two directions the forward one first.
    pub layers: Vec<RecurrentView<R>>,
}

/// One direction of a recurrent layer. At row t stands what it had of position t, also if it read the sequence from its end; rows past a
/// lane's end are zero.
#[derive(Debug, Clone, PartialEq)]
pub struct RecurrentView<R> {
    /// Number of the layer among the recurrent ones of the spec.
    pub number: usize,
    /// Whether it read from the end.
    pub reverse: bool,
    /// The cell.
    pub cell: CellKind,
    /// Hidden size H.
    pub size: usize,
    /// h, [T, N, H].
    pub hidden: Vec<R>,
    /// Activated gates, [T, N, G*H], in the cell's order.
    pub gates: Vec<R>,
    /// c, [T, N, H], where the cell has one.
    pub cell_state: Option<Vec<R>>,
    /// dL/dh, [T, N, H], where gradients were wanted: what comes from above and from the time step after.
    pub hidden_gradient: Option<Vec<R>>,
}

/// Runs a window from zero carry and without dropout, and tells of all recurrent layers. With `gradients` batch normalisation takes the
/// window's statistics, as in training. Nothing of the model changes.
pub fn view<B: Backend>(session: &mut Session<B>, window: &OwnWindow, gradients: bool, abort: &AtomicBool) -> Result<View<B::Real>> {
    let places = places(session.plan());
    let taps = places.iter().flat_map(|place| place.taps(gradients)).collect();
    let shown = session.inspect_own(window, gradients, taps, abort)?;
    let mut taps = shown.taps.into_iter();
    let layers = places.iter().map(|place| place.view(window, gradients, &mut taps)).collect();
    Ok(View { loss: shown.report.map(|report| report.loss), logits: shown.logits, gradients: shown.gradients, layers })
}

/// Where a recurrent layer's direction stands in a plan.
struct Place {
    /// Its number in `plan.layers`.
    layer: usize,
    number: usize,
    reverse: bool,
    recurrent: Recurrent,
}

fn places(plan: &ModelPlan) -> Vec<Place> {
    let place = |(layer, it): (usize, &Layer)| {
        let Layer::Recurrent(recurrent) = it else { return None };
        let tensor = plan.params.tensors().iter().find(|tensor| tensor.range() == recurrent.weight_hh)?;
        let (name, reverse) = match tensor.name.strip_suffix("_reverse") {
            Some(name) => (name, true),
            None => (tensor.name.as_str(), false),
        };
        let number = name.strip_prefix("weight_hh_l")?.parse().ok()?;
        Some(Place { layer, number, reverse, recurrent: recurrent.clone() })
    };
    let mut places: Vec<Place> = plan.layers.iter().enumerate().filter_map(place).collect();
    places.sort_by_key(|place| place.recurrent.slot);
    places
}

impl Place {
    fn taps(&self, gradients: bool) -> impl Iterator<Item = Tap> {
        let cell_state = self.recurrent.cell.has_cell_state().then_some(Tap::CellState(self.layer));
        let gradient = gradients.then_some(Tap::HiddenGradient(self.layer));
        [Some(Tap::Output(self.layer)), Some(Tap::Gates(self.layer)), cell_state, gradient].into_iter().flatten()
    }

    /// Takes what `taps` asked for.
    fn view<R: Copy + Default>(&self, window: &OwnWindow, gradients: bool, taps: &mut impl Iterator<Item = Vec<R>>) -> RecurrentView<R> {
        let Recurrent { cell, size, .. } = self.recurrent;
        let mut next = || self.in_order(window, taps.next().unwrap_or_default());
        RecurrentView {
            number: self.number,
            reverse: self.reverse,
            cell,
            size,
            hidden: next(),
            gates: next(),
            cell_state: cell.has_cell_state().then(&mut next),
            hidden_gradient: gradients.then(&mut next),
        }
    }

    /// [T, N, ·] by positions, zero past the ends.
    fn in_order<R: Copy + Default>(&self, window: &OwnWindow, rows: Vec<R>) -> Vec<R> {
        if !self.reverse && window.lengths.is_none() {
            return rows;
        }
        let OwnWindow { lanes, time, .. } = *window;
        let width = rows.len() / (lanes * time);
        let mut ordered = vec![R::default(); rows.len()];
        for lane in 0..lanes {
            let length = window.lengths.as_ref().map_or(time, |lengths| lengths[lane] as usize);
            for t in 0..length {
                let from = if self.reverse { length - 1 - t } else { t };
                let row = |t: usize| (t * lanes + lane) * width..(t * lanes + lane + 1) * width;
                ordered[row(t)].copy_from_slice(&rows[row(from)]);
            }
        }
        ordered
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::init::InitSpec;
    use crate::reference::Reference;
    use crate::spec::ModelSpec;
    use crate::window::{Sequence, Values};

    const V: usize = 5;

    fn session(layers: &str, predict: &str) -> Session<Reference<f64>> {
        let json = format!(
            r#"{{"input":{{"kind":"oneHot","vocabulary":{V}}},"layers":[{layers}],
                 "head":{{"predict":"{predict}","size":{V}}},"loss":{{"kind":"crossEntropy"}}}}"#
        );
        let spec: ModelSpec = serde_json::from_str(&json).expect("a model");
        let mut session = Session::new(Reference::new(), &spec, u64::MAX).expect("a session");
        session.initialize(&InitSpec::Pytorch, 3, &[], &AtomicBool::new(false)).expect("initial values");
        session
    }

    fn whole(ids: &[u32], targets: &[u32]) -> OwnWindow {
        OwnWindow::whole(Sequence::paired(Values::Ids(ids.to_vec()), Values::Ids(targets.to_vec())))
    }

    fn seen(session: &mut Session<Reference<f64>>, window: &OwnWindow, gradients: bool) -> View<f64> {
        view(session, window, gradients, &AtomicBool::new(false)).expect("a view")
    }

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-12
    }

    #[test]
    fn an_lstms_states_are_those_of_its_gates() {
        let mut session = session(r#"{"kind":"recurrent","cell":"lstm","size":3}"#, "everyStep");
        let view = seen(&mut session, &whole(&[0, 2, 4, 1], &[2, 4, 1, 3]), false);
        assert_eq!((view.logits.len(), view.gradients.len(), view.loss), (4 * V, 0, None));
        let [layer] = &view.layers[..] else { panic!("one layer") };
        let c = layer.cell_state.as_ref().expect("a cell state");
        for t in 0..4 {
            for unit in 0..3 {
                let gate = |number: usize| layer.gates[t * 12 + number * 3 + unit];
                let before = if t == 0 { 0.0 } else { c[(t - 1) * 3 + unit] };
                let now = gate(1) * before + gate(0) * gate(2);
                assert!(close(c[t * 3 + unit], now) && close(layer.hidden[t * 3 + unit], gate(3) * now.tanh()));
            }
        }
    }

    #[test]
    fn a_reverse_direction_stands_in_the_order_of_the_sequence_up_to_each_lanes_end() {
        let both = r#"{"kind":"recurrent","cell":"gru","size":3,"bidirectional":true}"#;
        let mut session = session(both, "lastStep");
        let ids: [u32; 8] = [0, 2, 4, 1, 3, 3, 0, 0];
        let sequence = Sequence::paired(Values::Ids(ids.to_vec()), Values::Ids(ids.to_vec()));
        let window = OwnWindow { sequence, lanes: 2, time: 4, starts: vec![0, 4], lengths: Some(vec![4, 2]) };
        let view = seen(&mut session, &window, false);
        let named: Vec<(usize, bool)> = view.layers.iter().map(|layer| (layer.number, layer.reverse)).collect();
        assert_eq!(named, [(0, false), (0, true)]);
        let reverse = &view.layers[1];
        let row = |t: usize, lane: usize| &reverse.hidden[(t * 2 + lane) * 3..(t * 2 + lane + 1) * 3];
        // At a lane's last position the reverse direction has seen that alone, whatever came before.
        let alone = seen(&mut session, &whole(&ids[3..4], &ids[3..4]), false);
        assert!(row(3, 0).iter().zip(&alone.layers[1].hidden).all(|(&a, &b)| close(a, b)));
        let short = seen(&mut session, &whole(&ids[4..6], &ids[4..6]), false);
        assert!(row(0, 1).iter().zip(&short.layers[1].hidden[..3]).all(|(&a, &b)| close(a, b)));
        assert!(row(2, 1).iter().chain(row(3, 1)).all(|&value| value == 0.0));
        assert!(reverse.gates[(2 * 2 + 1) * 9..(2 * 2 + 2) * 9].iter().all(|&value| value == 0.0));
    }

    #[test]
    fn the_gradient_of_a_state_says_how_the_loss_moves_with_it() {
        // The last state moves the last logits alone: dL/dh = Wᵀ (p - target).
        let mut session = session(r#"{"kind":"recurrent","cell":"elmanTanh","size":3}"#, "lastStep");
        let view = seen(&mut session, &whole(&[0, 2, 4], &[0, 0, 1]), true);
        let head = session.plan().params.tensor("head.weight").expect("a head").range();
        let weight = session.parameters().expect("parameters")[head].to_vec();
        let total: f64 = view.logits.iter().map(|logit| logit.exp()).sum();
        let difference: Vec<f64> = (0..V).map(|id| view.logits[id].exp() / total - if id == 1 { 1.0 } else { 0.0 }).collect();
        let gradient = view.layers[0].hidden_gradient.as_ref().expect("gradients");
        for unit in 0..3 {
            let expected: f64 = (0..V).map(|id| weight[id * 3 + unit] * difference[id]).sum();
            assert!(close(gradient[2 * 3 + unit], expected), "{} is not {expected}", gradient[2 * 3 + unit]);
        }
        let loss = view.loss.expect("a loss");
        assert!(close(loss, total.ln() - view.logits[1]));
        assert_eq!(view.gradients.len(), session.plan().params.trainable());
    }
}
