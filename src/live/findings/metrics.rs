//! Whether the metrics that rules and panels read are really shown, by which target, and with which type. What is down shows
//! nothing, and nothing is concluded from that.

mod needs;
mod shown;

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;

use self::needs::{Need, Question, questions};
use self::shown::Shown;
use super::{Expected, targets};
use crate::catalog::engines::{Engine, Metric};
use crate::checks::list;
use crate::diagnostics::{Diagnostic, Report};
use crate::live::{Prometheus, Target};
use crate::promql;
use crate::promql::tree::VectorSelector;
use crate::stack;

pub(super) fn compare(
    expected: &Expected<'_>,
    file: &stack::Prometheus,
    all: &[Target],
    running: &Prometheus,
    report: &mut Report,
) -> Result<()> {
    let questions = questions(expected.stack);
    let recorded: BTreeSet<&str> =
        expected.stack.rules().filter(|rule| !rule.is_alert).map(|rule| rule.name.as_str()).collect();
    let is_scraped = |name: &str| !recorded.contains(name) && !is_made(name);
    let mut names = BTreeSet::new();
    for question in &questions {
        names.extend(question.all().iter().map(|need| need.name).filter(|name| is_scraped(name)));
    }
    let shown = Shown::ask(running, &names)?;
    let up: Vec<&Target> = all.iter().filter(|target| target.health == "up").collect();
    let silent = silent(expected, file, &up, &shown, &names, report);
    let partial = partial(file, all, &silent);
    let context = Context { up: &up, shown: &shown, silent: &silent, partial: &partial };
    for job in &file.jobs {
        if let Some(engine) = engine(expected, &job.name) {
            lacking(&context, &job.name, engine, &questions, report);
        }
    }
    nowhere(expected, &context, &questions, &is_scraped, report);
    Ok(())
}

struct Context<'a> {
    up: &'a [&'a Target],
    shown: &'a Shown,
    /// The targets of which it has been said that they show nothing.
    silent: &'a [&'a Target],
    /// The jobs that do not show everything they could.
    partial: &'a [&'a str],
}

/// Jobs with a target that is not there, not up, not scraped yet, or shows nothing: it may be the one that has a metric.
fn partial<'f>(file: &'f stack::Prometheus, all: &[Target], silent: &[&Target]) -> Vec<&'f str> {
    let is_partial = |job: &&stack::Job| {
        let own: Vec<&Target> = all.iter().filter(|target| target.scrape_pool == job.name.value).collect();
        own.is_empty()
            || own.len() < job.addresses().count()
            || own.iter().any(|target| target.health != "up" || is_among(target, silent))
    };
    file.jobs.iter().filter(is_partial).map(|job| job.name.as_str()).collect()
}

fn is_among(target: &Target, targets: &[&Target]) -> bool {
    targets.iter().any(|one| std::ptr::eq(*one, target))
}

/// What Prometheus makes itself.
fn is_made(name: &str) -> bool {
    name == "up" || name.starts_with("scrape_") || name.starts_with("ALERTS")
}

/// What a library shows of the process that it is in, whatever that is.
fn is_of_any_process(name: &str) -> bool {
    ["process_", "go_", "python_", "promhttp_"].iter().any(|start| name.starts_with(start))
}

/// Targets that are up and show nothing of what is read of their job.
fn silent<'a>(
    expected: &Expected<'_>,
    file: &stack::Prometheus,
    up: &[&'a Target],
    shown: &Shown,
    names: &BTreeSet<&str>,
    report: &mut Report,
) -> Vec<&'a Target> {
    let mut found = Vec::new();
    for job in file.jobs.iter().filter(|job| !job.is_redirected()) {
        let own: Vec<&&Target> = up.iter().filter(|target| target.scrape_pool == job.name.value).collect();
        let engine = engine(expected, &job.name);
        let mut wanted: Vec<&str> = names.iter().copied().filter(|name| !is_of_any_process(name)).collect();
        match engine {
            Some(engine) => wanted.retain(|name| metric(engine, name).is_some_and(|metric| !metric.late)),
            // What all of a job show but for one is what that one should show. Two may just be different programs.
            None if own.len() > 2 => wanted
                .retain(|name| own.iter().filter(|target| shown.has(target, name)).count() >= own.len() - 1),
            None => continue,
        }
        if wanted.is_empty() {
            continue;
        }
        for target in own.into_iter().filter(|target| !wanted.iter().any(|name| shown.has(target, name))) {
            let name = target.name();
            let help = match engine {
                Some(engine) => format!(
                    "{} shows its metrics by: {}; or see its port and path",
                    engine.title, engine.enable
                ),
                None => "see its port and path, and what turns its metrics on".to_owned(),
            };
            report.push(
                Diagnostic::error(
                    "metrics-missing",
                    format!("the target `{name}` of the job `{}` is up, and shows none of the metrics that are read of it", job.name),
                )
                .at(targets::place(job, target), format!("no {}", list(wanted.iter().copied())))
                .help(help),
            );
            found.push(*target);
        }
    }
    found
}

/// What serves behind a job, where skymon rendered it.
fn engine<'e>(expected: &Expected<'e>, job: &str) -> Option<&'e Engine> {
    let service = expected.plan?.services.iter().find(|service| service.name == job)?;
    Some(&service.engine)
}

