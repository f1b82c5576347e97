//! The compose file: services with everything that joins them to files, to each other, and to the outside. Several files
//! of one project are read as compose merges them; a value that stands in one place has that place.

mod dotenv;
mod environment;
mod facts;
mod interpolate;
mod load;
mod parts;
mod program;
mod service;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use self::environment::Variable;
use self::interpolate::Env;
pub use self::interpolate::VariableUse;
pub(super) use self::interpolate::chosen;
pub use self::load::Missing;
pub(super) use self::load::{Files, brought};
use self::load::{Loader, Part, section};
pub use self::parts::{Image, Mount, Origin, Port};
pub use self::program::Program;
pub use self::service::{Dependency, Healthcheck, Service};
use crate::diagnostics::Diagnostic;
use crate::source::{Document, Node, Spanned};

/// The service that reads a file: its project and name. `None` where no compose file says how the program runs.
pub type ServiceName = Option<(usize, String)>;

/// One project: the files that compose would read together.
#[derive(Debug)]
pub struct Compose {
    /// The obsolete `version:`.
    pub version: Option<Node>,
    pub services: Vec<Service>,
    pub volumes: Vec<Declared>,
    pub networks: Vec<Declared>,
    pub secrets: Vec<Declared>,
    pub configs: Vec<Declared>,
    /// What compose wants to read, and is not there.
    pub missing: Vec<Missing>,
    /// Whether these are all the files of the project: then what is not in them is nowhere. Of several files without the one
    /// that compose takes by itself nobody knows which go together.
    pub is_whole: bool,
    parts: Vec<Part>,
}

/// A volume, network, secret or config of the sections at the top.
#[derive(Debug)]
pub struct Declared {
    pub name: Spanned<String>,
    pub node: Node,
    part: Part,
}

impl Declared {
    /// It is made elsewhere, and only used here.
    pub fn is_external(&self) -> bool {
        self.node.get("external").is_some_and(|node| node.is_true() || node.is_map())
    }

    /// Where the text of a secret or config comes from; `None` where only the start knows.
    pub fn origin(&self) -> Option<Origin> {
        if let Some(file) = self.node.get("file") {
            return Some(parts::from_host(&self.part.env.expand(file.text()?), &self.part.folder));
        }
        let content = self.node.get("content")?;
        Some(Origin::Inline(format!("{}#{}", content.document().name(), content.at().range.start)))
    }
}

impl Compose {
    /// The files of a project, the base first. `folder` is the one that paths are relative to, `env` the text of `.env`.
    /// Beside the project come the notes on what could not be read of it.
    pub(super) fn read(
        documents: &[Arc<Document>],
        folder: &str,
        env: &str,
        files: &mut dyn Files,
    ) -> (Compose, Vec<Diagnostic>) {
        let mut loader =
            Loader { files, parts: Vec::new(), missing: Vec::new(), notes: Vec::new(), is_partial: false };
        loader.add(documents, folder, &Arc::new(Env::parse(env)), 0);
        let pieces = loader.services();
        let Loader { files, parts, mut missing, notes, is_partial } = loader;
        let declared = |key: &str| declared(&parts, key);
        let mut compose = Compose {
            version: parts.iter().find_map(|part| part.document.root().get("version")),
            services: Vec::new(),
            volumes: declared("volumes"),
            networks: declared("networks"),
            secrets: declared("secrets"),
            configs: declared("configs"),
            missing: Vec::new(),
            is_whole: !is_partial && parts.iter().all(|part| part.document.is_complete()),
            parts: Vec::new(),
        };
        for (name, pieces) in pieces {
            let mut service = Service::read(name, pieces);
            service.read_environment(files, &mut missing);
            service.mount_granted("secrets", &compose.secrets);
            service.mount_granted("configs", &compose.configs);
            compose.services.push(service);
        }
        compose.take_over_mounts();
        compose.parts = parts;
        compose.missing = missing;
        (compose, notes)
    }

