//! The files of the stack, in memory. The list of all output files is `build`.

mod alertmanager;
mod compose;
mod dashboards;
mod extra;
mod gate;
mod grafana;
mod instrumentation;
mod layout;
mod prometheus;
mod rules;
mod runbook;
mod wellformed;

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::Result;

pub use self::dashboards::{GrafanaVariable, without_variables};
pub use self::extra::Extra;
use crate::catalog::alerts::AlertEntry;
use crate::catalog::machines;
use crate::catalog::programs::DCGM;
use crate::cores;
use crate::diagnostics::Report;
use crate::plan::Plan;
use crate::templates::{EXPORTER_SCRIPT, Templates};

/// Relative path → text; shared with whoever reads them as a stack.
#[derive(Default)]
pub struct Artifacts(Arc<BTreeMap<String, String>>);

impl Artifacts {
    pub fn files(&self) -> &Arc<BTreeMap<String, String>> {
        &self.0
    }

    /// The same, each read back by a parser of its format. Only these may be written; who reads them as a stack has no need to.
    pub fn read_back(&self) -> Result<&BTreeMap<String, String>> {
        cores::map(self.0.iter().collect(), |(path, text)| wellformed::check(path, text))
            .into_iter()
            .collect::<Result<()>>()?;
        Ok(&self.0)
    }

    fn json(&mut self, path: &str, value: &serde_json::Value) -> Result<()> {
        let mut text = serde_json::to_string_pretty(value)?;
        text.push('\n');
        self.add(path, text);
        Ok(())
    }

    fn add(&mut self, path: &str, text: String) {
        let before = Arc::make_mut(&mut self.0).insert(path.to_owned(), text);
        assert!(before.is_none(), "bug: `{path}` is rendered twice");
    }

    fn take(&mut self, other: Artifacts) {
        for (path, text) in Arc::unwrap_or_clone(other.0) {
            self.add(&path, text);
        }
    }
}

/// Renders some of the files.
type Part<'a> = dyn Fn(&mut Artifacts) -> Result<()> + Sync + 'a;

/// What each of these renders, in their order, made on all cores.
fn built<T: Send>(
    parts: Vec<T>,
    build: impl Fn(T, &mut Artifacts) -> Result<()> + Sync,
) -> Vec<Result<Artifacts>> {
    cores::map(parts, |part| {
        let mut files = Artifacts::default();
        build(part, &mut files).map(|()| files)
    })
}

/// Renders every file of the stack. `config_dir` is where the compose file finds the user's own files, seen from the
/// rendered folder: `..` where that is beside the config. Faults of the user's templates go to `report`; there are no
/// artifacts then.
pub fn build(
    plan: &Plan,
    templates: &Templates,
    extra: &Extra,
    config_dir: &str,
    schema: &serde_json::Value,
    report: &mut Report,
) -> Result<Option<Artifacts>> {
    // The longest first.
    let parts: [&Part<'_>; 9] = [
        &|files| grafana::build(plan, templates, files),
        &|files| rules::build(plan, templates, files),
        &|files| compose::build(plan, templates, config_dir, files),
        &|files| prometheus::build(plan, templates, extra.has_rules(), files),
        &|files| alertmanager::build(plan, templates, files),
        &|files| gate::build(plan, templates, files),
        &|files| instrumentation::build(plan, templates, files),
        &|files| runbook::build(plan, templates, files),
        &|files| extra.build(files),
    ];
    let mut artifacts = Artifacts::default();
    let mut is_whole = true;
    for built in built(parts.into(), |part, files| part(files)) {
        match built {
            Ok(files) => artifacts.take(files),
            Err(error) => {
                report.take(error)?;
                is_whole = false;
            }
        }
    }
    // What the first line of skymon.yaml points editors to.
    artifacts.json("skymon.schema.json", schema)?;
    if plan.skyserve.is_some() {
        artifacts.add(EXPORTER_SCRIPT, templates.data(EXPORTER_SCRIPT).to_owned());
    }
    if plan.programs.iter().any(|program| *program.facts == DCGM) {
        artifacts.add("dcgm/counters.csv", machines::counters());
    }
    Ok(is_whole.then_some(artifacts))
}

/// The page of one alert, as it stands in every runbook.
pub fn explain(entry: &AlertEntry) -> String {
    runbook::markdown(entry, &[])
}
