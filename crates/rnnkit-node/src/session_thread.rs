//! A thread that owns a value and works off a queue of commands, in order. Knows nothing of Node.
//!
//! Every command posted gets exactly one answer: its result, or why it has none. A panic is caught, answered, and ends the value's
//! life: what it left half done is never used again.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;
use std::time::Instant;

use rnnkit_core::Error;

use crate::failure::Failure;

/// One posted command, seen from both threads.
pub struct Call {
    token: Option<u64>,
    abort: AtomicBool,
    closing: AtomicBool,
}

impl Call {
    /// Raised to stop the command.
    pub fn abort(&self) -> &AtomicBool {
        &self.abort
    }

    /// Whether it is stopped because the session was closed.
    pub fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Relaxed)
    }
}

/// The value, or why there is none.
type Slot<W> = Result<W, Failure>;

/// Runs a command on the slot, or is told why not; answers in either case.
type Work<W> = Box<dyn FnOnce(Result<&mut Slot<W>, Failure>) + Send>;

struct Job<W> {
    call: Arc<Call>,
    work: Work<W>,
}

struct State<W> {
    queue: VecDeque<Job<W>>,
    running: Option<Arc<Call>>,
    /// Why no more commands are taken, once that is so.
    closed: Option<Failure>,
    /// The thread has dropped its value and is about to end.
    ended: bool,
}

/// What the thread and its owners share.
pub struct Shared<W> {
    state: Mutex<State<W>>,
    /// A job was queued, or the session closed.
    work: Condvar,
    /// The thread is about to end.
    end: Condvar,
    thread: Mutex<Option<thread::JoinHandle<()>>>,
}

/// Owner of the thread; dropping it closes the session.
pub struct SessionThread<W: 'static> {
    shared: Arc<Shared<W>>,
}

impl<W: 'static> SessionThread<W> {
    /// Starts the thread, which makes its value first. A failure to make it, or to start a thread, is the answer to every command.
    pub fn start(make: impl FnOnce() -> Result<W, Failure> + Send + 'static) -> Self {
        let state = State { queue: VecDeque::new(), running: None, closed: None, ended: false };
        let shared = Arc::new(Shared { state: Mutex::new(state), work: Condvar::new(), end: Condvar::new(), thread: Mutex::new(None) });
        let its = Arc::clone(&shared);
        match thread::Builder::new().name("rnnkit-session".to_owned()).spawn(move || its.work_off(make)) {
            Ok(handle) => *locked(&shared.thread) = Some(handle),
            Err(error) => {
                let mut state = shared.state();
                state.closed = Some(Error::internal(format!("no thread can be started: {error}")).into());
                state.ended = true;
            }
        }
        SessionThread { shared }
    }

    /// What [`crate::environment`] watches.
    pub fn shared(&self) -> &Arc<Shared<W>> {
        &self.shared
    }

    /// Queues a command. `answer` is called once, on the session's thread or, if the session takes no more commands, on this one.
    pub fn post<T: 'static>(
        &self,
        token: Option<u64>,
        command: impl FnOnce(&mut W, &Call) -> Result<T, Failure> + Send + 'static,
        answer: impl FnOnce(Result<T, Failure>) + Send + 'static,
    ) {
        self.enqueue(token, command, answer, VecDeque::push_back);
    }

    /// Runs a command before all that are queued, and waits for it: as long as the command that runs now takes, and it itself.
    pub fn ask<T: Send + 'static>(&self, command: impl FnOnce(&mut W, &Call) -> Result<T, Failure> + Send + 'static) -> Result<T, Failure> {
        let (sender, receiver) = mpsc::sync_channel(1);
        // A receiver that is gone needs no answer.
        let answer = move |result| drop(sender.send(result));
        self.enqueue(None, command, answer, VecDeque::push_front);
        receiver.recv().unwrap_or_else(|_| Err(Error::internal("a command was dropped without an answer").into()))
    }

    fn enqueue<T: 'static>(
        &self,
        token: Option<u64>,
        command: impl FnOnce(&mut W, &Call) -> Result<T, Failure> + Send + 'static,
        answer: impl FnOnce(Result<T, Failure>) + Send + 'static,
        push: fn(&mut VecDeque<Job<W>>, Job<W>),
    ) {
        let call = Arc::new(Call { token, abort: AtomicBool::new(false), closing: AtomicBool::new(false) });
        let its = Arc::clone(&call);
        let work: Work<W> = Box::new(move |slot| answer(slot.and_then(|slot| run(slot, &its, command))));
        let mut state = self.shared.state();
        if let Some(failure) = state.closed.clone() {
            drop(state);
            work(Err(failure));
            return;
        }
        push(&mut state.queue, Job { call, work });
        self.shared.work.notify_one();
    }

    /// Raises the abort flag of every command of that token, running or queued.
    pub fn abort(&self, token: u64) {
        let state = self.shared.state();
        let calls = state.queue.iter().map(|job| &job.call).chain(&state.running);
        calls.filter(|call| call.token == Some(token)).for_each(|call| call.abort.store(true, Ordering::Relaxed));
    }

    /// Stops what runs, answers what is queued, and lets the thread end by itself. Safe to call twice.
    pub fn close(&self) {
        self.shared.close();
    }
}

