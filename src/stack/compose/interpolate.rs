//! `${NAME:-default}` in compose files and in the files of variables beside them. Apart, because it is compose's own small
//! language.

use std::collections::BTreeMap;
use std::ops::Range;

use super::dotenv;

/// What `.env` sets. The environment of this process is not asked: the same folder says the same everywhere.
#[derive(Clone, Debug, Default)]
pub(super) struct Env(BTreeMap<String, String>);

/// One variable as it stands in a text.
#[derive(Debug, PartialEq, Eq)]
pub struct VariableUse {
    pub name: String,
    /// With its `$`, and its braces.
    pub range: Range<usize>,
    pub is_braced: bool,
    /// `:-x`, `:?x`, `+x`; empty where nothing stands after the name.
    pub operation: String,
}

impl Env {
    /// Reads a `.env` file; a later line may use an earlier one.
    pub(super) fn parse(text: &str) -> Env {
        let mut env = Env::default();
        for one in dotenv::parse(text) {
            let Some(value) = one.value else { continue };
            let value = if one.is_literal { value } else { env.expand(&value) };
            env.0.insert(one.name, value);
        }
        env
    }

    /// With what another file sets, where this one does not.
    #[must_use]
    pub(super) fn over(&self, text: &str) -> Env {
        let mut env = Env::parse(text);
        env.0.extend(self.0.clone());
        env
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Sets one more.
    pub(super) fn set(&mut self, name: &str, value: &str) {
        self.0.insert(name.to_owned(), value.to_owned());
    }

    /// The text as compose passes it on. A variable that nothing sets stays as `${NAME}`: who runs the stack may set it.
    pub(super) fn expand(&self, text: &str) -> String {
        self.expand_nested(text, 0)
    }

    fn expand_nested(&self, text: &str, depth: usize) -> String {
        let mut expanded = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('$') {
            expanded.push_str(before);
            if let Some(next) = after.strip_prefix('$') {
                expanded.push('$');
                rest = next;
            } else if let Some((inside, next)) = after.strip_prefix('{').and_then(split_at_closing) {
                expanded.push_str(&self.braced(inside, depth));
                rest = next;
            } else {
                let (name, next) = after.split_at(name_length(after));
                match self.0.get(name) {
                    _ if name.is_empty() => expanded.push('$'),
                    Some(value) => expanded.push_str(value),
                    None => expanded.push_str(&format!("${{{name}}}")),
                }
                rest = next;
            }
        }
        expanded.push_str(rest);
        expanded
    }

    fn braced(&self, inside: &str, depth: usize) -> String {
        let (name, operation) = inside.split_at(name_length(inside));
        let value = self.0.get(name);
        let filled = value.filter(|value| !value.is_empty());
        let nested =
            |text: &str| if depth < 8 { self.expand_nested(text, depth + 1) } else { text.to_owned() };
        let unset = || format!("${{{name}}}");
        let of = |known: Option<&String>, other: &str| known.cloned().unwrap_or_else(|| nested(other));
        match operation.split_at_checked(2).unwrap_or((operation, "")) {
            ("" | ":?", _) => value.cloned().unwrap_or_else(unset),
            (":-", default) => of(filled, default),
            (":+", other) => filled.map(|_| nested(other)).unwrap_or_default(),
            _ if operation.starts_with('-') => of(value, &operation[1..]),
            _ if operation.starts_with('+') => value.map(|_| nested(&operation[1..])).unwrap_or_default(),
            _ => value.cloned().unwrap_or_else(unset),
        }
    }
}

/// The files that `COMPOSE_FILE` in `.env` makes the project of.
pub(in crate::stack) fn chosen(env: &str) -> Option<Vec<String>> {
    let env = Env::parse(env);
    let separator = env.get("COMPOSE_PATH_SEPARATOR").filter(|text| !text.is_empty()).unwrap_or(":");
    let files: Vec<String> = env.get("COMPOSE_FILE")?.split(separator).map(str::to_owned).collect();
    Some(files).filter(|files| files.iter().all(|file| !file.is_empty()))
}

/// All variables of a text, those in the defaults of others too.
pub(super) fn uses(text: &str) -> Vec<VariableUse> {
    let mut found = Vec::new();
    collect(text, 0, 0, &mut found);
    found
}

fn collect(text: &str, offset: usize, depth: usize, found: &mut Vec<VariableUse>) {
    let mut at = 0;
    while let Some(dollar) = text[at..].find('$').map(|length| at + length) {
        let after = &text[dollar + 1..];
        if after.starts_with('$') {
            at = dollar + 2;
            continue;
        }
        let braced = after.strip_prefix('{').and_then(split_at_closing).map(|(inside, _)| inside);
        let inside = braced.unwrap_or(&after[..name_length(after)]);
        let (name, operation) = inside.split_at(name_length(inside));
        let start = dollar + if braced.is_some() { 2 } else { 1 };
        if depth < 8 {
            collect(operation, offset + start + name.len(), depth + 1, found);
        }
        let end = start + inside.len() + usize::from(braced.is_some());
        if !name.is_empty() {
            found.push(VariableUse {
                name: name.to_owned(),
                range: offset + dollar..offset + end,
                is_braced: braced.is_some(),
                operation: operation.to_owned(),
            });
        }
        at = end.max(dollar + 1);
    }
}

/// How much of the text is the name of a variable.
fn name_length(text: &str) -> usize {
    if text.starts_with(|c: char| c.is_ascii_digit()) {
        return 0;
    }
    text.find(|c: char| c != '_' && !c.is_ascii_alphanumeric()).unwrap_or(text.len())
}

/// The inside of a brace that was opened before this text, and what comes after it.
fn split_at_closing(text: &str) -> Option<(&str, &str)> {
    let mut open = 1;
    for (at, letter) in text.char_indices() {
        match letter {
            '{' => open += 1,
            '}' => open -= 1,
            _ => {}
        }
        if open == 0 {
            return Some((&text[..at], &text[at + 1..]));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_is_what_compose_makes_of_it() {
        let env = Env::parse(
            "# x\nA=one\nB=\"two words\" # c\nexport C='3' \nEMPTY=\nD=4 # d\nE=${A}${D}\nF='$A'\n",
        );
        for (text, expected) in [
            ("$A/${B}", "one/two words"),
            ("${C}${D}", "34"),
            ("${X:-${A}x}", "onex"),
            ("${EMPTY:-d}|${EMPTY-d}", "d|"),
            ("${X}|$X|${X:?no}", "${X}|${X}|${X}"),
            ("${A:+set}|${X:+set}", "set|"),
            ("$$A|$1|a$|${", "$A|$1|a$|${"),
            ("$E|$F", "one4|$A"),
        ] {
            assert_eq!(env.expand(text), expected, "{text}");
        }
        assert_eq!(env.over("A=other\nZ=$A").expand("$A$Z"), "oneother");
    }

    #[test]
    fn every_variable_of_a_text_is_found_with_its_place() {
        let text = "a$$b $C ${D:-${E}} $2y$10$Fg. ${";
        let uses = uses(text);
        let said = |one| {
            let VariableUse { name, range, operation, .. }: &VariableUse = one;
            (name.as_str(), &text[range.clone()], operation.as_str())
        };
        let found: Vec<(&str, &str, &str)> = uses.iter().map(said).collect();
        let expected = [("C", "$C", ""), ("E", "${E}", ""), ("D", "${D:-${E}}", ":-${E}"), ("Fg", "$Fg", "")];
        assert_eq!(found, expected);
    }
}
