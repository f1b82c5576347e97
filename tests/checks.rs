//! Every check has a page, and the page is true: its wrong example has exactly that finding, at the places marked `<-`, and
//! its right one has none. Of the whole: what skymon renders has no finding, and the tutorial's stack has all of its.

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use skymon::checks::{self, ALL, Check};
use skymon::diagnostics::Severity;
use skymon::stack::{Folder, Stack};
use support::memory::{self, place, places};
use support::pages::{Example, page};
use support::project::{Project, files_below};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn every_check_has_a_page_that_says_all_there_is_to_say() {
    for check in ALL {
        let page = page(check);
        let id = check.id;
        assert!(page.starts_with(&format!("# {id}\n\n")), "{id}: the page begins with its name");
        let severity = check.severity.name();
        let said = format!("\n\n*{}{}.* ", severity[..1].to_uppercase(), &severity[1..]);
        assert!(page.contains(&said), "{id}: the page does not say `{}`", said.trim());
        let sections: Vec<&str> = page.lines().filter_map(|line| line.strip_prefix("## ")).collect();
        let expected = ["What is wrong", "Why it matters", "Wrong", "Right", "How to allow it"];
        assert_eq!(sections, expected, "{id}");
    }
    let ids: Vec<&str> = ALL.iter().map(|check| check.id).collect();
    let mut sorted = ids.clone();
    sorted.sort_unstable();
    sorted.dedup();
    assert_eq!(ids, sorted, "the table is in the order of the ids");
    let pages = files_below(&root().join("docs/checks"));
    let mut named: Vec<String> =
        pages.iter().map(|path| path.display().to_string().replace(".md", "")).collect();
    named.sort_unstable();
    assert_eq!(named, ids, "a page without a check");
}

#[test]
fn the_wrong_example_of_each_page_has_its_finding_at_the_marked_places() {
    for check in ALL {
        let example = Example::wrong(check);
        assert!(!example.marked.is_empty(), "{}: the wrong example marks no line with `# <-`", check.id);
        let stack = memory::stack(example.files);
        let report = check.findings(&stack);
        let found: BTreeSet<String> = report.iter().flat_map(|finding| places(&stack, finding)).collect();
        assert_eq!(found, example.marked, "{}", check.id);
        for finding in report.iter() {
            assert_eq!((finding.id, finding.severity), (check.id, check.severity));
            assert!(finding.help.is_some(), "{}: a finding says what to write", check.id);
        }
    }
}

#[test]
fn it_does_not_matter_from_where_a_folder_is_named() {
    for check in ALL {
        let (project, example) = (Project::empty(), Example::wrong(check));
        for (path, text) in &example.files {
            project.write(path, text);
        }
        let root = project.path("");
        let stack = Stack::read(Folder::Disk { root: root.clone() });
        let prefix = format!("{}/", root.display().to_string().trim_end_matches('/'));
        let report = check.findings(&stack);
        let named = report.iter().flat_map(|finding| places(&stack, finding));
        let found: BTreeSet<String> = named.map(|place| place.replace(&prefix, "")).collect();
        assert_eq!(found, example.marked, "{}", check.id);
    }
}

#[test]
fn the_right_example_of_each_page_has_no_such_finding_and_no_error() {
    for check in ALL {
        let example = Example::right(check);
        assert!(!example.files.is_empty(), "{}: there is no right example", check.id);
        let stack = memory::stack(example.files);
        let own: Vec<String> = check.findings(&stack).iter().map(|finding| finding.message.clone()).collect();
        assert_eq!(own, Vec::<String>::new(), "{}", check.id);
        let all = checks::run(&stack, &[]);
        let errors: Vec<String> = all
            .iter()
            .filter(|finding| finding.severity == Severity::Error)
            .map(|finding| format!("{}: {}", finding.id, finding.message))
            .collect();
        assert_eq!(errors, Vec::<String>::new(), "{}", check.id);
    }
}

#[test]
fn an_allowance_at_the_place_silences_the_finding() {
    for check in ALL {
        let example = Example::wrong(check);
        if example.marked.iter().any(|place| place.contains(".json")) {
            continue;
        }
        let mut allowed = example.files.clone();
        for place in example.marked.iter().rev() {
            let (path, line) = place.rsplit_once(':').expect("has a line");
            let mut lines: Vec<String> = allowed[path].lines().map(str::to_owned).collect();
            lines[line.parse::<usize>().expect("a number") - 1] +=
                &format!(" # skymon: allow {}: a reason", check.id);
            allowed.insert(path.to_owned(), lines.join("\n") + "\n");
        }
        let stack = memory::stack(allowed);
        let left: Vec<&str> = checks::run(&stack, &[])
            .iter()
            .map(|finding| finding.id)
            .filter(|id| *id == check.id || id.contains("allow"))
            .collect();
        assert_eq!(left, Vec::<&str>::new(), "{}", check.id);
    }
}

