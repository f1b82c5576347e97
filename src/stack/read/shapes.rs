//! What lies in the folder: files that are known by their shape are read before anybody asks for one. What no mount leads to is
//! taken by it, in a stack without compose, or forgotten in one with it.

use std::collections::BTreeMap;

use super::projects::is_compose;
use super::{Parsed, Reader, is_yaml, parsed};
use crate::cores;
use crate::diagnostics::Diagnostic;
use crate::forms::Form;
use crate::stack::folder::{Folder, Read, parent};
use crate::stack::grafana::{Datasource, Provider};
use crate::stack::rules::RuleTests;

/// More text than this of a folder on disk is not looked through: what a mount leads to is read all the same.
const MAX_BYTES: u64 = 256 * 1024 * 1024;
/// Nor more files than these.
const MAX_FILES: usize = 10_000;

/// What was found in a folder before anything is known of it.
#[derive(Default)]
pub(super) struct Around {
    shaped: Vec<(Shape, String)>,
    /// Files that could not be read, by names that everybody uses for ours.
    refused: Vec<(String, Diagnostic)>,
    /// Path → what stands in the file, for whoever asks for it first.
    pub(super) parsed: BTreeMap<String, Parsed>,
}

impl Reader {
    /// Reads what looks like a file of a stack, on all cores.
    pub(super) fn look_around(&mut self) {
        let is_readable =
            |path: &String| is_yaml(path) || path.ends_with(".json") || path.ends_with(".rules");
        let mut paths: Vec<String> =
            self.folder().files_in("", true).into_iter().filter(is_readable).collect();
        if let Some(count) = self.too_many(&paths) {
            paths.truncate(count);
            let root = self.folder().name("");
            let many = format!("`{root}` holds more than {count} files: not all were looked into");
            self.stack.notes.push(Diagnostic::note("not-read", many).at_file(root, ""));
        }
        let folder = self.folder();
        let looked = cores::map(paths, |path| {
            let (shape, found) = look(folder, &path);
            (path, shape, found)
        });
        for (path, shape, found) in looked {
            match found {
                Found::Parsed(parsed) => {
                    self.around.parsed.insert(path.clone(), parsed);
                }
                Found::Refused(why) => self.around.refused.push((path.clone(), *why)),
                Found::Nothing => {}
            }
            self.around.shaped.extend(shape.map(|shape| (shape, path)));
        }
    }

    /// After how many of these files there is too much to look through. What was just rendered is whole in memory already.
    fn too_many(&self, paths: &[String]) -> Option<usize> {
        let Folder::Disk { .. } = self.folder() else { return None };
        let mut bytes = 0;
        let is_full = |(count, path): (usize, &String)| {
            let is_full = count >= MAX_FILES || bytes > MAX_BYTES;
            bytes += self.folder().size(path);
            is_full
        };
        paths.iter().enumerate().position(is_full)
    }

    /// Takes what no mount led to by its shape. A kind of file is taken so only where none was found through a mount.
    pub(super) fn loose(&mut self) {
        let mut shaped = std::mem::take(&mut self.around.shaped);
        let refused = std::mem::take(&mut self.around.refused).into_iter();
        let unsaid = refused.filter(|(path, _)| !self.seen.contains_key(path));
        self.stack.notes.extend(unsaid.map(|(_, why)| why));
        shaped.retain(|(_, path)| !self.seen.contains_key(path));
        let of =
            |shape: Shape| shaped.iter().filter(move |(one, _)| *one == shape).map(|(_, path)| path.as_str());
        if self.stack.prometheuses.is_empty() {
            for path in of(Shape::Prometheus) {
                if let Some(document) = self.document(path) {
                    self.add_prometheus(document, None, parent(path));
                }
            }
        }
        if self.stack.alertmanagers.is_empty() {
            for path in of(Shape::Alertmanager) {
                if let Some(document) = self.document(path) {
                    self.add_alertmanager(document, None, parent(path));
                }
            }
        }
        if self.rules.is_empty() {
            for path in of(Shape::Rules) {
                self.rule_file(path, false);
            }
        }
        if self.stack.datasources.is_empty() && self.stack.providers.is_empty() {
            for path in of(Shape::Provisioning) {
                if let Some(document) = self.document(path) {
                    let is_datasources = document.root().get("datasources").is_some();
                    let form = if is_datasources { Form::Datasources } else { Form::Dashboards };
                    self.form(form, &document, true);
                    self.stack.datasources.extend(Datasource::read_all(&document, &None));
                    self.stack.providers.extend(Provider::read_all(&document, &None));
                }
            }
        }
        if self.pages.is_empty() {
            for path in of(Shape::Dashboard) {
                self.dashboard(path, false);
            }
        }
        for path in of(Shape::Blackbox) {
            if let Some(document) = self.document(path) {
                self.form(Form::Blackbox, &document, true);
            }
        }
        for path in of(Shape::Targets) {
            // What a job reads was held against its form by then.
            if !self.stack.formed.contains_key(&self.folder().name(path))
                && let Some(document) = self.document(path)
            {
                self.stack.unread_targets.push(document);
            }
        }
        for path in of(Shape::Tests) {
            if let Some(document) = self.document(path) {
                self.form(Form::RuleTests, &document, true);
                self.stack.rule_tests.push(RuleTests::read(document));
            }
        }
    }
}

