//! Which form each recurrent layer runs in: THE table, by cell, size, lanes and the limits of the adapter.

use std::ops::Range;

use rnnkit_core::backend::Shape;
use rnnkit_core::cell::CellKind;
use rnnkit_core::plan::{Dropout, Layer, ModelPlan};
use rnnkit_core::spec::MaskShape;

use crate::resident::{Budgets, ResidentShapes};
use crate::{Form, Precision};

/// A run of layers that is done by one method.
#[derive(Debug, Clone, PartialEq)]
pub enum Segment {
    /// A layer without memory: over all time steps at once.
    Rows(usize),
    /// Adjacent recurrent layers of one cell, each with the dropout behind it.
    Stack {
        /// Their cell.
        cell: CellKind,
        /// Their place in the plan.
        layers: Range<usize>,
    },
    /// A recurrent layer whose hidden state is dropped on its way into the product: a form of its own, whichever is asked for.
    Dropped(usize),
}

impl Segment {
    /// Its first layer.
    pub fn first(&self) -> usize {
        match self {
            Segment::Rows(index) | Segment::Dropped(index) => *index,
            Segment::Stack { layers, .. } => layers.start,
        }
    }
}

/// Bytes of weights that a resident layer may fetch anew at every time step. An estimate: the cache beside a workgroup's memory holds so many,
/// and fetching them takes about as long as the dispatch that the step form has for a time step.
const STREAMED: usize = 128 << 10;
/// Lanes, at most, for the resident form: 8 in each of the workgroups that a large device runs at once. Beyond them it would go through all
/// time steps again and again, while a dispatch of the step form then has work enough for the whole device. An estimate.
const RESIDENT_LANES: usize = 1024;
/// Time steps, at least: fewer do not make up for the weights' way into registers, and for a product and a dispatch a layer instead of one
/// dispatch for all layers. An estimate.
const RESIDENT_TIME: usize = 8;

/// The forms of a plan's layers.
#[derive(Debug, Clone, PartialEq)]
pub struct Forms {
    /// In the order of the layers, each stack with its form.
    pub segments: Vec<(Segment, Form)>,
    /// Whether a layer multiplies the output of the one below within its own kernel.
    joins: Vec<bool>,
    /// How the layers of resident stacks are cut.
    resident: Vec<Option<ResidentShapes>>,
}

impl Forms {
    /// Chooses for every stack; `forced` is taken wherever it is possible.
    pub fn choose(plan: &ModelPlan, shape: Shape, forced: Option<Form>, budgets: &Budgets, precision: Precision) -> Self {
        let count = plan.layers.len();
        let mut forms = Self { segments: Vec::new(), joins: vec![false; count], resident: vec![None; count] };
        for segment in segments(plan) {
            let form = match &segment {
                Segment::Rows(_) | Segment::Dropped(_) => Form::Step,
                Segment::Stack { cell, layers } => forms.choose_stack(plan, *cell, layers.clone(), shape, forced, budgets, precision),
            };
            forms.segments.push((segment, form));
        }
        forms
    }

    /// A stack has one form: resident where all its layers can be cut for it, and it is forced or pays.
    fn choose_stack(
        &mut self,
        plan: &ModelPlan,
        cell: CellKind,
        layers: Range<usize>,
        shape: Shape,
        forced: Option<Form>,
        budgets: &Budgets,
        precision: Precision,
    ) -> Form {
        let recurrent: Vec<usize> = layers.filter(|&index| matches!(plan.layers[index], Layer::Recurrent(_))).collect();
        let size = |index: usize| plan.layers[index].size();
        let shapes: Option<Vec<ResidentShapes>> =
            recurrent.iter().map(|&index| ResidentShapes::new(cell, size(index), shape.lanes, precision, budgets)).collect();
        let largest = recurrent.iter().map(|&index| size(index)).max().unwrap_or(0);
        let wanted = forced.map_or_else(|| pays(cell, largest, shape, budgets, precision), |form| form == Form::Resident);
        match shapes {
            Some(shapes) if wanted => {
                recurrent.iter().zip(shapes).for_each(|(&index, shapes)| self.resident[index] = Some(shapes));
                Form::Resident
            }
            _ => {
                recurrent.iter().skip(1).for_each(|&index| self.joins[index] = true);
                Form::Step
            }
        }
    }

    /// The segments of a block, none of which reaches beyond it.
    pub fn within(&self, block: Range<usize>) -> impl DoubleEndedIterator<Item = &(Segment, Form)> {
        self.segments.iter().filter(move |(segment, _)| block.contains(&segment.first()))
    }

