//! The templates of notifications: the fields of integrations, and the files that they may call.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use super::nodes::each_value;
use crate::diagnostics::Place;
use crate::gotemplate::{self, ALERTMANAGER, Fault, Kind, Template};
use crate::source::{Document, Spanned};
use crate::stack::{Alertmanager, Receiver, Stack};

/// One field of an integration that is a template.
pub(crate) struct Field<'a> {
    pub alertmanager: &'a Alertmanager,
    pub receiver: &'a Receiver,
    pub text: Spanned<String>,
    pub template: Template,
    pub fault: Option<Fault>,
}

/// Keys that Alertmanager takes as they stand, as it does what begins with `auth_` and ends with `_file`.
const PLAIN: [&str; 5] = ["api_url", "hello", "http_config", "smarthost", "tls_config"];

/// All fields with a template in them.
pub(crate) fn fields(stack: &Stack) -> Vec<Field<'_>> {
    let mut all = Vec::new();
    for (alertmanager, receiver, one) in stack.integrations() {
        each_value(&one.node, &mut |keys, node| {
            let text =
                node.value().filter(|text| text.contains("{{") && !keys.iter().any(|key| is_plain(key)));
            all.extend(text.map(|text| {
                let (template, fault) = gotemplate::read(&text, &ALERTMANAGER);
                Field { alertmanager, receiver, text, template, fault }
            }));
        });
    }
    all
}

fn is_plain(key: &str) -> bool {
    PLAIN.contains(&key) || key.starts_with("auth_") || key.ends_with("_file")
}

/// A file of templates.
pub(crate) struct File<'a> {
    pub document: &'a Arc<Document>,
    pub template: Template,
    pub fault: Option<Fault>,
}

impl File<'_> {
    pub(crate) fn place(&self, range: &Range<usize>) -> Place {
        self.document.at(range.clone()).place()
    }
}

/// The files that an Alertmanager reads; `None` where nobody can know which.
pub(crate) fn files(alertmanager: &Alertmanager) -> Option<Vec<File<'_>>> {
    let mut found: BTreeMap<&str, File<'_>> = BTreeMap::new();
    for pattern in &alertmanager.templates {
        for document in pattern.files.as_ref()? {
            let read = || {
                let (template, fault) = gotemplate::read(&document.source.text, &ALERTMANAGER);
                File { document, template, fault }
            };
            found.entry(document.name()).or_insert_with(read);
        }
    }
    Some(found.into_values().collect())
}

/// The names that a template calls, each with where.
pub(crate) fn calls(template: &Template) -> impl Iterator<Item = (&str, &Range<usize>)> {
    template.actions.iter().filter_map(|action| match &action.kind {
        Kind::Call(name) => Some((name.as_str(), &action.range)),
        _ => None,
    })
}
