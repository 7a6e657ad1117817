//! The suite on the oracle itself, the oracle's gradients, and the reference cases on it.

use rnnkit_backend_tests::suite::gradients::backpropagation_matches_central_differences;
use rnnkit_backend_tests::suite::layers::layered;
use rnnkit_backend_tests::suite::models::{extras, grid};
use rnnkit_core::reference::Reference;

mod in_f32 {
    rnnkit_backend_tests::backend_suite!(super::Reference::<f32>::new());
}

mod in_f64 {
    rnnkit_backend_tests::backend_suite!(super::Reference::<f64>::new());
}

#[test]
fn gradients_of_every_cell_depth_input_and_head_match_central_differences() {
    backpropagation_matches_central_differences(&grid());
}

#[test]
fn gradients_of_directions_lengths_dropout_and_batch_normalisation_match_central_differences() {
    backpropagation_matches_central_differences(&layered());
}

#[test]
fn gradients_of_dense_layers_dropout_and_losses_match_central_differences() {
    backpropagation_matches_central_differences(&extras());
}