    /// Whether the plan's layer reads the one below within its own kernel.
    pub fn joins(&self, layer: usize) -> bool {
        self.joins[layer]
    }

    /// Whether the plan's dropout is done by the recurrent layer that it stands behind.
    pub fn fuses(&self, dropout: usize) -> bool {
        let has = |segment: &Segment| matches!(segment, Segment::Stack { layers, .. } if layers.contains(&dropout));
        self.segments.iter().any(|(segment, _)| has(segment))
    }

    /// Whether a stack that was asked to be resident is not, because no workgroup can run a layer of it.
    pub fn refuses(&self, forced: Option<Form>) -> bool {
        let stack = |segment: &Segment| matches!(segment, Segment::Stack { .. });
        forced == Some(Form::Resident) && self.segments.iter().any(|(segment, form)| stack(segment) && *form == Form::Step)
    }

    /// How the plan's layer is cut; nothing where it is not resident.
    pub fn resident(&self, layer: usize) -> Option<ResidentShapes> {
        self.resident[layer]
    }
}

/// A plan cut into its segments.
fn segments(plan: &ModelPlan) -> Vec<Segment> {
    let mut segments: Vec<Segment> = Vec::new();
    for (index, layer) in plan.layers.iter().enumerate() {
        let reads_below = plan.sources[index] == index.checked_sub(1);
        let continues = match (layer, segments.last()) {
            (Layer::Recurrent(layer), Some(Segment::Stack { cell, .. })) => {
                layer.cell == *cell && layer.copies == 1 && layer.hidden_dropout.is_none()
            }
            // Dropout belongs to the recurrent layer it stands behind. The head's own may stand behind that one: a kernel has room for one.
            (Layer::Dropout(layer), Some(Segment::Stack { .. })) => {
                draws_every_step(plan, layer) && matches!(plan.layers[index - 1], Layer::Recurrent(_))
            }
            _ => false,
        };
        match (segments.last_mut(), layer) {
            (Some(Segment::Stack { layers, .. }), _) if continues && reads_below => layers.end = index + 1,
            (_, Layer::Recurrent(layer)) if layer.hidden_dropout.is_some() => segments.push(Segment::Dropped(index)),
            (_, Layer::Recurrent(layer)) => segments.push(Segment::Stack { cell: layer.cell, layers: index..index + 1 }),
            _ => segments.push(Segment::Rows(index)),
        }
    }
    segments
}

/// Whether each element of what a dropout reads has a draw of its own, as the recurrent kernels multiply their output.
fn draws_every_step(plan: &ModelPlan, layer: &Dropout) -> bool {
    let site = &plan.sites[layer.site];
    site.mask == MaskShape::Step && site.copies == 1
}

/// THE table: whether the resident form is thought to be the faster for a stack whose largest layer has `size` units.
fn pays(cell: CellKind, size: usize, shape: Shape, budgets: &Budgets, precision: Precision) -> bool {
    size <= resident_up_to(cell, budgets, precision) && shape.lanes <= RESIDENT_LANES && shape.time >= RESIDENT_TIME
}

