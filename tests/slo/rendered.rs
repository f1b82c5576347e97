//! What is rendered for objectives, and that its rule tests hold and notice a slip of the pen.

use crate::support::project::Project;
use crate::support::tools::{self, Output};

fn render(engine: &str, slo: &str, more: &str) -> Project {
    let project = Project::new(&format!(
        "version: 1\nname: x\nservices:\n  chat:\n    engine: {engine}\n    replicas: ['a:1']\n    \
         endpoint: https://chat.example.com\n    slo: {slo}\n{more}\n\
         receivers: {{team: {{webhook: {{url_file: secrets/url}}}}}}\nroutes: {{critical: team, warning: team}}\n"
    ));
    project.render();
    project
}

/// Runs those of the rendered tests that are about objectives.
fn test_rules(project: &Project) -> Output {
    let about = "--run=objective|outage|SLOBurn";
    let files = ["", "+long"].map(|suffix| format!("prometheus/tests/chat{suffix}.yml"));
    tools::promtool(&["test", "rules", about, &files[0], &files[1]], &project.path("monitoring"))
}

const ALL: &str = "{availability: 99.9, latency: {objective: 99, under: 10s},
      time_to_first_token: {objective: 95, under: 500ms}, inter_token_latency: {objective: 90, under: 100ms}}";

#[test]
fn the_rule_tests_hold_for_every_objective_and_however_it_is_changed() {
    for (engine, slo, more) in [
        ("vllm", ALL, ""),
        ("custom", "{availability: 99.999}", "prometheus: {scrape_interval: 7s}"),
        ("custom", "{availability: 90, window: 28d}", "prometheus: {scrape_interval: 1m}"),
        (
            "custom",
            "{latency: {objective: 95, under: 10s}}\n    scale: {min: 0}\n    probe: {interval: 5m}",
            "",
        ),
        (
            "custom",
            "{latency: {objective: 99.5, under: 100ms}}",
            "alerts: {SLOBurnFast: {min_requests: 0, severity: warning}, SLOBurnSlow: {min_requests: 100000, for: 3h, severity: info}}",
        ),
    ] {
        let project = render(engine, slo, more);
        let tests = ["", "+long"]
            .map(|suffix| project.read(&format!("monitoring/prometheus/tests/chat{suffix}.yml")));
        assert_eq!(
            tests.concat().matches("name: \"SLOBurn").count(),
            if more.contains("min_requests: 0") { 5 } else { 6 }
        );
        let said = test_rules(&project);
        assert_eq!(said.status, 0, "{engine} {slo} {more}: {}", said.text());
    }
}

/// A rule test that cannot fail proves nothing: each of these breaks one rule.
#[test]
fn the_rule_tests_notice_a_broken_rule() {
    let project = render("custom", "{availability: 99.9, latency: {objective: 99, under: 2.5s}}", "");
    let path = "monitoring/prometheus/rules/chat.yml";
    let rules = project.read(path);
    for (from, to) in [
        ("vector(0.999)", "vector(0.99)"),
        ("\"slo\":\"latency\"", "\"slo\":\"speed\""),
        ("le=\"2.5\"", "le=\"5.0\""),
        ("unless on (service) max_over_time", "and on (service) max_over_time"),
        ("[1d]) > 0", "[1d]) * 2 > 0"),
        ("[1m]) > 0", "[30m]) > 0"),
        ("> 14.4\n", "> 0.144\n"),
        ("rate30m{service=\"chat\"} > 6", "rate30m{service=\"chat\"} > -1"),
        ("rate6h{service=\"chat\"} > 1\n", "rate6h{service=\"chat\"} > -1\n"),
        ("* 1800 >= 20", "* 1800 >= 0"),
        ("* 21600 >= 20", "* 21600 >= 0"),
        ("[1h:1m]) / 60", "[1h:1m]) / 6"),
        ("[3d:1m]) / 4320", "[3d:1m]) / 432"),
        ("failures:rate5m{service=\"chat\"}[30d])", "failures:rate5m{service=\"chat\"}[5m])"),
        ("[30d:1m]) / 43200", "[30d:1m]) / 4320"),
        ("* 2592000", "* 259200"),
    ] {
        assert!(rules.contains(from), "`{from}` is not in the rules");
        project.write(path, &rules.replace(from, to));
        assert_ne!(test_rules(&project).status, 0, "nothing noticed that `{from}` became `{to}`");
    }
}

#[test]
fn the_alerts_of_an_objective_take_the_place_of_those_of_its_threshold() {
    let has = |project: &Project, alert: &str| {
        project.read("monitoring/prometheus/rules/chat.yml").contains(&format!("- alert: \"{alert}\"\n"))
    };
    let project = render("custom", "{availability: 99.9}", "");
    assert!(!has(&project, "HighErrorRate") && has(&project, "HighLatency") && has(&project, "SLOBurnFast"));
    let project = render("custom", "{latency: {objective: 99, under: 5s}}", "");
    assert!(has(&project, "HighErrorRate") && !has(&project, "HighLatency") && has(&project, "SLOBurnSlow"));
    let alertmanager = project.read("monitoring/alertmanager/alertmanager.yml");
    let (_, muting) =
        alertmanager.split_once("alertname=\\\"SLOBurnFast\\\"").expect("it mutes the slow one");
    let muting = muting.split("source_matchers").next().expect("is there");
    assert!(muting.contains("SLOBurnSlow") && muting.contains("equal: [\"service\",\"slo\"]"), "{muting}");
}
