//! What must end with a JavaScript environment: the threads begun in it, of sessions and of single commands.
//!
//! A session left open neither keeps the process alive nor outlives its environment (the process's, or a worker's): as that is torn
//! down, its threads are told to end and waited for, a second at most. A thread within a graphics driver while the process tears that
//! down would take the process along.

use std::cell::RefCell;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use napi::Env;

use crate::session_thread::Shared;

/// A thread that can be told to end, and waited for.
pub trait Ending {
    /// Stops what runs and answers what waits; does not wait.
    fn close(&self);
    /// Waits for the thread's end, after `close`, until the deadline.
    fn wait_until(&self, deadline: Instant);
}

impl<W: 'static> Ending for Shared<W> {
    fn close(&self) {
        Shared::close(self);
    }

    fn wait_until(&self, deadline: Instant) {
        Shared::wait_until(self, deadline);
    }
}

/// Longest wait for threads at the environment's end.
const PATIENCE: Duration = Duration::from_secs(1);

thread_local! {
    /// Threads begun in this thread's environment; `None` before the first and after the environment's end.
    static THREADS: RefCell<Option<Vec<Weak<dyn Ending>>>> = const { RefCell::new(None) };
}

/// Ends the thread with the environment, if it has not ended by then.
pub fn watch(env: &Env, thread: Arc<dyn Ending>) -> napi::Result<()> {
    THREADS.with_borrow_mut(|threads| {
        if threads.is_none() {
            env.add_env_cleanup_hook((), |()| end_all())?;
        }
        let threads = threads.get_or_insert_default();
        threads.retain(|thread| thread.strong_count() > 0);
        threads.push(Arc::downgrade(&thread));
        Ok(())
    })
}

fn end_all() {
    let threads: Vec<_> = THREADS.take().unwrap_or_default().iter().filter_map(Weak::upgrade).collect();
    let deadline = Instant::now() + PATIENCE;
    threads.iter().for_each(|thread| thread.close());
    threads.iter().for_each(|thread| thread.wait_until(deadline));
}
