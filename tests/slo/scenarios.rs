//! What happens to services, and what the alerts and the budget make of it.

use crate::course::Phase::{Down, Gone, Restarts, Serves, Unreachable};
use crate::course::{Phase, Played, Story, availability, stack};
use crate::support::project::Project;

const LEFT: &str = "service:slo_budget_remaining:ratio";

/// In steps of a scrape.
fn play(project: &Project, phases: &[Phase], queries: &[(u64, &str)]) -> Story {
    Played { project, step: 15, phases }.tell(queries)
}

/// Over days, in steps of two minutes.
fn play_long(project: &Project, phases: &[Phase], queries: &[(u64, &str)]) -> Story {
    Played { project, step: 120, phases }.tell(queries)
}

#[track_caller]
fn near(found: Option<f64>, wanted: f64) {
    let found = found.unwrap_or_else(|| panic!("nothing, not {wanted}"));
    assert!((found - wanted).abs() <= wanted.abs() * 0.05 + 1e-9, "{found}, not {wanted}");
}

/// That it fires first and last within these.
#[track_caller]
fn fires(
    found: Option<(f64, f64)>,
    first: std::ops::RangeInclusive<f64>,
    last: std::ops::RangeInclusive<f64>,
) {
    let (from, to) = found.expect("it fires");
    assert!(first.contains(&from) && last.contains(&to), "it fires from {from} to {to}");
}

#[test]
fn a_fast_burn_pages_within_minutes_and_the_page_ends_with_it() {
    let phases = [Serves(60, 10.0, 0.0), Serves(20, 0.0, 10.0), Serves(60, 10.0, 0.0)];
    let story = play(&availability("99.9"), &phases, &[]);
    fires(story.fast, 60.0..=64.0, 80.0..=116.0);
}

#[test]
fn a_slow_burn_makes_a_ticket_and_no_page() {
    // Five times as many failures as may be: a tenth of the budget of 30 days is spent after 14.4 hours.
    let phases = [Serves(18 * 60, 19.9, 0.1), Serves(8 * 60, 20.0, 0.0)];
    let story = play_long(&availability("99.9"), &phases, &[]);
    assert_eq!(story.fast, None);
    let hours = |hour: f64| hour * 60.0;
    fires(story.slow, hours(14.0)..=hours(15.0), hours(18.0)..=hours(24.5));
}

#[test]
fn what_was_burnt_stays_burnt_after_the_recovery() {
    let phases = [Serves(30, 10.0, 0.0), Serves(10, 0.0, 10.0), Serves(60, 10.0, 0.0)];
    let story = play(&availability("99.9"), &phases, &[(30, LEFT), (50, LEFT), (100, LEFT)]);
    near(story.found[0], 1.0);
    // Of 43.2 minutes that may fail in 30 days, 10 have.
    near(story.found[1], 1.0 - 10.0 / 43.2);
    near(story.found[2], 1.0 - 10.0 / 43.2);
}

#[test]
fn all_is_well_where_nothing_fails() {
    let queries = [(60, LEFT), (60, "service:slo_burn:rate5m"), (60, "service:slo_burn:rate6h")];
    let story = play(&availability("99.9"), &[Serves(60, 10.0, 0.0)], &queries);
    assert_eq!((story.fast, story.slow), (None, None));
    assert_eq!(story.found, [Some(1.0), Some(0.0), Some(0.0)]);
}

#[test]
fn a_service_that_fails_from_the_start_pages_at_once() {
    for (percent, soon) in [("99.9", 2.0), ("99", 10.0)] {
        let story = play(&availability(percent), &[Serves(30, 0.0, 10.0)], &[]);
        fires(story.fast, 0.0..=soon, 29.0..=30.0);
    }
}

/// The same failures are the same share of the budget, whether or not Prometheus saw the hours before.
#[test]
fn a_service_that_has_just_started_is_judged_as_one_that_did_well_before() {
    let project = availability("99.9");
    let old = play_long(&project, &[Serves(8 * 60, 10.0, 0.0), Serves(60, 9.5, 0.5)], &[]);
    let new = play_long(&project, &[Serves(60, 9.5, 0.5)], &[]);
    let old = old.fast.expect("it pages").0 - 480.0;
    let new = new.fast.expect("it pages").0;
    assert!((old - new).abs() <= 6.0, "{old} and {new} minutes");
    assert!(new > 14.0, "one bad answer in twenty is no page at once: {new}");
}

#[test]
fn few_requests_page_nobody_whatever_becomes_of_them() {
    // Twelve in an hour, all of them bad. Twenty are needed in 5 minutes or in 30; for a ticket, in 2 hours.
    let phases = [Serves(180, 0.0, 12.0 / 3600.0)];
    let story = play_long(&availability("99.9"), &phases, &[]);
    assert_eq!(story.fast, None);
    assert!(story.slow.is_some(), "it is worth a ticket");

    let alerts = "{SLOBurnFast: {min_requests: 0}, SLOBurnSlow: {min_requests: 1000}}";
    let project = stack(&format!("    slo: {{availability: 99.9}}\n    alerts: {alerts}\n"));
    let story = play_long(&project, &phases, &[]);
    assert!(story.fast.is_some() && story.slow.is_none(), "as the config says");
}

