//! Which compose files a folder has, and which of them are one project: the variables beside them say so, or else the names
//! that compose takes by itself, and what is in them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Reader, is_yaml};
use crate::forms::{Fault, Form, Misfit};
use crate::source::Document;
use crate::stack::compose::{Compose, Files, Service, brought, chosen};
use crate::stack::folder::{Kind, Read, join, parent};

impl Reader {
    /// All projects of the folder.
    pub(super) fn composes(&mut self) {
        let mut by_folder: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let near: Vec<String> =
            self.folder().files_in("", false).into_iter().filter(|path| is_compose(path)).collect();
        let found = if near.is_empty() {
            self.folder().files_in("", true).into_iter().filter(|path| is_compose(path)).collect()
        } else {
            near
        };
        for path in found {
            by_folder.entry(parent(&path).to_owned()).or_default().push(path);
        }
        if chosen(&self.env("")).is_some() {
            by_folder.entry(String::new()).or_default();
        }
        for (folder, paths) in by_folder {
            let env = self.env(&folder);
            let files = paths.len();
            let named = chosen(&env).map(|files| {
                let paths = files.iter().filter_map(|file| join(&folder, file));
                paths.filter_map(|path| self.document(&path)).collect::<Vec<_>>()
            });
            let named = named.filter(|documents| !documents.is_empty());
            let is_named = named.is_some();
            for documents in named.map_or_else(|| self.projects(paths), |documents| vec![documents]) {
                let ranks: Vec<u8> = documents.iter().map(|document| rank(document.name())).collect();
                // By itself compose takes a base and its override. A file that is alone is started alone.
                let are_taken = match ranks.as_slice() {
                    [one] if files == 1 => *one != 2,
                    [base, rest @ ..] => *base < 2 && rest.iter().all(|rank| *rank == 2),
                    [] => false,
                };
                let (mut compose, notes) = Compose::read(&documents, &folder, &env, self);
                compose.is_whole &= is_named || are_taken;
                if compose.is_whole {
                    self.services_without_image(&compose);
                }
                self.seen.extend(compose.inline().into_iter().map(|(name, document)| (name, Some(document))));
                self.stack.notes.extend(notes);
                self.stack.composes.push(compose);
            }
        }
    }

    /// The text of the `.env` of a folder.
    fn env(&self, folder: &str) -> String {
        match self.folder().read(&join(folder, ".env").unwrap_or_default()) {
            Read::Text(source) => source.text,
            _ => String::new(),
        }
    }

    /// A service that nothing says what to run of. Only of a whole project: other files add to it.
    fn services_without_image(&mut self, compose: &Compose) {
        let has_none = |service: &&Service| {
            ["image", "build", "extends", "provider"].iter().all(|key| service.get(key).is_none())
        };
        for service in compose.services.iter().filter(has_none) {
            self.stack.unfit.push(Misfit {
                fault: Fault::MissingKey,
                message: format!(
                    "`{}` has neither `image` nor `build`: docker compose refuses the file",
                    service.name
                ),
                at: service.name.at.clone(),
                label: "nothing to run".to_owned(),
                other: None,
                help: "add `image: …`".to_owned(),
            });
        }
    }

    /// A file that compose takes by itself, and in which there is nothing to start.
    fn without_services(&mut self, document: &Arc<Document>) {
        let root = document.root();
        let is_compose = ["networks", "volumes", "secrets", "configs", "name", "version"]
            .iter()
            .any(|key| root.get(key).is_some());
        if is_compose && document.is_complete() {
            self.stack.unfit.push(Misfit {
                fault: Fault::MissingKey,
                message: "missing key `services`: docker compose starts nothing".to_owned(),
                at: root.at(),
                label: "no service is selected".to_owned(),
                other: None,
                help: "add `services: …`".to_owned(),
            });
        }
    }

    /// Which of the files of a folder belong together: the one that compose takes by itself with its override, and those
    /// that add to it. One that has a whole service of the same name instead is another way to run the stack.
    fn projects(&mut self, mut paths: Vec<String>) -> Vec<Vec<Arc<Document>>> {
        paths.sort_by_key(|path| (rank(path), path.clone()));
        let mut parts: BTreeSet<String> = BTreeSet::new();
        for path in &paths {
            let Some(document) = self.document(path) else { continue };
            let folder = parent(path);
            parts.extend(brought(&document.root()).iter().filter_map(|other| join(folder, other)));
        }
        // Two that bring each other are both read.
        if paths.iter().any(|path| !parts.contains(path)) {
            paths.retain(|path| !parts.contains(path));
        }
        let is_alone = paths.len() == 1;
        let mut projects: Vec<Vec<Arc<Document>>> = Vec::new();
        for path in paths {
            let Some(document) = self.document(&path) else { continue };
            if document.root().get("services").is_none() && document.root().get("include").is_none() {
                // A file of another name may be anything; this one is for compose.
                if rank(&document.source.name) < 2 && !document.root().is_nothing() {
                    self.form(Form::Compose, &document, true);
                    if is_alone {
                        self.without_services(&document);
                    }
                }
                continue;
            }
            self.form(Form::Compose, &document, true);
            let fits = |project: &Vec<Arc<Document>>| !replaces(&document, project);
            match projects.iter_mut().find(|project| fits(project)) {
                Some(project) => project.push(document),
                None => projects.push(vec![document]),
            }
        }
        projects
    }
}

impl Files for Reader {
    fn yaml(&mut self, path: &str) -> Option<Arc<Document>> {
        self.document(path)
    }

    fn plain(&mut self, path: &str) -> Option<Arc<Document>> {
        Reader::plain(self, path)
    }

    fn kind(&self, path: &str) -> Kind {
        self.folder().kind(path)
    }
}

/// `compose.yaml`, `docker-compose.monitoring.yml`, …
pub(super) fn is_compose(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    let rest = name.strip_prefix("docker-compose").or_else(|| name.strip_prefix("compose"));
    is_yaml(name) && rest.is_some_and(|rest| rest.starts_with(['.', '-', '_']))
}

/// What compose takes by itself comes first, then its override, then the rest.
fn rank(path: &str) -> u8 {
    let name = path.rsplit('/').next().unwrap_or_default();
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    match stem {
        "compose" => 0,
        "docker-compose" => 1,
        "compose.override" | "docker-compose.override" => 2,
        _ => 3,
    }
}

/// Whether a file has a whole service that the project has already.
fn replaces(document: &Arc<Document>, project: &[Arc<Document>]) -> bool {
    let names = |document: &Arc<Document>| {
        document.root().get("services").map(|node| node.entries()).unwrap_or_default()
    };
    let known: Vec<String> = project.iter().flat_map(names).map(|(name, _)| name.value).collect();
    names(document).iter().any(|(name, node)| {
        known.contains(&name.value) && (node.get("image").is_some() || node.get("build").is_some())
    }) && !is_override(document)
}

fn is_override(document: &Document) -> bool {
    rank(document.name()) == 2
}
