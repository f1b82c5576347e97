//! Machines and their GPUs: which exporters are asked, and what is recorded of what they say. Apart from the services, since a
//! machine may serve several of them or none.

use anyhow::Result;
use minijinja::context;

use super::incidents::{LONG_TEST_STEP, RuleTest};
use super::proofs;
use super::recordings::{Recorded, Recording, Sample};
use super::services::duplicates;
use crate::catalog::machines::{self, Exporter, Xids};
use crate::catalog::programs::{CADVISOR, DCGM, NODE, Program};
use crate::config::Config;
use crate::diagnostics::{Diagnostic, Report};
use crate::promql::PromQl;
use crate::source::{ConfigPath, SpanIndex};
use crate::templates::Templates;
use crate::values::{Duration, HostPort};

/// The exporters of one kind, that Prometheus asks in one job.
pub struct MachineJob {
    /// `hosts`, `gpus` or `containers`.
    pub name: &'static str,
    pub targets: Vec<HostPort>,
    /// The one that the stack runs itself.
    pub local: Option<&'static Program>,
    exporter: &'static Exporter,
}

/// What is watched of machines; a kind that nobody named is not there.
pub(super) fn resolve(config: &Config, index: &SpanIndex, report: &mut Report) -> Vec<MachineJob> {
    let local = &config.local;
    let mut list = |name, written: &[HostPort]| {
        let at = ConfigPath::root().key(name);
        // Where an address was refused, the positions of the rest are no longer those of the file.
        let is_whole = index.items_under(&at) == written.len();
        for (position, earlier) in duplicates(written).into_iter().filter(|_| is_whole) {
            report.push(
                Diagnostic::error("duplicate-target", format!("`{}` is listed twice", written[position]))
                    .at_value(at.item(position), "again")
                    .at_value(at.item(earlier), "first")
                    .help("remove one: it would be asked twice"),
            );
        }
        written.to_vec()
    };
    let job = |name, targets, wanted: Option<bool>, program, exporter| MachineJob {
        name,
        targets,
        local: (wanted == Some(true)).then_some(program),
        exporter,
    };
    let jobs = [
        job("hosts", list("hosts", &config.hosts), local.host, &NODE, machines::node()),
        job("gpus", list("gpus", &config.gpus), local.gpus, &DCGM, machines::dcgm()),
        job("containers", Vec::new(), local.containers, &CADVISOR, machines::cadvisor()),
    ];
    jobs.into_iter().filter(|job| !job.targets.is_empty() || job.local.is_some()).collect()
}

/// What is recorded of the machines, and of which replica is on which.
pub(super) fn record(jobs: &[MachineJob], interval: Duration, templates: &Templates) -> Result<Recorded> {
    let mut recorded = Recorded { recordings: Vec::new(), tests: Vec::new() };
    if jobs.is_empty() {
        return Ok(recorded);
    }
    for exporter in [machines::replicas()].into_iter().chain(jobs.iter().map(|job| job.exporter)) {
        let classes = context! {
            hardware => Xids::pattern(&exporter.xids.hardware),
            application => Xids::pattern(&exporter.xids.application),
        };
        let from = recorded.recordings.len();
        for one in &exporter.recordings {
            let expr = templates.render_snippet("recording.promql", &one.expr, &classes)?;
            let expr = PromQl::parse(&expr)
                .map_err(|error| anyhow::anyhow!("bug: the recording `{}`: {error}", one.record))?;
            let expected = one.gives.iter();
            let expected =
                expected.map(|given| Sample { labels: given.labels.clone(), value: given.value }).collect();
            recorded.recordings.push(Recording::new(&one.record, expr, interval, expected));
        }
        recorded.tests.push(prove(exporter, &recorded.recordings[from..]));
    }
    Ok(recorded)
}

/// When the test looks: every window is full by then, six hours included.
const LOOKED_AT: Duration = Duration::from_secs(7 * 3600);

fn prove(exporter: &Exporter, recordings: &[Recording]) -> RuleTest {
    let input = exporter.series.iter().map(|(selector, values)| (selector.clone(), values.clone()));
    let checks = recordings.iter().map(|one| proofs::check(&one.name, LOOKED_AT, &one.expected));
    RuleTest {
        name: format!("what {} says is recorded", exporter.title),
        step: LONG_TEST_STEP,
        input: input.collect(),
        checks: checks.collect(),
    }
}
