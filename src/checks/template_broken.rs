//! A text that is no template, or that cannot but fail. Of an alert: Prometheus refuses the file, or the error stands in place
//! of the text. Of a notification: it is not sent, or Alertmanager does not start.

use std::cell::OnceCell;
use std::collections::BTreeSet;

use super::Check;
use super::shared::notification_texts::{fields, files};
use super::shared::readers::{self, Readers};
use crate::diagnostics::{Report, Severity};
use crate::gotemplate::{self, ALERTMANAGER, PROMETHEUS};
use crate::stack::{Filled, Rule, Stack};

pub(super) const CHECK: Check = Check { id: "template-broken", severity: Severity::Error, run };

const HELP: &str = "`amtool template render` shows what becomes of it";

fn run(stack: &Stack, report: &mut Report) {
    alerts(stack, report);
    notifications(stack, report);
}

fn alerts(stack: &Stack, report: &mut Report) {
    let readers = OnceCell::new();
    let version = |alert: &Rule| {
        let readers = readers.get_or_init(|| Readers::of(stack));
        readers.version(alert.name.at.document().name())
    };
    for alert in stack.alerts() {
        for Filled { name, text, template, fault, .. } in alert.filled() {
            let younger = || gotemplate::younger(template, &PROMETHEUS, version(alert)?);
            let Some(fault) = fault.cloned().or_else(younger) else { continue };
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

fn notifications(stack: &Stack, report: &mut Report) {
    for field in fields(stack) {
        let service = &field.alertmanager.service;
        let younger =
            || gotemplate::younger(&field.template, &ALERTMANAGER, readers::version(stack, service)?);
        let Some(fault) = field.fault.or_else(younger) else { continue };
        let part = field.text.get(fault.range.clone()).unwrap_or_default();
        let word = part.lines().next().unwrap_or_default();
        report.push(
            CHECK
                .finding(format!("{}: nothing is sent to `{}`", fault.message, field.receiver.name))
                .at(field.text.at.part(word).place(), "fails when there is something to send")
                .help(fault.help.unwrap_or_else(|| HELP.to_owned())),
        );
    }
    let mut said = BTreeSet::new();
    let files = stack.alertmanagers.iter().filter_map(|one| Some((one, files(one)?)));
    for (alertmanager, file) in files.flat_map(|(one, files)| files.into_iter().map(move |file| (one, file)))
    {
        let younger = || {
            gotemplate::younger(
                &file.template,
                &ALERTMANAGER,
                readers::version(stack, &alertmanager.service)?,
            )
        };
        let Some(fault) = file.fault.clone().or_else(younger) else { continue };
        if said.insert(file.document.name()) {
            report.push(
                CHECK
                    .finding(format!("{}: Alertmanager does not start", fault.message))
                    .at(file.place(&fault.range), "")
                    .help(fault.help.clone().unwrap_or_else(|| HELP.to_owned())),
            );
        }
    }
}
