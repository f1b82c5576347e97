//! Rules and their tests: one group and one file of each for every service, and one for the stack.

use std::collections::BTreeMap;

use anyhow::Result;
use minijinja::{Value, context};

use super::{Artifacts, grafana};
use crate::plan::{Alert, Check, LONG_TEST_STEP, LONGEST_TEST_STEP, Plan, Recording, RuleTest, Sample};
use crate::templates::{Templates, go_literal};

pub(super) fn build(plan: &Plan, templates: &Templates, artifacts: &mut Artifacts) -> Result<()> {
    for service in &plan.services {
        build_rules(plan, &service.name, &service.recordings, &service.alerts, templates, artifacts)?;
        build_tests(&service.name, &service.tests, templates, artifacts)?;
    }
    build_rules(plan, "stack", &plan.recordings, &plan.alerts, templates, artifacts)?;
    build_tests("stack", &plan.tests, templates, artifacts)
}

fn build_rules(
    plan: &Plan,
    group: &str,
    recordings: &[Recording],
    alerts: &[Alert],
    templates: &Templates,
    artifacts: &mut Artifacts,
) -> Result<()> {
    let recordings: Vec<Value> = recordings
        .iter()
        .map(|recording| context! { name => recording.name.as_str(), expr => Value::from_object(recording.expr.clone()) })
        .collect();
    let alerts: Vec<Value> = alerts.iter().map(|alert| print_alert(plan, alert)).collect();
    let text = templates.render("prometheus/rules.yml", context! { group, recordings, alerts })?;
    artifacts.yaml(&format!("prometheus/rules/{group}.yml"), text)
}

/// A test file has one step for all; what spans half an hour or a week stands in files of its own, with longer ones.
fn build_tests(
    group: &str,
    tests: &[RuleTest],
    templates: &Templates,
    artifacts: &mut Artifacts,
) -> Result<()> {
    // A `+` is in no service's name, so that no two files meet.
    let suffix = |test: &RuleTest| match test.step {
        LONG_TEST_STEP => "+long",
        LONGEST_TEST_STEP => "+week",
        _ => "",
    };
    for wanted in ["", "+long", "+week"] {
        let tests: Vec<&RuleTest> = tests.iter().filter(|test| suffix(test) == wanted).collect();
        let Some(first) = tests.first() else { continue };
        let step = first.step.to_string();
        let tests: Vec<Value> = tests.into_iter().map(print_test).collect();
        let context = context! { group, rules => format!("../rules/{group}.yml"), step, tests };
        artifacts.yaml(
            &format!("prometheus/tests/{group}{wanted}.yml"),
            templates.render("prometheus/tests.yml", context)?,
        )?;
    }
    Ok(())
}

fn print_alert(plan: &Plan, alert: &Alert) -> Value {
    let mut labels: BTreeMap<&str, String> =
        alert.labels.iter().map(|(name, text)| (name.as_str(), go_literal(text))).collect();
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
        dashboard_url => grafana::dashboard_url(plan, alert),
    }
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
            let samples: Vec<Value> = expected.iter().map(print_sample).collect();
            context! { at => at.to_string(), expr => Value::from_object(expr.clone()), samples }
        })
        .collect();
    context! { name => test.name.as_str(), input, checks }
}

fn print_sample(sample: &Sample) -> Value {
    let labels: Vec<String> = sample
        .labels
        .iter()
        .map(|(label, value)| format!("{label}={}", serde_json::Value::from(value.as_str())))
        .collect();
    context! { labels => format!("{{{}}}", labels.join(", ")), value => sample.value }
}
