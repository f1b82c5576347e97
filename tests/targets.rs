//! The labels of what is scraped: those that a job is said to give are those that a real Prometheus gives, a query that asks
//! for others is found, and where series may come from elsewhere nothing is said.

mod support;

use std::collections::BTreeMap;
use std::process::Command;
use std::time::Duration;

use skymon::diagnostics::{Diagnostic, Severity};
use skymon::stack::Stack;
use support::api::Api;
use support::http::{Reply, Server};
use support::memory;
use support::project::Project;
use support::tools::{self, Running};

/// Of a test of its own, so that no two meet.
const IP: &str = "127.93.7.1";

const COMPOSE: &str = "services:
  prometheus: {image: 'prom/prometheus:v3.5.3', volumes: ['./p:/etc/prometheus']}
  alertmanager: {image: 'prom/alertmanager:v0.28.1'}
  grafana: {image: 'grafana/grafana:12.0.2', volumes: ['./g:/etc/grafana/provisioning', './d:/d']}
";

const CONFIG: &str = "rule_files: [rules.yml]
scrape_configs:
  - job_name: programs
    static_configs: [{targets: ['localhost:9090'], labels: {program: prometheus}}, {targets: ['alertmanager:9093'], labels: {program: alertmanager}}]
  - job_name: chat
    static_configs: [{targets: ['10.0.0.1:8000', '10.0.0.2:8000']}]
    relabel_configs:
      - {source_labels: [__address__], target_label: replica}
      - {target_label: service, replacement: chat}
";

const IDS: [&str; 8] = [
    "expression-broken",
    "label-misspelt",
    "label-not-there",
    "relabeling-misspelt",
    "sides-never-match",
    "unknown-metric",
    "variable-misspelt",
    "variable-never-found",
];

/// What is found of labels and names in these files.
fn ids(files: &[(&str, &str)]) -> Vec<&'static str> {
    let mut ids = memory::found(files, |_, one| one.id);
    ids.retain(|id| IDS.contains(id));
    ids.dedup();
    ids
}

/// The same of one alert.
fn of_alert(compose: &str, config: &str, expr: &str) -> Vec<&'static str> {
    let rules = format!(
        "groups:\n- name: a\n  rules:\n  - alert: A\n    expr: |\n      {expr}\n    labels: {{severity: critical}}\n"
    );
    ids(&[("docker-compose.yml", compose), ("p/prometheus.yml", config), ("p/rules.yml", &rules)])
}

/// The same of a panel, of a variable `service` with this value, and of the alert `ChatDown` beside it.
fn of_panel(value: &str, expr: &str) -> Vec<&'static str> {
    let rules = "groups:\n- name: a\n  rules:\n  - {record: 'service:up:sum', expr: 'sum by (service) (up{service=\"chat\"})'}\n  - {alert: ChatDown, expr: 'service:up:sum == 0', labels: {severity: critical}}\n";
    let expr = expr.replace('"', "\\\"");
    let dashboard = format!(
        "{{\"uid\": \"x\", \"title\": \"x\", \"schemaVersion\": 39, \"templating\": {{\"list\": [{{\"name\": \"service\", \"type\": \"custom\", \"query\": \"{value}\"}}]}}, \"panels\": [{{\"type\": \"stat\", \"title\": \"P\", \"datasource\": {{\"type\": \"prometheus\", \"uid\": \"p\"}}, \"targets\": [{{\"expr\": \"{expr}\"}}]}}]}}"
    );
    ids(&[
        ("docker-compose.yml", COMPOSE),
        ("p/prometheus.yml", CONFIG),
        ("p/rules.yml", rules),
        ("g/dashboards/a.yml", "apiVersion: 1\nproviders: [{name: a, options: {path: /d}}]\n"),
        (
            "g/datasources/a.yml",
            "apiVersion: 1\ndatasources: [{name: P, uid: p, type: prometheus, url: 'http://prometheus:9090', isDefault: true}]\n",
        ),
        ("d/x.json", &dashboard),
    ])
}

