//! The form of files, judged by the programs that read them: what they take we never call malformed, and what they refuse we
//! refuse too, at its place.

mod support;

#[path = "form/examples.rs"]
mod examples;
#[path = "form/judges.rs"]
mod judges;

use std::collections::{BTreeMap, BTreeSet};
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
        let sections = examples::sections(form.table());
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

#[test]
fn a_value_fits_where_the_programs_take_it_and_only_there() {
    let mut wrong = Vec::new();
    let mut counted: BTreeMap<&str, usize> = BTreeMap::new();
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
                for (kind, value) in std::iter::once(right).chain(examples::others()) {
                    let inside = Map::from_iter([(key.clone(), value)]);
                    texts.push(
                        serde_json::to_string_pretty(&examples::file(form, &at.path, inside.into()))
                            .expect("is JSON"),
                    );
                    names.push(format!("{form:?} {}.{key} {kind}", at.path.join(".")));
                }
            }
        }
        for ((name, text), verdict) in names.iter().zip(&texts).zip(judges::judge(form, &texts)) {
            let ours = ours(form, text);
            *counted.entry(if verdict.is_taken { "taken" } else { "refused" }).or_default() += 1;
            if verdict.is_taken == !ours.is_empty() {
                wrong.push(format!(
                    "{name}: {} | {}",
                    ours.join("; "),
                    verdict.said.trim().replace('\n', " ")
                ));
            }
        }
    }
    support::say(&format!("{counted:?}"));
    assert!(wrong.is_empty(), "{}\n{}", wrong.join("\n"), wrong.len());
}
