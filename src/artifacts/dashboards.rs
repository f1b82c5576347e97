//! Grafana's dashboards: two JSON templates become the pages of one stack, and the runbook becomes a third.
//! Apart from the text templates, since a dashboard is data as Grafana exports it: it is changed as a JSON value and
//! never printed with holes. Where a panel stands is `layout`'s.
//!
//! A template may hold marks for this file, each under a key `skymon` that does not reach the output:
//! - `{"threshold": ALERT}` on a panel or on an override: draw or colour from that alert's threshold on, if all services
//!   of the page share it (`"colour"`: other than red);
//! - `{"colours": "services"}` on a panel: each service has the same colour on every panel;
//! - `{"pages": true}` on a target: becomes one row a service with its page's uid, for links from a table.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, anyhow, bail};
use serde_json::{Map, Value, json};

use super::layout::{self, Section};
use crate::promql::PromQl;

pub(super) const DATASOURCE_UID: &str = "skymon-prometheus";
pub(super) const OVERVIEW_UID: &str = "skymon-overview";
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
    /// In the order of the page; empty where the user has a runbook of their own.
    pub runbook: Vec<RunbookEntry>,
}

pub(super) struct DashboardService {
    pub name: String,
    pub engine: String,
    /// The names of the series that the rules record for this service.
    pub recorded: BTreeSet<String>,
    /// The effective threshold of each of its alerts that has one, in the unit of the series.
    pub thresholds: BTreeMap<String, f64>,
}

pub(super) struct RunbookEntry {
    pub alert: String,
    pub markdown: String,
}

/// The uid of the page that shows the services of an engine.
pub(super) fn service_uid(engine: &str) -> String {
    format!("skymon-service-{engine}")
}

/// All dashboards of a stack, as file name and content. `read_template` is asked for `overview.json` and `service.json`.
pub(super) fn build(
    input: &DashboardInput,
    read_template: impl Fn(&str) -> Value,
) -> Result<Vec<(String, Value)>> {
    let pages = pages(input);
    let mut dashboards = Vec::new();
    for page in &pages {
        let dashboard = match page.template {
            Some(name) => patched(read_template(name), page, &pages)
                .with_context(|| format!("cannot make a dashboard of the template `{name}`"))?,
            None => runbook(input, page, &pages),
        };
        dashboards.push((page.file.clone(), dashboard));
    }
    Ok(dashboards)
}

/// One dashboard: what it is called, and which services it shows.
struct Page<'a> {
    file: String,
    uid: String,
    /// As links name it.
    name: String,
    title: String,
    stack: &'a str,
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

    if !input.runbook.is_empty() {
        pages.push(page("runbook.json".into(), RUNBOOK_UID.into(), "Runbook".into(), None));
    }
    pages
}

impl Page<'_> {
    fn is_recorded(&self, metric: &str) -> bool {
        metric == ALERTS || self.services.iter().any(|service| service.recorded.contains(metric))
    }

    /// Whether this page can fill a query: one name that nobody records is enough to leave it empty.
    fn can_answer(&self, expr: &str) -> Result<bool> {
        Ok(metrics(expr)?.iter().all(|metric| self.is_recorded(metric)))
    }

    /// The threshold of an alert, if each service of this page has it and all agree: a line is true for all or for none.
    fn threshold(&self, alert: &str) -> Option<f64> {
        let mut thresholds = self.services.iter().map(|service| service.thresholds.get(alert));
        let first = *thresholds.next()??;
        thresholds.all(|other| other.is_some_and(|other| other.total_cmp(&first).is_eq())).then_some(first)
    }
}

fn patched(mut dashboard: Value, page: &Page, pages: &[Page]) -> Result<Value> {
    let fields = dashboard.as_object_mut().context("a dashboard is a JSON object, this is none")?;
    identify(fields, page, pages);
    let gone = set_variables(fields, page)?;

    let Some(Value::Array(panels)) = fields.get_mut("panels").map(Value::take) else {
        bail!("it has no list `panels`");
    };
    if let Some(odd) = panels.iter().find(|panel| !panel.is_object()) {
        bail!("a panel is a JSON object, this is none: {odd}");
    }
    let mut sections = layout::sections(panels);
    for section in &mut sections {
        keep_what_can_be_filled(section, page, &gone)?;
        for panel in &mut section.panels {
            draw_thresholds(panel, page);
            colour_services(panel, page);
            list_pages(panel, pages);
        }
    }
    fields.insert("panels".into(), layout::arrange(sections).into());

    if !pages.iter().any(|page| page.uid == RUNBOOK_UID) {
        drop_links(&mut dashboard, &format!("/d/{RUNBOOK_UID}"));
    }
    finish(&mut dashboard);
    Ok(dashboard)
}

