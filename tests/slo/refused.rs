//! Objectives that nobody could keep or measure are refused where they stand.

use crate::support::project::Project;

fn said(engine: &str, slo: &str, more: &str) -> String {
    Project::new(&format!(
        "version: 1\nname: x\nservices:\n  chat:\n    engine: {engine}\n    replicas: ['a:1']\n    slo: {slo}\n{more}\n\
         receivers: {{team: {{webhook: {{url_file: secrets/url}}}}}}\nroutes: {{critical: team, warning: team}}\n"
    ))
    .skymon(&["validate"])
    .stdout
}

#[test]
fn what_cannot_be_measured_or_kept_is_refused_with_the_line_to_write() {
    for (engine, slo, more, wanted) in [
        ("custom", "{}", "", vec!["`slo` promises nothing", "`availability: 99.9`"]),
        ("custom", "{window: 30d}", "", vec!["`slo` promises nothing"]),
        ("custom", "{availability: 0.999}", "", vec!["did you mean `99.9`?"]),
        ("custom", "{availability: 100}", "", vec!["leaves no budget"]),
        ("custom", "{availability: 99.9, window: 7d}", "", vec!["7d is not a window", "`window: 28d`"]),
        (
            "custom",
            "{availability: 99.9}",
            "prometheus: {retention: {time: 15d}}",
            vec!["error[slo-beyond-retention]", "looks back 30d", "forgets after 15d", "{time: 30d}"],
        ),
        (
            "custom",
            "{latency: {objective: 99, under: 3s}}",
            "",
            vec!["error[slo-between-buckets]", "ends at 3s", "`under: 2.5s` or `under: 5s`"],
        ),
        (
            "custom",
            "{latency: {objective: 99, under: 1m}}",
            "",
            vec!["ends at 1m", "help: write `under: 10s`\n"],
        ),
        (
            "vllm",
            "{time_to_first_token: {objective: 95, under: 300ms}}",
            "",
            vec!["ends at 300ms", "`under: 250ms` or `under: 500ms`"],
        ),
        (
            "custom",
            "{time_to_first_token: {objective: 95, under: 500ms}}",
            "",
            vec!["error[slo-unmeasurable]", "`time_to_first_token_seconds`", "`skymon explain custom`"],
        ),
        (
            "llamacpp",
            "{inter_token_latency: {objective: 95, under: 100ms}}",
            "",
            vec![
                "error[slo-unmeasurable]",
                "only the mean of `time_per_output_token_seconds`",
                "under: 100ms}",
            ],
        ),
        ("custom", "{latency: {objective: 99}}", "", vec!["`under`"]),
        ("custom", "{availabilty: 99.9}", "", vec!["did you mean `availability`?"]),
    ] {
        let said = said(engine, slo, more);
        for words in wanted {
            assert!(said.contains(words), "{slo} {more}: no `{words}` in\n{said}");
        }
        assert!(said.ends_with("1 error\n"), "{slo}: {said}");
    }
}

#[test]
fn an_engine_is_asked_in_the_version_that_is_named() {
    let old = said("vllm", "{availability: 99.9}\n    engine_version: '0.8.0'", "");
    assert!(old.contains("`vllm` does not expose `requests` in this version"), "{old}");
    let new = said("vllm", "{availability: 99.9}\n    engine_version: '0.11'", "");
    assert!(!new.contains("error["), "{new}");
}

#[test]
fn a_service_whose_requests_nobody_counts_has_no_objectives() {
    let said = Project::new(
        "version: 1\nname: x\nservices:\n  chat: {engine: custom, endpoint: 'https://x.example', slo: {availability: 99.9}}\n\
         receivers: {team: {webhook: {url_file: secrets/url}}}\nroutes: {critical: team, warning: team}\n",
    )
    .skymon(&["validate"])
    .stdout;
    assert!(said.contains("nothing counts the requests of `chat`"), "{said}");
}

#[test]
fn a_change_of_an_alert_whose_place_is_taken_is_idle() {
    let objective =
        "{availability: 99.9}\n    alerts: {HighErrorRate: {threshold: 2%}, HighLatency: {threshold: 2s}}";
    let said = said("custom", objective, "");
    assert!(said.contains("warning[idle-alert]: `HighErrorRate` does not exist for `chat`"), "{said}");
    assert!(said.contains("`SLOBurnFast` and `SLOBurnSlow` take its place"), "{said}");
    assert!(!said.contains("`HighLatency`"), "no objective is about that: {said}");

    let without = Project::new(
        "version: 1\nname: x\nservices:\n  chat: {engine: custom, replicas: ['a:1'], alerts: {SLOBurnFast: {min_requests: 9}}}\n\
         receivers: {team: {webhook: {url_file: secrets/url}}}\nroutes: {critical: team, warning: team}\n",
    )
    .skymon(&["validate"])
    .stdout;
    assert!(without.contains("write `slo: {availability: 99.9}`, or remove the change"), "{without}");
}
