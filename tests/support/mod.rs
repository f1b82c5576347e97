//! What the tests need to run the real programs: the programs, fake receivers and replicas on loopback, and a
//! rendered folder brought to life, without Docker (`stack`) and with it (`docker`).
//!
//! Apart from the tests because every test file uses another part of it. All servers bind addresses of
//! 127.0.0.0/8 that the test chooses; a test that takes an address of its own (`127.83.4.1`) runs beside the
//! others with the usual ports.

#![allow(dead_code, unused_imports, reason = "each test file is a crate of its own and uses another part")]

pub(crate) mod api;
pub(crate) mod browser;
mod compose;
mod container;
pub(crate) mod docker;
pub(crate) mod expositions;
pub(crate) mod fakes;
pub(crate) mod http;
pub(crate) mod lab;
pub(crate) mod mail;
pub(crate) mod memory;
pub(crate) mod pages;
pub(crate) mod project;
pub(crate) mod replicas;
pub(crate) mod skypilot;
pub(crate) mod stack;
pub(crate) mod tls;
pub(crate) mod tools;
pub(crate) mod values;

use std::time::{Duration, Instant};

/// Asks until the answer is there. Panics with `what` when it does not come in time.
#[track_caller]
pub(crate) fn wait_until<T>(what: &str, timeout: Duration, mut ask: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(start.elapsed() < timeout, "after {timeout:?} still waiting: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Says something to whoever watches the tests. (What `println!` says is only shown of tests that fail.)
pub(crate) fn say(text: &str) {
    use std::io::Write;
    writeln!(std::io::stderr(), "{text}").expect("somebody listens");
}