/// What makes it this stack's dashboard and no other's. `id` and the `__` keys belong to the Grafana it was exported from.
fn identify(fields: &mut Map<String, Value>, page: &Page, pages: &[Page]) {
    fields.retain(|key, _| key != "id" && key != "version" && !key.starts_with("__"));
    fields.insert("uid".into(), json!(page.uid));
    fields.insert("title".into(), json!(page.title));
    fields.insert("tags".into(), json!(["skymon", page.stack]));
    fields.insert("editable".into(), json!(false));
    fields.insert("links".into(), links(page, pages));
}

/// From each page to all the others.
fn links(page: &Page, pages: &[Page]) -> Value {
    let others = pages.iter().filter(|other| other.uid != page.uid);
    others
        .map(|other| {
            json!({
                "type": "link",
                "title": other.name,
                "tooltip": "",
                "icon": if other.uid == RUNBOOK_UID { "doc" } else { "dashboard" },
                "url": format!("/d/{}", other.uid),
                "tags": [],
                "asDropdown": false,
                "includeVars": false,
                "keepTime": true,
                "targetBlank": false,
            })
        })
        .collect()
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

fn keep_what_can_be_filled(section: &mut Section, page: &Page, gone: &BTreeSet<String>) -> Result<()> {
    let mut kept = Vec::new();
    for mut panel in section.panels.drain(..) {
        let title = panel["title"].as_str().unwrap_or("without a title").to_owned();
        if fill(&mut panel, page, gone).with_context(|| format!("the panel `{title}`"))? {
            kept.push(panel);
        }
    }
    section.panels = kept;
    Ok(())
}

/// Drops the queries that stay empty on this page, and says whether one is left. A panel that never had any is not
/// about data, and stays.
fn fill(panel: &mut Value, page: &Page, gone: &BTreeSet<String>) -> Result<bool> {
    let Some(targets) =
        panel.get_mut("targets").and_then(Value::as_array_mut).filter(|list| !list.is_empty())
    else {
        return Ok(true);
    };
    let mut filled = false;
    let mut dropped = BTreeSet::new();
    let mut kept = Vec::new();
    for target in targets.drain(..) {
        let expr = target["expr"].as_str().unwrap_or_default();
        if target["skymon"]["pages"] == true {
            // It only helps the others to find their page, and is no reason to keep a panel.
            kept.push(target);
        } else if page.can_answer(expr)? && variables(expr).is_disjoint(gone) {
            filled = true;
            kept.push(target);
        } else if let Some(ref_id) = target["refId"].as_str() {
            dropped.insert(ref_id.to_owned());
        }
    }
    *targets = kept;
    forget(panel, &dropped);
    Ok(filled)
}

/// Removes what still speaks of dropped queries: their columns' overrides, their place in `organize`, and
/// transformations and sortings that need them.
fn forget(panel: &mut Value, dropped: &BTreeSet<String>) {
    if dropped.is_empty() {
        return;
    }
    let mut columns: BTreeSet<String> = dropped.iter().map(|ref_id| format!("Value #{ref_id}")).collect();
    let renamed = names_given_to(panel, &columns);
    columns.extend(renamed);

    if let Some(overrides) = array_at(panel, "/fieldConfig/overrides") {
        overrides.retain(|one| match (one["matcher"]["id"].as_str(), one["matcher"]["options"].as_str()) {
            (Some("byName"), Some(name)) => !columns.contains(name),
            (Some("byFrameRefID"), Some(ref_id)) => !dropped.contains(ref_id),
            _ => true,
        });
    }
    if let Some(transformations) = array_at(panel, "/transformations") {
        transformations.retain_mut(|one| {
            if one["id"] != "organize" {
                return !mentions(&one["options"], &columns) && !mentions(&one["options"], dropped);
            }
            let lists = one.get_mut("options").and_then(Value::as_object_mut).into_iter().flatten();
            for list in lists.filter_map(|(_, list)| list.as_object_mut()) {
                list.retain(|name, _| !columns.contains(name));
            }
            true
        });
    }
    if let Some(sorting) = array_at(panel, "/options/sortBy") {
        sorting.retain(|one| !mentions(one, &columns));
    }
}

/// What a table shows instead of `Value #A`.
fn names_given_to(panel: &Value, columns: &BTreeSet<String>) -> Vec<String> {
    let mut names = Vec::new();
    for one in panel["fieldConfig"]["overrides"].as_array().into_iter().flatten() {
        if one["matcher"]["options"].as_str().is_some_and(|column| columns.contains(column)) {
            let properties = one["properties"].as_array().into_iter().flatten();
            let titles = properties.filter(|property| property["id"] == "displayName");
            names.extend(titles.filter_map(|title| title["value"].as_str()).map(str::to_owned));
        }
    }
    for one in panel["transformations"].as_array().into_iter().flatten() {
        let renames = one["options"]["renameByName"].as_object().into_iter().flatten();
        let titles = renames.filter(|(column, _)| columns.contains(*column));
        names.extend(titles.filter_map(|(_, title)| title.as_str()).map(str::to_owned));
    }
    names
}

fn mentions(value: &Value, names: &BTreeSet<String>) -> bool {
    match value {
        Value::String(text) => names.contains(text),
        Value::Array(items) => items.iter().any(|item| mentions(item, names)),
        Value::Object(fields) => {
            fields.iter().any(|(key, item)| names.contains(key) || mentions(item, names))
        }
        _ => false,
    }
}

fn draw_thresholds(panel: &mut Value, page: &Page) {
    if let Some(steps) = steps_from_mark(panel, page) {
        let is_graph = panel["type"] == "timeseries";
        let defaults = object_in(object_in(object(panel), "fieldConfig"), "defaults");
        defaults.insert("thresholds".into(), steps);
        if is_graph {
            object_in(defaults, "custom").insert("thresholdsStyle".into(), json!({"mode": "line"}));
        }
    }
    for one in array_at(panel, "/fieldConfig/overrides").into_iter().flatten() {
        let Some(steps) = steps_from_mark(one, page) else {
            continue;
        };
        if let Some(properties) = one.get_mut("properties").and_then(Value::as_array_mut) {
            properties.retain(|property| property["id"] != "thresholds");
            properties.push(json!({"id": "thresholds", "value": steps}));
        }
    }
}

fn steps_from_mark(marked: &Value, page: &Page) -> Option<Value> {
    let threshold = page.threshold(marked["skymon"]["threshold"].as_str()?)?;
    let colour = marked["skymon"]["colour"].as_str().unwrap_or("red");
    // Below the threshold nothing is said: text keeps its colour, a cell has none, a graph has no second line.
    let below = if marked["type"] == "stat" { "text" } else { "transparent" };
    Some(json!({
        "mode": "absolute",
        "steps": [{"color": below, "value": null}, {"color": colour, "value": threshold}],
    }))
}

fn colour_services(panel: &mut Value, page: &Page) {
    if panel["skymon"]["colours"] != "services" {
        return;
    }
    let Some(overrides) = array_at(panel, "/fieldConfig/overrides") else {
        return;
    };
    for (service, colour) in page.services.iter().zip(COLOURS.iter().cycle()) {
        overrides.push(json!({
            "matcher": {"id": "byName", "options": service.name},
            "properties": [{"id": "color", "value": {"mode": "fixed", "fixedColor": colour}}],
        }));
    }
}

/// Writes the query that knows each service's page. It asks for no series, so that a service that sends nothing at
/// all still has its row in the table.
fn list_pages(panel: &mut Value, pages: &[Page]) {
    let rows: Vec<String> = pages
        .iter()
        .filter(|page| page.template == Some("service.json"))
        .flat_map(|page| page.services.iter().map(move |service| (&service.name, &page.uid)))
        .map(|(service, uid)| {
            let named = format!("label_replace(vector(1), \"service\", {}, \"\", \"\")", quoted(service));
            format!("label_replace({named}, \"page\", {}, \"\", \"\")", quoted(uid))
        })
        .collect();
    let asks_for_pages = |target: &&mut Value| target["skymon"]["pages"] == true;
    for target in array_at(panel, "/targets").into_iter().flatten().filter(asks_for_pages) {
        target["expr"] = json!(rows.join("\nor "));
    }
}

/// A string as PromQL writes it. The text is a replacement there, so `$` must stand for itself.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('$', "$$"))
}

