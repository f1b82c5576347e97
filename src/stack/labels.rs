//! The labels of expressions in this stack: of what is recorded, of what is scraped, and of an alert as Alertmanager is sent it.

use std::collections::BTreeSet;

use super::recorded::Recorded;
use super::{Query, Rule, Stack};
use crate::catalog::metrics::Exposer;
use crate::cores;
use crate::diagnostics::times;
use crate::promql::labels::{Fault, Labels, Series, faults, labels_and_faults};
use crate::promql::tree::VectorSelector;
use crate::promql::{Matcher, matcher, metric};
use crate::source::Node;

/// The labels of all that is recorded, and of what is scraped as far as that is sure.
pub struct Flow<'s> {
    stack: &'s Stack,
    recorded: &'s Recorded,
}

impl<'s> Flow<'s> {
    pub fn of(stack: &'s Stack) -> Flow<'s> {
        Flow { stack, recorded: stack.recorded() }
    }

    /// Looks at all queries on all cores: several checks ask what the labels prove of each.
    pub(super) fn weigh(&self) {
        cores::map_small(self.stack.queries().collect(), |query| self.fits(query));
    }

    /// The labels of what a rule's expression returns: those that its templates may ask for. Unknown where it is not read.
    pub(super) fn series(&self, rule: &Rule) -> Labels {
        let Some(tree) = rule.expr.tree() else { return Labels::unknown() };
        let (labels, faults) = labels_and_faults(tree, &self.asked(&rule.expr));
        // The same walk says both.
        rule.expr.fits.get_or_init(|| faults.is_empty());
        labels.unwrap_or_else(Labels::none)
    }

    /// What the labels prove of an expression.
    pub fn faults<'q>(&self, query: &'q Query) -> Vec<Fault<'q>> {
        if self.fits(query) { Vec::new() } else { self.find(query) }
    }

    fn fits(&self, query: &Query) -> bool {
        *query.fits.get_or_init(|| self.find(query).is_empty())
    }

    fn find<'q>(&self, query: &'q Query) -> Vec<Fault<'q>> {
        query.tree().map(|tree| faults(tree, &self.asked(query))).unwrap_or_default()
    }

    fn asked(&self, query: &Query) -> Asked<'_, 's> {
        let is_elsewhere = !query.is_of_rule() && !self.stack.targets().asks_own;
        Asked { flow: self, is_elsewhere, is_filled: query.has_variables() }
    }

    /// The name and the label of which a panel finds nothing where a variable of its dashboard has this value.
    pub fn never_found(&self, query: &Query, variable: &str, value: &str) -> Option<(String, String)> {
        let tree = query.filled(variable, value)?;
        faults(&tree, &self.asked(query)).into_iter().find_map(|fault| match fault {
            Fault::NeverSelects(selector, matcher) if matcher.value == value => {
                Some((metric(selector)?.to_owned(), matcher.name.clone()))
            }
            Fault::MisspeltValue(selector, matcher, word, _) if word == value => {
                Some((metric(selector)?.to_owned(), matcher.name.clone()))
            }
            _ => None,
        })
    }

    /// The labels of an alert as Alertmanager sees it: those of its series, its own, and what its Prometheus adds.
    pub(super) fn fired(&self, alert: &Rule, series: Labels) -> Labels {
        let mut labels = with_own(series, alert);
        labels.set("alertname", Some(&alert.name));
        let mut sent =
            self.stack.prometheuses.iter().map(|prometheus| sent(labels.clone(), &prometheus.root));
        match sent.next() {
            Some(first) => sent.fold(first, Labels::or),
            // It may add whatever it likes.
            None => labels.with_any(),
        }
    }

    /// The values that a label has on series of a name, where all are known.
    pub fn values(&self, name: &str, label: &str) -> Option<BTreeSet<String>> {
        let selector = VectorSelector::of(name);
        self.found(&selector, &|_| true).0.values(label).cloned()
    }

    fn found(&self, selector: &VectorSelector, is_final: &dyn Fn(&Matcher) -> bool) -> (Labels, bool) {
        match metric(selector).and_then(|name| self.recorded.labels(name)) {
            Some(labels) => (labels.clone(), true),
            None => of_scrape(self.stack, selector, is_final),
        }
    }

    /// Whether a label of this name stands anywhere where labels are made.
    fn is_made(&self, label: &str) -> bool {
        let stack = self.stack;
        let has_label = |one: &Exposer| {
            let mut labels =
                one.metrics().flat_map(|metric| metric.labels.iter().flatten().chain(&metric.some_labels));
            labels.any(|one| one == label)
        };
        let mut targets = stack.prometheuses.iter().flat_map(|one| &one.jobs).flat_map(|job| &job.targets);
        let quoted = ["\"", "'", "`"].map(|quote| format!("{quote}{label}{quote}"));
        stack.rules().any(|rule| {
            let is_written = |quoted: &String| rule.expr.text.contains(quoted.as_str());
            rule.label(label).is_some() || quoted.iter().any(is_written)
        }) || stack.prometheuses.iter().any(|one| times(label, &one.document.source.text) > 0)
            || targets.any(|target| target.labels.iter().any(|(name, _)| name.value == label))
            || stack.metrics().catalogue().exposers().any(has_label)
    }
}

