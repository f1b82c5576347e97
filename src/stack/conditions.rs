//! What conditions on labels mean together: whether any alert can meet them all, and whether one follows from the others.
//! Every answer is sure. Of a regular expression that is no list of words nothing is known but itself.

use std::collections::BTreeMap;

use super::alertmanager::LabelMatcher;
use crate::promql::{MatchOp, Matcher, alternatives};

/// Conditions that hold at the same time, by label.
pub struct Conditions<'a> {
    by_label: BTreeMap<&'a str, Vec<&'a Matcher>>,
    /// Whether all of them could be read.
    is_whole: bool,
}

/// More combinations than this are not tried.
const MAX_COMBINATIONS: usize = 256;

impl<'a> Conditions<'a> {
    pub fn of(matchers: impl IntoIterator<Item = &'a LabelMatcher>) -> Conditions<'a> {
        let mut all = Conditions { by_label: BTreeMap::new(), is_whole: true };
        for one in matchers {
            match &one.matcher {
                Some(matcher) => all.by_label.entry(&matcher.name).or_default().push(matcher),
                None => all.is_whole = false,
            }
        }
        all
    }

    /// Whether no alert can meet them all.
    pub fn contradict(&self) -> bool {
        self.by_label.keys().any(|label| self.values(label).is_some_and(|values| values.is_empty()))
    }

    /// Whether each alert that meets these is taken by one of the others.
    pub fn are_covered_by(&self, others: &[Conditions<'_>]) -> bool {
        // A label with few values is looked at value by value: each may go another way.
        let asked = |label: &&str| others.iter().any(|other| other.by_label.contains_key(label));
        let mut cases: Vec<BTreeMap<&str, &str>> = vec![BTreeMap::new()];
        for label in self.by_label.keys().copied().filter(asked) {
            let Some(values) = self.values(label) else { continue };
            if cases.len() * values.len() > MAX_COMBINATIONS {
                continue;
            }
            let with = |case: &BTreeMap<&'a str, &'a str>| {
                let case = case.clone();
                values.clone().into_iter().map(move |value| {
                    let mut case = case.clone();
                    case.insert(label, value);
                    case
                })
            };
            cases = cases.iter().flat_map(with).collect();
        }
        cases.iter().all(|case| others.iter().any(|other| self.implies(other, case)))
    }

    /// Whether the others hold wherever these do, with some labels settled.
    fn implies(&self, other: &Conditions<'_>, case: &BTreeMap<&str, &str>) -> bool {
        other.is_whole
            && other.by_label.iter().all(|(label, matchers)| {
                matchers.iter().all(|wanted| match case.get(label) {
                    Some(value) => wanted.is_match(value),
                    None => takes_everything(wanted) || self.says(wanted),
                })
            })
    }

    /// Whether one of these is that one, or leaves it no choice.
    fn says(&self, wanted: &Matcher) -> bool {
        let Some(own) = self.by_label.get(wanted.name.as_str()) else { return false };
        own.contains(&wanted)
            || self
                .values(&wanted.name)
                .is_some_and(|values| values.iter().all(|value| wanted.is_match(value)))
            // A name that is not empty: what every `=~".+"` asks.
            || (asks_for_presence(wanted) == Some(true) && own.iter().any(|one| !one.is_match("")))
    }

    /// The values that a label can have, where they can be counted.
    fn values(&self, label: &str) -> Option<Vec<&'a str>> {
        let matchers = self.by_label.get(label)?;
        let counted = matchers.iter().find_map(|matcher| words(matcher))?;
        Some(
            counted
                .into_iter()
                .filter(|value| matchers.iter().all(|matcher| matcher.is_match(value)))
                .collect(),
        )
    }
}

/// The values that a condition allows, where it names them: `="a"`, `=~"a|b"`.
pub fn words(matcher: &Matcher) -> Option<Vec<&str>> {
    match matcher.op {
        MatchOp::Equal => Some(vec![&matcher.value]),
        MatchOp::Re => alternatives(&matcher.value),
        MatchOp::NotEqual | MatchOp::NotRe => None,
    }
}

fn takes_everything(matcher: &Matcher) -> bool {
    matches!(matcher.op, MatchOp::Re) && matches!(matcher.value.as_str(), ".*" | "^.*$" | "(.*)")
}

/// Whether a condition asks that the label is there (`!=""`, `=~".+"`) or is not (`=""`), and nothing else.
pub fn asks_for_presence(matcher: &Matcher) -> Option<bool> {
    match (&matcher.op, matcher.value.as_str()) {
        (MatchOp::NotEqual, "") | (MatchOp::Re, ".+") => Some(true),
        (MatchOp::Equal, "") | (MatchOp::NotRe, ".+") => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::SourceFile;
    use crate::stack::Alertmanager;

    /// Routes with these conditions, in order.
    fn routes(texts: &[&str]) -> Alertmanager {
        let each = texts.iter().map(|text| format!("    - {{matchers: ['{text}'], receiver: x}}"));
        let routes = each.collect::<Vec<_>>().join("\n");
        Alertmanager::parse(SourceFile::new("a.yml", format!("route:\n  receiver: x\n  routes:\n{routes}")))
    }

    fn contradict(text: &str) -> bool {
        Conditions::of(&routes(&[text]).routes()[1].matchers).contradict()
    }

    /// Whether what the last one takes is all taken by those before it.
    fn covered(texts: &[&str]) -> bool {
        let config = routes(texts);
        let mut all: Vec<Conditions<'_>> =
            config.routes()[1..].iter().map(|route| Conditions::of(&route.matchers)).collect();
        let last = all.pop().unwrap();
        last.are_covered_by(&all)
    }

    #[test]
    fn conditions_contradict_only_where_no_value_meets_them_all() {
        for text in [
            "{a=\"1\", a=\"2\"}",
            "{a=\"1\", a!=\"1\"}",
            "{a=~\"1|2\", a=~\"3|4\"}",
            "{a=~\"(1|2)\", a!~\"[0-9]\"}",
            "{a=\"\", a!=\"\"}",
        ] {
            assert!(contradict(text), "{text}");
        }
        for text in [
            "{a=\"1\", b=\"2\"}",
            "{a=~\"1.\", a=~\"2.\"}",
            "{a!=\"1\", a!=\"2\"}",
            "{a=~\"1|2\", a=\"2\"}",
            "{a=\"1\", b c}",
        ] {
            assert!(!contradict(text), "{text}");
        }
    }

    #[test]
    fn conditions_are_covered_only_where_nothing_is_left() {
        for texts in [
            &["a=~\"1|2\"", "a=\"1\""] as &[&str],
            &["a=\"1\"", "a=\"2\"", "a=~\"1|2\""],
            &["a=~\".*\"", "b=\"2\""],
            &["a=~\"x.*\"", "{a=~\"x.*\", b=\"1\"}"],
            &["a!=\"\"", "a=\"1\""],
            &["a!=\"\"", "a=~\"x.+\"", "{a=~\".+\"}"],
            &["{a=\"1\", b=\"1\"}", "{a=\"1\", b=\"2\"}", "{a=\"1\", b=~\"1|2\"}"],
            &["a!=\"3\"", "a=~\"1|2\""],
        ] {
            assert!(covered(texts), "{texts:?}");
        }
        for texts in [
            &["a=\"1\"", "a=~\"1|2\""] as &[&str],
            &["{a=\"1\", b=\"1\"}", "a=\"1\""],
            &["a=~\"x.*\"", "a=~\"xy.*\""],
            &["b!=\"\"", "a=\"1\""],
            &["a c", "a=\"1\""],
            &["a=\"1\"", "b=\"1\""],
            &["a=~\".+\"", "b=\"1\""],
        ] {
            assert!(!covered(texts), "{texts:?}");
        }
    }
}