#[test]
fn what_no_series_has_is_found_and_what_some_series_has_is_not() {
    for (expr, id) in [
        ("up{service='batch'} == 0", "label-not-there"),
        ("up{region='eu'} == 0", "label-not-there"),
        // Each is there, and never both.
        ("up{service='chat', program='prometheus'} == 0", "label-not-there"),
        ("up{serice='chat'} == 0", "label-misspelt"),
        ("up{service='cht'} == 0", "label-misspelt"),
        ("up{service=~'chat|chta'} == 0", "label-misspelt"),
        ("up{program!='prometeus'} == 0", "label-misspelt"),
        ("sum by (repica) (up) == 0", "label-misspelt"),
        ("sum by (service, replica) (up) > on (service, repica) up", "label-misspelt"),
        ("scrape_samples_scraped{program='grafana'} == 0", "label-not-there"),
        // What it exposes is known, and with which labels.
        ("sum by (integation) (rate(alertmanager_notifications_failed_total[5m])) > 0", "label-misspelt"),
        ("vllm:num_requests_running{serice='chat'} > 9", "label-misspelt"),
        ("vllm:num_requests_running{service='batch'} > 9", "label-not-there"),
        ("my_own_metric_total{modle_name='a', serivce='chat'} > 9", "label-misspelt"),
        ("ALERTS{alertname='B', alertstate='firing'} == 1", "label-not-there"),
        ("ALERTS{alertname='A', alertstate='firng'} == 1", "label-misspelt"),
        ("up{program='prometheus'} == on (program) up{program='alertmanager'}", "sides-never-match"),
        ("u{service='chat'} == 0", "unknown-metric"),
        ("inference_requests_toal > 9", "unknown-metric"),
        ("alertmanager_notifications_failed_toal > 9 or alertmanager_alerts > 9", "unknown-metric"),
    ] {
        assert_eq!(of_alert(COMPOSE, CONFIG, expr), [id], "{expr}");
    }
    for expr in [
        "up{service='chat'} == 0",
        "up{service=~'chat|batch|code'} == 0",
        "up{service!='batch'} == 0",
        // Who knows what runs behind an address?
        "prometheus_config_last_reload_successful{service='chat'} == 0",
        "up{replica=''} == 0",
        "up{replica=~'10[.]0[.].*'} == 0",
        // Grouped by a label that this stack does not have, as rules for everybody do.
        "sum by (cluster, service) (up) == 0",
        "sum without (pod) (up) == 0",
        "my_own_metric_total{service='chat', color='blue'} > 9",
        "my_own_metric_total{replicas='3'} > 9",
        "my_own_metric_total{program='prometheus', service='batch'} > 9",
        "my_requests_toal > 9",
        "http_request_total > 9",
        "vllm:num_requests_running{service='chat', model_name='a'} > 9",
        "alertmanager_notifications_failed_total{integration='slack', program='alertmanager'} > 9",
        "prometheus_http_requests_total{code='500'} > 9",
        "prometheus_http_request_duration_seconds_bucket{le='0.1'} > 9",
        "label_replace(up, 'serice', 'x', '', '') and on (serice) up",
        "ALERTS{alertname='A', service='anything'} == 1",
        "{__name__=~'up|x', service='batch'} == 0",
    ] {
        let found = of_alert(COMPOSE, CONFIG, expr);
        let expected: &[&str] = if expr.contains("'serice'") { &["sides-never-match"] } else { &[] };
        assert_eq!(found, expected, "{expr}");
    }
}