/// Runs one command on a thread of its own, which is returned for [`crate::environment`] to watch.
pub fn run_once<T: 'static>(
    command: impl FnOnce() -> Result<T, Failure> + Send + 'static,
    answer: impl FnOnce(Result<T, Failure>) + Send + 'static,
) -> Arc<Shared<()>> {
    let thread = Arc::new(SessionThread::start(|| Ok(())));
    let its = Arc::clone(&thread);
    let answer = move |result| {
        answer(result);
        drop(its);
    };
    let shared = Arc::clone(thread.shared());
    thread.post(None, |(), _| command(), answer);
    shared
}

impl<W: 'static> Drop for SessionThread<W> {
    fn drop(&mut self) {
        self.shared.close();
    }
}

impl<W: 'static> Shared<W> {
    /// As [`SessionThread::close`].
    pub fn close(&self) {
        let mut state = self.state();
        let failure = state.closed.get_or_insert(Failure::Disposed).clone();
        if let Some(call) = &state.running {
            call.closing.store(true, Ordering::Relaxed);
            call.abort.store(true, Ordering::Relaxed);
        }
        let queued = std::mem::take(&mut state.queue);
        drop(state);
        self.work.notify_one();
        queued.into_iter().for_each(|job| (job.work)(Err(failure.clone())));
    }

    /// Waits for a closed session's thread; after the deadline it is left to itself.
    pub fn wait_until(&self, deadline: Instant) {
        let mut state = self.state();
        while !state.ended {
            let patience = deadline.saturating_duration_since(Instant::now());
            if patience.is_zero() {
                return;
            }
            state = self.end.wait_timeout(state, patience).unwrap_or_else(PoisonError::into_inner).0;
        }
        drop(state);
        if let Some(handle) = locked(&self.thread).take() {
            // It caught its own panics; there is nothing left to learn from the result.
            let _ = handle.join();
        }
    }

    fn work_off(self: Arc<Self>, make: impl FnOnce() -> Result<W, Failure>) {
        let mut slot = catch_unwind(AssertUnwindSafe(make)).unwrap_or_else(|payload| Err(Failure::of_panic(&*payload)));
        while let Some(job) = self.next() {
            // `run` catches the command's panics; should an answer panic, the thread must still serve the next command.
            let _ = catch_unwind(AssertUnwindSafe(|| (job.work)(Ok(&mut slot))));
        }
        let _ = catch_unwind(AssertUnwindSafe(move || drop(slot)));
        self.state().ended = true;
        self.end.notify_all();
    }

    /// The next job, or `None` once the session is closed. Waits.
    fn next(&self) -> Option<Job<W>> {
        let mut state = self.state();
        state.running = None;
        loop {
            if state.closed.is_some() {
                return None;
            }
            if let Some(job) = state.queue.pop_front() {
                state.running = Some(Arc::clone(&job.call));
                return Some(job);
            }
            state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn state(&self) -> MutexGuard<'_, State<W>> {
        locked(&self.state)
    }
}

/// Runs one command on the value; a panic poisons it.
fn run<W, T>(slot: &mut Slot<W>, call: &Call, command: impl FnOnce(&mut W, &Call) -> Result<T, Failure>) -> Result<T, Failure> {
    let value = slot.as_mut().map_err(|failure| failure.clone())?;
    match catch_unwind(AssertUnwindSafe(|| command(value, call))) {
        Ok(Err(Failure::Core(Error::Aborted))) if call.is_closing() => Err(Failure::Disposed),
        Ok(result) => result,
        Err(payload) => {
            let broken = std::mem::replace(slot, Err(Failure::Poisoned));
            let _ = catch_unwind(AssertUnwindSafe(move || drop(broken)));
            Err(Failure::of_panic(&*payload))
        }
    }
}

