//! Dashboards that nobody sees: no provider leads to them.

use super::shared::prepared::is_prepared;
use super::shared::words;
use super::{Check, config_not_mounted};
use crate::diagnostics::{Diagnostic, Report, Severity};
use crate::source::Spanned;
use crate::stack::{Compose, Dashboard, Mount, Origin, Program, Provider, Service, Stack};

pub(super) const CHECK: Check = Check { id: "dashboards-not-loaded", severity: Severity::Error, run };

fn run(stack: &Stack, report: &mut Report) {
    for provider in &stack.providers {
        if provider.files.as_ref().is_none_or(|files| !files.is_empty()) {
            continue;
        }
        let Some(path) = &provider.path else { continue };
        let service = stack.service(&provider.service);
        if service.is_some_and(|(compose, grafana)| is_filled(compose, grafana, path)) {
            continue;
        }
        report.push(
            CHECK
                .finding(format!("`{path}` holds no dashboard inside the container"))
                .at(path.place(), "Grafana looks here, and finds nothing")
                .help(format!("mount the folder of your dashboards at `{path}`")),
        );
    }
    report.extend(stack.providers.iter().filter_map(|provider| in_a_volume(stack, provider)));
    let running = |compose| Some((compose, Compose::running(compose, Program::Grafana).next()?));
    let Some((compose, grafana)) = stack.composes.iter().find_map(running) else { return };
    let left_out: Vec<_> = left_out(stack, grafana).collect();
    let Some(first) = left_out.first() else { return };
    // Where Grafana is not even given the files, they may be for importing by hand.
    let is_given = left_out.iter().any(|dashboard| is_mounted(stack, grafana, dashboard));
    // Providers that no mount leads to are another Grafana's, or at the wrong place.
    let is_told = stack.providers.iter().any(|provider| !is_given || provider.service.is_some());
    // `config-not-mounted` tells of that.
    let is_elsewhere = || config_not_mounted::grafana::fault(stack, compose, grafana).is_some();
    let providers = format!("{}/dashboards", config_not_mounted::grafana::folder(grafana));
    if is_told
        || is_filled(compose, grafana, &providers)
        || is_elsewhere()
        || stack.is_malformed(stack.grafanas.iter().flat_map(|one| &one.provider_files))
    {
        return;
    }
    let names = words::list(left_out.iter().map(|dashboard| dashboard.document.name()));
    let severity = if is_given { CHECK.severity } else { Severity::Note };
    let mut finding = Diagnostic::new(CHECK.id, severity, format!("no provider loads {names}"))
        .at_file(first.document.name(), "")
        .at(grafana.name.place(), "is told of no dashboard");
    if let Some(provider) = stack.providers.first() {
        let at = provider.path.as_ref().map_or_else(|| provider.node.at().place(), Spanned::place);
        finding = finding.at(at, "no mount brings this file to where Grafana looks for providers");
    }
    for wrapped in left_out.iter().filter(|dashboard| dashboard.is_wrapped) {
        let at = wrapped.root.name_at().place();
        finding = finding.at(at, "the form of the API: a provider wants what is inside of it only");
    }
    report.push(finding.help(
        "mount the folder, and name it as `options: {path: …}` of a provider in `/etc/grafana/provisioning/dashboards/`",
    ));
}

/// The path of a provider is in a volume, and dashboards of the folder are mounted where no provider looks.
fn in_a_volume(stack: &Stack, provider: &Provider) -> Option<Diagnostic> {
    let (compose, grafana) = stack.service(&provider.service)?;
    let path = provider.path.as_ref()?;
    let here = grafana.mount(path.trim_end_matches('/'))?;
    let is_volume = matches!(here.origin, Origin::Volume(Some(_)));
    // What is mounted below the volume is in its place.
    let is_below = |mount: &&Mount| mount.target.starts_with(path.trim_end_matches('/'));
    let is_left_out =
        |mount: &&Mount| left_out(stack, grafana).any(|dashboard| is_in(stack, mount, dashboard));
    if is_filled(compose, grafana, path)
        || grafana.mounts.iter().any(|mount| !std::ptr::eq(mount, here) && is_below(&mount))
    {
        return None;
    }
    let other = grafana.mounts.iter().find(is_left_out).filter(|_| is_volume)?;
    Some(
        CHECK
            .finding(format!(
                "`{}` is a volume: your dashboards are mounted at `{}`",
                path.value, other.target
            ))
            .at(path.place(), "Grafana looks here")
            .at(other.at.place(), "and no provider here")
            .help(format!("mount the folder of your dashboards at `{}`", path.value)),
    )
}

/// The dashboards that no provider leads to, without the page that a variable opens first.
fn left_out<'s>(stack: &'s Stack, grafana: &Service) -> impl Iterator<Item = &'s Dashboard> {
    let home = grafana.set("GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH");
    let home = match home.and_then(|path| grafana.origin(path)) {
        Some(Origin::Host(host)) => Some(stack.folder.name(&host)),
        _ => None,
    };
    stack.dashboards.iter().filter(move |one| !one.is_loaded && home.as_deref() != Some(one.document.name()))
}

/// Whether another service may write what Grafana finds at a path.
fn is_filled(compose: &Compose, grafana: &Service, path: &str) -> bool {
    grafana.mount(path).is_some_and(|mount| is_prepared(compose, grafana, &mount.origin))
}

fn is_mounted(stack: &Stack, grafana: &Service, dashboard: &Dashboard) -> bool {
    grafana.mounts.iter().any(|mount| is_in(stack, mount, dashboard))
}

fn is_in(stack: &Stack, mount: &Mount, dashboard: &Dashboard) -> bool {
    let Origin::Host(host) = &mount.origin else { return false };
    let host = stack.folder.name(host);
    let rest = dashboard.document.name().strip_prefix(host.as_str());
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
