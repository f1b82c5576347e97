//! From a folder to the stack: which files there are, how they belong together, and which program reads which.
//!
//! With a compose file, mounts and flags say where a program finds its files, and the image's defaults where they do not.
//! What a kind of file is nowhere read through a mount is taken by its shape instead: a stack without compose, and files
//! that were forgotten in it, which is a fault worth seeing together with those inside.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::Stack;
use super::alertmanager::{Alertmanager, TemplatePattern};
use super::compose::{Compose, Files, Origin, Program, Service, brought, chosen};
use super::folder::{Folder, Kind, Read, as_note, join, matches_glob, parent};
use super::grafana::{Dashboard, Datasource, Provider, ServiceName};
use super::prometheus::{Prometheus, RulePattern};
use super::query;
use super::rules::{RuleFile, RuleTests};
use crate::diagnostics::Diagnostic;
use crate::forms::{Fault, Form, Misfit};
use crate::source::{Document, Node, SourceFile};

/// More text than this is not read, in files that nobody names.
const MAX_LOOSE_BYTES: usize = 128 * 1024 * 1024;
/// More files than this are not looked into for their shape.
const MAX_LOOSE_FILES: usize = 5000;

pub(super) fn read(folder: Folder) -> Stack {
    let stack = Stack {
        folder,
        composes: Vec::new(),
        prometheuses: Vec::new(),
        rule_files: Vec::new(),
        rule_tests: Vec::new(),
        alertmanagers: Vec::new(),
        datasources: Vec::new(),
        providers: Vec::new(),
        dashboards: Vec::new(),
        misfits: Vec::new(),
        notes: Vec::new(),
        documents: Vec::new(),
        fired: OnceCell::new(),
    };
    let mut reader = Reader {
        stack,
        seen: BTreeMap::new(),
        loaded: BTreeSet::new(),
        formed: BTreeSet::new(),
        is_loose: false,
    };
    reader.composes();
    // The readers of one project need it whole, and add to the rest.
    let composes = std::mem::take(&mut reader.stack.composes);
    for (project, compose) in composes.iter().enumerate() {
        for service in &compose.services {
            match service.program {
                Some(Program::Prometheus) => reader.prometheus(project, service),
                Some(Program::Alertmanager) => reader.alertmanager(project, service),
                Some(Program::Blackbox) => reader.blackbox(service),
                Some(Program::Grafana) => reader.grafana(project, service),
                _ => {}
            }
        }
    }
    reader.stack.composes = composes;
    reader.is_loose = true;
    reader.loose();
    let stack = reader.stack;
    let panels =
        stack.dashboards.iter().flat_map(|dashboard| &dashboard.panels).flat_map(|panel| &panel.queries);
    query::read_ahead(
        stack.rules().map(|rule| &rule.expr).chain(panels.filter_map(|query| query.expr.as_ref())),
    );
    stack
}

struct Reader {
    stack: Stack,
    /// Path → what was read there; `None` where that failed, and was said.
    seen: BTreeMap<String, Option<Rc<Document>>>,
    /// Rule files and dashboards that are in the stack.
    loaded: BTreeSet<String>,
    /// Documents that were held against their form.
    formed: BTreeSet<String>,
    /// Whether files are now taken by their shape: one that cannot be read may be a template, or left over.
    is_loose: bool,
}

impl Reader {
    fn folder(&self) -> &Folder {
        &self.stack.folder
    }

    /// The document at a path. What is wrong with it is said once.
    fn document(&mut self, path: &str) -> Option<Rc<Document>> {
        if let Some(known) = self.seen.get(path) {
            return known.clone();
        }
        let document = match self.folder().read(path) {
            Read::Text(source) => self.parse(path, source),
            Read::Missing => None,
            Read::Refused(note) => {
                self.stack.notes.push(*note);
                None
            }
        };
        self.seen.insert(path.to_owned(), document.clone());
        document
    }

