//! `${NAME:-default}` in compose files and `.env` files. Apart, because it is compose's own small language.

use std::collections::BTreeMap;

/// What `.env` sets. The environment of this process is not asked: the same folder says the same everywhere.
#[derive(Clone, Debug, Default)]
pub(super) struct Env(BTreeMap<String, String>);

impl Env {
    /// Reads the lines of a `.env` file; what is no assignment is passed over.
    pub(super) fn parse(text: &str) -> Env {
        let assignment = |line: &str| {
            let line = line.trim().trim_start_matches("export ");
            let (name, value) = line.split_once('=').filter(|_| !line.starts_with('#'))?;
            let value = value.trim();
            let quoted = ['"', '\'']
                .into_iter()
                .find_map(|quote| value.strip_prefix(quote)?.split_once(quote).map(|(inside, _)| inside));
            let plain = || value.split(" #").next().unwrap_or_default().trim();
            Some((name.trim().to_owned(), quoted.unwrap_or_else(plain).to_owned()))
        };
        Env(text.lines().filter_map(assignment).collect())
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
                let end = after.find(|c: char| c != '_' && !c.is_ascii_alphanumeric()).unwrap_or(after.len());
                let (name, next) = after.split_at(end);
                match self.0.get(name) {
                    _ if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) => {
                        expanded.push('$');
                        expanded.push_str(name);
                    }
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
        let end = inside.find(|c: char| c != '_' && !c.is_ascii_alphanumeric()).unwrap_or(inside.len());
        let (name, operation) = inside.split_at(end);
        let value = self.0.get(name);
        let filled = value.filter(|value| !value.is_empty());
        let nested =
            |text: &str| if depth < 8 { self.expand_nested(text, depth + 1) } else { text.to_owned() };
        let unset = || format!("${{{name}}}");
        let of = |known: Option<&String>, other: &str| known.cloned().unwrap_or_else(|| nested(other));
        match operation.split_at(operation.len().min(2)) {
            ("" | ":?", _) => value.cloned().unwrap_or_else(unset),
            (":-", default) => of(filled, default),
            (":+", other) => filled.map(|_| nested(other)).unwrap_or_default(),
            _ if operation.starts_with('-') => of(value, &operation[1..]),
            _ if operation.starts_with('+') => value.map(|_| nested(&operation[1..])).unwrap_or_default(),
            _ => value.cloned().unwrap_or_else(unset),
        }
    }
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
        let env = Env::parse("# x\nA=one\nB=\"two words\" # c\nexport C='3' \nEMPTY=\nD=4 # d\n");
        for (text, expected) in [
            ("$A/${B}", "one/two words"),
            ("${C}${D}", "34"),
            ("${X:-${A}x}", "onex"),
            ("${EMPTY:-d}|${EMPTY-d}", "d|"),
            ("${X}|$X|${X:?no}", "${X}|${X}|${X}"),
            ("${A:+set}|${X:+set}", "set|"),
            ("$$A|$1|a$|${", "$A|$1|a$|${"),
        ] {
            assert_eq!(env.expand(text), expected, "{text}");
        }
    }
}
