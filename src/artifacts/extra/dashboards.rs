//! A dashboard of the user's, as some Grafana exported it: what belongs to that Grafana is taken out, and its queries are
//! led to the data source of this stack. What cannot be repaired is a finding.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::super::dashboards::{DATASOURCE_UID, GrafanaVariable};
use super::{plain, stem};
use crate::diagnostics::{Diagnostic, Place, Report, shortened};
use crate::source::{ConfigPath, Located, SourceFile, SpanIndex, sha256};

/// Skymon's own pages begin so, those of a later version too.
const OWN: &str = "skymon-";
/// Grafana's limit.
const MAX_UID: usize = 40;
/// Plugins that are part of every Grafana, and are no databases.
const BUILT_IN: [&str; 4] = ["grafana", "datasource", "dashboard", "__expr__"];

/// The uids and titles that are taken, each with its file.
#[derive(Default)]
pub(super) struct Uids {
    uids: BTreeMap<String, String>,
    titles: BTreeMap<String, String>,
}

/// The dashboard as this stack's Grafana takes it; `None` if it is none.
pub(super) fn repair(file: &SourceFile, taken: &mut Uids, report: &mut Report) -> Option<Value> {
    if let Some(problem) = file.json_problem() {
        report.push(problem);
        return None;
    }
    let whole: Value = serde_json::from_str(&file.text).ok()?;
    let file = Export { file, index: SpanIndex::new(file).0 };
    let (mut fields, at) = match unwrap(whole) {
        Ok(found) => found,
        Err((message, help)) => {
            let wrong = Diagnostic::error("bad-dashboard", format!("`{}` {message}", file.name()));
            report.push(wrong.at_file(file.name(), "").help(help));
            return None;
        }
    };

    let inputs = inputs(&fields);
    for (name, plugin) in &inputs.foreign {
        report.push(foreign(
            plugin,
            file.place(&ConfigPath::root().key("__inputs")),
            &format!("for `${{{name}}}`"),
        ));
    }
    // `id` and the `__` keys belong to the Grafana it was exported from.
    fields.retain(|key, _| key != "id" && !key.starts_with("__"));
    let variables = data_source_variables(&fields);
    let mut dashboard = Value::Object(fields);
    let repair = Repair { inputs, variables, file: &file };
    repair.all(&mut dashboard, &at, report);

    check_title(&dashboard, &at, &file, taken, report);
    check_uid(&mut dashboard, &at, &file, taken, report);
    Some(dashboard)
}

/// The file, and where things stand in it: JSON is YAML.
struct Export<'f> {
    file: &'f SourceFile,
    index: SpanIndex,
}

impl Export<'_> {
    fn name(&self) -> &str {
        &self.file.name
    }

    fn place(&self, path: &ConfigPath) -> Place {
        match self.index.locate(path) {
            Located::Exact(spans) => Place::Span { file: self.file.name.clone(), range: spans.value },
            // What is missing, or stands in JSON that YAML does not take.
            Located::Nearest(..) => Place::File(self.file.name.clone()),
        }
    }
}

type Refusal = (&'static str, &'static str);

/// The dashboard itself and the way to it: the API wraps it in `dashboard`, the newer export in `spec`.
fn unwrap(whole: Value) -> Result<(Map<String, Value>, ConfigPath), Refusal> {
    const EXPORT: &str = "export it in Grafana as JSON in the classic form";
    let Value::Object(mut fields) = whole else {
        return Err(("is not a dashboard: it is no JSON object", EXPORT));
    };
    let mut at = ConfigPath::root();
    if fields.get("dashboard").is_some_and(Value::is_object)
        && let Some(Value::Object(inner)) = fields.remove("dashboard")
    {
        fields = inner;
        at = at.key("dashboard");
    } else if fields.get("kind").is_some_and(|kind| kind == "Dashboard")
        && let Some(Value::Object(mut inner)) = fields.remove("spec")
    {
        let name = fields.get("metadata").map(|metadata| metadata["name"].clone()).filter(Value::is_string);
        if let Some(name) = name {
            inner.entry("uid").or_insert(name);
        }
        fields = inner;
        at = at.key("spec");
    }
    if fields.contains_key("elements") && fields.contains_key("layout") {
        return Err((
            "is a dashboard of the new schema (v2), which files cannot bring to Grafana here",
            EXPORT,
        ));
    }
    if !["panels", "rows"].iter().any(|list| fields.get(*list).is_some_and(Value::is_array)) {
        return Err(("is not a dashboard: it has no list `panels`", EXPORT));
    }
    Ok((fields, at))
}