/// The labels of what no rule of the stack makes.
pub(super) fn of_scrape(
    stack: &Stack,
    selector: &VectorSelector,
    is_final: &dyn Fn(&Matcher) -> bool,
) -> (Labels, bool) {
    let (mut labels, is_known) = stack.targets().find(stack.metrics(), selector, is_final);
    let Some(name) = metric(selector) else { return (labels, false) };
    // Not of series that rules make elsewhere.
    let is_scraped = !name.contains(':') && !name.starts_with("ALERTS");
    if is_scraped && (stack.targets().has_target || name == "up") {
        for label in ["job", "instance"] {
            if !labels.surely_has(label) {
                labels.set(label, None);
            }
        }
    }
    if ["_count", "_sum", "_total"].iter().any(|end| name.ends_with(end)) {
        labels.remove("le");
    }
    if BUCKETS.iter().any(|end| name.ends_with(end)) {
        labels.set("le", None);
    }
    (labels, is_known)
}

/// How the buckets of a histogram end where the unit says that they are some.
const BUCKETS: [&str; 4] = ["_seconds_bucket", "_bytes_bucket", "_tokens_bucket", "_milliseconds_bucket"];

/// The same for one query.
struct Asked<'f, 's> {
    flow: &'f Flow<'s>,
    /// Whether a Prometheus may be asked that is not here.
    is_elsewhere: bool,
    /// Whether Grafana fills it in: its variables read as `1` until then.
    is_filled: bool,
}

impl Series for Asked<'_, '_> {
    fn of(&self, selector: &VectorSelector) -> (Labels, bool) {
        // A page alone shows what is recorded beside it.
        let is_beside = || {
            let is_recorded = |name| self.flow.recorded.labels(name).is_some();
            self.flow.stack.datasources.is_empty() && metric(selector).is_some_and(is_recorded)
        };
        if self.is_elsewhere && !is_beside() {
            return (Labels::unknown(), false);
        }
        self.flow.found(selector, &|matcher| self.is_final(&matcher.value))
    }

    fn is_final(&self, text: &str) -> bool {
        !self.is_filled || !text.contains('1')
    }

    fn may_exist(&self, label: &str) -> bool {
        self.flow.recorded.is_made(label, || self.flow.is_made(label))
    }
}

/// The labels of a rule's result: its own take the place of the series'.
pub(super) fn with_own(mut labels: Labels, rule: &Rule) -> Labels {
    for (name, value) in &rule.labels {
        if rule.is_alert && value.contains("{{") {
            labels.allow(name);
        } else if value.is_empty() {
            labels.remove(name);
        } else {
            labels.set(name, Some(value));
        }
    }
    labels
}

/// What a Prometheus makes of an alert's labels before it sends them.
fn sent(mut labels: Labels, root: &Node) -> Labels {
    let external = root.find(&["global", "external_labels"]).map(|node| node.entries()).unwrap_or_default();
    for (name, node) in external {
        if labels.surely_has(&name) {
            continue;
        }
        match node.text() {
            Some(value) if value.contains('$') => labels.allow(&name),
            // A series may have brought another.
            Some(value) => labels.set(&name, Some(value).filter(|_| !labels.can_have(&name))),
            None => {}
        }
    }
    let managers = root.find(&["alerting", "alertmanagers"]).map(|node| node.items()).unwrap_or_default();
    let places = root.get("alerting").into_iter().chain(managers);
    let lists = places.filter_map(|node| node.get("alert_relabel_configs"));
    for rule in lists.flat_map(|list| list.items()) {
        labels = relabeled(labels, &rule);
    }
    labels
}

