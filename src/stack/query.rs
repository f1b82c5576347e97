//! An expression of PromQL as it stands in a rule or a panel: its text, what it means, and where each of its words is.

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use crate::artifacts::{GrafanaVariable, without_variables};
use crate::promql::{self, Expr};
use crate::source::{At, Node, Spanned};

/// An expression as it is written, and what it means.
#[derive(Debug)]
pub struct Query {
    pub text: Spanned<String>,
    /// All its lines; `text` stands at the first.
    whole: At,
    form: Form,
    /// `None` where the parser does not take it; the program may.
    tree: Option<Arc<Expr>>,
    /// Whether its labels prove nothing wrong: several checks ask.
    pub(super) fits: OnceLock<bool>,
}

/// What is done with the text before Prometheus sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// Nothing.
    Rule,
    /// Grafana puts values in it.
    Panel,
    /// `label_values(SELECTOR, label)`: Grafana asks for the selector.
    Variable,
}

impl Query {
    /// The expression of a rule.
    pub(super) fn of_rule(node: &Node) -> Option<Query> {
        Self::read(node, Form::Rule)
    }

    /// The expression of a panel.
    pub(super) fn of_panel(node: &Node) -> Option<Query> {
        Self::read(node, Form::Panel)
    }

    /// What a dashboard's variable takes its values from; `None` where it asks for no series.
    pub(super) fn of_variable(node: &Node) -> Option<Query> {
        let query = node.get("query")?;
        let query = Self::read(&query.get("query").unwrap_or(query), Form::Variable)?;
        selector(&query.text).is_some().then_some(query)
    }

    fn read(node: &Node, form: Form) -> Option<Query> {
        let text = node.value()?;
        let tree = parse(&text, form);
        Some(Query { text, whole: node.whole(), form, tree, fits: OnceLock::new() })
    }

    /// Whether it stands in a rule.
    pub fn is_of_rule(&self) -> bool {
        self.form == Form::Rule
    }

    /// Whether Grafana fills something in.
    pub fn has_variables(&self) -> bool {
        self.variables().next().is_some()
    }

    /// What Grafana fills in.
    pub fn variables(&self) -> impl Iterator<Item = GrafanaVariable<'_>> {
        let is_filled = self.form != Form::Rule;
        GrafanaVariable::all(if is_filled { &self.text.value } else { "" })
    }

    /// Whether a variable stands anywhere in it.
    pub fn mentions(&self, variable: &str) -> bool {
        self.variables().any(|one| one.name == variable)
    }

    /// What it means where a variable that is a label's whole value has this one. `None` where it stands nowhere so.
    pub fn filled(&self, variable: &str, value: &str) -> Option<Arc<Expr>> {
        let text = &self.text.value;
        let is_whole = |range: &Range<usize>| {
            let (before, after) = (&text[..range.start], &text[range.end..]);
            ['"', '\''].iter().any(|quote| before.ends_with(*quote) && after.starts_with(*quote))
        };
        let (mut filled, mut done) = (String::with_capacity(text.len()), 0);
        for one in self.variables().filter(|one| one.name == variable && is_whole(&one.range)) {
            if matches!(one.form, "" | ":regex" | ":pipe" | ":raw") {
                filled.push_str(&text[done..one.range.start]);
                filled.push_str(value);
                done = one.range.end;
            }
        }
        filled.push_str(&text[done..]);
        (done > 0).then(|| parse(&filled, self.form))?
    }

    /// `None` where the parser does not take it; the program may.
    pub fn tree(&self) -> Option<&Expr> {
        self.tree.as_deref()
    }

    /// The names of all series that it asks for.
    pub fn metrics(&self) -> impl Iterator<Item = &str> {
        self.tree().into_iter().flat_map(promql::selectors).filter_map(promql::metric)
    }

    /// Where a word of it stands first: a name, a function, a range, a number. Where it is written otherwise, the first line.
    pub fn at(&self, word: &str) -> At {
        self.find(word, 0)
    }

    /// Where the word stands that begins at this byte of the text. The file may have other spaces and escapes between the words.
    pub fn part(&self, word: &str, at: usize) -> At {
        let before = self.text.get(..at + word.len()).unwrap_or_default();
        self.find(word, places(before, word).count().saturating_sub(1))
    }

    fn find(&self, word: &str, turn: usize) -> At {
        let found = places(self.whole.text(), word).nth(turn);
        found.map_or_else(|| self.text.at.clone(), |start| self.whole.slice(start..start + word.len()))
    }
}

/// Where a word stands in a text, and is no part of a longer one.
fn places<'t>(written: &'t str, word: &'t str) -> impl Iterator<Item = usize> {
    let is_part =
        |byte: Option<&u8>| byte.is_some_and(|&byte| byte.is_ascii_alphanumeric() || b"_:.".contains(&byte));
    let ends = move |start: usize| {
        let (bytes, end) = (written.as_bytes(), start + word.len());
        let before = start.checked_sub(1).and_then(|at| bytes.get(at));
        let joins = |inside: Option<&u8>, outside: Option<&u8>| is_part(inside) && is_part(outside);
        !joins(bytes.get(start), before) && !joins(bytes.get(end - 1), bytes.get(end))
    };
    written.match_indices(word).map(|(start, _)| start).filter(move |start| !word.is_empty() && ends(*start))
}

fn parse(text: &str, form: Form) -> Option<Arc<Expr>> {
    match form {
        Form::Rule => promql::tree(text),
        Form::Panel => promql::tree(&without_variables(text)),
        Form::Variable => promql::tree(&without_variables(selector(text)?)),
    }
}

/// The selector in `label_values(SELECTOR, label)`; other kinds of query name no series.
fn selector(query: &str) -> Option<&str> {
    let inside = query.trim().strip_prefix("label_values(")?.strip_suffix(')')?;
    Some(inside.rsplit_once(',')?.0.trim())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{Document, SourceFile};

    #[test]
    fn a_word_of_an_expression_is_found_in_every_form_of_a_text() {
        for text in [
            "expr: rate(x_total[5m]) / x > 2\n",
            "expr: |\n  rate(x_total[5m])\n    / x\n  > 2\n",
            "expr: >-\n  rate(x_total[5m])\n\n  / x > 2\n",
            "expr: \"rate(x_total[5m]) / x > 2\"\n",
        ] {
            let root = Document::yaml(SourceFile::new("x.yml", text)).0.root();
            let query = Query::of_rule(&root.get("expr").expect("is there")).expect("is a text");
            assert!(query.tree().is_some());
            assert_eq!(query.at("x").range.start, text.find(" x").expect("is there") + 1, "{text}");
            assert_eq!(query.at("[5m]").text(), "[5m]");
            assert_eq!(query.at("x_total").range.start, text.find("x_total").expect("is there"));
            // What does not stand there as it is.
            assert_eq!(query.at("total").range, query.text.at.range);
            assert_eq!(query.at("").range, query.text.at.range);
        }
    }
}