/// What an export asks for when it is imported by hand.
#[derive(Default)]
struct Inputs {
    /// `${NAME}` → what stands for it.
    values: BTreeMap<String, String>,
    /// Data sources of a kind that the stack does not have: name and plugin.
    foreign: Vec<(String, String)>,
}

fn inputs(fields: &Map<String, Value>) -> Inputs {
    let mut inputs = Inputs::default();
    for input in fields.get("__inputs").and_then(Value::as_array).into_iter().flatten() {
        let Some(name) = input["name"].as_str() else { continue };
        let value = match (input["type"].as_str(), input["pluginId"].as_str()) {
            (Some("constant"), _) => input["value"].as_str().unwrap_or_default(),
            (_, Some("__expr__")) => "__expr__",
            (_, Some(plugin)) if plugin != "prometheus" => {
                inputs.foreign.push((name.to_owned(), plugin.to_owned()));
                continue;
            }
            _ => DATASOURCE_UID,
        };
        inputs.values.insert(name.to_owned(), value.to_owned());
    }
    inputs
}

/// Names of the dashboard's own variables that a reader chooses a data source with.
fn data_source_variables(fields: &Map<String, Value>) -> Vec<String> {
    let list = fields.get("templating").and_then(|templating| templating["list"].as_array());
    let chosen = list.into_iter().flatten().filter(|variable| variable["type"] == "datasource");
    chosen.filter_map(|variable| variable["name"].as_str().map(str::to_owned)).collect()
}

struct Repair<'e> {
    inputs: Inputs,
    variables: Vec<String>,
    file: &'e Export<'e>,
}

impl Repair<'_> {
    /// Goes through every value of the dashboard.
    fn all(&self, value: &mut Value, at: &ConfigPath, report: &mut Report) {
        match value {
            Value::String(text) if text.contains("${") => *text = self.filled_in(text),
            Value::Array(items) => {
                for (position, item) in items.iter_mut().enumerate() {
                    self.all(item, &at.item(position), report);
                }
            }
            Value::Object(fields) => {
                if fields.contains_key("libraryPanel") {
                    let place = self.file.place(&at.key("libraryPanel"));
                    report.push(
                        Diagnostic::warning(
                            "dashboard-source",
                            "a library panel stays empty: it is kept in another Grafana",
                        )
                        .at(place, "not part of this file")
                        .help("unlink the panel in Grafana, and export again"),
                    );
                }
                for (key, item) in fields.iter_mut() {
                    let at = at.key(key);
                    if key == "datasource" {
                        self.source(item, &at, report);
                    } else {
                        self.all(item, &at, report);
                    }
                }
            }
            _ => {}
        }
    }

    /// `datasource: …` of a panel, a query, a variable or an annotation.
    fn source(&self, value: &mut Value, at: &ConfigPath, report: &mut Report) {
        let named = |name: &str| match self.filled_in(name) {
            // Left to Grafana: its own, and variables of the dashboard.
            name if name.starts_with("-- ")
                || GrafanaVariable::whole(&name).is_some()
                || BUILT_IN.contains(&name.as_str()) =>
            {
                name
            }
            _ => DATASOURCE_UID.to_owned(),
        };
        match value {
            // The old form. There is one data source here, whatever that one was called.
            Value::String(name) => {
                let uid = named(name);
                *value = if uid == DATASOURCE_UID { ours() } else { json!(uid) };
            }
            Value::Object(fields) => {
                let plugin = fields.get("type").and_then(Value::as_str).unwrap_or("prometheus").to_owned();
                let uid = fields.get("uid").and_then(Value::as_str).unwrap_or_default().to_owned();
                let kept =
                    uid.starts_with("-- ") || self.is_variable(&uid) || BUILT_IN.contains(&plugin.as_str());
                if plugin == "prometheus" && !kept {
                    *value = ours();
                } else if kept {
                    fields.insert("uid".into(), json!(self.filled_in(&uid)));
                } else if !self.inputs.foreign.iter().any(|(_, known)| *known == plugin) {
                    report.push(foreign(&plugin, self.file.place(at), "for this"));
                }
            }
            // The default one, which is ours.
            _ => {}
        }
    }

    /// Whether the text is a variable that Grafana knows by itself.
    fn is_variable(&self, text: &str) -> bool {
        GrafanaVariable::whole(text)
            .is_some_and(|one| !self.inputs.values.contains_key(one.name) && !self.is_input(one.name))
    }

    /// Whether a name is one of those that an export invents for a data source.
    fn is_input(&self, name: &str) -> bool {
        name.starts_with("DS_") && !self.variables.iter().any(|variable| variable == name)
    }

    /// The text with every input of the export replaced.
    fn filled_in(&self, text: &str) -> String {
        let mut filled = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            filled.push_str(before);
            let (name, next) = after.split_once('}').unwrap_or((after, ""));
            let foreign = self.inputs.foreign.iter().any(|(known, _)| known == name);
            match self.inputs.values.get(name) {
                Some(value) => filled.push_str(value),
                None if self.is_input(name) && !foreign => filled.push_str(DATASOURCE_UID),
                None => {
                    filled.push_str(&rest[before.len()..rest.len() - next.len()]);
                }
            }
            rest = next;
        }
        filled.push_str(rest);
        filled
    }
}

