//! Holds a document against its form, and says all that does not fit, each at its place.

mod together;

use std::cell::OnceCell;
use std::sync::Arc;

use super::notation::{Path, Reader, Section, Table, Type};
use super::values;
use crate::diagnostics::{nearest, shortened};
use crate::source::{At, Document, Node};

/// After this many the file is something else.
const MAX_MISFITS: usize = 10_000;
/// More keys than this are not listed.
const MAX_LISTED: usize = 12;

/// What can be wrong with a form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    UnknownKey,
    WrongType,
    MissingKey,
    /// The same thing is said in two ways.
    GivenTwice,
}

/// One place where a document does not have its form.
#[derive(Clone, Debug)]
pub struct Misfit {
    pub fault: Fault,
    pub message: String,
    pub at: At,
    pub label: String,
    /// Another place that belongs to it, and what is said there.
    pub other: Option<(At, String)>,
    pub help: String,
}

pub(super) fn walk(table: &Table, document: &Arc<Document>, is_loaded: bool) -> Vec<Misfit> {
    let mut walker = Walker {
        table,
        is_loaded,
        is_complete: document.is_complete(),
        path: Vec::new(),
        everywhere: OnceCell::new(),
        found: Vec::new(),
    };
    let top = Type::Named("file".to_owned());
    let root = document.root();
    if root.is_nothing() {
        walker.missing(table.section("file"), &root);
    }
    walker.value(&top, &root);
    walker.found
}

struct Walker<'a> {
    table: &'a Table,
    is_loaded: bool,
    /// Whether the file was read to its end: what is missing may stand behind.
    is_complete: bool,
    /// What stands behind the keys from the top, and the sections of these keys.
    path: Vec<(Node, Option<&'a Section>)>,
    /// All sections, made when the first key is not known where it stands.
    everywhere: OnceCell<Vec<Path<'a>>>,
    found: Vec<Misfit>,
}

impl<'a> Walker<'a> {
    fn value(&mut self, what: &Type, node: &Node) {
        if node.is_nothing() {
            // A file that ends in the middle may go on with the value.
            if self.is_complete
                && !self.path.is_empty()
                && !self.table.takes_nothing(what)
                && !is_tagged(node)
            {
                let key = self.path.last().map_or("", |(below, _)| below.name());
                let help = format!("write {} after it, or remove the key", self.words(what));
                let label = "nothing stands after it".to_owned();
                self.add(
                    Fault::WrongType,
                    node.name_at(),
                    &format!("`{}` has no value", shortened(key)),
                    label,
                    help,
                );
            }
            return;
        }
        if self.found.len() >= MAX_MISFITS {
            return;
        }
        match self.table.resolve(what) {
            Type::Any => {}
            Type::Nothing => self.wrong(what, node),
            Type::Scalar(kind) => {
                if node.text().is_none() || !values::fits(*kind, node) {
                    self.wrong(what, node);
                }
            }
            Type::Word { words, any_case } => self.word(what, words, *any_case, node),
            Type::List(item) => {
                if !node.is_list() {
                    return self.wrong(what, node);
                }
                let is_section = matches!(self.table.resolve(item), Type::Named(_));
                for one in node.items() {
                    if one.is_nothing() && is_section && self.table.wants_items {
                        self.empty_item(&one);
                    }
                    self.value(item, &one);
                }
            }
            Type::Map(inside) => {
                if !node.is_map() {
                    return self.wrong(what, node);
                }
                for below in node.values() {
                    self.path.push((below.clone(), None));
                    self.value(inside, &below);
                    self.path.pop();
                }
            }
            Type::Named(name) => match self.table.section(name) {
                Some(section) if node.is_map() => self.section(section, node),
                Some(_) => self.wrong(what, node),
                None => {}
            },
            Type::Either(ways) => self.either(what, ways, node),
        }
    }

    fn section(&mut self, section: &'a Section, node: &Node) {
        let (mut is_empty, mut is_other) = (true, true);
        for below in node.values() {
            is_empty = false;
            match section.keys.get(below.name()) {
                Some(key) => {
                    is_other = false;
                    if let (Reader::Other(program), true) = (&key.reader, self.is_loaded) {
                        self.of_another(program, &below);
                    }
                    self.path.push((below.clone(), Some(section)));
                    if key.default.is_none() || below.text() != key.default.as_deref() {
                        self.value(&key.what, &below);
                    }
                    self.words_of(key, &below);
                    self.path.pop();
                    self.refused(key, &below, node);
                }
                None if section.takes(below.name()) => self.slip(section, &below, node),
                None => self.unknown(section, &below),
            }
        }
        // Where nothing is known, something else was meant: what that would need says nothing.
        if is_empty || !is_other || self.path.is_empty() {
            self.missing(Some(section), node);
            self.choices(section, node);
        }
        self.companions(section, node);
        self.filled(section, node);
        self.ordered(section, node);
        self.distinct(section, node);
    }

