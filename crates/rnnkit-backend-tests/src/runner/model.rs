//! The model of a case: spec, data, starting carry and parameters, sizes taken from the tensors' shapes.

use rnnkit_core::cell::CellKind;
use rnnkit_core::layout::{CarryLayout, ParamLayout};
use rnnkit_core::plan::ModelPlan;
use rnnkit_core::spec::{HeadSpec, InputSpec, LayerSpec, LossSpec, ModelSpec, Predict, Projection, Reduction};
use rnnkit_core::window::{Masks, Sequence, Values};

use super::dropout::Dropout;
use super::{Case, Problem};

/// A case's model with its data, lane after lane: position = lane·time + t.
pub struct Model {
    /// The model.
    pub spec: ModelSpec,
    /// Inputs and targets of all lanes.
    pub sequence: Sequence,
    /// Lanes N.
    pub lanes: usize,
    /// Time steps of the whole sequence.
    pub time: usize,
    /// `[N]`: time steps of each lane, if they differ.
    pub lengths: Option<Vec<u32>>,
    /// Whether `[T, N, ·]` stands as `[N, T, ·]` in the case.
    pub batch_first: bool,
    /// Whether the case has a loss; without one, targets are zeros and the loss is not looked at.
    pub has_loss: bool,
    /// Given masks, if there is dropout.
    pub masks: Option<Vec<Vec<bool>>>,
}

/// The cell a word of the cases stands for.
pub fn cell_kind(word: &str) -> Result<CellKind, Problem> {
    match word {
        "rnn_tanh" => Ok(CellKind::ElmanTanh),
        "rnn_relu" => Ok(CellKind::ElmanRelu),
        "lstm" => Ok(CellKind::Lstm),
        "gru" => Ok(CellKind::Gru),
        _ => Err(Problem::unsupported("cell", word)),
    }
}

impl Model {
    /// Reads the model of a case whose cell is `cell`; `first`: layers below the recurrent ones.
    pub fn read(case: &Case, cell: CellKind, dropout: Dropout, first: Vec<LayerSpec>) -> Result<Self, Problem> {
        let hyper = &case.hyper;
        let bidirectional = hyper.flag("bidirectional")?;
        let batch_first = hyper.flag("batch_first")?;
        let count = hyper.integer("layers")?;
        let (input, inputs, [lanes, time]) = read_input(case, batch_first)?;
        let lengths = hyper.flag("variable_lengths")?.then(|| case.ids("input.lengths", &[lanes])).transpose()?;
        let predict = match hyper.get("loss_over").and_then(|over| over.as_str()) {
            None | Some("all") => Predict::EveryStep,
            Some("final") => Predict::LastStep,
            // The last time step is the final state of a model in one direction whose lanes are equally long.
            Some("last") if !bidirectional && lengths.is_none() => Predict::LastStep,
            Some(other) => return Err(Problem::unsupported("loss_over", other)),
        };
        let (_, [outputs, _]) = case.tensor("param.head.weight")?;
        let mut layers = first;
        for layer in 0..count {
            let (_, [_, size]) = case.tensor(&format!("param.weight_hh_l{layer}"))?;
            layers.extend(dropout.around(layer, count, cell, size, bidirectional));
        }
        let head = HeadSpec { predict, size: outputs, projection: Projection::Linear, dropout: 0.0 };
        let ends: Vec<usize> = (0..lanes).map(|lane| lengths.as_ref().map_or(time, |lengths| lengths[lane] as usize)).collect();
        let (loss, targets) = read_targets(case, &head, &ends, time, batch_first)?;
        let has_loss = hyper.word("loss")? != "none";
        let used = lengths.is_some().then(|| ends.iter().enumerate().map(|(lane, end)| lane * time..lane * time + end).collect());
        let sequence = Sequence { used, ..Sequence::paired(inputs, targets) };
        let spec = ModelSpec { input, layers, head, loss };
        let masks = dropout.masks(case, &ModelPlan::new(&spec)?, cell, lanes, time)?;
        Ok(Self { spec, sequence, lanes, time, lengths, batch_first, has_loss, masks })
    }

    /// Length of a lane's sequence.
    pub fn length(&self, lane: usize) -> usize {
        self.lengths.as_ref().map_or(self.time, |lengths| lengths[lane] as usize)
    }

