//! Rule files and dashboards of the user's own: taken along as they are, repaired where they must be, and refused with their
//! place where a program would choke on them.

mod support;

use serde_json::Value;
use support::project::Project;
use support::tools::{self, Output};

const MINIMAL: &str = include_str!("fixtures/examples/minimal.yaml");

const RULES: &str = "\
# Ours.  Spaces, comments and quotes stay.
groups:
  - name: gateway
    rules:
      - alert: GatewayDown   # who else would say so
        expr: 'up{job=\"demo\"} == 0'
        labels: {severity: critical}
";

fn project() -> Project {
    Project::new(&format!("{MINIMAL}extra: {{rules: rules/, dashboards: dashboards/}}\n"))
}

#[track_caller]
fn is_refused(project: &Project, id: &str, place: &str, words: &[&str]) -> Output {
    let said = project.skymon(&["validate"]);
    assert_eq!(said.status, 1, "{}", said.text());
    assert!(said.stdout.contains(&format!("error[{id}]: ")), "{id}: {}", said.stdout);
    assert!(said.stdout.contains(&format!("--> {place}\n")), "{place}: {}", said.stdout);
    for word in words {
        assert!(said.stdout.contains(word), "{word}: {}", said.stdout);
    }
    assert_eq!(project.skymon(&["render"]).status, 2);
    assert!(!project.path("monitoring").exists());
    said
}

#[test]
fn rules_are_taken_along_byte_for_byte_and_prometheus_loads_them() {
    let project = project();
    project.write("rules/gateway.yml", RULES);
    project.write("rules/more/README.md", "not a rule");
    project.write("rules/Old Rules.yaml", &RULES.replace("gateway\n", "old\n").replace('\n', "\r\n"));
    project.render();
    assert_eq!(project.read("monitoring/prometheus/rules/extra/gateway.yml"), RULES);
    let old = project.read("monitoring/prometheus/rules/extra/Old-Rules.yml");
    assert_eq!(old, project.read("rules/Old Rules.yaml"));

    let said =
        tools::promtool(&["check", "config", "prometheus/prometheus.yml"], &project.path("monitoring"));
    assert!(
        said.text().contains("rules/extra/gateway.yml") && said.text().contains("1 rules found"),
        "{}",
        said.text()
    );
    tools::promtool(&["check", "rules", "prometheus/rules/extra/gateway.yml"], &project.path("monitoring"))
        .expect_success();
    assert!(!project.skymon(&["validate"]).stdout.contains("foreign-file"));
}

#[test]
fn a_change_of_a_rule_is_drift_until_it_is_rendered_and_then_prometheus_is_told() {
    let project = project();
    project.write("rules/gateway.yml", RULES);
    project.render();
    project.write("rules/gateway.yml", &RULES.replace("== 0", "< 1"));
    assert_eq!(project.skymon(&["render", "--check"]).status, 1);
    let said = project.render();
    assert!(
        said.stdout.contains("update   monitoring/prometheus/rules/extra/gateway.yml\n"),
        "{}",
        said.stdout
    );
    assert!(said.stdout.contains("exec prometheus kill -HUP 1"), "{}", said.stdout);
    std::fs::remove_file(project.path("rules/gateway.yml")).expect("removes the file");
    project.render();
    assert!(!project.path("monitoring/prometheus/rules/extra").exists());
    assert!(!project.read("monitoring/prometheus/prometheus.yml").contains("extra"));
}

#[test]
fn an_edit_of_the_copy_is_kept_and_the_user_is_told_where_to_make_it() {
    let project = project();
    project.write("rules/gateway.yml", RULES);
    project.render();
    project.write("monitoring/prometheus/rules/extra/gateway.yml", &RULES.replace("== 0", "< 1"));
    let said = project.skymon(&["render"]);
    assert_eq!(said.status, 1);
    assert!(said.stderr.contains("a file of your own under `extra`"), "{}", said.stderr);
}

#[test]
fn a_rule_that_prometheus_would_refuse_is_refused_with_its_place() {
    for (from, to, id, place, words) in [
        ("== 0'", "== '", "bad-promql", "rules/gateway.yml:6:15", "this is not PromQL"),
        ("expr:", "exprs:", "unknown-key", "rules/gateway.yml:6:9", "did you mean `expr`?"),
        ("rules:", "rules: [", "yaml-syntax", "rules/gateway.yml:5:7", ""),
        (
            "labels:",
            "for: 1.5h\n        labels:",
            "bad-rule",
            "rules/gateway.yml:7:14",
            "`1.5h` is not a duration",
        ),
        (
            "  - name: gateway",
            "  - name: gateway\n  - name: gateway",
            "duplicate-group",
            "rules/gateway.yml:4:11",
            "the group `gateway` is there twice",
        ),
    ] {
        let project = project();
        project.write("rules/gateway.yml", &RULES.replace(from, to));
        is_refused(&project, id, place, &[words]);
    }
    let project = project();
    project.write("rules/gateway_test.yml", "rule_files: [gateway.yml]\ntests: []\n");
    is_refused(&project, "bad-rule", "rules/gateway_test.yml", &["holds tests of rules, not rules"]);
}

