//! The catalogue of metrics against the programs themselves: whatever a real one shows is listed, with its type and labels. And
//! what is known of a stack's metrics as its user meets it: by version, by job, with engine files of one's own.

mod support;

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use skymon::catalog::engines::Engines;
use skymon::catalog::metrics::{Catalogue, Kind};
use skymon::exposition::{self, Exposition};
use support::project::Project;
use support::stack::Stack;
use support::tools::{self, Running};
use support::{http, wait_until};

/// Whose page it is. Beside its own names an engine may show those of whatever it is built on.
#[derive(Clone, Copy, PartialEq)]
enum Of {
    Program,
    Engine,
}

/// What is shown and is not listed so, in words.
fn differences(catalogue: &Catalogue, page: &str, of: Of) -> Vec<String> {
    let page = Exposition::parse(page);
    assert!(page.faults.is_empty(), "{:?}", page.faults);
    let mut found = Vec::new();
    for (name, shown) in &page.metrics {
        let series = match shown.kind {
            exposition::Kind::Histogram | exposition::Kind::Summary => format!("{name}_count"),
            _ => name.clone(),
        };
        let known = catalogue.known(&series);
        let is_somebodys = catalogue.owners(name).next().is_some();
        if known.is_empty() && (is_somebodys || of == Of::Program) {
            found.push(format!("{name} is not listed"));
        }
        let fits = |kind: Kind| match shown.kind {
            exposition::Kind::Counter => kind == Kind::Counter,
            exposition::Kind::Gauge => matches!(kind, Kind::Gauge | Kind::Info),
            exposition::Kind::Histogram => kind == Kind::Histogram,
            exposition::Kind::Summary => kind == Kind::Summary,
            exposition::Kind::Unknown => true,
        };
        if !known.is_empty()
            && !known.iter().any(|one| one.metric.kind == Kind::Unknown || fits(one.metric.kind))
        {
            found.push(format!("{name} is a {:?}, not a {:?}", shown.kind, known[0].metric.kind));
        }
        let has_all = |labels: &Option<Vec<String>>| {
            labels.as_ref().is_none_or(|labels| shown.labels.iter().all(|label| labels.contains(label)))
        };
        if !known.is_empty() && !known.iter().any(|one| has_all(&one.metric.labels)) {
            found.push(format!("{name} has the labels {:?}, not {:?}", shown.labels, known[0].metric.labels));
        }
    }
    found
}

/// The page of a program that is started for it.
fn page(command: &mut Command, url: &str) -> String {
    let _running = Running::start(command);
    wait_until(&format!("{url} answers"), Duration::from_secs(20), || {
        http::get(url).ok().filter(|(status, _)| *status == 200).map(|(_, page)| page)
    })
}

#[test]
fn whatever_the_real_programs_show_is_listed_with_its_type_and_labels() {
    let catalogue = Catalogue::new(Engines::built_in());
    let mut pages: Vec<(String, String)> = Vec::new();
    let ip = "127.97.1.1";
    let project = Project::new(
        "version: 1\nname: m\nservices: {chat: {engine: custom, replicas: ['127.97.1.1:8000'], endpoint: 'http://127.97.1.1:8000'}}\n\
         receivers: {team: {webhook: {url_file: secrets/hook}}}\nroutes: {critical: team, warning: team}\n",
    );
    project.write("secrets/hook", "http://127.97.1.1:9/");
    project.render();
    let _stack = Stack::start(&project.path("monitoring"), ip);
    // One scrape of itself, so that what counts scrapes is there.
    wait_until("Prometheus has scraped", Duration::from_secs(60), || {
        let (_, page) = http::get(&format!("http://{ip}:9090/metrics")).ok()?;
        page.contains("prometheus_target_interval_length_seconds_count").then_some(())
    });
    let blackbox: serde_yaml::Value =
        serde_yaml::from_str(&project.read("monitoring/blackbox/blackbox.yml")).expect("is YAML");
    let modules = blackbox["modules"].as_mapping().expect("there are modules");
    let module = modules.keys().next().and_then(|name| name.as_str()).expect("has a name");
    let probe = format!("probe?module={module}&target=http://{ip}:9093/-/healthy");
    for path in ["9090/metrics", "9093/metrics", "9115/metrics", &format!("9115/{probe}")] {
        let (status, page) = http::get(&format!("http://{ip}:{path}")).expect("answers");
        assert_eq!(status, 200, "{path}: {page}");
        pages.push((path.to_owned(), page));
    }
    let node = tools::tool("node_exporter");
    for (port, flags) in [("9100", &[][..]), ("9101", MORE_COLLECTORS)] {
        let address = format!("{ip}:{port}");
        let mut command = Command::new(&node);
        command.arg(format!("--web.listen-address={address}")).args(flags);
        pages.push((format!("node {port}"), page(&mut command, &format!("http://{address}/metrics"))));
    }
    let mut caddy = Command::new(tools::tool("caddy"));
    project.write(
        "Caddyfile",
        &format!(
            "{{\n\tadmin off\n\tmetrics\n\tauto_https off\n}}\nhttp://{ip}:2080 {{\n\tmetrics /metrics\n}}\n"
        ),
    );
    caddy.args(["run", "--adapter", "caddyfile", "--config"]).arg(project.path("Caddyfile"));
    caddy.env("HOME", project.path("."));
    pages.push(("caddy".to_owned(), page(&mut caddy, &format!("http://{ip}:2080/metrics"))));
    for (program, page) in &pages {
        assert_eq!(differences(&catalogue, page, Of::Program), Vec::<String>::new(), "{program}");
        assert!(page.matches("# TYPE").count() > 9, "{program} shows next to nothing: {page}");
    }
}