#[test]
fn an_allowance_needs_a_check_a_reason_and_a_fault() {
    let files = [(
        "alertmanager.yml",
        "# skymon: allow receiver-without-integrations: x\nroute: {receiver: team}\nreceivers:\n# skymon: allow receiver-without-integration\n- name: team\n# skymon: allow single-file-mount: x\n",
    )];
    let found = memory::found(&files, |stack, finding| format!("{} {}", place(stack, finding), finding.id));
    let expected = [
        "alertmanager.yml:1 unknown-check",
        "alertmanager.yml:4 allowed-without-reason",
        "alertmanager.yml:5 receiver-without-integration",
        "alertmanager.yml:6 unused-allowance",
    ];
    assert_eq!(found, expected);
}

#[test]
fn each_place_of_a_fault_is_allowed_for_itself() {
    let left = |first: &str, second: &str| {
        let compose =
            format!("services:\n  a:\n    image: x/a{first}\n  b:\n    image: x/b:latest{second}\n");
        let stack = memory::stack([("docker-compose.yml", compose)]);
        let report = checks::run(&stack, &[]);
        let with_id = |finding| places(&stack, finding).map(|place| format!("{place} {}", finding.id));
        let mut found: Vec<String> = report.iter().flat_map(with_id).collect();
        found.sort();
        (report.iter().count(), found.join(", "))
    };
    let allowed = "  # skymon: allow image-without-tag: our own";
    let (first, second) =
        ("docker-compose.yml:3 image-without-tag", "docker-compose.yml:5 image-without-tag");
    assert_eq!(left("", ""), (1, format!("{first}, {second}")));
    assert_eq!(left(allowed, ""), (1, second.to_owned()));
    assert_eq!(left("", allowed), (1, first.to_owned()));
    assert_eq!(left(allowed, allowed), (0, String::new()));
}

/// `<file>:<line> <id>` of everything that is found in a folder.
fn found_in(folder: &Path) -> BTreeSet<String> {
    let stack = Stack::read(Folder::Disk { root: folder.to_owned() });
    let report = checks::run(&stack, &[]);
    let prefix = format!("{}/", folder.display());
    report
        .iter()
        .flat_map(|finding| {
            places(&stack, finding).map(|place| format!("{} {}", place.replace(&prefix, ""), finding.id))
        })
        .collect()
}

#[test]
fn what_skymon_renders_has_no_finding() {
    for stack in fs::read_dir(root().join("snapshots")).expect("reads the folder") {
        let path = stack.expect("reads the entry").path();
        // In a folder `extra` are the user's own files, as they are.
        let own: Vec<String> =
            found_in(&path).into_iter().filter(|found| !found.contains("/extra/")).collect();
        assert_eq!(own, Vec::<String>::new(), "{}", path.display());
    }
}