#[test]
fn without_requests_nothing_burns_and_nothing_is_claimed() {
    let story = play(&availability("99.9"), &[Serves(30, 0.0, 0.0)], &[(30, LEFT)]);
    assert_eq!((story.fast, story.slow), (None, None));
    assert_eq!(story.found, [None], "no share of nothing");
}

#[test]
fn a_restart_that_sets_the_counters_back_is_no_failure_and_hides_none() {
    let project = availability("99.9");
    let well = [Serves(15, 10.0, 0.0), Restarts, Serves(15, 10.0, 0.0), Restarts, Serves(15, 10.0, 0.0)];
    let story = play(&project, &well, &[(45, LEFT)]);
    assert_eq!((story.fast, story.slow, story.found), (None, None, vec![Some(1.0)]));

    let failing = [Serves(2, 0.0, 10.0), Restarts, Serves(2, 0.0, 10.0), Restarts, Serves(10, 0.0, 10.0)];
    let story = play(&project, &[&[Serves(15, 10.0, 0.0)][..], &failing].concat(), &[]);
    fires(story.fast, 15.0..=19.0, 28.0..=29.0);
}

/// Nobody is there to count the requests that fail.
#[test]
fn an_outage_costs_the_requests_that_could_not_be_made() {
    for outage in [Down(10), Gone(10)] {
        let phases = [Serves(60, 10.0, 0.0), outage, Serves(30, 10.0, 0.0)];
        let story = play(&availability("99.9"), &phases, &[(95, LEFT)]);
        fires(story.fast, 60.0..=64.0, 70.0..=110.0);
        // The first of the ten minutes may have been a lost scrape.
        near(story.found[0], 1.0 - 9.0 / 43.2);
    }
}

#[test]
fn an_endpoint_that_does_not_answer_costs_the_requests_that_do_not_arrive() {
    let project = availability("99.9");
    let idle = play(&project, &[Serves(60, 10.0, 0.0), Serves(20, 0.0, 0.0)], &[]);
    assert_eq!(idle.fast, None, "an idle service is no outage");
    let phases = [Serves(60, 10.0, 0.0), Unreachable(20), Serves(20, 10.0, 0.0)];
    let story = play(&project, &phases, &[(95, LEFT)]);
    fires(story.fast, 60.0..=65.0, 80.0..=100.0);
    // The rates of 5 minutes still speak of what arrived before.
    near(story.found[0], 1.0 - 17.0 / 43.2);
}

/// Nothing is known of what its users would have asked: `ServiceDown` says it.
#[test]
fn a_service_that_was_never_there_has_no_budget_to_burn() {
    let down = "ALERTS{alertname=\"ServiceDown\", alertstate=\"firing\"}";
    let story = play(&availability("99.9"), &[Down(30)], &[(30, LEFT), (30, down)]);
    assert_eq!((story.fast, story.slow), (None, None));
    assert_eq!(story.found, [None, Some(1.0)]);
}

#[test]
fn a_service_that_may_sleep_is_not_failing_while_it_sleeps() {
    let project = stack("    scale: {min: 0}\n    slo: {availability: 99.9}\n");
    let asleep = [Serves(60, 10.0, 0.0), Gone(30), Serves(20, 10.0, 0.0)];
    let story = play(&project, &asleep, &[(110, LEFT)]);
    assert_eq!((story.fast, story.found), (None, vec![Some(1.0)]));
    let broken = play(&project, &[Serves(60, 10.0, 0.0), Down(10)], &[]);
    assert!(broken.fast.is_some(), "one that is there and does not answer is");
}

#[test]
fn each_objective_burns_its_own_budget_and_has_its_own_alert() {
    let project = stack("    slo: {availability: 99.9, latency: {objective: 99, under: 2.5s}}\n");
    // Half of the answers are errors, and too slow as well.
    let phases = [Serves(30, 10.0, 0.0), Serves(40, 5.0, 5.0)];
    let queries = [
        (70, "service:slo_failures:rate5m{slo=\"latency\"}"),
        (70, "service:slo_burn:rate5m{slo=\"latency\"}"),
        (70, "service:slo_burn:rate5m{slo=\"availability\"}"),
        (70, "count(ALERTS{alertname=\"SLOBurnFast\", alertstate=\"firing\"})"),
    ];
    let story = play(&project, &phases, &queries);
    for (found, wanted) in story.found.iter().zip([5.0, 50.0, 500.0, 2.0]) {
        near(*found, wanted);
    }
}
