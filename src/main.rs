//! Parses the arguments, runs the command, and turns its outcome into the exit code.

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use mimalloc::MiMalloc;
use skymon::cli::Cli;
use skymon::commands::{self, Outcome};

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    match commands::run(Cli::parse()) {
        Ok(outcome) => ExitCode::from(outcome as u8),
        Err(error) => {
            // A terminal that is gone cannot be told.
            let _ = writeln!(std::io::stderr(), "error: {error:#}");
            ExitCode::from(Outcome::CannotRun as u8)
        }
    }
}
