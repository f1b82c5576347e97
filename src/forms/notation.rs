//! How a form is written down, and what comes of reading it.
//!
//! A file has sections, and a section has keys; `file` is what stands at the top. Behind a key stands what its value is:
//!
//! - a name of a section, or of a line of `(kinds)`;
//! - one of the words of [`Scalar`], `any`, or `word a, b` for one of some words (`any-case word a, b`);
//! - `list of …`, `map of …`, or several of all these with ` or ` between them.
//!
//! After it, behind semicolons: `since 3.8` or `until 3.0` (the versions of the program that know the key), `in some builds`,
//! `of Thanos` (another program knows it), and `such as a, b` (keys of the map that are often written beside it instead);
//! `needed unless KEY is a, b`, `needed where KEY is a, b` and `not where KEY is a, b`; `default x` (this value is as good as none);
//! `never a, b (what to write)` (words that are refused, or keys of the map; also `never in any case a, b`) and `in any case` (keys of the map that
//! differ in capitals alone are one).
//!
//! A key with `!` is needed. `x-*` stands for all keys that begin so, `*` for all. In parentheses stands what is no key:
//! `(as in)` takes over the keys of other sections, `(at most one of)`, `(exactly one of)` and `(at least one of)` are lists of
//! keys with ` | ` between them; in `(goes with)` the first one needs one of the others, the lists of `(not empty)` need an item, of
//! those of `(in order)` the first comes before the second; what `(each once)` leads to, as `list.key` or as the list itself, is written once in all
//! of them; `(program)` is who reads the file, `(items)` says that each
//! item of a list of maps must have a value, `(keys)` that each key must have one where `nothing` is no way to write it, `(sections of)` another file whose sections are known too.
//! Those of `shared.yml` are known everywhere.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::scalar::Scalar;

/// One form, as it was read.
#[derive(Debug, Default)]
pub struct Table {
    /// Who reads such files.
    pub program: String,
    /// Whether an item of a list of maps must have a value.
    pub(super) wants_items: bool,
    /// Whether a key without a value is refused where `nothing` is none of its ways.
    pub(super) wants_values: bool,
    sections: BTreeMap<&'static str, Written>,
    kinds: BTreeMap<String, Type>,
}

/// A section as it stands in the file. It is read where something of its kind is met: most are of what nobody uses.
#[derive(Debug)]
struct Written {
    text: &'static RawValue,
    read: OnceLock<Section>,
}

impl Written {
    /// Without what it takes over.
    fn section(&self, name: &str) -> Section {
        Section::read(self.text).unwrap_or_else(|error| panic!("bug: the section `{name}`: {error}"))
    }
}

/// A map with known keys.
#[derive(Clone, Debug, Default)]
pub struct Section {
    pub keys: BTreeMap<String, Key>,
    /// Beginnings of keys that are taken whatever follows.
    pub prefixes: Vec<String>,
    /// Groups of keys of which at least so many, and at most so many, may be written.
    pub(super) choices: Vec<Choice>,
    /// Keys of which the first one is only read together with one of the others.
    pub(super) companions: Vec<Vec<String>>,
    /// Lists that must not be empty.
    pub(super) filled: Vec<String>,
    /// Two keys of which the first comes before the second.
    pub(super) ordered: Vec<Vec<String>>,
    /// Lists, or keys of what is in them, whose values all differ.
    pub(super) distinct: Vec<Vec<String>>,
    /// Those that are needed, always or with what others say.
    pub(super) wanted: Vec<String>,
    takes_over: Vec<String>,
}

#[derive(Clone, Debug)]
pub struct Key {
    pub what: Type,
    pub is_needed: bool,
    pub reader: Reader,
    /// Keys of the map that stands here, which people write beside it.
    pub such_as: Vec<String>,
    /// What another key says where this one is not needed, though others are.
    pub(super) needed_unless: Option<Condition>,
    pub(super) needed_where: Option<Condition>,
    pub(super) refused_where: Option<Condition>,
    /// A value that is as good as none.
    pub(super) default: Option<String>,
    pub(super) never: Option<Never>,
    /// Whether keys of the map are one where they differ in capitals alone.
    pub(super) is_caseless: bool,
}

/// Words, or keys of the map, that are refused.
#[derive(Clone, Debug)]
pub(super) struct Never {
    pub(super) words: Vec<String>,
    pub(super) any_case: bool,
    pub(super) instead: String,
}

impl Never {
    fn read(text: &str) -> Option<Never> {
        let (words, instead) = text.strip_suffix(')')?.split_once(" (")?;
        let (any_case, words) =
            words.strip_prefix("in any case ").map_or((false, words), |words| (true, words));
        let words = listed(words).iter().map(|word| word.trim_matches('"').to_owned()).collect();
        Some(Never { words, any_case, instead: instead.to_owned() })
    }

