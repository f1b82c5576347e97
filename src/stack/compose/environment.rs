//! The variables of a service: those of files, and those that are listed. Apart, because they come from files of another kind.

use std::sync::Arc;

use super::load::{Files, Missing, Piece};
use super::parts::{Origin, from_host};
use super::{Service, dotenv};
use crate::source::{Document, Spanned};
use crate::stack::folder::Kind;

/// One variable of a service's environment.
#[derive(Clone, Debug)]
pub struct Variable {
    pub name: Spanned<String>,
    /// `None`: taken over from whoever runs compose.
    pub value: Option<Spanned<String>>,
    /// It stands in an `env_file`, which many keep out of git.
    pub is_from_file: bool,
}

impl Service {
    /// Variables, those of files first: what is listed wins.
    pub(super) fn read_environment(&mut self, files: &mut dyn Files, missing: &mut Vec<Missing>) {
        let mut variables: Vec<Variable> = Vec::new();
        let mut add = |name: Spanned<String>, value: Option<Spanned<String>>, is_from_file: bool| {
            variables.retain(|known| known.name.value != name.value);
            variables.push(Variable { name, value, is_from_file });
        };
        for piece in self.all("env_file") {
            let items = if piece.node.is_list() { piece.node.items() } else { vec![piece.node.clone()] };
            for item in items {
                let Some(path) = item.value().or_else(|| item.get("path")?.value()) else { continue };
                let is_optional = item.get("required").is_some_and(|node| node.text() == Some("false"));
                let path = path.map(|text| piece.env.expand(&text));
                let Origin::Host(host) = from_host(&path, &piece.folder) else {
                    self.has_unread_variables = true;
                    continue;
                };
                let document = files.plain(&host);
                self.has_unread_variables |= document.is_none();
                match document {
                    Some(document) => {
                        for (name, value) in assigned(&document, &piece) {
                            add(name, value, true);
                        }
                    }
                    None if files.kind(&host) == Kind::Missing && !is_optional => {
                        missing.push(Missing { key: "env_file", path, host });
                    }
                    None => {}
                }
            }
        }
        for piece in self.all("environment") {
            for (name, value) in listed(&piece) {
                add(name, value, false);
            }
        }
        self.environment = variables;
    }
}

type Named = (Spanned<String>, Option<Spanned<String>>);

/// The variables of a file.
fn assigned(document: &Arc<Document>, piece: &Piece) -> Vec<Named> {
    let mut env = (*piece.env).clone();
    let read = |one: dotenv::Assignment| {
        let at = document.at(one.at);
        let value = match one.value {
            Some(value) if one.is_literal => Some(value),
            Some(value) => Some(env.expand(&value)),
            None => env.get(&one.name).map(str::to_owned),
        };
        if let Some(value) = &value {
            env.set(&one.name, value);
        }
        (Spanned::new(one.name, at.clone()), value.map(|value| Spanned::new(value, at)))
    };
    dotenv::parse(&document.source.text).into_iter().map(read).collect()
}

/// The variables of `environment`, as a map or as a list.
fn listed(piece: &Piece) -> Vec<Named> {
    let known = |name: &Spanned<String>| Some(Spanned::new(piece.env.get(name)?.to_owned(), name.at.clone()));
    let entries = piece.node.entries().into_iter().map(|(name, value)| {
        let value = value.value().map(|value| value.map(|text| piece.env.expand(&text)));
        let value = value.or_else(|| known(&name));
        (name, value)
    });
    let lines = piece.node.texts().into_iter().map(|line| {
        if let Some((name, value)) = line.split_once('=') {
            let value = Spanned::new(piece.env.expand(value), line.at.clone());
            return (Spanned::new(name.to_owned(), line.at.clone()), Some(value));
        }
        let value = known(&line);
        (line, value)
    });
    entries.chain(lines).collect()
}
