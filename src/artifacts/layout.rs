//! Where the panels of a dashboard stand: sections of panels under their row, laid out on Grafana's grid.
//! And their numbers, by which links name them: a panel keeps its own, whatever is left out around it.
//! Apart from the patching, since every dashboard passes through here last, whatever was left out of it before.

use std::collections::BTreeSet;

use serde_json::{Value, json};

/// The width of Grafana's grid.
const COLUMNS: u64 = 24;

/// A row's heading, where there is one, and the panels under it.
pub(super) struct Section {
    pub(super) row: Option<Value>,
    pub(super) panels: Vec<Value>,
}

/// Cuts a dashboard's list of panels at its rows. A collapsed row holds its panels itself; they are taken out, so
/// that whoever looks through the panels finds all of them in one place.
pub(super) fn sections(panels: Vec<Value>) -> Vec<Section> {
    let mut sections = vec![Section { row: None, panels: Vec::new() }];
    for mut panel in panels {
        if panel["type"] == "row" {
            let folded = panel.get_mut("panels").and_then(Value::as_array_mut).map(std::mem::take);
            sections.push(Section { row: Some(panel), panels: folded.unwrap_or_default() });
        } else if let Some(section) = sections.last_mut() {
            section.panels.push(panel);
        }
    }
    sections
}

/// Gives each panel its place, and a number where it has none of its own, and makes one list of them again. A section
/// without panels is left out together with its row.
pub(super) fn arrange(sections: Vec<Section>) -> Vec<Value> {
    let mut numbers = Numbers::of(&sections);
    let mut y = 0;
    let mut arranged = Vec::new();
    for Section { row, panels } in sections {
        if panels.is_empty() {
            continue;
        }
        let folded = row.as_ref().is_some_and(|row| row["collapsed"] == true);
        let mut row = row.map(|row| {
            let row = placed(row, &mut numbers, 0, y, COLUMNS, 1);
            y += 1;
            row
        });

        let below = y;
        let mut inside = Vec::new();
        for shelf in shelves(panels) {
            let height = shelf.iter().map(height).max().unwrap_or(1);
            let mut x = 0;
            for (panel, width) in filled_out(shelf) {
                inside.push(placed(panel, &mut numbers, x, y, width, height));
                x += width;
            }
            y += height;
        }

        if let Some(row) = row.as_mut().filter(|_| folded) {
            // What is folded away takes no room; Grafana pushes the rest down when it is opened.
            row["panels"] = Value::Array(std::mem::take(&mut inside));
            y = below;
        }
        arranged.extend(row);
        arranged.append(&mut inside);
    }
    arranged
}

/// Panels side by side, as many as fit.
fn shelves(panels: Vec<Value>) -> Vec<Vec<Value>> {
    let mut shelves: Vec<Vec<Value>> = Vec::new();
    let mut free = 0;
    for panel in panels {
        let width = width(&panel);
        if let Some(shelf) = shelves.last_mut().filter(|_| width <= free) {
            shelf.push(panel);
            free -= width;
        } else {
            shelves.push(vec![panel]);
            free = COLUMNS - width;
        }
    }
    shelves
}

/// Each panel with the width it gets: its own wish, and its share of what is left over beside it, since a hole where
/// a panel was left out looks like a fault.
fn filled_out(shelf: Vec<Value>) -> Vec<(Value, u64)> {
    let wished: u64 = shelf.iter().map(width).sum();
    let mut used = 0;
    let mut reached = 0;
    shelf
        .into_iter()
        .map(|panel| {
            reached += width(&panel);
            let right = reached * COLUMNS / wished;
            let width = right - used;
            used = right;
            (panel, width)
        })
        .collect()
}

fn placed(mut panel: Value, numbers: &mut Numbers, x: u64, y: u64, w: u64, h: u64) -> Value {
    panel["id"] = json!(numbers.take(&panel));
    panel["gridPos"] = json!({"x": x, "y": y, "w": w, "h": h});
    panel
}

/// Which numbers panels have, and the next that is free: none that a later panel brings along.
struct Numbers {
    taken: BTreeSet<u64>,
    free: u64,
}

impl Numbers {
    fn of(sections: &[Section]) -> Self {
        let all = sections.iter().flat_map(|section| section.row.iter().chain(&section.panels));
        Self { taken: BTreeSet::new(), free: all.filter_map(number).max().unwrap_or_default() + 1 }
    }

    fn take(&mut self, panel: &Value) -> u64 {
        let own = number(panel).filter(|number| self.taken.insert(*number));
        own.unwrap_or_else(|| {
            self.free += 1;
            self.free - 1
        })
    }
}

/// Grafana counts from 1; a 0 is how it says that there is none.
fn number(panel: &Value) -> Option<u64> {
    panel["id"].as_u64().filter(|number| *number > 0)
}

fn width(panel: &Value) -> u64 {
    panel["gridPos"]["w"].as_u64().unwrap_or(COLUMNS / 2).clamp(1, COLUMNS)
}

fn height(panel: &Value) -> u64 {
    panel["gridPos"]["h"].as_u64().unwrap_or(8).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn panel(w: u64, h: u64) -> Value {
        json!({"type": "stat", "gridPos": {"w": w, "h": h}})
    }

    fn places(panels: &[Value]) -> Vec<[u64; 4]> {
        let place = |panel: &Value| ["x", "y", "w", "h"].map(|side| panel["gridPos"][side].as_u64().unwrap());
        panels.iter().map(place).collect()
    }

    #[test]
    fn panels_flow_into_shelves_and_fill_them() {
        let panels = vec![panel(8, 4), panel(8, 6), panel(12, 8), panel(99, 0)];
        let arranged = arrange(sections(panels));
        assert_eq!(places(&arranged), [[0, 0, 12, 6], [12, 0, 12, 6], [0, 6, 24, 8], [0, 14, 24, 1]]);
    }

    #[test]
    fn a_row_without_panels_is_left_out() {
        let row = |title: &str| json!({"type": "row", "title": title});
        let arranged = arrange(sections(vec![row("empty"), row("full"), panel(24, 5), row("last")]));
        assert_eq!(arranged.len(), 2);
        assert_eq!(arranged[0]["title"], "full");
        assert_eq!(places(&arranged), [[0, 0, 24, 1], [0, 1, 24, 5]]);
    }

    #[test]
    fn a_collapsed_row_keeps_its_panels_and_takes_one_line() {
        let row = json!({"type": "row", "collapsed": true, "panels": [panel(24, 5)]});
        let next = json!({"type": "row", "collapsed": false});
        let arranged = arrange(sections(vec![row, next, panel(24, 3)]));
        assert_eq!(places(&arranged), [[0, 0, 24, 1], [0, 1, 24, 1], [0, 2, 24, 3]]);
        assert_eq!(arranged[0]["panels"][0]["id"], 2);
        assert_eq!(arranged[1]["id"], 3);
    }

    #[test]
    fn a_panel_keeps_its_number_and_no_two_have_the_same() {
        let numbered = |id: u64| json!({"type": "stat", "id": id});
        let arranged =
            arrange(sections(vec![panel(1, 1), numbered(7), numbered(1), numbered(7), numbered(0)]));
        let numbers: Vec<_> = arranged.iter().map(|panel| panel["id"].as_u64().unwrap()).collect();
        assert_eq!(numbers, [8, 7, 1, 9, 10]);
    }
}
