//! Objectives: that what cannot be kept or measured is refused where it stands; that the rendered alerts tell a fast burn from a
//! slow one and from none (promtool, over the rendered rules, from the engine's own counters on); and how soon.

mod support;

#[path = "slo/course.rs"]
mod course;

#[path = "slo/detection.rs"]
mod detection;
#[path = "slo/refused.rs"]
mod refused;
#[path = "slo/rendered.rs"]
mod rendered;
#[path = "slo/scenarios.rs"]
mod scenarios;
