//! An engine that is scraped, and started in a way that it shows no metrics.

use std::collections::BTreeSet;

use super::Check;
use super::shared::addresses::leads_to;
use super::shared::serving::{engine, may_be_set, option};
use crate::diagnostics::{Report, Severity};
use crate::source::At;
use crate::stack::{Service, Stack};

pub(super) const CHECK: Check = Check { id: "metrics-switched-off", severity: Severity::Error, run };

fn run(stack: &Stack, report: &mut Report) {
    let mut known = BTreeSet::new();
    for prometheus in &stack.prometheuses {
        let Some((compose, _)) = stack.service(&prometheus.service) else { continue };
        for job in prometheus.jobs.iter().filter(|job| !job.is_redirected()) {
            for target in job.addresses() {
                let Some(service) = leads_to(compose, target) else { continue };
                let Some(title) = engine(service).map(|engine| engine.title.as_str()) else { continue };
                let Some((at, help)) = switched_off(service) else { continue };
                if known.insert(service.name.value.clone()) {
                    report.push(
                        CHECK
                            .finding(format!(
                                "{title} shows no metrics as it is started: `{}` finds none",
                                job.name
                            ))
                            .at(at.place(), "so it shows none")
                            .at(target.place(), "scraped here")
                            .help(help),
                    );
                }
            }
        }
    }
}

/// Where it is said, or left out, and what to write.
fn switched_off(service: &Service) -> Option<(At, &'static str)> {
    let name = engine(service)?.name.as_str();
    let word = |flag: &str| {
        let word = service.words.iter().find(|word| word.contains(flag));
        word.map_or_else(|| service.name.at.clone(), |word| word.at.part(flag))
    };
    let is_set = |flag: &str| option(service, &[flag]).is_some();
    // What a script or a variable adds is not known.
    let is_whole = !service.is_built
        && service.get("entrypoint").is_none()
        && !service.words.iter().any(|word| word.contains('$') || word.contains(".sh"));
    match name {
        "vllm" if is_set("--disable-log-stats") => {
            Some((word("--disable-log-stats"), "remove `--disable-log-stats`"))
        }
        "lmdeploy" if is_set("--disable-metrics") => {
            Some((word("--disable-metrics"), "remove `--disable-metrics`"))
        }
        "triton" => {
            let value = option(service, &["--allow-metrics"])?;
            matches!(value.to_lowercase().as_str(), "false" | "0")
                .then(|| (word("--allow-metrics"), "remove `--allow-metrics`"))
        }
        "llamacpp" => {
            let is_off =
                is_whole && !is_set("--metrics") && !may_be_set(service, "LLAMA_ARG_ENDPOINT_METRICS");
            is_off.then(|| (service.name.at.clone(), "add `--metrics` to its command"))
        }
        "sglang" => {
            let starts =
                service.words.iter().any(|word| word.contains("launch_server") || word.contains("serve"));
            let is_off = is_whole && starts && !is_set("--enable-metrics") && !is_set("--config");
            is_off.then(|| (service.name.at.clone(), "add `--enable-metrics` to its command"))
        }
        _ => None,
    }
}
