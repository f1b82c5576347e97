//! Whether the machines agree on the time: alerts begin and end by it.

use crate::diagnostics::{Diagnostic, Report};

/// A header counts whole seconds, and an answer takes its time.
const TOLERATED: f64 = 5.0;

/// `clocks` are the programs with how far each is before this machine.
pub fn clocks(clocks: &[(&str, Option<f64>)], report: &mut Report) {
    for (program, ahead) in clocks {
        let Some(ahead) = ahead.filter(|ahead| ahead.abs() > TOLERATED) else { continue };
        let way = if ahead > 0.0 { "ahead of" } else { "behind" };
        report.push(
            Diagnostic::warning(
                "clock-differs",
                format!("the clock of {program}'s machine is {:.0}s {way} this one's", ahead.abs()),
            )
            .help("have both ask a time server: `timedatectl set-ntp true`"),
        );
    }
}
