//! One service, from the pieces that several files say of it: merged as compose merges them.

use super::dotenv;
use super::load::{Files, Missing, Piece};
use super::parts::{self, Image, Mount, Origin, Port, from_host};
use super::{Declared, Program};
use crate::source::{At, Document, Node, Spanned};
use crate::stack::folder::Kind;

/// One service.
#[derive(Debug)]
pub struct Service {
    pub name: Spanned<String>,
    pub image: Option<Spanned<Image>>,
    pub program: Option<Program>,
    /// Its image is made from a folder: what is in it is not known.
    pub is_built: bool,
    /// `entrypoint` and `command`, one after the other.
    pub words: Vec<Spanned<String>>,
    /// Later files win over a mount at the same target.
    pub mounts: Vec<Mount>,
    pub ports: Vec<Port>,
    /// Names of networks; without any it is in `default`.
    pub networks: Vec<Spanned<String>>,
    pub network_mode: Option<Spanned<String>>,
    /// Names that other services reach it by, beside its own.
    pub aliases: Vec<String>,
    pub secrets: Vec<Spanned<String>>,
    pub configs: Vec<Spanned<String>>,
    /// What `env_file` sets first, then what is listed.
    pub environment: Vec<Variable>,
    /// Whether a file that sets variables could not be read: then one that is not known may still be set.
    pub has_unread_variables: bool,
    pub depends_on: Vec<Dependency>,
    /// `host:address`.
    pub extra_hosts: Vec<Spanned<String>>,
    /// Without one it is always started; with them, when one is asked for.
    pub profiles: Vec<Spanned<String>>,
    pub healthcheck: Option<Healthcheck>,
    pub user: Option<Spanned<String>>,
    pub restart: Option<Spanned<String>>,
    /// What each file says of it, the last one wins.
    pieces: Vec<Piece>,
}

/// One variable of a service's environment.
#[derive(Clone, Debug)]
pub struct Variable {
    pub name: Spanned<String>,
    /// `None`: taken over from whoever runs compose.
    pub value: Option<Spanned<String>>,
}

#[derive(Clone, Debug)]
pub struct Dependency {
    pub service: Spanned<String>,
    /// `service_started`, `service_healthy`, `service_completed_successfully`.
    pub condition: Option<Spanned<String>>,
    /// `required: false`: it may be missing.
    pub is_optional: bool,
}

/// What a file says of the health of a service.
#[derive(Clone, Debug)]
pub struct Healthcheck {
    pub at: At,
    /// Switched off, that of the image too.
    pub is_disabled: bool,
    /// Its test: one text for a shell, or the words of a command. Empty where that of the image is kept.
    pub test: Vec<Spanned<String>>,
}

impl Service {
    pub(super) fn read(name: Spanned<String>, pieces: Vec<Piece>) -> Service {
        let mut service = Service {
            name,
            image: None,
            program: None,
            is_built: false,
            words: Vec::new(),
            mounts: Vec::new(),
            ports: Vec::new(),
            networks: Vec::new(),
            network_mode: None,
            aliases: Vec::new(),
            secrets: Vec::new(),
            configs: Vec::new(),
            environment: Vec::new(),
            has_unread_variables: false,
            depends_on: Vec::new(),
            extra_hosts: Vec::new(),
            profiles: Vec::new(),
            healthcheck: None,
            user: None,
            restart: None,
            pieces,
        };
        service.image = service.text("image").map(|text| text.map(|text| Image::parse(&text)));
        service.program = service.image.as_ref().and_then(|image| Program::of(image));
        service.is_built = service.last("build").is_some();
        service.words = ["entrypoint", "command"].iter().flat_map(|key| service.words_of(key)).collect();
        service.ports = service.read_ports();
        service.read_networks();
        service.network_mode = service.text("network_mode");
        service.secrets = service.all("secrets").iter().flat_map(|piece| granted(&piece.node)).collect();
        service.configs = service.all("configs").iter().flat_map(|piece| granted(&piece.node)).collect();
        service.depends_on = service.read_dependencies();
        service.extra_hosts = service.all("extra_hosts").iter().flat_map(hosts).collect();
        service.profiles = service.all("profiles").iter().flat_map(|piece| piece.node.texts()).collect();
        service.healthcheck = service.read_healthcheck();
        service.user = service.text("user");
        service.restart = service.text("restart");
        service.mounts = service.read_mounts();
        service
    }