fn ours() -> Value {
    json!({"type": "prometheus", "uid": DATASOURCE_UID})
}

fn foreign(plugin: &str, place: Place, what: &str) -> Diagnostic {
    let plugin = shortened(plugin);
    Diagnostic::warning(
        "dashboard-source",
        format!(
            "panels ask a data source of the kind `{}`, which this stack does not have",
            plugin.escape_debug()
        ),
    )
    .at(place, format!("{what} there is no data"))
    .help("the panels stay empty; take them out, or add the data source to Grafana by hand")
}

/// Grafana refuses a dashboard without a title.
fn check_title(dashboard: &Value, at: &ConfigPath, file: &Export, taken: &mut Uids, report: &mut Report) {
    let Some(title) = dashboard["title"].as_str().filter(|title| !title.trim().is_empty()) else {
        let wrong = Diagnostic::error("bad-dashboard", format!("`{}` has no title", file.name()));
        report.push(wrong.at_file(file.name(), "").help("write `\"title\": \"…\"` into it"));
        return;
    };
    if let Some(first) = taken.titles.insert(title.to_owned(), file.name().to_owned()) {
        let title = shortened(title);
        report.push(
            Diagnostic::warning(
                "dashboard-title",
                format!("two dashboards are called `{}`", title.escape_debug()),
            )
            .at(file.place(&at.key("title")), "the second")
            .at_file(first, "the first")
            .help("give one another title, so that a reader can tell them apart"),
        );
    }
}

