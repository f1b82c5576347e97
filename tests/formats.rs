//! What `validate` prints for programs is what they read: SARIF by its published schema, `JUnit` as XML, GitHub's commands one a
//! line, JSON whole. `tests/formats/get` brings the schema.

mod support;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use support::project::Project;
use support::tools;

/// A folder with findings of each severity, with places and without, and one with a second place: the name of a file is as
/// hostile as a name can be.
fn faulty() -> Project {
    let project = Project::of_example("minimal");
    project.write(
        "a, b: 100%/prometheus.yml",
        "rule_files: [rules.yml]\nscrape_configs:\n- job_name: <x> & \"é\"\n  scrape_intervall: 5s\n",
    );
    project.write(
        "a, b: 100%/rules.yml",
        "groups:\n- name: a\n  rules:\n  - {alert: A, record: b, expr: rate(x[5m]) > 0.5}\n  - alert: C\n    expr: y > 1\n",
    );
    project.write("a, b: 100%/alertmanager.yml", "route: {receiver: a}\nreceivers: [{name: a}]\n");
    project
}

/// All runs whose output is looked at: their arguments.
const RUNS: [&[&str]; 2] = [&["validate", "a, b: 100%"], &["validate"]];

fn printed(project: &Project, run: &[&str], format: &str) -> String {
    let said = project.skymon(&[run, &["--format", format]].concat());
    assert!(said.status < 2, "{}{}", said.stdout, said.stderr);
    said.stdout
}

#[test]
fn the_runs_show_every_severity_with_two_places_with_one_and_with_none() {
    let project = faulty();
    let mut seen: BTreeSet<String> = BTreeSet::new();
    for run in RUNS {
        let report: Value = serde_json::from_str(&printed(&project, run, "json")).expect("is JSON");
        for finding in report["diagnostics"].as_array().expect("a list") {
            seen.insert(finding["severity"].as_str().expect("text").to_owned());
            seen.insert(format!("{} places", finding["labels"].as_array().expect("a list").len()));
        }
    }
    let expected = ["0 places", "1 places", "2 places", "error", "note", "warning"];
    assert_eq!(seen, expected.map(str::to_owned).into());
}

#[test]
fn sarif_has_the_form_of_its_published_schema() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/formats/sarif-2.1.0.json");
    let schema =
        std::fs::read_to_string(path).expect("the schema is in target/formats: run `make tools` first");
    // One pattern in it has a bracket too many, and is no regular expression.
    let mended = schema.replace("-[a-zA-Z]{2}]?$", "-[a-zA-Z]{2}$");
    assert_ne!(mended, schema, "the pattern is mended by now: take it as it is");
    let schema: Value = serde_json::from_str(&mended).expect("is JSON");
    let validator = jsonschema::validator_for(&schema).expect("is a schema");
    let (project, quiet) = (faulty(), Project::of_example("minimal"));
    quiet.render();
    for (project, run) in [(&project, RUNS[0]), (&project, RUNS[1]), (&quiet, RUNS[1])] {
        let sarif: Value = serde_json::from_str(&printed(project, run, "sarif")).expect("is JSON");
        let wrong: Vec<String> = validator
            .iter_errors(&sarif)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert_eq!(wrong, Vec::<String>::new(), "{run:?}");
        let rules = sarif["runs"][0]["tool"]["driver"]["rules"].as_array().expect("a list");
        let results = sarif["runs"][0]["results"].as_array().expect("a list");
        let named: BTreeSet<&str> = rules.iter().filter_map(|rule| rule["id"].as_str()).collect();
        let used: BTreeSet<&str> = results.iter().filter_map(|result| result["ruleId"].as_str()).collect();
        assert_eq!(named, used, "the rules that are used, and no other");
    }
    project.write("fine/alertmanager.yml", "route:\n  receiver: team\n  routes:\n    - matchers: [severity=\"info\"]\n      receiver: nobody\nreceivers:\n  - name: team\n    slack_configs:\n      - api_url_file: /run/secrets/slack_webhook_url\n        channel: \"#alerts\"\n  - name: nobody\n");
    let nothing: Value =
        serde_json::from_str(&printed(&project, &["validate", "fine"], "sarif")).expect("is JSON");
    assert_eq!(nothing["runs"][0]["results"].as_array().map(Vec::len), Some(0));
    assert!(validator.is_valid(&nothing));
}

