//! The same work for many things, on all cores. Apart, so that nobody else starts a thread to be faster.

use std::cell::Cell;
use std::sync::OnceLock;
use std::thread;

use rayon::ThreadPoolBuilder;
use rayon::prelude::*;

/// More than these wait for one another.
const MAX_THREADS: usize = 8;
/// As much as the first thread of a process has: expressions may be nested deep.
const STACK: usize = 8 * 1024 * 1024;
/// Of fewer small things each is done sooner than another thread wakes up.
const FEW: usize = 20;

thread_local! {
    /// Whether this thread is at one of many things.
    static IS_BUSY: Cell<bool> = const { Cell::new(false) };
}

/// What `work` makes of each, in their order. Within such work there is only one core: who waits for what another finds out
/// must not be given that other's work to do.
pub fn map<T: Send, R: Send>(items: Vec<T>, work: impl Fn(T) -> R + Sync) -> Vec<R> {
    if items.len() < 2 || IS_BUSY.get() || !are_many() {
        return items.into_iter().map(work).collect();
    }
    let one = |item| {
        let was_busy = IS_BUSY.replace(true);
        let done = work(item);
        IS_BUSY.set(was_busy);
        done
    };
    items.into_par_iter().with_max_len(1).map(one).collect()
}

/// The same where each takes microseconds.
pub fn map_small<T: Send, R: Send>(items: Vec<T>, work: impl Fn(T) -> R + Sync) -> Vec<R> {
    if items.len() < FEW { items.into_iter().map(work).collect() } else { map(items, work) }
}

/// Two things at the same time, of which neither asks for what the other finds.
pub fn both<A: Send, B: Send>(one: impl FnOnce() -> A + Send, other: impl FnOnce() -> B + Send) -> (A, B) {
    if are_many() { rayon::join(one, other) } else { (one(), other()) }
}

/// Whether there are several cores; then their threads are there, of which this is one.
fn are_many() -> bool {
    static ARE_MANY: OnceLock<bool> = OnceLock::new();
    *ARE_MANY.get_or_init(|| {
        let cores = thread::available_parallelism().map_or(1, usize::from).min(MAX_THREADS);
        let threads = ThreadPoolBuilder::new().num_threads(cores).stack_size(STACK).use_current_thread();
        // Where no thread can be had, this one does it all.
        cores > 1 && threads.build_global().is_ok()
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn of_two_things_both_are_done() {
        let text = String::from("a");
        assert_eq!(super::both(|| text.len(), || text.clone()), (1, "a".to_owned()));
    }

    #[test]
    fn each_result_stands_where_its_item_does() {
        let items: Vec<usize> = (0..1000).collect();
        assert_eq!(super::map(items, |item| item * 2), (0..2000).step_by(2).collect::<Vec<_>>());
        assert!(super::map(Vec::<usize>::new(), |item| item).is_empty());
    }

    #[test]
    fn work_within_work_stands_where_its_item_does() {
        let sums = super::map((0..50).collect(), |outer: usize| {
            super::map((0..50).collect(), |inner: usize| inner * outer).into_iter().sum::<usize>()
        });
        assert_eq!(sums, (0..50).map(|outer| outer * 1225).collect::<Vec<_>>());
    }
}
