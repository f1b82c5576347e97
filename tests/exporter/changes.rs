//! Launches and terminations, which SkyServe does not count: a service goes through some states, one for each poll, and
//! the counters must tell what happened in between.

use serde_json::{Value, json};

use crate::process::Exporter;
use crate::support::skypilot::{ApiServer, replica, service};

/// What the counters say in the end: launches, and terminations by reason.
#[derive(Debug, PartialEq, Default)]
struct Counted {
    launches: f64,
    preempted: f64,
    lost: f64,
    shutdown: f64,
    failed: f64,
}

const NOTHING: Counted = Counted { launches: 0.0, preempted: 0.0, lost: 0.0, shutdown: 0.0, failed: 0.0 };

/// `1 READY, 2 PENDING`; `on-demand` behind a state is no spot machine.
fn replicas(step: &str) -> Vec<Value> {
    let one = |text: &str| {
        let mut words = text.split_whitespace();
        let id = words.next()?.parse().expect("an id");
        let status = words.next().expect("a status");
        let has_address = !["PENDING", "PROVISIONING", "PREEMPTED"].contains(&status);
        let mut replica = replica(id, status, has_address.then_some("http://10.0.0.1:8081"));
        replica["is_spot"] = json!(words.next() != Some("on-demand"));
        Some(replica)
    };
    step.split(',').filter_map(one).collect()
}

#[track_caller]
fn counted(exporter: &Exporter) -> Counted {
    let metrics = exporter.metrics();
    let ended = |reason: &str| {
        let series = format!("skyserve_replica_terminations_total{{service=\"llm\",reason=\"{reason}\"}}");
        metrics.get(&series).expect("every reason is there")
    };
    Counted {
        launches: metrics.get("skyserve_replica_launches_total{service=\"llm\"}").expect("launches"),
        preempted: ended("preempted"),
        lost: ended("lost"),
        shutdown: ended("shutdown"),
        failed: ended("failed"),
    }
}

/// Goes through the steps and gives the counters after the last.
#[track_caller]
fn after(steps: &[&str]) -> Counted {
    let incarnations: Vec<_> = steps.iter().map(|step| ("a", *step)).collect();
    after_incarnations(&incarnations)
}

/// The same with the service's hash at each step.
#[track_caller]
fn after_incarnations(steps: &[(&str, &str)]) -> Counted {
    let server = ApiServer::start();
    let mut exporter = None;
    for (hash, step) in steps {
        server.set(vec![service("llm", hash, replicas(step))]);
        exporter.get_or_insert_with(|| Exporter::ready(&server.url(), &[("POLL_INTERVAL_SECONDS", "0.05")]));
        server.let_poll();
    }
    counted(&exporter.expect("at least one step"))
}

#[test]
fn what_is_there_at_the_start_counts_as_nothing() {
    let start = "1 READY, 2 PREEMPTED, 3 FAILED, 4 SHUTTING_DOWN, 5 PENDING";
    assert_eq!(after(&[start]), NOTHING);
    assert_eq!(after(&["1 PREEMPTED", ""]), NOTHING, "its end was before our time");
}

#[test]
fn a_new_replica_is_a_launch() {
    assert_eq!(
        after(&["1 READY", "1 READY, 2 PENDING, 3 PROVISIONING"]),
        Counted { launches: 2.0, ..NOTHING }
    );
}

#[test]
fn a_replica_on_its_way_up_is_launched_once() {
    let way = ["", "1 PENDING", "1 PROVISIONING", "1 STARTING", "1 READY", "1 NOT_READY", "1 READY"];
    assert_eq!(after(&way), Counted { launches: 1.0, ..NOTHING });
}

#[test]
fn a_preemption_that_is_seen_counts_once() {
    assert_eq!(after(&["1 READY", "1 PREEMPTED", "1 PREEMPTED", ""]), Counted { preempted: 1.0, ..NOTHING });
}

#[test]
fn a_machine_on_demand_can_be_preempted_too() {
    assert_eq!(
        after(&["1 READY on-demand", "1 PREEMPTED on-demand", ""]),
        Counted { preempted: 1.0, ..NOTHING }
    );
}

#[test]
fn a_spot_machine_that_only_vanishes_is_lost() {
    for state in ["READY", "NOT_READY", "STARTING"] {
        assert_eq!(after(&[&format!("1 {state}"), ""]), Counted { lost: 1.0, ..NOTHING }, "{state}");
    }
}

#[test]
fn a_machine_on_demand_that_vanishes_was_shut_down() {
    assert_eq!(after(&["1 READY on-demand", ""]), Counted { shutdown: 1.0, ..NOTHING });
}

