//! A branch that no alert can come to: its conditions contradict those above it, or branches before it take everything.

use super::Check;
use crate::diagnostics::{Diagnostic, Report, Severity};
use crate::stack::{Conditions, LabelMatcher, Route, Stack};

pub(super) const CHECK: Check = Check { id: "route-never-reached", severity: Severity::Warning, run };

fn run(stack: &Stack, report: &mut Report) {
    for root in stack.alertmanagers.iter().filter_map(|alertmanager| alertmanager.route.as_ref()) {
        below(root, &mut Vec::new(), report);
    }
}

/// More branches than this before one are not compared with it: nobody has written them by hand.
const MAX_SIBLINGS: usize = 200;

/// Branches that let nothing through to those after them, and what each takes.
#[derive(Default)]
struct Takers<'a> {
    routes: Vec<&'a Route>,
    conditions: Vec<Conditions<'a>>,
}

/// Looks through the branches of a route. `above` are the conditions on the way to them.
fn below<'a>(route: &'a Route, above: &mut Vec<&'a LabelMatcher>, report: &mut Report) {
    let on_the_way = above.len();
    above.extend(&route.matchers);
    let mut takers = Takers::default();
    for branch in &route.routes {
        let all = Conditions::of(above.iter().copied().chain(&branch.matchers));
        if let Some(why) = fault(branch, &all, &takers, above) {
            report.push(why);
            continue;
        }
        below(branch, above, report);
        if !branch.continues && takers.routes.len() < MAX_SIBLINGS {
            takers.routes.push(branch);
            takers.conditions.push(Conditions::of(&branch.matchers));
        }
    }
    above.truncate(on_the_way);
}

fn fault(
    branch: &Route,
    all: &Conditions<'_>,
    takers: &Takers<'_>,
    above: &[&LabelMatcher],
) -> Option<Diagnostic> {
    let finding = CHECK.finding(format!("no alert can come to this route to `{}`", branch.to()));
    let place = branch.at().place();
    if all.contradict() {
        let own = Conditions::of(&branch.matchers).contradict() || above.is_empty();
        let why = if own {
            "its conditions contradict each other"
        } else {
            "its conditions contradict those above it"
        };
        return Some(
            finding
                .at(place, why)
                .help("a route takes what meets its own conditions and those of all routes above it"),
        );
    }
    if !all.are_covered_by(&takers.conditions) {
        return None;
    }
    let finding = finding.at(place, "everything is taken before it");
    let alone = takers.conditions.iter().position(|one| all.are_covered_by(std::slice::from_ref(one)));
    let Some(taker) = alone.map(|at| takers.routes[at]) else {
        return Some(
            finding.help("put it before the routes that take it, or write `continue: true` in them"),
        );
    };
    let help = format!("put it before the route to `{}`, or write `continue: true` there", taker.to());
    Some(finding.at(taker.at().place(), "by this one").help(help))
}
