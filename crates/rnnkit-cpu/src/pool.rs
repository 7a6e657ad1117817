//! [`ThreadPool`]: shares the tasks of one call out to threads that stay, without allocating.
//!
//! A call publishes its job under a new number and takes part in it. A thread that sees the job joins it, takes the tasks of its own share,
//! then what is left of the others', and leaves. The caller then closes the job, so that nobody can join any more, and waits for those
//! inside. A thread that comes too late, asleep or on a busy machine, holds nobody up.
//!
//! A thread's share is the same in every call of as many tasks: what a core has in its caches from one call, it finds there in the next.
//!
//! Threads without work spin for a moment, since the next call mostly comes at once, and then sleep.

use rnnkit_core::{Error, Result};
use std::any::Any;
use std::cell::UnsafeCell;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::*};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

#[cfg(test)]
mod tests;

/// How long a thread looks for the next job before it sleeps.
const SPIN: Duration = Duration::from_micros(40);

/// In [`Shared::state`]: the job may be joined.
const OPEN: u64 = 1 << 31;
/// In [`Shared::state`]: the threads inside the job.
const INSIDE: u64 = OPEN - 1;
/// In [`Shared::state`]: where the number of the job begins.
const NUMBER: u32 = 32;

/// A job: a function of the task's number, and how many tasks there are.
#[derive(Clone, Copy)]
struct Job {
    function: *const (dyn Fn(usize) + Sync),
    tasks: usize,
}

/// A value on a cache line of its own, or two: those next to it are another thread's.
#[repr(align(128))]
struct OwnLine<T>(T);

struct Shared {
    /// Number of the job in the upper half, then [`OPEN`], then how many workers are inside.
    state: AtomicU64,
    /// Written by the caller while no job is open and nobody inside; read by those who joined.
    job: UnsafeCell<Option<Job>>,
    /// The next task that nobody has taken, of each thread's share; the caller's is the first.
    next: Box<[OwnLine<AtomicUsize>]>,
    /// The first panic of the current job.
    panic: Mutex<Option<Box<dyn Any + Send>>>,
    /// True while a call is going on.
    busy: AtomicBool,
    closing: AtomicBool,
    sleepers: AtomicUsize,
    bed: Mutex<()>,
    alarm: Condvar,
}

// SAFETY: `job` is the only field that is not `Sync` by itself. It is written by the one caller that holds `busy`, while the
// job is closed and empty, and read by workers only after they joined, which an open job lets them do; joining acquires what
// opening released. Its pointer stays valid until the call ends, which waits until nobody is inside.
unsafe impl Sync for Shared {}
// SAFETY: as above; the pointer is to something `Sync`.
unsafe impl Send for Shared {}

/// A fixed number of threads, the caller's among them.
pub struct ThreadPool {
    shared: Arc<Shared>,
    workers: Vec<JoinHandle<()>>,
}

impl ThreadPool {
    /// A pool of `threads` threads: the caller's and `threads` - 1 more.
    ///
    /// # Errors
    /// [`Error::Invalid`] if `threads` is 0 or more than the system will start.
    pub fn new(threads: usize) -> Result<Self> {
        let invalid = |expected: String| Error::Invalid { field: "threads".into(), value: threads.to_string(), expected };
        if threads == 0 {
            return Err(invalid("at least 1".into()));
        }
        let shared = Arc::new(Shared {
            state: AtomicU64::new(0),
            job: UnsafeCell::new(None),
            next: (0..threads).map(|_| OwnLine(AtomicUsize::new(0))).collect(),
            panic: Mutex::new(None),
            busy: AtomicBool::new(false),
            closing: AtomicBool::new(false),
            sleepers: AtomicUsize::new(0),
            bed: Mutex::new(()),
            alarm: Condvar::new(),
        });
        let mut pool = Self { shared, workers: Vec::new() };
        for i in 1..threads {
            let shared = Arc::clone(&pool.shared);
            let worker = std::thread::Builder::new().name(format!("rnnkit-{i}")).spawn(move || shared.work(i));
            pool.workers.push(worker.map_err(|error| invalid(format!("a number of threads that the system can start ({error})")))?);
        }
        Ok(pool)
    }

    /// How many threads take part, the caller's included.
    pub fn threads(&self) -> usize {
        self.workers.len() + 1
    }