/// Reads `JUnit` as a CI server does: the counts of the suite, and of the cases.
const JUNIT: &str = "
import sys, xml.etree.ElementTree as tree
suites = tree.fromstring(sys.stdin.buffer.read())
assert suites.tag == 'testsuites', suites.tag
[suite] = suites
cases = list(suite)
assert suite.tag == 'testsuite' and suite.get('name'), suite.attrib
assert int(suite.get('tests')) == len(cases), suite.attrib
assert int(suite.get('failures')) == sum(1 for case in cases if case.find('failure') is not None), suite.attrib
assert int(suite.get('errors')) == 0
for case in cases:
    assert case.tag == 'testcase' and case.get('name') is not None and case.get('classname'), case.attrib
    for inside in case:
        assert inside.tag in ('failure', 'system-out'), inside.tag
        assert inside.tag != 'failure' or (inside.get('type') and inside.get('message')), inside.attrib
";

#[test]
fn junit_is_xml_whose_counts_are_those_of_its_cases() {
    let (python, _) = tools::python();
    let (project, quiet) = (faulty(), Project::of_example("minimal"));
    quiet.render();
    for (project, run) in [(&project, RUNS[0]), (&project, RUNS[1]), (&quiet, RUNS[1])] {
        let xml = project.path("junit.xml");
        std::fs::write(&xml, printed(project, run, "junit")).expect("writes");
        let file = std::fs::File::open(&xml).expect("opens");
        tools::run(Command::new(&python).args(["-c", JUNIT]).stdin(file)).expect_success();
    }
}

#[test]
fn github_gets_one_command_a_line_whatever_the_names_hold() {
    let project = faulty();
    for run in RUNS {
        let text = printed(&project, run, "github");
        assert!(!text.is_empty());
        for line in text.lines() {
            let (command, message) = line.split_once(' ').expect("has properties");
            assert!(["::error", "::warning", "::notice"].contains(&command), "{line}");
            let (properties, message) = message.split_once("::").expect("has a message");
            assert!(!message.is_empty(), "{line}");
            for property in properties.split(',') {
                let (name, value) = property.split_once('=').expect("a property has a value");
                let names = ["file", "line", "endLine", "col", "endColumn", "title"];
                assert!(names.contains(&name) && !value.is_empty() && !value.contains(':'), "{line}");
                // A percent sign begins an escape, and nothing else.
                assert!(
                    value.split('%').skip(1).all(|rest| rest.starts_with("25")
                        || rest.starts_with("3A")
                        || rest.starts_with("2C")),
                    "{line}"
                );
            }
        }
    }
    assert!(printed(&project, RUNS[0], "github").contains("file=a%2C b%3A 100%25/prometheus.yml,line=4"));
}

#[test]
fn people_are_shown_some_of_five_thousand_findings_and_told_how_to_see_all() {
    let project = Project::empty();
    let rules = "  - {alert: A, expr: up == 0, severity: page}\n".repeat(5000);
    project.write("stack/rules.yml", &format!("groups:\n- name: a\n  rules:\n{rules}"));
    let said = project.skymon(&["validate", "stack"]);
    assert_eq!(said.status, 1);
    assert!(said.stdout.lines().count() < 1000, "{} lines", said.stdout.lines().count());
    assert!(
        said.stdout.contains("more: `skymon validate --format json` lists them all\n"),
        "{}",
        said.stdout
    );
    let all = project.skymon(&["validate", "stack", "--format", "json"]);
    let report: Value = serde_json::from_str(&all.stdout).expect("is JSON");
    let listed = report["diagnostics"].as_array().expect("a list");
    assert_eq!(listed.iter().filter(|one| one["id"] == "unknown-key").count(), 5000);
    let errors = report["summary"]["errors"].as_u64().expect("a number");
    assert!(said.stdout.contains(&format!("{errors} errors")), "{errors}");
    // In the order of their places.
    let lines: Vec<u64> = listed.iter().filter_map(|one| one["labels"][0]["line"].as_u64()).collect();
    assert!(lines.is_sorted());
}
