//! What it costs to prove the files of a stack, whoever wrote them: many rules beside `promtool check rules`, and many
//! dashboards, which nobody else reads.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use super::measure::{Cost, measure, median};
use super::{FEW_ROUNDS, Project, config, print, tool};

pub(crate) fn grow() {
    rules(&[1, 10, 100]);
    dashboards(&[10, 100, 1_000]);
}

/// By services of vLLM, whose rules a person would hardly write shorter.
fn rules(sizes: &[usize]) {
    let mut table = format!(
        "By the number of rules, medians of {FEW_ROUNDS} rounds:\n\n\
         | rules | `skymon validate DIR` | peak memory | `promtool check rules` | peak memory | faster |\n|---|---|---|---|---|---|\n"
    );
    for size in sizes {
        let services: Vec<String> = (0..*size)
            .map(|n| {
                format!(
                    "  s{n}: {{engine: vllm, engine_version: 0.11.0, replicas: [10.0.{}.{}:8000]}}\n",
                    n >> 8,
                    n & 255
                )
            })
            .collect();
        let project = Project::new(&config(&services.concat()));
        project.render();
        let folder = project.path("rules");
        fs::create_dir(&folder).expect("makes the folder");
        let mut count = 0;
        for file in files_in(&project.path("monitoring/prometheus/rules")) {
            let text = fs::read_to_string(&file).expect("reads the rules");
            count += text.matches("- alert:").count() + text.matches("- record:").count();
            fs::write(folder.join(file.file_name().expect("has a name")), text).expect("writes the rules");
        }
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..FEW_ROUNDS {
            ours.push(measure(project.skymon("validate").arg("rules")));
            theirs.push(measure(tool("promtool").args(["check", "rules"]).args(files_in(&folder))));
        }
        let (ours, theirs) = (median(&ours), median(&theirs));
        let faster = theirs.time.as_secs_f64() / ours.time.as_secs_f64();
        let _ = writeln!(table, "| {count} | {} | {} | {faster:.1} times |", ours.cells(), theirs.cells());
    }
    print(&table);
}

/// By copies of a rendered page of a service, each with a uid and a title of its own.
fn dashboards(sizes: &[usize]) {
    let mut table = format!(
        "By the number of dashboards of some 40 panels, medians of {FEW_ROUNDS} rounds:\n\n\
         | dashboards | `skymon validate DIR` | peak memory |\n|---|---|---|\n"
    );
    for size in sizes {
        let project = Project::new(&config(
            "  api: {engine: vllm, engine_version: 0.11.0, replicas: ['10.0.0.1:8000']}\n",
        ));
        project.render();
        let page = files_in(&project.path("monitoring/grafana/dashboards"))
            .into_iter()
            .find(|path| path.display().to_string().contains("service-"))
            .expect("there is a page for services");
        let text = fs::read_to_string(page).expect("reads the page");
        let mut page: serde_json::Value = serde_json::from_str(&text).expect("is JSON");
        let folder = project.path("pages");
        fs::create_dir(&folder).expect("makes the folder");
        for n in 0..*size {
            page["uid"] = format!("page-{n}").into();
            page["title"] = format!("Page {n}").into();
            let text = serde_json::to_string_pretty(&page).expect("is JSON");
            fs::write(folder.join(format!("{n}.json")), text).expect("writes the page");
        }
        let costs: Vec<Cost> =
            (0..FEW_ROUNDS).map(|_| measure(project.skymon("validate").arg("pages"))).collect();
        let _ = writeln!(table, "| {size} | {} |", median(&costs).cells());
    }
    print(&table);
}

fn files_in(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("reads the folder");
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("reads the entry").path()).collect();
    files.sort();
    files
}
