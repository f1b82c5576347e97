//! A rule file of the user's, read as Prometheus reads it: what Prometheus would refuse is an error here, at its place, since
//! one such file keeps Prometheus from starting; and an alert that no route was made for is said.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::config::parse;
use crate::diagnostics::{Diagnostic, Report, nearest, shortened};
use crate::promql::PromQl;
use crate::source::{ConfigPath, Found, SourceFile, Sources, SpanIndex};
use crate::values::{Severity, prometheus_duration};

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RuleFile {
    groups: Option<Vec<Group>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    name: String,
    interval: Option<String>,
    query_offset: Option<String>,
    #[serde(rename = "limit")]
    _limit: Option<u32>,
    labels: Option<BTreeMap<String, String>>,
    rules: Option<Vec<Rule>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    record: Option<String>,
    alert: Option<String>,
    expr: String,
    #[serde(rename = "for")]
    hold: Option<String>,
    keep_firing_for: Option<String>,
    labels: Option<BTreeMap<String, String>>,
    annotations: Option<BTreeMap<String, String>>,
}

/// Puts into `report` what is wrong with the file.
pub(super) fn check(file: &SourceFile, report: &mut Report) {
    let (index, problems) = SpanIndex::new(file);
    report.extend(problems);
    if !index.is_complete() {
        return;
    }
    let root = ConfigPath::root();
    match index.found(&root) {
        // Prometheus takes a file without rules.
        None | Some(Found::Nothing) => return,
        Some(Found::Map) => {}
        Some(_) => {
            let wrong = Diagnostic::error("wrong-type", format!("`{}` is no file of rules", file.name));
            report.push(wrong.at_file(&file.name, "").help("begin with `groups:`"));
            return;
        }
    }
    if index.contains(&root.key("tests")) {
        let tests = Diagnostic::error("bad-rule", format!("`{}` holds tests of rules, not rules", file.name));
        report.push(
            tests.at_file(&file.name, "").help("keep it in another folder, or Prometheus would load it"),
        );
        return;
    }
    let mut found = Report::new();
    let rules: Option<RuleFile> = parse::read(file, &index, &mut found);
    if !found.has_errors()
        && let Some(rules) = rules
    {
        check_groups(&rules, &mut found);
    }
    let sources = Sources::of_config(file.clone(), index);
    report.extend(found.into_iter().map(|one| one.in_file(&sources)));
}

fn check_groups(file: &RuleFile, found: &mut Report) {
    let groups = ConfigPath::root().key("groups");
    let mut seen: BTreeMap<&str, ConfigPath> = BTreeMap::new();
    for (position, group) in file.groups.iter().flatten().enumerate() {
        let at = groups.item(position);
        if let Some(first) = seen.insert(&group.name, at.key("name")) {
            found.push(
                Diagnostic::error(
                    "duplicate-group",
                    format!("the group `{}` is there twice", shortened(&group.name).escape_debug()),
                )
                .at_value(at.key("name"), "Prometheus refuses this file")
                .at_value(first, "the first")
                .help("give one another name, or put its rules into the other"),
            );
        }
        for (key, written) in [("interval", &group.interval), ("query_offset", &group.query_offset)] {
            check_duration(&at.key(key), written.as_deref(), found);
        }
        for (position, rule) in group.rules.iter().flatten().enumerate() {
            check_rule(rule, group.labels.as_ref(), &at.key("rules").item(position), found);
        }
    }
}

