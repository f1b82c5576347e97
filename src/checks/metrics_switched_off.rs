//! An engine that is scraped, and started in a way that it shows no metrics.

use std::collections::BTreeSet;

use super::Check;
use super::shared::engines::{Scraped, may_be_set, option, scraped};
use crate::catalog::engines::Engine;
use crate::diagnostics::{Report, Severity};
use crate::source::At;
use crate::stack::{Service, Stack};

pub(super) const CHECK: Check = Check { id: "metrics-switched-off", severity: Severity::Error, run };

fn run(stack: &Stack, report: &mut Report) {
    let mut known = BTreeSet::new();
    for Scraped { engine, service, job, target } in scraped(stack) {
        let Some((at, help)) = switched_off(engine, service) else { continue };
        if known.insert(service.name.value.clone()) {
            let title = &engine.title;
            report.push(
                CHECK
                    .finding(format!("{title} shows no metrics as it is started: `{}` finds none", job.name))
                    .at(at.place(), "so it shows none")
                    .at(target.address.place(), "scraped here")
                    .help(help),
            );
        }
    }
}

/// Where it is said, or left out, and what to write.
fn switched_off(engine: &Engine, service: &Service) -> Option<(At, String)> {
    if let Some(flag) = &engine.disabled_by {
        // `--disable-metrics`, or `--allow-metrics=false`
        let (name, off) = flag.split_once('=').map_or((flag.as_str(), None), |(name, off)| (name, Some(off)));
        let value = option(service, &[name])?.to_lowercase();
        let is_off = off.is_none_or(|off| value == off || (off == "false" && value == "0"));
        let word = service.words.iter().find(|word| word.contains(name));
        let at = word.map_or_else(|| service.name.at.clone(), |word| word.at.part(name));
        return is_off.then(|| (at, format!("remove `{name}`")));
    }
    let flag = engine.enabled_by.as_ref()?;
    // What a script or a variable adds is not known.
    let is_whole = !service.is_built
        && service.get("entrypoint").is_none()
        && !service.words.iter().any(|word| word.contains('$') || word.contains(".sh"));
    // The image of SGLang starts nothing by itself, and no variable is an option of it.
    let is_sure = if engine.name == "sglang" {
        let starts = |word: &str| word.contains("launch_server") || word.contains("serve");
        service.words.iter().any(|word| starts(word)) && option(service, &["--config"]).is_none()
    } else {
        !may_be_set(service, "METRICS")
    };
    let is_off = is_whole && is_sure && option(service, &[flag]).is_none();
    is_off.then(|| (service.name.at.clone(), format!("add `{flag}` to its command")))
}
