//! From a folder to the stack: which files there are, how they belong together, and which program reads which.
//!
//! With a compose file (`projects`), mounts and flags say where a program finds its files (`inside`), and the image's defaults
//! where they do not. What a kind of file is nowhere read through a mount is taken by its shape instead (`shapes`): a stack
//! without compose, and files that were forgotten in it, which is a fault worth seeing together with those inside.

mod inside;
mod projects;
mod shapes;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use super::alertmanager::{Alertmanager, TemplatePattern};
use super::blackbox::Blackbox;
use super::compose::{Program, Service, ServiceName};
use super::folder::{Folder, Read, as_note, parent};
use super::grafana::{Dashboard, Datasource, Grafana, Provider};
use super::prometheus::{Prometheus, RulePattern};
use super::rules::RuleFile;
use super::{Derived, Formed, Stack, Told};
use crate::cores;
use crate::diagnostics::{Diagnostic, Report, Severity};
use crate::forms::Form;
use crate::plan;
use crate::source::{Document, Node, SourceFile};
use shapes::Around;

/// Where a folder has the engine files of its user.
const ENGINES: &str = "engines";

pub(super) fn read(folder: Folder) -> Stack {
    let stack = Stack {
        folder,
        composes: Vec::new(),
        prometheuses: Vec::new(),
        rule_files: Vec::new(),
        rule_tests: Vec::new(),
        unread_targets: Vec::new(),
        alertmanagers: Vec::new(),
        blackboxes: Vec::new(),
        grafanas: Vec::new(),
        datasources: Vec::new(),
        providers: Vec::new(),
        dashboards: Vec::new(),
        formed: BTreeMap::new(),
        unfit: Vec::new(),
        notes: Vec::new(),
        documents: Vec::new(),
        told: OnceLock::new(),
        derived: Derived::default(),
    };
    let mut reader = Reader {
        stack,
        seen: BTreeMap::new(),
        around: Around::default(),
        loaded: BTreeSet::new(),
        rules: Vec::new(),
        pages: Vec::new(),
        is_loose: false,
    };
    reader.look_around();
    reader.composes();
    // The readers of one project need it whole, and add to the rest.
    let composes = std::mem::take(&mut reader.stack.composes);
    for (project, compose) in composes.iter().enumerate() {
        for service in &compose.services {
            reader.service(project, service);
        }
    }
    reader.stack.composes = composes;
    reader.is_loose = true;
    reader.engines();
    reader.loose();
    let Reader { mut stack, rules, pages, .. } = reader;
    (stack.rule_files, stack.dashboards) = cores::both(
        || cores::map(rules, |(document, is_loaded)| RuleFile::read(document, is_loaded)),
        || cores::map(pages, |(document, is_loaded)| Dashboard::read(document, is_loaded)),
    );
    stack
}

/// The service that reads a file, behind its project; `None` where a file is taken by its shape.
type Runner<'s> = Option<(usize, &'s Service)>;

struct Reader {
    stack: Stack,
    /// Path → what was read there; `None` where that failed, and was said.
    seen: BTreeMap<String, Option<Arc<Document>>>,
    around: Around,
    /// Rule files and dashboards that are in the stack.
    loaded: BTreeSet<String>,
    /// Files of rules, and whether their program loads them: read in the end, since they need nothing of one another.
    rules: Vec<(Arc<Document>, bool)>,
    /// The same of dashboards.
    pages: Vec<(Arc<Document>, bool)>,
    /// Whether files are now taken by their shape: one that cannot be read may be a template, or left over.
    is_loose: bool,
}

impl Reader {
    fn folder(&self) -> &Folder {
        &self.stack.folder
    }

    /// The document at a path. What is wrong with it is said once.
    fn document(&mut self, path: &str) -> Option<Arc<Document>> {
        self.once(path, |reader, path| {
            let parsed =
                reader.around.parsed.remove(path).or_else(|| Some(parsed(path, reader.text(path)?)))?;
            reader.weigh(path, parsed)
        })
    }

