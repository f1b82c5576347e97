//! Config → plan. All faults are reported, each at its place; a plan only comes out where there was none.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use anyhow::Result;
use minijinja::context;

use super::alerts::{self, Scope, bad_value};
use super::services::ServiceResolver;
use super::{
    Alert, Plan, Receiver, Recording, RunningProgram, cost, door, hosts, incidents, programs, routes,
    skyserve,
};
use crate::catalog::alerts::Pack;
use crate::catalog::engines::Engines;
use crate::catalog::programs::ALERTMANAGER;
use crate::config::{self, Config};
use crate::cores;
use crate::diagnostics::{Diagnostic, Report, nearest, shortened};
use crate::mounts::{Mounts, SecretKeys};
use crate::source::{ConfigPath, Found, SpanIndex};
use crate::templates::Templates;
use crate::values::{self, Duration, HttpUrl, Line};

/// Set by skymon on the series of replicas; a label of that name would be overwritten or would break the rules.
pub const RESERVED_LABELS: &[&str] = &[
    "alertname",
    "cloud",
    "instance",
    "integration",
    "job",
    "le",
    "program",
    "quantile",
    "region",
    "replica",
    "replica_id",
    "rule_group",
    "service",
    "severity",
    "slo",
    "spot",
    "stack",
];

/// Set on the series of machines alone. An engine may have it; what the user adds would tie a service to a machine.
const MACHINE_LABEL: &str = "host";

/// Prometheus' own limit is some 292 years.
const RETENTION: RangeInclusive<Duration> =
    Duration::from_secs(3600)..=Duration::from_secs(100 * 365 * 86_400);

/// Rates look back 5 minutes and need several samples in them.
pub(super) const LONGEST_INTERVAL: Duration = Duration::from_secs(60);

