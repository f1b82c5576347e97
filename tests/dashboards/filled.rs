//! A stack with every engine there is and two replicas of each, on SkyServe too, everything in it that can happen: then each
//! query of each page is asked of the real Prometheus as Grafana would ask it, and none may come back empty.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime};

use serde_json::{Value, json};
use skymon::catalog::engines::{Engine, Engines};

use crate::page::{Page, list, pages, text};
use crate::support::expositions;
use crate::support::fakes::Receiver;
use crate::support::http::{self, Reply, Server};
use crate::support::project::{Project, files_below, fixture};
use crate::support::replicas::Replica;
use crate::support::skypilot::{ApiServer, captured};
use crate::support::stack::Stack;
use crate::support::tls::Authority;

const IP: &str = "127.84.20.1";

/// Everything has happened, been scraped, evaluated and told well within this, also on a busy machine.
const SOON: Duration = Duration::from_secs(90);

#[test]
fn every_query_of_every_page_finds_something_in_a_real_prometheus() {
    let project = Project::new(&config());
    let key = expositions::newest("litellm").wire.bearer.as_deref().expect("LiteLLM asks for a key");
    project.write("secrets/key", key);
    project.write("secrets/hook", &format!("http://{IP}:7003/hook\n"));
    let _hook = Receiver::webhook(addr(7003));
    let authority = Authority::new();
    let _endpoint = Server::start_with(addr(8443), Some(authority.server(&[IP])), |_| Reply::text(503, "{}"));
    project.render();
    trust(&project, &authority);
    within_seconds(&project);
    let _api_server = on_skyserve(&project);
    budgets_often(&project);
    let _replicas = Replicas::start();
    let _machines = machines();
    let stack = Stack::start(&project.path("monitoring"), IP);

    let pages = pages(&project);
    for uid in ["skymon-skyserve", "skymon-hosts", "skymon-gpus"] {
        assert!(pages.iter().any(|page| page.uid() == uid), "{uid}");
    }
    let queries: Vec<Query> = pages.iter().flat_map(queries).collect();
    assert!(queries.len() > 250, "the pages ask more than {} queries", queries.len());
    let start = Instant::now();
    let mut open: Vec<&Query> = queries.iter().collect();
    while !open.is_empty() {
        let faults: Vec<(&Query, String)> =
            open.into_iter().filter_map(|query| Some((query, query.ask(&stack).err()?))).collect();
        let told: Vec<String> = faults
            .iter()
            .map(|(query, fault)| format!("{}: {fault}\n  {}", query.place, query.expr))
            .collect();
        assert!(
            told.is_empty() || start.elapsed() < SOON,
            "{} of {} queries have no good answer:\n{}",
            told.len(),
            queries.len(),
            told.join("\n")
        );
        open = faults.into_iter().map(|(query, _)| query).collect();
        sleep(Duration::from_millis(250));
    }
    no_two_lines_have_one_name(&pages, &stack);
    alerts_of_skyserve_choose_their_service(&stack);
}

/// Where they are about one.
fn alerts_of_skyserve_choose_their_service(stack: &Stack) {
    let firing = stack.prometheus("/api/v1/alerts");
    let link = |alert: &str, service: &Value| {
        let firing = list(&firing["alerts"]).iter();
        let mut found = firing.filter(|one| one["labels"]["alertname"] == alert);
        let found = found.find(|one| one["labels"]["service"] == *service);
        text(&found.unwrap_or_else(|| panic!("{alert} does not fire"))["annotations"]["dashboard_url"])
            .to_owned()
    };
    let page = "http://127.0.0.1:3000/d/skymon-skyserve";
    let of_service = link("SkyServeCleanupFailed", &json!("rank-vllm"));
    assert_eq!(of_service, format!("{page}?var-skyserve=rank-vllm"));
    assert_eq!(link("CloudSpendHigh", &Value::Null), page);
}

/// Those with metrics, and the first port of theirs.
fn engines() -> impl Iterator<Item = (&'static Engine, u16)> {
    let engines = Engines::built_in().iter().filter(|engine| engine.metrics_path.is_some());
    engines.map(|engine| &**engine).zip((18000..).step_by(10))
}

