//! Rule files and their tests.

use std::sync::Arc;
use std::time::Duration;

use super::duration;
use super::query::Query;
use crate::gotemplate::{self, Fault, PROMETHEUS, Template};
use crate::source::{Document, Node, Spanned};

/// A file of rules.
#[derive(Debug)]
pub struct RuleFile {
    pub document: Arc<Document>,
    /// Whether a Prometheus of the stack loads it.
    pub is_loaded: bool,
    pub groups: Vec<Group>,
}

#[derive(Debug)]
pub struct Group {
    pub name: Option<Spanned<String>>,
    pub interval: Option<Spanned<Duration>>,
    pub rules: Vec<Rule>,
}

#[derive(Debug)]
pub struct Rule {
    /// The name of the alert, or of the series that is recorded.
    pub name: Spanned<String>,
    pub is_alert: bool,
    pub expr: Query,
    pub hold: Option<Spanned<Duration>>,
    /// Those of the group too.
    pub labels: Vec<(Spanned<String>, Spanned<String>)>,
    pub annotations: Vec<(Spanned<String>, Spanned<String>)>,
    pub node: Node,
    /// Of an alert, what its texts are that Prometheus fills in.
    templates: Vec<(Template, Option<Fault>)>,
}

/// A text of an alert that Prometheus fills in.
pub struct Filled<'r> {
    /// Whether it is a label, and no annotation.
    pub is_label: bool,
    pub name: &'r Spanned<String>,
    pub text: &'r Spanned<String>,
    pub template: &'r Template,
    pub fault: Option<&'r Fault>,
}

impl RuleFile {
    pub(super) fn read(document: Arc<Document>, is_loaded: bool) -> RuleFile {
        let groups = document.root().get("groups").map(|node| node.items()).unwrap_or_default();
        RuleFile { groups: groups.iter().map(Group::read).collect(), document, is_loaded }
    }

    pub fn rules(&self) -> impl Iterator<Item = &Rule> {
        self.groups.iter().flat_map(|group| &group.rules)
    }
}

impl Group {
    fn read(node: &Node) -> Group {
        let shared = texts(node, "labels");
        let rules = node.get("rules").map(|node| node.items()).unwrap_or_default();
        Group {
            name: node.get("name").and_then(|node| node.value()),
            interval: node.get("interval").and_then(|node| duration(&node)),
            rules: rules.iter().filter_map(|rule| Rule::read(rule, &shared)).collect(),
        }
    }
}

impl Rule {
    fn read(node: &Node, shared: &[(Spanned<String>, Spanned<String>)]) -> Option<Rule> {
        let alert = node.get("alert").and_then(|node| node.value());
        let is_alert = alert.is_some();
        let name = alert.or_else(|| node.get("record")?.value())?;
        let mut labels = texts(node, "labels");
        labels.extend(shared.iter().filter(|(key, _)| node.find(&["labels", key]).is_none()).cloned());
        let expr = Query::of_rule(&node.get("expr")?)?;
        let mut rule = Rule {
            name,
            is_alert,
            expr,
            hold: node.get("for").and_then(|node| duration(&node)),
            labels,
            annotations: texts(node, "annotations"),
            node: node.clone(),
            templates: Vec::new(),
        };
        if is_alert {
            let read = |(_, _, text): (bool, _, &Spanned<String>)| gotemplate::read(text, &PROMETHEUS);
            rule.templates = rule.texts().map(read).collect();
        }
        Some(rule)
    }

    /// Its annotations and labels that are filled in, of an alert: whether each is a label, its name and its text.
    fn texts(&self) -> impl Iterator<Item = (bool, &Spanned<String>, &Spanned<String>)> {
        let annotations = self.annotations.iter().map(|(name, text)| (false, name, text));
        let all = annotations.chain(self.labels.iter().map(|(name, text)| (true, name, text)));
        all.filter(|(_, _, text)| text.contains("{{"))
    }

    /// The texts of an alert that Prometheus fills in.
    pub fn filled(&self) -> impl Iterator<Item = Filled<'_>> {
        self.texts().zip(&self.templates).map(|((is_label, name, text), (template, fault))| Filled {
            is_label,
            name,
            text,
            template,
            fault: fault.as_ref(),
        })
    }

    pub fn label(&self, name: &str) -> Option<&Spanned<String>> {
        self.labels.iter().find(|(key, _)| key.value == name).map(|(_, value)| value)
    }
}

/// The entries of a map of texts.
pub(super) fn texts(node: &Node, key: &str) -> Vec<(Spanned<String>, Spanned<String>)> {
    let entries = node.get(key).map(|node| node.entries()).unwrap_or_default();
    entries.into_iter().filter_map(|(key, node)| Some((key, node.value()?))).collect()
}

/// A file of tests for rules.
#[derive(Debug)]
pub struct RuleTests {
    pub document: Arc<Document>,
    pub rule_files: Vec<Spanned<String>>,
    pub tests: Vec<Node>,
}

impl RuleTests {
    pub(super) fn read(document: Arc<Document>) -> RuleTests {
        let root = document.root();
        RuleTests {
            rule_files: root.get("rule_files").map(|node| node.texts()).unwrap_or_default(),
            tests: root.get("tests").map(|node| node.items()).unwrap_or_default(),
            document,
        }
    }
}