/// `engines` are those that a service may name, `templates` renders the alerts' expressions. An error is a bug of skymon; what the user can mend goes to `report`.
pub fn resolve(
    config: &Config,
    index: &SpanIndex,
    engines: &Engines,
    templates: &Templates,
    report: &mut Report,
) -> Result<Option<Plan>> {
    let root = ConfigPath::root();
    check_required(index, report);
    // `rules/stack.yml` is the stack's own.
    check_keys(&root.key("services"), &["stack"], index, report);
    check_keys(&root.key("receivers"), &[routes::NOBODY, routes::HEARTBEAT], index, report);

    let scrape_interval = interval(
        &root.key("prometheus").key("scrape_interval"),
        config.prometheus.scrape_interval,
        15,
        LONGEST_INTERVAL,
        report,
    );
    alerts::check_changes(&root.key("alerts"), &config.alerts, false, report);

    check_limits(config, report);
    let retention_time = config.prometheus.retention.time.unwrap_or(Duration::from_secs(30 * 86_400));

    let mut mounts = Mounts::default();
    // A name that was refused must not get into an expression.
    let written = config.services.iter().filter(|(name, _)| values::check_key(name).is_ok());
    let resolvers = written.map(|(name, service)| ServiceResolver {
        config,
        index,
        engines,
        name,
        written: service,
        at: root.key("services").key(name),
        scrape_interval,
        retention: retention_time,
    });
    let mounted: Vec<_> = resolvers.map(|one| (one.mount(&mut mounts, report), one)).collect();
    let resolved = cores::map(mounted, |(mounted, resolver)| {
        let mut found = Report::new();
        (resolver.resolve(mounted, templates, &mut found), found)
    });
    let mut services = Vec::new();
    for (service, found) in resolved {
        report.extend(found);
        services.extend(service?);
    }

    let receivers = resolve_receivers(config, &mut mounts, report);
    let heartbeat =
        config.heartbeat.as_ref().and_then(|heartbeat| resolve_heartbeat(heartbeat, &mut mounts, report));
    let routing = routes::resolve(config, index, report);
    warn_of_idle_receivers(config, &routing, report);
    let door = config.access.as_ref().and_then(|access| door::resolve(access, &mut mounts, report));
    let probes = services.iter().any(|service| service.probe.is_some());
    let skyserve = skyserve::resolve(config, index, &mut mounts, report);
    let programs = programs::resolve(config, probes, door.as_ref(), report);
    mounts.secrets.push(programs::grafana_password());

    let step = incidents::test_step(scrape_interval);
    let costs = match &skyserve {
        Some(_) => {
            let tokens =
                services.iter().any(|service| service.recorded().contains("service:tokens_out:rate5m"));
            cost::record(&config.cost, index, scrape_interval, retention_time, tokens, step, report)
        }
        None => cost::without_skyserve(config, report),
    };
    let machines = hosts::resolve(config, index, report);
    let mut recorded = hosts::record(&machines, scrape_interval, templates)?;
    recorded.recordings.splice(0..0, costs.recordings);
    recorded.tests.splice(0..0, costs.tests);
    let stack_alerts =
        resolve_stack_alerts(config, &programs, &recorded.recordings, scrape_interval, templates, report)?;
    let mut stack_tests = recorded.tests;
    for alert in &stack_alerts {
        stack_tests.extend(incidents::test_alert(alert, step)?);
    }

    let (Some(name), Some(default_route), false) = (&config.name, routing.default(), report.has_errors())
    else {
        return Ok(None);
    };
    let branches = routing.branches(&receivers, heartbeat.is_some(), &stack_alerts);
    let mut all_receivers = receivers;
    all_receivers.extend(heartbeat);
    if branches.iter().any(|branch| branch.receiver == routes::NOBODY) {
        all_receivers.push(Receiver { name: routes::NOBODY.to_owned(), integrations: Vec::new() });
    }
    let told = |severity| routing.stack.contains_key(&severity);
    let all_alerts = services.iter().flat_map(|service| &service.alerts).chain(&stack_alerts);
    let inhibitions = routes::inhibitions(all_alerts, told);
    let retention = &config.prometheus.retention;
    Ok(Some(Plan {
        name: name.as_str().to_owned(),
        services,
        skyserve,
        machines,
        recordings: recorded.recordings,
        alerts: stack_alerts,
        tests: stack_tests,
        receivers: all_receivers,
        default_route,
        routes: branches,
        inhibitions,
        programs,
        door,
        scrape_interval,
        retention_time,
        retention_size: retention.size.as_ref().map_or_else(|| "10GB".to_owned(), ToString::to_string),
        runbook: config.links.runbook.as_ref().map(|url| url.base().to_owned()),
        mounts,
    }))
}

/// Values that are right in themselves and wrong where they stand.
fn check_limits(config: &Config, report: &mut Report) {
    if config.prometheus.retention.time.is_some_and(|time| !RETENTION.contains(&time)) {
        report.push(bad_value(
            ConfigPath::root().key("prometheus").key("retention").key("time"),
            "series can be kept from an hour to a hundred years\nwrite `time: 30d`",
        ));
    }

    if config.links.runbook.as_ref().is_some_and(HttpUrl::has_query) {
        report.push(bad_value(
            ConfigPath::root().key("links").key("runbook"),
            "the alert's name is put behind this as a path, and it ends in a query\nwrite `https://wiki.example.com/runbooks`",
        ));
    }
}

