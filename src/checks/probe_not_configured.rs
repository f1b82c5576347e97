//! A job that probes through a blackbox exporter, and something of what a probe needs is missing: the page, the target, the way
//! to the exporter, or a module that it knows and that says how to probe.

use super::Check;
use crate::diagnostics::{Diagnostic, Report, Severity, is_misspelt, nearest};
use crate::source::{Node, Spanned};
use crate::stack::{Blackbox, Compose, Job, Program, Stack};

pub(super) const CHECK: Check = Check { id: "probe-not-configured", severity: Severity::Error, run };

/// The ways to probe. Any other word is answered by 400.
const PROBERS: [&str; 6] = ["dns", "grpc", "http", "icmp", "tcp", "unix"];
/// The module that is taken where none is asked for.
const DEFAULT: &str = "http_2xx";

fn run(stack: &Stack, report: &mut Report) {
    for prometheus in &stack.prometheuses {
        let project = stack.service(&prometheus.service).map(|(compose, _)| compose);
        for job in &prometheus.jobs {
            if asks_targets_themselves(job) {
                report.extend(not_led(job));
                continue;
            }
            let Some((compose, exporter)) =
                project.and_then(|compose| Some((compose, exporter(compose, job)?)))
            else {
                continue;
            };
            if job.is_redirected() {
                report.extend(wrong_page(job));
            }
            // Its own metrics are at another page.
            if job.is_redirected() || job.metrics_path == "/probe" {
                report.extend(no_target(job));
                let known = stack.blackboxes.iter().find(|one| one.is_of(stack, compose, &exporter));
                report.extend(known.and_then(|known| unknown_module(job, known)));
            }
        }
    }
    report.extend(stack.blackboxes.iter().flat_map(without_prober));
}

/// The name of the blackbox exporter of the same project that a job is led to, or asks.
fn exporter(compose: &Compose, job: &Job) -> Option<String> {
    let address = match job.redirections().last() {
        Some(address) => address.value,
        None => job.addresses().next().filter(|_| !job.is_redirected())?.value.clone(),
    };
    let host = address.rsplit_once(':').map_or(address.as_str(), |(host, _)| host);
    let service = compose.named(host).filter(|service| service.program == Some(Program::Blackbox))?;
    Some(service.name.value.clone())
}

/// Whether the target is handed on as what is to be probed, and then asked itself.
fn asks_targets_themselves(job: &Job) -> bool {
    let rules = job.relabelings();
    // What is made of an address may be the page of a machine whose own exporter is asked.
    let is_handed_on = rules.iter().any(|rule| writes(rule, "__param_target") && copies_address(rule));
    let moves = |rule: &Node| {
        let target = rule.get("target_label").and_then(|node| node.text().map(str::to_owned));
        let is_it = target.is_some_and(|label| label == "__address__" || is_misspelt(&label, "__address__"));
        writes_any(rule) || is_it && !copies_address(rule)
    };
    let by_label =
        |name: &str| job.targets.iter().any(|target| target.labels.iter().any(|one| one.0.value == name));
    is_handed_on && !job.discovers && !rules.iter().any(moves) && !by_label("__address__")
}

fn not_led(job: &Job) -> Option<Diagnostic> {
    let rules = job.relabelings();
    let rule = rules.iter().find(|rule| writes(rule, "__param_target"))?;
    Some(
        CHECK
            .finding(format!("`{}` hands its targets on to be probed, and then asks them itself", job.name))
            .at(rule.get("target_label")?.at().place(), "no rule leads to an exporter")
            .help("add `- {target_label: __address__, replacement: 'blackbox:9115'}`, with the exporter's address"),
    )
}

fn writes(rule: &Node, label: &str) -> bool {
    rule.get("target_label").is_some_and(|node| node.text() == Some(label))
}

fn action(rule: &Node) -> String {
    rule.get("action")
        .and_then(|node| Some(node.text()?.to_lowercase()))
        .unwrap_or_else(|| "replace".to_owned())
}

/// Whether the labels that a rule writes are only known at run time.
fn writes_any(rule: &Node) -> bool {
    let names_one = |node: Node| node.text().is_some_and(|label| !label.contains('$'));
    action(rule) == "labelmap" || rule.get("target_label").is_some_and(|node| !names_one(node))
}

/// Whether a relabeling of the targets writes this label, or may write it.
fn may_write(job: &Job, label: &str) -> bool {
    job.relabels(label) || job.relabelings().iter().any(writes_any)
}

