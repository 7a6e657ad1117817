//! What goes wrong with a GPU, made to happen at every stage of a session's life: each is a typed error, and nothing panics or hangs.

mod life;

use std::sync::Arc;

use life::{Act, LIFE, Life};
use rnnkit_backend_tests::gpu;
use rnnkit_backend_tests::suite::models::symbols;
use rnnkit_core::Error;
use rnnkit_core::backend::{Backend, Shape};
use rnnkit_core::cell::CellKind;
use rnnkit_core::plan::ModelPlan;
use rnnkit_wgpu::{Device, Gpu, GpuOptions, Injection, Precision, adapters};

/// A device of its own, with a fault to come.
fn with(injection: Injection) -> Arc<Device> {
    Arc::new(Device::with_injection(&GpuOptions::default(), injection).expect("an adapter, as was asked before"))
}

/// What a whole life takes to the byte: the least limit that it does not run into.
fn least_limit() -> u64 {
    let device = Device::shared(&GpuOptions::default()).expect("an adapter, as was asked before");
    let fits = |limit| Life::begin(&device, limit).is_ok_and(|mut life| LIFE.iter().all(|&act| life.act(act).is_ok()));
    let (mut least, mut most) = (0, 1 << 20);
    assert!(fits(most), "a small model fits in a megabyte");
    while most - least > 1 {
        let middle = least.midpoint(most);
        if fits(middle) {
            most = middle;
        } else {
            least = middle;
        }
    }
    most
}

/// Each act that was refused memory is done again, within the same limit: nothing of the refused one may still be counted.
#[test]
fn a_refused_allocation_leaves_a_session_that_goes_on() {
    if !gpu::is_there(Precision::F32) {
        return;
    }
    let limit = least_limit();
    let mut refused = Vec::new();
    // The first, the second of two, those within a workspace, those that hold what comes back.
    for number in [1, 2, 4, 7, 9].into_iter().chain(18..=24).chain([30, 36, 40]) {
        let device = with(Injection::Memory(number));
        let mut life = Life::begin(&device, limit).or_else(|error| {
            refused.push((None, error.code()));
            Life::begin(&device, limit)
        });
        let life = life.as_mut().expect("one allocation alone is refused");
        for act in LIFE {
            if let Err(error) = life.act(act) {
                refused.push((Some(act), error.code()));
                let parameters = life.session.parameters().expect("one allocation alone is refused");
                assert!(act != Act::Train || parameters.iter().all(|&p| p == 0.0), "a refused call trained nothing");
                life.act(act).unwrap_or_else(|error| panic!("{act:?} after allocation {number} was refused: {error}"));
            }
        }
    }
    assert!(refused.iter().all(|(_, code)| *code == "ERR_MEMORY"), "{refused:?}");
    for act in [None, Some(Act::Load), Some(Act::Configure), Some(Act::Train), Some(Act::Evaluate)] {
        assert!(refused.iter().any(|(at, _)| *at == act), "{act:?} was not tried: {refused:?}");
    }
}

/// More than a buffer may hold is refused before the first allocation, which would be refused with nothing available.
#[test]
fn a_request_beyond_the_adapters_limits_is_refused_before_anything_is_allocated() {
    if !gpu::is_there(Precision::F32) {
        return;
    }
    let largest = adapters()[0].max_buffer_bytes;
    let mut backend = Gpu::on(with(Injection::Memory(1)), None);
    let model = |size| Arc::new(ModelPlan::new(&symbols(CellKind::Lstm, 50, &[size])).expect("a valid model"));
    // As much as a buffer holds is reached by the gates of all time steps, or by the weights alone; or no number of 32 bits counts it.
    let (time, size) = ((largest / (4 * 4 * 512 * 64)) as usize + 1, ((largest / (4 * 4)) as f64).sqrt() as usize + 1);
    for (size, lanes, time) in [(512, 64, time), (size, 1, 1), (512, 1 << 20, 1 << 20)] {
        let error = backend.prepare(&model(size), Shape { lanes, time, training: true, taps: false }).err();
        let Some(Error::Memory { needed, available }) = error else { panic!("{lanes} lanes of {time}, {size} units: {error:?}") };
        assert!(needed > available && available >= largest, "{needed} of {available} bytes");
    }
    let error = backend.alloc((largest / 4) as usize + 1).err();
    assert_eq!(error, Some(Error::Memory { needed: largest + 4, available: largest }));
    let plan = Arc::new(ModelPlan::new(&symbols(CellKind::ElmanTanh, 2, &[1])).expect("a valid model"));
    let error = backend.prepare(&plan, Shape { lanes: 2_000_000, time: 1, training: false, taps: false }).err();
    assert_eq!(error.map(|error| error.code()), Some("ERR_INVALID_OPTION"), "more workgroups side by side than a dispatch has");
    let error = backend.alloc(1).err();
    assert_eq!(error, Some(Error::Memory { needed: 16, available: 0 }), "that was the first allocation");
}

