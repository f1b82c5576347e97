//! Grafana's dashboards: JSON templates become the pages of one stack, and the runbook becomes another.
//! Apart from the text templates, since a dashboard is data as Grafana exports it: it is changed as a JSON value and
//! never printed with holes. Where a panel stands is `layout`'s.
//!
//! A template may hold marks for this file, each under a key `skymon` that does not reach the output:
//! - `{"threshold": ALERT}` on a panel or on an override: draw or colour from that alert's threshold on, if it is one of the
//!   whole stack, or all services that are shown share it (`"colour"`: other than red); on a service's page each has its own line otherwise, and the panel
//!   leads to what the runbook says of the alert;
//! - `{"below": [ALERT, ALERT]}` on the same: colour below their thresholds, red and orange;
//! - `{"traffic": "endpoint"}` (or `"status"`) on a target: asks the engine's own counter, by its label for that;
//! - `{"colours": "services"}` on a panel: each service has the same colour on every panel;
//! - `{"page_of": "service"}` on a target: its series get a label `page`, the uid of their service's page, alerts of SkyServe,
//!   machines and GPUs that of theirs;
//! - `{"gaps": true}` on a table with a row for each service: its description names the columns that a service leaves empty;
//! - `{"pages": true}` on a target: becomes one row a service with its page's uid, for links from a table.

mod fill;
mod marks;
mod queries;
mod runbook;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use anyhow::{Context, Result, bail};
use serde_json::{Map, Value, json};

use super::layout;
use crate::cores;
use crate::diagnostics::shortened;
use crate::plan::{BUDGET_REMAINING, Traffic};
use crate::values::Duration;

pub use self::queries::{GrafanaVariable, without_variables};

pub(super) const DATASOURCE_UID: &str = "skymon-prometheus";
pub(super) const OVERVIEW_UID: &str = "skymon-overview";
pub(super) const SKYSERVE_UID: &str = "skymon-skyserve";
pub(super) const SLO_UID: &str = "skymon-slo";
pub(super) const HOSTS_UID: &str = "skymon-hosts";
pub(super) const GPUS_UID: &str = "skymon-gpus";
pub(super) const MONITORING_UID: &str = "skymon-monitoring";
pub(super) const RUNBOOK_UID: &str = "skymon-runbook";

/// Prometheus writes this one itself, recorded or not.
const ALERTS: &str = "ALERTS";

/// The lines of the services. No red, which is kept for what is bad, and no orange, its little sister.
const COLOURS: [&str; 10] = [
    "blue",
    "purple",
    "green",
    "yellow",
    "super-light-blue",
    "super-light-purple",
    "dark-green",
    "dark-yellow",
    "dark-blue",
    "dark-purple",
];

pub(super) struct DashboardInput {
    pub stack: String,
    pub services: Vec<DashboardService>,
    /// The title of each engine.
    pub engines: BTreeMap<String, String>,
    /// The names of the series that the programs of the stack expose, and that its own rules record.
    pub exposed: BTreeSet<String>,
    /// The effective threshold of each alert that watches the stack as a whole and has one.
    pub thresholds: BTreeMap<String, f64>,
    /// SkyServe, machines, GPUs: what is watched as a whole, and has a page of its own.
    pub packs: Vec<PackPage>,
    /// Pages outside Grafana: title and address.
    pub programs: Vec<(String, String)>,
    /// In the order of the page; empty where the user has a runbook of their own.
    pub runbook: Vec<RunbookEntry>,
    /// The user's own: `/` and the name of an alert are put behind it.
    pub own_runbook: Option<String>,
}

pub(super) struct PackPage {
    pub uid: &'static str,
    pub name: &'static str,
    pub template: &'static str,
    /// The names of the alerts that are about it.
    pub alerts: BTreeSet<String>,
}

pub(super) struct DashboardService {
    pub name: String,
    pub engine: String,
    /// The names of the series that the rules record for this service.
    pub recorded: BTreeSet<String>,
    pub traffic: Option<Traffic>,
    /// How often its replicas are asked.
    pub interval: Duration,
    /// The effective threshold of each of its alerts that has one, in the unit of the series.
    pub thresholds: BTreeMap<String, f64>,
}

