//! The dashboards as Grafana will get them. There is no Grafana here; what can be held against them is: the schema that
//! Grafana publishes (`schema`), what a page must have (`shape`), and a real Prometheus with data in it, of which every
//! query of every page is asked (`filled`).

mod support;

#[path = "dashboards/page.rs"]
mod page;

// The exporter and the API server that it asks, as the exporter's own tests play them.
#[path = "exporter/fake.rs"]
#[allow(dead_code, reason = "these tests use a part of it")]
mod fake;
#[path = "exporter/process.rs"]
#[allow(dead_code, reason = "these tests use a part of it")]
mod process;

#[path = "dashboards/filled.rs"]
mod filled;
#[path = "dashboards/schema.rs"]
mod schema;
#[path = "dashboards/shape.rs"]
mod shape;