#[test]
fn where_series_may_come_from_elsewhere_no_label_is_missed() {
    let wrong = "up{service='batch'} == 0";
    assert_eq!(of_alert(COMPOSE, CONFIG, wrong), ["label-not-there"]);
    let flags = |flag: &str| {
        COMPOSE.replace("['./p:/etc/prometheus']", &format!("['./p:/etc/prometheus'], command: ['{flag}']"))
    };
    for flag in ["--web.enable-remote-write-receiver", "--web.enable-otlp-receiver"] {
        let flags = flags(&format!("--config.file=/etc/prometheus/prometheus.yml', '{flag}"));
        assert_eq!(of_alert(&flags, CONFIG, wrong), Vec::<&str>::new(), "{flag}");
    }
    let more = |job: &str| format!("{CONFIG}{job}\n");
    for job in [
        "  - {job_name: gateway, honor_labels: true, static_configs: [{targets: ['gateway:9091']}]}",
        "  - {job_name: other, metrics_path: /federate, static_configs: [{targets: ['other:9090']}]}",
        "  - {job_name: found, http_sd_configs: [{url: 'http://sd.example.com'}]}",
        "  - {job_name: filled, file_sd_configs: [{files: [not-here.yml]}]}",
        "  - {job_name: mapped, docker_sd_configs: [{host: 'unix:///d'}], relabel_configs: [{action: labelmap, regex: __meta_docker_container_label_(.+)}]}",
        "  - {job_name: named, static_configs: [{targets: ['a:1']}], relabel_configs: [{source_labels: [__address__], regex: '(.*):.*', target_label: service}]}",
        "remote_read: [{url: 'http://long.example.com'}]",
        "scrape_config_files: [more.yml]",
    ] {
        assert_eq!(of_alert(COMPOSE, &more(job), wrong), Vec::<&str>::new(), "{job}");
    }
    // A list that somebody writes at run time, and one that is written.
    let of_list = |list: &str, expr: &str| {
        let job = "  - {job_name: filled, file_sd_configs: [{files: [/etc/prometheus/gen/a.json]}]}";
        let rules = format!("groups: [{{name: a, rules: [{{alert: A, expr: '{expr}'}}]}}]\n");
        memory::found(
            &[
                ("docker-compose.yml", COMPOSE),
                ("p/prometheus.yml", &more(job)),
                ("p/rules.yml", &rules),
                ("p/gen/a.json", list),
            ],
            |_, one| one.id,
        )
    };
    let listed = "[{\"targets\": [\"a:1\"], \"labels\": {\"region\": \"us\"}}]";
    for (expr, id) in
        [("up{region=\"eu\"} == 0", "label-not-there"), ("up{job=\"other\"} == 0", "job-not-scraped")]
    {
        assert!(of_list(listed, expr).contains(&id), "{expr}");
        for empty in ["[]", "[{\"targets\": []}]"] {
            let found = of_list(empty, expr);
            assert!(!found.contains(&id) && !found.contains(&"label-not-there"), "{expr}: {found:?}");
        }
    }
    // Nobody says how this Prometheus runs.
    assert_eq!(of_alert("services: {a: {image: b}}\n", CONFIG, wrong), Vec::<&str>::new());
    // Discovered, and named by nothing but relabelings.
    let discovered = "  - {job_name: found, dns_sd_configs: [{names: [a.example.com], type: A, port: 1}]}";
    assert_eq!(of_alert(COMPOSE, &more(discovered), wrong), ["label-not-there"]);
}

#[test]
fn a_program_has_the_labels_that_are_listed_only_where_it_is_the_one_that_was_read() {
    let found = |service: &str, expr: &str| {
        let compose = format!("{COMPOSE}  a: {{{service}}}\n");
        let job = "  - {job_name: a, static_configs: [{targets: ['a:1']}]}\n";
        of_alert(&compose, &format!("rule_files: [rules.yml]\nscrape_configs:\n{job}"), expr)
    };
    let read = "image: 'vllm/vllm-openai:v0.11.0'";
    let tenant = "vllm:num_requests_running{tenant='x'} > 9";
    assert_eq!(found(read, tenant), ["label-not-there"]);
    // What a folder makes may be another, and is asked for the same still.
    let built = format!("{read}, build: ./a");
    for fine in
        [tenant, "vllm:gpu_cache_usage_perc{tenant='x'} > 0.9", "sglang:num_running_reqs{job='a'} > 9"]
    {
        assert_eq!(found(&built, fine), Vec::<&str>::new(), "{fine}");
    }
    assert_eq!(found(&built, "vllm:num_request_running > 9"), ["unknown-metric"]);
    for expr in ["node_network_carrier{interface='eth0'} == 0", "node_network_up{operstate='up'} == 0"] {
        assert_eq!(found("image: 'prom/node-exporter:v0.17.0'", expr), Vec::<&str>::new(), "{expr}");
        assert_eq!(found("image: 'prom/node-exporter:v1.9.1'", expr), ["label-not-there"], "{expr}");
    }
}

#[test]
fn a_target_has_the_parameters_of_its_job_but_for_those_that_it_says_itself() {
    let found = |module: &str| {
        let job = "  - {job_name: b, metrics_path: /probe, params: {module: [http_2xx]}, static_configs: [{targets: [a], labels: {__param_module: icmp}}, {targets: [c]}], relabel_configs: [{source_labels: [__param_module], target_label: module}]}\n";
        of_alert(COMPOSE, &format!("{CONFIG}{job}"), &format!("up{{module='{module}'}} == 0"))
    };
    assert_eq!(found("http_2xx"), Vec::<&str>::new());
    assert_eq!(found("icmp"), Vec::<&str>::new());
    assert_eq!(found("tcp_connect"), ["label-not-there"]);
}

