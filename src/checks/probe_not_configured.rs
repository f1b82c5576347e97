//! A job that probes through a blackbox exporter which does not know how: the module is not there, or the wrong page is asked.

use super::Check;
use crate::diagnostics::{Diagnostic, Report, Severity, nearest};
use crate::stack::{Blackbox, Compose, Job, Program, Stack};

pub(super) const CHECK: Check = Check { id: "probe-not-configured", severity: Severity::Error, run };

fn run(stack: &Stack, report: &mut Report) {
    for prometheus in &stack.prometheuses {
        let Some((compose, _)) = stack.service(&prometheus.service) else { continue };
        for job in prometheus.jobs.iter().filter(|job| job.is_redirected()) {
            let Some(exporter) = exporter(compose, job) else { continue };
            report.extend(wrong_page(job));
            let known = stack.blackboxes.iter().find(|one| one.is_of(stack, compose, &exporter));
            report.extend(known.and_then(|known| unknown_module(job, known)));
        }
    }
}

/// The name of the blackbox exporter of the same project that a job is led to.
fn exporter(compose: &Compose, job: &Job) -> Option<String> {
    let address = job.redirections().last()?;
    let host = address.rsplit_once(':').map_or(address.as_str(), |(host, _)| host);
    let service = compose.named(host).filter(|service| service.program == Some(Program::Blackbox))?;
    Some(service.name.value.clone())
}

fn wrong_page(job: &Job) -> Option<Diagnostic> {
    if job.metrics_path == "/probe" || job.relabels("__metrics_path__") {
        return None;
    }
    let at = job.node.get("metrics_path").map_or_else(|| job.name.place(), |node| node.at().place());
    let wrong = format!(
        "`{}` asks the blackbox exporter for `{}`: nothing is probed there",
        job.name, job.metrics_path
    );
    Some(CHECK.finding(wrong).at(at, "not the page that probes").help("write `metrics_path: /probe`"))
}

fn unknown_module(job: &Job, known: &Blackbox) -> Option<Diagnostic> {
    let modules = known.modules()?;
    let module = job.node.find(&["params", "module"])?.texts().into_iter().next()?;
    if modules.contains(&module.value) || job.relabels("__param_module") {
        return None;
    }
    let near = nearest(&module, modules.iter().map(String::as_str));
    let help = near.map_or_else(
        || format!("add `{module}:` to `modules:` of `{}`", known.document.name()),
        |near| format!("did you mean `{near}`?"),
    );
    let wrong = format!("the blackbox exporter has no module `{module}`: it answers 400 to `{}`", job.name);
    Some(CHECK.finding(wrong).at(module.place(), "not in its configuration").help(help))
}
