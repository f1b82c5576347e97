//! The ways of the alerts as a person reads them, in a hundred columns.

use std::collections::{BTreeMap, BTreeSet};
use std::time;

use super::{Routes, Stop, Way};
use crate::stack::Grouping;
use crate::values::Duration;

const WIDTH: usize = 100;
/// No column of names is wider than this, the last one apart.
const COLUMN: usize = 34;

pub(in super::super) fn text(routes: &[Routes]) -> String {
    if routes.is_empty() {
        return "no configuration of an Alertmanager was found: where alerts go is not known\n\n".to_owned();
    }
    routes.iter().map(one).collect()
}

fn one(routes: &Routes) -> String {
    let count: usize = routes.ways.iter().map(|way| way.alerts.len()).sum();
    if count == 0 {
        return format!("{}: no alert comes here, none was found\n\n", routes.file);
    }
    let alerts = if count == 1 { "1 alert goes".to_owned() } else { format!("{count} alerts go") };
    let mut text = format!("where {alerts}, by {}\n\n", routes.file);
    for way in &routes.ways {
        text.push_str(&shown(way));
        text.push('\n');
    }
    text.push_str(
        "within: from the fault to the first message, at worst; how long an expression looks back comes on top\n\
         ?, if: what the rules do not say, and the series may\n\n",
    );
    text
}

fn shown(way: &Way) -> String {
    let mut text = String::new();
    let how: Vec<String> = way.ends.iter().map(how_told).collect();
    let is_same = how.windows(2).all(|two| two[0] == two[1]);
    for (stop, how) in way.ends.iter().zip(&how) {
        let to = match stop.integrations.as_slice() {
            [] => "tells nobody".to_owned(),
            kinds => kinds.join(", "),
        };
        text.push_str(&format!("-> {} ({to}){}\n", stop.receiver, on_which_condition(stop)));
        if !is_same {
            text.push_str(how);
        }
    }
    if is_same {
        text.extend(how.into_iter().take(1));
    }
    text + &table(way)
}

/// Which alerts are one message, and when it comes.
fn how_told(stop: &Stop) -> String {
    if stop.integrations.is_empty() {
        return String::new();
    }
    let group = match &stop.grouping {
        Grouping::Each => "a message for each alert".to_owned(),
        Grouping::By(labels) if labels.is_empty() => "one message for all".to_owned(),
        Grouping::By(labels) => format!("a message for each {}", labels.join(", ")),
    };
    let (wait, interval, repeat) = (stop.timers.wait, stop.timers.interval, stop.timers.repeat);
    let mut line = format!(
        "   {group}: after {}, what is new in it after {}, again every {}\n",
        Duration::from(wait),
        Duration::from(interval),
        Duration::from(repeat.max(interval))
    );
    if !stop.muted_in.is_empty() {
        line.push_str(&format!("   silent in {}\n", stop.muted_in.join(", ")));
    }
    if !stop.active_in.is_empty() {
        line.push_str(&format!("   silent but in {}\n", stop.active_in.join(", ")));
    }
    line
}

fn on_which_condition(stop: &Stop) -> String {
    match stop.conditions.as_slice() {
        _ if stop.is_sure => String::new(),
        [] => ", else".to_owned(),
        conditions => format!(", if {}", conditions.join(" and ")),
    }
}

/// One line of the table.
#[derive(Default)]
struct Line {
    name: String,
    severity: String,
    services: BTreeSet<String>,
    within: time::Duration,
    muted_by: BTreeSet<String>,
}

fn table(way: &Way) -> String {
    let lines = lines(way);
    let has_service = lines.iter().any(|line| line.services.iter().any(|one| one != "?" && one != "-"));
    let has_muted = lines.iter().any(|line| !line.muted_by.is_empty());
    let mut rows = vec![["alert", "severity", "service", "within", "muted by"].map(str::to_owned)];
    for line in &lines {
        let service = if has_service { list(&line.services, COLUMN / 2) } else { String::new() };
        rows.push([
            line.name.clone(),
            line.severity.clone(),
            service,
            Duration::from(line.within).to_string(),
            String::new(),
        ]);
    }
    if !has_service {
        rows[0][2].clear();
    }
    if !has_muted {
        rows[0][4].clear();
    }
    let widths: Vec<usize> =
        (0..4).map(|at| rows.iter().map(|row| row[at].chars().count()).max().unwrap_or(0)).collect();
    let before: usize = 3 + widths.iter().filter(|width| **width > 0).map(|width| width + 2).sum::<usize>();
    let room = WIDTH.saturating_sub(before).max(COLUMN / 2);
    for (row, line) in rows.iter_mut().skip(1).zip(&lines) {
        row[4] = list(&line.muted_by, room);
    }
    let mut text = String::new();
    for row in &rows {
        let mut shown = "   ".to_owned();
        for (cell, width) in row.iter().zip(widths.iter().copied().chain([0])) {
            if width > 0 || !cell.is_empty() {
                shown.push_str(&format!("{cell:width$}  "));
            }
        }
        text.push_str(shown.trim_end());
        text.push('\n');
    }
    text
}

/// The same alert of several services is one line, with the longest time. In the order of their names.
fn lines(way: &Way) -> Vec<Line> {
    let wait = way.ends.iter().map(|stop| stop.timers.wait).max().unwrap_or_default();
    let mut lines: BTreeMap<(&str, &str), Line> = BTreeMap::new();
    for alert in &way.alerts {
        let severity = word(alert.severity.as_deref());
        let line = lines.entry((&alert.name, severity)).or_insert_with(|| Line {
            name: alert.name.clone(),
            severity: severity.to_owned(),
            ..Line::default()
        });
        line.within = line.within.max(alert.fires_within + wait);
        line.services.insert(word(alert.service.as_deref()).to_owned());
        line.muted_by.extend(alert.muted_by.iter().cloned());
    }
    lines.into_values().collect()
}

/// A label as it is shown: not there, or not known.
fn word(value: Option<&str>) -> &str {
    match value {
        None => "?",
        Some("") => "-",
        Some(value) => value,
    }
}

/// As many names as there is room for, and how many more there are.
fn list(names: &BTreeSet<String>, room: usize) -> String {
    let mut text = String::new();
    for (at, name) in names.iter().enumerate() {
        let more = names.len() - at - 1;
        let comma = if at == 0 { "" } else { ", " };
        let rest = if more == 0 { 0 } else { format!(" +{more}").len() };
        if at > 0 && text.chars().count() + comma.len() + name.chars().count() + rest > room {
            return format!("{text} +{}", more + 1);
        }
        text.push_str(comma);
        text.push_str(name);
    }
    text
}
