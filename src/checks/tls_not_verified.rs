//! TLS that believes any certificate: whoever is in between reads and answers.

use super::Check;
use crate::diagnostics::{Report, Severity};
use crate::source::Node;
use crate::stack::Stack;

pub(super) const CHECK: Check = Check { id: "tls-not-verified", severity: Severity::Warning, run };

fn run(stack: &Stack, report: &mut Report) {
    let prometheus = stack.prometheuses.iter().map(|one| &one.root);
    let alertmanager = stack.alertmanagers.iter().map(|one| &one.root);
    let grafana = stack.datasources.iter().map(|one| &one.node);
    for root in prometheus.chain(alertmanager).chain(grafana) {
        search(root, 0, report);
    }
}

fn search(node: &Node, depth: usize, report: &mut Report) {
    if depth > 16 {
        return;
    }
    for (key, value) in node.entries() {
        if matches!(key.as_str(), "insecure_skip_verify" | "tlsSkipVerify") && value.is_true() {
            report.push(
                CHECK
                    .finding("any certificate is believed: whoever stands in between reads the credentials")
                    .at(value.at().place(), "")
                    .help("remove it; for a certificate of your own, name its authority: `ca_file: /etc/…/ca.pem`"),
            );
        }
        search(&value, depth + 1, report);
    }
    for item in node.items() {
        search(&item, depth + 1, report);
    }
}