/// The alerts of the monitoring itself, and those that watch all services on SkyServe, all machines and all GPUs at once.
fn resolve_stack_alerts(
    config: &Config,
    programs: &[RunningProgram],
    recordings: &[Recording],
    scrape_interval: Duration,
    templates: &Templates,
    report: &mut Report,
) -> Result<Vec<Alert>> {
    let root = ConfigPath::root();
    let exposed: BTreeMap<String, Duration> = programs
        .iter()
        .flat_map(|program| program.facts.metrics)
        .map(|metric| (*metric).to_owned())
        .chain(recordings.iter().map(|recording| recording.name.clone()))
        .map(|metric| (metric, scrape_interval))
        .collect();
    let limits = cost::limits(&config.cost);
    let scope = Scope {
        service: None,
        labels: &BTreeMap::new(),
        exposed: &exposed,
        scale_to_zero: false,
        changes: vec![(None, &limits), (Some(root.key("alerts")), &config.alerts)],
        bounds: &|_| None,
        slo: None,
    };
    let mut stack_alerts = Vec::new();
    for pack in [Pack::SkyServe, Pack::Hosts, Pack::Gpus, Pack::Stack] {
        stack_alerts.extend(alerts::resolve(pack, &scope, templates, report)?);
    }
    if config.heartbeat.is_none() {
        // It would fire for nobody.
        stack_alerts.retain(|alert| alert.entry.name != routes::WATCHDOG);
    } else if !stack_alerts.iter().any(|alert| alert.entry.name == routes::WATCHDOG) {
        report.push(
            Diagnostic::error("idle-heartbeat", "the heartbeat would never be called")
                .at_key(root.key("alerts").key(routes::WATCHDOG), "drops the alert that it carries")
                .at_key(root.key("heartbeat"), "waits for it")
                .help("remove one of the two"),
        );
    }
    Ok(stack_alerts)
}

/// Keys without which there is no stack, each with a line that would do.
const REQUIRED: [(&str, &str); 5] = [
    ("version", "version: 1"),
    ("name", "name: demo"),
    ("services", "services: {demo: {engine: custom, replicas: ['host.docker.internal:8080']}}"),
    ("receivers", "receivers: {team: {slack: {webhook_url_file: secrets/slack_webhook_url}}}"),
    ("routes", "routes: {critical: team, warning: team}"),
];

fn check_required(index: &SpanIndex, report: &mut Report) {
    for (key, line) in REQUIRED {
        let at = ConfigPath::root().key(key);
        let missing = match index.found(&at) {
            None => {
                Diagnostic::error("missing-key", format!("`{key}` is missing")).at_key(ConfigPath::root(), "")
            }
            Some(Found::Nothing) => {
                Diagnostic::error("missing-key", format!("`{key}` is empty")).at_key(at, "says nothing")
            }
            Some(Found::Map) if index.keys_under(&at).is_empty() => {
                Diagnostic::error("missing-key", format!("`{key}` is empty")).at_key(at, "needs an entry")
            }
            Some(_) => continue,
        };
        report.push(missing.help(format!("write `{line}`")));
    }
}

/// Keys that become label values, file names and URLs.
fn check_keys(at: &ConfigPath, taken: &[&str], index: &SpanIndex, report: &mut Report) {
    let mut seen: BTreeMap<String, &str> = BTreeMap::new();
    for key in index.keys_under(at) {
        let place = at.key(key);
        // Some file systems do not tell `A.yml` from `a.yml`.
        let folded = key.to_lowercase();
        if let Err(help) = values::check_key(key) {
            report.push(
                Diagnostic::error(
                    "bad-key",
                    format!("`{}` cannot be a name here", shortened(key).escape_debug()),
                )
                .at_key(place, "becomes a label and a file name")
                .help(help),
            );
        } else if taken.contains(&folded.as_str()) {
            report.push(
                Diagnostic::error("bad-key", format!("`{key}` is a name of skymon's own here"))
                    .at_key(place, "taken")
                    .help("choose another name"),
            );
        } else if let Some(first) = seen.insert(folded, key) {
            report.push(
                Diagnostic::error(
                    "bad-key",
                    format!("`{first}` and `{key}` would be one file on some machines"),
                )
                .at_key(place, "differs only in case")
                .at_key(at.key(first), "the first")
                .help("choose another name for one of them"),
            );
        }
    }
}