/// The metric of an engine that a series is of.
fn metric<'e>(engine: &'e Engine, name: &str) -> Option<&'e Metric> {
    let base =
        ["_bucket", "_sum", "_count"].iter().find_map(|end| engine.metrics.get(name.strip_suffix(end)?));
    engine.metrics.get(name).or(base)
}

/// What single targets of a known engine do not show, or show as something else.
fn lacking(
    context: &Context<'_>,
    job: &str,
    engine: &Engine,
    questions: &[Question<'_>],
    report: &mut Report,
) {
    let shown = context.shown;
    let own: Vec<&&Target> = context
        .up
        .iter()
        .filter(|target| target.scrape_pool == job && !is_among(target, context.silent))
        .collect();
    let reads_any = |question: &&Question<'_>| {
        !question.is_panel && question.all().iter().any(|need| metric(engine, need.name).is_some())
    };
    let questions: Vec<&Question<'_>> = questions.iter().filter(reads_any).collect();
    let mut missing: BTreeMap<&str, (Need<'_>, BTreeSet<&str>)> = BTreeMap::new();
    let mut mistyped: BTreeMap<(&str, &str), (Need<'_>, BTreeSet<&str>)> = BTreeMap::new();
    for target in own {
        let name = target.name();
        for question in &questions {
            // What is not this engine's says nothing of it.
            let is_there = |selector: &VectorSelector| {
                promql::metric(selector)
                    .is_none_or(|name| metric(engine, name).is_none() || shown.has(target, name))
            };
            for need in question.needs(&is_there).into_iter().filter(|need| need.is_about(target)) {
                if metric(engine, need.name).is_some_and(|metric| !metric.late) {
                    missing.entry(need.name).or_insert((need, BTreeSet::new())).1.insert(name);
                }
            }
            for need in question.all().into_iter().filter(|need| need.is_about(target)) {
                let Some(metric) = metric(engine, need.name) else { continue };
                let kind = shown.kind(target, need.name).unwrap_or("unknown");
                if kind != "unknown" && kind != metric.r#type.as_str() {
                    mistyped.entry((need.name, kind)).or_insert((need, BTreeSet::new())).1.insert(name);
                }
            }
        }
    }
    for (metric, (need, targets)) in missing {
        report.push(
            Diagnostic::warning(
                "metric-missing",
                format!(
                    "{} of the job `{job}` {} not show `{metric}`",
                    list(targets.iter().copied()),
                    does(&targets)
                ),
            )
            .at(need.place(), format!("{} reads it", need.question.by))
            .help(format!(
                "see the version of {}, and what turns its metrics on: {}",
                engine.title, engine.enable
            )),
        );
    }
    for ((metric, kind), (need, targets)) in mistyped {
        let wanted = self::metric(engine, metric).map_or("", |metric| metric.r#type.as_str());
        report.push(mistype(metric, kind, need).help(format!(
            "{} shows a {wanted}: see what {} is",
            engine.title,
            list(targets.iter().copied())
        )));
    }
}

fn does(targets: &BTreeSet<&str>) -> &'static str {
    if targets.len() == 1 { "does" } else { "do" }
}

fn mistype(metric: &str, kind: &str, need: Need<'_>) -> Diagnostic {
    Diagnostic::warning("metric-type", format!("`{metric}` is shown as a {kind}"))
        .at(need.place(), format!("{} reads it as another type", need.question.by))
}

/// What nothing at all shows that is scraped, and what is read as a counter and is none.
fn nowhere(
    expected: &Expected<'_>,
    context: &Context<'_>,
    questions: &[Question<'_>],
    is_scraped: &dyn Fn(&str) -> bool,
    report: &mut Report,
) {
    let Context { up, shown, partial, .. } = context;
    let engines = || expected.plan.into_iter().flat_map(|plan| &plan.services).map(|service| &service.engine);
    let is_known = |name: &str| engines().any(|engine| metric(engine, name).is_some());
    let is_there = |selector: &VectorSelector| {
        promql::metric(selector).is_none_or(|name| {
            !is_scraped(name)
                || is_known(name)
                || shown.named.contains(name)
                || up.iter().any(|target| shown.has(target, name))
        })
    };
    let mut told = BTreeSet::new();
    for question in questions {
        for need in question.needs(&is_there) {
            let is_unsure = partial.iter().any(|job| {
                let matchers = need.selector.matchers.iter();
                matchers.filter(|matcher| matcher.name == "job").all(|matcher| matcher.is_match(job))
            });
            if is_unsure || !told.insert(need.name) {
                continue;
            }
            let message = format!("nothing that Prometheus scrapes shows `{}`", need.name);
            let reads = format!("{} reads it", question.by);
            report.push(if need.grows {
                Diagnostic::note("metric-not-yet", message)
                    .at(need.place(), reads)
                    .help("a counter may be born with its first event; if it had one, see the name")
            } else {
                Diagnostic::warning("metric-nowhere", message)
                    .at(need.place(), reads)
                    .help("see the name, and what should show it")
            });
        }
        for need in question.all().into_iter().filter(|need| need.grows && !is_known(need.name)) {
            let of_it = up.iter().filter(|target| need.is_about(target));
            let is_gauge = of_it.into_iter().any(|target| shown.kind(target, need.name) == Some("gauge"));
            if is_gauge && told.insert(need.name) {
                let help = "a gauge goes up and down: `deriv` or `delta` says how it changes";
                report.push(mistype(need.name, "gauge", need).help(help));
            }
        }
    }
}
