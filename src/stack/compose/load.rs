//! The files of one project: those that were named, what they include, and what their services extend. A service comes out as
//! pieces, the base first, each with the folder that its paths are relative to and the variables that it is read with.

use std::sync::Arc;

use super::interpolate::Env;
use super::parts::{Origin, from_host};
use crate::diagnostics::Diagnostic;
use crate::source::{Document, Node, Spanned};
use crate::stack::folder::{Kind, parent};

/// What the reading of a project asks of the folder.
pub(in crate::stack) trait Files {
    /// A file as YAML. What is wrong with it is said elsewhere.
    fn yaml(&mut self, path: &str) -> Option<Arc<Document>>;
    /// A file as it is.
    fn plain(&mut self, path: &str) -> Option<Arc<Document>>;
    fn kind(&self, path: &str) -> Kind;
}

/// Deeper than anybody includes or extends; a circle ends there.
const MAX_DEPTH: usize = 16;
/// More files than any project has: each may include the others.
const MAX_FILES: usize = 200;
/// More pieces than a service has: each may extend several times.
const MAX_PIECES: usize = 200;

/// What one file says of one thing.
#[derive(Clone, Debug)]
pub(super) struct Piece {
    pub(super) node: Node,
    pub(super) folder: Arc<str>,
    pub(super) env: Arc<Env>,
}

/// One file of a project.
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub(super) document: Arc<Document>,
    pub(super) folder: Arc<str>,
    pub(super) env: Arc<Env>,
}

/// A file that compose wants to read, and that is not there.
#[derive(Debug)]
pub struct Missing {
    /// `env_file`, `extends`, `include`.
    pub key: &'static str,
    pub path: Spanned<String>,
    /// Where it would be, relative to the stack's folder.
    pub host: String,
}

pub(super) struct Loader<'f> {
    pub(super) files: &'f mut dyn Files,
    pub(super) parts: Vec<Part>,
    pub(super) missing: Vec<Missing>,
    pub(super) notes: Vec<Diagnostic>,
    /// Whether something could not be read that may be there.
    pub(super) is_partial: bool,
}

