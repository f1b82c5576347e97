//! What became of the notifications, as far as Prometheus has seen Alertmanager's counters.

use anyhow::Result;

use crate::checks::list;
use crate::diagnostics::{Diagnostic, Report};
use crate::live::Prometheus;
use crate::stack::{Alertmanager, Integration, Receiver};

pub(super) fn compare(file: &Alertmanager, prometheus: &Prometheus, report: &mut Report) -> Result<()> {
    let failed = |range: &str| {
        let name = "alertmanager_notifications_failed_total";
        format!("sum by (integration, receiver_name, reason) (increase({name}[{range}])) >= 1")
    };
    let recent = prometheus.query(&failed("1h"))?;
    for (labels, count) in prometheus.query(&failed("1d"))? {
        let label = |name: &str| labels.get(name).map_or("", String::as_str);
        let (kind, only) = (label("integration"), label("receiver_name"));
        let is_it = |one: &&(&Receiver, &Integration)| {
            one.1.kind == kind && (only.is_empty() || one.0.name.value == only)
        };
        let all =
            file.receivers.iter().flat_map(|one| one.integrations.iter().map(move |below| (one, below)));
        let of_kind: Vec<(&Receiver, &Integration)> = all.filter(|one| is_it(&one)).collect();
        let Some((_, first)) = of_kind.first() else { continue };
        let names = list(of_kind.iter().map(|(receiver, _)| receiver.name.as_str()));
        let reason = if label("reason").is_empty() { "it does not say why" } else { label("reason") };
        let times =
            if count < 1.5 { "one notification".to_owned() } else { format!("{count:.0} notifications") };
        let is_recent = recent.iter().any(|(other, _)| *other == labels);
        let found = if is_recent {
            let message = format!("Alertmanager could not deliver to {names} by {kind} within the last hour");
            Diagnostic::error("receiver-fails", message)
        } else {
            let message = format!("Alertmanager could not deliver to {names} by {kind} within the last day");
            Diagnostic::warning("receiver-failed", message)
        };
        report.push(
            found
                .at(first.node.name_at().place(), format!("{times} given up: {reason}"))
                .help("Alertmanager's log says what the other side answered; then see whether it is mended: `skymon test-alert`"),
        );
    }
    Ok(())
}