/// Links lead to a uid: it must be there, be the same with every render, and be nobody else's.
fn check_uid(dashboard: &mut Value, at: &ConfigPath, file: &Export, taken: &mut Uids, report: &mut Report) {
    let given = dashboard["uid"].as_str().filter(|uid| !uid.is_empty()).map(str::to_owned);
    let uid = given.clone().unwrap_or_else(|| uid_of(stem(file.file)));
    if given.is_none() {
        dashboard["uid"] = json!(uid);
    }
    let place = file.place(&at.key("uid"));
    let shown = shortened(&uid);
    let shown = shown.escape_debug();
    let is_uid = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if uid.len() > MAX_UID || !uid.chars().all(is_uid) {
        let wrong = Diagnostic::error("bad-dashboard", format!("Grafana refuses the uid `{shown}`"));
        report.push(wrong.at(place, "the uid").help(
            "use letters, digits, `-` and `_`, 40 at most; or remove it, and it is made from the file's name",
        ));
    } else if uid.starts_with(OWN) {
        let wrong = Diagnostic::error("dashboard-uid", format!("the uid `{shown}` is one of skymon's own"));
        report.push(wrong.at(place, "taken").help("choose a uid that does not begin with `skymon-`"));
    } else if let Some(first) = taken.uids.insert(uid.clone(), file.name().to_owned()) {
        report.push(
            Diagnostic::error("dashboard-uid", format!("two dashboards have the uid `{shown}`"))
                .at(place, "the second")
                .at_file(first, "the first")
                .help("give one another uid: Grafana would show only one of them"),
        );
    }
}