/// Whether a rule hands on the address of the target as it is.
fn copies_address(rule: &Node) -> bool {
    let labels = rule.get("source_labels").map(|node| node.texts()).unwrap_or_default();
    let is_plain = |key: &str, all: &[&str]| {
        rule.get(key).is_none_or(|node| node.text().is_some_and(|text| all.contains(&text)))
    };
    labels.len() == 1
        && labels[0].value == "__address__"
        && is_plain("regex", &["(.*)", "(.+)", "^(.*)$"])
        && is_plain("replacement", &["$1", "${1}", "$0", "${0}"])
}

fn wrong_page(job: &Job) -> Option<Diagnostic> {
    if job.metrics_path == "/probe" || may_write(job, "__metrics_path__") {
        return None;
    }
    let at = job.node.get("metrics_path").map_or_else(|| job.name.place(), |node| node.at().place());
    let wrong = format!(
        "`{}` asks the blackbox exporter for `{}`: nothing is probed there",
        job.name, job.metrics_path
    );
    Some(CHECK.finding(wrong).at(at, "not the page that probes").help("write `metrics_path: /probe`"))
}

/// Nothing says what to probe.
fn no_target(job: &Job) -> Option<Diagnostic> {
    let is_param = |label: &str| label == "__param_target";
    let is_said = job.node.find(&["params", "target"]).is_some_and(|node| !node.texts().is_empty())
        || may_write(job, "__param_target")
        || job.targets.iter().any(|target| target.labels.iter().any(|one| is_param(&one.0.value)));
    if is_said || job.discovers {
        return None;
    }
    let written: Vec<Spanned<String>> =
        job.relabelings().iter().filter_map(|rule| rule.get("target_label")?.value()).collect();
    let slip = written.iter().find(|label| is_misspelt(label, "__param_target"));
    let finding = CHECK
        .finding(format!("`{}` does not tell the blackbox exporter what to probe: it answers 400", job.name));
    Some(match slip {
        Some(label) => {
            finding.at(label.place(), "no parameter of a probe").help("did you mean `__param_target`?")
        }
        None => finding.at(job.name.place(), "no rule writes `__param_target`").help(
            "add `- {source_labels: [__address__], target_label: __param_target}` to its `relabel_configs`",
        ),
    })
}

fn unknown_module(job: &Job, known: &Blackbox) -> Option<Diagnostic> {
    let modules = known.modules()?;
    let by_label = || {
        let mut labels = job.targets.iter().flat_map(|target| &target.labels);
        labels.any(|(name, _)| name.value == "__param_module")
    };
    if may_write(job, "__param_module") || job.discovers || by_label() {
        return None;
    }
    let asked = job.node.find(&["params", "module"]).and_then(|node| node.texts().into_iter().next());
    let (module, at) = match asked {
        Some(asked) => (asked.value.clone(), asked.place()),
        None => (DEFAULT.to_owned(), job.name.place()),
    };
    if modules.contains(&module) {
        return None;
    }
    let is_default = at == job.name.place();
    let help = match nearest(&module, modules.iter().map(String::as_str)) {
        _ if is_default => {
            let first = modules.first().map_or("…", String::as_str);
            format!("write `params: {{module: [{first}]}}`")
        }
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("add `{module}:` to `modules:` of `{}`", known.document.name()),
    };
    let wrong = format!("the blackbox exporter has no module `{module}`: it answers 400 to `{}`", job.name);
    let label =
        if is_default { "asks for no module, and this is the default" } else { "not in its configuration" };
    Some(CHECK.finding(wrong).at(at, label).help(help))
}

/// Modules that say nothing of how to probe. `--config.check` takes them, and each probe is answered by 400.
fn without_prober(exporter: &Blackbox) -> Vec<Diagnostic> {
    if !exporter.document.is_complete() {
        return Vec::new();
    }
    let modules = exporter.document.root().get("modules").map(|node| node.entries()).unwrap_or_default();
    let fault = |(name, module): &(Spanned<String>, Node)| {
        let said = module.get("prober").and_then(|node| node.value()).filter(|word| !word.is_empty());
        let section = PROBERS.into_iter().find(|word| module.get(word).is_some());
        let near = || said.as_ref().and_then(|said| nearest(said, PROBERS));
        let help = match near().or(section) {
            Some(prober) => format!("write `prober: {prober}`"),
            None => "write `prober: http`, or `tcp`, `icmp`, `dns`, `grpc`".to_owned(),
        };
        let (message, at) = match &said {
            Some(word) if PROBERS.contains(&word.as_str()) || word.contains(['$', '{']) => return None,
            Some(word) => (format!("there is no prober `{word}`"), word.place()),
            // A key that is misspelt is told as unknown.
            None if module.entries().iter().any(|(key, _)| is_misspelt(key, "prober")) => return None,
            None => (format!("the module `{name}` has no `prober`"), name.place()),
        };
        Some(CHECK.finding(format!("{message}: each probe is answered by 400")).at(at, "").help(help))
    };
    modules.iter().filter_map(fault).collect()
}