    /// `volumes_from`, one step: nobody builds chains of it.
    fn take_over_mounts(&mut self) {
        let taken: Vec<Vec<Mount>> = self
            .services
            .iter()
            .map(|service| {
                let from = service.mounts_from();
                let others = from.iter().filter_map(|name| self.service(name));
                let mounts = others.flat_map(|other| &other.mounts).filter(|mount| !mount.is_secret);
                let is_own = |mount: &&Mount| service.mounts.iter().any(|own| own.target == mount.target);
                mounts.filter(|mount| !is_own(mount)).cloned().collect()
            })
            .collect();
        for (service, mounts) in self.services.iter_mut().zip(taken) {
            service.mounts.extend(mounts);
        }
    }

    pub fn documents(&self) -> impl Iterator<Item = &Arc<Document>> {
        self.parts.iter().map(|part| &part.document)
    }

    /// The configurations that stand inside of a compose file, each by the name that an origin has for it.
    pub(super) fn inline(&self) -> BTreeMap<String, Arc<Document>> {
        let named = |one: &Declared| match one.origin()? {
            Origin::Inline(name) => Some((name, one.node.get("content")?.block()?)),
            _ => None,
        };
        self.configs.iter().filter_map(named).collect()
    }

    /// The variables that a text of this project asks for, and that nothing here sets.
    pub fn unset_variables(&self, node: &Node) -> Vec<VariableUse> {
        let text = node.text().unwrap_or_default();
        let env = self.parts.iter().find(|part| Arc::ptr_eq(&part.document, node.document()));
        let is_set = |name: &str| env.is_some_and(|part| part.env.get(name).is_some());
        let mut uses = if text.contains('$') { interpolate::uses(text) } else { Vec::new() };
        uses.retain(|one| !is_set(&one.name));
        uses
    }

    pub fn service(&self, name: &str) -> Option<&Service> {
        self.services.iter().find(|service| service.name.value == name)
    }

    pub fn running(&self, program: Program) -> impl Iterator<Item = &Service> {
        self.services.iter().filter(move |service| service.program == Some(program))
    }

    /// Those that skymon knows the insides of.
    pub fn running_any(&self) -> impl Iterator<Item = &Service> {
        self.services.iter().filter(|service| service.program.is_some())
    }

    /// Whether two services share a network, and so find each other by name. Two names may mean one network.
    pub fn share_network(&self, one: &Service, other: &Service) -> bool {
        let own = self.networks_of(one);
        self.networks_of(other).iter().any(|name| own.contains(name))
    }

    fn networks_of(&self, service: &Service) -> Vec<String> {
        let real = |name: &str| {
            let declared = self.networks.iter().rfind(|one| one.name.value == name);
            let set = declared.and_then(|one| Some(one.part.env.expand(one.node.get("name")?.text()?)));
            set.unwrap_or_else(|| name.to_owned())
        };
        match service.networks.as_slice() {
            [] => vec![real("default")],
            named => named.iter().map(|name| real(name)).collect(),
        }
    }

    /// Whether other containers live in the network of this one, or it in that of another: then its ports are not only its own.
    pub fn is_network_shared(&self, service: &Service) -> bool {
        let mode = format!("service:{}", service.name);
        service.network_mode.is_some()
            || self
                .services
                .iter()
                .any(|other| other.network_mode.as_ref().is_some_and(|own| own.value == mode))
    }

    /// The service that a host name means to the others.
    pub fn named(&self, host: &str) -> Option<&Service> {
        self.services.iter().find(|service| service.is_called(host))
    }
}

fn declared(parts: &[Part], key: &str) -> Vec<Declared> {
    let of = |part: &Part| {
        let part = part.clone();
        let entries = section(&part.document.root(), key);
        entries.into_iter().map(move |(name, node)| Declared { name, node, part: part.clone() })
    };
    parts.iter().flat_map(of).collect()
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
