//! The runbook as a dashboard of text panels, which opens from a phone at night.

use serde_json::{Value, json};

use super::{DashboardInput, Page, links};
use crate::artifacts::layout::{self, Section};

pub(super) fn build(input: &DashboardInput, page: &Page, pages: &[Page]) -> Value {
    let panels = input.runbook.iter().map(|entry| {
        json!({
            "id": panel_number(&entry.alert),
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
        "links": links(page, pages, input),
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

/// The number of an alert's panel, made of its name alone: a link in an old notification must not lead to another alert
/// because one was added since. FNV-1a, of which 24 bits are enough for all alerts there are.
pub(super) fn panel_number(alert: &str) -> u32 {
    let hash =
        alert.bytes().fold(0x811c_9dc5, |hash: u32, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    (hash >> 8).max(1)
}

/// Grafana puts its variables into a text before it reads the markdown, in code blocks too, and knows no way to
/// escape a dollar sign. So the page has a variable whose value is one.
pub(super) fn as_is(markdown: &str) -> String {
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
pub(super) fn text_height(markdown: &str) -> usize {
    let lines: usize = markdown.lines().map(|line| 1 + line.chars().count() / 150).sum();
    (lines * 2).div_ceil(3) + 2
}
