//! The form of files, judged by the programs that read them: what they take we never call malformed, and what they refuse we
//! refuse too, at its place.

mod support;

#[path = "form/examples.rs"]
mod examples;
#[path = "form/judges.rs"]
mod judges;
#[path = "form/mutations.rs"]
mod mutations;

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::{Map, Value};
use skymon::forms::Form;
use skymon::source::{Document, SourceFile};
use support::tools;

/// `(3, 5)` of promtool 3.5.3.
fn version(tool: &str) -> (u64, u64) {
    let said = tools::run(Command::new(tools::tool(tool)).arg("--version")).text();
    let number = said.split("version ").nth(1).expect("says its version");
    let mut parts = number.split(['.', ' ', ',']).map(|part| part.parse().expect("a number"));
    (parts.next().expect("major"), parts.next().expect("minor"))
}

/// All names that a program's structs have for YAML.
fn tags(tool: &str) -> BTreeSet<String> {
    let found = tools::run(
        Command::new("grep").args(["-aoE", r#"(yaml|json):"[a-z][a-zA-Z_0-9]+"#]).arg(tools::tool(tool)),
    );
    let tags: BTreeSet<String> =
        found.stdout.lines().filter_map(|line| Some(line.split_once('"')?.1.to_owned())).collect();
    assert!(tags.len() > 50, "{tool} names its keys otherwise");
    tags
}

/// The forms of which the program says all keys that it does not know at once, and the program.
const STRICT: [(Form, &str); 5] = [
    (Form::Prometheus, "promtool"),
    (Form::Rules, "promtool"),
    (Form::RuleTests, "promtool"),
    (Form::Alertmanager, "amtool"),
    (Form::Blackbox, "blackbox_exporter"),
];

#[test]
fn the_forms_have_every_key_that_the_programs_know_and_no_other() {
    let mut wrong = Vec::new();
    for (form, tool) in STRICT {
        let (version, tags) = (version(tool), tags(tool));
        let mut sections = examples::sections(form.table());
        // What is open, and what is not in every build, nobody can be asked about.
        sections.retain(|at| !at.section.keys.is_empty());
        let asked: Vec<BTreeSet<String>> =
            sections.iter().map(|at| at.section.keys.keys().cloned().chain(tags.clone()).collect()).collect();
        let texts: Vec<String> = sections
            .iter()
            .zip(&asked)
            .map(|(at, keys)| {
                let nothing: Map<String, Value> = keys.iter().map(|key| (key.clone(), Value::Null)).collect();
                examples::file(form, &at.path, Value::Object(nothing)).to_string()
            })
            .collect();
        for ((at, keys), verdict) in sections.iter().zip(&asked).zip(judges::judge(form, &texts)) {
            let is_unknown = |key: &str| verdict.said.contains(&format!("field {key} not found in type"));
            if !keys.iter().any(|key| is_unknown(key)) {
                wrong.push(format!("{form:?} {}: nothing is unknown: {}", at.path.join("."), verdict.said));
                continue;
            }
            for key in keys {
                let ours = at.section.keys.get(key).map(|known| &known.reader);
                let expected = ours.map_or(Some(false), |reader| examples::is_known(reader, version));
                if expected.is_some_and(|known| known == is_unknown(key)) {
                    let real = if is_unknown(key) { "does not know" } else { "knows" };
                    wrong.push(format!("{form:?} {}.{key}: {tool} {real} it", at.path.join(".")));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What we say of a text: the messages.
fn ours(form: Form, text: &str) -> Vec<String> {
    let (document, problems) = Document::yaml(SourceFile::new("x.yml", text));
    let syntax = problems.into_iter().map(|problem| problem.message);
    let misfits = form.misfits(&document, true).into_iter();
    syntax.chain(misfits.map(|one| format!("{} ({})", one.message, one.label))).collect()
}

/// What programs say of a file whose form is right and whose sense is not: a part of what is said, and whose matter it is.
const OF_SENSE: &[(&str, &str)] = &[
    // Checks of their own.
    ("undefined receiver", "undefined-receiver"),
    ("root route must not have any", "root-route-with-conditions"),
    ("cannot have continue in root route", "root-route-with-conditions"),
    ("undefined time interval", "undefined-time-interval"),
    ("missing webex_configs.http_config.authorization", "integration-incomplete"),
    ("no Slack API URL nor App token", "integration-incomplete"),
    ("no global", "integration-incomplete"),
    ("missing webhook_url", "integration-incomplete"),
    ("missing bot_token", "integration-incomplete"),
    ("one of url or url_file must be configured", "integration-incomplete"),
    ("one of webhook_url or webhook_url_file must be configured", "integration-incomplete"),
    (
        "at most one of slack_app_token/slack_app_token_file &",
        "an address of Slack that is not that of the application",
    ),
    ("must provide either a Target ARN", "integration-incomplete"),
    ("update_message can only be used", "slack-update-with-webhook"),
    ("invalid regexp value", "a pattern that is none"),
    ("found multiple scrape configs with job name", "duplicate-job"),
    ("scrape timeout greater than scrape interval", "timeout-longer-than-interval"),
    ("is not a valid hostname", "target-address"),
    ("is repeated in the same file", "duplicate-group"),
    ("parse error", "PromQL"),
    ("invalid label name", "names of labels"),
    ("not a valid label", "names of labels"),
    ("braces present in the recording rule name", "names of recordings"),
    ("refers to undefined", "not-declared"),
    ("depends on undefined service", "not-declared"),
    ("no such file or directory", "the folder's files"),
    // What a rule test says of the rules is its purpose.
    ("exp:", "a rule test that fails"),
    ("action cannot be empty", "an action without a value"),
    // Words that grow with the versions, and small languages of their own.
    ("neither an image nor a build context", "an image without a name"),
    ("Could not compile CEL program", "CEL"),
    ("query class", "DNS classes"),
    ("query type", "DNS types"),
    ("invalid selector", "selectors of Kubernetes"),
    ("role supports only", "selectors of Kubernetes"),
    ("duplicated selector role", "selectors of Kubernetes"),
    ("thread_by_date must be either", "only where threading is on"),
    ("value contains invalid base64 data", "binary text"),
    // Keys that exclude or need each other in ways that nobody meets.
    ("enable_http3 is true", "HTTP/3"),
    ("'namespaces.own_namespace' simultaneously", "Kubernetes"),
    ("together with 'kubeconfig_file'", "Kubernetes"),
    ("ignore_resource_attributes'", "OTLP"),
    ("is not allowed when UTF8 is disabled", "OTLP"),
    ("utf8 metric names requested", "name validation"),
    ("api version to be one of [v2]", "alertmanager-api-gone"),
    ("filter values cannot be empty", "EC2"),
    ("event_recorder webhook output", "the event recorder"),
    ("marathon_sd: at most one of", "Marathon"),
    ("one of secret_key & secret_key_file", "Scaleway"),
    ("access_key is mandatory", "Scaleway"),
    ("unknown role \"", "Scaleway, Hetzner"),
    ("requires role to be", "Triton"),
    ("invalid eureka server URL", "Eureka"),
    ("unknown service", "OVHcloud"),
    ("endpoint can not be empty", "OVHcloud"),
    ("invalid mount config", "a bind without a source"),
    ("dependency cycle", "a service that depends on itself"),
    ("empty compose file", "a file without services"),
    ("cannot extend service", "services beside it"),
    // Known in other versions and builds than the one that is asked here.
    ("field teams not found", "a key of Alertmanager until 0.25"),
    ("field azure_sd_configs not found", "a key of some builds"),
    ("field stackit_sd_configs not found", "a key of some builds"),
    ("overflows uint", "a count below zero"),
    ("must be greater than or equal to 0", "a count below zero"),
    ("memory' invalid size", "sizes in words"),
    ("must be a boolean, number or string", "options of a provider"),
    ("the only value allowed is 'all'", "the count of GPUs"),
];

fn is_of_sense(said: &str) -> bool {
    OF_SENSE.iter().any(|(part, _)| said.contains(part))
}

/// Each key is tried with a value that fits and with one of another kind, the next key with the next one.
#[test]
fn a_value_fits_where_the_programs_take_it_and_only_there() {
    let mut wrong = Vec::new();
    for (form, tool) in STRICT.into_iter().chain([(Form::Compose, "docker-compose")]) {
        let version = if form == Form::Compose { (2, 40) } else { version(tool) };
        let mut names = Vec::new();
        let mut texts = Vec::new();
        for at in examples::sections(form.table()) {
            for (key, known) in &at.section.keys {
                if examples::is_known(&known.reader, version) != Some(true) {
                    continue;
                }
                let right = ("right", examples::example(form.table(), key, &known.what));
                let others = examples::others().into_iter().cycle().skip(names.len() / 2 % 8).take(1);
                for (kind, value) in std::iter::once(right).chain(others) {
                    let inside = Map::from_iter([(key.clone(), value)]);
                    let file = examples::file(form, &at.path, inside.into());
                    texts.push(serde_json::to_string_pretty(&file).expect("is JSON"));
                    names.push(format!("{form:?} {}.{key} {kind}", at.path.join(".")));
                }
            }
        }
        for ((name, text), verdict) in names.iter().zip(&texts).zip(judges::judge(form, &texts)) {
            let ours = ours(form, text);
            let said = verdict.said.trim().replace('\n', " ");
            if verdict.is_taken && !ours.is_empty() {
                wrong.push(format!("{name}: {} | {said}", ours.join("; ")));
            } else if !verdict.is_taken && ours.is_empty() && !is_of_sense(&said) {
                wrong.push(format!("{name}: | {said}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of these are wrong:\n{}", wrong.len(), wrong.join("\n"));
}

/// The files that Debian ships, with the folders that hold those of one form: `None` where any may be meant.
fn written_by_others() -> Vec<(String, String, Option<Form>)> {
    let root = tools::folder().join("configs");
    let files = support::project::files_below(&root);
    assert!(files.len() > 200, "target/tools/configs is not complete: run `make tools`");
    let of = |path: &str| {
        let is_in = |part: &str| path.contains(part);
        if is_in("gocode/src/github.com/prometheus/alertmanager/config/testdata/") {
            Some(Form::Alertmanager)
        } else if is_in("prometheus/prometheus/config/testdata/") {
            Some(Form::Prometheus)
        } else if is_in("prometheus/model/rulefmt/testdata/") {
            Some(Form::Rules)
        } else {
            None
        }
    };
    let read = |path: &std::path::PathBuf| {
        let name = path.display().to_string();
        let form = of(&name);
        Some((name, std::fs::read_to_string(root.join(path)).ok()?, form))
    };
    files.iter().filter_map(read).collect()
}

#[test]
fn what_others_have_written_is_malformed_only_where_its_program_says_so() {
    let files = written_by_others();
    let mut wrong = Vec::new();
    let mut taken = 0;
    for form in
        [Form::Prometheus, Form::Rules, Form::RuleTests, Form::Alertmanager, Form::Blackbox, Form::Targets]
    {
        let may_be = |text: &str| match form {
            Form::RuleTests => text.contains("tests:"),
            Form::Blackbox => text.contains("modules:"),
            _ => true,
        };
        let files: Vec<&(String, String, Option<Form>)> =
            files.iter().filter(|(_, text, _)| may_be(text)).collect();
        let texts: Vec<String> = files.iter().map(|(_, text, _)| text.clone()).collect();
        for ((name, text, meant), verdict) in files.iter().zip(judges::judge(form, &texts)) {
            let ours = ours(form, text);
            taken += usize::from(verdict.is_taken);
            let said = verdict.said.trim().replace('\n', " ");
            if verdict.is_taken && !ours.is_empty() {
                wrong.push(format!("{form:?} {name}: {}", ours.join("; ")));
            } else if !verdict.is_taken && *meant == Some(form) && ours.is_empty() && !is_of_sense(&said) {
                wrong.push(format!("{form:?} {name}: | {said}"));
            }
        }
    }
    assert!(taken > 100, "{taken} files were taken");
    assert!(wrong.is_empty(), "{} of these are wrong:\n{}", wrong.len(), wrong.join("\n"));
}

/// What comes of asking the programs and us about each slip.
#[derive(Default)]
struct Told {
    refused: usize,
    noticed: usize,
    /// We refuse what the program takes.
    wrong: Vec<String>,
    /// The program refuses what we do not, and it is no matter of sense.
    missed: Vec<String>,
}

fn told(slips_of: fn(&str) -> Vec<mutations::Slip>) -> Told {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/corpus");
    let mut told = Told::default();
    for (form, name, file) in mutations::CORPUS {
        let text = std::fs::read_to_string(root.join(name)).expect("reads");
        let mut slips = slips_of(&text);
        // The file as it is comes first: it is valid.
        slips.insert(0, mutations::Slip { what: "nothing".to_owned(), text, line: 1 });
        let texts: Vec<String> = slips.iter().map(|slip| slip.text.clone()).collect();
        for (at, (slip, verdict)) in slips.iter().zip(judges::judge(form, &texts)).enumerate() {
            let said = verdict.said.trim().replace('\n', " ");
            assert!(at > 0 || verdict.is_taken, "{name} is not valid: {said}");
            let found = mutations::errors_in(file, &slip.text);
            let name = format!("{name}:{} {}", slip.line, slip.what);
            if verdict.is_taken {
                let of_form = found.iter().filter(|(_, id)| mutations::OF_FORM.contains(&id.as_str()));
                told.wrong.extend(of_form.map(|(line, id)| format!("{name}: {line} {id}")));
                continue;
            }
            told.refused += 1;
            let block = mutations::block(&slip.text, slip.line);
            // YAML goes wrong where its reader trips, which is there or further down.
            let is_there = |(line, id): &(usize, String)| {
                block.contains(line) || (id == "yaml-syntax" && *line >= slip.line)
            };
            if found.iter().any(is_there) {
                told.noticed += 1;
            } else if !is_of_sense(&said) {
                told.missed.push(format!("{name}: {found:?} | {said}"));
            }
        }
    }
    told
}

#[test]
fn a_slip_of_the_hand_is_an_error_at_its_place_where_the_program_refuses_the_file_and_only_there() {
    let Told { refused, noticed, wrong, missed } = told(mutations::of);
    support::say(&format!("{noticed} of {refused} slips are noticed where they are"));
    assert!(wrong.is_empty(), "no errors of form:\n{}", wrong.join("\n"));
    assert!(missed.is_empty(), "{} slips are missed:\n{}", missed.len(), missed.join("\n"));
    assert!(refused > 300 && noticed * 100 >= refused * 98, "{noticed} of {refused}");
}

#[test]
fn a_wrong_value_is_an_error_at_its_place_where_the_program_refuses_the_file_and_only_there() {
    let Told { refused, noticed, wrong, missed } = told(mutations::values_of);
    support::say(&format!("{noticed} of {refused} wrong values are noticed where they are"));
    assert!(wrong.is_empty(), "no errors of form:\n{}", wrong.join("\n"));
    assert!(missed.is_empty(), "{} values are missed:\n{}", missed.len(), missed.join("\n"));
    assert!(refused > 400 && noticed * 100 >= refused * 95, "{noticed} of {refused}");
}
