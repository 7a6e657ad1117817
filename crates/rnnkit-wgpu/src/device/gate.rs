//! The gate that every call of wgpu goes through, so that the process can end while sessions work on other threads.
//!
//! `exit` runs what the drivers' libraries want done at the end while all other threads go on: one that is inside a driver then, or a
//! driver's own that compiles for a device at work, touches what is gone. So a handler that runs before theirs closes the gate, waits until
//! everybody is out, and lets the devices finish; who comes later stays outside for good. Windows stops the other threads first, and needs
//! none of this.

use std::cell::Cell;
use std::fmt::{Debug, Formatter};
use std::mem::ManuallyDrop;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

/// How long the process waits at its end for those inside, and then for each device: a kernel may take seconds to compile.
const PATIENCE: Duration = Duration::from_secs(5);

/// The one of this process.
static GATE: Gate = Gate { inside: Mutex::new(Inside { threads: 0, closed: false }), left: Condvar::new() };
/// The devices that may be at work.
static DEVICES: Mutex<Vec<Weak<wgpu::Device>>> = Mutex::new(Vec::new());

thread_local! {
    /// How often this thread went in and has not come out; it counts as inside once.
    static DEPTH: Cell<usize> = const { Cell::new(0) };
}

/// A gate for threads, which closes once.
struct Gate {
    inside: Mutex<Inside>,
    left: Condvar,
}

/// Who is inside, and whether others may follow.
struct Inside {
    threads: usize,
    closed: bool,
}

impl Gate {
    fn locked(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Never returns where it is closed, but to those who are inside already: they may hold what others there wait for.
    fn enter(&'static self) -> Entered {
        if DEPTH.get() == 0 {
            let mut inside = self.locked();
            while inside.closed {
                drop(inside);
                std::thread::park();
                inside = self.locked();
            }
            inside.threads += 1;
        }
        DEPTH.set(DEPTH.get() + 1);
        Entered { gate: self }
    }

    /// Lets nobody in any more but this thread, and waits until everybody else is out; false where that takes longer than `patience`.
    fn close(&'static self, patience: Duration) -> bool {
        let mut inside = self.locked();
        inside.closed = true;
        if DEPTH.get() == 0 {
            inside.threads += 1;
        }
        // It stays inside: what it drops from now on is dropped at once.
        DEPTH.set(DEPTH.get() + 1);
        let waited = self.left.wait_timeout_while(inside, patience, |inside| inside.threads > 1);
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }
}

/// Being inside, until it is dropped on the same thread.
pub struct Entered {
    gate: &'static Gate,
}

impl Drop for Entered {
    fn drop(&mut self) {
        DEPTH.set(DEPTH.get() - 1);
        if DEPTH.get() == 0 {
            self.gate.locked().threads -= 1;
            self.gate.left.notify_all();
        }
    }
}

/// Goes inside; to be held while wgpu is called.
pub fn enter() -> Entered {
    GATE.enter()
}

/// What is dropped inside the gate, since dropping it calls the driver.
pub struct Gated<T>(ManuallyDrop<T>);

impl<T> Gated<T> {
    /// Keeps it.
    pub fn new(kept: T) -> Self {
        Self(ManuallyDrop::new(kept))
    }
}

impl<T> Drop for Gated<T> {
    fn drop(&mut self) {
        let _inside = enter();
        // SAFETY: nothing of it is used after this.
        unsafe { ManuallyDrop::drop(&mut self.0) }
    }
}

impl<T> Deref for Gated<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> DerefMut for Gated<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

impl<T: Debug> Debug for Gated<T> {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(formatter)
    }
}

/// Has the end of the process wait for a device.
pub fn wait_at_the_end(device: &Arc<wgpu::Device>) {
    let mut devices = DEVICES.lock().unwrap_or_else(PoisonError::into_inner);
    devices.retain(|device| device.strong_count() > 0);
    devices.push(Arc::downgrade(device));
    drop(devices);
    close_at_the_end();
}

/// Has the gate closed when the process ends, before all that was asked for so far is done. To be called again when drivers may have asked
/// for more: a compiler does when it is first used.
pub fn close_at_the_end() {
    // SAFETY: the handler lives as long as its library, which takes it back when it is unloaded, and unwinds into nobody. Where there is no
    // room for it, the process ends as one without it.
    #[cfg(unix)]
    unsafe {
        libc::atexit(end);
    }
}

/// What the process does at its end; the first time counts.
#[cfg(unix)]
extern "C" fn end() {
    if GATE.locked().closed {
        return;
    }
    GATE.close(PATIENCE);
    let Ok(devices) = DEVICES.try_lock() else { return };
    for device in devices.iter().filter_map(Weak::upgrade) {
        // What the poll has to say is of use to nobody any more.
        let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            device.poll(wgpu::PollType::Wait { submission_index: None, timeout: Some(PATIENCE) })
        }));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{RecvTimeoutError, channel};

    use super::*;

    const BRIEFLY: Duration = Duration::from_millis(50);

    fn gate() -> &'static Gate {
        Box::leak(Box::new(Gate { inside: Mutex::new(Inside { threads: 0, closed: false }), left: Condvar::new() }))
    }

    #[test]
    fn a_closed_gate_lets_nobody_in_but_who_is_inside() {
        let gate = gate();
        let (sender, went_in) = channel();
        let (leave, may_leave) = channel::<()>();
        let goer = sender.clone();
        let inside = std::thread::spawn(move || {
            let _first = gate.enter();
            goer.send("first").expect("the test listens");
            may_leave.recv().expect("the test says when");
            let _again = gate.enter();
            goer.send("again").expect("the test listens");
        });
        assert_eq!(went_in.recv(), Ok("first"));
        assert!(!gate.close(BRIEFLY), "somebody is inside");
        std::thread::spawn(move || {
            let _late = gate.enter();
            let _ = sender.send("late");
        });
        assert_eq!(went_in.recv_timeout(BRIEFLY), Err(RecvTimeoutError::Timeout), "too late");
        leave.send(()).expect("it waits");
        assert_eq!(went_in.recv(), Ok("again"));
        inside.join().expect("it came out");
        assert!(gate.close(BRIEFLY), "everybody is out");
        let _own = gate.enter();
        assert_eq!(gate.locked().threads, 1, "who closed it may go in as before");
    }

    #[test]
    fn what_is_gated_is_dropped_inside() {
        struct Kept;
        impl Drop for Kept {
            fn drop(&mut self) {
                assert!(DEPTH.get() > 0);
            }
        }
        assert_eq!(DEPTH.get(), 0);
        drop(Gated::new(Kept));
        assert_eq!(DEPTH.get(), 0);
    }
}
