//! TLS that believes any certificate: whoever is in between reads and answers.

use super::Check;
use super::shared::nodes::each_value;
use crate::diagnostics::{Report, Severity};
use crate::stack::Stack;

pub(super) const CHECK: Check = Check { id: "tls-not-verified", severity: Severity::Warning, run };

fn run(stack: &Stack, report: &mut Report) {
    let prometheus = stack.prometheuses.iter().map(|one| &one.root);
    let alertmanager = stack.alertmanagers.iter().map(|one| &one.root);
    let grafana = stack.datasources.iter().map(|one| &one.node);
    for root in prometheus.chain(alertmanager).chain(grafana) {
        each_value(root, &mut |keys, value| {
            let is_switch =
                keys.last().is_some_and(|key| key == "insecure_skip_verify" || key == "tlsSkipVerify");
            if is_switch && value.is_true() {
                report.push(
                    CHECK
                        .finding("any certificate is believed: whoever stands in between reads the credentials")
                        .at(value.at().place(), "")
                        .help("remove it; for a certificate of your own, name its authority: `ca_file: /etc/…/ca.pem`"),
                );
            }
        });
    }
}