impl DashboardService {
    /// Whether it is in the answer to a query.
    fn answers(&self, expr: &str) -> Result<bool> {
        let has = |metric: &String| metric == ALERTS || self.recorded.contains(metric);
        Ok(queries::metrics(expr)?.iter().all(has))
    }
}

pub(super) struct RunbookEntry {
    pub alert: String,
    pub markdown: String,
}

/// The template of which no dashboard can be made: it may be the user's.
#[derive(Debug)]
pub(super) struct InTemplate(pub &'static str);

impl fmt::Display for InTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot make a dashboard of the template `{}`", self.0)
    }
}

/// The panel, by its title, that is at fault.
#[derive(Debug)]
pub(super) struct InPanel(pub String);

impl fmt::Display for InPanel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the panel `{}`", self.0)
    }
}

/// The uid of the page that shows the services of an engine.
pub(super) fn service_uid(engine: &str) -> String {
    format!("skymon-service-{engine}")
}

/// Where the runbook says what to do about an alert: its panel alone, which is all that a phone has room for.
pub(super) fn runbook_path(alert: &str) -> String {
    format!("/d/{RUNBOOK_UID}?viewPanel=panel-{}", runbook::panel_number(alert))
}

impl DashboardInput {
    /// Where a person reads what to do about an alert.
    fn runbook_of(&self, alert: &str) -> Option<String> {
        match &self.own_runbook {
            Some(base) => Some(format!("{base}/{alert}")),
            None => self.runbook.iter().any(|entry| entry.alert == alert).then(|| runbook_path(alert)),
        }
    }
}

/// As Grafana reads it: one number and one unit.
pub(super) fn interval(duration: Duration) -> String {
    match duration.as_millis() {
        millis if millis % 1000 == 0 => format!("{}s", millis / 1000),
        millis => format!("{millis}ms"),
    }
}

/// All dashboards of a stack, as file name and content. `read_template` is asked for the file name of a template.
pub(super) fn build(
    input: &DashboardInput,
    read_template: impl Fn(&str) -> Value + Sync,
) -> Result<Vec<(String, Value)>> {
    let pages = pages(input);
    let build = |page: &Page<'_>| {
        let dashboard = match page.template {
            Some(name) => patched(read_template(name), page, &pages, input).context(InTemplate(name))?,
            None => runbook::build(input, page, &pages),
        };
        Ok((page.file.clone(), dashboard))
    };
    cores::map(pages.iter().collect(), build).into_iter().collect()
}

/// One dashboard: what it is called, and which services it shows.
struct Page<'a> {
    file: String,
    uid: String,
    /// As links name it.
    name: String,
    title: String,
    stack: &'a str,
    exposed: &'a BTreeSet<String>,
    thresholds: &'a BTreeMap<String, f64>,
    /// None: the page is made here.
    template: Option<&'static str>,
    services: Vec<&'a DashboardService>,
}

fn pages(input: &DashboardInput) -> Vec<Page<'_>> {
    let page = |file: String, uid: String, name: String, template| Page {
        title: format!("{name} · {}", input.stack),
        file,
        uid,
        name,
        stack: &input.stack,
        exposed: &input.exposed,
        thresholds: &input.thresholds,
        template,
        services: Vec::new(),
    };

    let overview =
        page("overview.json".into(), OVERVIEW_UID.into(), "Overview".into(), Some("overview.json"));
    let mut pages = vec![Page { services: input.services.iter().collect(), ..overview }];

    let mut engines: BTreeMap<&str, Vec<&DashboardService>> = BTreeMap::new();
    for service in &input.services {
        engines.entry(&service.engine).or_default().push(service);
    }
    for (engine, services) in engines {
        let title = input.engines.get(engine).map_or(engine, String::as_str);
        let file = format!("service-{engine}.json");
        let of_engine = page(file, service_uid(engine), format!("Service · {title}"), Some("service.json"));
        pages.push(Page { services, ..of_engine });
    }

    let promised: Vec<&DashboardService> =
        input.services.iter().filter(|service| service.recorded.contains(BUDGET_REMAINING)).collect();
    if !promised.is_empty() {
        let slo = page("slo.json".into(), SLO_UID.into(), "Objectives".into(), Some("slo.json"));
        pages.push(Page { services: promised, ..slo });
    }
    for PackPage { uid, name, template, .. } in &input.packs {
        pages.push(page((*template).into(), (*uid).into(), (*name).into(), Some(template)));
    }
    let monitoring = Some("monitoring.json");
    pages.push(page("monitoring.json".into(), MONITORING_UID.into(), "Monitoring".into(), monitoring));
    if !input.runbook.is_empty() {
        pages.push(page("runbook.json".into(), RUNBOOK_UID.into(), "Runbook".into(), None));
    }
    pages
}