/// Does an act over and over until the device fails in it, then everything else.
fn fails_for_good(injection: Injection, act: Act, code: &str) {
    let device = with(injection);
    let mut life = Life::begin(&device, u64::MAX).expect("a fault that comes later");
    for before in LIFE.into_iter().filter(|before| before.records_nothing()) {
        life.act(before).expect("nothing was submitted");
    }
    let error = (0..100).find_map(|_| life.act(act).err()).expect("the submission comes");
    assert_eq!(error.code(), code, "{act:?}: {error}");
    // A training that cannot be configured is gone: that one is tried last.
    for after in LIFE.into_iter().filter(|&after| after != Act::Configure).chain([Act::Configure]) {
        assert_eq!(life.act(after), Err(error.clone()), "{after:?} after a device failed in {act:?}");
    }
    assert_eq!(Life::begin(&device, u64::MAX).err(), Some(error), "a new session on it");
}

#[test]
fn a_lost_device_is_lost_for_good() {
    if gpu::is_there(Precision::F32) {
        for (act, number) in [(Act::Train, 1), (Act::Train, 5), (Act::Evaluate, 2), (Act::Sample, 3), (Act::Read, 2)] {
            fails_for_good(Injection::Lost(number), act, "ERR_DEVICE_LOST");
        }
    }
}

#[test]
fn what_validation_refuses_fails_for_good() {
    if gpu::is_there(Precision::F32) {
        for (act, number) in [(Act::Train, 2), (Act::Sample, 1)] {
            fails_for_good(Injection::Invalid(number), act, "ERR_DEVICE_FAILED");
        }
    }
}

#[test]
fn an_adapter_that_is_not_there_is_unavailable() {
    let options = GpuOptions { adapter: Some("an abacus".to_owned()), ..GpuOptions::default() };
    let error = Gpu::open(&options).err().expect("no adapter has that name");
    assert_eq!(error.code(), "ERR_DEVICE_UNAVAILABLE");
    if gpu::is_there(Precision::F32) {
        assert!(error.to_string().contains("an abacus"), "{error}");
        assert!(error.to_string().contains(&adapters()[0].name), "it says what there is: {error}");
    }
}

/// In a process of its own, since a process loads its drivers once.
#[cfg(target_os = "linux")]
#[test]
fn a_machine_without_a_driver_has_no_adapter() {
    const WITHOUT: &str = "RNNKIT_TEST_WITHOUT_DRIVER";
    if std::env::var_os(WITHOUT).is_some() {
        assert_eq!(adapters(), []);
        let error = Gpu::open(&GpuOptions::default()).err().expect("there is no driver");
        assert_eq!(error.code(), "ERR_DEVICE_UNAVAILABLE");
        return;
    }
    let child = std::process::Command::new(std::env::current_exe().expect("a test has a file"))
        .args(["--exact", "a_machine_without_a_driver_has_no_adapter"])
        .envs([(WITHOUT, "1"), ("VK_DRIVER_FILES", "/nonexistent"), ("VK_ICD_FILENAMES", "/nonexistent")])
        .output()
        .expect("a test can be run again");
    assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stdout));
    assert!(String::from_utf8_lossy(&child.stdout).contains("1 passed"), "the test itself was run");
}
