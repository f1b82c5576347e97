//! The SkyServe exporter as its users meet it: the real script, run with `python3` on loopback against an API server that
//! speaks the captured protocol, and read over `/metrics`, `/sd` and `/healthz` by promtool and Prometheus.
//!
//! Apart from the tests of the rendered stack, because its contract is its own: environment in, pages out.

mod support;

#[path = "exporter/process.rs"]
mod process;

#[path = "exporter/counts.rs"]
mod counts;
#[path = "exporter/changes.rs"]
mod changes;
#[path = "exporter/discovery.rs"]
mod discovery;
#[path = "exporter/faults.rs"]
mod faults;
#[path = "exporter/running.rs"]
mod running;
#[path = "exporter/secrets.rs"]
mod secrets;
