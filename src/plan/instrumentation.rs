//! Services that skymon writes the measuring for: what their module must know of the config, and the engine that they have
//! by it. Apart from `services`, where all engines are alike.

use std::sync::Arc;

use super::alerts::bad_value;
use super::services::ServiceResolver;
use super::slo;
use crate::catalog::alerts::{AlertEntry, Pack};
use crate::catalog::engines::Engine;
use crate::config;
use crate::diagnostics::Report;
use crate::values::UrlPath;

/// A module that measures the requests of a Python server. Its buckets are those of the service's engine.
pub struct Instrumentation {
    pub metrics_path: String,
    /// What is asked from outside, and is no request of users; empty if that is not known.
    pub probed_path: String,
}

impl ServiceResolver<'_> {
    /// The engine that the service has where skymon writes its module, with that; else the one that it names.
    pub(super) fn instrument(
        &self,
        engine: Arc<Engine>,
        report: &mut Report,
    ) -> (Arc<Engine>, Option<Instrumentation>) {
        let Some(config::Instrumentation::Python) = self.written.instrumentation else {
            return (engine, None);
        };
        if !engine.is_own() {
            report.push(bad_value(
                self.at.key("instrumentation"),
                &format!(
                    "`{}` has metrics of its own\nremove `instrumentation`: it is for `engine: custom`",
                    engine.name
                ),
            ));
            return (engine, None);
        }
        let engine = Engine::instrumented(&self.compared());
        let path = self.written.metrics_path.as_ref().or(engine.metrics_path.as_ref());
        let instrumentation = Instrumentation {
            metrics_path: path.map(UrlPath::as_str).unwrap_or_default().to_owned(),
            probed_path: self.written.probe.path.as_ref().map(without_query).unwrap_or_default().to_owned(),
        };
        (Arc::new(engine), Some(instrumentation))
    }

    /// Words of the vocabulary, with the seconds that the service's alerts and objectives compare them with.
    fn compared(&self) -> Vec<(&'static str, f64)> {
        let mut compared = self.thresholds();
        let promised = self.written.slo.iter().flat_map(slo::speeds);
        compared.extend(promised.map(|(_, word, speed)| (word, speed.under.as_secs_f64())));
        compared
    }

    fn thresholds(&self) -> Vec<(&'static str, f64)> {
        let changes = [&self.written.alerts, &self.config.alerts];
        let of_service = AlertEntry::all().iter().filter(|entry| entry.pack == Pack::Service);
        of_service
            .filter_map(|entry| {
                let set = changes.iter().find_map(|all| all.get(&entry.name)?.threshold.as_ref());
                let threshold = entry.unit?.parse(set.or(entry.threshold.as_ref())?).ok()?;
                Some((entry.of.as_deref()?, threshold))
            })
            .collect()
    }
}

fn without_query(path: &UrlPath) -> &str {
    path.as_str().split('?').next().unwrap_or_default()
}