#[test]
fn a_replica_that_is_taken_down_was_shut_down() {
    assert_eq!(
        after(&["1 READY", "1 SHUTTING_DOWN", "1 SHUTTING_DOWN", ""]),
        Counted { shutdown: 1.0, ..NOTHING }
    );
}

#[test]
fn a_replica_that_falls_back_to_provisioning_is_another_machine() {
    for state in ["PROVISIONING", "PENDING"] {
        let counted = after(&["1 READY", &format!("1 {state}")]);
        assert_eq!(counted, Counted { launches: 1.0, lost: 1.0, ..NOTHING }, "{state}");
    }
}

#[test]
fn a_preemption_that_is_seen_and_then_falls_back_counts_once() {
    let way = ["1 READY", "1 PREEMPTED", "1 PROVISIONING", "1 READY", "1 PREEMPTED", "1 READY"];
    assert_eq!(after(&way), Counted { launches: 2.0, preempted: 2.0, ..NOTHING });
}

#[test]
fn a_failed_replica_counts_once_although_its_row_stays() {
    for state in ["FAILED", "FAILED_INITIAL_DELAY", "FAILED_PROBING", "FAILED_PROVISION", "FAILED_CLEANUP"] {
        let (shutting, failed) = ("1 SHUTTING_DOWN", format!("1 {state}"));
        let counted = after(&["1 STARTING", shutting, &failed, &failed, ""]);
        assert_eq!(counted, Counted { failed: 1.0, ..NOTHING }, "{state}");
    }
}

#[test]
fn a_launch_that_never_became_a_machine_was_given_up() {
    assert_eq!(
        after(&["", "1 PENDING", "1 PROVISIONING", ""]),
        Counted { launches: 1.0, shutdown: 1.0, ..NOTHING }
    );
}

#[test]
fn a_retried_launch_is_the_same_replica() {
    assert_eq!(after(&["1 PENDING", "1 PROVISIONING", "1 PENDING", "1 PROVISIONING"]), NOTHING);
}

#[test]
fn ids_that_begin_anew_with_a_new_service_are_other_replicas() {
    let counted = after_incarnations(&[("a", "1 READY, 2 READY"), ("b", "1 READY")]);
    assert_eq!(counted, Counted { launches: 1.0, shutdown: 2.0, ..NOTHING });
}

#[test]
fn a_new_address_alone_is_no_new_replica() {
    let server = ApiServer::start();
    server.set(vec![service("llm", "a", vec![replica(1, "READY", Some("http://10.0.0.1:8081"))])]);
    let exporter = Exporter::ready(&server.url(), &[("POLL_INTERVAL_SECONDS", "0.05")]);
    server.set(vec![service("llm", "a", vec![replica(1, "READY", Some("http://10.0.0.2:8081"))])]);
    server.let_poll();
    assert_eq!(exporter.targets("")[0]["targets"], json!(["10.0.0.2:8081"]));
    assert_eq!(counted(&exporter), NOTHING);
}

#[test]
fn what_happened_while_nobody_could_see_it_is_not_guessed() {
    let server = ApiServer::start();
    server.set(vec![service("llm", "a", replicas("1 READY, 2 READY"))]);
    let env = [("POLL_INTERVAL_SECONDS", "0.05"), ("STALE_AFTER_SECONDS", "0.5")];
    let exporter = Exporter::ready(&server.url(), &env);
    server.answer(crate::support::skypilot::failed("ClusterNotUpError", "No live services."));
    crate::support::wait_until("the status is too old", crate::process::SOON, || {
        (!exporter.metrics().knows_services()).then_some(())
    });
    server.set(vec![service("llm", "a", replicas("2 READY, 3 READY"))]);
    server.work();
    exporter.wait_for("skyserve_up", 1.0);
    assert_eq!(counted(&exporter), NOTHING);
    server.set(vec![service("llm", "a", replicas("3 READY"))]);
    server.let_poll();
    assert_eq!(counted(&exporter), Counted { lost: 1.0, ..NOTHING });
}

#[test]
fn a_short_outage_hides_nothing() {
    let server = ApiServer::start();
    server.set(vec![service("llm", "a", replicas("1 READY, 2 READY"))]);
    let exporter = Exporter::ready(&server.url(), &[("POLL_INTERVAL_SECONDS", "0.05")]);
    server.answer(crate::support::skypilot::failed("ClusterNotUpError", "No live services."));
    exporter.wait_for("skyserve_up", 0.0);
    server.set(vec![service("llm", "a", replicas("2 READY, 3 PENDING"))]);
    server.work();
    exporter.wait_for("skyserve_up", 1.0);
    assert_eq!(counted(&exporter), Counted { launches: 1.0, lost: 1.0, ..NOTHING });
}
