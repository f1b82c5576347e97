//! Every kind of every engine in every version, two replicas of each in one stack: a real Prometheus scrapes them as
//! rendered, and what it records must be what the engine meant, in number and unit, and nothing else.

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::services::{self, IP, Rules, Service, word_of};
use crate::support::expositions::{GROWTH, Says};
use crate::support::http::Server;
use crate::support::project::Project;
use crate::support::stack::Stack;

/// The five minutes of the rules, in all the ways they are written, are fifteen seconds here, so that a window is full within
/// the test.
const SHORTER: [(&str, &str); 3] =
    [("[5m]", "[15s]"), (" offset 5m", " offset 15s"), (" / 300\n", " / 15\n")];

/// A machine that is busy elsewhere gets so long until every number is right.
const SOON: Duration = Duration::from_secs(90);

#[test]
fn every_engine_records_what_it_says_in_every_version_and_nothing_else() {
    let services = services::all();
    let project = services::render(&services);
    shorten_windows(&project);
    let _servers = serve(&services);
    let stack = Stack::start(&project.path("monitoring"), IP);

    // What is asked sooner is asked of a window that is not full.
    sleep(Duration::from_secs(25));
    let start = Instant::now();
    let mut open: Vec<(&Service, Rules)> =
        services.iter().map(|service| (service, Rules::read(&project, &service.name))).collect();
    while !open.is_empty() {
        let recorded = Recorded::ask(&stack);
        let faults: Vec<String> =
            open.iter().flat_map(|(service, rules)| service.faults(rules, &recorded)).collect();
        let targets = stack.targets().into_iter().filter(|target| !target.error.is_empty());
        let errors: Vec<String> = targets.map(|target| format!("{}: {}", target.job, target.error)).collect();
        assert!(faults.is_empty() || start.elapsed() < SOON, "{}\n{}", faults.join("\n"), errors.join("\n"));
        // Now and then one of so many scrapes comes late, and bends a rate for some seconds.
        open.retain(|(service, rules)| !service.faults(rules, &recorded).is_empty());
        sleep(Duration::from_secs(1));
    }
}

fn serve(services: &[Service]) -> Vec<Server> {
    let start = Instant::now();
    let address = |port| SocketAddr::new(IP.parse().expect("an address"), port);
    let mut servers = Vec::new();
    for (name, port) in services::ports(services) {
        let service = services.iter().find(|service| service.shown.name() == name).expect("its own name");
        for port in [port, port + 1] {
            servers.push(service.shown.serve(address(port), start));
        }
    }
    servers
}

fn shorten_windows(project: &Project) {
    for entry in fs::read_dir(project.path("monitoring/prometheus/rules")).expect("reads the folder") {
        let path = entry.expect("an entry").path();
        let rules = fs::read_to_string(&path).expect("reads the rules");
        let rules = SHORTER.iter().fold(rules, |rules, (from, to)| rules.replace(from, to));
        fs::write(&path, rules).expect("our own file");
    }
}

/// Everything that is recorded by now: service → name → the values of its series.
struct Recorded(BTreeMap<String, BTreeMap<String, Vec<f64>>>);

impl Recorded {
    fn ask(stack: &Stack) -> Self {
        let mut recorded: BTreeMap<String, BTreeMap<String, Vec<f64>>> = BTreeMap::new();
        for (labels, value) in stack.query("{__name__=~\"service(_replica)?:.+\"}") {
            let of_service = recorded.entry(labels["service"].clone()).or_default();
            of_service.entry(labels["__name__"].clone()).or_default().push(value);
        }
        Self(recorded)
    }
}

impl Service {
    /// What is wrong with what is recorded of it, a line each.
    fn faults(&self, rules: &Rules, recorded: &Recorded) -> Vec<String> {
        let nothing = BTreeMap::new();
        let recorded = recorded.0.get(&self.name).unwrap_or(&nothing);
        let mut faults = Vec::new();
        for (word, says) in &self.shown.says {
            let names = rules.recordings.keys().filter(|name| word_of(name) == word);
            let names: Vec<&String> = names.filter(|name| !rules.waits(name)).collect();
            if names.is_empty() {
                faults.push(format!("no rule records `{word}`"));
            }
            for name in names {
                let values = recorded.get(name).map(Vec::as_slice).unwrap_or_default();
                let right = match self.expected(name, says) {
                    Some(expected) => values.iter().all(|value| near(name, *value, expected)),
                    None => true,
                };
                let buckets = name.contains("_bucket:") && !values.is_empty();
                if !right || (values.len() != replicas(name) && !buckets) {
                    faults.push(format!("{name} is {values:?}, of {says:?}"));
                }
            }
        }
        // Without a version it must be ready for others, of which nothing is there.
        let unsaid = rules.recordings.keys().filter(|name| self.pinned || recorded.contains_key(*name));
        let always = ["up", "replicas_up", "replicas", "restarts"];
        for name in unsaid.filter(|name| !always.contains(&word_of(name))) {
            // Of a counter that was never seen nobody knows whether it is not there or has not counted yet.
            let zeros =
                !self.pinned && recorded.get(name).is_some_and(|values| values.iter().all(|it| *it == 0.0));
            if !zeros && !self.shown.says.contains_key(word_of(name)) {
                faults.push(format!("{name} is recorded, of which known.yml says nothing"));
            }
        }
        for (alert, expr) in &rules.alerts {
            for name in expr.metrics().iter().filter(|name| !rules.waits(name)) {
                let said = self.shown.says.contains_key(word_of(name)) || self.pinned;
                if said && !recorded.contains_key(name) {
                    faults.push(format!("{alert} asks for {name}, which is not there"));
                }
            }
        }
        faults.into_iter().map(|fault| format!("{}: {fault}", self.name)).collect()
    }

    /// What a recorded series must be, two replicas being alike. `None`: the buckets, which the quantiles are made of.
    fn expected(&self, name: &str, says: &Says) -> Option<f64> {
        let (level, operation) = (name.split(':').next(), name.rsplit(':').next().unwrap_or_default());
        let both = if level == Some("service") { 2.0 } else { 1.0 };
        let number = |word: &str| match &self.shown.says[word] {
            Says::Number(number) => *number,
            Says::Quantiles { .. } => panic!("{word} is no number"),
        };
        Some(match (says, operation) {
            (Says::Number(count), "rate5m") => count * GROWTH * both,
            (Says::Number(count), "sum") => count * both,
            (Says::Number(level), "max" | "min" | "mean_rate5m") => *level,
            (Says::Number(errors), "ratio_rate5m") if name.contains(":errors:") => {
                errors / number("requests")
            }
            (Says::Number(hits), "ratio_rate5m") if name.contains(":prefix_cache_hits:") => {
                hits / number("prefix_cache_queries")
            }
            (Says::Quantiles { p50, .. }, "p50_rate5m") => *p50,
            (Says::Quantiles { p95, .. }, "p95_rate5m") => *p95,
            (Says::Quantiles { p99, .. }, "p99_rate5m") => *p99,
            _ => return None,
        })
    }
}

fn replicas(name: &str) -> usize {
    if name.starts_with("service_replica:") { 2 } else { 1 }
}

/// Levels are what they are; a rate is seen from a few scrapes, and known.yml rounds its quantiles.
fn near(name: &str, value: f64, expected: f64) -> bool {
    let level = [":sum", ":max", ":min"].iter().any(|end| name.ends_with(end));
    let tolerance = if level { 1e-9 } else { 0.02 };
    (value - expected).abs() <= tolerance * expected.abs() + 1e-9
}
