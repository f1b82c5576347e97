//! Hostile values in every key: each comes back unchanged from what the real programs read, or is refused where it
//! stands. Hostile files: each gets a message.
//!
//! One failing case prints its seed; `SKYMON_HOSTILE_SEED=… cargo test --test hostile` begins there, and
//! `SKYMON_HOSTILE_CASES=1000` makes a long run of it.

mod support;

#[path = "hostile/config.rs"]
mod config;
#[path = "hostile/fields.rs"]
mod fields;
#[path = "hostile/reading.rs"]
mod reading;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::Value;

use config::{Config, Path, VARIANTS, base, leaves, pattern};
use reading::Reading;
use support::project::Project;
use support::stack::Stack;
use support::tls::Authority;
use support::values::Random;
use support::{say, tools};

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(default)
}

/// Says with which seed a case failed.
struct Case(u64);

impl Drop for Case {
    fn drop(&mut self) {
        if std::thread::panicking() {
            say(&format!("the case that failed: SKYMON_HOSTILE_SEED={} SKYMON_HOSTILE_CASES=1", self.0));
        }
    }
}

/// Pattern → how many hostile values came back, and how many were refused.
#[derive(Default)]
struct Tally(BTreeMap<&'static str, (usize, usize)>, usize);

impl Tally {
    fn total(&self) -> (usize, usize) {
        self.0.values().fold((0, 0), |(back, refused), one| (back + one.0, refused + one.1))
    }
}

#[test]
fn every_key_of_the_schema_has_a_hostile_value() {
    let said = Project::new("").skymon(&["schema"]).expect_success();
    let schema: Value = serde_json::from_str(&said.stdout).expect("is JSON");
    let mut keys = BTreeSet::new();
    schema_leaves(&schema, &schema, "", &mut keys);
    let given: BTreeSet<String> =
        (0..VARIANTS).flat_map(|variant| leaves(&base(variant))).map(|path| pattern(&path)).collect();
    assert_eq!(given, keys, "the config of this test (left) has every key of the schema (right)");
    assert_eq!(fields::patterns().map(str::to_owned).collect::<BTreeSet<_>>(), keys);
}

fn schema_leaves(schema: &Value, root: &Value, at: &str, found: &mut BTreeSet<String>) {
    let below = |step: &str| if at.is_empty() { step.to_owned() } else { format!("{at}.{step}") };
    if let Some(name) = schema["$ref"].as_str() {
        return schema_leaves(&root["$defs"][name.rsplit('/').next().unwrap_or_default()], root, at, found);
    }
    if let Some(choices) = schema["anyOf"].as_array() {
        return choices
            .iter()
            .filter(|one| one["type"] != "null")
            .for_each(|one| schema_leaves(one, root, at, found));
    }
    if let Some(keys) = schema["properties"].as_object() {
        keys.iter().for_each(|(key, value)| schema_leaves(value, root, &below(key), found));
    } else if schema["additionalProperties"].is_object() {
        schema_leaves(&schema["additionalProperties"], root, &below("*"), found);
    } else if schema["items"].is_object() {
        schema_leaves(&schema["items"], root, &below("*"), found);
    } else {
        found.insert(at.to_owned());
    }
}

/// Validates until nothing is refused any more, each time with what is right in the place of what was refused.
#[track_caller]
fn settle(project: &Project, config: &mut Config, random: &mut Random, tally: &mut Tally) {
    loop {
        let (text, lines) = config.write(random);
        project.write("skymon.yaml", &text);
        let said = project.skymon(&["validate", "--format", "json"]);
        assert!(said.status < 2 && said.stderr.is_empty(), "{}", said.stderr);
        let report: Value = serde_json::from_str(&said.stdout).expect("is JSON");
        let errors: Vec<&Value> = report["diagnostics"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(|one| one["severity"] == "error")
            .collect();
        if errors.is_empty() {
            return;
        }
        let mut refused: BTreeSet<&Path> = BTreeSet::new();
        for error in errors {
            let place =
                error["labels"].as_array().into_iter().flatten().find(|label| label["primary"] == true);
            let line = place.and_then(|place| place["line"].as_u64());
            let line = line.unwrap_or_else(|| panic!("refused without a place: {error}"));
            let path = &lines[usize::try_from(line).expect("a line") - 1];
            assert!(config.is_hostile(path), "{path:?} is blamed for another's fault: {error}");
            refused.insert(path);
        }
        for path in refused {
            if let Some(field) = config.mend(path) {
                tally.0.entry(field).or_default().1 += 1;
            } else {
                tally.0.entry("(a key)").or_default().1 += 1;
            }
        }
    }
}

#[track_caller]
fn compare(config: &Config, reading: &Reading, tally: &mut Tally) {
    for (path, field, value) in config.values() {
        let Some(back) = field.back else {
            if field.is_folder() {
                continue;
            }
            let harmless =
                value.len() < 100 && value.chars().all(|c| c.is_ascii_alphanumeric() || ".%_- ".contains(c));
            assert!(harmless, "{path:?} takes {value:?}");
            continue;
        };
        let steps: Vec<&str> = path.iter().map(String::as_str).collect();
        let found = back(reading, &steps);
        let hidden = config.is_hidden(&path);
        assert!(!reading.is_live() || hidden || !found.is_empty(), "{path:?} is nowhere: {value:?}");
        for (place, text) in &found {
            let (text, expected) = match field.pattern {
                _ if field.is_file() => (reading.in_project(text), reading.in_project(&value)),
                "services.*.probe.path" | "services.*.endpoint" => {
                    (fields::canonical(text), config.probed(&path[1]))
                }
                "services.*.metrics_path" => (fields::decoded(text), value.clone()),
                "images.registry" => (text.clone(), value.trim_end_matches('/').to_owned()),
                _ => (field.expected(text), field.expected(&value)),
            };
            assert!(text == expected, "{path:?}: {place} is {}\nand not {}", cut(&text), cut(&expected));
        }
        if config.hostile.contains_key(&path) && !found.is_empty() {
            tally.0.entry(field.pattern).or_default().0 += 1;
        }
    }
    tally.1 += 1;
}

fn cut(text: &str) -> String {
    format!("{:?}", text.chars().take(500).collect::<String>())
}

#[test]
fn a_hostile_value_comes_back_from_the_rendered_files_or_is_refused_where_it_stands() {
    let (first, cases) = (setting("SKYMON_HOSTILE_SEED", 1), setting("SKYMON_HOSTILE_CASES", 20));
    let mut tally = Tally::default();
    for seed in first..first + cases {
        let _case = Case(seed);
        let mut random = Random::new(seed);
        let mut config = Config::new(random.below(VARIANTS), 3, false, &mut random);
        let project = Project::new("");
        settle(&project, &mut config, &mut random, &mut tally);
        let said = project.skymon(&["render"]);
        assert_eq!(said.status, 0, "{}", said.text());
        compare(&config, &Reading::of_files(&project), &mut tally);
    }
    let (back, refused) = tally.total();
    say(&format!(
        "hostile values in {} configs: {back} came back from the files, {refused} were refused",
        tally.1
    ));
    // Those of the whole stack; of the rest there are enough in the few stacks that run.
    assert_all_came_back(&tally, |pattern| !pattern.contains('*') && pattern != "links.runbook");
}

#[test]
fn a_hostile_value_comes_back_from_the_running_programs_or_is_refused_where_it_stands() {
    let (first, cases) = (setting("SKYMON_HOSTILE_SEED", 1), setting("SKYMON_HOSTILE_CASES", 20).div_ceil(5));
    let mut tally = Tally::default();
    let authority = Authority::new();
    for seed in first..first + cases {
        let _case = Case(seed);
        let mut random = Random::new(seed);
        let mut config = Config::new(random.below(VARIANTS), 4, true, &mut random);
        let project = Project::new("");
        settle(&project, &mut config, &mut random, &mut tally);
        let said = project.skymon(&["render"]);
        assert_eq!(said.status, 0, "{}", said.text());
        let variables = put_files(&config, &project, &authority);
        let variables: Vec<(&str, &str)> =
            variables.iter().map(|name| (name.as_str(), "http://127.0.0.1:9/")).collect();
        let stack = Stack::start_with_env(&project.path("monitoring"), "127.85.8.1", &variables);
        let services: Vec<String> =
            config.get(&["services"]).as_object().expect("a map").keys().cloned().collect();
        compare(&config, &Reading::of_running(&project, &stack, &services), &mut tally);
        tools::promtool(&["test", "rules", "prometheus/tests/listed.yml"], &project.path("monitoring"))
            .expect_success();
    }
    let (back, refused) = tally.total();
    say(&format!(
        "hostile values in {} stacks: {back} came back from the programs, {refused} were refused",
        tally.1
    ));
    assert_all_came_back(&tally, |pattern| pattern.contains('*'));
}

/// A key of which every hostile value is refused would prove nothing of the rendering.
#[track_caller]
fn assert_all_came_back(tally: &Tally, wanted: impl Fn(&str) -> bool) {
    let texts = fields::patterns().filter(|pattern| wanted(pattern) && fields::of(pattern).back.is_some());
    let untested: Vec<&str> =
        texts.filter(|pattern| tally.0.get(pattern).is_none_or(|(back, _)| *back == 0)).collect();
    assert_eq!(untested, [""; 0], "none of the hostile values of these came back");
}

/// Makes every file that the config names. Gives the variables.
fn put_files(config: &Config, project: &Project, authority: &Authority) -> BTreeSet<String> {
    for folder in ["", "files", "certs", "targets", "secrets"] {
        fs::create_dir_all(project.path(folder)).expect("our own folder");
        fs::set_permissions(project.path(folder), fs::Permissions::from_mode(0o755)).expect("our own folder");
    }
    let (certificate, key) = (project.path("client.pem"), project.path("client.key"));
    authority.write_client(&certificate, &key);
    authority.write(&project.path("ca.pem"));
    project.write("secrets/grafana_admin_password", "x");
    let mut variables = BTreeSet::new();
    for (path, field, value) in config.values() {
        if field.is_variable() {
            variables.insert(value);
        } else if field.is_file() {
            let content = match path.last().map(String::as_str) {
                Some("ca_file") => project.read("ca.pem"),
                Some("cert_file") => project.read("client.pem"),
                Some("key_file") => project.read("client.key"),
                Some("file") => "- targets: ['127.85.9.2:1']\n".to_owned(),
                _ => "http://127.0.0.1:9/".to_owned(),
            };
            project.write(&value, &content);
        }
    }
    project.write("files/x", "http://127.0.0.1:9/");
    variables
}

/// Every value, list and section of a config that uses every key, replaced by what does not belong there.
#[test]
fn what_is_of_the_wrong_kind_gets_a_message_and_no_panic() {
    let project = Project::new("");
    let mut cases = 0;
    for place in sections(&base(0)) {
        for wrong in ["5", "[]", "{}"] {
            let mut config = base(0);
            *config::at(&mut config, &place) = serde_yaml::from_str(wrong).expect("is YAML");
            project.write("skymon.yaml", &serde_json::to_string_pretty(&config).expect("is JSON"));
            expect_a_message(&project, &["validate"], &format!("{place:?}: {wrong}"));
            cases += 1;
        }
    }
    assert!(cases > 250, "{cases} cases");
}

/// The ways to all values, lists and sections.
fn sections(config: &Value) -> BTreeSet<Path> {
    leaves(config).iter().flat_map(|path| (1..=path.len()).map(|length| path[..length].to_vec())).collect()
}

/// Bytes that went wrong on their way: cut off, overwritten, doubled, in another order.
#[test]
fn a_damaged_config_gets_a_message_and_no_panic() {
    let project = Project::new("");
    let whole = serde_yaml::to_string(&base(1)).expect("is written").into_bytes();
    for seed in 0..250 {
        let mut random = Random::new(seed);
        let mut bytes = whole.clone();
        for _ in 0..=random.below(3) {
            let (at, length) = (random.below(bytes.len()), 1 + random.below(40));
            let end = (at + length).min(bytes.len());
            match random.below(5) {
                0 => bytes.truncate(at),
                1 => drop(bytes.drain(at..end)),
                2 => drop(bytes.splice(at..at, random.hostile().into_bytes())),
                3 => bytes[at] = u8::try_from(random.below(256)).expect("a byte"),
                _ => bytes[at..end].reverse(),
            }
            bytes.push(b'\n');
        }
        fs::write(project.path("skymon.yaml"), &bytes).expect("our own folder");
        let command = if seed % 4 == 0 { "render" } else { "validate" };
        expect_a_message(&project, &[command, "-o", "out"], &format!("seed {seed}"));
    }
}

#[track_caller]
fn expect_a_message(project: &Project, args: &[&str], case: &str) {
    let said = project.skymon(args);
    let text = said.text();
    assert!((0..=2).contains(&said.status), "{case}: exit code {}: {text}", said.status);
    assert!(!text.contains("panicked") && !text.contains("bug:"), "{case}: {text}");
    assert!(said.status == 0 || text.contains("error["), "{case}: {text}");
    // A file that is empty has no line to point to.
    assert!(said.status == 0 || text.contains("skymon.yaml"), "{case}: no place: {text}");
}
