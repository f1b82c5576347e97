//! Carries out the marks that a template holds for skymon: thresholds, colours, rows that link to pages.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use serde_json::{Value, json};

use super::{
    COLOURS, DATASOURCE_UID, DashboardInput, MONITORING_UID, OVERVIEW_UID, PackPage, Page, array_at,
    interval, link, object, object_in,
};
use crate::plan::Traffic;

/// The line of a threshold that the services of a page do not share.
const THRESHOLD_LINE: &str = "alert threshold";

pub(super) fn draw_thresholds(panel: &mut Value, page: &Page) {
    let is_graph = panel["type"] == "timeseries";
    let targets = panel["targets"].as_array().cloned().unwrap_or_default();
    if let Some(steps) = steps_from_mark(panel, page, &queries_of(&targets, None)) {
        let defaults = object_in(object_in(object(panel), "fieldConfig"), "defaults");
        defaults.insert("thresholds".into(), steps);
        if is_graph {
            object_in(defaults, "custom").insert("thresholdsStyle".into(), json!({"mode": "line"}));
        }
    } else if is_graph && page.template == Some("service.json") {
        draw_threshold_of_each(panel, page);
    }
    for one in array_at(panel, "/fieldConfig/overrides").into_iter().flatten() {
        let column = one["matcher"]["options"].as_str().unwrap_or_default();
        let Some(steps) = steps_from_mark(one, page, &queries_of(&targets, Some(column))) else {
            continue;
        };
        if let Some(properties) = one.get_mut("properties").and_then(Value::as_array_mut) {
            properties.retain(|property| property["id"] != "thresholds");
            properties.push(json!({"id": "thresholds", "value": steps}));
        }
    }
}

/// The queries of a panel, or of one column of a table.
fn queries_of(targets: &[Value], column: Option<&str>) -> Vec<String> {
    let asked = targets.iter().filter(|target| {
        column
            .is_none_or(|column| target["refId"].as_str().is_some_and(|id| column == format!("Value #{id}")))
    });
    asked.filter_map(|target| target["expr"].as_str()).map(str::to_owned).collect()
}

fn steps_from_mark(marked: &Value, page: &Page, queries: &[String]) -> Option<Value> {
    let mark = &marked["skymon"];
    // Where nothing is wrong nothing is said: text keeps its colour, a cell has none, a graph has no second line.
    let quiet = if marked["type"] == "stat" { "text" } else { "transparent" };
    let steps = if let Some(alerts) = mark["below"].as_array() {
        let thresholds = alerts.iter().map(|alert| page.threshold(alert.as_str()?, queries));
        let (mut colours, mut values): (Vec<_>, Vec<_>) = ["red", "orange"]
            .into_iter()
            .zip(thresholds)
            .filter_map(|(colour, threshold)| Some((colour, threshold?)))
            .unzip();
        if values.is_empty() {
            return None;
        }
        values.sort_by(f64::total_cmp);
        colours.push(quiet);
        let from = [Value::Null].into_iter().chain(values.into_iter().map(Value::from));
        colours
            .into_iter()
            .zip(from)
            .map(|(colour, value)| json!({"color": colour, "value": value}))
            .collect()
    } else {
        let threshold = page.threshold(mark["threshold"].as_str()?, queries)?;
        let colour = mark["colour"].as_str().unwrap_or("red");
        vec![json!({"color": quiet, "value": null}), json!({"color": colour, "value": threshold})]
    };
    Some(json!({"mode": "absolute", "steps": steps}))
}

/// A line for the threshold of whichever service is shown: a query that only that service answers.
fn draw_threshold_of_each(panel: &mut Value, page: &Page) {
    let Some(alert) = panel["skymon"]["threshold"].as_str() else {
        return;
    };
    let lines: Vec<String> = page
        .services
        .iter()
        .filter_map(|service| {
            let threshold = service.thresholds.get(alert)?;
            Some(format!(
                "label_replace(vector({threshold}), \"service\", {}, \"\", \"\")",
                quoted(&service.name)
            ))
        })
        .collect();
    if lines.is_empty() {
        return;
    }
    let shown = "label_replace(vector(1), \"service\", \"$service\", \"\", \"\")";
    if let Some(targets) = array_at(panel, "/targets") {
        targets.push(json!({
            "refId": "threshold",
            "datasource": {"type": "prometheus", "uid": DATASOURCE_UID},
            "editorMode": "code",
            "expr": format!("({})\nand on (service) {shown}", lines.join("\nor ")),
            "instant": false,
            "range": true,
            "legendFormat": THRESHOLD_LINE,
        }));
    }
    if let Some(overrides) = array_at(panel, "/fieldConfig/overrides") {
        overrides.push(json!({
            "matcher": {"id": "byName", "options": THRESHOLD_LINE},
            "properties": [
                {"id": "color", "value": {"mode": "fixed", "fixedColor": "red"}},
                {"id": "custom.lineStyle", "value": {"fill": "dash", "dash": [10, 10]}},
            ],
        }));
    }
}

/// From the panel that shows a threshold to what the runbook says of its alerts.
pub(super) fn link_runbook(panel: &mut Value, page: &Page, input: &DashboardInput) {
    let mark = &panel["skymon"];
    let marked = mark["below"].as_array().into_iter().flatten().chain([&mark["threshold"]]);
    let links: Vec<Value> = marked
        .filter_map(Value::as_str)
        .filter(|alert| {
            page.thresholds.contains_key(*alert)
                || page.services.iter().any(|service| service.thresholds.contains_key(*alert))
        })
        .filter_map(|alert| Some(link(&format!("What to do: {alert}"), "doc", &input.runbook_of(alert)?)))
        .collect();
    if !links.is_empty() {
        panel["links"] = json!(links);
    }
}