    // What the files say.

    /// What the last file says at this key.
    pub fn get(&self, key: &str) -> Option<Node> {
        self.last(key).map(|piece| piece.node)
    }

    /// The text at a key, as compose passes it on.
    pub fn text(&self, key: &str) -> Option<Spanned<String>> {
        let piece = self.last(key)?;
        Some(piece.node.value()?.map(|text| piece.env.expand(&text)))
    }

    fn last(&self, key: &str) -> Option<Piece> {
        let found = self.pieces.iter().rev().find_map(|piece| piece.get(key))?;
        (found.tag() != Some("!reset")).then_some(found)
    }

    /// What every file says at this key, the base first.
    fn all(&self, key: &str) -> Vec<Piece> {
        let mut found = Vec::new();
        for piece in self.pieces.iter().filter_map(|piece| piece.get(key)) {
            match piece.tag() {
                Some("!reset") => found.clear(),
                Some("!override") => found = vec![piece],
                _ => found.push(piece),
            }
        }
        found
    }

    fn words_of(&self, key: &str) -> Vec<Spanned<String>> {
        self.last(key).map(|piece| parts::words(&piece.node, &piece.env)).unwrap_or_default()
    }

    fn read_ports(&self) -> Vec<Port> {
        let mut ports: Vec<Port> = Vec::new();
        for piece in self.all("ports") {
            for port in piece.node.items().iter().flat_map(|node| Port::read(node, &piece.env)) {
                if !ports.iter().any(|known| known.is_same(&port)) {
                    ports.push(port);
                }
            }
        }
        ports
    }

    fn read_mounts(&self) -> Vec<Mount> {
        let mut mounts: Vec<Mount> = Vec::new();
        for piece in self.all("volumes") {
            for node in piece.node.items() {
                if let Some(mount) = Mount::read(&node, &piece.env, &piece.folder) {
                    mounts.retain(|known| known.target != mount.target);
                    mounts.push(mount);
                }
            }
        }
        for target in self.all("tmpfs").iter().flat_map(|piece| piece.node.texts()) {
            let path = target.split(':').next().unwrap_or_default().to_owned();
            mounts.push(Mount {
                origin: Origin::Memory,
                target: path,
                read_only: false,
                is_secret: false,
                at: target.at,
            });
        }
        mounts
    }

    fn read_networks(&mut self) {
        for piece in self.all("networks") {
            for name in names(&piece.node) {
                if !self.networks.iter().any(|known| known.value == name.value) {
                    self.networks.push(name);
                }
            }
            let entries = piece.node.entries();
            let aliases = entries.iter().filter_map(|(_, node)| node.get("aliases"));
            self.aliases.extend(aliases.flat_map(|node| node.texts()).map(|alias| alias.value));
        }
    }

    fn read_dependencies(&self) -> Vec<Dependency> {
        let mut found: Vec<Dependency> = Vec::new();
        for piece in self.all("depends_on") {
            for one in dependencies(&piece.node) {
                found.retain(|known| known.service.value != one.service.value);
                found.push(one);
            }
        }
        // Whoever lives in the network of another comes after it.
        for key in ["network_mode", "ipc", "pid"] {
            let Some(service) = self.text(key) else { continue };
            let Some(name) = service.strip_prefix("service:").map(str::to_owned) else { continue };
            if !found.iter().any(|known| known.service.value == name) {
                let service = service.map(|_| name);
                found.push(Dependency { service, condition: None, is_optional: false });
            }
        }
        found
    }

