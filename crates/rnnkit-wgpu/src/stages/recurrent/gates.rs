//! The two affine maps of a recurrent layer as products over rows, where no kernel of the recurrence makes them itself.

use std::ops::Range;

use rnnkit_core::Result;
use rnnkit_core::plan::{ModelPlan, Recurrent};

use super::super::{GpuRun, Operands, strided_product};
use crate::kernel::ProductKind;
use crate::recorder::Recorder;

/// From rows [rows, copies, width] to pre-activations [rows, G*H]: one copy enters all gates, or each its own.
pub struct GateMap<'a> {
    weight: &'a Range<usize>,
    bias: &'a Range<usize>,
    copies: usize,
    width: usize,
    /// G*H.
    gates: usize,
}

impl<'a> GateMap<'a> {
    /// Of a layer's input.
    pub fn of_input(layer: &'a Recurrent) -> Self {
        let gates = layer.cell.gates() * layer.size;
        Self { weight: &layer.weight_ih, bias: &layer.bias_ih, copies: layer.copies, width: layer.input, gates }
    }

    /// Of its hidden state.
    pub fn of_hidden(plan: &ModelPlan, layer: &'a Recurrent) -> Self {
        let copies = layer.hidden_dropout.map_or(1, |site| plan.sites[site].copies);
        let gates = layer.cell.gates() * layer.size;
        Self { weight: &layer.weight_hh, bias: &layer.bias_hh, copies, width: layer.size, gates }
    }

    /// Width of a row of what enters, all copies.
    pub fn entering(&self) -> usize {
        self.copies * self.width
    }

    /// Pre-activations, bias included, of `rows` rows; both places are in the arena.
    pub fn forward(&self, recorder: &mut Recorder, run: &GpuRun<'_>, rows: usize, [from, to]: [u32; 2]) -> Result<()> {
        let each = self.gates / self.copies;
        for copy in 0..self.copies {
            let operands = Operands {
                a: (run.prepared.arena_slice(), from + (copy * self.width) as u32),
                b: (run.parameters.slice(), (self.weight.start + copy * each * self.width) as u32),
                bias: Some((run.parameters.slice(), (self.bias.start + copy * each) as u32)),
                c: (run.prepared.arena_slice(), to + (copy * each) as u32),
            };
            let strides = [self.entering(), self.gates];
            strided_product(recorder, ProductKind::Affine, [rows, each, self.width], operands, strides, 0)?;
        }
        Ok(())
    }

    /// From gradients of the pre-activations to those of what entered.
    pub fn back(&self, recorder: &mut Recorder, run: &GpuRun<'_>, rows: usize, [from, to]: [u32; 2]) -> Result<()> {
        let each = self.gates / self.copies;
        for copy in 0..self.copies {
            let operands = Operands {
                a: (run.prepared.arena_slice(), from + (copy * each) as u32),
                b: (run.parameters.slice(), (self.weight.start + copy * each * self.width) as u32),
                bias: None,
                c: (run.prepared.arena_slice(), to + (copy * self.width) as u32),
            };
            let strides = [self.gates, self.entering()];
            strided_product(recorder, ProductKind::Back, [rows, self.width, each], operands, strides, 0)?;
        }
        Ok(())
    }
}
