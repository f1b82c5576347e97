//! The same work for many things, on all cores. Apart, so that nobody else starts a thread to be faster.

use std::panic::resume_unwind;
use std::sync::{Mutex, PoisonError};
use std::thread::{self, Builder};

/// More than these wait for one another.
const MAX_THREADS: usize = 8;
/// As much as the first thread of a process has: expressions may be nested deep.
const STACK: usize = 8 * 1024 * 1024;

/// What `work` makes of each, in their order. Whoever is done takes the next one.
pub fn map<T: Send, R: Send>(items: Vec<T>, work: impl Fn(T) -> R + Sync) -> Vec<R> {
    let threads = thread::available_parallelism().map_or(1, usize::from).min(MAX_THREADS).min(items.len());
    let items = Mutex::new(items.into_iter().enumerate());
    let next = || items.lock().unwrap_or_else(PoisonError::into_inner).next();
    let some =
        || -> Vec<(usize, R)> { std::iter::from_fn(next).map(|(at, item)| (at, work(item))).collect() };
    let mut done = thread::scope(|scope| {
        // Where no thread can be had, this one does it all.
        let other = |_| Builder::new().stack_size(STACK).spawn_scoped(scope, some).ok();
        let others: Vec<_> = (1..threads).filter_map(other).collect();
        let mut done = some();
        for other in others {
            done.extend(other.join().unwrap_or_else(|panic| resume_unwind(panic)));
        }
        done
    });
    done.sort_unstable_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, result)| result).collect()
}

/// Two things at the same time.
pub fn both<A: Send, B>(one: impl FnOnce() -> A + Send, other: impl FnOnce() -> B) -> (A, B) {
    let waiting = Mutex::new(Some(one));
    let run = || {
        let one = waiting.lock().unwrap_or_else(PoisonError::into_inner).take();
        one.map(|one| one())
    };
    thread::scope(|scope| {
        let thread = Builder::new().stack_size(STACK).spawn_scoped(scope, run).ok();
        let other = other();
        let one = thread.and_then(|thread| thread.join().unwrap_or_else(|panic| resume_unwind(panic)));
        // Where no thread can be had, it is done now.
        (one.or_else(run).expect("is done once, here or there"), other)
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
}
