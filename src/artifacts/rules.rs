//! Rules and their tests: one group and one file of each for every service, and one for the stack.

use std::collections::BTreeMap;

use anyhow::Result;
use minijinja::{Value, context};

use super::{Artifacts, grafana};
use crate::plan::{Alert, Check, Plan, Recording, RuleTest, Sample, test_step};
use crate::templates::Templates;

pub(super) fn build(plan: &Plan, templates: &Templates, artifacts: &mut Artifacts) -> Result<()> {
    let step = test_step(plan.scrape_interval).to_string();
    let mut add =
        |group: &str, recordings: &[Recording], alerts: &[Alert], tests: &[RuleTest]| -> Result<()> {
            let recordings: Vec<Value> = recordings
                .iter()
                .map(|r| context! { name => r.name.as_str(), expr => Value::from_object(r.expr.clone()) })
                .collect();
            let alerts: Vec<Value> = alerts.iter().map(|alert| print_alert(plan, alert)).collect();
            let rules = templates.render("prometheus/rules.yml", context! { group, recordings, alerts })?;
            artifacts.yaml(&format!("prometheus/rules/{group}.yml"), rules)?;

            let tests: Vec<Value> = tests.iter().map(print_test).collect();
            let context =
                context! { group, rules => format!("../rules/{group}.yml"), step => step.as_str(), tests };
            artifacts.yaml(
                &format!("prometheus/tests/{group}.yml"),
                templates.render("prometheus/tests.yml", context)?,
            )
        };
    for service in &plan.services {
        add(
            &service.name,
            &service.recordings,
            &service.alerts,
            &service.tests,
        )?;
    }
    add("stack", &[], &plan.alerts, &plan.tests)
}

fn print_alert(plan: &Plan, alert: &Alert) -> Value {
    let mut labels: BTreeMap<&str, String> = alert
        .labels
        .iter()
        .map(|(name, text)| (name.as_str(), literal(text)))
        .collect();
    labels.insert("severity", alert.severity.as_str().to_owned());
    if let Some(service) = &alert.service {
        labels.insert("service", service.clone());
    }
    context! {
        name => alert.entry.name.as_str(),
        expr => Value::from_object(alert.expr.clone()),
        hold => alert.hold.to_string(),
        labels,
        summary => alert.summary.as_str(),
        description => alert.description.as_str(),
        runbook_url => grafana::runbook_url(plan, &alert.entry.name),
        dashboard_url => grafana::dashboard_url(plan, alert.service.as_deref()),
    }
}

/// Text that Prometheus must not take for a template.
fn literal(text: &str) -> String {
    text.replace("{{", "{{ \"{{\" }}")
}

fn print_test(test: &RuleTest) -> Value {
    let input: Vec<Value> = test
        .input
        .iter()
        .map(|(selector, values)| context! { selector => selector.as_str(), values => values.as_str() })
        .collect();
    let checks: Vec<Value> = test
        .checks
        .iter()
        .map(|Check { at, expr, expected }| {
            let samples: Vec<Value> = expected
                .iter()
                .map(|sample| print_sample(expr.as_str(), sample))
                .collect();
            context! { at => at.to_string(), expr => Value::from_object(expr.clone()), samples }
        })
        .collect();
    context! { name => test.name.as_str(), input, checks }
}

/// A recorded series is asked for by its name, and promtool wants it back in the answer's labels.
fn print_sample(name: &str, sample: &Sample) -> Value {
    let labels: Vec<String> = sample
        .labels
        .iter()
        .map(|(label, value)| format!("{label}={}", serde_json::Value::from(value.as_str())))
        .collect();
    let series = if labels.is_empty() {
        "{}".to_owned()
    } else {
        format!("{name}{{{}}}", labels.join(", "))
    };
    context! { labels => series, value => sample.value }
}
