//! Whether Prometheus keeps up with its rules, and finds somebody to send alerts to.

use anyhow::Result;

use super::Expected;
use crate::diagnostics::{Diagnostic, Place, Report};
use crate::live::{Group, Prometheus};
use crate::source::Spanned;
use crate::stack;

pub(super) fn compare(
    expected: &Expected<'_>,
    file: &stack::Prometheus,
    groups: &[Group],
    running: &Prometheus,
    report: &mut Report,
) -> Result<()> {
    let place = |name: &str| {
        let all = expected.stack.rule_files.iter().flat_map(|file| &file.groups);
        let found = all.filter_map(|group| group.name.as_ref()).find(|known| known.value == name);
        found.map_or_else(|| Place::File(file.document.name().to_owned()), Spanned::place)
    };
    let late = |name: &str, why: String| {
        Diagnostic::warning("evaluation-late", format!("the rules of the group `{name}` are evaluated late"))
            .at(place(name), why)
            .help("give the group a longer `interval`, record what is dear once, or give Prometheus more CPU")
    };
    for group in groups.iter().filter(|group| group.interval > 0.0 && group.evaluation_time > group.interval)
    {
        let why = format!("takes {:.1}s, and is due every {}s", group.evaluation_time, group.interval);
        report.push(late(&group.name, why));
    }
    // What Prometheus says of itself, where it scrapes itself. `rule_group` is `FILE;NAME`.
    let name = |labels: &crate::live::Labels| {
        labels.get("rule_group").and_then(|group| group.rsplit(';').next()).unwrap_or_default().to_owned()
    };
    for (labels, missed) in
        running.query("increase(prometheus_rule_group_iterations_missed_total[1h]) >= 1")?
    {
        report
            .push(late(&name(&labels), format!("{missed:.0} evaluations were missed within the last hour")));
    }
    let behind = "time() - prometheus_rule_group_last_evaluation_timestamp_seconds \
                  - 3 * prometheus_rule_group_interval_seconds > 60 \
                  and prometheus_rule_group_last_evaluation_timestamp_seconds > 0";
    for (labels, seconds) in running.query(behind)? {
        report.push(late(&name(&labels), format!("the last evaluation is due for {seconds:.0}s")));
    }
    let Some(section) = file.alertmanagers.first() else { return Ok(()) };
    if running.alertmanagers()? == 0 {
        report.push(
            Diagnostic::error(
                "no-alertmanager-found",
                "Prometheus has found no Alertmanager: its alerts go nowhere",
            )
            .at(section.node.at().place(), "leads to none")
            .help("see that Alertmanager runs, under this name and in the same network"),
        );
    }
    let errors = "sum(increase(prometheus_notifications_errors_total[10m])) >= 1";
    for (_, count) in running.query(errors)? {
        report.push(
            Diagnostic::error(
                "alerts-not-sent",
                format!(
                    "Prometheus could not send {count:.0} alerts to Alertmanager within the last 10 minutes"
                ),
            )
            .at(section.node.at().place(), "did not take them")
            .help("see that Alertmanager runs, under this name and in the same network"),
        );
    }
    Ok(())
}