    /// A file that is none of YAML or JSON.
    fn plain(&mut self, path: &str) -> Option<Arc<Document>> {
        self.once(path, |reader, path| Some(Document::plain(reader.text(path)?)))
    }

    fn once(
        &mut self,
        path: &str,
        read: impl FnOnce(&mut Reader, &str) -> Option<Arc<Document>>,
    ) -> Option<Arc<Document>> {
        if let Some(known) = self.seen.get(path) {
            return known.clone();
        }
        let document = read(self, path);
        self.stack.documents.extend(document.clone());
        self.seen.insert(path.to_owned(), document.clone());
        document
    }

    fn text(&mut self, path: &str) -> Option<SourceFile> {
        match self.folder().read(path) {
            Read::Text(source) => Some(source),
            Read::Missing => None,
            Read::Refused(note) => {
                self.stack.notes.push(*note);
                None
            }
        }
    }

    /// Says what is wrong with a document. JSON with a fault is none.
    fn weigh(&mut self, path: &str, (document, problems): Parsed) -> Option<Arc<Document>> {
        if path.ends_with(".json") && !problems.is_empty() {
            self.stack.documents.push(document);
            let is_loose = self.is_loose;
            let weighed = |problem| if is_loose { as_note(problem) } else { problem };
            self.stack.notes.extend(problems.into_iter().map(weighed));
            return None;
        }
        for problem in problems {
            let weighed = weighed(problem, &document.source.text);
            let may_be_template = self.is_loose && is_template(&document.source.text);
            self.stack.notes.push(if may_be_template { as_note(weighed) } else { weighed });
        }
        Some(document)
    }

    /// Has a document held against the form that its program wants.
    fn form(&mut self, form: Form, document: &Arc<Document>, is_loaded: bool) {
        let wanted = || Formed { form, document: Arc::clone(document), is_loaded };
        self.stack.formed.entry(document.name().to_owned()).or_insert_with(wanted);
    }

    // The programs.

    fn service(&mut self, project: usize, service: &Service) {
        match service.program {
            Some(program @ (Program::Prometheus | Program::Alertmanager | Program::Blackbox)) => {
                self.configured(program, project, service);
            }
            Some(Program::Grafana) => self.grafana(project, service),
            _ => {}
        }
    }

    /// A program that reads one configuration, which leads to the rest.
    fn configured(&mut self, program: Program, project: usize, service: &Service) {
        let said = service.flag("config.file").map(|flag| flag.value).filter(|path| !path.is_empty());
        let Some(inside) = said.or_else(|| default_config(service, program)) else { return };
        let Some(document) = self.inside(service, &inside) else { return };
        let (runner, base) = (Some((project, service)), parent(&inside));
        match program {
            Program::Prometheus => self.add_prometheus(document, runner, base),
            Program::Alertmanager => self.add_alertmanager(document, runner, base),
            _ => self.add_blackbox(document, runner),
        }
    }