    /// Calls `function` once for each task in 0..`tasks`, on whichever threads are free, and returns when all are done.
    ///
    /// Called from within a task, or by two threads at once, the second call does its tasks on its own thread, in order.
    ///
    /// # Panics
    /// With the first panic of a task, after every task that was begun has ended; others are not begun then.
    pub fn run(&self, tasks: usize, function: &(dyn Fn(usize) + Sync)) {
        let alone = self.workers.is_empty() || tasks <= 1;
        if alone || self.shared.busy.swap(true, Acquire) {
            return (0..tasks).for_each(function);
        }
        let job = self.shared.open(tasks, function);
        self.shared.take_tasks(job, 0);
        self.shared.close();
        let panic = lock(&self.shared.panic).take();
        self.shared.busy.store(false, Release);
        if let Some(payload) = panic {
            resume_unwind(payload);
        }
    }

    /// Calls `function` once for each item, with its index and with the item to itself. As [`ThreadPool::run`].
    pub fn for_each<T: Send>(&self, items: &mut [T], function: impl Fn(usize, &mut T) + Sync) {
        self.for_each_chunk(items, 1, |i, item| function(i, &mut item[0]));
    }

    /// Calls `function` once for each chunk of `length` items, the last maybe shorter, with its index and with the chunk to
    /// itself. As [`ThreadPool::run`].
    pub fn for_each_chunk<T: Send>(&self, items: &mut [T], length: usize, function: impl Fn(usize, &mut [T]) + Sync) {
        assert!(length > 0, "a chunk has a length");
        let (all, first) = (items.len(), Items(items.as_mut_ptr()));
        self.run(all.div_ceil(length), &|task| {
            let begin = task * length;
            // SAFETY: chunks of different tasks do not overlap, each task runs once, and `run` returns before `items` is
            // free for others; T may be sent to the thread that runs the task.
            function(task, unsafe { std::slice::from_raw_parts_mut(first.get().add(begin), length.min(all - begin)) });
        });
    }

    /// As [`ThreadPool::for_each_chunk`], for the same chunk of several buffers at once. The first buffer sets the length; the others are
    /// as long, or empty.
    pub fn for_each_chunks<T: Send, const N: usize>(
        &self,
        buffers: [&mut [T]; N],
        length: usize,
        function: impl Fn(usize, [&mut [T]; N]) + Sync,
    ) {
        assert!(length > 0, "a chunk has a length");
        let all = buffers[0].len();
        assert!(buffers.iter().all(|buffer| buffer.len() == all || buffer.is_empty()), "buffers of one length, or empty");
        let firsts = buffers.map(|buffer| (Items(buffer.as_mut_ptr()), buffer.is_empty()));
        self.run(all.div_ceil(length), &|task| {
            let begin = task * length;
            let chunk = |(first, empty): &(Items<T>, bool)| {
                let (begin, count) = if *empty { (0, 0) } else { (begin, length.min(all - begin)) };
                // SAFETY: as in `for_each_chunk`; different buffers do not overlap either, and an empty one gives an empty slice.
                unsafe { std::slice::from_raw_parts_mut(first.get().add(begin), count) }
            };
            function(task, std::array::from_fn(|i| chunk(&firsts[i])));
        });
    }
}

impl Drop for ThreadPool {
    fn drop(&mut self) {
        self.shared.closing.store(true, SeqCst);
        self.shared.wake();
        for worker in self.workers.drain(..) {
            // A worker catches the panics of its tasks, so there is none of its own to report.
            let _ = worker.join();
        }
    }
}

/// The beginning of a slice whose parts go to different threads.
struct Items<T>(*mut T);

impl<T> Items<T> {
    fn get(&self) -> *mut T {
        self.0
    }
}

// SAFETY: `for_each_chunk` gives each part to one thread at a time, and asks for `T: Send`.
unsafe impl<T: Send> Sync for Items<T> {}

