//! The suite on the CPU backend, with one thread and with three: odd, so that work is never shared out evenly.

use rnnkit_backend_tests::suite::threads::backends_give_the_same_bits;
use rnnkit_backend_tests::suite::training::{Trainer, training_samples};
use rnnkit_core::session::Timing;
use rnnkit_cpu::Cpu;

mod one_thread {
    rnnkit_backend_tests::backend_suite!(super::Cpu::new(1).expect("one thread starts everywhere"));
}

mod three_threads {
    rnnkit_backend_tests::backend_suite!(super::Cpu::new(3).expect("three threads start everywhere"));
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let on = |threads: usize| Cpu::new(threads).expect("a few threads start everywhere");
    backends_give_the_same_bits(&[&|| on(1), &|| on(2), &|| on(3), &|| on(4), &|| on(8)]);
}

#[test]
fn a_window_is_timed_by_itself() {
    let sample = &training_samples()[0];
    let mut trainer = Trainer::new(Cpu::new(1).expect("one thread starts everywhere"), sample);
    assert_eq!(trainer.train(0, 4, 0.02).timing, Timing::Window);
}
