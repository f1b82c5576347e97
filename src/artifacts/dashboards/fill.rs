//! Leaves out what this stack cannot fill: queries of series that nothing records, and what is then empty.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use serde_json::{Map, Value};

use super::queries::variables;
use super::{InPanel, Page, array_at};
use crate::artifacts::layout::Section;

pub(super) fn keep_what_can_be_filled(
    section: &mut Section,
    page: &Page,
    gone: &BTreeSet<String>,
) -> Result<()> {
    let mut kept = Vec::new();
    for mut panel in section.panels.drain(..) {
        let title = panel["title"].as_str().unwrap_or("without a title").to_owned();
        if fill(&mut panel, page, gone).with_context(|| InPanel(title))? {
            kept.push(panel);
        }
    }
    section.panels = kept;
    Ok(())
}

pub(super) fn keep_annotations(fields: &mut Map<String, Value>, page: &Page) -> Result<()> {
    let Some(annotations) = fields.get_mut("annotations").and_then(|list| array_at(list, "/list")) else {
        return Ok(());
    };
    let mut kept = Vec::new();
    for annotation in annotations.drain(..) {
        let name = annotation["name"].as_str().unwrap_or("without a name");
        let answered = match annotation["target"]["expr"].as_str() {
            Some(expr) => page.can_answer(expr).with_context(|| format!("the annotation `{name}`"))?,
            None => true,
        };
        if answered {
            kept.push(annotation);
        }
    }
    *annotations = kept;
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