/// Writes the queries of the engine's own counter of answers. One of an engine without such a label stays as the template
/// has it: a query of a series that nobody has, which is left out.
pub(super) fn ask_for_traffic(panel: &mut Value, page: &Page) {
    for target in array_at(panel, "/targets").into_iter().flatten() {
        let label: fn(&Traffic) -> Option<&String> = match target["skymon"]["traffic"].as_str() {
            Some("endpoint") => |traffic| traffic.endpoint.as_ref(),
            Some("status") => |traffic| traffic.status.as_ref(),
            _ => continue,
        };
        let traffic: Vec<&Traffic> =
            page.services.iter().filter_map(|service| service.traffic.as_ref()).collect();
        let Some(label) = traffic.iter().copied().find_map(label) else {
            continue;
        };
        let metrics: BTreeSet<&String> = traffic.iter().flat_map(|traffic| &traffic.metrics).collect();
        let rates: Vec<String> = metrics
            .into_iter()
            .map(|metric| format!("rate({metric}{{service=\"$service\"}}[$__rate_interval])"))
            .collect();
        // An answer that has no such label, as what no route was found for, is a line that needs a name too.
        let summed = format!("sum by ({label}) ({})", rates.join(" or "));
        target["expr"] =
            json!(format!("label_replace({summed}, \"{label}\", \"(none)\", \"{label}\", \"\")"));
        target["legendFormat"] = json!(format!("{{{{{label}}}}}"));
        // A service may be asked less often than the stack, and a rate needs two answers.
        if let Some(slowest) = page.services.iter().map(|service| service.interval).max() {
            target["interval"] = json!(interval(slowest));
        }
    }
}

/// Says in the description of a table which services leave which columns empty: an engine that cannot tell is no engine
/// that is at rest. Services with the same gaps share a line.
pub(super) fn name_gaps(panel: &mut Value, page: &Page) -> Result<()> {
    if panel["skymon"]["gaps"] != true {
        return Ok(());
    }
    let title = |target: &Value| {
        let column = format!("Value #{}", target["refId"].as_str()?);
        let overrides = panel["fieldConfig"]["overrides"].as_array()?;
        let one = overrides.iter().find(|one| one["matcher"]["options"] == column.as_str())?;
        let title = one["properties"].as_array()?.iter().find(|property| property["id"] == "displayName")?;
        Some(title["value"].as_str()?.to_owned())
    };
    let mut services_of: BTreeMap<Vec<String>, Vec<&str>> = BTreeMap::new();
    for service in &page.services {
        let mut gaps = Vec::new();
        for target in panel["targets"].as_array().into_iter().flatten() {
            let Some(title) = title(target) else { continue };
            if !page.answers(service, target["expr"].as_str().unwrap_or_default())? {
                gaps.push(title);
            }
        }
        if !gaps.is_empty() {
            services_of.entry(gaps).or_default().push(&service.name);
        }
    }
    let mut lines: Vec<String> = services_of
        .into_iter()
        .map(|(gaps, services)| format!("- {}: {}.", services.join(", "), gaps.join(", ")))
        .collect();
    lines.sort();
    if !lines.is_empty() {
        let description = panel["description"].as_str().unwrap_or_default();
        panel["description"] = json!(format!("{description} Always empty:\n\n{}", lines.join("\n")));
    }
    Ok(())
}

pub(super) fn colour_services(panel: &mut Value, page: &Page) {
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
pub(super) fn list_pages(panel: &mut Value, pages: &[Page]) {
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

/// Adds the uid of the page to the series of each service. One without a service is about the monitoring; a service that is
/// not the stack's, in a rule that a person added, is on no page. Alerts of SkyServe, machines and GPUs have pages of their own.
pub(super) fn name_pages(panel: &mut Value, pages: &[Page], input: &DashboardInput) {
    let names_pages = |target: &&mut Value| target["skymon"]["page_of"] == "service";
    for target in array_at(panel, "/targets").into_iter().flatten().filter(names_pages) {
        let mut expr = target["expr"].as_str().unwrap_or_default().to_owned();
        let mut name = |uid: &str, label: &str, values: &str| {
            expr =
                format!("label_replace({expr}, \"page\", {}, \"{label}\", {})", quoted(uid), quoted(values));
        };
        name(OVERVIEW_UID, "service", ".*");
        name(MONITORING_UID, "service", "");
        for page in pages.iter().filter(|page| page.template == Some("service.json")) {
            let services: Vec<String> =
                page.services.iter().map(|service| service.name.replace('.', "[.]")).collect();
            name(&page.uid, "service", &services.join("|"));
        }
        // Whatever service they are about: its own page says nothing of where its replicas went.
        for PackPage { uid, alerts, .. } in input.packs.iter().filter(|pack| !pack.alerts.is_empty()) {
            let alerts: Vec<&str> = alerts.iter().map(String::as_str).collect();
            name(uid, "alertname", &alerts.join("|"));
        }
        target["expr"] = json!(expr);
    }
}

/// A string as PromQL writes it. The text is a replacement there, so `$` must stand for itself.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('$', "$$"))
}
