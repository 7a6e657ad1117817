//! What must end with a JavaScript environment: the sessions begun in it.
//!
//! A session left open neither keeps the process alive nor outlives its environment (the process's, or a worker's): as that is torn
//! down, its sessions are closed and their threads waited for, a second at most.

use std::cell::RefCell;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use napi::Env;

use crate::session_thread::Shared;
use crate::worker::Worker;

/// Longest wait for threads at the environment's end.
const PATIENCE: Duration = Duration::from_secs(1);

thread_local! {
    /// Sessions begun in this thread's environment; `None` before the first and after the environment's end.
    static SESSIONS: RefCell<Option<Vec<Weak<Shared<Worker>>>>> = const { RefCell::new(None) };
}

/// Ends the session with the environment, if it has not ended by then.
pub fn watch(env: &Env, session: &Arc<Shared<Worker>>) -> napi::Result<()> {
    SESSIONS.with_borrow_mut(|sessions| {
        if sessions.is_none() {
            env.add_env_cleanup_hook((), |()| end_all())?;
        }
        let sessions = sessions.get_or_insert_default();
        sessions.retain(|session| session.strong_count() > 0);
        sessions.push(Arc::downgrade(session));
        Ok(())
    })
}

fn end_all() {
    let sessions: Vec<_> = SESSIONS.take().unwrap_or_default().iter().filter_map(Weak::upgrade).collect();
    let deadline = Instant::now() + PATIENCE;
    sessions.iter().for_each(|session| session.close());
    sessions.iter().for_each(|session| session.wait_until(deadline));
}
