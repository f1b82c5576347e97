//! A regular expression that is a plain word: `=` says the same, and a reader does not look for the pattern.

use super::Check;
use crate::diagnostics::{Report, Severity};
use crate::promql::{MatchOp, selectors};
use crate::stack::Stack;

pub(super) const CHECK: Check = Check { id: "regex-without-pattern", severity: Severity::Note, run };

fn run(stack: &Stack, report: &mut Report) {
    for file in &stack.rule_files {
        let plain = file.rules().flat_map(|rule| {
            let matchers = rule.expr.tree().into_iter().flat_map(selectors).flat_map(|one| &one.matchers);
            matchers.filter_map(move |matcher| {
                let op = match matcher.op {
                    MatchOp::Re => "=",
                    MatchOp::NotRe => "!=",
                    _ => return None,
                };
                let is_plain = !matcher.value.is_empty() && matcher.value.chars().all(is_plain);
                is_plain.then_some((rule, matcher, op))
            })
        });
        let mut plain = plain.peekable();
        let Some(&(rule, matcher, op)) = plain.peek() else { continue };
        let others = plain.count() - 1;
        let more =
            if others == 0 { String::new() } else { format!(", and so are {others} more in this file") };
        report.push(
            CHECK
                .finding(format!("`{}` is a plain word where a pattern is announced{more}", matcher.value))
                .at(rule.expr.at(&matcher.value).place(), "matched as it is")
                .help(format!("write `{}{op}\"{}\"`", matcher.name, matcher.value)),
        );
    }
}

fn is_plain(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || "_-/:".contains(letter)
}
