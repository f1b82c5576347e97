//! Rules and their tests: one file of each for every service, and one for the stack. A file has one group, and a second one
//! for what is evaluated seldom.

use std::collections::BTreeMap;

use anyhow::Result;
use minijinja::{Value, context};

use super::{Artifacts, built, grafana};
use crate::plan::{
    Alert, BUDGET_INTERVAL, Check, LONG_TEST_STEP, LONGEST_TEST_STEP, Plan, Recording, RuleTest, Sample,
    Service,
};
use crate::templates::{Templates, go_literal};

pub(super) fn build(plan: &Plan, templates: &Templates, artifacts: &mut Artifacts) -> Result<()> {
    let of_stack = Rules {
        group: "stack",
        recordings: &plan.recordings,
        alerts: &plan.alerts,
        budget: &[],
        tests: &plan.tests,
    };
    let all = plan.services.iter().map(Rules::of).chain([of_stack]).collect();
    let build = |rules: Rules<'_>, files: &mut Artifacts| {
        rules.build(plan, templates, files)?;
        rules.build_tests(templates, files)
    };
    for files in built(all, build) {
        artifacts.take(files?);
    }
    Ok(())
}

/// One file of rules.
struct Rules<'a> {
    group: &'a str,
    recordings: &'a [Recording],
    alerts: &'a [Alert],
    /// Recorded seldom, in a group of its own.
    budget: &'a [Recording],
    tests: &'a [RuleTest],
}

impl<'a> Rules<'a> {
    fn of(service: &'a Service) -> Self {
        Rules {
            group: &service.name,
            recordings: &service.recordings,
            alerts: &service.alerts,
            budget: &service.budget,
            tests: &service.tests,
        }
    }

    fn build(&self, plan: &Plan, templates: &Templates, artifacts: &mut Artifacts) -> Result<()> {
        let print = |recordings: &[Recording]| recordings.iter().map(print_recording).collect::<Vec<Value>>();
        let context = context! {
            group => self.group,
            recordings => print(self.recordings),
            alerts => self.alerts.iter().map(|alert| print_alert(plan, alert)).collect::<Vec<Value>>(),
            budget_group => self.budget_group(),
            budget_interval => BUDGET_INTERVAL.to_string(),
            budget => print(self.budget),
        };
        let text = templates.render("prometheus/rules.yml", context)?;
        artifacts.add(&format!("prometheus/rules/{}.yml", self.group), text);
        Ok(())
    }

    /// A `+` is in no service's name, so that no two groups meet.
    fn budget_group(&self) -> String {
        format!("{}+budget", self.group)
    }

    /// A test file has one step for all; what spans half an hour or a week stands in files of its own, with longer ones.
    fn build_tests(&self, templates: &Templates, artifacts: &mut Artifacts) -> Result<()> {
        let group = self.group;
        let mut groups = vec![group.to_owned()];
        if !self.budget.is_empty() {
            groups.push(self.budget_group());
        }
        // As with groups, no two files meet.
        let suffix = |test: &RuleTest| match test.step {
            LONG_TEST_STEP => "+long",
            LONGEST_TEST_STEP => "+week",
            _ => "",
        };
        for wanted in ["", "+long", "+week"] {
            let tests: Vec<&RuleTest> = self.tests.iter().filter(|test| suffix(test) == wanted).collect();
            let Some(first) = tests.first() else { continue };
            let step = first.step.to_string();
            let tests: Vec<Value> = tests.into_iter().map(print_test).collect();
            let context =
                context! { groups => groups.clone(), rules => format!("../rules/{group}.yml"), step, tests };
            let text = templates.render("prometheus/tests.yml", context)?;
            artifacts.add(&format!("prometheus/tests/{group}{wanted}.yml"), text);
        }
        Ok(())
    }
}

fn print_recording(recording: &Recording) -> Value {
    context! {
        name => recording.name.as_str(),
        expr => Value::from_object(recording.expr.clone()),
        labels => recording.labels.clone(),
    }
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
