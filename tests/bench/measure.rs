//! What one process takes: its time, and the most memory it held.
//!
//! A process that is begun counts the memory of the one that begins it, and this one holds much: a small one begins them all,
//! this program again, with `MEASURE` set. It stays, since a process that is itself new begins others at other places.

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::{LazyLock, Mutex};
use std::time::{Duration, Instant};

use wait4::Wait4 as _;

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

/// The small process. It ends when nobody speaks to it any more.
struct Measurer {
    process: Child,
    answers: BufReader<ChildStdout>,
}

impl Measurer {
    fn new() -> Measurer {
        let mut process = Command::new(std::env::current_exe().expect("the program itself"))
            .env(MEASURE, "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program itself runs");
        let answers = BufReader::new(process.stdout.take().expect("is piped"));
        Measurer { process, answers }
    }
}

/// What is to be run, as one line says it: where, and the words of the command.
type Order = (PathBuf, Vec<String>);

/// Runs a command to its end.
#[track_caller]
pub(crate) fn measure(command: &Command) -> Cost {
    static MEASURER: LazyLock<Mutex<Measurer>> = LazyLock::new(|| Mutex::new(Measurer::new()));
    let folder = command.get_current_dir().map_or_else(|| PathBuf::from("."), PathBuf::from);
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let words = words.map(|word| word.to_str().expect("is UTF-8").to_owned()).collect();
    let order: Order = (folder, words);
    let mut measurer = MEASURER.lock().expect("nobody failed here");
    let mut stdin = measurer.process.stdin.as_ref().expect("is piped");
    writeln!(stdin, "{}", serde_json::to_string(&order).expect("is JSON")).expect("it listens");
    let mut said = String::new();
    measurer.answers.read_line(&mut said).expect("it answers");
    let (micros, memory) = said.trim().split_once(' ').unwrap_or_else(|| panic!("{command:?} failed"));
    Cost {
        time: Duration::from_micros(micros.parse().expect("a number")),
        memory: memory.parse().expect("a number"),
    }
}

/// Whether this process is the small one.
pub(crate) fn is_measuring() -> bool {
    std::env::var_os(MEASURE).is_some()
}

/// Runs one command after the other, and answers what each took; nothing where it failed.
#[allow(clippy::print_stdout, reason = "the figures are the result")]
pub(crate) fn obey() {
    for line in io::stdin().lines().map_while(Result::ok) {
        let (folder, words): Order = serde_json::from_str(&line).expect("is an order");
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).current_dir(folder).env_remove(MEASURE);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let begin = Instant::now();
        let ended = command.spawn().and_then(|mut process| process.wait4()).expect("the program runs");
        let time = begin.elapsed();
        if ended.status.success() {
            println!("{} {}", time.as_micros(), ended.rusage.maxrss / 1024);
        } else {
            println!();
        }
    }
}