    fn either(&mut self, what: &Type, ways: &[Type], node: &Node) {
        let ways: Vec<&Type> = ways.iter().map(|way| self.table.resolve(way)).collect();
        let mut flat: Vec<&Type> = Vec::new();
        for way in ways {
            match way {
                // A kind of several kinds.
                Type::Either(more) => flat.extend(more.iter().map(|way| self.table.resolve(way))),
                way => flat.push(way),
            }
        }
        let is_shaped = |way: &&Type| match way {
            Type::Any => true,
            Type::Scalar(_) | Type::Word { .. } => node.text().is_some(),
            Type::List(_) => node.is_list(),
            Type::Map(_) | Type::Named(_) => node.is_map(),
            Type::Nothing | Type::Either(_) => false,
        };
        let fitting: Vec<&Type> = flat.into_iter().filter(is_shaped).collect();
        let is_scalar = |way: &&&Type| match **way {
            Type::Scalar(kind) => values::fits(*kind, node),
            _ => true,
        };
        match fitting.iter().find(is_scalar).or(fitting.first()) {
            Some(Type::Scalar(kind)) if !values::fits(*kind, node) => self.wrong(what, node),
            Some(way) => self.value(way, node),
            None => self.wrong(what, node),
        }
    }

    fn word(&mut self, what: &Type, words: &[String], any_case: bool, node: &Node) {
        let Some(text) = node.text() else { return self.wrong(what, node) };
        let is_one = |word: &String| {
            if any_case { word.eq_ignore_ascii_case(text) } else { word == text }
        };
        if !text.is_empty() && !words.iter().any(is_one) && !values::is_hole(text) {
            self.wrong(what, node);
        }
    }

    // What is said.

    fn add(&mut self, fault: Fault, at: At, message: &str, label: String, help: String) {
        if self.found.len() < MAX_MISFITS {
            let message = format!("{message}: {} refuses the file", self.table.program);
            self.found.push(Misfit { fault, message, at, label, other: None, help });
        }
    }

    /// Where in the file the walk is, without the numbers of items.
    fn here(&self) -> String {
        if self.path.is_empty() {
            return "this file".to_owned();
        }
        let keys: Vec<&str> = self.path.iter().map(|(below, _)| below.name()).collect();
        format!("`{}`", keys.join("."))
    }

    fn unknown(&mut self, section: &Section, node: &Node) {
        let key = node.name();
        let word = shortened(key);
        let help = self.meant(section, key);
        let label = format!("not a key of {}", self.here());
        self.add(Fault::UnknownKey, node.name_at(), &format!("unknown key `{word}`"), label, help);
    }

    /// Of a program that passes over what it does not know only a key that is nearly one of its own is a fault, where that
    /// one is not written too. A short word is near to many: it must be one that is missed.
    fn slip(&mut self, section: &Section, node: &Node, around: &Node) {
        const LONG: usize = 5;
        let key = node.name();
        if section.prefixes.iter().any(|prefix| !prefix.is_empty()) || key.len() < 2 {
            return;
        }
        let may_be_meant = |known: &&str| {
            let is_long = known.len() >= LONG && key.len() + 1 >= LONG;
            known.len().abs_diff(key.len()) <= 1
                && (is_long || section.needs(known))
                && around.get(known).is_none()
        };
        let known = section.keys.keys().map(String::as_str).filter(may_be_meant);
        let Some(near) = nearest(key, known).filter(|near| differ_in_one_place(near, key)) else { return };
        self.found.push(Misfit {
            fault: Fault::UnknownKey,
            message: format!("unknown key `{key}`: {} passes over it", self.table.program),
            at: node.name_at(),
            label: format!("not a key of {}", self.here()),
            other: None,
            help: format!("did you mean `{near}`?"),
        });
    }