    fn parse(&mut self, path: &str, source: SourceFile) -> Option<Rc<Document>> {
        if path.ends_with(".json") {
            return match Document::json(source.clone()) {
                Ok(document) => {
                    self.stack.documents.push(Rc::clone(&document));
                    Some(document)
                }
                Err(problem) => {
                    self.stack.documents.push(Document::plain(source));
                    self.stack.notes.push(if self.is_loose { as_note(*problem) } else { *problem });
                    None
                }
            };
        }
        let (document, problems) = Document::yaml(source);
        for problem in problems {
            let weighed = weighed(problem, &document.source.text);
            self.stack.notes.push(if self.is_loose { as_note(weighed) } else { weighed });
        }
        self.stack.documents.push(Rc::clone(&document));
        Some(document)
    }

    /// Holds a document against the form that its program wants.
    fn form(&mut self, form: Form, document: &Rc<Document>, is_loaded: bool) {
        if self.formed.insert(document.name().to_owned()) {
            self.stack.misfits.extend(form.misfits(document, is_loaded));
        }
    }

    // Compose.

    fn composes(&mut self) {
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
            let named = chosen(&env).map(|files| {
                let paths = files.iter().filter_map(|file| join(&folder, file));
                paths.filter_map(|path| self.document(&path)).collect::<Vec<_>>()
            });
            let projects = match named.filter(|documents| !documents.is_empty()) {
                Some(documents) => vec![documents],
                None => self.projects(paths),
            };
            for documents in projects {
                let is_whole = documents.first().is_some_and(|document| rank(document.name()) < 2);
                let (compose, notes) = Compose::read(&documents, &folder, &env, self);
                if is_whole {
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

    /// A service that nothing says what to run of. Only of the files that compose takes by itself: others add to them.
    fn services_without_image(&mut self, compose: &Compose) {
        if !compose.documents().all(|one| one.is_complete()) {
            return;
        }
        let has_none = |service: &&Service| {
            ["image", "build", "extends", "provider"].iter().all(|key| service.get(key).is_none())
        };
        for service in compose.services.iter().filter(has_none) {
            self.stack.misfits.push(Misfit {
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

    /// Which of the files of a folder belong together: the one that compose takes by itself with its override, and those
    /// that add to it. One that has a whole service of the same name instead is another way to run the stack.
    fn projects(&mut self, mut paths: Vec<String>) -> Vec<Vec<Rc<Document>>> {
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
        let mut projects: Vec<Vec<Rc<Document>>> = Vec::new();
        for path in paths {
            let Some(document) = self.document(&path) else { continue };
            if document.root().get("services").is_none() && document.root().get("include").is_none() {
                continue;
            }
            self.form(Form::Compose, &document, true);
            let fits = |project: &Vec<Rc<Document>>| !replaces(&document, project);
            match projects.iter_mut().find(|project| fits(project)) {
                Some(project) => project.push(document),
                None => projects.push(vec![document]),
            }
        }
        projects
    }

    // The programs.

    fn prometheus(&mut self, project: usize, service: &Service) {
        let inside = flag(service, "config.file").or_else(|| default_config(service, Program::Prometheus));
        let Some(inside) = inside else { return };
        let Some(document) = self.inside(service, &inside) else { return };
        let base = parent(&inside).to_owned();
        self.add_prometheus(&document, Some((project, service)), &base);
    }

    fn add_prometheus(&mut self, document: &Rc<Document>, service: Option<(usize, &Service)>, base: &str) {
        self.form(Form::Prometheus, document, true);
        let mut prometheus = Prometheus::read(Rc::clone(document), service, |pattern| {
            let files = self.matching(service.map(|(_, service)| service), base, pattern);
            let read = |path: &String| {
                let document = self.document(path)?;
                self.form(Form::Targets, &document, true);
                Some(document.root().items())
            };
            // What is not there may come at run time.
            let lists: Option<Vec<Vec<Node>>> = files.iter().flatten().map(read).collect();
            let lists = lists.filter(|lists| !lists.is_empty()).map(|lists| lists.concat());
            (files, lists)
        });
        let patterns = prometheus.root.get("rule_files").map(|node| node.texts()).unwrap_or_default();
        for pattern in patterns {
            let files = self.matching(service.map(|(_, service)| service), base, &pattern);
            for path in files.iter().flatten() {
                self.rule_file(path, true);
            }
            prometheus.rule_files.push(RulePattern { pattern, files });
        }
        let more = prometheus.root.get("scrape_config_files").map(|node| node.texts()).unwrap_or_default();
        for pattern in more {
            let files = self.matching(service.map(|(_, service)| service), base, &pattern);
            for document in files.iter().flatten().filter_map(|path| self.document(path)).collect::<Vec<_>>()
            {
                self.form(Form::ScrapeConfigs, &document, true);
            }
        }
        self.stack.prometheuses.push(prometheus);
    }

    fn rule_file(&mut self, path: &str, is_loaded: bool) {
        if let Some(document) = self.document(path)
            && self.loaded.insert(path.to_owned())
        {
            self.form(Form::Rules, &document, is_loaded);
            self.stack.rule_files.push(RuleFile::read(document, is_loaded));
        }
    }

    fn alertmanager(&mut self, project: usize, service: &Service) {
        let inside = flag(service, "config.file").or_else(|| default_config(service, Program::Alertmanager));
        let Some(inside) = inside else { return };
        if let Some(document) = self.inside(service, &inside) {
            let base = parent(&inside).to_owned();
            self.add_alertmanager(document, Some((project, service)), &base);
        }
    }

    fn add_alertmanager(&mut self, document: Rc<Document>, service: Option<(usize, &Service)>, base: &str) {
        self.form(Form::Alertmanager, &document, true);
        let mut alertmanager = Alertmanager::read(document, service);
        let patterns = alertmanager.root.get("templates").map(|node| node.texts()).unwrap_or_default();
        for pattern in patterns {
            let files = self.matching(service.map(|(_, service)| service), base, &pattern);
            let files = files.map(|paths| paths.iter().filter_map(|path| self.plain(path)).collect());
            alertmanager.templates.push(TemplatePattern { pattern, files });
        }
        self.stack.alertmanagers.push(alertmanager);
    }

    /// A file that is none of YAML or JSON.
    fn plain(&mut self, path: &str) -> Option<Rc<Document>> {
        if let Some(known) = self.seen.get(path) {
            return known.clone();
        }
        let document = match self.folder().read(path) {
            Read::Text(source) => Some(Document::plain(source)),
            Read::Missing => None,
            Read::Refused(note) => {
                self.stack.notes.push(*note);
                None
            }
        };
        self.stack.documents.extend(document.clone());
        self.seen.insert(path.to_owned(), document.clone());
        document
    }

    fn blackbox(&mut self, service: &Service) {
        let inside = flag(service, "config.file").or_else(|| default_config(service, Program::Blackbox));
        if let Some(document) = inside.and_then(|inside| self.inside(service, &inside)) {
            self.form(Form::Blackbox, &document, true);
        }
    }

    fn grafana(&mut self, project: usize, service: &Service) {
        let set = service.variable("GF_PATHS_PROVISIONING").and_then(|variable| variable.value.as_ref());
        let provisioning = set.map_or("/etc/grafana/provisioning", |value| value.as_str());
        let name: ServiceName = Some((project, service.name.value.clone()));
        for path in self.yaml_inside(service, &format!("{provisioning}/datasources")) {
            if let Some(document) = self.document(&path) {
                self.form(Form::Datasources, &document, true);
                self.stack.datasources.extend(Datasource::read_all(&document, &name));
            }
        }
        for path in self.yaml_inside(service, &format!("{provisioning}/dashboards")) {
            let Some(document) = self.document(&path) else { continue };
            self.form(Form::Dashboards, &document, true);
            for mut provider in Provider::read_all(&document, &name) {
                provider.files = provider.path.as_ref().and_then(|path| {
                    let files = self.files_inside(service, path.trim_end_matches('/'))?;
                    Some(
                        files
                            .into_iter()
                            .map(|(_, host)| host)
                            .filter(|path| path.ends_with(".json"))
                            .collect(),
                    )
                });
                for path in provider.files.iter().flatten() {
                    self.dashboard(path, true);
                }
                self.stack.providers.push(provider);
            }
        }
    }

    fn yaml_inside(&self, service: &Service, inside: &str) -> Vec<String> {
        let files = self.files_inside(service, inside).unwrap_or_default();
        // Grafana does not look into folders of this one.
        let is_here = |path: &str| parent(path) == inside && is_yaml(path);
        files.into_iter().filter(|(path, _)| is_here(path)).map(|(_, host)| host).collect()
    }

    fn dashboard(&mut self, path: &str, is_loaded: bool) {
        if let Some(document) = self.document(path)
            && self.loaded.insert(path.to_owned())
        {
            self.stack.dashboards.push(Dashboard::read(document, is_loaded));
        }
    }

    // From a path inside to the files here.

    /// The document that a program finds at a path.
    fn inside(&mut self, service: &Service, path: &str) -> Option<Rc<Document>> {
        match service.origin(path)? {
            Origin::Host(host) | Origin::Inline(host) => self.document(&host),
            _ => None,
        }
    }

    /// The files that a pattern of a configuration names. `base` is the folder of that configuration, as the program
    /// sees it. `None` where nobody can know.
    fn matching(&self, service: Option<&Service>, base: &str, pattern: &str) -> Option<Vec<String>> {
        let Some(service) = service else {
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
    fn files_inside(&self, service: &Service, inside: &str) -> Option<Vec<(String, String)>> {
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

    // Without a compose file, and what no mount leads to.

    fn loose(&mut self) {
        let mut bytes = 0;
        let mut shaped = Vec::new();
        let unread = |path: &String| is_yaml(path) || path.ends_with(".json") || path.ends_with(".rules");
        let paths: Vec<String> = self.folder().files_in("", true).into_iter().filter(unread).collect();
        if paths.len() > MAX_LOOSE_FILES {
            let root = self.folder().name("");
            let many = format!("`{root}` holds more than {MAX_LOOSE_FILES} files: not all were looked into");
            self.stack.notes.push(Diagnostic::note("not-read", many).at_file(root, ""));
        }
        for path in paths.into_iter().take(MAX_LOOSE_FILES) {
            if self.seen.contains_key(&path) || bytes > MAX_LOOSE_BYTES {
                continue;
            }
            let source = match self.folder().read(&path) {
                Read::Text(source) => source,
                Read::Refused(why) if is_ours_by_name(&path) => {
                    self.stack.notes.push(*why);
                    continue;
                }
                // Only looked at: of a file that is none of ours nothing is said.
                Read::Refused(_) | Read::Missing => continue,
            };
            bytes += source.text.len();
            if let Some(shape) = Shape::of(&path, &source.text) {
                shaped.push((shape, path));
            }
        }
        self.add_loose(&shaped);
    }

    /// A kind of file is taken by its shape only where none was found through a mount.
    fn add_loose(&mut self, shaped: &[(Shape, String)]) {
        let of =
            |shape: Shape| shaped.iter().filter(move |(one, _)| *one == shape).map(|(_, path)| path.as_str());
        if self.stack.prometheuses.is_empty() {
            for path in of(Shape::Prometheus) {
                if let Some(document) = self.document(path) {
                    self.add_prometheus(&document, None, parent(path));
                }
            }
        }
        if self.stack.alertmanagers.is_empty() {
            for path in of(Shape::Alertmanager) {
                if let Some(document) = self.document(path) {
                    self.add_alertmanager(document, None, parent(path));
                }
            }
        }
        if self.stack.rule_files.is_empty() {
            for path in of(Shape::Rules) {
                self.rule_file(path, false);
            }
        }
        if self.stack.datasources.is_empty() && self.stack.providers.is_empty() {
            for path in of(Shape::Provisioning) {
                if let Some(document) = self.document(path) {
                    let is_datasources = document.root().get("datasources").is_some();
                    let form = if is_datasources { Form::Datasources } else { Form::Dashboards };
                    self.form(form, &document, true);
                    self.stack.datasources.extend(Datasource::read_all(&document, &None));
                    self.stack.providers.extend(Provider::read_all(&document, &None));
                }
            }
        }
        if self.stack.dashboards.is_empty() {
            for path in of(Shape::Dashboard) {
                self.dashboard(path, false);
            }
        }
        for path in of(Shape::Blackbox) {
            if let Some(document) = self.document(path) {
                self.form(Form::Blackbox, &document, true);
            }
        }
        for path in of(Shape::Tests) {
            if let Some(document) = self.document(path) {
                self.form(Form::RuleTests, &document, true);
                self.stack.rule_tests.push(RuleTests::read(document));
            }
        }
    }
}

impl Files for Reader {
    fn yaml(&mut self, path: &str) -> Option<Rc<Document>> {
        self.document(path)
    }

    fn plain(&mut self, path: &str) -> Option<Rc<Document>> {
        Reader::plain(self, path)
    }

    fn kind(&self, path: &str) -> Kind {
        self.folder().kind(path)
    }
}

/// What a file is by the words at its top.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    Prometheus,
    Alertmanager,
    Blackbox,
    Rules,
    Tests,
    Provisioning,
    Dashboard,
}

impl Shape {
    fn of(path: &str, text: &str) -> Option<Shape> {
        if path.ends_with(".json") {
            let has = |key: &str| text.contains(key);
            let is_dashboard =
                has("\"panels\"") && (has("\"gridPos\"") || has("\"schemaVersion\"") || has("\"targets\""));
            return is_dashboard.then_some(Shape::Dashboard);
        }
        let has = |key: &str| {
            text.lines().any(|line| {
                // What a program has written may have its keys in quotes.
                let rest = line.trim_start_matches(['"', '\'']).strip_prefix(key);
                rest.is_some_and(|rest| rest.trim_start_matches(['"', '\'']).starts_with(':'))
            })
        };
        if has("scrape_configs") || (has("rule_files") && has("alerting")) {
            Some(Shape::Prometheus)
        } else if has("route") && has("receivers") {
            Some(Shape::Alertmanager)
        } else if has("tests") && has("rule_files") {
            Some(Shape::Tests)
        } else if has("modules") && text.contains("prober:") {
            Some(Shape::Blackbox)
        } else if has("groups") && text.contains("expr:") {
            Some(Shape::Rules)
        } else if has("apiVersion") && (has("datasources") || has("providers")) {
            Some(Shape::Provisioning)
        } else {
            None
        }
    }
}

/// Names that everybody uses for them.
fn is_ours_by_name(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let (stem, _) = name.split_once('.').unwrap_or((name, ""));
    matches!(stem, "prometheus" | "alertmanager" | "alerts" | "rules") || name.ends_with(".rules")
}

fn is_yaml(path: &str) -> bool {
    path.ends_with(".yml") || path.ends_with(".yaml")
}

/// `compose.yaml`, `docker-compose.monitoring.yml`, …
fn is_compose(path: &str) -> bool {
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
fn replaces(document: &Rc<Document>, project: &[Rc<Document>]) -> bool {
    let names = |document: &Rc<Document>| {
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

fn flag(service: &Service, name: &str) -> Option<String> {
    service.flag(name).map(|flag| flag.value).filter(|path| !path.is_empty())
}

/// Where the image's own command looks. Another command may look elsewhere, or nowhere.
fn default_config(service: &Service, program: Program) -> Option<String> {
    let bitnami = service.image.as_ref().is_some_and(|image| image.repository.contains("bitnami"));
    match (bitnami, program) {
        (true, Program::Prometheus) => Some("/opt/bitnami/prometheus/conf/prometheus.yml".to_owned()),
        (true, Program::Alertmanager) => Some("/opt/bitnami/alertmanager/conf/config.yml".to_owned()),
        _ => program.config().map(str::to_owned),
    }
}

/// A path as the program means it.
fn absolute(base: &str, path: &str) -> String {
    if path.starts_with('/') {
        return path.to_owned();
    }
    format!("/{}", join(base, path).unwrap_or_default())
}

/// How bad it is that our reader did not take a file: the programs refuse a key that is there twice, and what another
/// reader of YAML refuses too; the rest they may take.
fn weighed(problem: Diagnostic, text: &str) -> Diagnostic {
    let refused = || serde_yaml::from_str::<serde::de::IgnoredAny>(text).is_err();
    match problem.id {
        "duplicate-key" => problem,
        "yaml-syntax" if refused() => problem,
        _ => as_note(problem),
    }
}
