//! A relabeling that throws away what somebody asks for: the scrape is green, and the series are not there.

use std::collections::BTreeSet;

use super::Check;
use super::shared::asked::queries;
use crate::catalog::metrics::Exposer;
use crate::diagnostics::{Diagnostic, Report, Severity};
use crate::promql::{Matcher, matcher, metric};
use crate::source::{Node, Spanned};
use crate::stack::{Job, Metrics, Stack};

pub(super) const CHECK: Check = Check { id: "everything-dropped", severity: Severity::Error, run };

fn run(stack: &Stack, report: &mut Report) {
    let metrics = stack.metrics();
    let jobs: Vec<Filtered<'_>> = stack.prometheuses.iter().flat_map(|one| &one.jobs).map(filtered).collect();
    let found: Vec<Option<Diagnostic>> = jobs.iter().map(|job| nothing_left(metrics, job)).collect();
    let whole = found.iter().any(Option::is_some);
    report.extend(found.into_iter().flatten());
    // What a job that keeps nothing lacks need not be listed.
    if !whole && jobs.iter().any(|job| !job.filters.is_empty()) {
        report.extend(asked_and_dropped(stack, metrics, &jobs));
    }
}

/// A job with the filters on the names of its metrics.
struct Filtered<'s> {
    job: &'s Job,
    filters: Vec<Filter>,
}

struct Filter {
    regex: Spanned<String>,
    matcher: Matcher,
    keeps: bool,
}

impl Filter {
    fn lets_pass(&self, name: &str) -> bool {
        self.matcher.is_match(name) == self.keeps
    }
}

impl Filtered<'_> {
    fn drops(&self, name: &str) -> Option<&Filter> {
        self.filters.iter().find(|filter| !filter.lets_pass(name))
    }
}

fn filtered(job: &Job) -> Filtered<'_> {
    let rules = job.metric_relabelings();
    // Once a rule has changed names or labels, what the next one sees is not known here.
    let until = rules.iter().position(|rule| action(rule).is_none()).unwrap_or(rules.len());
    Filtered { job, filters: rules[..until].iter().filter_map(filter).collect() }
}

/// Whether a rule keeps what it matches, of those that only drop.
fn action(rule: &Node) -> Option<bool> {
    match rule.get("action")?.text()? {
        "keep" => Some(true),
        "drop" => Some(false),
        _ => None,
    }
}

fn filter(rule: &Node) -> Option<Filter> {
    let keeps = action(rule)?;
    let labels = rule.get("source_labels").map(|node| node.texts()).unwrap_or_default();
    let is_name = labels.len() == 1 && labels[0].value == "__name__";
    let regex = rule.get("regex")?.value().filter(|_| is_name)?;
    Some(Filter { matcher: matcher("__name__", "=~", &regex)?, regex, keeps })
}

/// A filter after which nothing is left of what the job scrapes.
fn nothing_left(metrics: &Metrics, job: &Filtered<'_>) -> Option<Diagnostic> {
    let runs = metrics.scraped(&job.job.name)?.runs();
    let filter = job.filters.iter().find(|filter| {
        let exposer = |name: &str| metrics.catalogue().exposer(name);
        let passes = |one: &Exposer| one.series().any(|name| filter.lets_pass(&name));
        let mut all = runs.iter().filter_map(|runs| exposer(&runs.exposer));
        // What the client library says of the process may be all that is wanted.
        let is_empty = all.any(|one| one.is_whole && !passes(one)) && !exposer("client").is_some_and(passes);
        is_empty || misspelt(metrics, filter).is_some()
    })?;
    let (verb, help) = match misspelt(metrics, filter) {
        Some(right) => ("keeps", format!("write `regex: {right}`: the names have a colon")),
        None if filter.keeps => ("keeps", "look at the names at the target's `/metrics`".to_owned()),
        None => ("drops", "name only what is not wanted".to_owned()),
    };
    let what = if filter.keeps { "nothing" } else { "all" };
    let message =
        format!("`{}` {verb} {what} of what the job `{}` scrapes", filter.regex.value, job.job.name.value);
    Some(CHECK.finding(message).at(filter.regex.place(), "the scrape is green, and empty").help(help))
}

/// The regular expression as it was meant, where it says `_` and the names say `:`.
fn misspelt(metrics: &Metrics, filter: &Filter) -> Option<String> {
    if !filter.keeps {
        return None;
    }
    // Of these it is sure that no scraper makes `_` of it.
    ["vllm", "llamacpp"].into_iter().find_map(|engine| {
        let right = filter.regex.replace(&format!("{engine}_"), &format!("{engine}:"));
        let exposer = metrics.catalogue().exposer(engine)?;
        let finds = |regex: &str| {
            let matcher = matcher("__name__", "=~", regex);
            matcher.is_some_and(|one| exposer.series().any(|name| one.is_match(&name)))
        };
        (right != filter.regex.value && !finds(&filter.regex) && finds(&right)).then_some(right)
    })
}

/// What a rule asks for and every job that may have it throws away.
fn asked_and_dropped<'s>(stack: &'s Stack, metrics: &'s Metrics, jobs: &[Filtered<'_>]) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let mut said = BTreeSet::new();
    for asked in queries(stack) {
        for one in asked.selectors().filter(|one| !one.has_substitute) {
            let Some(name) = metric(one.selector) else { continue };
            let mut owners = metrics.known(one.selector);
            // What Prometheus makes itself passes no filter.
            owners.retain(|owner| owner.exposer.name != "synthetic");
            if owners.is_empty() || !said.insert(name.to_owned()) {
                continue;
            }
            let may_have = |job: &&Filtered<'_>| {
                let Some(scraped) = metrics.scraped(&job.job.name) else { return true };
                let is_one = |exposer: &str| owners.iter().any(|owner| owner.exposer.name == exposer);
                !scraped.is_known() || scraped.runs().iter().any(|runs| is_one(&runs.exposer))
            };
            let candidates: Vec<&Filtered<'_>> = jobs.iter().filter(may_have).collect();
            let dropped: Option<Vec<&Filter>> = candidates.iter().map(|job| job.drops(name)).collect();
            let Some(filter) = dropped.and_then(|dropped| dropped.first().copied()) else { continue };
            found.push(
                CHECK
                    .finding(format!("`{name}` is asked for, and dropped when it is scraped"))
                    .at(filter.regex.place(), "does not let it pass")
                    .at(asked.query.at(name).place(), "asked for here")
                    .help(if filter.keeps {
                        format!("add `|{name}` to the `regex`")
                    } else {
                        format!("take `{name}` out of the `regex`")
                    }),
            );
        }
    }
    found
}