impl Loader<'_> {
    /// Files that are read together, with what they include.
    pub(super) fn add(&mut self, documents: &[Arc<Document>], folder: &str, env: &Arc<Env>, depth: usize) {
        for document in documents {
            if self.parts.len() >= MAX_FILES {
                return;
            }
            let part =
                Part { document: Arc::clone(document), folder: Arc::from(folder), env: Arc::clone(env) };
            // What is included comes first: this file may add to it.
            let included = part.document.root().get("include").map(|node| node.items()).unwrap_or_default();
            for entry in included.iter().filter(|_| depth < MAX_DEPTH) {
                self.include(entry, &part, depth);
            }
            self.parts.push(part);
        }
    }

    fn include(&mut self, entry: &Node, part: &Part, depth: usize) {
        let paths = if entry.is_map() { entry.get("path").unwrap_or(entry.clone()) } else { entry.clone() };
        let mut documents = Vec::new();
        let mut folder = None;
        for path in paths.texts() {
            let path = path.map(|text| part.env.expand(&text));
            let Some(host) = self.file("include", &path, &part.folder) else { continue };
            folder.get_or_insert_with(|| parent(&host).to_owned());
            documents.extend(self.files.yaml(&host));
        }
        let own = |key: &str| entry.get(key).filter(|_| entry.is_map());
        let project = own("project_directory").and_then(|node| {
            let path = part.env.expand(node.text()?);
            match from_host(&path, &part.folder) {
                Origin::Host(host) => Some(host),
                _ => None,
            }
        });
        let Some(folder) = project.or(folder) else { return };
        let mut env = (*part.env).clone();
        let files = match own("env_file") {
            Some(node) => node.texts().iter().map(|path| self.file("include", path, &part.folder)).collect(),
            None => vec![crate::stack::join(&folder, ".env")],
        };
        for path in files.into_iter().flatten() {
            if let Some(document) = self.files.plain(&path) {
                env = env.over(&document.source.text);
            }
        }
        self.add(&documents, &folder, &Arc::new(env), depth + 1);
    }

    /// The path of a file that is there. What is elsewhere, or not there, is remembered.
    fn file(&mut self, key: &'static str, path: &Spanned<String>, folder: &str) -> Option<String> {
        if path.contains("://") || path.starts_with("git@") {
            let message = format!("`{path}` is not in this folder: what it brings is not looked at");
            self.notes.push(Diagnostic::note("not-read", message).at(path.place(), ""));
            self.is_partial = true;
            return None;
        }
        let Origin::Host(host) = from_host(path, folder) else {
            self.is_partial = true;
            return None;
        };
        match self.files.kind(&host) {
            Kind::Missing => {
                self.missing.push(Missing { key, path: path.clone(), host });
                None
            }
            Kind::File => Some(host),
            Kind::Folder | Kind::Unknown => {
                self.is_partial = true;
                None
            }
        }
    }

    /// Everything that is said of each service, in the order in which they are first named.
    pub(super) fn services(&mut self) -> Vec<(Spanned<String>, Vec<Piece>)> {
        let mut services: Vec<(Spanned<String>, Vec<Piece>)> = Vec::new();
        let mut known = std::collections::BTreeMap::new();
        for part in self.parts.clone() {
            for (name, node) in section(&part.document.root(), "services") {
                let mut pieces = Vec::new();
                self.extended(&node, &part, 0, &mut pieces);
                let at = *known.entry(name.value.clone()).or_insert(services.len());
                match services.get_mut(at) {
                    Some((_, all)) => all.extend(pieces),
                    None => services.push((name, pieces)),
                }
            }
        }
        services
    }

    /// A service with what it extends before it.
    fn extended(&mut self, node: &Node, part: &Part, depth: usize, pieces: &mut Vec<Piece>) {
        let base = node.get("extends").filter(|_| depth < MAX_DEPTH && pieces.len() < MAX_PIECES);
        if let Some(base) = base {
            self.base(&base, part, depth, pieces);
        }
        let Part { folder, env, .. } = part;
        pieces.push(Piece { node: node.clone(), folder: Arc::clone(folder), env: Arc::clone(env) });
    }

    fn base(&mut self, extends: &Node, part: &Part, depth: usize, pieces: &mut Vec<Piece>) {
        let Some(name) = extends.value().or_else(|| extends.get("service")?.value()) else { return };
        let mut of = part.clone();
        if let Some(path) = extends.get("file").and_then(|node| node.value()) {
            let path = path.map(|text| part.env.expand(&text));
            let Some(host) = self.file("extends", &path, &part.folder) else { return };
            let Some(document) = self.files.yaml(&host) else { return };
            of = Part { document, folder: Arc::from(parent(&host)), env: Arc::clone(&part.env) };
        }
        let here =
            |part: &Part| part.document.root().find(&["services", &name]).map(|node| (node, part.clone()));
        if let Some((base, of)) = here(&of).or_else(|| self.parts.iter().find_map(here)) {
            self.extended(&base, &of, depth + 1, pieces);
        }
    }
}

/// The entries of a map at the top.
pub(super) fn section(root: &Node, key: &str) -> Vec<(Spanned<String>, Node)> {
    root.get(key).map(|node| node.entries()).unwrap_or_default()
}

/// The files that a compose file brings along by name: they are no projects of their own.
pub(in crate::stack) fn brought(root: &Node) -> Vec<String> {
    let included = root.get("include").map(|node| node.items()).unwrap_or_default();
    let paths = included.iter().flat_map(|entry| entry.get("path").unwrap_or(entry.clone()).texts());
    let extended = section(root, "services")
        .into_iter()
        .filter_map(|(_, service)| service.get("extends")?.get("file")?.value());
    paths.chain(extended).map(|path| path.value).collect()
}
