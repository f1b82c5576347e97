//! What one process takes: its time, and the most memory it held. The kernel tells the memory of children only as the
//! largest of all, so each is run by a process of its own: this program again, with `MEASURE` set.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};

const MEASURE: &str = "SKYMON_BENCH_MEASURE";

#[derive(Clone, Copy)]
pub(crate) struct Cost {
    pub(crate) time: Duration,
    /// Peak resident memory in KiB.
    pub(crate) memory: u64,
}

impl Cost {
    /// Two cells of a table.
    pub(crate) fn cells(&self) -> String {
        let millis = self.time.as_secs_f64() * 1e3;
        let time = if millis < 100.0 { format!("{millis:.1} ms") } else { format!("{millis:.0} ms") };
        format!("{time} | {} MiB", self.memory.div_ceil(1024))
    }
}

/// The cost in the middle by time.
pub(crate) fn median(costs: &[Cost]) -> Cost {
    let mut sorted = costs.to_vec();
    sorted.sort_by_key(|cost| cost.time);
    sorted[sorted.len() / 2]
}

/// Runs a command to its end.
#[track_caller]
pub(crate) fn measure(command: &mut Command) -> Cost {
    let mut wrapped = Command::new(std::env::current_exe().expect("the program itself"));
    wrapped.env(MEASURE, "1").arg(command.get_program()).args(command.get_args());
    if let Some(folder) = command.get_current_dir() {
        wrapped.current_dir(folder);
    }
    let output = wrapped.output().expect("the program itself runs");
    let said = String::from_utf8_lossy(&output.stdout);
    let (micros, memory) = said.trim().split_once(' ').unwrap_or_else(|| {
        panic!("{command:?} failed: {said}{}", String::from_utf8_lossy(&output.stderr));
    });
    Cost {
        time: Duration::from_micros(micros.parse().expect("a number")),
        memory: memory.parse().expect("a number"),
    }
}

/// Whether this process is to run another one.
pub(crate) fn is_measuring() -> bool {
    std::env::var_os(MEASURE).is_some()
}

/// Runs the command that the arguments are, and prints what it took.
#[allow(clippy::print_stdout, reason = "the figures are the result")]
pub(crate) fn run_and_report() {
    let mut args = std::env::args_os().skip(1);
    let mut command = Command::new(args.next().expect("a program"));
    command.args(args).env_remove(MEASURE).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let begin = Instant::now();
    let status = command.status().expect("the program runs");
    let time = begin.elapsed();
    assert!(status.success(), "exit code {:?}", status.code());
    let memory = getrusage(UsageWho::RUSAGE_CHILDREN).expect("the kernel tells").max_rss();
    println!("{} {memory}", time.as_micros());
}