    fn read_healthcheck(&self) -> Option<Healthcheck> {
        let pieces = self.all("healthcheck");
        let own = |key: &str| pieces.iter().rev().find_map(|piece| piece.get(key));
        let expanded = |piece: Piece| {
            let texts = piece.node.texts().into_iter();
            texts.map(|word| word.map(|text| piece.env.expand(&text))).collect()
        };
        let test: Vec<Spanned<String>> = own("test").map(expanded).unwrap_or_default();
        let is_disabled = own("disable").is_some_and(|piece| piece.node.is_true())
            || test.first().is_some_and(|word| word.value == "NONE");
        Some(Healthcheck { at: pieces.last()?.node.name_at(), is_disabled, test })
    }

    // What needs other files and the sections at the top.

    /// Variables, those of files first: what is listed wins.
    pub(super) fn read_environment(&mut self, files: &mut dyn Files, missing: &mut Vec<Missing>) {
        let mut variables: Vec<Variable> = Vec::new();
        let mut add = |name: Spanned<String>, value: Option<Spanned<String>>| {
            variables.retain(|known| known.name.value != name.value);
            variables.push(Variable { name, value });
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
                            add(name, value);
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
                add(name, value);
            }
        }
        self.environment = variables;
    }

    /// What compose brings to a path of its own: secrets and configs.
    pub(super) fn mount_granted(&mut self, key: &str, declared: &[Declared]) {
        for piece in self.all(key) {
            for item in piece.node.items() {
                let text =
                    |key: &str| item.get(key).and_then(|node| node.text().map(|text| piece.env.expand(text)));
                let Some(name) = item.text().map(str::to_owned).or_else(|| text("source")) else { continue };
                let target = match (key, text("target")) {
                    ("secrets", Some(target)) if !target.starts_with('/') => format!("/run/secrets/{target}"),
                    ("secrets", None) => format!("/run/secrets/{name}"),
                    (_, Some(target)) => target,
                    (_, None) => format!("/{name}"),
                };
                let origin = declared.iter().rfind(|one| one.name.value == name).and_then(Declared::origin);
                let origin = origin.unwrap_or(Origin::Memory);
                self.mounts.retain(|known| known.target != target);
                self.mounts.push(Mount { origin, target, read_only: true, is_secret: true, at: item.at() });
            }
        }
    }

    /// The services whose mounts this one takes over.
    pub(super) fn mounts_from(&self) -> Vec<Spanned<String>> {
        let pieces = self.all("volumes_from");
        let names = pieces.iter().flat_map(|piece| piece.node.texts());
        // `container:x` is of another project.
        names
            .filter(|name| !name.starts_with("container:"))
            .map(|name| name.map(|text| text.split(':').next().unwrap_or_default().to_owned()))
            .collect()
    }

    // What a check asks.

    /// The value of `--name=value` or `--name value`, in any number of dashes; the last one wins. Empty where none follows.
    pub fn flag(&self, name: &str) -> Option<Spanned<String>> {
        self.flags(name).pop()
    }

    /// The values of a flag that may be given several times.
    pub(super) fn flags(&self, name: &str) -> Vec<Spanned<String>> {
        let value = |(at, word): (usize, &Spanned<String>)| {
            let rest = word.strip_prefix('-')?.trim_start_matches('-').strip_prefix(name)?;
            match rest.strip_prefix('=') {
                Some(value) => Some(Spanned::new(value.to_owned(), word.at.clone())),
                None if rest.is_empty() => {
                    let next = self.words.get(at + 1).filter(|next| !next.starts_with('-'));
                    let value = next.map(|next| next.value.clone()).unwrap_or_default();
                    Some(Spanned::new(value, word.at.clone()))
                }
                None => None,
            }
        };
        self.words.iter().enumerate().filter_map(value).collect()
    }

    pub fn variable(&self, name: &str) -> Option<&Variable> {
        self.environment.iter().find(|variable| variable.name.value == name)
    }

    /// The value of a variable, where it is known.
    pub fn set(&self, name: &str) -> Option<&Spanned<String>> {
        self.variable(name)?.value.as_ref()
    }

    /// Where what stands at a path inside comes from; `None` where it is the image's own.
    pub fn origin(&self, path: &str) -> Option<Origin> {
        self.mount(path)?.origin_of(path)
    }

    /// The mount that covers a path inside.
    pub fn mount(&self, path: &str) -> Option<&Mount> {
        let covering = self.mounts.iter().filter(|mount| mount.origin_of(path).is_some());
        covering.max_by_key(|mount| mount.target.len())
    }

    /// Whether `localhost` inside is the machine itself.
    pub fn is_on_host_network(&self) -> bool {
        self.network_mode.as_ref().is_some_and(|mode| mode.value == "host")
    }

    /// Whether one start brings up both, as far as profiles say: two that share none may be there instead of each other.
    pub fn runs_beside(&self, other: &Service) -> bool {
        let shares = |name: &Spanned<String>| other.profiles.iter().any(|own| own.value == name.value);
        self.profiles.is_empty() || other.profiles.is_empty() || self.profiles.iter().any(shares)
    }

    /// Whether `host` has an address written for it.
    pub fn has_extra_host(&self, host: &str) -> bool {
        self.extra_hosts.iter().any(|one| one.strip_prefix(host).is_some_and(|rest| rest.starts_with(':')))
    }
}