/// Those that are off by default and need nothing that a machine may lack. Not those whose names
/// come from the machine's drivers and kernel.
const MORE_COLLECTORS: &[&str] = &[
    "--collector.buddyinfo",
    "--collector.cgroups",
    "--collector.cpu.info",
    "--collector.interrupts",
    "--collector.ksmd",
    "--collector.logind",
    "--collector.network_route",
    "--collector.processes",
    "--collector.slabinfo",
    "--collector.softirqs",
    "--collector.tcpstat",
    "--collector.zoneinfo",
];

#[test]
fn whatever_the_engines_and_exporters_were_seen_to_show_is_listed() {
    let catalogue = Catalogue::new(Engines::built_in());
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let mut pages = 0;
    for folder in ["engines", "machines"] {
        for entry in fs::read_dir(fixtures.join(folder)).expect("reads the folder") {
            let path = entry.expect("reads the entry").path();
            let name = path.file_name().expect("has a name").to_string_lossy().into_owned();
            // Names with `_` in place of `:` are nobody's own.
            if !name.ends_with(".prom") || name.contains("underscores") {
                continue;
            }
            let page = fs::read_to_string(&path).expect("reads the page");
            assert_eq!(differences(&catalogue, &page, Of::Engine), Vec::<String>::new(), "{name}");
            pages += 1;
        }
    }
    assert!(pages > 10);
}

#[test]
fn the_values_that_are_listed_of_the_exporters_labels_are_those_that_it_writes() {
    let source = include_str!("../templates/exporter/skyserve_exporter.py");
    let tuple = |name: &str| -> Vec<String> {
        let (_, after) = source.split_once(&format!("\n{name} = ")).expect("is there");
        let inside = after.split([')', '}']).next().expect("ends");
        let words = inside.split('"').skip(1).step_by(2);
        // Of a map the keys.
        let is_key = |word: &str| !word.contains(' ');
        words.filter(|word| is_key(word)).map(str::to_owned).collect()
    };
    let catalogue = Catalogue::new(Engines::built_in());
    for (name, label, written) in [
        ("skyserve_replicas", "status", "REPLICA_STATUSES"),
        ("skyserve_replicas_by_placement", "status", "REPLICA_STATUSES"),
        ("skyserve_service_status", "status", "SERVICE_STATUSES"),
        ("skyserve_replica_terminations_total", "reason", "TERMINATIONS"),
        ("skyserve_poll_errors_total", "reason", "REASONS"),
        ("skyserve_last_poll_failed", "reason", "REASONS"),
    ] {
        let known = catalogue.known(name);
        let values = known[0].metric.values.iter().find(|(one, _)| one == label).expect("is listed");
        assert_eq!(values.1, tuple(written), "{name}");
    }
}

/// What `validate` says of a folder with these rules.
fn said_of(project: &Project, exprs: &[&str]) -> String {
    let rules: Vec<String> = exprs
        .iter()
        .enumerate()
        .map(|(at, expr)| format!("      - {{record: 'a{at}', expr: '{expr}'}}\n"))
        .collect();
    project.write("stack/rules.yml", &format!("groups:\n  - name: x\n    rules:\n{}", rules.concat()));
    project.skymon(&["validate", "stack"]).stdout
}

