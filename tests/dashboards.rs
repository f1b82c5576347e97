//! The dashboards as Grafana will get them. There is no Grafana here; what can be held against them is: the schema that
//! Grafana publishes (`schema`), what a page must have (`shape`), and a real Prometheus with data in it, of which every
//! query of every page is asked (`filled`).

mod support;

#[path = "dashboards/page.rs"]
mod page;

#[path = "dashboards/filled.rs"]
mod filled;
#[path = "dashboards/schema.rs"]
mod schema;
#[path = "dashboards/shape.rs"]
mod shape;