    pub(super) fn has(&self, word: &str) -> bool {
        self.words.iter().any(|one| if self.any_case { one.eq_ignore_ascii_case(word) } else { one == word })
    }
}

/// That another key says one of some words.
#[derive(Clone, Debug)]
pub(super) struct Condition {
    pub(super) key: String,
    pub(super) words: Vec<String>,
}

impl Condition {
    fn read(text: &str) -> Option<Condition> {
        let (key, words) = text.split_once(" is ")?;
        Some(Condition { key: key.to_owned(), words: listed(words) })
    }
}

fn listed(words: &str) -> Vec<String> {
    words.split(", ").map(str::to_owned).collect()
}

/// Who knows a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reader {
    All,
    Since(String),
    Until(String),
    SomeBuilds,
    /// Another program that reads such files too.
    Other(String),
}

#[derive(Clone, Debug)]
pub(super) struct Choice {
    pub(super) keys: Vec<String>,
    pub(super) needs_one: bool,
    pub(super) excludes: bool,
}

/// A file of the folder: what stands behind each name at its top.
pub(super) type Data = BTreeMap<&'static str, &'static RawValue>;

/// The keys that lead to a section, and itself.
pub(super) type Path<'a> = (Vec<&'a str>, &'a Section);

/// What a value is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Type {
    Any,
    Nothing,
    Scalar(Scalar),
    Word {
        words: Vec<String>,
        any_case: bool,
    },
    List(Box<Type>),
    Map(Box<Type>),
    /// A section or a kind.
    Named(String),
    Either(Vec<Type>),
}

impl Type {
    fn read(text: &str) -> Type {
        let ways: Vec<&str> = text.split(" or ").collect();
        if ways.len() > 1 {
            return Type::Either(ways.into_iter().map(Type::read).collect());
        }
        let text = text.trim();
        if let Some(item) = text.strip_prefix("list of ") {
            return Type::List(Box::new(Type::read(item)));
        }
        if let Some(value) = text.strip_prefix("map of ") {
            return Type::Map(Box::new(Type::read(value)));
        }
        for (start, any_case) in [("word ", false), ("any-case word ", true)] {
            if let Some(words) = text.strip_prefix(start) {
                return Type::Word { words: words.split(", ").map(str::to_owned).collect(), any_case };
            }
        }
        match Scalar::named(text) {
            Some(scalar) => Type::Scalar(scalar),
            None if text == "any" => Type::Any,
            None if text == "nothing" => Type::Nothing,
            None => Type::Named(text.to_owned()),
        }
    }

    fn names<'a>(&'a self, found: &mut Vec<&'a str>) {
        match self {
            Type::Named(name) => found.push(name),
            Type::List(inside) | Type::Map(inside) => inside.names(found),
            Type::Either(ways) => ways.iter().for_each(|way| way.names(found)),
            Type::Any | Type::Nothing | Type::Scalar(_) | Type::Word { .. } => {}
        }
    }
}

impl Key {
    fn read(text: &str, is_needed: bool) -> Key {
        let mut parts = text.split("; ");
        let what = Type::read(parts.next().unwrap_or_default());
        let mut key = Key {
            what,
            is_needed,
            reader: Reader::All,
            such_as: Vec::new(),
            needed_unless: None,
            needed_where: None,
            refused_where: None,
            default: None,
            never: None,
            is_caseless: false,
        };
        for part in parts {
            if let Some(words) = part.strip_prefix("such as ") {
                key.such_as = listed(words);
            } else if let Some(condition) = part.strip_prefix("needed unless ") {
                key.needed_unless = Condition::read(condition);
            } else if let Some(condition) = part.strip_prefix("needed where ") {
                key.needed_where = Condition::read(condition);
            } else if let Some(condition) = part.strip_prefix("not where ") {
                key.refused_where = Condition::read(condition);
            } else if let Some(value) = part.strip_prefix("default ") {
                key.default = Some(value.trim_matches('"').to_owned());
            } else if let Some(never) = part.strip_prefix("never ") {
                key.never = Never::read(never);
            } else if part == "in any case" {
                key.is_caseless = true;
            } else if let Some(version) = part.strip_prefix("since ") {
                key.reader = Reader::Since(version.to_owned());
            } else if let Some(version) = part.strip_prefix("until ") {
                key.reader = Reader::Until(version.to_owned());
            } else if let Some(program) = part.strip_prefix("of ") {
                key.reader = Reader::Other(program.to_owned());
            } else {
                key.reader = Reader::SomeBuilds;
            }
        }
        key
    }
}

impl Key {
    fn may_be_needed(&self) -> bool {
        self.is_needed || self.needed_unless.is_some() || self.needed_where.is_some()
    }

    pub(super) fn is_default(&self, text: &str) -> bool {
        self.default.as_deref() == Some(text)
    }
}

