//! Prometheus that keeps data for a time and not up to a size: a busier month fills the disk.

use super::Check;
use crate::diagnostics::{Report, Severity};
use crate::source::Spanned;
use crate::stack::{Program, Stack};

pub(super) const CHECK: Check = Check { id: "retention-by-time-only", severity: Severity::Note, run };

const WITH_COMMAND: &str =
    "add `--storage.tsdb.retention.size=20GB` to its `command:`, a fifth below what the disk can hold";

/// A `command:` takes the place of the image's own, which names the file.
const WITHOUT_COMMAND: &str = "add `command: [--config.file=/etc/prometheus/prometheus.yml, --storage.tsdb.path=/prometheus, \
                               --storage.tsdb.retention.size=20GB]`, a fifth below what the disk can hold";

fn run(stack: &Stack, report: &mut Report) {
    for service in stack.running(Program::Prometheus) {
        let is_agent = service.flag("agent").is_some()
            || service.flag("enable-feature").is_some_and(|features| features.contains("agent"));
        let in_config = stack.prometheuses.iter().any(|prometheus| {
            prometheus.service.as_ref().is_some_and(|(_, name)| *name == service.name.value)
                && prometheus.root.find(&["storage", "tsdb", "retention", "size"]).is_some()
        });
        if is_agent || in_config || service.flag("storage.tsdb.retention.size").is_some() {
            continue;
        }
        let time = service.flag("storage.tsdb.retention.time");
        let at = time.as_ref().map_or_else(|| service.name.place(), Spanned::place);
        report.push(
            CHECK
                .finding("Prometheus has no limit of size: more series than today fill the disk")
                .at(at, if time.is_some() { "a limit of time only" } else { "15 days, whatever they weigh" })
                .help(if service.words.is_empty() { WITHOUT_COMMAND } else { WITH_COMMAND }),
        );
    }
}
