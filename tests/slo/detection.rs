//! How soon the alerts fire: the table in `docs/slo.md` is computed here, by promtool over the rendered rules.

use std::fs;
use std::path::Path;
use std::thread;

use crate::course::Phase::Serves;
use crate::course::{Played, availability};

const OBJECTIVES: [(&str, f64); 3] = [("99.9", 0.001), ("99", 0.01), ("95", 0.05)];
const SHARES: [(&str, f64); 8] = [
    ("100 %", 1.0),
    ("50 %", 0.5),
    ("20 %", 0.2),
    ("10 %", 0.1),
    ("5 %", 0.05),
    ("2 %", 0.02),
    ("1 %", 0.01),
    ("0.2 %", 0.002),
];

/// Minutes in which all is well, before so large a share of the requests fails.
const BEFORE: u64 = 10;

fn detect(percent: &str, budget: f64, share: f64) -> String {
    if share <= budget {
        return "– | –".to_owned();
    }
    // The slowest windows spend their tenth of the budget in this time; nothing fires later.
    let longest = budget * 72.0 * 60.0 / share;
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "three days at most")]
    let minutes = longest as u64 + 30;
    let project = availability(percent);
    let phases = [Serves(BEFORE, 10.0, 0.0), Serves(minutes, 10.0 * (1.0 - share), 10.0 * share)];
    let story = Played { project: &project, step: 60, phases: &phases }.tell(&[]);
    let after = |fires: Option<(f64, f64)>| {
        #[allow(clippy::cast_precision_loss, reason = "ten minutes")]
        let minutes = fires.map(|(first, _)| first - BEFORE as f64);
        minutes.map_or("–".to_owned(), told)
    };
    format!("{} | {}", after(story.fast), after(story.slow))
}

fn told(minutes: f64) -> String {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "three days at most")]
    let minutes = minutes.round() as u64;
    match (minutes / 60, minutes % 60) {
        (0, minutes) => format!("{minutes} min"),
        (hours, 0) => format!("{hours} h"),
        (hours, minutes) => format!("{hours} h {minutes} min"),
    }
}

#[test]
fn the_table_of_detection_times_is_what_promtool_finds() {
    let rows: Vec<String> = thread::scope(|scope| {
        let columns = OBJECTIVES.map(|(percent, budget)| {
            scope.spawn(move || SHARES.map(|(_, share)| detect(percent, budget, share)))
        });
        let columns = columns.map(|column| column.join().expect("plays"));
        SHARES
            .iter()
            .enumerate()
            .map(|(at, (share, _))| {
                format!("| {share} | {} | {} | {} |", columns[0][at], columns[1][at], columns[2][at])
            })
            .collect()
    });
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/slo.md");
    let page = fs::read_to_string(path).expect("reads the page");
    let table = rows.join("\n");
    assert!(page.contains(&table), "docs/slo.md does not have the rows\n{table}");
}
