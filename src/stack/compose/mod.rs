//! The compose file: services with everything that joins them to files, to each other, and to the outside. Several files
//! of one project are read as compose merges them; a value that stands in one place has that place.

mod interpolate;
mod parts;

use std::collections::BTreeMap;
use std::rc::Rc;

use self::interpolate::Env;
pub use self::parts::{Image, Mount, Origin, Port};
use crate::source::{Document, Node, Spanned};

/// What skymon knows the insides of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Program {
    Prometheus,
    Alertmanager,
    Grafana,
    Blackbox,
    NodeExporter,
    DcgmExporter,
    Cadvisor,
    Pushgateway,
}

impl Program {
    pub fn name(self) -> &'static str {
        match self {
            Self::Prometheus => "Prometheus",
            Self::Alertmanager => "Alertmanager",
            Self::Grafana => "Grafana",
            Self::Blackbox => "the blackbox exporter",
            Self::NodeExporter => "the node exporter",
            Self::DcgmExporter => "the DCGM exporter",
            Self::Cadvisor => "cAdvisor",
            Self::Pushgateway => "the Pushgateway",
        }
    }

    /// Where it listens, if no flag says otherwise.
    pub fn port(self) -> u16 {
        match self {
            Self::Prometheus => 9090,
            Self::Alertmanager => 9093,
            Self::Grafana => 3000,
            Self::Blackbox => 9115,
            Self::NodeExporter => 9100,
            Self::DcgmExporter => 9400,
            Self::Cadvisor => 8080,
            Self::Pushgateway => 9091,
        }
    }

    /// Where it keeps what must outlive its container, if no flag says otherwise.
    pub fn data(self) -> Option<&'static str> {
        match self {
            Self::Prometheus => Some("/prometheus"),
            Self::Alertmanager => Some("/alertmanager"),
            Self::Grafana => Some("/var/lib/grafana"),
            _ => None,
        }
    }

    /// The configuration that its image brings, and reads if no flag says otherwise.
    pub fn config(self) -> Option<&'static str> {
        match self {
            Self::Prometheus => Some("/etc/prometheus/prometheus.yml"),
            Self::Alertmanager => Some("/etc/alertmanager/alertmanager.yml"),
            Self::Blackbox => Some("/etc/blackbox_exporter/config.yml"),
            _ => None,
        }
    }
}

/// One project: the files that compose would read together.
#[derive(Debug)]
pub struct Compose {
    pub documents: Vec<Rc<Document>>,
    /// The obsolete `version:`.
    pub version: Option<Node>,
    pub services: Vec<Service>,
    /// Declared at the top: name and what is said of it.
    pub volumes: Vec<(Spanned<String>, Node)>,
    pub networks: Vec<(Spanned<String>, Node)>,
    pub secrets: Vec<(Spanned<String>, Node)>,
}

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
    pub environment: Vec<Variable>,
    /// Whether files set variables too: then one that is not listed may still be set.
    pub has_env_file: bool,
    pub depends_on: Vec<Dependency>,
    pub extra_hosts: Vec<Spanned<String>>,
    /// What each file says of it, the last one wins.
    nodes: Vec<Node>,
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
    pub condition: Option<String>,
}