impl Page<'_> {
    /// Whether there is a series of that name on this page.
    fn has(&self, metric: &String) -> bool {
        let traffic = |service: &&DashboardService| {
            service.traffic.as_ref().is_some_and(|traffic| traffic.metrics.contains(metric))
        };
        metric == ALERTS
            || self.exposed.contains(metric)
            || self.services.iter().any(|service| service.recorded.contains(metric) || traffic(service))
    }

    /// Whether this page can fill a query: one name that nobody exposes is enough to leave it empty.
    fn can_answer(&self, expr: &str) -> Result<bool> {
        Ok(queries::metrics(expr)?.iter().all(|metric| self.has(metric)))
    }

    /// The threshold of an alert: of the stack, or if each service that the queries can show has it and all agree: a line is
    /// true for all or for none.
    fn threshold(&self, alert: &str, queries: &[String]) -> Option<f64> {
        if let Some(threshold) = self.thresholds.get(alert) {
            return Some(*threshold);
        }
        let asked: Vec<_> = queries.iter().filter_map(|expr| queries::metrics(expr).ok()).collect();
        let shown =
            |service: &&&DashboardService| asked.iter().any(|metrics| metrics.is_subset(&service.recorded));
        let mut thresholds = self.services.iter().filter(shown).map(|service| service.thresholds.get(alert));
        let first = *thresholds.next()??;
        thresholds.all(|other| other.is_some_and(|other| other.total_cmp(&first).is_eq())).then_some(first)
    }
}

fn patched(mut dashboard: Value, page: &Page, pages: &[Page], input: &DashboardInput) -> Result<Value> {
    let fields = dashboard.as_object_mut().context("a dashboard is a JSON object, this is none")?;
    identify(fields, page, pages, input);
    let gone = set_variables(fields, page)?;
    fill::keep_annotations(fields, page)?;

    let Some(Value::Array(panels)) = fields.get_mut("panels").map(Value::take) else {
        bail!("it has no list `panels`");
    };
    let mut sections = layout::sections(panels);
    for section in &mut sections {
        // Those of a folded row are among them.
        if let Some(odd) = section.panels.iter().find(|panel| !panel.is_object()) {
            bail!("a panel is a JSON object, this is none: `{}`", shortened(&odd.to_string()));
        }
        for panel in &mut section.panels {
            marks::ask_for_traffic(panel, page);
        }
        fill::keep_what_can_be_filled(section, page, &gone)?;
        for panel in &mut section.panels {
            marks::draw_thresholds(panel, page);
            marks::link_runbook(panel, page, input);
            marks::colour_services(panel, page);
            marks::name_gaps(panel, page)?;
            marks::list_pages(panel, pages);
            marks::name_pages(panel, pages, input);
        }
    }
    fields.insert("panels".into(), layout::arrange(sections).into());

    if let Some(base) = &input.own_runbook {
        lead_to_runbook(&mut dashboard, Some(&format!("{base}/${{__data.fields.alertname}}")));
    } else if input.runbook.is_empty() {
        lead_to_runbook(&mut dashboard, None);
    }
    finish(&mut dashboard);
    Ok(dashboard)
}

/// What makes it this stack's dashboard and no other's. `id` and the `__` keys belong to the Grafana it was exported from.
fn identify(fields: &mut Map<String, Value>, page: &Page, pages: &[Page], input: &DashboardInput) {
    fields.retain(|key, _| key != "id" && key != "version" && !key.starts_with("__"));
    fields.insert("uid".into(), json!(page.uid));
    fields.insert("title".into(), json!(page.title));
    fields.insert("tags".into(), json!(["skymon", page.stack]));
    fields.insert("editable".into(), json!(false));
    fields.insert("links".into(), links(page, pages, input));
}