    fn of_another(&mut self, program: &str, node: &Node) {
        let key = node.name();
        let label = format!("a key of {program}, not of {}", self.table.program);
        let help = format!("remove it, or let {program} read this file");
        self.add(Fault::UnknownKey, node.name_at(), &format!("unknown key `{key}`"), label, help);
    }

    /// What somebody who wrote a key here wanted to write.
    fn meant(&self, section: &Section, key: &str) -> String {
        let belongs = |place: &str| format!("it belongs under `{place}:`");
        let is_such = |words: &[String]| words.iter().any(|word| word == key);
        if let Some((place, _)) = section.keys.iter().find(|(_, known)| is_such(&known.such_as)) {
            return format!("{}: write `{place}: {{{key}: …}}`", belongs(place));
        }
        let above = self.path.iter().rev().filter_map(|(_, section)| *section);
        if let Some((levels, _)) = above.enumerate().find(|(_, section)| section.keys.contains_key(key)) {
            let levels = levels + 1;
            let plural = if levels == 1 { "" } else { "s" };
            return format!("it belongs {levels} level{plural} further out: check the indentation");
        }
        if let Some(near) = nearest(key, section.keys.keys().map(String::as_str)) {
            return format!("did you mean `{near}`?");
        }
        let below = |what: &Type| {
            let paths = self.table.inside(what);
            paths.iter().any(|section| section.keys.contains_key(key))
        };
        if let Some((place, _)) = section.keys.iter().find(|(_, known)| below(&known.what)) {
            return belongs(place);
        }
        let elsewhere = self.everywhere.get_or_init(|| self.table.paths());
        if let Some((path, _)) =
            elsewhere.iter().find(|(path, section)| !path.is_empty() && section.keys.contains_key(key))
        {
            return belongs(&path.join("."));
        }
        if section.keys.len() <= MAX_LISTED {
            let names: Vec<String> = section.keys.keys().map(|name| format!("`{name}`")).collect();
            return format!("the keys here are {}", names.join(", "));
        }
        format!("remove it: no version of {} has it", self.table.program)
    }

    fn wrong(&mut self, what: &Type, node: &Node) {
        // A tag says what the value is to be; it is not looked at.
        if is_tagged(node) {
            return;
        }
        let what = self.table.resolve(what);
        let key = self.path.last().map_or("", |(below, _)| below.name());
        if let (Type::Scalar(kind), Some(text)) = (what, node.text())
            && let Some(reason) = values::reason(*kind, text)
        {
            let label = format!("in the value of `{key}`");
            return self.add(
                Fault::WrongType,
                node.at().part(&reason.word),
                &reason.message,
                label,
                reason.help,
            );
        }
        let found = found(node);
        let label = if key.is_empty() { String::new() } else { format!("the value of `{key}`") };
        let help = match (what, node.text()) {
            (Type::List(_), Some(text)) => format!("write it as a list: `{key}: [{}]`", shortened(text)),
            (Type::List(_), None) => "begin each of its items with `- `".to_owned(),
            (Type::Word { words, .. }, Some(text)) => match nearest(text, words.iter().map(String::as_str)) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("write {}", self.words(what)),
            },
            (Type::Scalar(kind), text) => values::help(*kind, key, &shortened(text.unwrap_or("…"))),
            (Type::Map(_) | Type::Named(_), _) if node.is_list() => {
                "remove the `- ` before its keys: it is one map".to_owned()
            }
            (Type::Map(_) | Type::Named(_), _) => format!("write its keys below `{key}:`, indented"),
            _ => format!("write {}", self.words(what)),
        };
        let message = format!("expected {}, found {found}", self.words(what));
        self.add(Fault::WrongType, node.at(), &message, label, help);
    }

    fn empty_item(&mut self, node: &Node) {
        let key = self.path.last().map_or("", |(below, _)| below.name());
        let message = format!("an item of `{key}` has no value");
        let help = "write its keys after the `-`, or remove it".to_owned();
        self.add(Fault::WrongType, node.at(), &message, "nothing stands here".to_owned(), help);
    }

    fn words(&self, what: &Type) -> String {
        match self.table.resolve(what) {
            Type::Any => "a value".to_owned(),
            Type::Nothing => "nothing".to_owned(),
            Type::Scalar(kind) => values::wanted(*kind).to_owned(),
            Type::Word { words, .. } => {
                let words: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
                format!("one of {}", words.join(", "))
            }
            Type::List(_) => "a list".to_owned(),
            Type::Map(_) | Type::Named(_) => "a map".to_owned(),
            Type::Either(ways) => {
                let mut words: Vec<String> = Vec::new();
                let said = ways.iter().filter(|way| **way != Type::Nothing);
                for way in said.map(|way| self.words(way)) {
                    if !words.contains(&way) {
                        words.push(way);
                    }
                }
                words.join(" or ")
            }
        }
    }
}