fn drop_links(value: &mut Value, url: &str) {
    match value {
        Value::Array(items) => {
            items.retain(|item| !item["url"].as_str().is_some_and(|to| to.starts_with(url)));
            for item in items {
                drop_links(item, url);
            }
        }
        Value::Object(fields) => {
            for item in fields.values_mut() {
                drop_links(item, url);
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

fn runbook(input: &DashboardInput, page: &Page, pages: &[Page]) -> Value {
    let panels = input.runbook.iter().map(|entry| {
        json!({
            "type": "text",
            "title": entry.alert,
            "description": format!("What {} means, and what to do when it fires.", entry.alert),
            "fieldConfig": {"defaults": {}, "overrides": []},
            "gridPos": {"w": 24, "h": text_height(&entry.markdown)},
            "options": {
                "mode": "markdown",
                "content": as_is(&entry.markdown),
                "code": {"language": "plaintext", "showLineNumbers": false, "showMiniMap": false},
            },
        })
    });
    let panels = layout::arrange(vec![Section { row: None, panels: panels.collect() }]);
    json!({
        "annotations": {"list": []},
        "description": "What each alert means, what users notice, and where to look.",
        "editable": false,
        "fiscalYearStartMonth": 0,
        "graphTooltip": 0,
        "links": links(page, pages),
        "panels": panels,
        "preload": false,
        "refresh": "",
        "schemaVersion": 42,
        "tags": ["skymon", page.stack],
        "templating": {"list": [{
            "name": "dollar",
            "description": "Lets the texts show a dollar sign that Grafana would read as the begin of a variable.",
            "type": "constant",
            "query": "$",
            "current": {"selected": true, "text": "$", "value": "$"},
            "options": [],
            "hide": 2,
            "skipUrlSync": true,
        }]},
        "time": {"from": "now-3h", "to": "now"},
        "timepicker": {},
        "timezone": "browser",
        "title": page.title,
        "uid": page.uid,
        "weekStart": "",
    })
}

/// Grafana puts its variables into a text before it reads the markdown, in code blocks too, and knows no way to
/// escape a dollar sign. So the page has a variable whose value is one.
fn as_is(markdown: &str) -> String {
    let mut text = String::with_capacity(markdown.len());
    let mut rest = markdown;
    while let Some(at) = rest.find('$') {
        let (before, after) = (&rest[..at], &rest[at + 1..]);
        let starts_a_name =
            after.starts_with(|next: char| next == '{' || next == '_' || next.is_alphanumeric());
        text.push_str(before);
        text.push_str(if starts_a_name { "${dollar}" } else { "$" });
        rest = after;
    }
    text.push_str(rest);
    text
}

/// The height that shows a text without scrolling on a wide screen: about 150 letters a line, a line about two thirds
/// of a unit of the grid, and the panel's own frame.
fn text_height(markdown: &str) -> usize {
    let lines: usize = markdown.lines().map(|line| 1 + line.chars().count() / 150).sum();
    (lines * 2).div_ceil(3) + 2
}

/// The names of the series that a query of a panel asks for.
fn metrics(expr: &str) -> Result<BTreeSet<String>> {
    let query = PromQl::parse(&without_variables(expr)).map_err(|error| anyhow!(error))?;
    Ok(query.metrics())
}

/// The query as PromQL reads it. What stands for a Grafana variable does not matter, only that it fits: a duration in
/// a range, a number or the inside of a string elsewhere.
fn without_variables(expr: &str) -> String {
    let mut plain = String::with_capacity(expr.len());
    for piece in pieces(expr) {
        match piece {
            Piece::Text(text) => plain.push_str(text),
            Piece::Variable(_) if plain.ends_with(['[', ':']) => plain.push_str("5m"),
            Piece::Variable(_) => plain.push('1'),
        }
    }
    plain
}

/// The variables that a query uses.
fn variables(expr: &str) -> BTreeSet<String> {
    pieces(expr)
        .into_iter()
        .filter_map(|piece| match piece {
            Piece::Variable(name) => Some(name.to_owned()),
            Piece::Text(_) => None,
        })
        .collect()
}

enum Piece<'a> {
    Text(&'a str),
    Variable(&'a str),
}

/// Cuts a query at Grafana's variables: `$name`, `${name}` and `${name:format}`.
fn pieces(expr: &str) -> Vec<Piece<'_>> {
    let not_in_name = |letter: char| letter != '_' && !letter.is_ascii_alphanumeric();
    let mut pieces = Vec::new();
    let mut rest = expr;
    while let Some((before, after)) = rest.split_once('$') {
        pieces.push(Piece::Text(before));
        let braced = after.strip_prefix('{').and_then(|inside| inside.split_once('}'));
        let (name, next) =
            braced.unwrap_or_else(|| after.split_at(after.find(not_in_name).unwrap_or(after.len())));
        let name = name.split(not_in_name).next().unwrap_or_default();
        pieces.push(if name.is_empty() { Piece::Text("$") } else { Piece::Variable(name) });
        rest = next;
    }
    pieces.push(Piece::Text(rest));
    pieces
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

#[cfg(test)]
mod tests {
    use super::*;

    /// All that the rules can record.
    const VOCABULARY: &str = "
        service_replica:up:max service_replica:requests:rate5m service_replica:errors:rate5m
        service_replica:aborted:rate5m service_replica:tokens_in:rate5m service_replica:tokens_out:rate5m
        service_replica:preemptions:rate5m service_replica:cpu_seconds:rate5m
        service_replica:latency_seconds:p99_rate5m service_replica:running:sum service_replica:queued:sum
        service_replica:kv_cache_usage:max service_replica:model_ready:min service_replica:memory_bytes:max
        service_replica:restarts:changes1h
        service:replicas_up:sum service:replicas:count service:requests:rate5m service:errors:rate5m
        service:errors:ratio_rate5m service:aborted:rate5m service:latency_seconds_bucket:rate5m
        service:latency_seconds:p50_rate5m service:latency_seconds:p95_rate5m service:latency_seconds:p99_rate5m
        service:time_to_first_token_seconds_bucket:rate5m service:time_to_first_token_seconds:p50_rate5m
        service:time_to_first_token_seconds:p95_rate5m service:time_to_first_token_seconds:p99_rate5m
        service:time_per_output_token_seconds_bucket:rate5m service:time_per_output_token_seconds:p50_rate5m
        service:time_per_output_token_seconds:p95_rate5m service:time_per_output_token_seconds:p99_rate5m
        service:running:sum service:queued:sum service:tokens_in:rate5m service:tokens_out:rate5m
        service:kv_cache_usage:max service:prefix_cache_hits:ratio_rate5m service:preemptions:rate5m
        service:model_ready:min service:utilization:ratio service:endpoint_up:min
        service:endpoint_latency_seconds:max service:certificate_expiry_seconds:min";

    fn template(name: &str) -> Value {
        let text = match name {
            "overview.json" => include_str!("../../templates/grafana/dashboards/overview.json"),
            "service.json" => include_str!("../../templates/grafana/dashboards/service.json"),
            other => panic!("no such template: {other}"),
        };
        serde_json::from_str(text).unwrap()
    }

    fn service(name: &str, engine: &str, recorded: &str, thresholds: &[(&str, f64)]) -> DashboardService {
        DashboardService {
            name: name.into(),
            engine: engine.into(),
            recorded: recorded.split_whitespace().map(Into::into).collect(),
            thresholds: thresholds.iter().map(|(alert, value)| ((*alert).into(), *value)).collect(),
        }
    }

    fn stack(services: Vec<DashboardService>) -> DashboardInput {
        let engines = [("vllm", "vLLM"), ("custom", "Custom server")];
        DashboardInput {
            stack: "night".into(),
            services,
            engines: engines.map(|(engine, title)| (engine.into(), title.into())).into(),
            runbook: vec![RunbookEntry { alert: "ServiceDown".into(), markdown: "Look at `$HOME`.".into() }],
        }
    }

    fn full() -> DashboardInput {
        let thresholds = [("HighLatency", 2.5), ("HighErrorRate", 0.05)];
        stack(vec![
            service("chat", "vllm", VOCABULARY, &thresholds),
            service("code", "vllm", VOCABULARY, &[("HighLatency", 4.0), ("HighErrorRate", 0.05)]),
            service("rank", "custom", VOCABULARY, &thresholds),
        ])
    }

    fn empty() -> DashboardInput {
        stack(vec![service("chat", "vllm", "", &[])])
    }

    /// As small an engine as there is: no tokens, no queue, no buckets.
    fn thin() -> DashboardInput {
        let recorded =
            "service_replica:up:max service:replicas_up:sum service:replicas:count service:requests:rate5m
            service:latency_seconds:p99_rate5m";
        stack(vec![service("rank", "custom", recorded, &[])])
    }

    /// Nothing to scrape: only the probe of the endpoint knows about it.
    fn only_endpoint() -> DashboardInput {
        stack(vec![service(
            "chat",
            "vllm",
            "service:endpoint_up:min service:endpoint_latency_seconds:max",
            &[],
        )])
    }

    fn dashboards(input: &DashboardInput) -> BTreeMap<String, Value> {
        build(input, template).unwrap().into_iter().collect()
    }

    /// Every object in a dashboard that has this key.
    fn having<'a>(value: &'a Value, key: &str, found: &mut Vec<&'a Value>) {
        match value {
            Value::Array(items) => items.iter().for_each(|item| having(item, key, found)),
            Value::Object(fields) => {
                found.extend(fields.contains_key(key).then_some(value));
                fields.values().for_each(|item| having(item, key, found));
            }
            _ => {}
        }
    }

    fn all_having<'a>(value: &'a Value, key: &str) -> Vec<&'a Value> {
        let mut found = Vec::new();
        having(value, key, &mut found);
        found
    }

    fn panel<'a>(dashboard: &'a Value, title: &str) -> Option<&'a Value> {
        {
            let mut panels = dashboard["panels"].as_array().unwrap().iter();
            panels.find(|panel| panel["title"] == title && panel["type"] != "row")
        }
    }

    #[test]
    fn the_files_their_names_and_their_links() {
        let built = build(&full(), template).unwrap();
        let titles: Vec<_> = built
            .iter()
            .map(|(file, page)| {
                (file.as_str(), page["uid"].as_str().unwrap(), page["title"].as_str().unwrap())
            })
            .collect();
        let expected = [
            ("overview.json", "skymon-overview", "Overview · night"),
            ("service-custom.json", "skymon-service-custom", "Service · Custom server · night"),
            ("service-vllm.json", "skymon-service-vllm", "Service · vLLM · night"),
            ("runbook.json", "skymon-runbook", "Runbook · night"),
        ];
        assert_eq!(titles, expected);
        for (_, page) in &built {
            assert_eq!(page["tags"], json!(["skymon", "night"]));
            assert_eq!(page["links"].as_array().unwrap().len(), 3);
            assert!(page.get("id").is_none() && page.get("__inputs").is_none());
        }
    }

    #[test]
    fn whatever_is_recorded_the_page_is_sound() {
        for input in [full(), thin(), empty(), only_endpoint()] {
            for (file, page) in dashboards(&input) {
                let panels = page["panels"].as_array().unwrap();
                let ids: BTreeSet<u64> = panels.iter().map(|panel| panel["id"].as_u64().unwrap()).collect();
                assert_eq!(ids.len(), panels.len(), "{file}: ids");

                let mut cells = BTreeSet::new();
                for panel in panels {
                    let at = |side: &str| panel["gridPos"][side].as_u64().unwrap();
                    assert!(
                        at("w") > 0 && at("h") > 0 && at("x") + at("w") <= 24,
                        "{file}: {}",
                        panel["title"]
                    );
                    for cell in (at("y")..at("y") + at("h"))
                        .flat_map(|y| (at("x")..at("x") + at("w")).map(move |x| (x, y)))
                    {
                        assert!(cells.insert(cell), "{file}: {} overlaps", panel["title"]);
                    }
                }

                for with_source in all_having(&page, "datasource") {
                    assert_eq!(
                        with_source["datasource"],
                        json!({"type": "prometheus", "uid": DATASOURCE_UID})
                    );
                }
                assert!(all_having(&page, "skymon").is_empty(), "{file}: a mark is left");

                let recorded = |metric: &String| {
                    metric == ALERTS || input.services.iter().any(|service| service.recorded.contains(metric))
                };
                for target in all_having(&page, "expr") {
                    let expr = target["expr"].as_str().unwrap();
                    assert!(metrics(expr).unwrap().iter().all(recorded), "{file}: {expr}");
                }
                for panel in
                    panels.iter().filter(|panel| !["row", "text"].contains(&panel["type"].as_str().unwrap()))
                {
                    assert!(!panel["targets"].as_array().unwrap().is_empty(), "{file}: {}", panel["title"]);
                    assert!(
                        panel["description"].as_str().unwrap().ends_with('.'),
                        "{file}: {}",
                        panel["title"]
                    );
                }
            }
        }
    }

    #[test]
    fn without_series_only_the_alerts_are_left() {
        let built = dashboards(&empty());
        let left = |file: &str| -> Vec<&str> {
            built[file]["panels"]
                .as_array()
                .unwrap()
                .iter()
                .map(|panel| panel["title"].as_str().unwrap())
                .collect()
        };
        assert_eq!(left("overview.json"), ["Critical alerts", "Warnings", "Firing alerts", "Services"]);
        assert_eq!(left("service-vllm.json"), ["Health", "Firing alerts"]);
        let variables = all_having(&built["service-vllm.json"]["templating"], "name");
        assert_eq!(variables.len(), 1, "no replica is recorded to choose from");
    }

    #[test]
    fn the_templates_show_the_whole_vocabulary_and_nothing_else() {
        let mut shown = BTreeSet::new();
        for name in ["overview.json", "service.json"] {
            for target in all_having(&template(name), "expr") {
                shown.extend(metrics(target["expr"].as_str().unwrap()).unwrap());
            }
        }
        let mut expected: BTreeSet<String> = VOCABULARY.split_whitespace().map(Into::into).collect();
        expected.insert(ALERTS.into());
        assert_eq!(shown, expected);
    }

    #[test]
    fn dropped_queries_take_their_columns_along() {
        let built = dashboards(&thin());
        let table = panel(&built["overview.json"], "Services").unwrap();
        let columns: Vec<&str> = table["targets"]
            .as_array()
            .unwrap()
            .iter()
            .map(|target| target["refId"].as_str().unwrap())
            .collect();
        assert_eq!(columns, ["pages", "A", "B", "C", "F", "H"]);
        assert!(!table.to_string().contains("Value #G"));
        assert!(!table.to_string().contains("Errors"));
        let quantiles = panel(&built["service-custom.json"], "Latency").unwrap();
        assert_eq!(quantiles["targets"].as_array().unwrap().len(), 1);
        assert!(panel(&built["service-custom.json"], "Tokens").is_none(), "an empty row");
    }

    #[test]
    fn a_threshold_is_drawn_where_all_services_of_the_page_agree() {
        let built = dashboards(&full());
        let latency = |file: &str| panel(&built[file], "Latency").unwrap()["fieldConfig"]["defaults"].clone();
        let alone = latency("service-custom.json");
        assert_eq!(alone["thresholds"]["steps"][1], json!({"color": "red", "value": 2.5}));
        assert_eq!(alone["custom"]["thresholdsStyle"]["mode"], "line");
        let divided = latency("service-vllm.json");
        assert_eq!(divided["thresholds"]["steps"].as_array().unwrap().len(), 1);
        assert_eq!(divided["custom"]["thresholdsStyle"]["mode"], "off");

        let errors = panel(&built["service-vllm.json"], "Error ratio").unwrap();
        assert_eq!(errors["fieldConfig"]["defaults"]["thresholds"]["steps"][1]["value"], 0.05);
        let table = panel(&built["overview.json"], "Services").unwrap();
        let overrides = table["fieldConfig"]["overrides"].as_array().unwrap();
        let errors = overrides.iter().find(|one| one["matcher"]["options"] == "Value #G").unwrap();
        let thresholds =
            errors["properties"].as_array().unwrap().iter().filter(|one| one["id"] == "thresholds");
        let steps: Vec<_> = thresholds.map(|one| &one["value"]["steps"][1]).collect();
        assert_eq!(steps, [&json!({"color": "red", "value": 0.05})]);
    }

    #[test]
    fn an_alert_that_one_service_lacks_has_no_line() {
        let mut input = full();
        input.services[1].thresholds.clear();
        let errors = &dashboards(&input)["service-vllm.json"];
        let errors = panel(errors, "Error ratio").unwrap();
        assert_eq!(errors["fieldConfig"]["defaults"]["custom"]["thresholdsStyle"]["mode"], "off");
    }

    #[test]
    fn each_service_finds_its_page_and_its_place_in_the_list() {
        let built = dashboards(&full());
        let table = panel(&built["overview.json"], "Services").unwrap();
        let pages = table["targets"][0]["expr"].as_str().unwrap();
        assert_eq!(pages.lines().count(), 3);
        let row = "label_replace(label_replace(vector(1), \"service\", \"code\", \"\", \"\"), \"page\", \
                   \"skymon-service-vllm\", \"\", \"\")";
        assert!(pages.contains(row), "{pages}");
        let services = &built["service-vllm.json"]["templating"]["list"][0];
        assert_eq!(services["query"], "chat,code");
        assert_eq!(services["current"]["value"], "chat");
        assert_eq!(services["options"][1], json!({"selected": false, "text": "code", "value": "code"}));
    }

    #[test]
    fn an_export_from_another_grafana_is_made_our_own() {
        let foreign = json!({
            "id": 7, "version": 3, "__inputs": [{"name": "DS_PROMETHEUS"}], "title": "Mine",
            "annotations": {"list": [{"datasource": {"type": "grafana", "uid": "-- Grafana --"}}]},
            "panels": [
                {"type": "text", "options": {"content": "kept"}},
                {"type": "timeseries", "title": "a", "datasource": "${DS_PROMETHEUS}", "skymon": {"threshold": "HighLatency"},
                 "targets": [{"refId": "A", "expr": "rate(service:queued:sum{service=~\"${service:regex}\"}[$__rate_interval])"}]},
            ],
        });
        let built = build(&full(), |_| foreign.clone()).unwrap();
        let page = &built[0].1;
        assert!(page.get("id").is_none() && page.get("version").is_none() && page.get("__inputs").is_none());
        assert_eq!(page["panels"][1]["datasource"]["uid"], DATASOURCE_UID);
        assert_eq!(page["annotations"]["list"][0]["datasource"]["uid"], "-- Grafana --");
    }

    #[test]
    fn a_template_that_cannot_be_used_is_named_with_its_fault() {
        let fault = |template: Value| format!("{:#}", build(&full(), |_| template.clone()).unwrap_err());
        assert!(fault(json!([])).contains("`overview.json`: a dashboard is a JSON object"));
        assert!(fault(json!({"panels": ["a"]})).contains("a panel is a JSON object"));
        let broken = json!({"panels": [{"title": "Load", "targets": [{"refId": "A", "expr": "sum("}]}]});
        assert!(fault(broken).contains("the panel `Load`"));
    }

    #[test]
    fn variables_are_read_as_grafana_reads_them() {
        let expr = "rate(a{b=\"$service\",c=~\"${replica:regex}\"}[$__rate_interval]) / $n";
        assert_eq!(without_variables(expr), "rate(a{b=\"1\",c=~\"1\"}[5m]) / 1");
        let expected = ["__rate_interval", "n", "replica", "service"].map(String::from);
        assert_eq!(variables(expr), expected.into());
        assert_eq!(without_variables("a{b=~\"x$\"}"), "a{b=~\"x$\"}");
    }

    #[test]
    fn names_are_found_wherever_a_query_hides_them() {
        let found =
            metrics("sum(a) / (b offset 1h > 0) or max_over_time(c[$__interval:1m]) + vector(0)").unwrap();
        assert_eq!(found, ["a", "b", "c"].map(String::from).into());
    }

    #[test]
    fn a_dollar_in_the_runbook_shows_as_itself() {
        assert_eq!(
            as_is("`$HOME` ${X} costs 5$, $5 {{ $labels.a }}"),
            "`${dollar}HOME` ${dollar}{X} costs 5$, ${dollar}5 {{ ${dollar}labels.a }}"
        );
        let built = dashboards(&full());
        assert_eq!(built["runbook.json"]["panels"][0]["options"]["content"], "Look at `${dollar}HOME`.");
    }

    #[test]
    fn a_longer_text_gets_a_higher_panel() {
        assert!(text_height("one line") < text_height(&"one line\n".repeat(20)));
        assert!(text_height("word") < text_height(&"word ".repeat(300)));
    }

    #[test]
    fn without_a_runbook_nothing_leads_to_it() {
        let mut input = full();
        input.runbook.clear();
        let built = dashboards(&input);
        assert!(!built.contains_key("runbook.json"));
        assert_eq!(built["overview.json"]["links"].as_array().unwrap().len(), 2);
        assert!(
            !built["overview.json"].to_string().contains(RUNBOOK_UID),
            "not even from the table of alerts"
        );
    }

    #[test]
    fn the_same_input_gives_the_same_bytes() {
        let text = || format!("{:?}", build(&full(), template).unwrap());
        assert_eq!(text(), text());
    }
}
