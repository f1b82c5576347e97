//! The configuration of Alertmanager: who hears of what.

use std::sync::Arc;
use std::time::Duration;

use super::compose::ServiceName;
use super::duration;
use super::rules::texts;
use crate::promql::{Matcher, matcher};
use crate::source::{At, Document, Node, SourceFile, Spanned};

#[derive(Debug)]
pub struct Alertmanager {
    pub document: Arc<Document>,
    pub service: ServiceName,
    pub route: Option<Route>,
    pub receivers: Vec<Receiver>,
    pub inhibit_rules: Vec<Inhibition>,
    pub templates: Vec<TemplatePattern>,
    pub root: Node,
}

/// One entry of `templates`.
#[derive(Debug)]
pub struct TemplatePattern {
    pub pattern: Spanned<String>,
    /// The files that it names; `None` where nobody can know: it leads to the machine's or the image's own files.
    pub files: Option<Vec<Arc<Document>>>,
}

/// One branch of the tree of routes.
#[derive(Debug)]
pub struct Route {
    /// Its own, or the one above it has.
    pub receiver: Option<Spanned<String>>,
    pub matchers: Vec<LabelMatcher>,
    pub continues: bool,
    /// What one message is about, and when it comes: its own, or what those above it have.
    pub grouping: Grouping,
    pub timers: Timers,
    pub group_by: Option<Vec<Spanned<String>>>,
    pub group_wait: Option<Spanned<Duration>>,
    pub group_interval: Option<Spanned<Duration>>,
    pub repeat_interval: Option<Spanned<Duration>>,
    /// Time intervals that silence it, and those outside of which it is silent. Branches below do not take them over.
    pub muted_in: Vec<Spanned<String>>,
    pub active_in: Vec<Spanned<String>>,
    pub routes: Vec<Route>,
    pub node: Node,
}

/// Which alerts are told of together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Grouping {
    /// Those with the same values of these labels; without labels all of them.
    By(Vec<String>),
    /// `...`: each for itself.
    Each,
}

/// How long a branch waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timers {
    /// Before the first message of a group.
    pub wait: Duration,
    /// Before it is told what is new in a group.
    pub interval: Duration,
    /// Before it is told again what is known.
    pub repeat: Duration,
}

impl Default for Timers {
    /// What Alertmanager takes where nothing is written.
    fn default() -> Timers {
        let seconds = Duration::from_secs;
        Timers { wait: seconds(30), interval: seconds(300), repeat: seconds(4 * 3600) }
    }
}

/// One condition on a label. What could not be read matches everything: nothing is claimed of it.
#[derive(Debug)]
pub struct LabelMatcher {
    pub text: Spanned<String>,
    pub matcher: Option<Matcher>,
}

#[derive(Debug)]
pub struct Receiver {
    pub name: Spanned<String>,
    pub integrations: Vec<Integration>,
    pub node: Node,
}

/// One entry of `slack_configs` and the like.
#[derive(Debug)]
pub struct Integration {
    /// `slack`, `pagerduty`, …
    pub kind: String,
    pub node: Node,
}

#[derive(Debug)]
pub struct Inhibition {
    pub source: Vec<LabelMatcher>,
    pub target: Vec<LabelMatcher>,
    pub equal: Vec<Spanned<String>>,
    pub node: Node,
}

impl Alertmanager {
    pub(super) fn read(document: Arc<Document>, service: ServiceName) -> Alertmanager {
        let root = document.root();
        let items = |key: &str| root.get(key).map(|node| node.items()).unwrap_or_default();
        Alertmanager {
            service,
            route: root.get("route").map(|node| Route::read(&node, None, 0)),
            receivers: items("receivers").iter().filter_map(Receiver::read).collect(),
            inhibit_rules: items("inhibit_rules").iter().map(Inhibition::read).collect(),
            templates: Vec::new(),
            root,
            document,
        }
    }

