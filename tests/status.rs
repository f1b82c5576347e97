//! `skymon status` and `skymon test-alert` against the real Prometheus and Alertmanager, with each failure induced.

mod support;

#[allow(dead_code, reason = "the end-to-end tests use the rest of it")]
#[path = "end_to_end/lab.rs"]
mod lab;

#[path = "status/page.rs"]
mod page;
#[path = "status/test_alert.rs"]
mod test_alert;

use std::process::Command;

use lab::Lab;
use support::tools::{self, Output};

/// Runs `skymon ARGS` in the lab's folder. `IP` stands for the test's address.
fn skymon(lab: &Lab, args: &str) -> Output {
    let ip = lab.addr(0).ip().to_string();
    let mut command = Command::new(env!("CARGO_BIN_EXE_skymon"));
    command.args(args.replace("IP", &ip).split_whitespace()).current_dir(lab.path(""));
    tools::run(command.env_clear().env("PATH", "/usr/bin:/bin"))
}