fn check_rule(rule: &Rule, of_group: Option<&BTreeMap<String, String>>, at: &ConfigPath, found: &mut Report) {
    let wrong = |at: ConfigPath, message: &str, help: &str| {
        Diagnostic::error("bad-rule", message).at_key(at, "Prometheus refuses this rule").help(help)
    };
    match (&rule.record, &rule.alert) {
        (Some(_), None) => {
            let only_alerts = [
                ("for", rule.hold.is_some()),
                ("keep_firing_for", rule.keep_firing_for.is_some()),
                ("annotations", rule.annotations.is_some()),
            ];
            for (key, _) in only_alerts.iter().filter(|(_, written)| *written) {
                found.push(wrong(at.key(*key), &format!("a recording has no `{key}`"), "remove it"));
            }
        }
        (None, Some(_)) => {
            check_severity(rule, of_group, at, found);
            for (key, written) in [("labels", &rule.labels), ("annotations", &rule.annotations)] {
                for (name, text) in written.iter().flatten() {
                    check_template(text, &at.key(key).key(name), found);
                }
            }
        }
        (None, None) => {
            found.push(wrong(at.key("expr"), "a rule without a name", "write `alert: …` or `record: …`"));
        }
        (Some(_), Some(_)) => {
            found.push(wrong(at.key("record"), "a rule both records and alerts", "make two rules of it"));
        }
    }
    for (key, written) in [("for", &rule.hold), ("keep_firing_for", &rule.keep_firing_for)] {
        check_duration(&at.key(key), written.as_deref(), found);
    }
    if let Err(problem) = PromQl::parse(&rule.expr) {
        // What follows is the expression again, which stands there to be read.
        let problem = problem.split(" is not PromQL: ").last().unwrap_or_default();
        found.push(
            Diagnostic::error("bad-promql", "this is not PromQL")
                .at_value(at.key("expr"), problem.lines().next().unwrap_or_default())
                .help("Prometheus would not start with it; `promtool check rules` has its own words for what is wrong"),
        );
    }
}

/// What Prometheus gives to the templates in labels and annotations.
const VARIABLES: [&str; 4] = ["labels", "value", "externalLabels", "externalURL"];

/// The two slips that are common: a misspelt variable, and an action that is not closed. The rest of the language is left to
/// Prometheus.
fn check_template(text: &str, at: &ConfigPath, found: &mut Report) {
    let wrong = |message: String, help: String| {
        Diagnostic::error("bad-rule", message)
            .at_value(at.clone(), "Prometheus refuses this template")
            .help(help)
    };
    // Who declares variables knows the language.
    let declares = text.contains(":=");
    for action in text.split("{{").skip(1) {
        let Some((action, _)) = action.split_once("}}") else {
            // Text in quotes may hold the marks.
            if !action.contains(['"', '`']) {
                found.push(wrong("`{{` is never closed".to_owned(), "close it with `}}`".to_owned()));
            }
            return;
        };
        if declares
            || action.contains(['"', '`', '\''])
            || action.trim_start_matches(['-', ' ']).starts_with("/*")
        {
            continue;
        }
        for after in action.split('$').skip(1) {
            let name = after.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default();
            if name.is_empty() || VARIABLES.contains(&name) {
                continue;
            }
            let near = nearest(name, VARIABLES).unwrap_or("labels");
            found.push(wrong(
                format!("there is no variable `${}`", shortened(name)),
                format!("did you mean `${near}`? there are `$labels`, `$value`, `$externalLabels` and `$externalURL`"),
            ));
        }
    }
}

/// Alertmanager's routes are made of severities: what has none of them is only caught by the last one.
fn check_severity(
    rule: &Rule,
    of_group: Option<&BTreeMap<String, String>>,
    at: &ConfigPath,
    found: &mut Report,
) {
    let own = rule.labels.as_ref().and_then(|labels| labels.get("severity"));
    let severity = own.or_else(|| of_group?.get("severity"));
    let alert = rule.alert.as_deref().map(shortened).unwrap_or_default();
    let (at, message) = match severity {
        None => (at.key("alert"), format!("`{}` has no severity", alert.escape_debug())),
        // Only Prometheus knows what this becomes.
        Some(severity) if severity.contains("{{") => return,
        Some(severity) if Severity::ALL.iter().any(|one| one.as_str() == severity) => return,
        Some(severity) => {
            let severity = shortened(severity);
            let message = format!("no route is made for the severity `{}`", severity.escape_debug());
            let place = if own.is_some() { at.key("labels").key("severity") } else { at.key("alert") };
            (place, message)
        }
    };
    found.push(
        Diagnostic::warning("unrouted-alert", message)
            .at_value(at, "goes to the receiver of `critical`")
            .help("write `labels: {severity: warning}`, or `critical` or `info`"),
    );
}