/// From each page to all the others, and to where alerts are evaluated and silenced.
fn links(page: &Page, pages: &[Page], input: &DashboardInput) -> Value {
    let others = pages.iter().filter(|other| other.uid != page.uid).map(|other| {
        let icon = if other.uid == RUNBOOK_UID { "doc" } else { "dashboard" };
        let mut link = link(&other.name, icon, &format!("/d/{}", other.uid));
        link["keepTime"] = json!(true);
        link
    });
    let programs = input.programs.iter().map(|(title, url)| link(title, "external link", url));
    others.chain(programs).collect()
}

fn link(title: &str, icon: &str, url: &str) -> Value {
    json!({
        "type": "link",
        "title": title,
        "tooltip": "",
        "icon": icon,
        "url": url,
        "tags": [],
        "asDropdown": false,
        "includeVars": false,
        "keepTime": false,
        "targetBlank": false,
    })
}

/// Fills in the list of services. Returns the variables that had to go because nothing records what they ask for.
fn set_variables(fields: &mut Map<String, Value>, page: &Page) -> Result<BTreeSet<String>> {
    let mut gone = BTreeSet::new();
    let Some(variables) = fields.get_mut("templating").and_then(|templating| array_at(templating, "/list"))
    else {
        return Ok(gone);
    };
    let mut kept = Vec::new();
    for mut variable in variables.drain(..) {
        if variable["type"] == "custom" && variable["name"] == "service" {
            offer_services(&mut variable, page);
        }
        let asked = match asked_by_variable(&variable) {
            Some(expr) => page.can_answer(expr)?,
            None => true,
        };
        if asked {
            kept.push(variable);
        } else if let Some(name) = variable["name"].as_str() {
            gone.insert(name.to_owned());
        }
    }
    *variables = kept;
    Ok(gone)
}

fn offer_services(variable: &mut Value, page: &Page) {
    let names: Vec<&str> = page.services.iter().map(|service| service.name.as_str()).collect();
    let options: Vec<Value> = names
        .iter()
        .enumerate()
        .map(|(at, name)| json!({"selected": at == 0, "text": name, "value": name}))
        .collect();
    variable["query"] = json!(names.join(","));
    variable["current"] = options.first().cloned().unwrap_or(json!({}));
    variable["options"] = Value::Array(options);
}

/// The selector in `label_values(selector, label)`; other kinds of query are left to Grafana.
fn asked_by_variable(variable: &Value) -> Option<&str> {
    let query = variable["query"]["query"].as_str().or(variable["query"].as_str())?;
    let inside = query.trim().strip_prefix("label_values(")?.strip_suffix(')')?;
    Some(inside.rsplit_once(',')?.0.trim())
}

/// The links of alerts in tables: a template has our own runbook there. They lead to another, or go.
fn lead_to_runbook(value: &mut Value, other: Option<&str>) {
    match value {
        Value::Array(items) => {
            let ours = format!("/d/{RUNBOOK_UID}");
            items.retain_mut(|item| match other {
                _ if item["url"] != ours.as_str() => true,
                Some(other) => {
                    item["url"] = json!(other);
                    true
                }
                None => false,
            });
            for item in items {
                lead_to_runbook(item, other);
            }
        }
        Value::Object(fields) => {
            for item in fields.values_mut() {
                lead_to_runbook(item, other);
            }
        }
        _ => {}
    }
}

/// Every data source becomes the stack's, every mark goes.
fn finish(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(finish),
        Value::Object(fields) => {
            fields.shift_remove("skymon");
            for (key, item) in fields.iter_mut() {
                // Grafana's own (`-- Grafana --`, `-- Mixed --`) are no databases.
                let built_in = item["uid"].as_str().is_some_and(|uid| uid.starts_with("-- "));
                if key == "datasource" && !built_in {
                    *item = json!({"type": "prometheus", "uid": DATASOURCE_UID});
                } else {
                    finish(item);
                }
            }
        }
        _ => {}
    }
}

fn array_at<'a>(value: &'a mut Value, pointer: &str) -> Option<&'a mut Vec<Value>> {
    value.pointer_mut(pointer)?.as_array_mut()
}

/// The object in a value, made one if it is none: a panel that a person wrote may lack what Grafana always writes.
fn object(value: &mut Value) -> &mut Map<String, Value> {
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    let Value::Object(fields) = value else { unreachable!("made an object above") };
    fields
}

fn object_in<'a>(fields: &'a mut Map<String, Value>, key: &str) -> &'a mut Map<String, Value> {
    object(fields.entry(key).or_insert(Value::Null))
}
