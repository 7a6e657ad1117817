//! A run of layers over the whole window, by the method that its form names.

use rnnkit_core::Result;

use super::recurrent::{Stack, dropped, resident, step};
use super::{GpuRun, rows};
use crate::Form;
use crate::forms::Segment;
use crate::recorder::Recorder;

/// All layers of a segment forward over the window.
pub fn forward(recorder: &mut Recorder, run: &GpuRun<'_>, segment: &Segment, form: Form) -> Result<()> {
    match segment {
        Segment::Rows(index) => rows::forward(recorder, run, *index),
        Segment::Dropped(index) => dropped::forward(recorder, run, *index),
        Segment::Stack { cell, layers } => {
            let stack = Stack::of(run, *cell, layers.clone())?;
            match form {
                Form::Step => step::stack_forward(recorder, run, &stack),
                Form::Resident => resident::stack_forward(recorder, run, &stack),
            }
        }
    }
}

/// All layers of a segment back over the window.
pub fn backward(recorder: &mut Recorder, run: &GpuRun<'_>, segment: &Segment, form: Form) -> Result<()> {
    match segment {
        Segment::Rows(index) => rows::backward(recorder, run, *index),
        Segment::Dropped(index) => dropped::backward(recorder, run, *index),
        Segment::Stack { cell, layers } => {
            let stack = Stack::of(run, *cell, layers.clone())?;
            match form {
                Form::Step => step::stack_backward(recorder, run, &stack),
                Form::Resident => resident::stack_backward(recorder, run, &stack),
            }
        }
    }
}