pub(super) fn check_labels(at: &ConfigPath, labels: &BTreeMap<String, Line>, report: &mut Report) {
    for label in labels.keys() {
        let problem = match values::check_label_name(label) {
            Err(help) => Some((format!("`{}` cannot name a label", label.escape_debug()), help)),
            Ok(()) if label == MACHINE_LABEL || RESERVED_LABELS.contains(&label.as_str()) => {
                Some((format!("the label `{label}` is skymon's own"), "choose another name".to_owned()))
            }
            Ok(()) => None,
        };
        if let Some((message, help)) = problem {
            report.push(Diagnostic::error("bad-label", message).at_key(at.key(label), "").help(help));
        }
    }
}

pub(super) fn interval(
    at: &ConfigPath,
    written: Option<Duration>,
    default_seconds: u64,
    longest: Duration,
    report: &mut Report,
) -> Duration {
    let interval = written.unwrap_or(Duration::from_secs(default_seconds));
    if interval < Duration::from_secs(1) || interval > longest {
        report.push(bad_value(
            at.clone(),
            &format!("{interval} is not an interval that rules can work with\nwrite `15s`; from 1s to {longest} is possible"),
        ));
    }
    interval
}

pub(super) fn unknown_receiver(at: ConfigPath, receiver: &str, config: &Config) -> Diagnostic {
    let known = config.receivers.keys().map(String::as_str);
    let help = match nearest(receiver, known.clone()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("the receivers are {}", known.collect::<Vec<_>>().join(", ")),
    };
    Diagnostic::error(
        "unknown-receiver",
        format!("there is no receiver `{}`", shortened(receiver).escape_debug()),
    )
    .at_value(at, "not in `receivers`")
    .help(help)
}

fn resolve_receivers(config: &Config, mounts: &mut Mounts, report: &mut Report) -> Vec<Receiver> {
    let mut receivers = Vec::new();
    for (name, receiver) in &config.receivers {
        let at = ConfigPath::root().key("receivers").key(name);
        let integrations = receiver.integrations();
        if integrations.is_empty() {
            report.push(
                Diagnostic::error("empty-receiver", format!("`{name}` notifies nobody"))
                    .at_key(at.clone(), "has no integration")
                    .help("write `slack: {webhook_url_file: secrets/slack_webhook_url}`"),
            );
        }
        let integrations = integrations
            .into_iter()
            .filter_map(|(kind, integration)| {
                Some((kind, integration.resolve(&at.key(kind.name), mounts, report)?))
            })
            .collect();
        receivers.push(Receiver { name: name.clone(), integrations });
    }
    receivers
}

fn resolve_heartbeat(
    heartbeat: &config::Heartbeat,
    mounts: &mut Mounts,
    report: &mut Report,
) -> Option<Receiver> {
    let keys = SecretKeys {
        key: "url",
        file: heartbeat.url_file.as_ref(),
        env: heartbeat.url_env.as_ref(),
        literal: heartbeat.url,
        proposal: "secrets/heartbeat_url",
    };
    let url_file = mounts.secret(ALERTMANAGER.name, &ConfigPath::root().key("heartbeat"), &keys, report)?;
    let webhook = crate::catalog::receivers::kind("webhook");
    // A heartbeat that "resolves" would tell the service outside that all is well while nothing is.
    let settings = context! { url_file, send_resolved => false };
    Some(Receiver { name: routes::HEARTBEAT.to_owned(), integrations: vec![(webhook, settings)] })
}

fn warn_of_idle_receivers(config: &Config, routing: &routes::Routing, report: &mut Report) {
    let used: BTreeSet<&str> = routing
        .stack
        .values()
        .chain(routing.services.iter().flat_map(|(_, routes)| routes.values()))
        .copied()
        .collect();
    for name in config.receivers.keys().filter(|name| !used.contains(name.as_str())) {
        report.push(
            Diagnostic::warning("idle-receiver", format!("no route leads to `{name}`"))
                .at_key(ConfigPath::root().key("receivers").key(name), "is never notified")
                .help(format!("name it in `routes`, as `info: {name}`, or remove it")),
        );
    }
}