/// A service for each engine, and two of some, so that pages must choose; alerts of each severity that fire at once for
/// each of them, as its endpoint fails and one replica is not there. Nobody plays Grafana here, so that `MonitoringDown` is
/// right.
fn config() -> String {
    let mut services = String::new();
    for (engine, port) in engines() {
        let counts = |word: &str| engine.vocabulary.contains_key(word);
        let both = ["custom", "vllm"].contains(&engine.name.as_str());
        let services_of_it = [("chat", port, "2s"), ("rank", port + 5, "3s")];
        for (name, port, threshold) in services_of_it.into_iter().take(if both { 2 } else { 1 }) {
            let (other, missing) = (port + 1, port + 2);
            services.push_str(&format!(
                "  {name}-{}:
    engine: {0}
    endpoint: https://{IP}:8443
    probe: {{interval: 1s}}
    replicas: ['{IP}:{port}', '{IP}:{other}', '{IP}:{missing}']
",
                engine.name
            ));
            // So strict that a few seconds of errors are enough for every alert.
            if name == "rank" && counts("requests") && counts("errors") {
                services.push_str("    slo: {availability: 99.999}\n");
            }
            if counts("running") {
                services.push_str("    capacity: {max_concurrency: 8}\n");
            }
            if engine.vocabulary.get("latency_seconds").is_some_and(|source| source.per.is_none()) {
                services.push_str(&format!("    alerts: {{HighLatency: {{threshold: {threshold}}}}}\n"));
            }
            if engine.auth.is_some() {
                services.push_str("    auth: {bearer_token_file: secrets/key}\n");
            }
        }
    }
    format!(
        "version: 1
name: pages
services:
{services}alerts:
  EndpointDown: {{for: 0s}}
  ReplicaDown: {{for: 0s}}
  SLOBurnFast: {{min_requests: 0}}
  MonitoringDown: {{for: 0s}}
  SkyServeCleanupFailed: {{for: 0s, severity: critical}}
  CloudSpendHigh: {{for: 0s}}
  HostDiskFull: {{threshold: 50%, for: 0s}}
  HostClockSkew: {{for: 0s}}
  GpuHot: {{threshold: 10, for: 0s}}
hosts: ['{IP}:9100']
gpus: ['{IP}:9400']
local: {{containers: true}}
skyserve: {{api_server: 'http://host.docker.internal:46580'}}
cost: {{hourly: {{aws: 1.5, aws/spot: 0.5, gcp: 1}}, max_hourly: 0.1, max_cloud_replicas: 100}}
receivers: {{team: {{webhook: {{url_file: secrets/hook}}}}}}
routes: {{critical: team, warning: team}}
heartbeat: {{url_file: secrets/hook}}
prometheus: {{scrape_interval: 1s, retention: {{size: 1GB}}}}
"
    )
}

/// What is compared with other days is compared with a few seconds ago: nobody waits a week here.
fn within_seconds(project: &Project) {
    for file in files_below(&project.path("monitoring/prometheus/rules")) {
        let path = format!("monitoring/prometheus/rules/{}", file.display());
        project.write(
            &path,
            &project.read(&path).replace("offset 7d", "offset 5s").replace("offset 1d", "offset 5s"),
        );
    }
}

/// SkyServe runs two of the services, one in the middle of an update, with replicas in every state and on every cloud. Now
/// and then it refuses to answer, so that there is a reason to show.
fn on_skyserve(project: &Project) -> ApiServer {
    let api_server = ApiServer::start_at(addr(46580), None);
    let services = ["chat-vllm", "rank-vllm"].map(|name| {
        let mut service = captured().remove(0);
        service["name"] = json!(name);
        service["active_versions"] = json!([1, 2]);
        service["replica_info"][0]["version"] = json!(2);
        service
    });
    api_server.set(services.into());
    let start = Instant::now();
    api_server.rule(move |_| (start.elapsed().as_secs() % 6 == 5).then(|| Reply::text(401, "who are you?")));
    let path = "monitoring/docker-compose.yml";
    let often = project.read(path).replace("POLL_INTERVAL_SECONDS: \"60\"", "POLL_INTERVAL_SECONDS: \"0.2\"");
    project.write(path, &often);
    api_server
}

/// The machine that all replicas are on, as exporters show it.
fn machines() -> Vec<Server> {
    let start = Instant::now();
    let exporters = [("node", 9100), ("dcgm", 9400), ("cadvisor", 8080)];
    exporters
        .map(|(exporter, port)| {
            let shown = fixture(&format!("machines/{exporter}.made.prom"));
            Server::start(addr(port), move |_| {
                Reply::metrics(200, grown(&shown, 1.0 + start.elapsed().as_secs_f64()))
            })
        })
        .into()
}

