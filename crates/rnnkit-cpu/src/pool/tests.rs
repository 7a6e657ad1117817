//! The pool: every task once, sleeping threads, panics, calls within calls.

use super::*;

fn pool(threads: usize) -> ThreadPool {
    ThreadPool::new(threads).expect("a few threads")
}

fn message(payload: Box<dyn Any + Send>) -> String {
    payload.downcast_ref::<String>().cloned().expect("a formatted message")
}

#[test]
fn every_task_runs_once_whatever_the_number_of_threads() {
    for threads in [1, 2, 4, 8] {
        let pool = pool(threads);
        assert_eq!(pool.threads(), threads);
        for tasks in [0, 1, 2, 7, 100] {
            let counts: Vec<AtomicUsize> = (0..tasks).map(|_| AtomicUsize::new(0)).collect();
            for _ in 0..50 {
                pool.run(tasks, &|task| {
                    counts[task].fetch_add(1, Relaxed);
                });
            }
            assert!(counts.iter().all(|count| count.load(Relaxed) == 50), "{threads} threads, {tasks} tasks: {counts:?}");
        }
    }
}

#[test]
fn items_and_chunks_are_each_changed_once() {
    for threads in [1, 2, 4, 8] {
        let pool = pool(threads);
        let mut items: Vec<usize> = (0..100).collect();
        pool.for_each(&mut items, |i, item| *item += 1000 * i);
        assert!(items.iter().enumerate().all(|(i, &item)| item == 1001 * i));
        let mut items = [0; 23];
        pool.for_each_chunk(&mut items, 5, |i, chunk| chunk.fill(i * 10 + chunk.len()));
        assert_eq!((items[0], items[14], items[22]), (5, 25, 43));
    }
}

#[test]
fn each_thread_has_the_same_share_in_every_call() {
    for threads in [2, 3, 4] {
        let pool = pool(threads);
        let owners = |_| {
            let owners: Vec<_> = (0..threads).map(|_| Mutex::new(None)).collect();
            // Nobody is done with its first task before every thread has one.
            let all = std::sync::Barrier::new(threads);
            pool.run(threads, &|task| {
                *lock(&owners[task]) = Some(std::thread::current().id());
                all.wait();
            });
            owners.iter().map(|owner| *lock(owner)).collect::<Vec<_>>()
        };
        let calls: Vec<_> = (0..20).map(owners).collect();
        assert!(calls.iter().all(|owners| *owners == calls[0]), "{threads} threads: {calls:?}");
        assert_eq!(calls[0][0], Some(std::thread::current().id()), "the first share is the caller's");
    }
}

#[test]
fn shares_are_all_tasks_and_nearly_equal() {
    for threads in [1, 2, 3, 8] {
        let pool = pool(threads);
        for tasks in [0, 1, 2, 7, 64, 100] {
            let shares: Vec<_> = (0..threads).map(|thread| pool.shared.share(thread, tasks)).collect();
            assert!(shares.iter().cloned().flatten().eq(0..tasks), "{threads} threads, {tasks} tasks: {shares:?}");
            let fair = tasks / threads..=tasks.div_ceil(threads);
            assert!(shares.iter().all(|share| fair.contains(&share.len())), "{threads} threads, {tasks} tasks: {shares:?}");
        }
    }
}

#[test]
fn threads_that_went_to_sleep_still_take_part() {
    let pool = pool(2);
    for _ in 0..3 {
        std::thread::sleep(20 * SPIN);
        let both = std::sync::Barrier::new(2);
        // Each task waits for the other one, so that this ends only if two threads are at it.
        pool.run(2, &|_| {
            both.wait();
        });
    }
}

#[test]
fn a_panic_in_any_task_reaches_the_caller_and_the_pool_goes_on() {
    for threads in [1, 2, 4, 8] {
        let pool = pool(threads);
        for bad in [0, 3, 9] {
            let caught = catch_unwind(AssertUnwindSafe(|| {
                pool.run(10, &|task| assert!(task != bad, "task {task} failed"));
            }));
            assert_eq!(message(caught.expect_err("task 0, 3 or 9 panics")), format!("task {bad} failed"));
            let done = AtomicUsize::new(0);
            pool.run(10, &|_| {
                done.fetch_add(1, Relaxed);
            });
            assert_eq!(done.load(Relaxed), 10);
        }
    }
}

#[test]
fn a_panic_on_every_thread_at_once_is_one_panic() {
    let pool = pool(4);
    let all = std::sync::Barrier::new(4);
    let caught = catch_unwind(AssertUnwindSafe(|| {
        pool.run(4, &|task| {
            all.wait();
            panic!("task {task} failed")
        });
    }));
    assert!(message(caught.expect_err("all tasks panic")).ends_with("failed"));
}

#[test]
fn a_call_within_a_task_and_calls_from_two_threads_do_all_their_tasks() {
    let pool = pool(4);
    let done = AtomicUsize::new(0);
    let count = |_| {
        done.fetch_add(1, Relaxed);
    };
    pool.run(5, &|_| pool.run(7, &count));
    assert_eq!(done.load(Relaxed), 35);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| (0..200).for_each(|_| pool.run(3, &count)));
        }
    });
    assert_eq!(done.load(Relaxed), 35 + 1200);
}

#[test]
fn no_threads_are_refused_by_name() {
    let error = ThreadPool::new(0).map(|_| ()).expect_err("0 threads");
    assert!(matches!(&error, Error::Invalid { field, .. } if field == "threads"), "{error:?}");
}