impl Compose {
    /// The files of a project, the base first. `folder` is the one that paths are relative to, `env` the text of `.env`.
    pub(super) fn read(documents: Vec<Rc<Document>>, folder: &str, env: &str) -> Compose {
        let env = Env::parse(env);
        let mut nodes: Vec<(Spanned<String>, Vec<Node>)> = Vec::new();
        for document in &documents {
            for (name, node) in section(&document.root(), "services") {
                match nodes.iter_mut().find(|(known, _)| known.value == name.value) {
                    Some((_, parts)) => parts.push(node),
                    None => nodes.push((name, vec![node])),
                }
            }
        }
        extend(&mut nodes);
        let top = |key: &str| documents.iter().flat_map(|one| section(&one.root(), key)).collect::<Vec<_>>();
        let mut compose = Compose {
            version: documents.iter().find_map(|one| one.root().get("version")),
            services: Vec::new(),
            volumes: top("volumes"),
            networks: top("networks"),
            secrets: top("secrets"),
            documents: Vec::new(),
        };
        let configs = top("configs");
        for (name, nodes) in nodes {
            let mut service = Service::read(name, nodes, &env, folder);
            service.mount_granted("secrets", &compose.secrets, &env, folder);
            service.mount_granted("configs", &configs, &env, folder);
            compose.services.push(service);
        }
        compose.documents = documents;
        compose
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

    /// The service that a host name means to the others.
    pub fn named(&self, host: &str) -> Option<&Service> {
        let is_called = |service: &&Service| {
            service.name.value == host
                || service.aliases.iter().any(|alias| alias == host)
                || service.get("container_name").and_then(|node| node.text().map(|text| text == host))
                    == Some(true)
                || service.get("hostname").and_then(|node| node.text().map(|text| text == host)) == Some(true)
        };
        self.services.iter().find(is_called)
    }
}

/// The entries of a map at the top.
fn section(root: &Node, key: &str) -> Vec<(Spanned<String>, Node)> {
    root.get(key).map(|node| node.entries()).unwrap_or_default()
}

/// `extends` of a service in the same project: what it extends comes first.
fn extend(services: &mut [(Spanned<String>, Vec<Node>)]) {
    let known: BTreeMap<String, Vec<Node>> =
        services.iter().map(|(name, nodes)| (name.value.clone(), nodes.clone())).collect();
    for (_, nodes) in services {
        // A circle ends at the number of services.
        for _ in 0..known.len().min(16) {
            let base =
                nodes.first().and_then(|node| node.get("extends")).filter(|node| node.get("file").is_none());
            let name = base.and_then(|base| base.get("service").unwrap_or(base).text().map(str::to_owned));
            let Some(base) = name.and_then(|name| known.get(&name)) else { break };
            nodes.splice(0..0, base.iter().cloned());
        }
    }
}

impl Service {
    fn read(name: Spanned<String>, nodes: Vec<Node>, env: &Env, folder: &str) -> Service {
        let expanded = |value: Spanned<String>| value.map(|text| env.expand(&text));
        let last = |key: &str| nodes.iter().rev().find_map(|node| node.get(key));
        let all = |key: &str| nodes.iter().filter_map(|node| node.get(key)).collect::<Vec<_>>();
        let image = last("image")
            .and_then(|node| node.value())
            .map(|text| expanded(text).map(|text| Image::parse(&text)));
        let mut mounts: Vec<Mount> = Vec::new();
        for node in all("volumes").iter().flat_map(Node::items) {
            if let Some(mount) = Mount::read(&node, env, folder) {
                mounts.retain(|known| known.target != mount.target);
                mounts.push(mount);
            }
        }
        for target in all("tmpfs").iter().flat_map(Node::texts) {
            let path = target.split(':').next().unwrap_or_default().to_owned();
            mounts.push(Mount {
                origin: Origin::Memory,
                target: path,
                read_only: false,
                is_secret: false,
                at: target.at,
            });
        }
        let networks = all("networks");
        let aliases = networks.iter().flat_map(Node::entries).filter_map(|(_, node)| node.get("aliases"));
        Service {
            program: image.as_ref().and_then(|image| image.program()),
            image,
            is_built: last("build").is_some(),
            words: ["entrypoint", "command"]
                .iter()
                .filter_map(|key| last(key))
                .flat_map(|node| parts::words(&node, env))
                .collect(),
            mounts,
            ports: all("ports")
                .iter()
                .flat_map(Node::items)
                .filter_map(|node| Port::read(&node, env))
                .collect(),
            aliases: aliases.flat_map(|node| node.texts()).map(|alias| alias.value).collect(),
            networks: networks.iter().flat_map(names).collect(),
            network_mode: last("network_mode").and_then(|node| node.value()).map(expanded),
            secrets: all("secrets").iter().flat_map(granted).collect(),
            environment: environment(&all("environment"), env),
            has_env_file: last("env_file").is_some(),
            depends_on: all("depends_on").iter().flat_map(dependencies).collect(),
            extra_hosts: all("extra_hosts").iter().flat_map(hosts).collect(),
            name,
            nodes,
        }
    }