    /// A configuration by itself, as a running Alertmanager shows it.
    pub fn parse(source: SourceFile) -> Alertmanager {
        Self::read(Document::yaml(source).0, None)
    }

    pub fn receiver(&self, name: &str) -> Option<&Receiver> {
        self.receivers.iter().find(|receiver| receiver.name.value == name)
    }

    /// What an integration says at a key, or `global` at its own name for it.
    pub fn setting(&self, integration: &Integration, key: &str, global: &str) -> Option<Node> {
        let is_said = |node: &Node| !node.is_nothing() && node.text() != Some("");
        let own = integration.node.get(key).filter(is_said);
        own.or_else(|| self.root.find(&["global", global]).filter(is_said))
    }

    /// All branches, the root first.
    pub fn routes(&self) -> Vec<&Route> {
        let mut all: Vec<&Route> = self.route.iter().collect();
        let mut at = 0;
        while at < all.len() {
            all.extend(&all[at].routes);
            at += 1;
        }
        all
    }
}

/// Deeper than the reader lets a file be.
const MAX_DEPTH: usize = 64;

impl Route {
    /// The name of its receiver; empty where there is none.
    pub fn to(&self) -> &str {
        self.receiver.as_ref().map_or("", |name| name.as_str())
    }

    /// Where a reader looks for it.
    pub fn at(&self) -> At {
        self.node.get("receiver").unwrap_or_else(|| self.node.clone()).at()
    }

    fn read(node: &Node, above: Option<&Route>, depth: usize) -> Route {
        let texts = |key: &str| node.get(key).map(|node| node.texts());
        let time = |key: &str| node.get(key).and_then(|node| duration(&node));
        let or = |own: &Option<Spanned<Duration>>, above| own.as_ref().map_or(above, |own| own.value);
        let (group_by, group_wait) = (texts("group_by"), time("group_wait"));
        let (group_interval, repeat_interval) = (time("group_interval"), time("repeat_interval"));
        let timers = above.map_or_else(Timers::default, |above| above.timers);
        let mut route = Route {
            receiver: node
                .get("receiver")
                .and_then(|node| node.value())
                .or_else(|| above.and_then(|above| above.receiver.clone())),
            matchers: matchers(node, "matchers", "match", "match_re"),
            continues: node.get("continue").is_some_and(|node| node.is_true()),
            grouping: match group_by.as_deref() {
                // An empty list is as none.
                None | Some([]) => above.map_or(Grouping::By(Vec::new()), |above| above.grouping.clone()),
                Some(labels) if labels.iter().any(|label| label.value == "...") => Grouping::Each,
                Some(labels) => Grouping::By(labels.iter().map(|label| label.value.clone()).collect()),
            },
            timers: Timers {
                wait: or(&group_wait, timers.wait),
                interval: or(&group_interval, timers.interval),
                repeat: or(&repeat_interval, timers.repeat),
            },
            group_by,
            group_wait,
            group_interval,
            repeat_interval,
            muted_in: texts("mute_time_intervals").unwrap_or_default(),
            active_in: texts("active_time_intervals").unwrap_or_default(),
            routes: Vec::new(),
            node: node.clone(),
        };
        let below =
            node.get("routes").filter(|_| depth < MAX_DEPTH).map(|node| node.items()).unwrap_or_default();
        route.routes = below.iter().map(|node| Route::read(node, Some(&route), depth + 1)).collect();
        route
    }
}

impl LabelMatcher {
    fn new(text: Spanned<String>, name: &str, op: &str, value: &str) -> LabelMatcher {
        LabelMatcher { matcher: matcher(name, op, value), text }
    }
}

