//! What Go takes and what it refuses. `tests/expressions.rs` asks promtool of the same lists.

use super::*;

/// One on a line, with `\n` for its own lines.
const VALID: &str = include_str!("../../tests/expressions/templates_valid.txt");
/// The same, and behind `==>` what is said of it.
const BROKEN: &str = include_str!("../../tests/expressions/templates_broken.txt");
/// The same of notifications: amtool is asked.
const VALID_NOTIFICATIONS: &str = include_str!("../../tests/expressions/notifications_valid.txt");
const BROKEN_NOTIFICATIONS: &str = include_str!("../../tests/expressions/notifications_broken.txt");

fn fault(text: &str, language: &Language) -> Option<String> {
    let fault = read(text, language).1?;
    assert!(fault.help.is_some() && text.get(fault.range.clone()).is_some(), "{text}: {fault:?}");
    Some(format!("{} at `{}`", fault.message, &text[fault.range]))
}

#[test]
fn what_the_programs_take_has_no_fault() {
    for (list, language) in [(VALID, &PROMETHEUS), (VALID_NOTIFICATIONS, &ALERTMANAGER)] {
        for text in list.lines().map(|line| line.replace("\\n", "\n")) {
            assert_eq!(fault(&text, language), None, "{text}");
        }
    }
}

#[test]
fn what_the_programs_refuse_is_named_with_its_place() {
    for (list, language) in [(BROKEN, &PROMETHEUS), (BROKEN_NOTIFICATIONS, &ALERTMANAGER)] {
        for line in list.lines() {
            let (text, expected) = line.split_once(" ==> ").expect("a text and its fault");
            let text = text.replace("\\n", "\n");
            let found = fault(&text, language).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(found, expected, "{text}");
        }
    }
}

#[test]
fn an_alert_may_use_what_prometheus_brought_up_to_3_14() {
    let text = "{{ $labels.a | urlQueryEscape }} {{ (now | toTime).Format \"15:04\" }} {{ toDuration 5 }}";
    assert_eq!(fault(text, &PROMETHEUS), None);
}

#[test]
fn a_notification_may_use_what_alertmanager_0_34_brought_and_no_label_of_an_alert() {
    for text in [
        "{{ .RouteLabels.team }} {{ routeLabels \"team\" }}",
        "{{ base64encode .Status | base64decode }} {{ (toDate \"2006\" \"2026\").Year }}{{ mustToDate \"2006\" \"2026\" }}",
        // Nobody knows what is sent.
        "{{ (index .Alerts 0).StartsAt }}",
    ] {
        assert_eq!(fault(text, &ALERTMANAGER), None, "{text}");
    }
    let (template, _) = read("{{ template \"a\" . }}{{ define \"b\" }}{{ end }}", &ALERTMANAGER);
    let kinds: Vec<&Kind> = template.actions.iter().map(|action| &action.kind).collect();
    assert_eq!(kinds, [&Kind::Call("a".to_owned()), &Kind::Define("b".to_owned())]);
}

#[test]
fn what_a_version_does_not_have_yet_is_named_with_the_one_that_has() {
    let said = |text: &str, language: &Language, version| {
        younger(&read(text, language).0, language, version).map(|fault| fault.message)
    };
    let text = "{{ range .Alerts }}{{ .StartsAt | tz \"UTC\" }}{{ end }}";
    let message = "`tz` is a function of Alertmanager from 0.28 on, and here runs 0.27".to_owned();
    assert_eq!(said(text, &ALERTMANAGER, (0, 27)), Some(message));
    assert_eq!(said(text, &ALERTMANAGER, (0, 28)), None);
    assert!(said("{{ now }}", &PROMETHEUS, (3, 5)).is_some());
    assert_eq!(said("{{ $labels.a | toUpper | stripPort }}", &PROMETHEUS, (3, 0)), None);
}
