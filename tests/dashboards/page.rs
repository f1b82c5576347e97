//! A rendered dashboard, and what the tests look for in it.

use serde_json::Value;

use crate::support::project::{Project, files_below};

pub(crate) struct Page {
    pub(crate) file: String,
    pub(crate) json: Value,
}

/// All dashboards of a project that was rendered, but the user's own.
pub(crate) fn pages(project: &Project) -> Vec<Page> {
    let files = files_below(&project.path("monitoring/grafana/dashboards"));
    files
        .into_iter()
        .filter(|file| !file.starts_with("extra"))
        .map(|file| {
            let file = file.display().to_string();
            let text = project.read(&format!("monitoring/grafana/dashboards/{file}"));
            let json = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{file}: {error}"));
            Page { file, json }
        })
        .collect()
}

/// The stacks of `tests/fixtures/stacks`: one service, the tutorial's, every key that there is.
pub(crate) const STACKS: [&str; 3] = ["examples/minimal", "examples/tutorial", "stacks/everything"];

pub(crate) fn rendered(stack: &str) -> Project {
    let project = Project::of(stack);
    project.render();
    project
}

pub(crate) fn pages_of_all_stacks() -> Vec<Page> {
    let pages: Vec<Page> = STACKS
        .iter()
        .flat_map(|stack| {
            pages(&rendered(stack))
                .into_iter()
                .map(move |page| Page { file: format!("{stack}/{}", page.file), ..page })
        })
        .collect();
    assert!(pages.len() > 3 * STACKS.len(), "each stack has an overview, a service, the monitoring");
    pages
}

impl Page {
    pub(crate) fn uid(&self) -> &str {
        text(&self.json["uid"])
    }

    /// Rows, and the panels of rows that are folded, included.
    pub(crate) fn panels(&self) -> Vec<&Value> {
        let all = list(&self.json["panels"]);
        all.iter().flat_map(|panel| [panel].into_iter().chain(list(&panel["panels"]))).collect()
    }

    pub(crate) fn variables(&self) -> &[Value] {
        list(&self.json["templating"]["list"])
    }

    pub(crate) fn annotations(&self) -> &[Value] {
        list(&self.json["annotations"]["list"])
    }

    /// How a finding names a panel.
    pub(crate) fn place(&self, panel: &Value) -> String {
        format!("{}: `{}`", self.file, text(&panel["title"]))
    }
}

pub(crate) fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