#[test]
fn what_an_engine_file_beside_a_foreign_stack_says_is_known() {
    let project = Project::empty();
    let asked = ["rate(vllm:our_sheds_total[5m])", "rate(vllm:our_queue_depth[5m])"];
    let said = said_of(&project, &asked);
    assert!(said.contains("`vllm:our_sheds_total` does not exist in any version of vLLM"), "{said}");
    project.write(
        "page.prom",
        "# TYPE vllm:our_sheds_total counter\nvllm:our_sheds_total{route=\"/v1\"} 3\n# TYPE vllm:our_queue_depth gauge\nvllm:our_queue_depth 3\n",
    );
    fs::create_dir(project.path("stack/engines")).expect("makes the folder");
    project.skymon(&["metrics", "import", "page.prom", "-o", "stack/engines/fork.yml"]).expect_success();
    let said = said_of(&project, &asked);
    assert!(!said.contains("unknown-metric"), "{said}");
    assert!(said.contains("warning[rate-of-gauge]: `rate` of `vllm:our_queue_depth`"), "{said}");
    project.write("stack/engines/fork.yml", "title: x\nmetrics: {}\nvocabulary: {nothing: 1}\n");
    let said = said_of(&project, &asked);
    assert!(said.contains("unknown-metric") && said.contains("stack/engines/fork.yml"), "{said}");
    assert!(!said.contains("error["), "what is wrong with the file is a note: {said}");
}

#[test]
fn the_version_of_the_config_decides_which_names_the_users_own_rules_may_ask_for() {
    let config = |version: &str| {
        format!(
            "version: 1\nname: m\nservices: {{chat: {{engine: vllm, {version}replicas: ['10.0.1.1:8000']}}}}\nextra: {{rules: rules}}\n\
             receivers: {{team: {{webhook: {{url_file: secrets/hook}}}}}}\nroutes: {{critical: team, warning: team}}\n"
        )
    };
    let said = |version: &str| {
        let project = Project::new(&config(version));
        project.write("secrets/hook", "https://hooks.example.com/x");
        let rules = "groups:\n  - name: own\n    rules:\n      - {record: a, expr: 'vllm:gpu_cache_usage_perc{job=\"chat\"}'}\n";
        project.write("rules/own.yml", rules);
        project.skymon(&["validate"]).stdout
    };
    let new = said("engine_version: '0.12', ");
    assert!(
        new.contains("error[metric-gone]: vLLM 0.12 has no `vllm:gpu_cache_usage_perc` any more"),
        "{new}"
    );
    assert!(new.contains("help: write `vllm:kv_cache_usage_perc`"), "{new}");
    let old = said("engine_version: '0.8.5', ");
    assert!(!old.contains("metric-gone"), "{old}");
    let unknown = said("");
    assert!(
        unknown.contains("note[metric-gone]: vLLM has no `vllm:gpu_cache_usage_perc` any more since 0.12"),
        "{unknown}"
    );
}

/// A stack whose Prometheus scrapes vLLM 0.12 and itself, and something that nobody knows.
fn two_jobs(project: &Project) {
    project.write(
        "stack/compose.yaml",
        "services:\n  prometheus: {image: 'prom/prometheus:v3.5.3', volumes: ['.:/etc/prometheus']}\n  llm: {image: 'vllm/vllm-openai:v0.12.0'}\n",
    );
    project.write(
        "stack/prometheus.yml",
        "rule_files: [rules.yml]\nscrape_configs:\n  - {job_name: llm, static_configs: [{targets: ['llm:8000']}]}\n  - {job_name: prometheus, static_configs: [{targets: ['localhost:9090']}]}\n  - {job_name: app, static_configs: [{targets: ['10.0.0.1:80']}]}\n",
    );
}

#[test]
fn a_job_that_is_named_is_asked_for_what_its_targets_expose() {
    let project = Project::empty();
    two_jobs(&project);
    let said = said_of(&project, &["prometheus_tsdb_head_series{job=\"llm\"}"]);
    assert!(said.contains("no target of `llm` exposes `prometheus_tsdb_head_series`"), "{said}");
    for fine in [
        "prometheus_tsdb_head_series{job=\"prometheus\"}",
        // Of the application nobody knows anything, and a job that is not there is another check's.
        "prometheus_tsdb_head_series{job=\"app\"}",
        "prometheus_tsdb_head_series{job=~\"llm|app\"}",
        "prometheus_tsdb_head_series{job=\"nobody\"}",
        "up{job=\"llm\"}",
        "process_resident_memory_bytes{job=\"llm\"}",
        "our_own_metric{job=\"app\"}",
        // Any of many names.
        "{__name__=~\"vllm:.*\"} > 3",
        "avg({__name__=~\"prometheus_.+_total\"})",
        "vllm:kv_cache_usage_perc or vllm:gpu_cache_usage_perc",
    ] {
        let said = said_of(&project, &[fine]);
        assert!(!said.contains("unknown-metric") && !said.contains("metric-gone"), "{fine}: {said}");
    }
    let said = said_of(&project, &["vllm:gpu_cache_usage_perc"]);
    assert!(said.contains("error[metric-gone]: vLLM 0.12 has no"), "{said}");
}