/// What looks back over days is recorded every other minute, for which nobody waits here.
fn budgets_often(project: &Project) {
    for file in files_below(&project.path("monitoring/prometheus/rules")) {
        let path = format!("monitoring/prometheus/rules/{}", file.display());
        project.write(&path, &project.read(&path).replace("interval: \"2m\"", "interval: \"1s\""));
    }
}

fn addr(port: u16) -> SocketAddr {
    SocketAddr::new(IP.parse().expect("an address"), port)
}

/// The endpoint's certificate is of the test's own authority, which the config has no key for.
fn trust(project: &Project, authority: &Authority) {
    authority.write(&project.path("monitoring/blackbox/authority.pem"));
    let path = "monitoring/blackbox/blackbox.yml";
    let module = project.read(path);
    let trusting = module.replace(
        "    http:\n",
        "    http:\n      tls_config: {ca_file: /etc/blackbox_exporter/authority.pem}\n",
    );
    assert_ne!(module, trusting, "{module}");
    project.write(path, &trusting);
}

/// The replicas of all services. `custom` is played, so that it can be asked for more than metrics; the others show what a
/// server of theirs shows, at work.
struct Replicas {
    _played: Vec<Replica>,
    _shown: Vec<Server>,
}

impl Replicas {
    fn start() -> Self {
        let start = Instant::now();
        let (mut played, mut shown) = (Vec::new(), Vec::new());
        for (engine, port) in engines() {
            for port in [port, port + 1, port + 5, port + 6] {
                if engine.name != "custom" {
                    shown.push(expositions::newest(&engine.name).serve(addr(port), start));
                    continue;
                }
                let replica = Replica::start(addr(port));
                replica.load(|load| {
                    (load.requests_per_second, load.error_share) = (20.0, 0.25);
                    (load.tokens_per_second, load.active_requests) = (100.0, 3.0);
                });
                played.push(replica);
            }
        }
        Self { _played: played, _shown: shown }
    }
}

/// The same server after so many times as much work: counters and histograms have grown, gauges are as they were.
fn grown(exposition: &str, times: f64) -> String {
    let mut grows = false;
    let lines = exposition.lines().map(|line| {
        if let Some(kind) = line.strip_prefix("# TYPE ").and_then(|line| line.split_whitespace().nth(1)) {
            grows = ["counter", "histogram"].contains(&kind);
        }
        match line.rsplit_once(' ') {
            Some((series, value)) if grows && !line.starts_with('#') => {
                let value: f64 = value.parse().unwrap_or_else(|error| panic!("{line}: {error}"));
                format!("{series} {}\n", value * times)
            }
            _ => format!("{line}\n"),
        }
    });
    lines.collect()
}

/// A query as Grafana sends it: its variables replaced.
struct Query {
    place: String,
    expr: String,
    kind: Kind,
    /// The labels that the name of a line is made of.
    named_by: Vec<String>,
}

enum Kind {
    Instant,
    Range,
    /// Its values are times, in milliseconds.
    Times,
    /// Asks which values this label has.
    Label(String),
}

/// The queries of a page, once for each service that may be chosen there.
fn queries(page: &Page) -> Vec<Query> {
    let services: Vec<&str> = page
        .variables()
        .iter()
        .filter(|variable| variable["name"] == "service")
        .flat_map(|variable| list(&variable["options"]))
        .map(|option| text(&option["value"]))
        .collect();
    let mut queries = Vec::new();
    for service in if services.is_empty() { vec![""] } else { services } {
        let query = |what: &str, expr: &Value, kind: Kind, legend: &str| Query {
            place: format!("{} {service}: {what}", page.file),
            expr: filled_in(text(expr), service),
            kind,
            named_by: labels_of(legend),
        };
        for panel in page.panels() {
            for target in list(&panel["targets"]) {
                assert_ne!(target["instant"], target["range"], "{}", page.place(panel));
                let kind = if target["instant"] == true { Kind::Instant } else { Kind::Range };
                let what = format!("`{}` {}", text(&panel["title"]), text(&target["refId"]));
                queries.push(query(&what, &target["expr"], kind, text(&target["legendFormat"])));
            }
        }
        for annotation in page.annotations() {
            let kind = if annotation["useValueForTime"] == true { Kind::Times } else { Kind::Range };
            queries.push(query(text(&annotation["name"]), &annotation["target"]["expr"], kind, ""));
        }
        for variable in page.variables().iter().filter(|variable| variable["type"] == "query") {
            let asked = text(&variable["query"]["query"]);
            let inside = asked.strip_prefix("label_values(").and_then(|rest| rest.strip_suffix(')'));
            let (selector, label) = inside.and_then(|rest| rest.rsplit_once(", ")).expect("of that form");
            let kind = Kind::Label(label.to_owned());
            queries.push(query(text(&variable["name"]), &Value::from(selector), kind, ""));
        }
    }
    queries
}