#[test]
fn every_fault_of_the_tutorials_stack_is_found_in_one_run_with_its_place() {
    let found = found_in(&root().join("tests/fixtures/tutorial-stack"));
    // The rows of the tutorial that stand in these files: what is wrong in its scripts and commands is none of a stack.
    let expected = [
        // The total outage is silent, and one of two replicas may be lost.
        "monitoring/rules/inference-alerts.yml:30 silent-at-no-data",
        "monitoring/prometheus.yml:14 lost-target-unnoticed",
        // Requests for each replica, printed in percent.
        "monitoring/rules/inference-alerts.yml:51 average-as-ratio",
        // Neither receiver has an integration.
        "monitoring/alertmanager.yml:17 receiver-without-integration",
        "monitoring/alertmanager.yml:20 receiver-without-integration",
        // One latency alert for each instance and path; a ratio at any traffic.
        "monitoring/rules/inference-alerts.yml:19 quantile-not-aggregated",
        "monitoring/rules/inference-alerts.yml:7 ratio-without-minimum",
        // The rules are not mounted; what is, as single files.
        "monitoring/prometheus.yml:12 rules-not-loaded",
        "docker-compose.monitoring.yml:10 single-file-mount",
        "docker-compose.monitoring.yml:39 single-file-mount",
        // The public endpoint is scraped, and its certificate is not looked at.
        "monitoring/prometheus.yml:26 public-endpoint-target",
        "monitoring/prometheus.yml:29 tls-not-verified",
        // Three pages for everybody, and the password that everybody tries.
        "docker-compose.monitoring.yml:8 port-on-all-interfaces",
        "docker-compose.monitoring.yml:22 port-on-all-interfaces",
        "docker-compose.monitoring.yml:37 port-on-all-interfaces",
        "docker-compose.monitoring.yml:27 default-password",
        // Nothing limits the disk, and the silences are lost.
        "docker-compose.monitoring.yml:15 retention-by-time-only",
        "docker-compose.monitoring.yml:33 data-not-kept",
        // Grafana: no provider, no uid, and a dashboard in the form of the API.
        "dashboards/inference.json dashboards-not-loaded",
        "dashboards/inference.json:3 dashboard-incomplete",
        "dashboards/inference.json:6 panel-without-datasource",
        "monitoring/grafana/provisioning/datasources/prometheus.yml:4 datasource-without-uid",
        // Old and noisy.
        "docker-compose.monitoring.yml:1 compose-version",
        "monitoring/alertmanager.yml:12 deprecated-match",
        "monitoring/alertmanager.yml:7 group-interval-short",
        // Nothing is muted, and nobody watches the watchers.
        "monitoring/alertmanager.yml:4 no-inhibition",
        "monitoring/prometheus.yml:5 monitoring-unwatched",
    ];
    assert_eq!(found, expected.map(str::to_owned).into());
}

/// The ids that are found in files, sorted.
fn ids_in(files: &[(&str, &str)]) -> Vec<&'static str> {
    memory::found(files, |_, finding| finding.id)
}

#[test]
fn one_slip_is_told_once() {
    let alertmanager = |text| ids_in(&[("alertmanager.yml", text)]);
    // What a misspelt key or name leaves missing is not missing as well.
    assert_eq!(
        alertmanager(
            "route: {reciever: team}\nreceivers: [{name: team, webhook_configs: [{url: 'http://10.0.0.1/'}]}]\n"
        ),
        ["unknown-key"]
    );
    assert_eq!(
        alertmanager(
            "route: {receiver: team}\nreceivers: [{name: team, pagerduty_configs: [{routing_kee: x}]}]\n"
        ),
        ["unknown-key"]
    );
    assert_eq!(
        alertmanager(
            "route: {receiver: taem}\nreceivers: [{name: team, webhook_configs: [{url: 'http://10.0.0.1/'}]}]\n"
        ),
        ["undefined-receiver"]
    );
}

#[test]
fn an_alertmanager_that_is_only_a_comment_is_none() {
    let prometheus = |target| {
        format!(
            "alerting: {{alertmanagers: [{{static_configs: [{{targets: [{target}]}}]}}]}}\nrule_files: [rules.yml]\n\
             scrape_configs: [{{job_name: a, static_configs: [{{targets: ['10.0.0.1:80']}}]}}]\n"
        )
    };
    let rules =
        "groups: [{name: a, rules: [{alert: Down, expr: up == 0, for: 5m, annotations: {summary: x}}]}]\n";
    assert_eq!(ids_in(&[("prometheus.yml", &prometheus("")), ("rules.yml", rules)]), ["no-alertmanager"]);
    assert_eq!(
        ids_in(&[("prometheus.yml", &prometheus("'10.0.0.2:9093'")), ("rules.yml", rules)]),
        ["monitoring-unwatched"]
    );
}

#[test]
fn a_pattern_of_rules_may_wait_for_files_where_others_are_loaded() {
    let rules = "groups: [{name: a, rules: [{record: 'a:b:c', expr: sum(up)}]}]\n";
    let prometheus = |patterns: &str| {
        ids_in(&[
            (
                "prometheus.yml",
                &format!(
                    "rule_files: {patterns}\nscrape_configs: [{{job_name: a, static_configs: [{{targets: ['10.0.0.1:80']}}]}}]\n"
                ),
            ),
            ("rules.yml", rules),
        ])
    };
    assert_eq!(prometheus("[rules.yml, 'rules.d/*.yml']"), Vec::<&str>::new());
    assert_eq!(prometheus("[rules.yml, rules.d/team.yml]"), ["rules-not-loaded"]);
    assert_eq!(prometheus("['rules.d/*.yml']"), ["rules-not-loaded"]);
}