#[test]
fn a_job_is_asked_by_the_label_that_its_series_have() {
    let project = Project::empty();
    two_jobs(&project);
    let config = project.read("stack/prometheus.yml");
    let said = |scraped: &str| {
        project.write("stack/prometheus.yml", &config.replace("{targets: ['localhost:9090']}", scraped));
        said_of(&project, &["prometheus_tsdb_head_series{job=\"llm\"}"])
    };
    let own = "{targets: ['localhost:9090']";
    assert!(said(&format!("{own}}}")).contains("no target of `llm` exposes"));
    assert!(said(&format!("{own}, labels: {{job: other}}}}")).contains("no target of `llm` exposes"));
    for fine in [
        format!("{own}, labels: {{job: llm}}}}"),
        format!("{own}}}], relabel_configs: [{{target_label: job, replacement: llm}}"),
        format!("{own}}}], metric_relabel_configs: [{{target_label: job, replacement: llm}}"),
        // Who knows what it is then?
        format!("{own}}}], relabel_configs: [{{source_labels: [a, b], target_label: job}}"),
        format!("{own}, labels: {{job: $JOB}}}}"),
    ] {
        let said = said(&fine);
        assert!(!said.contains("unknown-metric"), "{fine}: {said}");
    }
}

#[test]
fn what_a_client_library_adds_to_a_metric_is_there_too() {
    let project = Project::empty();
    two_jobs(&project);
    for (expr, is_there) in [
        // A native histogram, and one of Python, which has none.
        ("histogram_quantile(0.99, rate(prometheus_http_request_duration_seconds[5m]))", true),
        ("histogram_quantile(0.99, rate(prometheus_http_requests_duration_second[5m]))", false),
        ("histogram_quantile(0.99, rate(vllm:e2e_request_latency_seconds[5m]))", false),
        // When each was made.
        ("time() - vllm:request_success_created", true),
        ("vllm:e2e_request_latency_seconds_created", true),
        ("vllm:num_requests_running_created", false),
        ("vllm:sheds_created", false),
    ] {
        let said = said_of(&project, &[expr]);
        assert_eq!(!said.contains("unknown-metric"), is_there, "{expr}: {said}");
    }
}

#[test]
fn a_name_that_only_a_rule_could_record_must_be_recorded() {
    let project = Project::empty();
    two_jobs(&project);
    let said = said_of(&project, &["up", "job:errors:rate5m"]);
    assert!(said.contains("error[unknown-metric]: no rule records `job:errors:rate5m`"), "{said}");
    // It may come from a Prometheus that is asked for its recordings.
    let config = project.read("stack/prometheus.yml");
    project.write(
        "stack/prometheus.yml",
        &format!("{config}  - {{job_name: other, metrics_path: /federate}}\n"),
    );
    let said = said_of(&project, &["up", "job:errors:rate5m"]);
    assert!(!said.contains("unknown-metric"), "{said}");
}

#[test]
fn a_variable_and_a_panel_of_a_dashboard_are_read_as_grafana_fills_them() {
    let project = Project::empty();
    let dashboard = r#"{"uid": "a", "title": "A", "templating": {"list": [
        {"name": "model", "type": "query", "datasource": {"type": "prometheus", "uid": "p"}, "query": {"query": "label_values(vllm:num_request_running, model_name)"}}
      ]}, "panels": [
        {"title": "half a name", "datasource": {"type": "prometheus", "uid": "p"}, "targets": [{"expr": "rate(node_network_${direction}_bytes_total[$__rate_interval])"}]},
        {"title": "logs", "datasource": {"type": "loki", "uid": "l"}, "targets": [{"expr": "vllm:nothing"}]},
        {"title": "counter", "datasource": {"type": "prometheus", "uid": "p"}, "targets": [{"expr": "rate(vllm:prompt_tokens{model_name=\"$model\"}[5m])"}]}
      ]}"#;
    project.write("stack/a.json", dashboard);
    let said = project.skymon(&["validate", "stack"]).stdout;
    let found: Vec<&str> = said.lines().filter(|line| line.contains("[unknown-metric]")).collect();
    let expected = [
        "warning[unknown-metric]: `vllm:num_request_running` does not exist: vLLM has no metric of that name",
        "warning[unknown-metric]: `vllm:prompt_tokens` does not exist: vLLM has no metric of that name",
    ];
    assert_eq!(found, expected, "{said}");
}
