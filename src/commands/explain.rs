//! `skymon explain`: the page of one alert, engine, check or finding of `validate --live`.

mod engine;

use anyhow::Result;

use super::{Outcome, note, print};
use crate::artifacts;
use crate::catalog::alerts::AlertEntry;
use crate::catalog::engines::Engines;
use crate::checks;
use crate::cli;
use crate::diagnostics::nearest;
use crate::live::findings;

pub(super) fn run(args: &cli::Explain) -> Result<Outcome> {
    if let Some(engine) = Engines::built_in().get(&args.id.to_ascii_lowercase()) {
        print(&engine::page(engine))?;
        return Ok(Outcome::Fine);
    }
    if let Some(page) = checks::page(&args.id.to_lowercase()) {
        print(page)?;
        return Ok(Outcome::Fine);
    }
    if let Some(page) = findings::page(&args.id.to_lowercase()) {
        print(page)?;
        return Ok(Outcome::Fine);
    }
    if args.id == "checks" {
        let lines: Vec<String> =
            checks::ALL.iter().map(|check| format!("{:7}  {}", check.severity.name(), check.id)).collect();
        print(&format!("{}\n", lines.join("\n")))?;
        return Ok(Outcome::Fine);
    }
    let alerts = AlertEntry::all().iter().map(|entry| entry.name.as_str());
    let found = AlertEntry::all().iter().find(|entry| entry.name.eq_ignore_ascii_case(&args.id));
    let Some(entry) = found else {
        note(&format!("error: there is no alert, engine or check `{}`\n", args.id.escape_debug()))?;
        let engines = Engines::built_in().names();
        let checks = checks::ALL.iter().map(|check| check.id).chain(findings::ids());
        if let Some(near) = nearest(&args.id, alerts.clone().chain(engines.clone()).chain(checks)) {
            note(&format!("help: did you mean `{near}`?\n"))?;
        } else {
            let list = |names: Vec<&str>| names.join(", ");
            note(&format!("help: the alerts are {}\n", list(alerts.collect())))?;
            note(&format!("help: the engines are {}\n", list(engines.collect())))?;
            note("help: `skymon explain checks` lists the checks\n")?;
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