    /// What windows are told of dropout.
    pub fn window_masks(&self) -> Masks {
        self.masks.clone().map_or(Masks::Off, Masks::Given)
    }

    /// Shape of `[T, N, width]` as the case has it.
    pub fn shape(&self, width: usize) -> [usize; 3] {
        let [first, second] = order(self.batch_first, self.lanes, self.time);
        [first, second, width]
    }

    /// `[T, N, width]` as the case has it.
    pub fn arrange(&self, values: &[f64], width: usize) -> Vec<f64> {
        if self.batch_first { transposed(values, self.time, self.lanes, width) } else { values.to_vec() }
    }
}

/// What a case calls a tensor: the numbers of its one batch normalisation have names of their own.
fn name_in_case(tensor: &str) -> String {
    match tensor.strip_prefix("batch_norm0.") {
        Some(statistic) if statistic.starts_with("moving_") => format!("input.{statistic}"),
        Some(parameter) => format!("param.{parameter}"),
        None => format!("param.{tensor}"),
    }
}

/// The flat buffer of parameters and statistics.
pub fn read_parameters(case: &Case, layout: &ParamLayout) -> Result<Vec<f64>, Problem> {
    let mut values = vec![0.0; layout.len()];
    for tensor in layout.tensors() {
        let source = case.real(&name_in_case(&tensor.name), &tensor.shape)?;
        for (value, &source) in values[tensor.range()].iter_mut().zip(source) {
            *value = f64::from(source);
        }
    }
    Ok(values)
}

/// The starting carry out of `input.h0` and `input.c0`, [L * directions, N, H] each.
pub fn read_carry(case: &Case, layout: &CarryLayout, lanes: usize) -> Result<Vec<f64>, Problem> {
    let mut carry = vec![0.0; layout.len(lanes)];
    for state in [State::Hidden, State::Cell] {
        let Some(shape) = state.shape(layout, lanes) else { continue };
        let values = case.real(&format!("input.{}0", state.letter()), &shape)?;
        for (slot, values) in values.chunks_exact(lanes * shape[2]).enumerate() {
            let range = state.range(layout, slot, lanes);
            carry[range].iter_mut().zip(values).for_each(|(place, &value)| *place = f64::from(value));
        }
    }
    Ok(carry)
}

/// h or c of all layers.
#[derive(Debug, Clone, Copy)]
pub enum State {
    /// h.
    Hidden,
    /// c.
    Cell,
}

impl State {
    /// `h` or `c`.
    pub fn letter(self) -> char {
        match self {
            State::Hidden => 'h',
            State::Cell => 'c',
        }
    }

    /// [L * directions, N, H], if the model has that state (its layers are of one cell and size).
    pub fn shape(self, layout: &CarryLayout, lanes: usize) -> Option<[usize; 3]> {
        let present = !layout.is_empty() && (matches!(self, State::Hidden) || layout.cell_state(0, lanes).is_some());
        present.then(|| [layout.slots(), lanes, layout.size(0)])
    }

    /// That state of all layers, [L * directions, N, H], out of a carry.
    pub fn of(self, layout: &CarryLayout, carry: &[f64], lanes: usize) -> Vec<f64> {
        (0..layout.slots()).flat_map(|slot| carry[self.range(layout, slot, lanes)].to_vec()).collect()
    }

    fn range(self, layout: &CarryLayout, slot: usize, lanes: usize) -> std::ops::Range<usize> {
        match self {
            State::Hidden => layout.hidden(slot, lanes),
            State::Cell => layout.cell_state(slot, lanes).unwrap_or(0..0),
        }
    }
}

