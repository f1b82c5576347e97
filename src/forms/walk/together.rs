//! What the keys of one map say together: what is missing, what excludes each other, what is written twice.

use std::collections::BTreeMap;

use super::super::notation::{Condition, Key, Section, Type};
use super::super::values;
use super::{Fault, Walker, place_of_map};
use crate::diagnostics::{nearest, shortened};
use crate::source::{At, Node};

impl Walker<'_> {
    pub(super) fn missing(&mut self, section: Option<&Section>, node: &Node) {
        let Some(section) = section.filter(|_| self.is_complete) else { return };
        let says = |condition: &Condition| {
            let written = node.get(&condition.key).and_then(|below| Some(below.text()?.to_ascii_lowercase()));
            written.map(|word| (is_one_of(&word, &condition.words), values::is_hole(&word)))
        };
        let is_needed = |key: &Key| match (&key.needed_unless, &key.needed_where) {
            (Some(condition), _) => !says(condition).is_some_and(|(is_it, is_hole)| is_it || is_hole),
            (None, Some(condition)) => says(condition).is_some_and(|(is_it, _)| is_it),
            (None, None) => key.is_needed,
        };
        let wanted = section.wanted.iter().filter(|name| is_needed(&section.keys[*name]));
        let lost: Vec<&String> = wanted.filter(|name| !is_given(section, node, name)).collect();
        if lost.is_empty() {
            return;
        }
        let known = || section.keys.keys().map(String::as_str);
        // A key that is only misspelt is told as unknown.
        let misspelt: Vec<&str> = node
            .entries()
            .iter()
            .filter(|(key, _)| !section.keys.contains_key(&key.value))
            .filter_map(|(key, _)| nearest(&key.value, known()))
            .collect();
        for name in lost.into_iter().filter(|name| !misspelt.contains(&name.as_str())) {
            let label = format!("{} needs it", self.entry());
            let help = format!("add `{name}: …`");
            self.add(Fault::MissingKey, place_of_map(node), &format!("missing key `{name}`"), label, help);
        }
    }

    fn entry(&self) -> String {
        match self.path.last() {
            None => self.table.program.clone(),
            Some((below, _)) => format!("an entry of `{}`", below.name()),
        }
    }

    /// What is only read together with something else.
    pub(super) fn companions(&mut self, section: &Section, node: &Node) {
        for keys in &section.companions {
            let Some((first, others)) = keys.split_first().filter(|_| self.is_complete) else { continue };
            let (Some(below), false) =
                (node.get(first), others.iter().any(|key| is_given(section, node, key)))
            else {
                continue;
            };
            // A list, a map or a text with nothing in it asks for nothing.
            if below.text().is_none_or(|text| text.is_empty() || section.is_default(first, text))
                && below.items().is_empty()
                && below.entries().is_empty()
            {
                continue;
            }
            let others: Vec<String> = others.iter().map(|key| format!("`{key}`")).collect();
            let message = format!("`{first}` is written without {}", others.join(" or "));
            let help = format!("add {}, or remove `{first}`", others.join(" or "));
            self.add(Fault::MissingKey, below.name_at(), &message, "not enough alone".to_owned(), help);
        }
    }

    /// Words that are refused, and keys of a map that are one to the program.
    pub(super) fn words_of(&mut self, key: &Key, node: &Node) {
        if key.never.is_none() && !key.is_caseless {
            return;
        }
        let name = self.path.last().map_or_else(String::new, |(below, _)| below.name().to_owned());
        let entries = node.entries();
        if let Some(never) = &key.never {
            let own = node.value().map(|value| value.map(|text| text.trim().to_owned()));
            for word in entries.iter().map(|(key, _)| key).chain(&own).filter(|word| never.has(word)) {
                let message = format!("`{}` cannot stand in `{name}`", word.value);
                self.add(Fault::WrongType, word.at.clone(), &message, String::new(), never.instead.clone());
            }
        }
        let mut known: BTreeMap<String, &At> = BTreeMap::new();
        // What is no name of a header is taken as it stands.
        let is_plain = |word: &str| word.bytes().all(|byte| byte.is_ascii_graphic());
        for (key, _) in entries.iter().filter(|(word, _)| key.is_caseless && is_plain(word)) {
            let Some(first) = known.insert(key.to_ascii_lowercase(), &key.at) else { continue };
            let message = format!("`{}` and `{}` differ in capitals alone", first.text(), key.value);
            self.twice(key.at.clone(), first.clone(), &message, format!("keep one of them below `{name}:`"));
        }
    }

    /// A key that is not read with what another says.
    pub(super) fn refused(&mut self, key: &Key, below: &Node, node: &Node) {
        let Some(condition) = &key.refused_where else { return };
        let Some(other) = node.get(&condition.key).filter(|_| !below.is_nothing()) else { return };
        let word = other.text().unwrap_or_default();
        if !is_one_of(word, &condition.words) || below.text().is_some_and(|text| key.is_default(text)) {
            return;
        }
        let name = below.name();
        let message = format!("`{name}` and `{}: {word}` exclude each other", condition.key);
        let help = format!("remove `{name}`, or write another `{}`", condition.key);
        self.twice(below.name_at(), other.at(), &message, help);
    }

    fn twice(&mut self, second: At, first: At, message: &str, help: String) {
        self.add(Fault::GivenTwice, second, message, "the second".to_owned(), help);
        if let Some(added) = self.found.last_mut() {
            added.other = Some((first, "the first".to_owned()));
        }
    }

    /// Of two values the first must come before the second.
    pub(super) fn ordered(&mut self, section: &Section, node: &Node) {
        for keys in &section.ordered {
            let [first, last] = keys.as_slice() else { continue };
            let (Some(start), Some(end)) = (node.get(first), node.get(last)) else { continue };
            let kind = |key: &String| match section.keys.get(key).map(|key| &key.what) {
                Some(Type::Scalar(kind)) => Some(*kind),
                _ => None,
            };
            let (Some(kind), Some(from), Some(to)) = (kind(first), start.text(), end.text()) else {
                continue;
            };
            // What is wrong alone is told alone; of the same length, digits are in the order of letters.
            let is_right = [&start, &end].iter().all(|node| values::fits(kind, node));
            if !is_right || [from, to].iter().any(|text| values::is_hole(text)) || from < to {
                continue;
            }
            let message = format!("`{last}` is not after `{first}`");
            let help = values::help_of_order(kind).to_owned();
            self.add(Fault::WrongType, end.at(), &message, format!("it begins at `{from}`"), help);
        }
    }

    /// What is written once in all of some lists.
    pub(super) fn distinct(&mut self, section: &Section, node: &Node) {
        for roads in &section.distinct {
            let mut known: BTreeMap<String, At> = BTreeMap::new();
            for road in roads {
                let (list, key) =
                    road.split_once('.').map_or((road.as_str(), None), |(list, key)| (list, Some(key)));
                let items = node.get(list).map(|list| list.items()).unwrap_or_default();
                let values = items.iter().filter_map(|item| match key {
                    Some(key) => item.get(key)?.value(),
                    None => item.value(),
                });
                for value in values.filter(|value| !value.is_empty() && !values::is_hole(value)) {
                    let Some(first) = known.insert(value.value.clone(), value.at.clone()) else { continue };
                    let message = match key {
                        Some(key) => format!("two of `{list}` have the {key} `{}`", value.value),
                        None => format!("`{list}` has `{}` twice", value.value),
                    };
                    let help = match key {
                        Some(key) => format!("write another {key}, or make one of both"),
                        None => "remove it".to_owned(),
                    };
                    self.twice(value.at, first, &message, help);
                }
            }
        }
    }

    pub(super) fn filled(&mut self, section: &Section, node: &Node) {
        let lists = section.filled.iter().filter_map(|key| Some((key, node.get(key)?)));
        for (key, below) in lists.filter(|(_, below)| below.is_list() && below.items().is_empty()) {
            let help = "write at least one".to_owned();
            self.add(Fault::WrongType, below.at(), &format!("`{key}` is empty"), String::new(), help);
        }
    }

    pub(super) fn choices(&mut self, section: &Section, node: &Node) {
        for choice in &section.choices {
            let given: BTreeMap<usize, Node> = choice
                .keys
                .iter()
                .filter(|key| is_given(section, node, key))
                .filter_map(|key| node.get(key))
                .map(|below| (below.name_at().range.start, below))
                .collect();
            let names =
                |sep: &str| choice.keys.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(sep);
            // One that is only misspelt is told as unknown.
            let is_misspelt = || {
                let unknown =
                    node.entries().into_iter().filter(|(key, _)| !section.keys.contains_key(&key.value));
                let mut near = unknown
                    .filter_map(|(key, _)| nearest(&key.value, section.keys.keys().map(String::as_str)));
                near.any(|near| choice.keys.iter().any(|key| key == near))
            };
            if given.is_empty() && choice.needs_one && self.is_complete && !is_misspelt() {
                let message = format!("neither {} is written", names(" nor "));
                let label = format!("{} needs one of them", self.entry());
                self.add(
                    Fault::MissingKey,
                    place_of_map(node),
                    &message,
                    label,
                    format!("add {}", names(" or ")),
                );
            }
            let mut given = given.into_values();
            if let (Some(first), Some(second), true) = (given.next(), given.next(), choice.excludes) {
                let (first, second) = (first.name_at(), second.name_at());
                let word = |at: &At| shortened(at.text().trim_matches('"'));
                let message = format!("`{}` and `{}` exclude each other", word(&first), word(&second));
                let help = "keep one of them; two entries where both are meant".to_owned();
                self.twice(second, first, &message, help);
            }
        }
    }
}

/// Nothing, an empty text and what holds anyway are as if the key were not there.
fn is_given(section: &Section, node: &Node, key: &str) -> bool {
    let says =
        |below: &Node| !below.text().is_some_and(|text| text.is_empty() || section.is_default(key, text));
    node.get(key).is_some_and(|below| !below.is_nothing() && says(&below))
}

fn is_one_of(word: &str, words: &[String]) -> bool {
    words.iter().any(|one| one.eq_ignore_ascii_case(word))
}
