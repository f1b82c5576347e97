//! A text of a rule that is no template, or that cannot but fail: Prometheus refuses the file, or sends the error instead.

use super::Check;
use crate::diagnostics::{Report, Severity};
use crate::gotemplate::{self, PROMETHEUS};
use crate::stack::Stack;

pub(super) const CHECK: Check = Check { id: "template-broken", severity: Severity::Error, run };

fn run(stack: &Stack, report: &mut Report) {
    for alert in stack.alerts() {
        let texts = alert.annotations.iter().chain(&alert.labels);
        for (name, text) in texts.filter(|(_, text)| text.contains("{{")) {
            let Some(fault) = gotemplate::read(text, &PROMETHEUS).1 else { continue };
            let at = text.at.part(text.get(fault.range.clone()).unwrap_or_default());
            report.push(
                CHECK
                    .finding(format!("`{name}` of `{}` is no template: {}", alert.name, fault.message))
                    .at(at.place(), "here")
                    .help(fault.help.unwrap_or_default()),
            );
        }
    }
}