/// No panic happens under these locks, and what they guard is whole at every moment.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, channel};
    use std::time::Duration;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(5);

    fn counter() -> SessionThread<u32> {
        SessionThread::start(|| Ok(0))
    }

    fn posted<T: Send + 'static>(
        thread: &SessionThread<u32>,
        token: Option<u64>,
        command: impl FnOnce(&mut u32, &Call) -> Result<T, Failure> + Send + 'static,
    ) -> Receiver<Result<T, Failure>> {
        let (sender, receiver) = channel();
        thread.post(token, command, move |answer| sender.send(answer).unwrap());
        receiver
    }

    fn add(thread: &SessionThread<u32>) -> Receiver<Result<u32, Failure>> {
        posted(thread, None, |value, _| {
            *value += 1;
            Ok(*value)
        })
    }

    /// Runs until it is stopped, as a training does.
    fn spin(thread: &SessionThread<u32>, token: u64) -> Receiver<Result<(), Failure>> {
        let (started, waits) = channel();
        let answer = posted(thread, Some(token), move |_, call| {
            started.send(()).unwrap();
            while !call.abort().load(Ordering::Relaxed) {
                thread::yield_now();
            }
            Err(Error::Aborted.into())
        });
        waits.recv_timeout(PATIENCE).unwrap();
        answer
    }

    #[test]
    fn commands_run_in_their_order() {
        let thread = counter();
        let answers: Vec<_> = (0..10).map(|_| add(&thread)).collect();
        let values: Vec<u32> = answers.iter().map(|answer| answer.recv_timeout(PATIENCE).unwrap().unwrap()).collect();
        assert_eq!(values, (1..=10).collect::<Vec<_>>());
    }

    #[test]
    fn a_question_is_answered_before_what_is_queued() {
        let thread = counter();
        let (started, running) = channel();
        let first = posted(&thread, None, move |_, _| {
            started.send(()).unwrap();
            std::thread::sleep(Duration::from_millis(20));
            Ok(())
        });
        running.recv_timeout(PATIENCE).unwrap();
        let queued = add(&thread);
        assert_eq!(thread.ask(|count, _| Ok(*count)), Ok(0));
        assert_eq!(first.recv_timeout(PATIENCE).unwrap(), Ok(()));
        assert_eq!(queued.recv_timeout(PATIENCE).unwrap(), Ok(1));
        thread.close();
        assert_eq!(thread.ask(|count, _| Ok(*count)), Err(Failure::Disposed));
    }

    #[test]
    fn a_failed_start_answers_every_command() {
        let failure: Failure = Error::invalid("layers", 0, "more").into();
        let its = failure.clone();
        let thread = SessionThread::<u32>::start(move || Err(its));
        for _ in 0..2 {
            assert_eq!(add(&thread).recv_timeout(PATIENCE).unwrap(), Err(failure.clone()));
        }
    }

    #[test]
    fn a_panic_is_answered_and_poisons_what_follows() {
        let thread = counter();
        let first = posted::<()>(&thread, None, |_, _| panic!("lost the {}", "thread"));
        let second = add(&thread);
        assert_eq!(first.recv_timeout(PATIENCE).unwrap(), Err(Error::internal("lost the thread").into()));
        assert_eq!(second.recv_timeout(PATIENCE).unwrap(), Err(Failure::Poisoned));
    }

    #[test]
    fn an_abort_stops_the_commands_of_its_token_alone() {
        let thread = counter();
        let running = spin(&thread, 7);
        let other = posted(&thread, Some(8), |_, call| Ok(call.abort().load(Ordering::Relaxed)));
        let queued = posted(&thread, Some(7), |_, call| Ok(call.abort().load(Ordering::Relaxed)));
        thread.abort(7);
        assert_eq!(running.recv_timeout(PATIENCE).unwrap(), Err(Error::Aborted.into()));
        assert_eq!(other.recv_timeout(PATIENCE).unwrap(), Ok(false));
        assert_eq!(queued.recv_timeout(PATIENCE).unwrap(), Ok(true));
    }

    #[test]
    fn closing_stops_what_runs_and_answers_what_waits_and_what_comes() {
        let thread = counter();
        let running = spin(&thread, 1);
        let queued = add(&thread);
        thread.close();
        thread.close();
        let late = add(&thread);
        assert_eq!(running.recv_timeout(PATIENCE).unwrap(), Err(Failure::Disposed));
        assert_eq!(queued.recv_timeout(PATIENCE).unwrap(), Err(Failure::Disposed));
        assert_eq!(late.recv_timeout(PATIENCE).unwrap(), Err(Failure::Disposed));
        thread.shared().wait_until(Instant::now() + PATIENCE);
        assert!(thread.shared().state().ended);
    }

    #[test]
    fn one_command_alone_is_answered_even_if_it_panics() {
        let (sender, receiver) = channel();
        let second = sender.clone();
        run_once(|| Ok(5), move |answer| sender.send(answer).unwrap());
        assert_eq!(receiver.recv_timeout(PATIENCE).unwrap(), Ok(5));
        run_once(|| panic!("lost"), move |answer| second.send(answer).unwrap());
        assert_eq!(receiver.recv_timeout(PATIENCE).unwrap(), Err(Error::internal("lost").into()));
    }

    #[test]
    fn a_command_that_will_not_stop_is_waited_for_no_longer_than_the_deadline() {
        let thread = counter();
        let (started, running) = channel();
        let (release, waits) = channel::<()>();
        let answer = posted(&thread, None, move |_, _| {
            started.send(()).unwrap();
            waits.recv().unwrap();
            Ok(())
        });
        running.recv_timeout(PATIENCE).unwrap();
        let clock = Instant::now();
        thread.close();
        thread.shared().wait_until(clock + Duration::from_millis(50));
        assert!(clock.elapsed() < PATIENCE);
        release.send(()).unwrap();
        assert_eq!(answer.recv_timeout(PATIENCE).unwrap(), Ok(()), "what was done before the end is not denied");
    }
}
