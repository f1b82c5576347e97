//! A condition of a route or an inhibition without a label or an operator: Alertmanager does not start.

use super::Check;
use crate::diagnostics::{Report, Severity, shortened};
use crate::promql::regex;
use crate::stack::Stack;

pub(super) const CHECK: Check = Check { id: "matcher-unreadable", severity: Severity::Error, run };

fn run(stack: &Stack, report: &mut Report) {
    for alertmanager in &stack.alertmanagers {
        let routes = alertmanager.routes().into_iter().flat_map(|route| &route.matchers);
        let inhibitions =
            alertmanager.inhibit_rules.iter().flat_map(|rule| rule.source.iter().chain(&rule.target));
        for one in routes.chain(inhibitions) {
            // A regular expression that is not read here may be one to Alertmanager; where it is none, `regex-broken` says it.
            let is_pattern = || regex::fault(&one.text).is_some();
            // In quotes a label may be anything.
            let is_quoted = one.text.trim_start_matches(['{', ' ']).starts_with('"');
            let is_label = |name: &str| is_quoted || !(name.is_empty() || name.contains(char::is_whitespace));
            let is_read = match &one.matcher {
                Some(matcher) => is_label(&matcher.name),
                None => one.text.contains(['=', '~']) || is_pattern(),
            };
            if is_read {
                continue;
            }
            report.push(
                CHECK
                    .finding(format!(
                        "`{}` is no condition: Alertmanager does not start",
                        shortened(&one.text)
                    ))
                    .at(one.text.place(), "")
                    .help("write `label=\"value\"`, with one of `=`, `!=`, `=~`, `!~`"),
            );
        }
    }
}
