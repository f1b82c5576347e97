//! What Go takes and what it refuses. `tests/hygiene.rs` asks promtool the same.

use super::*;

fn fault(text: &str, language: &Language) -> Option<String> {
    let fault = read(text, language).1?;
    assert!(fault.help.is_some() && text.get(fault.range.clone()).is_some(), "{text}: {fault:?}");
    Some(format!("{} at `{}`", fault.message, &text[fault.range]))
}

#[test]
fn what_prometheus_takes_has_no_fault() {
    for text in [
        "",
        "plain { text } }} and }",
        "{{ $labels.instance }} of {{.Labels.job}} is {{ $value | humanizePercentage }}",
        "{{ with query \"up\" }}{{ . | first | value }}{{ .Whatever }}{{ else }}none{{ end }}",
        "{{- range $i, $e := query (printf \"x{a='%s'}\" $labels.a) -}} {{ $e.Labels.x }} {{ $i }} {{- end -}}",
        "{{ if gt $value 90.5 }}a{{ else if eq $labels.b `c}}` }}b{{ else }}c{{ end }}",
        "{{/* a comment }} */}}{{- /* one */ -}}x",
        "{{ $x := 1 }}{{ $x = 2 }}{{ $x }}",
        "{{ define \"a\" }}{{ .x }}{{ end }}{{ template \"a\" . }}",
        "{{ index $labels \"a-b\" }} {{ (query \"x\" | first).Value }} {{ $externalURL }} {{ $.Labels.a }}",
        "{{ range query \"x\" }}{{ if .Value }}{{ break }}{{ end }}{{ end }}",
        "{{ humanize\n  $value }} {{ -3 }} {{ 'c' | print }} {{ nil }} {{ true }}",
        "{{ with $labels }}{{ .anything }}{{ end }} {{ or $labels.a \"b\" | reReplaceAll \"x\" \"y\" }}",
    ] {
        assert_eq!(fault(text, &PROMETHEUS), None, "{text}");
    }
}

#[test]
fn what_prometheus_refuses_is_named_with_its_place() {
    for (text, expected) in [
        ("a {{ $labels.x\nc", "`{{` is not closed at `{{ $labels.x`"),
        ("{{ $labels.x }", "`{{` is not closed at `{{ $labels.x }`"),
        ("{{ $label.x }}", "there is no variable `$label` at `$label.x`"),
        ("{{ humanise $value }}", "there is no function `humanise` at `humanise`"),
        ("{{ instance }}", "there is no function `instance` at `instance`"),
        ("{{ .instance }}", "there is no `.instance` at `.instance`"),
        ("{{ $.Label.x }}", "there is no `.Label` at `$.Label.x`"),
        ("{{ if $value }}a", "`if` has no `{{ end }}` at `{{ if $value }}`"),
        ("a{{ end }}", "`{{ end }}` closes nothing at `{{ end }}`"),
        ("{{ else }}", "`{{ else }}` belongs to nothing at `{{ else }}`"),
        ("{{ }}", "`{{ }}` holds nothing at `{{ }}`"),
        ("{{ if }}a{{ end }}", "a value is missing at `{{ if }}`"),
        ("{{ $value | }}", "a value is missing at `{{ $value | }}`"),
        ("{{ (1 }}", "`(` is not closed at `{{ (1 }}`"),
        ("{{ 1) }}", "`)` closes nothing at `)`"),
        ("{{ \"a }}", "a text in quotes does not end at `\"a }}`"),
        ("{{ $value > 5 }}", "`>` cannot stand there at `>`"),
        ("{{ if $labels.a == \"b\" }}{{ end }}", "a template has no operators at `=`"),
        ("{{ $labels.a-b }}", "`-` cannot stand there at `-`"),
        ("{{/* a }}", "the comment is not closed at `{{/*`"),
        ("{{ template x }}", "`template` names no template at `{{ template x }}`"),
        ("{{ with $x := 1 }}{{ end }}{{ $x }}", "there is no variable `$x` at `$x`"),
        (
            "{{ define \"a\" }}{{ $labels.x }}{{ end }}",
            "`$labels` is not seen inside of a `define` at `$labels.x`",
        ),
    ] {
        let found = fault(text, &PROMETHEUS).unwrap_or_else(|| panic!("{text}"));
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
