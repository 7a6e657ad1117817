//! Many sessions of a process on one GPU: one device for all, right results at the same time, and an end without a crash.

use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use rnnkit_backend_tests::gpu;
use rnnkit_backend_tests::suite::models::{Sample, Sizes, dropped};
use rnnkit_backend_tests::suite::training::{State, Trainer};
use rnnkit_core::cell::CellKind;
use rnnkit_wgpu::{Device, Gpu, GpuOptions, Precision};

const WINDOWS: usize = 40;

fn sample(cell: CellKind) -> Sample {
    Sample::new(format!("shared {cell:?}"), dropped(cell), Sizes { lanes: 3, time: 5, windows: WINDOWS })
}

fn open() -> Gpu {
    Gpu::open(&GpuOptions::default()).expect("an adapter, as was asked before")
}

fn train(sample: &Sample) -> State {
    let mut trainer = Trainer::new(open(), sample);
    for window in (0..WINDOWS).step_by(4) {
        trainer.train(window, 4, 0.02);
        trainer.evaluate(window, 4);
    }
    trainer.state()
}

/// In one test, since both look at which devices are open in the process.
#[test]
fn sessions_share_a_device_until_the_last_one_goes() {
    if !gpu::is_there(Precision::F32) {
        return;
    }
    let shared = || Device::shared(&GpuOptions::default()).expect("an adapter, as was asked before");
    let samples = [sample(CellKind::Lstm), sample(CellKind::Gru), sample(CellKind::Lstm)];
    let alone: Vec<State> = samples.iter().map(train).collect();

    let first = shared();
    assert!(Arc::ptr_eq(&first, &shared()), "one device for two");
    let before = Arc::strong_count(&first);
    let session = Trainer::new(open(), &samples[0]);
    assert_eq!(Arc::strong_count(&first), before + 1, "a session on the same device");
    let together: Vec<State> = std::thread::scope(|scope| {
        let threads: Vec<_> = samples.iter().map(|sample| scope.spawn(|| train(sample))).collect();
        threads.into_iter().map(|thread| thread.join().expect("a thread that trains")).collect()
    });
    for ((sample, together), alone) in samples.iter().zip(&together).zip(&alone) {
        together.assert_same(alone, &sample.name);
    }

    let watched = Arc::downgrade(&first);
    drop(first);
    assert!(watched.upgrade().is_some(), "a session keeps its device");
    drop(session);
    assert!(watched.upgrade().is_none(), "nobody keeps a device that no session works on");
    assert_eq!(Arc::strong_count(&shared()), 1, "a new one, nobody else's");
}

/// Keeps the process for a while after all that libraries loaded from now on do when it ends: what works on without them is seen to fail.
/// Windows stops the other threads before that.
fn linger_at_the_end() {
    #[cfg(unix)]
    {
        extern "C" fn linger() {
            std::thread::sleep(Duration::from_millis(200));
        }
        // SAFETY: the handler lives as long as the process, and only waits.
        assert_eq!(unsafe { libc::atexit(linger) }, 0, "there is room for a handler");
    }
}

/// A process may end while a session trains on another thread: in a process of its own.
#[test]
fn a_process_ends_well_with_a_session_at_work() {
    const CHILD: &str = "RNNKIT_TEST_ENDS_AT_WORK";
    if std::env::var_os(CHILD).is_some() {
        linger_at_the_end();
        let (sender, at_work) = std::sync::mpsc::sync_channel(1);
        std::thread::spawn(move || {
            loop {
                train(&sample(CellKind::Lstm));
                // Nobody listens after the first time.
                let _ = sender.try_send(());
            }
        });
        at_work.recv().expect("the other thread trains on");
        std::thread::sleep(Duration::from_millis(20));
        std::process::exit(0);
    }
    if !gpu::is_there(Precision::F32) {
        return;
    }
    for run in 0..5 {
        let output = Command::new(std::env::current_exe().expect("a test has a file"))
            .args(["--exact", "a_process_ends_well_with_a_session_at_work", "--nocapture"])
            .env(CHILD, "1")
            .output()
            .expect("a test can be run again");
        assert_eq!(output.status.code(), Some(0), "run {run}: {}", String::from_utf8_lossy(&output.stderr));
    }
}
