//! The suite: what every backend must hold, generic over the backend. [`crate::backend_suite!`] makes each claim a test.

pub mod cases;
pub mod gradients;
pub mod layers;
pub mod models;
pub mod optimizers;
pub mod oracle;
pub mod paths;
pub mod robustness;
pub mod sampling;
pub mod threads;
pub mod training;
pub mod uneven;

/// Every model the suite runs.
pub fn samples() -> Vec<models::Sample> {
    [models::grid(), models::extras(), models::wide(), layers::layered(), layers::wide_layered()].concat()
}

/// Makes a backend; the suite takes a fresh one wherever it starts anew.
pub type Make<'a, B> = &'a dyn Fn() -> B;

/// Makes the suite's claims tests of the backend that the expression makes; with a condition, where that holds.
#[macro_export]
macro_rules! backend_suite {
    ($make:expr) => {
        $crate::backend_suite! { $make, if true }
    };
    ($make:expr, if $is_there:expr) => {
        $crate::backend_suite! { $make, $is_there =>
            cases::the_reference_cases_pass;
            oracle::values_and_gradients_match_the_f64_oracle;
            paths::production_form_gives_what_taps_show;
            paths::fast_paths_give_what_plain_loops_give;
            training::four_windows_in_one_call_equal_one_window_in_four_calls;
            training::a_reset_lane_starts_from_zero_and_leaves_the_others_alone;
            training::evaluation_and_training_give_the_same_loss_without_dropout;
            training::every_workspace_sees_the_parameters_as_they_are;
            training::a_restored_training_goes_on_with_the_same_bits;
            training::windows_take_no_longer_than_their_call;
            robustness::an_abort_beforehand_changes_nothing;
            robustness::an_abort_in_between_leaves_whole_windows;
            robustness::parameters_written_after_an_abort_are_those_that_train;
            robustness::a_parameter_that_is_not_finite_changes_nothing_else;
            robustness::a_refused_restore_changes_nothing;
            robustness::windows_after_a_blow_up_change_nothing;
            robustness::an_update_that_overflows_is_taken_back;
            optimizers::every_optimizer_follows_the_cores_formula;
            optimizers::padding_stays_zero;
            uneven::a_lane_with_a_length_is_as_if_it_were_alone;
            uneven::statistics_move_with_a_step_that_stands;
            uneven::predictions_are_the_logits_of_each_window;
            uneven::an_inspection_shows_what_training_computes;
            sampling::greedy_sampling_by_carry_equals_running_the_text_forward;
            sampling::a_window_context_sees_the_last_symbols_only;
        }
    };
    ($make:expr, $is_there:expr => $($module:ident :: $claim:ident;)*) => {
        $(#[test]
        fn $claim() {
            if $is_there {
                $crate::suite::$module::$claim(&|| $make);
            }
        })*
    };
}