/// The conditions of a route or inhibition in the new form and in the two old ones.
fn matchers(node: &Node, new: &str, equal: &str, regex: &str) -> Vec<LabelMatcher> {
    let mut found: Vec<LabelMatcher> = Vec::new();
    for text in node.get(new).map(|node| node.texts()).unwrap_or_default() {
        for part in split(&text) {
            let part = Spanned::new(part, text.at.clone());
            found.push(parse(part));
        }
    }
    for (key, op) in [(equal, "="), (regex, "=~")] {
        for (name, value) in texts(node, key) {
            let (label, text) = (name.value.clone(), value.value.clone());
            found.push(LabelMatcher::new(value, &label, op, &text));
        }
    }
    found
}

/// `{a="1", b=~"2"}` → both. A comma in quotes is none.
fn split(text: &str) -> Vec<String> {
    let text = text.trim();
    let inside = text.strip_prefix('{').and_then(|text| text.strip_suffix('}')).unwrap_or(text);
    let mut parts = vec![String::new()];
    let (mut quoted, mut escaped) = (false, false);
    for letter in inside.chars() {
        match letter {
            ',' if !quoted => parts.push(String::new()),
            _ => {
                quoted ^= letter == '"' && !escaped;
                if let Some(last) = parts.last_mut() {
                    last.push(letter);
                }
            }
        }
        escaped = letter == '\\' && !escaped;
    }
    parts.iter().map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
}

fn parse(text: Spanned<String>) -> LabelMatcher {
    let found = ["=~", "!~", "!=", "="]
        .into_iter()
        .filter_map(|op| Some((text.value.find(op)?, op)))
        .min_by_key(|(at, op)| (*at, std::cmp::Reverse(op.len())));
    let Some((at, op)) = found else { return LabelMatcher { text, matcher: None } };
    let name = text[..at].trim().trim_matches('"').to_owned();
    let written = text[at + op.len()..].trim();
    let value = written
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
        .map_or_else(|| written.to_owned(), |inside| inside.replace("\\\"", "\"").replace("\\\\", "\\"));
    LabelMatcher::new(text, &name, op, &value)
}

impl Receiver {
    fn read(node: &Node) -> Option<Receiver> {
        let mut integrations = Vec::new();
        for (key, list) in node.entries() {
            if let Some(kind) = key.strip_suffix("_configs") {
                let kind = kind.to_owned();
                integrations
                    .extend(list.items().into_iter().map(|node| Integration { kind: kind.clone(), node }));
            }
        }
        Some(Receiver { name: node.get("name")?.value()?, integrations, node: node.clone() })
    }
}

impl Inhibition {
    fn read(node: &Node) -> Inhibition {
        Inhibition {
            source: matchers(node, "source_matchers", "source_match", "source_match_re"),
            target: matchers(node, "target_matchers", "target_match", "target_match_re"),
            equal: node.get("equal").map(|node| node.texts()).unwrap_or_default(),
            node: node.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alertmanager(text: &str) -> Alertmanager {
        Alertmanager::parse(SourceFile::new("a.yml", text))
    }

    #[test]
    fn an_alert_goes_where_alertmanager_would_send_it() {
        let config = alertmanager(
            "route:\n  receiver: root\n  routes:\n    - {match: {severity: critical}, receiver: a, continue: true}\n    - matchers: ['severity=~\"crit.*|warning\"', '{team!=\"x\", y=\"\"}']\n      receiver: b\n      routes: [{matchers: [team = z], receiver: c}]\n    - {match_re: {severity: warn.+}, receiver: d}\n",
        );
        let journey = |labels: &[(&str, &str)]| {
            let labels =
                labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            let ends = config.journey(&labels);
            ends.iter()
                .map(|route| route.receiver.as_ref().unwrap().value.clone())
                .collect::<Vec<_>>()
                .join(" ")
        };
        assert_eq!(journey(&[("severity", "critical")]), "a b");
        assert_eq!(journey(&[("severity", "warning"), ("team", "z")]), "c");
        assert_eq!(journey(&[("severity", "warning"), ("team", "x")]), "d");
        assert_eq!(journey(&[("severity", "crit")]), "b");
        assert_eq!(journey(&[("severity", "info")]), "root");
        assert_eq!(config.routes().len(), 5);
    }
}