/// Locks; a poisoned lock is taken too, for nothing it guards can be left half done.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    /// Publishes a job, for the caller that holds `busy` and will [`Shared::close`] it.
    fn open<'a>(&self, tasks: usize, function: &'a (dyn Fn(usize) + Sync + 'a)) -> Job {
        // SAFETY: only the lifetime changes; the pointer is used by those inside the job, and `close`, which the caller runs
        // before it returns, waits for them.
        let function =
            unsafe { std::mem::transmute::<*const (dyn Fn(usize) + Sync + 'a), *const (dyn Fn(usize) + Sync + 'static)>(function) };
        let job = Job { function, tasks };
        // SAFETY: no job is open and nobody is inside, so nobody reads.
        unsafe { *self.job.get() = Some(job) };
        for (thread, next) in self.next.iter().enumerate() {
            next.0.store(self.share(thread, tasks).start, Relaxed);
        }
        let number = (self.state.load(Relaxed) >> NUMBER).wrapping_add(1);
        // SeqCst together with `sleepers`: either we see the sleeper, or it sees the job.
        self.state.store(number << NUMBER | OPEN, SeqCst);
        if self.sleepers.load(SeqCst) > 0 {
            self.wake();
        }
        job
    }

    /// Lets nobody join any more and waits until all have left.
    fn close(&self) {
        let mut state = self.state.fetch_and(!OPEN, AcqRel) & !OPEN;
        let begin = Instant::now();
        while state & INSIDE > 0 {
            if begin.elapsed() < SPIN {
                std::hint::spin_loop()
            } else {
                std::thread::yield_now()
            }
            state = self.state.load(Acquire);
        }
    }

    fn wake(&self) {
        let _guard = lock(&self.bed);
        self.alarm.notify_all();
    }

    /// The tasks of a job that are one thread's own: as many as another's, or one more.
    fn share(&self, thread: usize, tasks: usize) -> Range<usize> {
        let threads = self.next.len();
        (thread * tasks).div_ceil(threads)..((thread + 1) * tasks).div_ceil(threads)
    }

    /// Does tasks until none is left, those of the thread's own share first; keeps the first panic and lets nobody begin another task after
    /// one.
    fn take_tasks(&self, job: Job, own: usize) {
        let threads = self.next.len();
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            // SAFETY: the job is open, or we are inside it, so its function lives.
            let function = unsafe { &*job.function };
            for thread in (own..threads).chain(0..own) {
                let (next, end) = (&self.next[thread].0, self.share(thread, job.tasks).end);
                // A look first: what is done is mostly done, and a look takes no line from its owner.
                while next.load(Relaxed) < end {
                    let task = next.fetch_add(1, Relaxed);
                    if task < end {
                        function(task);
                    }
                }
            }
        }));
        if let Err(payload) = outcome {
            self.next.iter().for_each(|next| next.0.store(job.tasks, Relaxed));
            lock(&self.panic).get_or_insert(payload);
        }
    }

    /// What a worker does for all its life. `own`: whose share is its own.
    fn work(&self, own: usize) {
        let mut last = 0;
        while let Some(number) = self.await_job(last) {
            last = number;
            if self.join(number) {
                // SAFETY: we are inside the job, so its caller waits for us and does not write.
                let job = unsafe { *self.job.get() };
                self.take_tasks(job.expect("an open job was written before it was opened"), own);
                self.state.fetch_sub(1, Release);
            }
        }
    }

    /// Enters job `number`, if it is still open.
    fn join(&self, number: u64) -> bool {
        let mut state = self.state.load(Acquire);
        while state >> NUMBER == number && state & OPEN > 0 {
            match self.state.compare_exchange_weak(state, state + 1, Acquire, Acquire) {
                Ok(_) => return true,
                Err(now) => state = now,
            }
        }
        false
    }

    /// The number of an open job after the job `last`, if `state` has one.
    fn new_job(&self, last: u64) -> Option<u64> {
        let state = self.state.load(SeqCst);
        (state & OPEN > 0 && state >> NUMBER != last).then_some(state >> NUMBER)
    }

    /// Waits for an open job other than `last`; none once the pool closes.
    fn await_job(&self, last: u64) -> Option<u64> {
        let begin = Instant::now();
        while begin.elapsed() < SPIN {
            for _ in 0..64 {
                if let Some(number) = self.new_job(last) {
                    return Some(number);
                }
                std::hint::spin_loop();
            }
        }
        let mut guard = lock(&self.bed);
        self.sleepers.fetch_add(1, SeqCst);
        let found = loop {
            if self.closing.load(SeqCst) {
                break None;
            }
            if let Some(number) = self.new_job(last) {
                break Some(number);
            }
            guard = self.alarm.wait(guard).unwrap_or_else(PoisonError::into_inner);
        };
        self.sleepers.fetch_sub(1, SeqCst);
        found
    }
}
