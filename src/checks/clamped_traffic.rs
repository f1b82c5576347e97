//! A ratio whose divisor is never below one request per second: with less traffic, failures vanish.

use super::Check;
use super::shared::shapes::{number, ranged};
use crate::diagnostics::{Report, Severity};
use crate::promql::tree::{Binary, Call, Op};
use crate::promql::{Expr, bare, walk};
use crate::stack::Stack;

pub(super) const CHECK: Check = Check { id: "clamped-traffic", severity: Severity::Warning, run };

fn run(stack: &Stack, report: &mut Report) {
    for rule in stack.rules() {
        let Some(tree) = rule.expr.tree() else { continue };
        let Some(least) = walk(tree).find_map(clamped_divisor) else { continue };
        let requests = if least > 1.0 { "requests" } else { "request" };
        report.push(
            CHECK
                .finding(format!(
                    "`{}` divides by at least {least} {requests} per second: with less traffic its ratio vanishes",
                    rule.name
                ))
                .at(rule.expr.at("clamp_min").place(), "a few requests that all fail are a small share")
                .help("write `… > 0` in its place: without traffic there is no ratio"),
        );
    }
}

/// `… / clamp_min(rate(…), 1)`: what the divisor is at least.
fn clamped_divisor(expr: &Expr) -> Option<f64> {
    let Expr::Binary(Binary { op: Op::Divide, left, right, .. }) = expr else { return None };
    let Expr::Call(Call { name: "clamp_min", args }) = bare(right) else { return None };
    let least = number(args.get(1)?).filter(|least| *least >= 1.0)?;
    (per_second(left) && per_second(args.first()?)).then_some(least)
}

/// Whether it is a rate, and of seconds no multiple: `rate(…) * 60` is something else.
fn per_second(expr: &Expr) -> bool {
    let has_rate = walk(expr).filter_map(ranged).any(|(name, _)| matches!(name, "rate" | "irate"));
    let scaled = |one| matches!(one, &Expr::Binary(Binary { op: Op::Multiply | Op::Divide, .. }));
    has_rate && !walk(expr).any(scaled)
}
