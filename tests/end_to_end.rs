//! From `skymon.yaml` to what a person reads at night: the real binary renders, the real Prometheus, Alertmanager and
//! blackbox exporter run the rendered folder, replicas in this process get into trouble, and fakes of Slack, PagerDuty,
//! a webhook and a mail server take what arrives.
//!
//! Apart from the tests of the rendered files, because only here is the chain closed: a file can be right by itself
//! and nobody be told. Each test has an address of its own, so that they run side by side with the usual ports. A test
//! waits for what must come, and only sleeps where nothing must come; each such place says what would have come.

mod support;

#[path = "end_to_end/delivery.rs"]
mod delivery;
#[path = "end_to_end/outage.rs"]
mod outage;
#[path = "end_to_end/signals.rs"]
mod signals;
#[path = "end_to_end/skyserve.rs"]
mod skyserve;
#[path = "end_to_end/targets.rs"]
mod targets;