/// The key that a map stands behind, or the first line of it where it is an item of a list.
fn place_of_map(node: &Node) -> At {
    node.key().or_else(|| Some(node.entries().first()?.0.at.clone())).unwrap_or_else(|| node.at())
}

fn found(node: &Node) -> String {
    match node.text() {
        Some(text) if node.is_quoted() => format!("the text `{}`", shortened(text)),
        Some(text) => format!("`{}`", shortened(text)),
        None if node.is_list() => "a list".to_owned(),
        None => "a map".to_owned(),
    }
}

/// Whether a tag stands before the value: `!reset`, `!!str`.
fn is_tagged(node: &Node) -> bool {
    let text = &node.document().source.text;
    let start = node.at().range.start;
    // Where nothing is written the place is that of the key, and the tag comes after it.
    if node.is_nothing() {
        return text
            .get(start..)
            .and_then(|rest| rest.lines().next())
            .is_some_and(|line| line.contains(" !"));
    }
    let before = text.get(..start).unwrap_or_default().trim_end();
    before.rsplit(|c: char| c.is_whitespace()).next().is_some_and(|word| word.starts_with('!'))
}

/// A letter too many, too few, another, or two in the wrong order.
fn differ_in_one_place(one: &str, other: &str) -> bool {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    let same_start = one.iter().zip(&other).take_while(|(a, b)| a == b).count();
    let same_end = one.iter().rev().zip(other.iter().rev()).take_while(|(a, b)| a == b).count();
    let (shorter, longer) = (one.len().min(other.len()), one.len().max(other.len()));
    let is_swap = longer == shorter && same_start + same_end + 2 >= longer;
    longer - shorter <= 1
        && (same_start + same_end >= shorter.saturating_sub(usize::from(longer == shorter)) || is_swap)
}

#[cfg(test)]
mod tests {
    use super::super::Form;
    use super::*;
    use crate::source::SourceFile;

    /// Each misfit as `line:column message (help)`.
    fn found_in(form: Form, text: &str) -> Vec<String> {
        let (document, _) = Document::yaml(SourceFile::new("x.yml", text));
        let place = |at: &At| {
            let (line, column) = document.source.line_column(at.range.start);
            format!("{line}:{column}")
        };
        form.misfits(&document, true)
            .iter()
            .map(|one| {
                let message = one.message.split(": ").next().unwrap_or_default();
                format!("{} {message} ({})", place(&one.at), one.help)
            })
            .collect()
    }

    #[test]
    fn a_pattern_of_files_is_held_to_what_its_program_takes() {
        let star = "`*` can only stand in the name of a file, not in that of a folder (write a line for each folder)";
        for key in ["rule_files", "scrape_config_files"] {
            let folders = found_in(Form::Prometheus, &format!("{key}: [rules/*/a.yml, rules/*.yml]\n"));
            assert_eq!(folders, [format!("1:{} {star}", key.len() + 10)]);
        }
        let lists = [
            (Form::Prometheus, "rule_files"),
            (Form::Alertmanager, "templates"),
            (Form::RuleTests, "rule_files"),
        ];
        for (form, key) in lists {
            let found = found_in(form, &format!("{key}: ['a/[b.yml', 'a/[b]*.yml']\n"));
            assert!(
                found.iter().any(|one| one.contains("the pattern of files is broken")),
                "{form:?}: {found:?}"
            );
        }
        let elsewhere = found_in(Form::RuleTests, "rule_files: [rules/*/a.yml]\ntests: []\n");
        assert_eq!(elsewhere, Vec::<String>::new());
    }

