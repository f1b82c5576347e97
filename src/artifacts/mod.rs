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

use anyhow::Result;

pub use self::dashboards::{GrafanaVariable, without_variables};
pub use self::extra::Extra;
use crate::catalog::alerts::AlertEntry;
use crate::catalog::machines;
use crate::catalog::programs::DCGM;
use crate::diagnostics::Report;
use crate::plan::Plan;
use crate::templates::{EXPORTER_SCRIPT, Templates};

/// Relative path → text. A text that is here has been read back by a parser of its format.
pub struct Artifacts(BTreeMap<String, String>);

impl Artifacts {
    pub fn files(&self) -> &BTreeMap<String, String> {
        &self.0
    }

    fn yaml(&mut self, path: &str, text: String) -> Result<()> {
        wellformed::check_yaml(path, &text)?;
        self.add(path, text);
        Ok(())
    }

    fn json(&mut self, path: &str, value: &serde_json::Value) -> Result<()> {
        let mut text = serde_json::to_string_pretty(value)?;
        text.push('\n');
        self.add(path, text);
        Ok(())
    }

    /// A format that any text fits.
    fn text(&mut self, path: &str, text: String) {
        self.add(path, text);
    }

    fn add(&mut self, path: &str, text: String) {
        let before = self.0.insert(path.to_owned(), text);
        assert!(before.is_none(), "bug: `{path}` is rendered twice");
    }
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
    let mut artifacts = Artifacts(BTreeMap::new());
    let built = [
        compose::build(plan, templates, config_dir, &mut artifacts),
        prometheus::build(plan, templates, extra.has_rules(), &mut artifacts),
        rules::build(plan, templates, &mut artifacts),
        alertmanager::build(plan, templates, &mut artifacts),
        grafana::build(plan, templates, &mut artifacts),
        gate::build(plan, templates, &mut artifacts),
        instrumentation::build(plan, templates, &mut artifacts),
        runbook::build(plan, templates, &mut artifacts),
        extra.build(&mut artifacts),
        // What the first line of skymon.yaml points editors to.
        artifacts.json("skymon.schema.json", schema),
    ];
    if plan.skyserve.is_some() {
        artifacts.text(EXPORTER_SCRIPT, templates.data(EXPORTER_SCRIPT).to_owned());
    }
    if plan.programs.iter().any(|program| *program.facts == DCGM) {
        artifacts.text("dcgm/counters.csv", machines::counters());
    }
    let mut is_whole = true;
    for error in built.into_iter().filter_map(Result::err) {
        report.take(error)?;
        is_whole = false;
    }
    Ok(is_whole.then_some(artifacts))
}

/// The page of one alert, as it stands in every runbook.
pub fn explain(entry: &AlertEntry) -> String {
    runbook::markdown(entry, &[])
}
