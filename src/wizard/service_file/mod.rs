//! A SkyServe service file as data: what it says of the service, and on which line. What becomes of it is decided in
//! `adopt`.
//!
//! The reading is lenient: only what is needed is looked at, older forms of the file are taken too, and what cannot be
//! used is left with its reason. `envs`, `secrets` and the values of headers are never read.

mod document;
mod engine;

use std::path::Path;

use self::document::{Document, documents};
use super::check;
use crate::source::{ConfigPath, Found, SourceFile, is_secret_text};
use crate::values::UrlPath;

/// What was read, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct At<T> {
    pub(super) value: T,
    pub(super) line: usize,
    /// What it was read from, in the file's words.
    pub(super) of: String,
}

#[derive(Debug, Default)]
pub(super) struct ServiceFile {
    /// As the user named it.
    pub(super) place: String,
    pub(super) name: Option<At<String>>,
    /// The engines that are started, in their order.
    pub(super) engines: Vec<At<&'static str>>,
    pub(super) port: Option<At<u16>>,
    /// What answers 2xx to a plain GET when a replica is ready.
    pub(super) ready_path: Option<At<UrlPath>>,
    pub(super) min: Option<At<u32>>,
    pub(super) max: Option<At<u32>>,
    pub(super) tls: Option<At<()>>,
    /// Whether replicas are asked with a bearer token.
    pub(super) bearer: Option<At<()>>,
    pub(super) accelerators: Option<At<Vec<String>>>,
    /// Whether all replicas are on spot machines, or only some.
    pub(super) spot: Option<At<bool>>,
    /// What could not be taken, and why.
    pub(super) left: Vec<At<String>>,
}

/// Reads the file. An error has its help in the second line.
pub(super) fn read(path: &Path) -> Result<ServiceFile, String> {
    let source = match SourceFile::read(path) {
        Ok(Ok(source)) => source,
        Ok(Err(not_text)) => {
            let help = not_text.help.map(|help| format!("\n{help}")).unwrap_or_default();
            return Err(format!("`{}`: {}{help}", path.display(), not_text.message));
        }
        Err(error) => {
            return Err(format!("{error:#}\nwrite the path of the file that you give to `sky serve up`"));
        }
    };
    parse(source)
}

/// The part of [`read`] that needs no disk.
fn parse(source: SourceFile) -> Result<ServiceFile, String> {
    let documents = documents(&source)?;
    let document = choose(&documents, &source.name)?;
    let mut reader = Reader { document, left: Vec::new() };
    let mut file = reader.read()?;
    file.name = file.name.or_else(|| documents.iter().find_map(only_name));
    file.place = source.name;
    file.left = reader.left;
    Ok(file)
}

/// The one document with a service.
fn choose<'a>(documents: &'a [Document], name: &str) -> Result<&'a Document, String> {
    const HELP: &str =
        "a service file has a section such as `service: {readiness_probe: /health, replicas: 2}`";
    let root = ConfigPath::root();
    if documents.is_empty() {
        return Err(format!("`{name}` is empty\n{HELP}"));
    }
    let has = |key: &str| documents.iter().any(|document| document.found(&root.key(key)).is_some());
    let services: Vec<_> =
        documents.iter().filter(|document| document.entry(&root, "service").is_some()).collect();
    match services.as_slice() {
        [document] if document.found(&root.key("service")) == Some(Found::Map) => Ok(document),
        [_] => Err(format!("`service` in `{name}` is no map of keys\n{HELP}")),
        [] if has("service") => Err(format!("`service` in `{name}` is empty\n{HELP}")),
        [] if has("services") => Err(format!(
            "`{name}` has `services`, as a skymon.yaml or a compose file has, and no `service`\n{HELP}"
        )),
        [] if has("run") || has("resources") || has("setup") => Err(format!(
            "`{name}` has no `service`: it is a task that SkyPilot runs, and no service of SkyServe\n{HELP}"
        )),
        [] => Err(format!("`{name}` is no service file of SkyServe: it has no `service`\n{HELP}")),
        [first, second, ..] => {
            let line = |document: &Document| document.line(&root.key("service"));
            Err(format!(
                "`{name}` has more than one service, in the lines {} and {}\ngive one file for each",
                line(first),
                line(second)
            ))
        }
    }
}

/// The name of all documents, which may stand in one of its own.
fn only_name(document: &Document) -> Option<At<String>> {
    let root = ConfigPath::root();
    let is_alone = document.keys(&root) == ["name"];
    is_alone.then(|| Reader { document, left: Vec::new() }.name()).flatten()
}

struct Reader<'a> {
    document: &'a Document,
    left: Vec<At<String>>,
}