#[test]
fn a_value_that_a_script_fills_in_may_become_any_other() {
    let found = |value: &str| {
        let config = CONFIG.replace("{program: prometheus}", &format!("{{program: '{value}'}}"));
        of_alert(COMPOSE, &config, "up{program='grafana'} == 0")
    };
    for value in ["PROGRAM_PLACEHOLDER", "@PROGRAM@", "a-@PROGRAM@", "__PROGRAM__", "$PROGRAM", "<program>"] {
        assert_eq!(found(value), Vec::<&str>::new(), "{value}");
    }
    for value in ["prometheus", "prometheus@home", "prometheus__1"] {
        assert_eq!(found(value), ["label-not-there"], "{value}");
    }
}

#[test]
fn a_program_of_the_stack_that_nobody_scrapes_is_missed_only_where_all_targets_are_known() {
    let expr = "alertmanager_alerts > 9";
    let without = CONFIG.replace(", {targets: ['alertmanager:9093'], labels: {program: alertmanager}}", "");
    assert_eq!(of_alert(COMPOSE, &without, expr), ["unknown-metric"]);
    assert_eq!(of_alert(COMPOSE, CONFIG, expr), Vec::<&str>::new());
    for target in ["10.0.0.9:9093", "my-alertmanager:80"] {
        let other = without.replace("'10.0.0.2:8000'", &format!("'{target}'"));
        assert_eq!(of_alert(COMPOSE, &other, expr), Vec::<&str>::new(), "{target}");
    }
    // An Alertmanager that is not here may be scraped under any name.
    let elsewhere = COMPOSE.replace("  alertmanager: {image: 'prom/alertmanager:v0.28.1'}\n", "");
    assert_eq!(of_alert(&elsewhere, &without, expr), Vec::<&str>::new());
}

#[test]
fn a_panel_is_read_with_its_variables() {
    for (value, expr, id) in [
        ("chat", "service:up:sum{serice=\"$service\"}", "label-misspelt"),
        (
            "chat",
            "sum by (serice) (rate(x_total{service=~\"${service:regex}\"}[$__rate_interval]))",
            "label-misspelt",
        ),
        ("chat", "max by (alertnme) (ALERTS{service=\"$service\"})", "label-misspelt"),
        ("chat", "service:up:sum{service=\"$serice\"}", "variable-misspelt"),
        ("chat", "rate(x_total{service=\"$service\"}[$__rate_inteval])", "variable-misspelt"),
        ("chat", "mx by (service) (service:up:sum{service=\"$service\"})", "expression-broken"),
        ("chta", "service:up:sum{service=\"$service\"}", "variable-never-found"),
        ("batch", "up{service=~\"${service:regex}\"}", "variable-never-found"),
        ("chat, Batch : batch", "up{service=~\"$service\"}", "variable-never-found"),
    ] {
        assert_eq!(of_panel(value, expr), [id], "{value} {expr}");
    }
    for (value, expr) in [
        ("chat", "service:up:sum{service=\"$service\"}"),
        ("chat", "up{service=\"$service\", program=\"$program\"}"),
        // A group of a regex.
        ("chat", "label_replace(up, \"h\", \"${serice}\", \"instance\", \"(?P<serice>.*):.*\")"),
        // Another dashboard's link may bring it.
        ("chat", "up{service=\"$service\", replica=~\"${replica:regex}$\"}"),
        // In a stack of many clusters the variable has values.
        ("chat", "up{cluster=\"$cluster\"}"),
        ("batch", "my_own_total{program=\"$service\"}"),
        ("batch", "up{service=~\"$service|chat\"}"),
        ("batch", "label_replace(up, \"service\", \"$service\", \"\", \"\")"),
    ] {
        assert_eq!(of_panel(value, expr), Vec::<&str>::new(), "{value} {expr}");
    }
}

