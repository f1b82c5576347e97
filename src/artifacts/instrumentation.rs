//! The modules that measure servers of one's own: one for each such service, since their buckets are its engine's.

use anyhow::Result;
use minijinja::context;

use super::Artifacts;
use crate::catalog::engines::Engine;
use crate::plan::Plan;
use crate::templates::Templates;

const TEMPLATE: &str = "instrumentation/skymon_metrics.py";

pub(super) fn build(plan: &Plan, templates: &Templates, artifacts: &mut Artifacts) -> Result<()> {
    for service in &plan.services {
        let Some(instrumentation) = &service.instrumentation else { continue };
        let context = context! {
            metrics_path => &instrumentation.metrics_path,
            probed_path => &instrumentation.probed_path,
            duration_buckets => bounds(&service.engine, "latency_seconds"),
            first_byte_buckets => bounds(&service.engine, "time_to_first_token_seconds"),
        };
        let text = templates.render(TEMPLATE, context)?;
        artifacts.add(&format!("instrumentation/{}/skymon_metrics.py", service.name), text);
    }
    Ok(())
}

/// The finite bounds of a word's histogram, which are the module's.
fn bounds(engine: &Engine, word: &str) -> Vec<f64> {
    let bounds = engine.bounds(word, None).map(|bounds| bounds.bounds).unwrap_or_default();
    bounds.into_iter().map(|bound| bound.value).collect()
}