/// The largest hidden size of which one workgroup can keep nearly all weights, so that no more than [`STREAMED`] are fetched again.
pub fn resident_up_to(cell: CellKind, budgets: &Budgets, precision: Precision) -> usize {
    let fits = |size: &usize| {
        let shapes = ResidentShapes::new(cell, *size, 1, precision, budgets);
        shapes.is_some_and(|shapes| shapes.streamed_bytes(precision) <= STREAMED)
    };
    (1..=budgets.threads).take_while(fits).last().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use rnnkit_core::spec::{HeadSpec, InputSpec, LayerSpec, LossSpec, ModelSpec, Predict, Projection, RecurrentDropout, Reduction};

    use super::*;

    fn budgets(threads: u32, memory: u32) -> Budgets {
        Budgets::of(&wgpu::Limits {
            max_compute_invocations_per_workgroup: threads,
            max_compute_workgroup_size_x: threads,
            max_compute_workgroup_storage_size: memory,
            ..wgpu::Limits::default()
        })
    }

    #[test]
    fn the_largest_resident_layers_are_those_whose_weights_nearly_fit() {
        let up_to = |budgets: &Budgets, precision| {
            [CellKind::ElmanTanh, CellKind::Gru, CellKind::Lstm].map(|cell| resident_up_to(cell, budgets, precision))
        };
        assert_eq!(up_to(&budgets(1024, 49152), Precision::F32), [276, 144, 132]);
        assert_eq!(up_to(&budgets(1024, 49152), Precision::F16), [348, 192, 192]);
        assert_eq!(up_to(&budgets(1024, 32768), Precision::F32), [268, 140, 132]);
        assert_eq!(up_to(&budgets(256, 16384), Precision::F32), [256, 128, 128]);
    }

    fn plan(layers: Vec<LayerSpec>) -> ModelPlan {
        let spec = ModelSpec {
            input: InputSpec::OneHot { vocabulary: 5 },
            layers,
            head: HeadSpec { predict: Predict::EveryStep, size: 5, projection: Projection::Linear, dropout: 0.0 },
            loss: LossSpec::CrossEntropy { label_smoothing: 0.0, reduction: Reduction::Mean },
        };
        ModelPlan::new(&spec).expect("a valid model")
    }

    fn form(sizes: &[usize], lanes: usize, time: usize, forced: Option<Form>) -> (Form, Vec<bool>, Vec<bool>) {
        let plan = plan(sizes.iter().map(|&size| LayerSpec::recurrent(CellKind::Lstm, size)).collect());
        let shape = Shape { lanes, time, training: true, taps: false };
        let forms = Forms::choose(&plan, shape, forced, &budgets(1024, 49152), Precision::F32);
        let layers = 0..plan.layers.len();
        (
            forms.segments[0].1,
            layers.clone().map(|index| forms.joins(index)).collect(),
            layers.map(|index| forms.resident(index).is_some()).collect(),
        )
    }

    fn recurrent(bidirectional: bool, recurrent: f64) -> LayerSpec {
        let dropout = RecurrentDropout { recurrent, ..RecurrentDropout::default() };
        LayerSpec::Recurrent { cell: CellKind::Gru, size: 4, bidirectional, dropout }
    }

    fn cut(layers: Vec<LayerSpec>) -> Vec<Segment> {
        segments(&plan(layers))
    }

    fn stack(layers: Range<usize>) -> Segment {
        Segment::Stack { cell: CellKind::Gru, layers }
    }

    #[test]
    fn each_direction_is_a_stack_of_one() {
        use Segment::Rows;
        let layers = vec![recurrent(false, 0.0), recurrent(true, 0.0), recurrent(false, 0.0)];
        assert_eq!(cut(layers), [stack(0..1), Rows(1), stack(2..3), stack(3..4), Rows(4), stack(5..6)]);
    }

    #[test]
    fn a_layer_whose_hidden_state_is_dropped_is_in_no_stack() {
        let layers = vec![recurrent(false, 0.0), recurrent(false, 0.5), recurrent(false, 0.0), recurrent(false, 0.0)];
        assert_eq!(cut(layers), [stack(0..1), Segment::Dropped(1), stack(2..4)]);
    }

    #[test]
    fn dropout_belongs_to_a_stack_if_each_element_has_a_draw() {
        let over = |mask| cut(vec![recurrent(false, 0.0), LayerSpec::Dropout { rate: 0.5, mask }, recurrent(false, 0.0)]);
        assert_eq!(over(MaskShape::Step), [stack(0..3)]);
        for mask in [MaskShape::Sequence, MaskShape::Batch] {
            assert_eq!(over(mask), [stack(0..1), Segment::Rows(1), stack(2..3)]);
        }
    }

    #[test]
    fn a_stack_is_resident_where_it_pays() {
        let resident = (Form::Resident, vec![false, false], vec![true, true]);
        let step = (Form::Step, vec![false, true], vec![false, false]);
        assert_eq!(form(&[128, 64], 64, 50, None), resident);
        assert_eq!(form(&[64, 256], 64, 50, None), step, "weights of one layer are too many");
        assert_eq!(form(&[128, 64], 2000, 50, None), step, "many lanes");
        assert_eq!(form(&[128, 64], 64, 1, None), step, "one time step");
    }

    #[test]
    fn a_forced_form_is_taken_where_it_is_possible() {
        assert_eq!(form(&[64, 256], 2000, 1, Some(Form::Resident)).0, Form::Resident);
        assert_eq!(form(&[64, 2048], 64, 50, Some(Form::Resident)).0, Form::Step, "more units than threads");
        assert_eq!(form(&[64, 64], 64, 50, Some(Form::Step)).0, Form::Step);
    }
}
