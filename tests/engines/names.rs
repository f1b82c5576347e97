//! On paper: every name of a data file is in what the engine shows, as what it is; nothing that is rendered asks for
//! anything else.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use serde_json::Value;
use skymon::catalog::engines::{Engines, Metric, Version};
use skymon::catalog::vocabulary::WORDS;
use skymon::promql::PromQl;

use crate::services::{self, Rules, word_of};
use crate::support::expositions::{self, Exposition, Family};
use crate::support::project::{Project, fixture};

/// The expositions of an engine, all its kinds and versions.
fn shown_by(engine: &str) -> Vec<&'static Exposition> {
    expositions::all().iter().filter(|shown| shown.engine == engine).collect()
}

#[test]
fn every_engine_has_an_exposition_and_every_exposition_its_engine() {
    for engine in Engines::built_in().iter().filter(|engine| !engine.metrics.is_empty()) {
        expositions::newest(&engine.name);
    }
    for shown in expositions::all() {
        assert!(
            Engines::built_in().get(&shown.engine).is_some(),
            "known.yml knows `{}`, which is no engine",
            shown.engine
        );
    }
}

#[test]
fn every_metric_of_an_engine_is_shown_as_the_type_with_the_labels_and_the_buckets_that_its_file_says() {
    let mut faults = Vec::new();
    for engine in Engines::built_in().iter() {
        let shown = shown_by(&engine.name);
        for (name, metric) in &engine.metrics {
            let mut found = BTreeSet::new();
            let mut seen = false;
            for (shown, family) in shown.iter().filter_map(|shown| Some((*shown, shown.family(name)?))) {
                seen = true;
                found.extend(differences(metric, family, shown));
            }
            if !seen {
                found.insert("is in no exposition".to_owned());
            }
            faults.extend(found.into_iter().map(|fault| format!("{}: {name} {fault}", engine.name)));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// In what a metric of a data file is not what is shown.
fn differences(metric: &Metric, family: &Family, shown: &Exposition) -> Vec<String> {
    let mut found = Vec::new();
    if metric.r#type.as_str() != family.kind {
        found.push(format!("is a {}", family.kind));
    }
    // A family without a sample yet has no labels to compare.
    for label in metric.labels.iter().filter(|_| !family.samples.is_empty()) {
        if !shown.sometimes.contains(label)
            && !family.samples.iter().any(|sample| sample.label(label).is_some())
        {
            found.push(format!("has no label `{label}`"));
        }
    }
    let number = |bound: &str| -> f64 { bound.parse().expect("a number") };
    let buckets: Vec<f64> = metric.buckets.iter().map(|bound| number(bound)).collect();
    let mut bounds: Vec<f64> =
        family.samples.iter().filter_map(|sample| sample.label("le")).map(number).collect();
    bounds.retain(|bound| bound.is_finite());
    bounds.sort_by(f64::total_cmp);
    bounds.dedup();
    if !bounds.is_empty() && bounds != buckets && !shown.sized.contains(&family.name) {
        found.push(format!("has the buckets {bounds:?}"));
    }
    found
}

#[test]
fn a_version_shows_what_its_engine_has_since_then_and_not_what_it_had_until_then() {
    let mut faults = Vec::new();
    for shown in expositions::all() {
        let Some(version) =
            shown.version.as_ref().map(|version| version.parse::<Version>().expect("a version"))
        else {
            continue;
        };
        let engine = Engines::built_in().get(&shown.engine).expect("is known");
        for (name, metric) in &engine.metrics {
            let has = metric.since.as_ref().is_none_or(|since| version >= *since)
                && metric.until.as_ref().is_none_or(|until| version < *until);
            let is_shown = shown.family(name).is_some();
            if has != is_shown && !shown.hides.contains(name) {
                let what = if has { "does not show" } else { "shows" };
                faults.push(format!("{} {what} {name}", shown.name()));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn an_engine_says_the_words_that_it_can_and_of_the_others_why_not() {
    for engine in Engines::built_in().iter() {
        let shown = shown_by(&engine.name);
        let can: BTreeSet<&str> =
            shown.iter().flat_map(|shown| shown.says.keys()).map(String::as_str).collect();
        let says: BTreeSet<&str> = engine.vocabulary.keys().map(String::as_str).collect();
        assert_eq!(says, can, "what `{}` can say, and what known.yml says that it can", engine.name);
        for word in WORDS.iter().filter(|word| !can.contains(word.name)) {
            assert!(engine.cannot.contains_key(word.name), "{}: why not `{}`?", engine.name, word.name);
        }
    }
}

#[test]
fn nothing_that_is_rendered_asks_for_what_the_engine_does_not_show() {
    let services = services::all();
    let project = services::render(&services);
    let mut faults = Vec::new();
    let mut recorded: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for service in &services {
        let rules = Rules::read(&project, &service.name);
        let shown = service.may_be();
        for (rule, expr) in rules.recordings.iter().chain(&rules.alerts) {
            faults.extend(
                not_shown(expr, &shown).map(|name| format!("{}: {rule} asks for {name}", service.name)),
            );
        }
        for name in rules.recordings.keys().filter(|name| service.cannot_say(word_of(name))) {
            faults.push(format!("{}: {name} is recorded", service.name));
        }
        for expr in rules.alerts.values() {
            for name in expr.metrics().iter().filter(|name| service.cannot_say(word_of(name))) {
                faults.push(format!("{}: an alert asks for {name}", service.name));
            }
        }
        recorded.entry(&service.shown.engine).or_default().extend(rules.recordings.into_keys());
    }
    for (engine, recorded) in recorded {
        let shown = shown_by(engine);
        for expr in page_queries(&project, engine) {
            faults
                .extend(not_shown(&expr, &shown).map(|name| format!("the page of {engine} asks for {name}")));
            let unknown = expr.metrics().iter().filter(|name| is_recorded(name) && !recorded.contains(*name));
            faults.extend(unknown.map(|name| format!("the page of {engine} asks for {name}")));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// The same registry as that of `sglang.generated.prom`, written by the library that the server uses.
#[test]
fn openmetrics_is_played_as_the_library_writes_it() {
    let series = |text: &str| -> BTreeSet<String> {
        let lines = text.lines().filter(|line| !line.starts_with('#') || line.starts_with("# TYPE"));
        let series = |line: &str| match line.rfind('}') {
            Some(end) if !line.starts_with('#') => line[..=end].to_owned(),
            _ => line.to_owned(),
        };
        lines.map(series).collect()
    };
    // Another process.
    let played =
        expositions::newest("sglang").text(Instant::now(), true).replace("pid=\"26043\"", "pid=\"1806\"");
    let written = fixture("engines/sglang.openmetrics-underscores.generated.prom");
    assert_eq!(series(&played), series(&written));
}

#[test]
fn an_engine_without_metrics_is_only_probed_and_its_page_says_so() {
    let engines: Vec<_> = Engines::built_in().iter().filter(|engine| engine.metrics_path.is_none()).collect();
    assert_eq!(engines.iter().map(|engine| &engine.name).collect::<Vec<_>>(), ["ollama"]);
    let project = Project::new(
        "version: 1\nname: probed\nservices: {silent: {engine: ollama, endpoint: 'http://10.0.0.1:11434'}}\n\
         receivers: {team: {webhook: {url_file: secrets/hook}}}\nroutes: {critical: team, warning: team}\n",
    );
    project.render();
    let rules = Rules::read(&project, "silent");
    for name in rules.recordings.keys().chain(rules.alerts.values().flat_map(PromQl::metrics)) {
        assert!(name.starts_with("service:endpoint_"), "{name} is not of the probe");
    }
    for expr in rules.recordings.values() {
        assert!(expr.metrics().iter().all(|name| name.starts_with("probe_")), "{expr}");
    }
    assert!(rules.alerts.contains_key("EndpointDown"));
    let page = project.skymon(&["explain", "ollama"]).expect_success().stdout;
    assert!(page.contains("metrics: none") && page.contains("probes the endpoint"), "{page}");
}

fn is_recorded(name: &str) -> bool {
    name.starts_with("service:") || name.starts_with("service_replica:")
}

/// The engine's metrics in an expression that none of the expositions has.
fn not_shown<'a>(expr: &'a PromQl, shown: &'a [&Exposition]) -> impl Iterator<Item = &'a String> {
    expr.metrics().iter().filter(move |name| {
        let own = ["up", "ALERTS"].contains(&name.as_str()) || name.starts_with("probe_");
        let family = ["_bucket", "_sum", "_count"].iter().find_map(|part| name.strip_suffix(part));
        let has = |name: &str| {
            shown
                .iter()
                .any(|shown| shown.family(name).is_some() || shown.hides.iter().any(|one| one == name))
        };
        !own && !is_recorded(name) && !has(name) && !family.is_some_and(has)
    })
}

/// What the page of an engine asks.
fn page_queries(project: &Project, engine: &str) -> Vec<PromQl> {
    let text = project.read(&format!("monitoring/grafana/dashboards/service-{engine}.json"));
    let page: Value = serde_json::from_str(&text).expect("a page is JSON");
    let mut found = Vec::new();
    let mut open = vec![&page];
    while let Some(value) = open.pop() {
        match value {
            Value::Object(fields) => {
                if let Some(expr) = fields.get("expr").and_then(Value::as_str) {
                    let expr = expr.replace("$__rate_interval", "5m").replace('$', "");
                    found.push(PromQl::parse(&expr).expect("is PromQL"));
                }
                open.extend(fields.values());
            }
            Value::Array(values) => open.extend(values),
            _ => {}
        }
    }
    assert!(found.len() > 10, "the page of {engine} asks something");
    found
}
