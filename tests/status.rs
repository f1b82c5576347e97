//! `skymon status` and `skymon test-alert` against the real Prometheus and Alertmanager, with each failure induced.

mod support;

#[path = "status/page.rs"]
mod page;
#[path = "status/test_alert.rs"]
mod test_alert;