fn check_duration(at: &ConfigPath, written: Option<&str>, found: &mut Report) {
    let Some(text) = written.filter(|text| prometheus_duration(text).is_none()) else { return };
    found.push(
        Diagnostic::error("bad-rule", format!("`{}` is not a duration", shortened(text).escape_debug()))
            .at_value(at.clone(), "Prometheus refuses this")
            .help("write whole numbers with their units, the large ones first: `30s`, `1h30m`"),
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostics::Place;

    /// Each finding as `line:column id message`.
    fn found(text: &str) -> Vec<String> {
        let file = SourceFile::new("rules/own.yml", text);
        let mut report = Report::new();
        check(&file, &mut report);
        let shown = report.iter().map(|one| match &one.labels[0].place {
            Place::Span { range, .. } => {
                let (line, column) = file.line_column(range.start);
                format!("{line}:{column} {} {}", one.id, one.message)
            }
            _ => format!("{} {}", one.id, one.message),
        });
        shown.collect()
    }

    #[test]
    fn a_good_file_is_taken_whatever_prometheus_allows_in_it() {
        let text = "# mine\ngroups:\n  - name: a\n    interval: 1h30m\n    limit: 10\n    labels: {severity: info}\n    rules:\n      - record: x:y\n        expr: 1\n      - {alert: A, expr: 'up == 0', for: 0, keep_firing_for: 5m, annotations: {summary: s}}\n  - {name: b, rules: }\n";
        assert_eq!(found(text), [] as [String; 0]);
        for template in [
            "{{ $labels.a }} {{ $value | humanize }} {{ $externalURL }}{{ $externalLabels.b }} {{ . }} }}",
            "{{ range $i, $e := query \\\"up\\\" }}{{ $e.Value }}{{ end }}",
            "{{- /* $x */ -}} {{ printf \\\"$x {{ %v\\\" $value }} $y",
        ] {
            let text = format!(
                "groups: [{{name: a, rules: [{{alert: A, expr: up, labels: {{severity: info}}, annotations: {{s: \"{template}\"}}}}]}}]\n"
            );
            assert_eq!(found(&text), [] as [String; 0]);
        }
        for nothing in ["", "# nothing yet\n", "groups:\n"] {
            assert_eq!(found(nothing), [] as [String; 0]);
        }
    }

    #[test]
    fn every_fault_that_keeps_prometheus_from_starting_is_named_with_its_place() {
        let in_group = |rule: &str| format!("groups:\n  - name: a\n    rules:\n      - {rule}\n");
        for (text, expected) in [
            ("groups: [a\n".to_owned(), "2:1 yaml-syntax the list is not closed"),
            ("- a\n".to_owned(), "wrong-type `rules/own.yml` is no file of rules"),
            ("tests: []\n".to_owned(), "bad-rule `rules/own.yml` holds tests of rules, not rules"),
            ("groups: [{name: a, rule: []}]\n".to_owned(), "1:20 unknown-key unknown key `rule`"),
            ("groups: [{rules: []}]\n".to_owned(), "1:10 missing-key missing key `name`"),
            (
                "groups: [{name: a}, {name: b}, {name: a}]\n".to_owned(),
                "1:39 duplicate-group the group `a` is there twice",
            ),
            (in_group("{record: a, expr: sum(}"), "4:27 bad-promql this is not PromQL"),
            (in_group("{expr: up}"), "4:10 bad-rule a rule without a name"),
            (in_group("{record: a, alert: b, expr: up}"), "4:10 bad-rule a rule both records and alerts"),
            (in_group("{record: a, expr: up, for: 1m}"), "4:31 bad-rule a recording has no `for`"),
            (
                in_group("{alert: a, expr: up, for: 1.5m, labels: {severity: info}}"),
                "4:35 bad-rule `1.5m` is not a duration",
            ),
            (
                in_group(
                    "{alert: a, expr: up, labels: {severity: info}, annotations: {summary: '{{ $lables.service }}'}}",
                ),
                "4:79 bad-rule there is no variable `$lables`",
            ),
            (
                in_group("{alert: a, expr: up, labels: {severity: info, team: '{{ $labels.team'}}"),
                "4:61 bad-rule `{{` is never closed",
            ),
        ] {
            assert_eq!(found(&text), [expected], "{text}");
        }
    }

    #[test]
    fn an_alert_that_no_route_is_made_for_is_said() {
        let alert = |labels: &str| {
            found(&format!("groups:\n  - name: a\n    rules:\n      - alert: A\n        expr: up\n{labels}"))
        };
        assert_eq!(alert(""), ["4:16 unrouted-alert `A` has no severity"]);
        assert_eq!(
            alert("        labels: {severity: page}\n"),
            ["6:28 unrouted-alert no route is made for the severity `page`"]
        );
        for fine in ["critical", "'{{ $labels.severity }}'"] {
            assert_eq!(alert(&format!("        labels: {{severity: {fine}}}\n")), [] as [String; 0]);
        }
    }
}
