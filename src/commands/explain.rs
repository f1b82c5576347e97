//! `skymon explain`: the page of one alert or check.

use anyhow::Result;

use super::{Outcome, note, print};
use crate::artifacts;
use crate::catalog::alerts::AlertEntry;
use crate::checks;
use crate::cli;
use crate::diagnostics::nearest;

pub(super) fn run(args: &cli::Explain) -> Result<Outcome> {
    if let Some(page) = checks::page(&args.id.to_lowercase()) {
        print(page)?;
        return Ok(Outcome::Fine);
    }
    if args.id == "checks" {
        let lines: Vec<String> =
            checks::ALL.iter().map(|check| format!("{:7}  {}", check.severity.name(), check.id)).collect();
        print(&format!("{}\n", lines.join("\n")))?;
        return Ok(Outcome::Fine);
    }
    let names = AlertEntry::all().iter().map(|entry| entry.name.as_str());
    let found = AlertEntry::all().iter().find(|entry| entry.name.eq_ignore_ascii_case(&args.id));
    let Some(entry) = found else {
        note(&format!("error: there is no alert and no check `{}`\n", args.id.escape_debug()))?;
        match nearest(&args.id, names.clone().chain(checks::ALL.iter().map(|check| check.id))) {
            Some(near) => note(&format!("help: did you mean `{near}`?\n"))?,
            None => note(&format!(
                "help: `skymon explain checks` lists the checks; the alerts are {}\n",
                names.collect::<Vec<_>>().join(", ")
            ))?,
        }
        return Ok(Outcome::CannotRun);
    };
    let mut defaults = vec![format!("severity {}", entry.severity.as_str()), format!("for {}", entry.hold)];
    if let Some(threshold) = &entry.threshold {
        defaults.push(format!("threshold {}", threshold.as_str()));
    }
    if let Some(count) = entry.min_requests {
        defaults.push(format!("min_requests {}", count.get()));
    }
    if !entry.muted_by.is_empty() {
        defaults.push(format!("muted by {}", entry.muted_by.join(", ")));
    }
    print(&format!(
        "# {}\n\nBy default: {}.\n\n{}",
        entry.name,
        defaults.join("; "),
        artifacts::explain(entry)
    ))?;
    Ok(Outcome::Fine)
}
