//! What every page must have: a place for each panel, words for what is seen, and links that lead somewhere.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use url::Url;

use crate::page::{Page, STACKS, list, pages, pages_of_all_stacks, rendered, text};
use crate::support::project::files_below;

#[test]
fn no_two_panels_overlap() {
    for page in pages_of_all_stacks() {
        let mut cells: BTreeMap<(u64, u64), String> = BTreeMap::new();
        for panel in list(&page.json["panels"]) {
            let place = page.place(panel);
            let side =
                |name: &str| panel["gridPos"][name].as_u64().unwrap_or_else(|| panic!("{place}: {name}"));
            let (x, y, w, h) = (side("x"), side("y"), side("w"), side("h"));
            assert!(w > 0 && h > 0 && x + w <= 24, "{place} lies beside the grid");
            for cell in (x..x + w).flat_map(|x| (y..y + h).map(move |y| (x, y))) {
                if let Some(other) = cells.insert(cell, place.clone()) {
                    panic!("{place} lies on {other}");
                }
            }
        }
    }
}

#[test]
fn every_panel_says_what_it_shows_in_which_unit_and_names_its_lines() {
    let mut wordless = Vec::new();
    for page in pages_of_all_stacks() {
        for panel in page.panels().into_iter().filter(|panel| panel["type"] != "row") {
            let place = page.place(panel);
            if text(&panel["title"]).is_empty() || !text(&panel["description"]).ends_with('.') {
                wordless.push(format!("{place}: no title, or no sentence for a description"));
            }
            if panel["type"] == "text" {
                continue;
            }
            if !has_unit(panel) {
                wordless.push(format!("{place}: no unit"));
            }
            let targets = list(&panel["targets"]);
            for target in targets {
                // A single number has its panel's title; a table has its columns.
                let named = panel["type"] == "table" || (panel["type"] == "stat" && targets.len() == 1);
                if !named && text(&target["legendFormat"]).is_empty() {
                    wordless.push(format!("{place}: the line {} has no name", target["refId"]));
                }
            }
        }
        for variable in page.variables() {
            if !text(&variable["description"]).ends_with('.') {
                wordless.push(format!("{}: the variable {}", page.file, variable["name"]));
            }
        }
        assert!(text(&page.json["description"]).ends_with('.'), "{}", page.file);
    }
    assert!(wordless.is_empty(), "{}", wordless.join("\n"));
}

/// A table has one for each column of values that it shows.
fn has_unit(panel: &Value) -> bool {
    let unit = |fields: &Value| !text(&fields["unit"]).is_empty();
    if panel["type"] != "table" {
        return unit(&panel["fieldConfig"]["defaults"]) || unit(&panel["options"]["yAxis"]);
    }
    let targets = list(&panel["targets"]);
    let hidden: Vec<&String> = list(&panel["transformations"])
        .iter()
        .filter_map(|one| one["options"]["excludeByName"].as_object())
        .flat_map(|columns| columns.keys())
        .collect();
    targets.iter().map(|target| format!("Value #{}", text(&target["refId"]))).all(|column| {
        let of_column = |one: &&Value| one["matcher"]["options"] == column.as_str();
        let properties = list(&panel["fieldConfig"]["overrides"]).iter().find(of_column);
        hidden.contains(&&column)
            || properties.is_some_and(|one| list(&one["properties"]).iter().any(|p| p["id"] == "unit"))
    })
}

#[test]
fn a_rate_that_is_drawn_over_time_has_the_window_that_grafana_knows_to_be_wide_enough() {
    let mut rates = 0;
    for page in pages_of_all_stacks() {
        for panel in page.panels() {
            for target in list(&panel["targets"]).iter().filter(|target| target["range"] == true) {
                let expr = text(&target["expr"]);
                for call in ["rate(", "increase("] {
                    for (at, _) in expr.match_indices(call) {
                        // Of the functions, not of what ends like one.
                        if expr[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_') {
                            continue;
                        }
                        rates += 1;
                        let window = expr[at..].split(['[', ']']).nth(1);
                        assert_eq!(window, Some("$__rate_interval"), "{}: {expr}", page.place(panel));
                    }
                }
            }
        }
    }
    assert!(rates > 20, "the pages draw rates, not {rates}");
}

