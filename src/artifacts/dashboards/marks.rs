//! Carries out the marks that a template holds for skymon: thresholds, colours, rows that link to pages.

use serde_json::{Value, json};

use super::{COLOURS, Page, array_at, object, object_in};

pub(super) fn draw_thresholds(panel: &mut Value, page: &Page) {
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

/// A string as PromQL writes it. The text is a replacement there, so `$` must stand for itself.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('$', "$$"))
}