impl Table {
    /// `read` gives what a file of this folder says.
    pub(super) fn read(file: &str, read: impl Fn(&str) -> Data) -> Result<Table, String> {
        let mut table = Table::default();
        let own = read(file);
        let other_file = own.get("(sections of)").map(|file| inside::<String>(file)).transpose()?;
        // The sections of the file come after the shared ones.
        table.add(read("shared.yml"))?;
        table.add(own)?;
        // Only the file's own form counts: what an other file says of the top of it does not.
        if let Some(base) = other_file {
            let base = Table::read(&base, read)?;
            let has_own = |name: &str| name == "file";
            table.sections.extend(base.sections.into_iter().filter(|(name, _)| !has_own(name)));
            table.kinds.extend(base.kinds);
        }
        Ok(table)
    }

    fn add(&mut self, data: Data) -> Result<(), String> {
        for (name, value) in data {
            match name {
                "(program)" => self.program = inside(value)?,
                "(sections of)" => {}
                "(items)" => self.wants_items = true,
                "(keys)" => self.wants_values = true,
                "(kinds)" => {
                    for (name, what) in inside::<BTreeMap<String, String>>(value)? {
                        self.kinds.insert(name, Type::read(&what));
                    }
                }
                _ => {
                    self.sections.insert(name, Written { text: value, read: OnceLock::new() });
                }
            }
        }
        Ok(())
    }

    pub fn section(&self, name: &str) -> Option<&Section> {
        let written = self.sections.get(name)?;
        Some(written.read.get_or_init(|| {
            let mut section = written.section(name);
            for name in std::mem::take(&mut section.takes_over) {
                let other = self.sections.get(name.as_str()).map(|other| other.section(&name));
                section.take_over(&other.unwrap_or_else(|| panic!("bug: there is no `{name}` to take over")));
            }
            let wanted = section.keys.iter().filter(|(_, key)| key.may_be_needed());
            section.wanted = wanted.map(|(name, _)| name.clone()).collect();
            section
        }))
    }

    #[cfg(test)]
    fn all_sections(&self) -> impl Iterator<Item = &Section> {
        self.sections.keys().filter_map(|name| self.section(name))
    }

    /// What a type is behind its name. A section is its own.
    pub fn resolve<'a>(&'a self, what: &'a Type) -> &'a Type {
        match what {
            Type::Named(name) => self.kinds.get(name).map_or(what, |kind| self.resolve(kind)),
            _ => what,
        }
    }

    /// Whether nothing may stand where this is wanted.
    pub(super) fn takes_nothing(&self, what: &Type) -> bool {
        match self.resolve(what) {
            Type::Any | Type::Nothing => true,
            // Nothing is an empty name.
            Type::Scalar(Scalar::LabelName) => false,
            Type::Either(ways) => ways.iter().any(|way| self.takes_nothing(way)),
            _ => !self.wants_values,
        }
    }

    /// All sections that something in the file may be, each with the shortest way there.
    pub(super) fn paths(&self) -> Vec<Path<'_>> {
        let mut found: Vec<Path<'_>> = Vec::new();
        let mut seen = BTreeSet::new();
        let mut next = vec![(Vec::new(), Type::Named("file".to_owned()))];
        while !next.is_empty() {
            let mut below = Vec::new();
            for (path, what) in next {
                for name in self.sections_in(&what) {
                    let (Some(section), true) = (self.section(name), seen.insert(name)) else {
                        continue;
                    };
                    for (key, known) in &section.keys {
                        let mut path: Vec<&str> = path.clone();
                        path.push(key);
                        below.push((path, known.what.clone()));
                    }
                    found.push((path.clone(), section));
                }
            }
            next = below;
        }
        found
    }

    /// The sections that may stand in a value.
    pub(super) fn inside(&self, what: &Type) -> Vec<&Section> {
        self.sections_in(what).into_iter().filter_map(|name| self.section(name)).collect()
    }

    fn sections_in(&self, what: &Type) -> Vec<&str> {
        let mut names = Vec::new();
        what.names(&mut names);
        let mut found = Vec::new();
        for name in names {
            match (self.kinds.get_key_value(name), self.sections.get_key_value(name)) {
                (Some((_, kind)), _) => found.extend(self.sections_in(kind)),
                (None, Some((name, _))) => found.push(*name),
                (None, None) => {}
            }
        }
        found
    }

    /// Names that nothing stands behind.
    #[cfg(test)]
    pub(super) fn undefined(&self) -> Vec<String> {
        let mut names = vec!["file"];
        let keys = self.all_sections().flat_map(|section| section.keys.values()).map(|key| &key.what);
        keys.chain(self.kinds.values()).for_each(|what| what.names(&mut names));
        let is_there = |name: &&str| self.kinds.contains_key(*name) || self.sections.contains_key(*name);
        names.into_iter().filter(|name| !is_there(name)).map(str::to_owned).collect()
    }

    /// Groups that name what is no key.
    #[cfg(test)]
    pub(super) fn unused(&self) -> Vec<String> {
        self.all_sections()
            .flat_map(|section| {
                let choices = section.choices.iter().map(|choice| &choice.keys);
                let roads = section.distinct.iter().flatten().filter_map(|road| road.split('.').next());
                let keys = choices.chain(&section.companions).chain(&section.ordered).flatten();
                let keys = keys.chain(&section.filled).map(String::as_str).chain(roads);
                keys.filter(|key| !section.keys.contains_key(*key)).map(str::to_owned)
            })
            .collect()
    }
}