#[test]
fn a_label_that_one_rule_alone_gives_is_a_slip_only_beside_many_that_are_nearly_the_same() {
    let found = |labels: &[&str]| {
        let rules: Vec<String> = labels
            .iter()
            .enumerate()
            .map(|(at, labels)| format!("  - {{alert: A{at}, expr: 'up == {at}', labels: {{{labels}}}}}\n"))
            .collect();
        ids(&[("rules.yml", &format!("groups:\n- name: a\n  rules:\n{}", rules.concat()))])
    };
    let usual = ["team: platform", "team: platform", "team: platform"];
    for slip in ["team: plaform", "team: plattform", "team: paltform"] {
        assert_eq!(found(&[&usual[..], &[slip]].concat()), ["label-misspelt"], "{slip}");
    }
    assert_eq!(
        found(&["severity: page", "severity: page", "severity: page", "seveity: page"]),
        ["label-misspelt"]
    );
    for other in
        ["team: platforms", "team: platform2", "team: plat", "team: data", "teams: platform", "tier: one"]
    {
        assert_eq!(found(&[&usual[..], &[other]].concat()), Vec::<&str>::new(), "{other}");
    }
    assert_eq!(found(&["team: platform", "team: plaform"]), Vec::<&str>::new());
    // The value of a target is a name of its own.
    let rules = |value: &str| {
        let labels = ["vllm", "vllm", "vllm", value];
        let one =
            |(at, value)| format!("  - {{alert: A{at}, expr: 'up == {at}', labels: {{service: {value}}}}}\n");
        format!("groups:\n- name: a\n  rules:\n{}", labels.iter().enumerate().map(one).collect::<String>())
    };
    let config = CONFIG.replace("program: prometheus", "service: vlm");
    for (value, expected) in [("vlm", &[][..]), ("vllmm", &["label-misspelt"])] {
        let files = [("p/prometheus.yml", config.as_str()), ("p/rules.yml", &rules(value))];
        assert_eq!(ids(&files), expected, "{value}");
    }
    assert_eq!(found(&["tier: a1", "tier: a1", "tier: a1", "tier: a11"]), Vec::<&str>::new());
}

#[test]
fn a_label_that_a_job_alone_writes_is_no_slip_where_anything_asks_for_it() {
    let config = |label: &str| {
        format!(
            "scrape_configs:\n  - {{job_name: a, static_configs: [{{targets: ['a:1']}}], relabel_configs: [{{target_label: service, replacement: x}}]}}\n  - {{job_name: b, static_configs: [{{targets: ['b:1']}}], relabel_configs: [{{target_label: {label}, replacement: y}}]}}\n"
        )
    };
    let found = |label: &str, routes: &str| {
        let config = config(label);
        let files = [("p/prometheus.yml", config.as_str()), ("p/alertmanager.yml", routes)];
        let told = |_: &Stack, one: &Diagnostic| (one.id, one.severity);
        let mut found = memory::found(&files, told);
        found.retain(|(id, _)| *id == "relabeling-misspelt");
        found
    };
    let routes = |more: &str| format!("receivers: [{{name: a}}]\nroute: {{receiver: a, {more}}}\n");
    assert_eq!(found("servce", &routes("group_by: [service]")), [("relabeling-misspelt", Severity::Warning)]);
    for more in ["group_by: [servce]", "routes: [{receiver: a, matchers: ['servce=\"y\"']}]"] {
        assert_eq!(found("servce", &routes(more)), [], "{more}");
    }
    assert_eq!(found("team", &routes("group_by: [service]")), []);
}

#[test]
fn a_label_is_surely_misspelt_only_where_the_series_can_have_no_other() {
    for (expr, severity) in [
        ("up{serice='chat'} == 0", Severity::Error),
        ("my_own_metric_total{serice='chat'} > 9", Severity::Warning),
        ("sum by (serice) (my_own_metric_total) > 9", Severity::Warning),
    ] {
        let rules = format!("groups: [{{name: a, rules: [{{alert: A, expr: \"{expr}\"}}]}}]\n");
        let files =
            [("docker-compose.yml", COMPOSE), ("p/prometheus.yml", CONFIG), ("p/rules.yml", rules.as_str())];
        let mut found = memory::found(&files, |_, one| (one.id, one.severity));
        found.retain(|(id, _)| *id == "label-misspelt");
        assert_eq!(found, [("label-misspelt", severity)], "{expr}");
    }
}