    /// What compose brings to a path of its own: secrets and configs.
    fn mount_granted(&mut self, key: &str, declared: &[(Spanned<String>, Node)], env: &Env, folder: &str) {
        let items: Vec<Node> =
            self.nodes.iter().filter_map(|node| node.get(key)).flat_map(|node| node.items()).collect();
        for item in items {
            let Some(name) =
                item.text().map(str::to_owned).or_else(|| Some(item.get("source")?.text()?.to_owned()))
            else {
                continue;
            };
            let target = item.get("target").and_then(|node| node.text().map(str::to_owned));
            let target = match (key, target) {
                ("secrets", Some(target)) if !target.starts_with('/') => format!("/run/secrets/{target}"),
                ("secrets", None) => format!("/run/secrets/{name}"),
                (_, Some(target)) => target,
                (_, None) => format!("/{name}"),
            };
            let file =
                declared.iter().find(|(known, _)| known.value == name).and_then(|(_, node)| node.get("file"));
            let origin = match file.and_then(|file| file.text().map(|text| env.expand(text))) {
                Some(file) => parts::from_host(&file, folder),
                None => Origin::Memory,
            };
            self.mounts.push(Mount { origin, target, read_only: true, is_secret: true, at: item.at() });
        }
    }

    /// What the last file says at this key.
    pub fn get(&self, key: &str) -> Option<Node> {
        self.nodes.iter().rev().find_map(|node| node.get(key))
    }

    /// The value of `--name=value` or `--name value`, in any number of dashes.
    pub fn flag(&self, name: &str) -> Option<Spanned<String>> {
        self.words.iter().enumerate().rev().find_map(|(at, word)| {
            let flag = word.strip_prefix('-')?;
            let rest = flag.trim_start_matches('-').strip_prefix(name)?;
            match rest.strip_prefix('=') {
                Some(value) => Some(Spanned::new(value.to_owned(), word.at.clone())),
                None if rest.is_empty() => {
                    let next = self.words.get(at + 1).filter(|next| !next.starts_with('-'));
                    Some(Spanned::new(
                        next.map(|next| next.value.clone()).unwrap_or_default(),
                        word.at.clone(),
                    ))
                }
                None => None,
            }
        })
    }

    pub fn variable(&self, name: &str) -> Option<&Variable> {
        self.environment.iter().find(|variable| variable.name.value == name)
    }