/// A uid that is the same as long as the file keeps its name.
fn uid_of(stem: &str) -> String {
    let uid = format!("extra-{}", plain(stem).to_lowercase());
    if uid.len() <= MAX_UID {
        return uid;
    }
    format!("{}-{}", &uid[..MAX_UID - 9], &sha256(stem.as_bytes())[..8])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repaired(name: &str, text: &str) -> (Option<Value>, Vec<String>) {
        let mut report = Report::new();
        let file = SourceFile::new(name, text);
        let dashboard = repair(&file, &mut Uids::default(), &mut report);
        let found = report.iter().map(|one| {
            let at = match &one.labels[0].place {
                Place::Span { range, .. } => {
                    let (line, column) = file.line_column(range.start);
                    format!("{line}:{column} ")
                }
                _ => String::new(),
            };
            format!("{at}{} {}", one.id, one.message)
        });
        (dashboard, found.collect())
    }

    fn good(text: &str) -> Value {
        let (dashboard, found) = repaired("dashboards/My Page.json", text);
        assert_eq!(found, [] as [String; 0], "{text}");
        dashboard.expect("is one")
    }

    #[test]
    fn an_export_is_led_to_this_stacks_data_source() {
        let text = r#"{"id": 7, "__requires": [], "title": "t", "uid": "mine",
            "__inputs": [{"name": "DS_PROM", "type": "datasource", "pluginId": "prometheus"},
                         {"name": "VAR_JOB", "type": "constant", "value": "api"},
                         {"name": "DS_EXPRESSION", "type": "datasource", "pluginId": "__expr__"}],
            "panels": [
              {"datasource": "${DS_PROM}", "targets": [{"expr": "up{job=\"${VAR_JOB}\", x=\"${other}\"}"}]},
              {"datasource": {"type": "prometheus", "uid": "${DS_PROM}"}},
              {"datasource": {"type": "prometheus", "uid": "P1809F7CD0C75ACF3"}},
              {"datasource": {"type": "__expr__", "uid": "${DS_EXPRESSION}"}},
              {"datasource": {"type": "datasource", "uid": "-- Mixed --"}},
              {"datasource": {"type": "prometheus", "uid": "${DS_ANY}"}},
              {"datasource": "-- Grafana --"}, {"datasource": null}, {"datasource": "prod"},
              {"datasource": {"type": "prometheus", "uid": "${choice}"}}]}"#;
        let page = good(text);
        let keys: Vec<&String> = page.as_object().unwrap().keys().collect();
        assert_eq!(keys, ["title", "uid", "panels"]);
        assert_eq!(page["uid"], "mine");
        let sources: Vec<&Value> =
            page["panels"].as_array().unwrap().iter().map(|panel| &panel["datasource"]).collect();
        let ours = ours();
        assert_eq!(
            sources,
            [
                &ours,
                &ours,
                &ours,
                &json!({"type": "__expr__", "uid": "__expr__"}),
                &json!({"type": "datasource", "uid": "-- Mixed --"}),
                &ours,
                &json!("-- Grafana --"),
                &Value::Null,
                &ours,
                &json!({"type": "prometheus", "uid": "${choice}"}),
            ]
        );
        assert_eq!(page["panels"][0]["targets"][0]["expr"], "up{job=\"api\", x=\"${other}\"}");
    }

    #[test]
    fn a_data_source_that_the_reader_chooses_stays_a_choice() {
        let text = r#"{"title": "t", "templating": {"list": [{"type": "datasource", "name": "DS_PROM"}]},
            "panels": [{"datasource": {"type": "prometheus", "uid": "${DS_PROM}"}}]}"#;
        assert_eq!(good(text)["panels"][0]["datasource"]["uid"], "${DS_PROM}");
    }

    #[test]
    fn wrapped_dashboards_are_unwrapped_and_get_a_uid_from_the_files_name() {
        let api = good(r#"{"dashboard": {"id": 1, "title": "t", "panels": []}, "meta": {"slug": "t"}}"#);
        assert_eq!(api, json!({"title": "t", "panels": [], "uid": "extra-my-page"}));
        let resource = good(
            r#"{"apiVersion": "dashboard.grafana.app/v1beta1", "kind": "Dashboard", "metadata": {"name": "abc"},
                "spec": {"title": "t", "panels": []}}"#,
        );
        assert_eq!(resource, json!({"title": "t", "panels": [], "uid": "abc"}));
        let long = uid_of(&"x".repeat(100));
        assert_eq!((long.len(), &long), (MAX_UID, &uid_of(&"x".repeat(100))));
        assert_ne!(long, uid_of(&"x".repeat(101)));
    }

    #[test]
    fn what_cannot_be_repaired_is_named_with_its_place() {
        let long = format!("{{\"title\": \"t\", \"panels\": [], \"uid\": \"{}\"}}", "u".repeat(41));
        for (text, expected) in [
            ("{\n  \"title\": }\n", "2:12 json-syntax this is not JSON: expected value"),
            ("[]", "bad-dashboard `x.json` is not a dashboard: it is no JSON object"),
            ("{\"title\": \"t\"}", "bad-dashboard `x.json` is not a dashboard: it has no list `panels`"),
            ("{\"panels\": []}", "bad-dashboard `x.json` has no title"),
            (
                "{\"title\": \"t\", \"elements\": {}, \"layout\": {}}",
                "bad-dashboard `x.json` is a dashboard of the new schema (v2), which files cannot bring to Grafana here",
            ),
            (
                "{\"title\": \"t\", \"panels\": [], \"uid\": \"skymon-overview\"}",
                "1:37 dashboard-uid the uid `skymon-overview` is one of skymon's own",
            ),
            (
                "{\"title\": \"t\", \"panels\": [], \"uid\": \"a/b\"}",
                "1:37 bad-dashboard Grafana refuses the uid `a/b`",
            ),
            (
                long.as_str(),
                "1:37 bad-dashboard Grafana refuses the uid `uuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuu…`",
            ),
            (
                "{\"title\": \"t\", \"panels\": [{\"datasource\": {\"type\": \"loki\", \"uid\": \"x\"}}]}",
                "1:42 dashboard-source panels ask a data source of the kind `loki`, which this stack does not have",
            ),
            (
                "{\"title\": \"t\", \"panels\": [{\"libraryPanel\": {\"uid\": \"x\"}}]}",
                "1:44 dashboard-source a library panel stays empty: it is kept in another Grafana",
            ),
        ] {
            assert_eq!(repaired("x.json", text).1, [expected], "{text}");
        }
    }

    #[test]
    fn no_two_dashboards_have_the_same_uid_or_title() {
        let mut report = Report::new();
        let mut taken = Uids::default();
        for name in ["a.json", "b.json"] {
            repair(
                &SourceFile::new(name, r#"{"title": "t", "uid": "u", "panels": []}"#),
                &mut taken,
                &mut report,
            );
        }
        let found: Vec<&str> = report.iter().map(|one| one.message.as_str()).collect();
        assert_eq!(found, ["two dashboards are called `t`", "two dashboards have the uid `u`"]);
    }
}