#[test]
fn uids_and_numbers_of_panels_are_unique() {
    for stack in STACKS {
        let project = rendered(stack);
        let pages = pages(&project);
        let uids: BTreeSet<&str> = pages.iter().map(Page::uid).collect();
        assert_eq!(uids.len(), pages.len(), "{stack}: {uids:?}");
        for page in &pages {
            let panels = page.panels();
            let numbers: BTreeSet<_> = panels.iter().filter_map(|panel| panel["id"].as_u64()).collect();
            assert_eq!(numbers.len(), panels.len(), "{stack}/{}", page.file);
        }
    }
}

/// Notifications, bookmarks and other dashboards hold them.
#[test]
fn uids_and_numbers_of_panels_do_not_change_with_the_config() {
    let project = rendered("examples/minimal");
    let numbers = || -> BTreeMap<(String, String), Value> {
        let pages = pages(&project);
        let panels = pages.iter().flat_map(|page| page.panels().into_iter().map(move |panel| (page, panel)));
        panels
            .map(|(page, panel)| ((page.uid().to_owned(), page.place(panel)), panel["id"].clone()))
            .collect()
    };
    let before = numbers();
    let config = project.read("skymon.yaml");
    project.write("skymon.yaml", &format!("{config}\nalerts: {{ServiceDown: {{enabled: false}}}}\n"));
    project.render();
    let after = numbers();
    assert_eq!(before.len(), after.len() + 1, "the runbook has one panel less");
    assert!(after.iter().all(|(panel, number)| before[panel] == *number));
}

#[test]
fn every_link_leads_to_a_page_a_panel_and_a_variable_that_are_there() {
    for stack in STACKS {
        let project = rendered(stack);
        let pages = pages(&project);
        let mut links = BTreeSet::new();
        for page in &pages {
            links_in(&page.json, &mut links);
        }
        for folder in ["prometheus/rules", "."] {
            for file in files_below(&project.path(&format!("monitoring/{folder}"))) {
                let text = project.read(&format!("monitoring/{folder}/{}", file.display()));
                if folder != "." || file.ends_with("RUNBOOK.md") {
                    links.extend(paths_in(&text));
                }
            }
        }
        assert!(links.len() > 5, "{stack}: {links:?}");
        for link in &links {
            check(link, &pages).unwrap_or_else(|fault| panic!("{stack}: `{link}`: {fault}"));
        }
        // From every page to every other.
        for page in &pages {
            let urls: Vec<&str> = list(&page.json["links"]).iter().map(|link| text(&link["url"])).collect();
            for other in pages.iter().filter(|other| other.uid() != page.uid()) {
                let path = format!("/d/{}", other.uid());
                assert!(urls.contains(&path.as_str()), "{}: {path}", page.file);
            }
        }
    }
}

#[test]
fn alerts_panels_and_runbook_lead_to_each_other() {
    let project = rendered("examples/minimal");
    let pages = pages(&project);
    let page = |uid: &str| pages.iter().find(|page| page.uid() == uid).expect("rendered");
    let panel = |page: &Page, title: &str| -> Value {
        page.panels().into_iter().find(|panel| panel["title"] == title).expect("drawn").clone()
    };
    let of_alert = panel(page("skymon-runbook"), "HighErrorRate");
    let to_runbook = format!("/d/skymon-runbook?viewPanel=panel-{}", of_alert["id"]);
    let service = page("skymon-service-custom");
    assert_eq!(panel(service, "Error ratio")["links"][0]["url"], to_runbook.as_str());
    let name = text(&service.variables()[0]["options"][0]["value"]).to_owned();
    let to_service = format!("/d/skymon-service-custom?var-service={name}");
    assert!(text(&of_alert["options"]["content"]).contains(&to_service), "{of_alert}");
    let rules = project.read(&format!("monitoring/prometheus/rules/{name}.yml"));
    for link in [&to_runbook, &to_service] {
        assert!(rules.contains(&format!("http://127.0.0.1:3000{link}\"")), "{link}");
    }
    let stack = project.read("monitoring/prometheus/rules/stack.yml");
    assert!(stack.contains("dashboard_url: \"http://127.0.0.1:3000/d/skymon-monitoring\""), "{stack}");
}