/// The input with its values lane after lane, and [lanes, time].
fn read_input(case: &Case, batch_first: bool) -> Result<(InputSpec, Values, [usize; 2]), Problem> {
    let kind = case.hyper.word("input_kind")?;
    if kind == "real" {
        let (_, shape) = case.tensor::<3>("input.x")?;
        let [lanes, time] = lanes_and_time([shape[0], shape[1]], batch_first);
        let values = lane_major(case.real("input.x", &shape)?, lanes, time, shape[2], batch_first);
        return Ok((InputSpec::Real { size: shape[2] }, Values::Real { width: shape[2], values }, [lanes, time]));
    }
    let (_, shape) = case.tensor::<2>("input.ids")?;
    let [lanes, time] = lanes_and_time(shape, batch_first);
    let ids = lane_major(&case.ids("input.ids", &shape)?, lanes, time, 1, batch_first);
    let input = match kind {
        "embedding" => {
            let (_, [vocabulary, size]) = case.tensor("param.embedding.weight")?;
            InputSpec::Embedding { vocabulary, size }
        }
        "onehot" => InputSpec::OneHot { vocabulary: case.tensor::<2>("param.weight_ih_l0")?.1[1] },
        other => return Err(Problem::unsupported("input_kind", other)),
    };
    Ok((input, Values::Ids(ids), [lanes, time]))
}

/// The loss with its targets lane after lane; targets of time steps that are not predicted are 0.
fn read_targets(case: &Case, head: &HeadSpec, ends: &[usize], time: usize, batch_first: bool) -> Result<(LossSpec, Values), Problem> {
    let (size, lanes) = (head.size, ends.len());
    let [first, second] = order(batch_first, lanes, time);
    let every = head.predict == Predict::EveryStep;
    match case.hyper.word("loss")? {
        "cross_entropy" => {
            let loss = LossSpec::CrossEntropy { label_smoothing: 0.0, reduction: Reduction::Mean };
            let ids = if every {
                lane_major(&case.ids("target.ids", &[first, second])?, lanes, time, 1, batch_first)
            } else {
                at_the_end(&case.ids("target.ids", &[lanes])?, ends, time, 1)
            };
            Ok((loss, Values::Ids(ids)))
        }
        "mse" => {
            let values = if every {
                lane_major(case.real("target.values", &[first, second, size])?, lanes, time, size, batch_first)
            } else {
                at_the_end(case.real("target.values", &[lanes, size])?, ends, time, size)
            };
            Ok((LossSpec::MeanSquaredError, Values::Real { width: size, values }))
        }
        "none" => Ok((LossSpec::MeanSquaredError, Values::Real { width: size, values: vec![0.0; lanes * time * size] })),
        other => Err(Problem::unsupported("loss", other)),
    }
}

fn order(batch_first: bool, lanes: usize, time: usize) -> [usize; 2] {
    if batch_first { [lanes, time] } else { [time, lanes] }
}

fn lanes_and_time(shape: [usize; 2], batch_first: bool) -> [usize; 2] {
    if batch_first { shape } else { [shape[1], shape[0]] }
}

fn lane_major<T: Copy>(values: &[T], lanes: usize, time: usize, width: usize, batch_first: bool) -> Vec<T> {
    if batch_first { values.to_vec() } else { transposed(values, time, lanes, width) }
}

/// From [a, b, width] to [b, a, width].
pub(super) fn transposed<T: Copy>(values: &[T], a: usize, b: usize, width: usize) -> Vec<T> {
    (0..b).flat_map(|j| (0..a).flat_map(move |i| &values[(i * b + j) * width..(i * b + j + 1) * width])).copied().collect()
}

/// [N, width] at each lane's last position, 0 elsewhere; a lane without positions has no place for its row.
fn at_the_end<T: Copy + Default>(values: &[T], ends: &[usize], time: usize, width: usize) -> Vec<T> {
    let mut all = vec![T::default(); values.len() * time];
    for ((lane, row), &end) in values.chunks_exact(width).enumerate().zip(ends).filter(|(_, end)| **end > 0) {
        all[(lane * time + end - 1) * width..][..width].copy_from_slice(row);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transposing_moves_whole_rows() {
        assert_eq!(transposed(&[1, 2, 3, 4, 5, 6], 3, 2, 1), [1, 3, 5, 2, 4, 6]);
        assert_eq!(transposed(&[1, 2, 3, 4, 5, 6, 7, 8], 2, 2, 2), [1, 2, 5, 6, 3, 4, 7, 8]);
    }

    #[test]
    fn a_last_steps_target_stands_at_its_lanes_end() {
        assert_eq!(at_the_end(&[7, 8], &[3, 2], 3, 1), [0, 0, 7, 0, 8, 0]);
    }
}