impl Reader<'_> {
    fn read(&mut self) -> Result<ServiceFile, String> {
        let root = ConfigPath::root();
        let service = root.key("service");
        if self.document.entry(&service, "readiness_probe").is_none()
            && ["pool", "workers"].iter().any(|key| self.document.entry(&service, key).is_some())
        {
            return Err("this is a pool of workers for jobs, and no service that users call\n\
                        give the file of a service"
                .to_owned());
        }
        let (min, max) = self.replicas(&service);
        let resources = self.resources();
        let mut file = ServiceFile {
            name: self.name(),
            engines: self.engines(&resources),
            port: self.port(&service, &resources),
            min,
            max,
            // `https` is what it was called before.
            tls: ["tls", "https"].iter().find_map(|key| {
                let at = self.document.entry(&service, key)?;
                (self.document.found(&at) == Some(Found::Map)).then(|| self.at((), &at))
            }),
            accelerators: self.accelerators(&resources),
            spot: self.spot(&resources),
            ..ServiceFile::default()
        };
        self.readiness(&service, &mut file);
        Ok(file)
    }

    fn at<T>(&self, value: T, at: &ConfigPath) -> At<T> {
        At { value, line: self.document.line(at), of: at.to_string() }
    }

    fn leave(&mut self, at: &ConfigPath, why: &str) {
        let left = self.at(why.to_owned(), at);
        self.left.push(left);
    }

    /// The scalar there, as `check` reads it; `what` it should be is said where it is not.
    fn scalar<T>(
        &mut self,
        at: &ConfigPath,
        what: &str,
        check: impl FnOnce(&str) -> Option<T>,
    ) -> Option<At<T>> {
        let text = self.document.text(at).unwrap_or_default();
        if text.contains('$') {
            self.leave(at, "holds a variable, which SkyServe fills in");
            return None;
        }
        let value = check(text.trim());
        if value.is_none() {
            self.leave(at, &format!("is not {what}"));
        }
        value.map(|value| self.at(value, at))
    }

    fn name(&mut self) -> Option<At<String>> {
        let at = self.document.entry(&ConfigPath::root(), "name")?;
        let legal = |text: &str| check::service(text).ok().filter(|name| !is_secret_text(name));
        self.scalar(&at, "a name that skymon can give a service", legal)
    }

    /// How many replicas there are at least and at most.
    fn replicas(&mut self, service: &ConfigPath) -> (Option<At<u32>>, Option<At<u32>>) {
        const NUMBER: &str = "a whole number";
        let number = |text: &str| text.parse().ok();
        let fixed = self.document.entry(service, "replicas");
        let Some(policy) = self.document.entry(service, "replica_policy") else {
            let count = match fixed {
                Some(at) => self.scalar(&at, NUMBER, number),
                // SkyServe's own default.
                None => Some(At { of: "service, which names no number".to_owned(), ..self.at(1, service) }),
            };
            return (count.clone(), count);
        };
        if let Some(at) = fixed {
            self.leave(&at, "stands beside `replica_policy`, which is taken instead");
        }
        let mut bound = |key| {
            let at = self.document.entry(&policy, key)?;
            self.scalar(&at, NUMBER, number)
        };
        let (min, mut max) = (bound("min_replicas"), bound("max_replicas"));
        if self.document.entry(&policy, "max_replicas").is_none() {
            // Then SkyServe does not scale.
            max.clone_from(&min);
        }
        if let (Some(least), Some(most)) = (&min, &max)
            && most.value < least.value
        {
            self.leave(&policy.key("max_replicas"), "is below `min_replicas`");
            max = None;
        }
        (min, max)
    }

    fn readiness(&mut self, service: &ConfigPath, file: &mut ServiceFile) {
        let Some(probe) = self.document.entry(service, "readiness_probe") else { return };
        if self.document.found(&probe) != Some(Found::Map) {
            file.ready_path = self.ready_path(&probe);
            return;
        }
        let Some(path) = self.document.entry(&probe, "path") else { return };
        let has_headers = self.headers(&probe, file);
        if has_headers {
            self.leave(&path, "is asked with headers, which a probe of skymon cannot send");
        } else if self.document.entry(&probe, "post_data").is_some() {
            self.leave(&path, "is asked by POST, and a probe of skymon asks by GET");
        } else {
            file.ready_path = self.ready_path(&path);
        }
    }

    fn ready_path(&mut self, at: &ConfigPath) -> Option<At<UrlPath>> {
        // What follows the `?` may be a key that lets one in.
        let plain = |text: &str| text.parse().ok().filter(|_| !text.contains('?') && !is_secret_text(text));
        self.scalar(at, "a plain path such as `/health`", plain)
    }

    /// Whether there are headers that matter. Their values are looked at for the scheme alone.
    fn headers(&mut self, probe: &ConfigPath, file: &mut ServiceFile) -> bool {
        const HARMLESS: &[&str] = &["accept", "content-type", "user-agent"];
        let Some(headers) = self.document.entry(probe, "headers") else { return false };
        let names: Vec<String> = self.document.keys(&headers).into_iter().map(str::to_owned).collect();
        let mut matter = false;
        for name in names.iter().filter(|name| !HARMLESS.contains(&name.to_lowercase().as_str())) {
            let at = headers.key(name);
            matter = true;
            let value = self.document.text(&at).unwrap_or_default().to_lowercase();
            if !name.eq_ignore_ascii_case("authorization") {
                self.leave(&at, "is no header that Prometheus can be told to send");
            } else if value.starts_with("basic ") {
                self.leave(&at, "is a user and a password: write them as `auth: {username, password_file}`");
            } else {
                file.bearer = Some(self.at((), &at));
            }
        }
        matter
    }

    /// Where resources are described: all together, then each of the alternatives.
    fn resources(&self) -> Vec<ConfigPath> {
        let Some(all) = self.document.entry(&ConfigPath::root(), "resources") else { return Vec::new() };
        let alternatives = ["any_of", "ordered"].into_iter().filter_map(|key| self.document.entry(&all, key));
        let alternatives: Vec<_> = alternatives.flat_map(|list| self.document.items(&list)).collect();
        [vec![all], alternatives].concat()
    }

    fn port(&mut self, service: &ConfigPath, resources: &[ConfigPath]) -> Option<At<u16>> {
        let port = |text: &str| text.parse().ok().filter(|port| *port > 0);
        // `port` is what it was called before.
        if let Some(at) = ["ports", "port"].iter().find_map(|key| self.document.entry(service, key)) {
            return self.scalar(&at, "a port", port);
        }
        let at = resources.iter().find_map(|at| self.document.entry(at, "ports"))?;
        match self.document.items(&at).as_slice() {
            [] => self.scalar(&at, "one port", port),
            [only] => self.scalar(only, "one port", port),
            _ => {
                self.leave(&at, "are several, and `service.ports` does not say which one users call");
                None
            }
        }
    }

    /// Their names alone: `A100:8`, whether they are written as one, as a list, or as a map.
    fn accelerators(&self, resources: &[ConfigPath]) -> Option<At<Vec<String>>> {
        const MOST: usize = 16;
        let is_name = |text: &String| {
            text.len() <= 40 && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.:".contains(c))
        };
        let mut names: Vec<String> = Vec::new();
        let mut first = None;
        for at in resources.iter().filter_map(|at| self.document.entry(at, "accelerators")) {
            let keys =
                self.document.keys(&at).into_iter().map(|key| match self.document.text(&at.key(key)) {
                    Some(count) => format!("{key}:{count}"),
                    None => key.to_owned(),
                });
            let items = self.document.items(&at).into_iter().filter_map(|item| self.document.text(&item));
            let all = keys.chain(items).chain(self.document.text(&at)).filter(is_name);
            for name in all.filter(|name| !is_secret_text(name)) {
                match names.len() {
                    _ if names.contains(&name) => {}
                    0..MOST => names.push(name),
                    MOST => names.push("…".to_owned()),
                    _ => {}
                }
            }
            first.get_or_insert(at);
        }
        first.filter(|_| !names.is_empty()).map(|at| self.at(names, &at))
    }

    /// An alternative that says nothing has what is said for all.
    fn spot(&self, resources: &[ConfigPath]) -> Option<At<bool>> {
        let said = |at: &ConfigPath| {
            let at = self.document.entry(at, "use_spot")?;
            let text = self.document.text(&at)?.to_lowercase();
            Some((["true", "yes", "on"].contains(&text.as_str()), at))
        };
        let (all, alternatives) = resources.split_first()?;
        let for_all = said(all);
        let each: Vec<_> = alternatives.iter().map(|at| said(at).or_else(|| for_all.clone())).collect();
        let each = if each.is_empty() { vec![for_all] } else { each };
        let is_spot = |said: &Option<(bool, ConfigPath)>| said.as_ref().is_some_and(|(spot, _)| *spot);
        let (_, at) = each.iter().find(|said| is_spot(said))?.as_ref()?;
        Some(self.at(each.iter().all(is_spot), at))
    }

    /// What `run` starts; else what the image is; else what `setup` starts.
    fn engines(&self, resources: &[ConfigPath]) -> Vec<At<&'static str>> {
        let root = ConfigPath::root();
        let images = resources.iter().filter_map(|at| self.document.entry(at, "image_id"));
        let places = self.document.entry(&root, "run").into_iter().chain(images);
        places
            .chain(self.document.entry(&root, "setup"))
            .map(|at| self.started(&at))
            .find(|found| !found.is_empty())
            .unwrap_or_default()
    }

    fn started(&self, at: &ConfigPath) -> Vec<At<&'static str>> {
        let found = self.document.written(at).map(engine::started).unwrap_or_default();
        let place = |started: engine::Started| At {
            value: started.engine,
            line: self.document.line_in(at, started.byte),
            of: format!("{at}: {}", started.words),
        };
        found.into_iter().map(place).collect()
    }
}

#[cfg(test)]
mod tests;
