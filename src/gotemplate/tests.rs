//! What Go takes and what it refuses. `tests/expressions.rs` asks promtool of the same lists.

use super::*;

/// One on a line, with `\n` for its own lines.
const VALID: &str = include_str!("../../tests/expressions/templates_valid.txt");
/// The same, and behind `==>` what is said of it.
const BROKEN: &str = include_str!("../../tests/expressions/templates_broken.txt");

fn fault(text: &str, language: &Language) -> Option<String> {
    let fault = read(text, language).1?;
    assert!(fault.help.is_some() && text.get(fault.range.clone()).is_some(), "{text}: {fault:?}");
    Some(format!("{} at `{}`", fault.message, &text[fault.range]))
}

#[test]
fn what_prometheus_takes_has_no_fault() {
    for text in VALID.lines().map(|line| line.replace("\\n", "\n")) {
        assert_eq!(fault(&text, &PROMETHEUS), None, "{text}");
    }
}

#[test]
fn what_prometheus_refuses_is_named_with_its_place() {
    for line in BROKEN.lines() {
        let (text, expected) = line.split_once(" ==> ").expect("a text and its fault");
        let text = text.replace("\\n", "\n");
        let found = fault(&text, &PROMETHEUS).unwrap_or_else(|| panic!("{text}"));
        assert_eq!(found, expected, "{text}");
    }
}

#[test]
fn a_notification_has_other_words() {
    for text in [
        "{{ range .Alerts }}{{ .Annotations.summary }}{{ end }}",
        "{{ range .Alerts.Firing }}{{ .Labels.a }}{{ end }} {{ .CommonLabels.alertname | toUpper }}",
        "{{ define \"x.title\" }}{{ .Status }}{{ end }}{{ template \"x.title\" . }}",
        "{{ .GroupLabels.SortedPairs.Values | join \" \" }} {{ (index .Alerts 0).StartsAt }}",
    ] {
        assert_eq!(fault(text, &ALERTMANAGER), None, "{text}");
    }
    for text in ["{{ .CommonLabel.a }}", "{{ $labels.a }}", "{{ humanizePercent 1 }}", "{{ .Labels.a }}"] {
        assert!(fault(text, &ALERTMANAGER).is_some(), "{text}");
    }
    let (template, _) = read("{{ template \"a\" . }}{{ define \"b\" }}{{ end }}", &ALERTMANAGER);
    let kinds: Vec<&Kind> = template.actions.iter().map(|action| &action.kind).collect();
    assert_eq!(kinds, [&Kind::Call("a".to_owned()), &Kind::Define("b".to_owned())]);
}
