//! Which `job` and `instance` the series of a stack can have, as far as its files say it.

use std::collections::BTreeSet;

use super::shapes::function;
use crate::promql::tree::Call;
use crate::promql::tree::VectorSelector;
use crate::promql::{Expr, bare, walk};
use crate::source::Node;
use crate::stack::{Job, Rule, Stack, is_fed};

pub(crate) struct Scraped {
    pub(crate) jobs: BTreeSet<String>,
    /// `None` where some are only known at run time.
    pub(crate) instances: Option<BTreeSet<String>>,
    /// Whether nothing can add to them. Else a name is only wrong where another one is near.
    pub(crate) is_sure: bool,
}

/// `None` where series come from elsewhere too, or get their job from what is not known.
pub(crate) fn scraped(stack: &Stack) -> Option<Scraped> {
    let mut scraped = Scraped { jobs: BTreeSet::new(), instances: Some(BTreeSet::new()), is_sure: true };
    for prometheus in &stack.prometheuses {
        let service = stack.service(&prometheus.service).map(|(_, service)| service);
        if is_fed(prometheus, service) {
            return None;
        }
        // Without the flags nobody knows whether somebody writes into it.
        scraped.is_sure &= service.is_some();
        for job in &prometheus.jobs {
            scraped.add(job)?;
        }
    }
    for rule in stack.rules().filter(|rule| !rule.is_alert) {
        scraped.add_recorded(rule)?;
    }
    (!scraped.jobs.is_empty()).then_some(scraped)
}

impl Scraped {
    /// Whether no target has what a selector asks of a label: `job-not-scraped` tells of that.
    pub(crate) fn lacks(&self, selector: &VectorSelector, label: &str) -> bool {
        let Some(known) = self.known(label).filter(|_| self.is_sure) else { return false };
        let mut asked = selector.matchers.iter().filter(|matcher| matcher.name == label);
        asked.any(|matcher| !matcher.is_match("") && !known.iter().any(|value| matcher.is_match(value)))
    }

    /// The values that a label can have; `None` where nobody can know.
    pub(crate) fn known(&self, label: &str) -> Option<&BTreeSet<String>> {
        match label {
            "job" => Some(&self.jobs),
            "instance" => self.instances.as_ref(),
            _ => None,
        }
    }

    fn add(&mut self, job: &Job) -> Option<()> {
        self.jobs.insert(job.name.value.clone());
        for target in &job.targets {
            let label = |wanted: &str| {
                target
                    .labels
                    .iter()
                    .find(|(name, _)| name.value == wanted)
                    .map(|(_, value)| value.value.clone())
            };
            self.jobs.extend(label("job"));
            if let Some(instances) = &mut self.instances {
                instances.insert(label("instance").unwrap_or_else(|| target.address.value.clone()));
            }
        }
        if job.discovers {
            self.instances = None;
            // Who finds targets may label them.
            self.is_sure &=
                job.node.get("http_sd_configs").or_else(|| job.node.get("file_sd_configs")).is_none();
        }
        for rule in job.relabelings().iter().chain(&job.metric_relabelings()) {
            self.add_relabeling(rule)?;
        }
        Some(())
    }

    fn add_relabeling(&mut self, rule: &Node) -> Option<()> {
        let text = |key: &str| rule.get(key).and_then(|node| node.text().map(str::to_owned));
        if text("action").is_some_and(|action| action == "labelmap") {
            return None;
        }
        // What keeps or drops makes no new name.
        let Some(target) = text("target_label") else { return Some(()) };
        if target == "instance" || target.contains('$') {
            self.instances = None;
        }
        if target != "job" && !target.contains('$') {
            return Some(());
        }
        let name = text("replacement").filter(|name| !name.contains('$') && target == "job")?;
        self.jobs.insert(name);
        Some(())
    }

    fn add_recorded(&mut self, rule: &Rule) -> Option<()> {
        self.jobs.extend(rule.label("job").map(|label| label.value.clone()));
        if let (Some(instances), Some(label)) = (&mut self.instances, rule.label("instance")) {
            instances.insert(label.value.clone());
        }
        for call in rule.expr.tree().into_iter().flat_map(walk).filter_map(renaming) {
            let Some(Expr::Text(name)) = call.args.get(1).map(bare) else {
                return None;
            };
            match name.as_str() {
                "job" => return None,
                "instance" => self.instances = None,
                _ => {}
            }
        }
        Some(())
    }
}

/// A call that writes a label.
fn renaming(expr: &Expr) -> Option<&Call> {
    match expr {
        Expr::Call(call) if function(expr).is_some_and(|name| name.starts_with("label_")) => Some(call),
        _ => None,
    }
}
