//! The page of the alerts: defaults, what engines have otherwise, timings.

use std::collections::BTreeSet;

use minijinja::context;
use serde_json::Value;
use skymon::catalog::alerts::AlertEntry;
use skymon::catalog::engines::Engines;
use skymon::promql::PromQl;
use skymon::templates::Templates;

use crate::{assert_rows, code, list, page, table};

/// The series that an alert cannot do without.
fn needs(entry: &AlertEntry) -> BTreeSet<String> {
    let recorded: [&str; 0] = [];
    let slo = context! { page => [2, 1], ticket => [2, 1] };
    let values = context! {
        service => "x", threshold => 1, min_requests => 1, scale_to_zero => false, for_seconds => 0, recorded, slo
    };
    let expr = Templates::new().render_snippet("alert.promql", &entry.expr, &values).expect("renders");
    PromQl::parse(&expr).expect("is PromQL").metrics().clone()
}

#[test]
fn alerts_md_has_every_alert_with_its_defaults() {
    let rows: Vec<String> = AlertEntry::all()
        .iter()
        .map(|entry| {
            let threshold = entry.threshold.as_ref().map_or("–", |threshold| threshold.as_str());
            let requests = entry
                .min_requests
                .map(|count| format!(", with {} requests or more", count.get()))
                .unwrap_or_default();
            format!(
                "| `{}` | {} | {} | {threshold}{requests} | {} | {} |",
                entry.name,
                entry.severity.as_str(),
                entry.hold,
                list(&needs(entry)),
                list(&entry.muted_by)
            )
        })
        .collect();
    assert_rows("docs/alerts.md", "alert", &rows);
}

#[test]
fn alerts_md_says_what_an_engine_has_otherwise() {
    let text = page("docs/alerts.md");
    for engine in Engines::built_in().iter() {
        for (alert, change) in &engine.alerts {
            let line = match &change.threshold {
                Some(threshold) => {
                    format!("{} has another default for `{alert}`: {}.", engine.title, threshold.as_str())
                }
                None => format!("{} has no `{alert}` unless the config enables it.", engine.title),
            };
            assert!(text.contains(&line), "{line}");
        }
    }
}

#[test]
fn alerts_md_says_the_timings_that_are_rendered() {
    let read = |file: &str| -> Value {
        serde_yaml::from_str(&page(&format!("snapshots/minimal/{file}"))).expect("is YAML")
    };
    let spaced = |text: &str| {
        let unit = text.len() - 1;
        format!("{} {}", &text[..unit], if &text[unit..] == "m" { "min" } else { &text[unit..] })
    };
    let alertmanager = read("alertmanager/alertmanager.yml");
    let routes = alertmanager["route"]["routes"].as_array().expect("has routes");
    for row in table("docs/alerts.md", "severity") {
        let matcher = format!("severity=\"{}\"", code(&row[0]));
        let route =
            routes.iter().find(|route| route["matchers"][0] == matcher.as_str()).expect("has a route");
        for (cell, key) in row[3..].iter().zip(["group_wait", "group_interval", "repeat_interval"]) {
            assert_eq!(*cell, spaced(route[key].as_str().expect("is text")), "{key} of {matcher}");
        }
    }

    let seconds = |text: &Value| -> u64 {
        text.as_str().and_then(|text| text.strip_suffix('s')).expect("seconds").parse().expect("a number")
    };
    let prometheus = read("prometheus/prometheus.yml");
    let down = AlertEntry::find("ServiceDown").expect("there is one");
    let together = seconds(&prometheus["global"]["scrape_interval"])
        + seconds(&prometheus["global"]["evaluation_interval"])
        + down.hold.as_millis() / 1000
        + seconds(&alertmanager["route"]["group_wait"]);
    assert!(page("docs/alerts.md").contains(&format!("| **together** | **{together} s** |")), "{together}");
}
