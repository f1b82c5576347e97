//! The engines that run in the same compose file as the Prometheus that scrapes them: there one can see how each was started.

use std::sync::Arc;

use crate::catalog::engines::Engine;
use crate::stack::{Job, Service, Stack, Target, runs};

/// A target that is an engine.
pub(crate) struct Scraped<'s> {
    pub(crate) engine: &'s Arc<Engine>,
    pub(crate) service: &'s Service,
    pub(crate) job: &'s Job,
    pub(crate) target: &'s Target,
}

pub(crate) fn scraped(stack: &Stack) -> impl Iterator<Item = Scraped<'_>> {
    let told = stack.told();
    let jobs = stack.prometheuses.iter().flat_map(|prometheus| {
        let project = prometheus.service.as_ref().map(|(project, _)| *project);
        prometheus.jobs.iter().map(move |job| (project, job))
    });
    let targets =
        jobs.flat_map(|(project, job)| job.targets.iter().map(move |target| (project, job, target)));
    targets.filter(|(_, job, _)| !job.is_redirected()).filter_map(move |(project, job, target)| {
        let host = target.address.rsplit_once(':').map_or(target.address.as_str(), |(host, _)| host);
        let service = stack.composes.get(project?)?.named(host)?;
        // It runs in another program's network, or in the machine's: what is at the port may be another's.
        if service.network_mode.is_some() {
            return None;
        }
        let engine = told.engines.get(&runs(service, told)?.exposer)?;
        Some(Scraped { engine, service, job, target })
    })
}