fn relabeled(mut labels: Labels, rule: &Node) -> Labels {
    let text = |key: &str| rule.get(key).and_then(|node| node.text().map(str::to_owned));
    let action = text("action").unwrap_or_else(|| "replace".to_owned()).to_lowercase();
    match action.as_str() {
        "keep" | "drop" | "keepequal" | "dropequal" => labels,
        "replace" | "lowercase" | "uppercase" | "hashmod" => {
            if let Some(target) = text("target_label") {
                labels.allow(&target);
            }
            labels
        }
        "labeldrop" => {
            let dropped = text("regex").and_then(|regex| matcher("name", "=~", &regex));
            let names: Vec<String> = labels.surely().map(str::to_owned).collect();
            for name in names {
                if dropped.as_ref().is_none_or(|dropped| dropped.is_match(&name)) {
                    labels.allow(&name);
                }
            }
            labels
        }
        _ => Labels::unknown(),
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::sync::Arc;

    use super::*;
    use crate::stack::Folder;

    fn stack(files: &[(&str, &str)]) -> Stack {
        let files = files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
        Stack::read(Folder::Memory { root: PathBuf::new(), files: Arc::new(files) })
    }

    const RULES: &str = "groups:\n- name: a\n  rules:\n  - {record: 'job:x:rate5m', expr: 'sum by (job) (rate(x_total[5m]))', labels: {from: here}}\n  - {record: 'y:x', expr: 'y:x + 1'}\n  - {alert: A, expr: 'job:x:rate5m > 1', labels: {severity: page, job: '', v: '{{ $value }}'}}\n  - {alert: B, expr: 'y:x > up'}\n";

    fn fired(stack: &Stack) -> Vec<Labels> {
        stack.fired().map(|(_, labels)| labels.clone()).collect()
    }

    #[test]
    fn an_alert_has_the_labels_of_its_recording_of_its_rule_and_of_its_prometheus() {
        let prometheus = "global: {external_labels: {site: s1, job: other, who: $WHO}}\nscrape_configs: []\nrule_files: [rules.yml]\n";
        let stack = stack(&[("rules.yml", RULES), ("prometheus.yml", prometheus)]);
        let [first, second] = fired(&stack).try_into().expect("two alerts");
        assert_eq!(first.surely().collect::<Vec<_>>(), ["alertname", "from", "job", "severity", "site"]);
        assert_eq!((first.value("site"), first.value("job")), (Some("s1"), Some("other")));
        assert!(first.can_have("v") && first.can_have("who") && !first.can_have("instance"));
        assert_eq!(first.all().map(Iterator::count), Some(7));
        assert!(second.all().is_none() && second.value("site").is_none() && second.surely_has("site"));
    }

    #[test]
    fn what_a_prometheus_does_to_alerts_is_not_sure() {
        let prometheus = "scrape_configs: []\nrule_files: [rules.yml]\nalerting: {alert_relabel_configs: [{action: labeldrop, regex: sev.*}, {target_label: team, replacement: a}]}\n";
        let stack = stack(&[("rules.yml", RULES), ("prometheus.yml", prometheus)]);
        let first = &fired(&stack)[0];
        assert!(!first.surely_has("severity") && first.can_have("severity") && first.surely_has("from"));
        assert!(first.can_have("team") && !first.can_have("zone"));
    }

    #[test]
    fn without_a_prometheus_any_label_may_be_added() {
        let stack = stack(&[("rules.yml", RULES)]);
        let first = &fired(&stack)[0];
        assert!(first.can_have("zone") && first.value("severity") == Some("page"));
    }

    #[test]
    fn a_circle_of_recordings_ends() {
        let rules = "groups:\n- name: a\n  rules:\n  - {record: 'a:x', expr: 'sum by (b) (b:x)'}\n  - {record: 'b:x', expr: 'a:x'}\n  - {alert: A, expr: 'a:x > 1 and b:x > 1'}\n";
        let stack = stack(&[("rules.yml", rules)]);
        assert_eq!(fired(&stack).len(), 1);
    }
}