/// What stands in a data file.
fn inside<T: Deserialize<'static>>(written: &'static RawValue) -> Result<T, String> {
    serde_json::from_str(written.get()).map_err(|error| error.to_string())
}

impl Section {
    fn read(written: &'static RawValue) -> Result<Section, String> {
        let mut section = Section::default();
        for (name, value) in &inside::<Map<String, Value>>(written)? {
            let listed = || -> Vec<String> {
                match value {
                    Value::String(one) => vec![one.clone()],
                    Value::Array(all) => all.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
                    _ => Vec::new(),
                }
            };
            let groups = || -> Vec<Vec<String>> {
                listed().iter().map(|text| text.split(" | ").map(str::to_owned).collect()).collect()
            };
            let choice = |needs_one: bool, excludes: bool| -> Vec<Choice> {
                groups().into_iter().map(|keys| Choice { keys, needs_one, excludes }).collect()
            };
            match name.as_str() {
                "(as in)" => section.takes_over = listed(),
                "(at most one of)" => section.choices.extend(choice(false, true)),
                "(exactly one of)" => section.choices.extend(choice(true, true)),
                "(at least one of)" => section.choices.extend(choice(true, false)),
                "(not empty)" => section.filled = listed(),
                "(goes with)" => section.companions.extend(groups()),
                "(in order)" => section.ordered = groups(),
                "(each once)" => section.distinct = groups(),
                name if name.starts_with('(') => return Err(format!("what is `{name}`?")),
                name => {
                    let Some(text) = value.as_str() else { return Err(format!("`{name}` says nothing")) };
                    if let Some(prefix) = name.strip_suffix('*') {
                        section.prefixes.push(prefix.to_owned());
                        continue;
                    }
                    let plain = name.strip_suffix('!');
                    section.keys.insert(plain.unwrap_or(name).to_owned(), Key::read(text, plain.is_some()));
                }
            }
        }
        Ok(section)
    }

    fn take_over(&mut self, other: &Section) {
        for (name, key) in &other.keys {
            self.keys.entry(name.clone()).or_insert_with(|| key.clone());
        }
        self.prefixes.extend(other.prefixes.iter().cloned());
        self.choices.extend(other.choices.iter().cloned());
        self.companions.extend(other.companions.iter().cloned());
        self.filled.extend(other.filled.iter().cloned());
        self.ordered.extend(other.ordered.iter().cloned());
        self.distinct.extend(other.distinct.iter().cloned());
    }

    /// Whether a key is as good as not written.
    pub(super) fn is_default(&self, key: &str, text: &str) -> bool {
        self.keys.get(key).is_some_and(|key| key.is_default(text))
    }

    /// Groups of keys of which one must be written.
    pub fn groups(&self) -> impl Iterator<Item = Vec<&str>> {
        let needing = self.choices.iter().filter(|choice| choice.needs_one);
        needing.map(|choice| choice.keys.iter().map(String::as_str).collect())
    }

    /// Whether at most one of the two may be written.
    pub fn excludes(&self, one: &str, other: &str) -> bool {
        let has = |choice: &Choice, key: &str| choice.keys.iter().any(|known| known == key);
        one != other
            && self.choices.iter().any(|choice| choice.excludes && has(choice, one) && has(choice, other))
    }

    /// Keys that have to stand beside one.
    pub fn companion(&self, key: &str) -> impl Iterator<Item = &str> {
        let of = self.companions.iter().filter(move |keys| keys.first().is_some_and(|first| first == key));
        of.filter_map(|keys| keys.get(1).map(String::as_str))
    }

    /// Whether the file is refused where the key is not written, alone or with others that would do.
    pub(super) fn needs(&self, key: &str) -> bool {
        self.keys.get(key).is_some_and(|known| known.is_needed)
            || self.choices.iter().any(|choice| choice.needs_one && choice.keys.iter().any(|one| one == key))
    }

    pub(super) fn takes(&self, key: &str) -> bool {
        self.prefixes.iter().any(|prefix| key.starts_with(prefix.as_str()))
    }
}