#[test]
fn a_real_prometheus_gives_the_labels_that_are_said_to_be_there() {
    let address = format!("{IP}:0").parse().expect("an address");
    let server = Server::start(address, move |_| Reply::metrics(200, "x{a=\"own\"} 1\n".to_owned()));
    let target = server.addr();
    let relabelings = [
        "[]",
        "[{source_labels: [__address__], target_label: replica}]",
        "[{source_labels: [a], target_label: b}]",
        "[{source_labels: [nobody], target_label: a}]",
        "[{source_labels: [__addess__], target_label: a}]",
        "[{target_label: a}]",
        "[{target_label: a, replacement: ''}]",
        "[{target_label: c, replacement: d}]",
        "[{source_labels: [a], regex: one, target_label: a, replacement: two}]",
        "[{source_labels: [a], regex: other, target_label: a, replacement: two}]",
        "[{source_labels: [a], regex: o(.*), target_label: b}]",
        "[{source_labels: [a], regex: .*, target_label: b}]",
        "[{source_labels: [a], regex: .*, target_label: b, replacement: $0}]",
        "[{regex: one, target_label: a, replacement: two}]",
        "[{source_labels: [a, __address__], target_label: b}]",
        "[{action: labeldrop, regex: a|instance}]",
        "[{action: labelkeep, regex: '__.*|job'}]",
        "[{action: labelmap, regex: (.)}]",
        "[{action: hashmod, source_labels: [a], modulus: 2, target_label: b}]",
        "[{action: uppercase, source_labels: [a], target_label: b}]",
        "[{target_label: instance, replacement: here}, {source_labels: [instance], target_label: b}]",
        "[{target_label: job, replacement: other}]",
        "[{source_labels: [__address__], target_label: __tmp_a}, {source_labels: [__tmp_a], target_label: b}]",
        "[{source_labels: [__param_p], target_label: b}]",
        "[{source_labels: [__param_q], target_label: b}]",
    ];
    let jobs: Vec<String> = relabelings
        .iter()
        .enumerate()
        .map(|(at, rules)| {
            format!(
                "  - job_name: j{at}\n    scrape_interval: 1s\n    static_configs: [{{targets: ['{target}'], labels: {{a: one, at: 'n{at}', __metrics_path__: /metrics, __param_q: own}}}}]\n    params: {{p: [first, second], q: [other]}}\n    relabel_configs: {rules}\n"
            )
        })
        .collect();
    let config = format!("scrape_configs:\n{}", jobs.concat());
    let project = Project::empty();
    project.write("prometheus.yml", &config);
    let mut command = Command::new(tools::tool("prometheus"));
    command.args(["--config.file=prometheus.yml", "--storage.tsdb.path=data"]);
    command.arg(format!("--web.listen-address={IP}:9090")).current_dir(project.path(""));
    let _running = Running::start(&mut command);
    let series = format!("http://{IP}:9090/api/v1/query?query=count(up==1)");
    support::wait_until("all scrapes", Duration::from_secs(60), || {
        let (_, body) = support::http::get(&series).ok()?;
        body.contains(&format!("\"{}\"", relabelings.len())).then_some(())
    });
    let api = Api::new(format!("http://{IP}:9090"), String::new(), String::new);
    let read = memory::stack([("docker-compose.yml", COMPOSE), ("p/prometheus.yml", config.as_str())]);
    let said = &read.targets().jobs;
    assert_eq!(said.len(), relabelings.len());
    let mut seen = 0;
    for (series, _) in api.query("up") {
        let series: BTreeMap<String, String> =
            series.into_iter().filter(|(name, _)| name != "__name__").collect();
        // `labelkeep` leaves the job alone.
        let at = series.get("at").map_or("16", |at| at.trim_start_matches('n'));
        let at: usize = at.parse().expect("is a number");
        let labels = &said[at].of_scrape;
        for (name, value) in &series {
            assert!(labels.can_have(name), "{}: `{name}`", relabelings[at]);
            let known = labels.values(name);
            assert!(known.is_none_or(|known| known.contains(value)), "{}: {name} {value}", relabelings[at]);
        }
        let missing = labels.surely().find(|name| !series.contains_key(*name));
        assert_eq!(missing, None, "{}", relabelings[at]);
        seen += 1;
    }
    assert_eq!(seen, relabelings.len());
}