    /// Where what stands at a path inside comes from; `None` where it is the image's own.
    pub fn origin(&self, path: &str) -> Option<Origin> {
        let mut mounts: Vec<&Mount> = self.mounts.iter().collect();
        mounts.sort_by_key(|mount| std::cmp::Reverse(mount.target.len()));
        mounts.iter().find_map(|mount| mount.origin_of(path))
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

    /// Whether two services share a network, and so find each other by name.
    pub fn reaches(&self, other: &Service) -> bool {
        let names = |service: &Service| match service.networks.as_slice() {
            [] => vec!["default".to_owned()],
            named => named.iter().map(|name| name.value.clone()).collect(),
        };
        let own = names(self);
        names(other).iter().any(|name| own.contains(name))
    }
}

/// Names written as a list, or as the keys of a map.
fn names(node: &Node) -> Vec<Spanned<String>> {
    if node.is_map() { node.entries().into_iter().map(|(name, _)| name).collect() } else { node.texts() }
}

/// Names of secrets, short or with `source:`.
fn granted(node: &Node) -> Vec<Spanned<String>> {
    node.items().iter().filter_map(|item| item.value().or_else(|| item.get("source")?.value())).collect()
}

fn environment(nodes: &[Node], env: &Env) -> Vec<Variable> {
    let mut variables: Vec<Variable> = Vec::new();
    let mut add = |name: Spanned<String>, value: Option<Spanned<String>>| {
        variables.retain(|known| known.name.value != name.value);
        variables.push(Variable { name, value });
    };
    for node in nodes {
        for (name, value) in node.entries() {
            add(name, value.value().map(|value| value.map(|text| env.expand(&text))));
        }
        for line in node.texts() {
            match line.split_once('=') {
                Some((name, value)) => {
                    let value = Spanned::new(env.expand(value), line.at.clone());
                    add(Spanned::new(name.to_owned(), line.at.clone()), Some(value));
                }
                None => add(line, None),
            }
        }
    }
    variables
}

fn dependencies(node: &Node) -> Vec<Dependency> {
    let short = node.texts().into_iter().map(|service| Dependency { service, condition: None });
    let long = node.entries().into_iter().map(|(service, node)| {
        let condition = node.get("condition").and_then(|node| node.text().map(str::to_owned));
        Dependency { service, condition }
    });
    short.chain(long).collect()
}

fn hosts(node: &Node) -> Vec<Spanned<String>> {
    let long = node.entries().into_iter().map(|(host, address)| {
        let text = format!("{}:{}", host.value, address.text().unwrap_or_default());
        Spanned::new(text, host.at)
    });
    node.texts().into_iter().chain(long).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::SourceFile;

    fn compose(texts: &[&str]) -> Compose {
        let document = |text: &&str| Document::yaml(SourceFile::new("c.yml", *text)).0;
        Compose::read(texts.iter().map(document).collect(), "", "TAG=v3\n")
    }

    #[test]
    fn files_of_a_project_are_merged_as_compose_does() {
        let base = "services:\n  p:\n    image: prom/prometheus:${TAG}\n    command: [--a=1]\n    volumes: [x:/a, y:/b]\n    environment: [A=1, B=2]\n";
        let over = "services:\n  p:\n    command: [--a=2]\n    volumes: [z:/b]\n    environment: {B: 3}\n    ports: ['1:1']\n  q: {image: x}\n";
        let compose = compose(&[base, over]);
        let service = compose.service("p").expect("is there");
        assert_eq!(service.program, Some(Program::Prometheus));
        assert_eq!(service.image.as_ref().unwrap().tag.as_deref(), Some("v3"));
        assert_eq!(service.flag("a").unwrap().value, "2");
        assert_eq!(service.origin("/b/c"), Some(Origin::Volume(Some("z".into()))));
        let values: Vec<&str> =
            service.environment.iter().map(|one| one.value.as_ref().unwrap().as_str()).collect();
        assert_eq!(values, ["1", "3"]);
        assert_eq!((service.ports.len(), compose.services.len()), (1, 2));
    }

    #[test]
    fn what_a_service_extends_and_merges_is_its_own() {
        let text = "x-base: &base\n  restart: always\nservices:\n  a: {<<: *base, image: one, extends: {service: b}}\n  b: {image: two, user: '1', extends: a}\n";
        let compose = compose(&[text]);
        let a = compose.service("a").expect("is there");
        assert_eq!(a.image.as_ref().unwrap().repository, "one");
        assert_eq!(a.get("restart").unwrap().text(), Some("always"));
        assert_eq!(a.get("user").unwrap().text(), Some("1"));
    }

    #[test]
    fn secrets_are_where_compose_puts_them() {
        let text = "services:\n  a:\n    image: x\n    secrets: [k, {source: l, target: /etc/l}]\nsecrets:\n  k: {file: ./secrets/k}\n  l: {environment: L}\n";
        let compose = compose(&[text]);
        let a = compose.service("a").expect("is there");
        assert_eq!(a.origin("/run/secrets/k"), Some(Origin::Host("secrets/k".into())));
        assert_eq!(a.origin("/etc/l"), Some(Origin::Memory));
        assert_eq!(a.origin("/etc/m"), None);
    }
}