impl Piece {
    fn get(&self, key: &str) -> Option<Piece> {
        Some(Piece { node: self.node.get(key)?, ..self.clone() })
    }

    /// `!reset` and `!override` are compose's own; the reader of YAML passes over them.
    fn tag(&self) -> Option<&'static str> {
        let at = self.node.key().map(|key| (key.range.end, self.node.at().range.start));
        let (from, to) = at?;
        let text = &self.node.document().source.text;
        // Of `!reset` with nothing after it the place is that of the key.
        let line = text.get(from..)?.lines().next().unwrap_or_default();
        let between = text.get(from..to).filter(|between| !between.is_empty()).unwrap_or(line);
        ["!reset", "!override"].into_iter().find(|tag| between.contains(tag))
    }
}

/// Names written as a list, or as the keys of a map.
fn names(node: &Node) -> Vec<Spanned<String>> {
    if node.is_map() { node.entries().into_iter().map(|(name, _)| name).collect() } else { node.texts() }
}

/// Names of secrets and configs, short or with `source:`.
fn granted(node: &Node) -> Vec<Spanned<String>> {
    node.items().iter().filter_map(|item| item.value().or_else(|| item.get("source")?.value())).collect()
}

type Named = (Spanned<String>, Option<Spanned<String>>);

/// The variables of a file.
fn assigned(document: &std::rc::Rc<Document>, piece: &Piece) -> Vec<Named> {
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
    let lines = piece.node.texts().into_iter().map(|line| match line.split_once('=') {
        Some((name, value)) => {
            let value = Spanned::new(piece.env.expand(value), line.at.clone());
            (Spanned::new(name.to_owned(), line.at.clone()), Some(value))
        }
        None => {
            let value = known(&line);
            (line, value)
        }
    });
    entries.chain(lines).collect()
}

fn dependencies(node: &Node) -> Vec<Dependency> {
    let short =
        node.texts().into_iter().map(|service| Dependency { service, condition: None, is_optional: false });
    let long = node.entries().into_iter().map(|(service, node)| Dependency {
        service,
        condition: node.get("condition").and_then(|node| node.value()),
        is_optional: node.get("required").is_some_and(|node| node.text() == Some("false")),
    });
    short.chain(long).collect()
}

/// `host:address`, also where it is written with `=` or as a map.
fn hosts(piece: &Piece) -> Vec<Spanned<String>> {
    let expanded = |text: &str| piece.env.expand(text);
    let long = piece.node.entries().into_iter().flat_map(|(host, addresses)| {
        let of = move |address: Spanned<String>| {
            Spanned::new(format!("{}:{}", host.value, address.value), address.at)
        };
        addresses.texts().into_iter().map(of).collect::<Vec<_>>()
    });
    let short = piece.node.texts().into_iter().map(|line| {
        line.map(|line| match line.split_once('=') {
            Some((host, address)) => format!("{host}:{address}"),
            None => line,
        })
    });
    short.chain(long).map(|host| host.map(|text| expanded(&text))).collect()
}