#[test]
fn the_folder_of_the_stack_itself_is_never_to_be_mounted() {
    let compose = |mount: &str| {
        format!(
            "services:\n  prometheus:\n    image: prom/prometheus:v3.5.3\n    volumes:\n      - \"{mount}\"  # one\n"
        )
    };
    let help = |file: &str, mount: &str| {
        let files = [(file, "scrape_configs: []\n".to_owned()), ("docker-compose.yml", compose(mount))];
        let report = Check::find("single-file-mount").expect("is there").findings(&memory::stack(files));
        report.iter().next().and_then(|finding| finding.help.clone()).unwrap_or_default()
    };
    // The name inside stays: Prometheus looks for it.
    assert_eq!(
        help("prom.yaml", "./prom.yaml:/etc/prometheus/prometheus.yml"),
        "move it to `prometheus/prometheus.yml`, and mount that folder: `./prometheus:/etc/prometheus`"
    );
    assert_eq!(
        help("monitoring/prometheus.yml", "./monitoring/prometheus.yml:/etc/prometheus/prometheus.yml"),
        "mount its folder instead: `./monitoring:/etc/prometheus`"
    );
}

#[test]
fn the_config_allows_what_stands_in_a_file_without_comments() {
    let project = Project::of("stacks/everything");
    let config = project.read("skymon.yaml");
    let said = project.skymon(&["validate"]).stdout;
    assert!(!said.contains("panel-without-datasource") && !said.contains("unused-allowance"), "{said}");
    project.write("skymon.yaml", &config.replace("panel-without-datasource:", "panels-without-datasource:"));
    let said = project.skymon(&["validate"]).stdout;
    assert!(said.contains("note[panel-without-datasource]"), "{said}");
    assert!(said.contains("error[unknown-check]: there is no check `panels-without-datasource`"), "{said}");
    assert!(said.contains("did you mean `panel-without-datasource`?"), "{said}");
    project.write("skymon.yaml", &config.replace("panel-without-datasource:", "dashboard-wrapped:"));
    let said = project.skymon(&["validate"]).stdout;
    assert!(said.contains("warning[unused-allowance]: `dashboard-wrapped` finds nothing here"), "{said}");
}

#[test]
fn a_file_edited_by_hand_is_checked_as_it_is_on_disk() {
    let project = Project::of_example("minimal");
    project.render();
    let path = "monitoring/prometheus/rules/demo.yml";
    let edited = project.read(path).replace("severity\":\"critical", "severity\":\"crit");
    project.write(path, &edited);
    let said = project.skymon(&["validate"]).stdout;
    assert!(said.contains("warning[severity-not-routed]: no route knows the severity `crit`"), "{said}");
    assert!(said.contains("--> monitoring/prometheus/rules/demo.yml:"), "{said}");
}

#[test]
fn a_foreign_folder_is_validated_with_places_and_the_exit_code_of_an_error() {
    let project = Project::empty();
    let check = Check::find("receiver-without-integration").expect("is there");
    for (path, text) in Example::wrong(check).files {
        project.write(&format!("stack/{path}"), &text);
    }
    let said = project.skymon(&["validate", "stack"]);
    assert_eq!(said.status, 1);
    assert!(said.stdout.contains("error[receiver-without-integration]"), "{}", said.stdout);
    assert!(said.stdout.contains("--> stack/alertmanager.yml:4:11"), "{}", said.stdout);
    for (path, text) in Example::right(check).files {
        project.write(&format!("stack/{path}"), &text);
    }
    let said = project.skymon(&["validate", "stack"]);
    assert_eq!((said.status, said.stdout.as_str()), (0, "stack is fine: 1 receiver, 1 file\n"));
    project.write("empty/readme.txt", "nothing");
    assert_eq!(project.skymon(&["validate", "empty"]).status, 2);
}

#[test]
fn every_format_carries_the_same_findings_and_the_same_exit_code() {
    let project = Project::empty();
    let check = Check::find("receiver-without-integration").expect("is there");
    for (path, text) in Example::wrong(check).files {
        project.write(&format!("stack/{path}"), &text);
    }
    for format in ["human", "json", "sarif", "github", "junit"] {
        let said = project.skymon(&["validate", "stack", "--format", format]);
        assert_eq!(said.status, 1, "{format}");
        assert!(said.stdout.contains("receiver-without-integration"), "{format}: {}", said.stdout);
        assert!(said.stdout.contains("stack/alertmanager.yml"), "{format}: {}", said.stdout);
    }
}
