//! A retention that keeps a few hours only: a unit or a digit is lost.

use std::time::Duration;

use super::Check;
use crate::diagnostics::{Diagnostic, Report, Severity};
use crate::source::Spanned;
use crate::stack::{Program, Service, Stack};
use crate::values::prometheus_duration;

pub(super) const CHECK: Check = Check { id: "retention-too-small", severity: Severity::Warning, run };

/// What Prometheus writes into one block. What it has in memory, and the newest block, stay however little it is told to keep.
const BLOCK: Duration = Duration::from_secs(2 * 60 * 60);

fn run(stack: &Stack, report: &mut Report) {
    // Who passes all on needs no history here.
    let is_kept_elsewhere = |service: &Service| {
        let mut configs = stack.prometheuses.iter().filter(|one| one.root.get("remote_write").is_some());
        configs.any(|one| {
            stack.service(&one.service).is_some_and(|(_, own)| own.name.value == service.name.value)
        })
    };
    let services = stack.running(Program::Prometheus).filter(|service| !is_kept_elsewhere(service));
    report.extend(services.filter_map(fault));
}

fn fault(service: &Service) -> Option<Diagnostic> {
    let said = |word: &Spanned<String>, help: &str| {
        Some(
            CHECK
                .finding(format!("told to keep `{}`, Prometheus has the last few hours only", word.value))
                .at(word.place(), "less than one block of its history")
                .help(help),
        )
    };
    let time = service.flag("storage.tsdb.retention.time").or_else(|| service.flag("storage.tsdb.retention"));
    if let Some(time) = time.filter(|time| !time.contains('$'))
        && prometheus_duration(&time).is_some_and(|kept| !kept.is_zero() && kept < BLOCK)
    {
        return said(&time, "write days: `30d`");
    }
    let size = service.flag("storage.tsdb.retention.size").filter(|size| !size.contains('$'))?;
    let number = size.trim_end_matches("KiB").trim_end_matches("KB").trim_end_matches('B');
    // Of bytes and thousands of them there is none that holds a block.
    let is_small =
        number.parse::<u32>().is_ok_and(|number| (1..1000).contains(&number)) && number.len() < size.len();
    if is_small { said(&size, "write gigabytes: `10GB`") } else { None }
}