    #[test]
    fn a_key_at_the_wrong_place_is_told_where_it_belongs() {
        let rule = "groups:\n- name: a\n  rules:\n  - alert: X\n    expr: up\n    severity: page\n    annotation: {}\n    interval: 1m\n";
        assert_eq!(
            found_in(Form::Rules, rule),
            [
                "6:5 unknown key `severity` (it belongs under `labels:`: write `labels: {severity: …}`)",
                "7:5 unknown key `annotation` (did you mean `annotations`?)",
                "8:5 unknown key `interval` (it belongs 1 level further out: check the indentation)",
            ]
        );
        let pasted = "alerting:\n  alertmanagers:\n  - job_name: x\n    module: [http]\n";
        assert_eq!(
            found_in(Form::Prometheus, pasted),
            [
                "3:5 unknown key `job_name` (it belongs under `scrape_configs:`)",
                "4:5 unknown key `module` (remove it)",
            ]
            .map(|line| line.replace("(remove it)", "(remove it: no version of Prometheus has it)"))
        );
    }

    #[test]
    fn a_value_of_another_kind_is_told_what_is_wanted() {
        let text = "global: {scrape_interval: 15 s, external_labels: [a]}\nscrape_configs:\n  job_name: x\n  sample_limit: -1\nrule_files: rules.yml\n";
        assert_eq!(
            found_in(Form::Prometheus, text),
            [
                "1:27 expected a duration such as `15s`, found `15 s` (write whole numbers with their units, the large ones first: `15s`, `1h30m`)",
                "1:50 expected a map, found a list (remove the `- ` before its keys: it is one map)",
                "3:3 expected a list, found a map (begin each of its items with `- `)",
                "5:13 expected a list, found `rules.yml` (write it as a list: `rule_files: [rules.yml]`)",
            ]
        );
    }

    #[test]
    fn what_is_needed_and_what_excludes_each_other_is_said_at_the_entry() {
        let text = "groups:\n- name: a\n  rules:\n  - {alert: A, record: b, expr: up}\n  - labels: {}\n";
        assert_eq!(
            found_in(Form::Rules, text),
            [
                "4:16 `alert` and `record` exclude each other (keep one of them; two entries where both are meant)",
                "5:5 missing key `expr` (add `expr: …`)",
                "5:5 neither `alert` nor `record` is written (add `alert` or `record`)",
            ]
        );
    }

    #[test]
    fn holes_tags_merges_and_what_only_others_know_are_not_judged() {
        let compose = "x-a: &a {restart: always, x-b: 1}\nservices:\n  p: {<<: *a, image: \"p:1\", ports: !reset [], cpus: \"${N}\", init: \"$B\", mem_limit: 1g}\n";
        assert_eq!(found_in(Form::Compose, compose), Vec::<String>::new());
        let (document, _) =
            Document::yaml(SourceFile::new("x.yml", "groups: [{name: a, concurrency: 2, rules: []}]\n"));
        assert_eq!(Form::Rules.misfits(&document, false).len(), 0);
        assert_eq!(Form::Rules.misfits(&document, true).len(), 1);
    }

    #[test]
    fn names_given_twice_times_that_end_first_and_keys_that_an_action_does_not_read_are_told() {
        let intervals = "route: {receiver: a, group_by: [\"\"]}\nreceivers: [{name: a}]\ntime_intervals:\n- {name: t}\n- {name: t, time_intervals: [{times: [{start_time: \"17:00\", end_time: \"08:00\"}]}]}\n";
        let found: Vec<String> = found_in(Form::Alertmanager, intervals);
        let begins: Vec<&str> = found.iter().filter_map(|line| line.split(" (").next()).collect();
        assert_eq!(
            begins,
            [
                "1:33 expected the name of a label, found the text ``",
                "5:71 `end_time` is not after `start_time`",
                "5:10 two of `time_intervals` have the name `t`",
            ]
        );
        let job = "scrape_configs:\n- job_name: x\n  authorization: {type: Basic}\n  relabel_configs:\n  - {action: labeldrop, regex: a, source_labels: [b], separator: ;}\n  - {action: hashmod, target_label: a, modulus: 0}\n";
        let found: Vec<String> = found_in(Form::Prometheus, job);
        let begins: Vec<&str> = found.iter().filter_map(|line| line.split(" (").next()).collect();
        assert_eq!(
            begins,
            [
                "3:25 `Basic` cannot stand in `type`",
                "5:35 `source_labels` and `action",
                "6:6 missing key `modulus`",
            ]
        );
    }

    #[test]
    fn of_a_file_that_was_not_read_to_its_end_nothing_is_missed() {
        assert_eq!(found_in(Form::Alertmanager, "route:\n  receiver: a\n  x: [\n").len(), 1);
        assert_eq!(found_in(Form::Alertmanager, "").len(), 2);
    }
}