    fn add_prometheus(&mut self, document: Arc<Document>, runner: Runner<'_>, base: &str) {
        self.form(Form::Prometheus, &document, true);
        let mut prometheus = Prometheus::read(document, name(runner), |pattern| {
            let files = self.matching(runner, base, pattern);
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
            let files = self.matching(runner, base, &pattern);
            for path in files.iter().flatten() {
                self.rule_file(path, true);
            }
            prometheus.rule_files.push(RulePattern { pattern, files });
        }
        let more = prometheus.root.get("scrape_config_files").map(|node| node.texts()).unwrap_or_default();
        for pattern in more {
            let files = self.matching(runner, base, &pattern);
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
            self.rules.push((document, is_loaded));
        }
    }

    fn add_alertmanager(&mut self, document: Arc<Document>, runner: Runner<'_>, base: &str) {
        self.form(Form::Alertmanager, &document, true);
        let mut alertmanager = Alertmanager::read(document, name(runner));
        let patterns = alertmanager.root.get("templates").map(|node| node.texts()).unwrap_or_default();
        for pattern in patterns {
            let files = self.matching(runner, base, &pattern);
            let files = files.map(|paths| paths.iter().filter_map(|path| self.plain(path)).collect());
            alertmanager.templates.push(TemplatePattern { pattern, files });
        }
        self.stack.alertmanagers.push(alertmanager);
    }

    fn add_blackbox(&mut self, document: Arc<Document>, runner: Runner<'_>) {
        self.form(Form::Blackbox, &document, true);
        self.stack.blackboxes.push(Blackbox { document, service: name(runner) });
    }

    fn grafana(&mut self, project: usize, service: &Service) {
        let set = service.set("GF_PATHS_PROVISIONING");
        let provisioning = set.map_or("/etc/grafana/provisioning", |value| value.as_str());
        let name = name(Some((project, service)));
        let sources = format!("{provisioning}/datasources");
        let mut files = Vec::new();
        for path in self.yaml_inside(service, &sources) {
            if let Some(document) = self.document(&path) {
                self.form(Form::Datasources, &document, true);
                self.stack.datasources.extend(Datasource::read_all(&document, &name));
                files.push(document);
            }
        }
        let is_known = self.files_inside(service, &sources).is_some();
        let datasource_files = is_known.then_some(files);
        let mut provider_files = Vec::new();
        for path in self.yaml_inside(service, &format!("{provisioning}/dashboards")) {
            let Some(document) = self.document(&path) else { continue };
            self.form(Form::Dashboards, &document, true);
            provider_files.push(document.clone());
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
        self.stack.grafanas.push(Grafana { service: name, datasource_files, provider_files });
    }

    fn dashboard(&mut self, path: &str, is_loaded: bool) {
        if let Some(document) = self.document(path)
            && self.loaded.insert(path.to_owned())
        {
            self.form(Form::Dashboard, &document, is_loaded);
            self.pages.push((document, is_loaded));
        }
    }

    // What the user says of engines that skymon does not know.

    /// The engine files of the folder, as `skymon metrics import` drafts them. What is wrong with one is a note.
    fn engines(&mut self) {
        let paths: Vec<String> =
            self.folder().files_in(ENGINES, false).into_iter().filter(|path| is_yaml(path)).collect();
        let mut files = Vec::new();
        for path in paths {
            let Some(document) = self.document(&path) else { continue };
            let root = document.root();
            if ["title", "metrics", "vocabulary"].iter().all(|key| root.get(key).is_some()) {
                files.push(document.source.clone());
            }
        }
        if files.is_empty() {
            return;
        }
        let mut report = Report::new();
        let engines = plan::engines(&files, &mut report);
        self.stack.told = Told { engines, ..Told::default() }.into();
        let faults = report.into_iter().filter(|one| one.severity == Severity::Error);
        self.stack.notes.extend(faults.map(as_note));
    }
}

/// A document, and what is wrong with it.
type Parsed = (Arc<Document>, Vec<Diagnostic>);

fn parsed(path: &str, source: SourceFile) -> Parsed {
    if path.ends_with(".json") { Document::json(source) } else { Document::yaml(source) }
}

fn is_yaml(path: &str) -> bool {
    path.ends_with(".yml") || path.ends_with(".yaml")
}

/// How the view names who reads a file.
fn name(runner: Runner<'_>) -> ServiceName {
    runner.map(|(project, service)| (project, service.name.value.clone()))
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

/// Whether a text has lines that only a template has: it is no file of a program yet.
fn is_template(text: &str) -> bool {
    text.lines().any(|line| {
        let line = line.trim_start();
        ["{{", "{%", "{#", "<%", "%{", "#%"].iter().any(|mark| line.starts_with(mark))
    })
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