#[test]
fn an_alert_without_a_route_of_its_own_is_a_warning() {
    let project = project();
    project.write("rules/gateway.yml", &RULES.replace("critical", "page"));
    let said = project.skymon(&["validate"]);
    assert_eq!(said.status, 0);
    for words in [
        "warning[unrouted-alert]: no route is made for the severity `page`",
        "--> rules/gateway.yml:7:28\n",
        "goes to the receiver of `critical`",
    ] {
        assert!(said.stdout.contains(words), "{words}: {}", said.stdout);
    }
    project.write("rules/gateway.yml", &RULES.replace("labels: {severity: critical}", "for: 1m"));
    assert!(project.skymon(&["validate"]).stdout.contains("`GatewayDown` has no severity"));
}

#[test]
fn an_overridden_prometheus_yml_that_forgets_the_rules_is_refused() {
    let project = Project::new(&format!("{MINIMAL}extra: {{rules: rules/}}\ntemplates: templates/\n"));
    project.write("rules/gateway.yml", RULES);
    project.skymon(&["templates", "copy", "prometheus/prometheus.yml"]).expect_success();
    let name = "templates/prometheus/prometheus.yml";
    project.write(name, &project.read(name).replace("  - rules/extra/*.yml\n", ""));
    is_refused(&project, "template-result", name, &["would be loaded by nobody"]);
}

#[test]
fn the_tutorials_dashboard_is_taken_along_as_grafana_wants_it() {
    let project = project();
    let text = support::project::fixture("stacks/everything/dashboards/inference.json");
    project.write("dashboards/inference.json", &text);
    project.render();
    let original: Value = serde_json::from_str(&text).expect("is JSON");
    let page: Value =
        serde_json::from_str(&project.read("monitoring/grafana/dashboards/extra/inference.json"))
            .expect("is JSON");
    assert_eq!(page["uid"], "extra-inference");
    assert_eq!(page["title"], original["dashboard"]["title"]);
    assert_eq!(page["panels"], original["dashboard"]["panels"]);
    assert_eq!(page.get("dashboard"), None);
    assert_eq!(project.skymon(&["render", "--check"]).status, 0);
}

#[test]
fn an_export_asks_the_data_source_of_this_stack() {
    let project = project();
    project.write(
        "dashboards/Node Exporter Full-1700000000000.json",
        r#"{"__inputs": [{"name": "DS_PROMETHEUS", "label": "p", "type": "datasource", "pluginId": "prometheus"}],
            "__requires": [{"type": "grafana"}], "id": 12, "title": "Nodes", "schemaVersion": 39,
            "panels": [{"type": "stat", "datasource": {"type": "prometheus", "uid": "${DS_PROMETHEUS}"},
                        "targets": [{"expr": "up", "datasource": "${DS_PROMETHEUS}"}]}]}"#,
    );
    project.render();
    let text = project.read("monitoring/grafana/dashboards/extra/Node-Exporter-Full-1700000000000.json");
    let provisioned = project.read("monitoring/grafana/provisioning/datasources/prometheus.yml");
    assert!(provisioned.contains("uid: skymon-prometheus"), "{provisioned}");
    assert_eq!(text.matches("\"uid\": \"skymon-prometheus\"").count(), 2, "{text}");
    for gone in ["DS_", "__inputs", "__requires", "\"id\""] {
        assert!(!text.contains(gone), "{gone}: {text}");
    }
}

#[test]
fn a_dashboard_that_grafana_would_refuse_is_refused_with_its_place() {
    let page =
        |uid: &str| format!("{{\n  \"title\": \"t {uid}\",\n  \"uid\": \"{uid}\",\n  \"panels\": []\n}}\n");
    let project = project();
    project.write("dashboards/a.json", "{\n  \"title\": \"x\",\n}\n");
    is_refused(&project, "json-syntax", "dashboards/a.json:3:1", &["this is not JSON"]);
    project.write("dashboards/a.json", &page("skymon-overview"));
    is_refused(&project, "dashboard-uid", "dashboards/a.json:3:10", &["is one of skymon's own"]);
    project.write("dashboards/a.json", &page("mine"));
    project.write("dashboards/b.json", &page("mine"));
    is_refused(
        &project,
        "dashboard-uid",
        "dashboards/b.json:3:10",
        &["two dashboards have the uid `mine`", "dashboards/a.json"],
    );
    project.write("dashboards/b.json", "{\"groups\": []}");
    is_refused(&project, "bad-dashboard", "dashboards/b.json", &["is not a dashboard"]);
}

#[test]
fn what_lies_deeper_is_not_taken_along_and_said() {
    let project = project();
    project.write("rules/tests/gateway.yml", RULES);
    project.write("dashboards/readme.md", "");
    let said = project.skymon(&["validate"]);
    assert_eq!(said.status, 0, "{}", said.stdout);
    assert!(
        said.stdout.contains("note[not-taken]: `rules/tests/gateway.yml` is not taken along"),
        "{}",
        said.stdout
    );
    project.render();
    assert!(!project.path("monitoring/prometheus/rules/extra").exists());
}

#[test]
fn folders_that_are_not_there_are_notes_and_the_stacks_own_is_refused() {
    let project = project();
    let said = project.skymon(&["validate"]);
    assert_eq!((said.status, said.stdout.matches("note[folder-missing]").count()), (0, 2), "{}", said.stdout);
    project.write("skymon.yaml", &format!("{MINIMAL}extra: {{rules: monitoring/prometheus/rules}}\n"));
    is_refused(&project, "folder-clash", "skymon.yaml:14:16", &["lie in one another"]);
}