/// What came of looking into a file.
enum Found {
    Parsed(Parsed),
    Refused(Box<Diagnostic>),
    /// Nothing of ours, of which nothing is said.
    Nothing,
}

fn look(folder: &Folder, path: &str) -> (Option<Shape>, Found) {
    match folder.read(path) {
        Read::Text(source) => {
            let shape = Shape::of(path, &source.text);
            let is_ours = shape.is_some() || is_compose(path);
            (shape, if is_ours { Found::Parsed(parsed(path, source)) } else { Found::Nothing })
        }
        Read::Refused(why) if is_ours_by_name(path) => (None, Found::Refused(why)),
        Read::Refused(_) | Read::Missing => (None, Found::Nothing),
    }
}

/// What a file is by the words at its top.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    Prometheus,
    Alertmanager,
    Blackbox,
    Rules,
    Tests,
    Provisioning,
    Dashboard,
    Targets,
}

impl Shape {
    fn of(path: &str, text: &str) -> Option<Shape> {
        if path.ends_with(".json") {
            let has = |key: &str| text.contains(key);
            let is_dashboard =
                has("\"panels\"") && (has("\"gridPos\"") || has("\"schemaVersion\"") || has("\"targets\""));
            let is_targets = text.trim_start().starts_with('[') && has("\"targets\"") && !has("\"panels\"");
            return is_dashboard.then_some(Shape::Dashboard).or(is_targets.then_some(Shape::Targets));
        }
        // What a program has written may have its keys in quotes.
        let is_key = |text: &str, key: &str| {
            let rest = text.trim_start_matches(['"', '\'']).strip_prefix(key);
            rest.is_some_and(|rest| rest.trim_start_matches(['"', '\'']).starts_with(':'))
        };
        let begins = |key: &str| {
            let mut lines =
                text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with(['#', '%']));
            let first = lines.find(|line| line.trim() != "---");
            first.and_then(|line| line.trim_start().strip_prefix("- ")).is_some_and(|line| is_key(line, key))
        };
        let second =
            |key: &str| text.lines().filter_map(|line| line.strip_prefix("  ")).any(|line| is_key(line, key));
        if begins("targets") || begins("labels") && second("targets") {
            return Some(Shape::Targets);
        }
        let tops: Vec<&str> = text.lines().filter(|line| !line.starts_with([' ', '-', '#'])).collect();
        let has = |key: &str| tops.iter().any(|line| is_key(line, key));
        let holds = |key: &str| text.match_indices(key).any(|(at, _)| is_key(&text[at..], key));
        // What sends logs is configured alike, and Grafana's own alerts are provisioned in groups.
        if has("clients") || has("positions") || has("groups") && has("apiVersion") {
            None
        } else if has("scrape_configs")
            || (has("global") || has("alerting")) && (has("rule_files") || has("remote_write"))
        {
            Some(Shape::Prometheus)
        } else if has("route") && has("receivers") {
            Some(Shape::Alertmanager)
        } else if has("tests") && holds("input_series")
            || has("rule_files") && (has("tests") || holds("input_series"))
        {
            Some(Shape::Tests)
        } else if has("modules") && holds("prober") {
            Some(Shape::Blackbox)
        } else if has("groups") && holds("expr") {
            Some(Shape::Rules)
        } else if has("apiVersion") && (has("datasources") || has("providers")) {
            Some(Shape::Provisioning)
        } else {
            None
        }
    }
}

/// Names that everybody uses for them.
fn is_ours_by_name(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let (stem, _) = name.split_once('.').unwrap_or((name, ""));
    matches!(stem, "prometheus" | "alertmanager" | "alerts" | "rules") || name.ends_with(".rules")
}
