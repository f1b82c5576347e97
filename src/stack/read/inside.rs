//! From a path inside of a container to the files of the folder, through the mounts of its service.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Reader, Runner, is_yaml};
use crate::source::Document;
use crate::stack::compose::{Origin, Service};
use crate::stack::folder::{Kind, join, matches_glob, parent};

impl Reader {
    /// The document that a program finds at a path.
    pub(super) fn inside(&mut self, service: &Service, path: &str) -> Option<Arc<Document>> {
        match service.origin(path)? {
            Origin::Host(host) | Origin::Inline(host) => self.document(&host),
            _ => None,
        }
    }

    /// The files that a pattern of a configuration names. `base` is the folder of that configuration, as the program
    /// sees it. `None` where nobody can know.
    pub(super) fn matching(&self, runner: Runner<'_>, base: &str, pattern: &str) -> Option<Vec<String>> {
        let Some((_, service)) = runner else {
            // Without a compose file the folder stands for where the configuration usually is.
            let beside = ["/etc/prometheus/", "/etc/alertmanager/"]
                .iter()
                .find_map(|usual| pattern.strip_prefix(usual))
                .unwrap_or(pattern);
            let files = self.folder().glob(&join(base, beside)?);
            return Some(files).filter(|files| !files.is_empty() || !pattern.starts_with('/'));
        };
        let pattern = absolute(base, pattern);
        let fixed: Vec<&str> =
            parent(&pattern).split('/').take_while(|part| !part.contains(['*', '?', '['])).collect();
        let files = self.files_inside(service, &fixed.join("/"))?;
        Some(
            files
                .into_iter()
                .filter(|(inside, _)| matches_glob(&pattern, inside))
                .map(|(_, host)| host)
                .collect(),
        )
    }

    /// All files below a folder inside, each as it is called there and here. `None` where nobody can know.
    pub(super) fn files_inside(&self, service: &Service, inside: &str) -> Option<Vec<(String, String)>> {
        let mut files = BTreeMap::new();
        match service.origin(inside) {
            Some(Origin::Host(host)) => self.add_files(inside, &host, &mut files)?,
            Some(Origin::Machine(_) | Origin::Volume(_)) => return None,
            None if service.is_built => return None,
            Some(Origin::Inline(name)) => {
                files.insert(inside.to_owned(), name);
            }
            Some(Origin::Memory) | None => {}
        }
        let below = format!("{inside}/");
        for mount in service.mounts.iter().filter(|mount| mount.target.starts_with(&below)) {
            match &mount.origin {
                Origin::Host(host) => self.add_files(&mount.target, host, &mut files)?,
                Origin::Machine(_) | Origin::Volume(_) => return None,
                Origin::Inline(name) => {
                    files.insert(mount.target.clone(), name.clone());
                }
                Origin::Memory => {}
            }
        }
        Some(files.into_iter().collect())
    }

    fn add_files(&self, inside: &str, host: &str, files: &mut BTreeMap<String, String>) -> Option<()> {
        match self.folder().kind(host) {
            Kind::Folder => {
                for path in self.folder().files_in(host, true) {
                    let rest = path.strip_prefix(host).unwrap_or(&path).trim_start_matches('/');
                    files.insert(format!("{inside}/{rest}"), path.clone());
                }
            }
            Kind::File => {
                files.insert(inside.to_owned(), host.to_owned());
            }
            Kind::Missing => {}
            Kind::Unknown => return None,
        }
        Some(())
    }

    pub(super) fn yaml_inside(&self, service: &Service, inside: &str) -> Vec<String> {
        let files = self.files_inside(service, inside).unwrap_or_default();
        // Grafana does not look into folders of this one.
        let is_here = |path: &str| parent(path) == inside && is_yaml(path);
        files.into_iter().filter(|(path, _)| is_here(path)).map(|(_, host)| host).collect()
    }
}

/// A path as the program means it.
fn absolute(base: &str, path: &str) -> String {
    if path.starts_with('/') {
        return path.to_owned();
    }
    format!("/{}", join(base, path).unwrap_or_default())
}