#[test]
fn alerts_of_skyserve_lead_to_its_page_and_those_of_the_monitoring_do_not() {
    let project = rendered("examples/tutorial");
    let rules: Value =
        serde_yaml::from_str(&project.read("monitoring/prometheus/rules/stack.yml")).expect("is YAML");
    let mut led = BTreeMap::new();
    for rule in list(&rules["groups"]).iter().flat_map(|group| list(&group["rules"])) {
        if let Some(alert) = rule["alert"].as_str() {
            led.extend(paths_in(text(&rule["annotations"]["dashboard_url"])).pop().map(|path| (alert, path)));
        }
    }
    for alert in ["SkyServeNoReadyReplica", "SkyServeBlind", "CloudReplicasHigh"] {
        assert_eq!(led[alert], "/d/skymon-skyserve", "{alert}");
    }
    assert_eq!(led["MonitoringDown"], "/d/skymon-monitoring");
    assert!(project.read("monitoring/RUNBOOK.md").contains("[all services on SkyServe]("));
}

/// The paths of all links to dashboards, wherever they stand in a value.
fn links_in(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::String(text) => found.extend(paths_in(text)),
        Value::Array(items) => items.iter().for_each(|item| links_in(item, found)),
        Value::Object(fields) => fields.values().for_each(|item| links_in(item, found)),
        _ => {}
    }
}

fn paths_in(text: &str) -> Vec<String> {
    let starts = text.match_indices("/d/");
    // A path of Grafana's, not a folder of that name on the way to something else.
    let starts = starts.filter(|(at, _)| {
        let before = &text[..*at];
        before.ends_with("/grafana") || !before.ends_with(|c: char| c.is_alphabetic())
    });
    starts
        .map(|(at, _)| {
            let end = text[at..].find(|c: char| c.is_whitespace() || "\"')`".contains(c));
            let path = &text[at..end.map_or(text.len(), |end| at + end)];
            // What Prometheus fills in is tested where there is one.
            path.split("{{").next().unwrap_or_default().to_owned()
        })
        .collect()
}

fn check(link: &str, pages: &[Page]) -> Result<(), String> {
    let url = Url::parse(&format!("http://grafana{link}")).map_err(|error| error.to_string())?;
    let uid = url.path().trim_start_matches("/d/").to_owned();
    if uid.contains("__data.fields.page") {
        let known: Vec<&str> = pages.iter().map(Page::uid).collect();
        let rows = pages.iter().flat_map(Page::panels).flat_map(|panel| list(&panel["targets"]));
        let exprs: Vec<&str> = rows.map(|target| text(&target["expr"])).collect();
        let named = exprs.iter().flat_map(|expr| expr.split("\"page\", \"").skip(1));
        let named: Vec<&str> = named.filter_map(|rest| rest.split('"').next()).collect();
        return match named.iter().find(|uid| !known.contains(uid)) {
            _ if named.is_empty() => Err("no query knows the pages".to_owned()),
            Some(unknown) => Err(format!("no page `{unknown}`")),
            None => Ok(()),
        };
    }
    let page = pages.iter().find(|page| page.uid() == uid).ok_or(format!("no page `{uid}`"))?;
    for (key, value) in url.query_pairs() {
        if key == "viewPanel" {
            let number = value.strip_prefix("panel-").and_then(|number| number.parse::<u64>().ok());
            let panels = page.panels();
            if number.is_none() || !panels.iter().any(|panel| panel["id"].as_u64() == number) {
                return Err(format!("no panel `{value}`"));
            }
        } else if let Some(name) = key.strip_prefix("var-") {
            let variable = page.variables().iter().find(|variable| variable["name"] == name);
            let variable = variable.ok_or(format!("no variable `{name}`"))?;
            if !list(&variable["options"]).iter().any(|option| option["value"] == value.as_ref()) {
                return Err(format!("`{name}` is never `{value}`"));
            }
        } else {
            return Err(format!("what is `{key}`?"));
        }
    }
    Ok(())
}