/// `$__rate_interval` is at least four scrapes of a second each; "All" stands for the variable's `allValue`.
fn filled_in(expr: &str, service: &str) -> String {
    let variables = [
        ("$__rate_interval", "4s"),
        ("$service", service),
        ("$replica", ".*"),
        ("$skyserve", ".*"),
        ("$host", ".*"),
        ("$gpu", ".*"),
    ];
    let filled = variables.iter().fold(expr.to_owned(), |expr, (name, value)| expr.replace(name, value));
    let left =
        filled.split('$').skip(1).find(|rest| rest.starts_with(|c: char| c.is_alphabetic() || c == '{'));
    assert!(left.is_none(), "an unknown variable: {filled}");
    filled
}

fn labels_of(legend: &str) -> Vec<String> {
    let holes = legend.split("{{").skip(1).filter_map(|rest| rest.split_once("}}"));
    holes.map(|(label, _)| label.trim().to_owned()).collect()
}

impl Query {
    fn ask(&self, stack: &Stack) -> Result<(), String> {
        let series = match self.kind {
            Kind::Instant | Kind::Label(_) => {
                stack.query(&self.expr).into_iter().map(|(labels, value)| (labels, vec![value])).collect()
            }
            Kind::Range | Kind::Times => range(stack, &self.expr),
        };
        let filled = series.iter().any(|(_, values)| values.iter().any(|value| !value.is_nan()));
        if !filled {
            return Err("finds nothing".to_owned());
        }
        let needed = match &self.kind {
            Kind::Label(label) => vec![label.clone()],
            _ => self.named_by.clone(),
        };
        for label in &needed {
            if series.iter().any(|(labels, _)| labels.get(label).is_none_or(String::is_empty)) {
                return Err(format!("a series without `{label}`, which is its name"));
            }
        }
        let years = 10.0 * 365.0 * 24.0 * 3600.0 * 1000.0;
        let is_time = |value: &f64| (now().as_secs_f64() * 1000.0 - value).abs() < years;
        if matches!(self.kind, Kind::Times) && !series.iter().flat_map(|(_, values)| values).all(is_time) {
            return Err("not a time in milliseconds".to_owned());
        }
        Ok(())
    }
}

fn now() -> Duration {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970")
}

/// The series of the last minutes, as a graph asks for them.
fn range(stack: &Stack, expr: &str) -> Vec<(BTreeMap<String, String>, Vec<f64>)> {
    let now = now().as_secs();
    let query = http::encode(expr);
    let data =
        stack.prometheus(&format!("/api/v1/query_range?query={query}&start={}&end={now}&step=1", now - 180));
    assert_eq!(data["resultType"], "matrix", "{expr}");
    list(&data["result"])
        .iter()
        .map(|series| {
            let labels = series["metric"].as_object().into_iter().flatten();
            let values = list(&series["values"]).iter().filter_map(|sample| text(&sample[1]).parse().ok());
            (labels.map(|(name, value)| (name.clone(), text(value).to_owned())).collect(), values.collect())
        })
        .collect()
}

/// Of two lines with one name a reader cannot tell which is which.
fn no_two_lines_have_one_name(pages: &[Page], stack: &Stack) {
    let mut twice = Vec::new();
    for page in pages {
        let service = page.variables().iter().find(|variable| variable["name"] == "service");
        let service = service.map_or("", |variable| text(&variable["current"]["value"]));
        for panel in page.panels() {
            let mut names = BTreeSet::new();
            for target in list(&panel["targets"]).iter().filter(|target| target["range"] == true) {
                let legend = text(&target["legendFormat"]);
                for (labels, _) in range(stack, &filled_in(text(&target["expr"]), service)) {
                    let name = labels_of(legend).iter().fold(legend.to_owned(), |name, label| {
                        name.replace(&format!("{{{{{label}}}}}"), &labels[label])
                    });
                    if !names.insert(name.clone()) {
                        twice.push(format!("{}: two lines `{name}`", page.place(panel)));
                    }
                }
            }
        }
    }
    assert!(twice.is_empty(), "{}", twice.join("\n"));
}
