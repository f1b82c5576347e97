//! What is said of Prometheus' configuration and of Grafana's files, where somebody else can judge it: promtool refuses what is
//! an error here, a real Prometheus keeps bounds as is claimed, and of what works nothing is said.

mod support;

use std::process::Command;
use std::time::Duration;

use support::api::Api;
use support::http::{Reply, Server};
use support::memory;
use support::project::Project;
use support::tools::{self, Running};

/// Of a test of its own, so that no two meet.
const IP: &str = "127.93.1.1";

/// `file:line id` of everything but notes that is found in some files.
fn found(files: &[(&str, &str)]) -> Vec<String> {
    memory::found(files, |stack, one| format!("{} {}", memory::place(stack, one), one.id))
}

/// A job with one target, and what is added to it.
fn job(more: &str) -> String {
    format!("scrape_configs:\n  - job_name: a\n    static_configs: [{{targets: ['h:80']}}]\n{more}")
}

#[test]
fn what_promtool_refuses_is_an_error_at_its_line_and_what_it_takes_is_none() {
    let jobs = |targets: &str| format!("scrape_configs:\n  - job_name: a\n    static_configs: [{targets}]\n");
    let refused = [
        (job("  - job_name: a\n    static_configs: [{targets: ['other:1']}]\n"), 4, "duplicate-job"),
        (job("    scrape_timeout: 2m\n"), 4, "timeout-longer-than-interval"),
        (
            "global:\n  scrape_timeout: 20s\n  scrape_interval: 15s\n".to_owned() + &job(""),
            2,
            "timeout-longer-than-interval",
        ),
        (jobs("{targets: ['http://h:80']}"), 3, "target-not-an-address"),
        (jobs("{targets: ['h:80/metrics']}"), 3, "target-not-an-address"),
        (jobs("{targets: ['']}"), 3, "target-not-an-address"),
        (
            "alerting:\n  alertmanagers:\n    - static_configs: [{targets: ['http://h:9093']}]\n".to_owned()
                + &job(""),
            3,
            "target-not-an-address",
        ),
    ];
    let taken = [
        job("    scrape_timeout: 1m\n"),
        // Of a job that says nothing, the timeout is cut to its interval.
        "global: {scrape_timeout: 20s}\n".to_owned() + &job("    scrape_interval: 15s\n"),
        jobs("{targets: ['[fd00::1]:80', 'h-1.example.com:65535']}"),
        jobs("{targets: ['https://h/health']}")
            + "    relabel_configs: [{source_labels: [__address__], target_label: __param_target}, {target_label: __address__, replacement: 'b:9115'}]\n",
    ];
    let project = Project::empty();
    let judged = |text: &str| {
        project.write("prometheus.yml", text);
        let said = tools::promtool(&["check", "config", "prometheus.yml"], &project.path(""));
        (said.status == 0, said.text())
    };
    for (text, line, id) in &refused {
        let (is_taken, said) = judged(text);
        assert!(!is_taken, "promtool takes it:\n{text}{said}");
        assert_eq!(found(&[("prometheus.yml", text)]), [format!("prometheus.yml:{line} {id}")], "{text}");
    }
    for text in &taken {
        let (is_taken, said) = judged(text);
        assert!(is_taken, "promtool refuses it:\n{text}{said}");
        assert_eq!(found(&[("prometheus.yml", text)]), Vec::<String>::new(), "{text}");
    }
}

const COMPOSE: &str = "services:\n  prometheus:\n    image: prom/prometheus:v3.5.3\n    volumes: ['./p:/etc/prometheus', 'data:/prometheus']\n    command: [--storage.tsdb.retention.size=1GB]\n    restart: always\nvolumes: {data: }\n";

/// Whether a rule with this expression has the finding, in a stack with these scrape jobs.
fn asks_for_nothing(compose: &str, jobs: &str, expr: &str, id: &str) -> bool {
    let config = format!("rule_files: [r.yml]\nscrape_configs:\n{jobs}");
    let rules = format!("groups:\n  - name: g\n    rules:\n      - record: a:b\n        expr: {expr}\n");
    let files = [("docker-compose.yml", compose), ("p/prometheus.yml", &config), ("p/r.yml", &rules)];
    found(&files).iter().any(|one| one == &format!("p/r.yml:5 {id}"))
}

#[test]
fn a_job_is_missed_only_where_nothing_else_can_bring_it() {
    let plain = "  - job_name: vllm\n    static_configs: [{targets: ['10.0.0.1:8000']}]\n";
    let id = "job-not-scraped";
    let missed = |compose: &str, more: &str, expr: &str| {
        asks_for_nothing(compose, &format!("{plain}{more}"), expr, id)
    };
    assert!(missed(COMPOSE, "", "up{job=\"node\"}"));
    assert!(missed(COMPOSE, "", "up{job=~\"node.*\"}"));
    assert!(missed(COMPOSE, "", "up{instance=\"10.0.0.2:8000\"}"));
    assert!(missed(COMPOSE, "", "up{job=\"node\"} or x{job=\"vllm\"}"));
    for expr in [
        "up{job=\"vllm\"}",
        "up{job=~\"node|vllm\"}",
        "up{job!=\"node\"}",
        "up{job=\"\"}",
        "up{instance=\"10.0.0.1:8000\"}",
        // Written for any of several stacks.
        "up{job=\"node\"} or up{job=\"vllm\"}",
    ] {
        assert!(!missed(COMPOSE, "", expr), "{expr}");
    }
    let node = "up{job=\"node\"}";
    for more in [
        "  - job_name: b\n    static_configs: [{targets: ['h:1'], labels: {job: node}}]\n",
        "  - job_name: b\n    relabel_configs: [{target_label: job, replacement: node}]\n",
        "  - job_name: b\n    relabel_configs: [{source_labels: [x], target_label: job}]\n",
        "  - job_name: b\n    relabel_configs: [{action: labelmap, regex: x_(.+)}]\n",
        "  - job_name: b\n    honor_labels: true\n",
        "  - job_name: b\n    http_sd_configs: [{url: 'http://h/sd'}]\n",
        "remote_read: [{url: 'http://h/read'}]\n",
    ] {
        assert!(!missed(COMPOSE, more, node), "{more}");
    }
    for more in [
        "    metric_relabel_configs: [{source_labels: [__name__], regex: go_.*, action: drop}]\n",
        "    relabel_configs: [{target_label: team, replacement: node}]\n",
    ] {
        assert!(missed(COMPOSE, more, node), "{more}");
    }
    // What finds targets may label them; a name that is almost right is still a slip.
    assert!(missed(
        COMPOSE,
        "  - job_name: b\n    http_sd_configs: [{url: 'http://h/sd'}]\n",
        "up{job=\"vlm\"}"
    ));
    let fed = COMPOSE.replace("command: [", "command: [--web.enable-remote-write-receiver, ");
    assert!(!missed(&fed, "", node));
}

#[test]
fn a_job_that_is_not_there_is_told_once_where_a_recording_is_asked_for_it() {
    let config = "rule_files: [r.yml]\nscrape_configs: [{job_name: vllm, static_configs: [{targets: ['10.0.0.1:8000']}]}]\n";
    let told = |job: &str| {
        let rules = format!(
            "groups:\n  - name: g\n    rules:\n      - {{record: 'job:up:sum', expr: 'sum by (job) (up{{job=\"vllm\"}})'}}\n      - {{record: 'a:b', expr: 'job:up:sum{{job=\"{job}\"}}'}}\n"
        );
        let files = [("docker-compose.yml", COMPOSE), ("p/prometheus.yml", config), ("p/r.yml", &rules)];
        let mut all = found(&files);
        all.retain(|one| one.starts_with("p/r.yml:5"));
        all
    };
    assert_eq!(told("vlm"), ["p/r.yml:5 job-not-scraped"]);
    assert_eq!(told("vllm"), Vec::<String>::new());
}

#[test]
fn the_api_that_is_gone_is_missed_only_in_versions_that_lack_it() {
    let asked = |target: &str, prometheus: &str, alertmanager: &str| {
        let compose = COMPOSE.replace("v3.5.3", prometheus).replace("volumes: {data: }", "")
            + &format!("  am: {{image: 'prom/alertmanager:{alertmanager}'}}\nvolumes: {{data: }}\n");
        let config = format!(
            "alerting: {{alertmanagers: [{{api_version: v1, static_configs: [{{targets: ['{target}']}}]}}, {{static_configs: [{{targets: ['am:9093']}}]}}]}}\n"
        );
        let all = found(&[("docker-compose.yml", &compose), ("p/prometheus.yml", &(config + &job("")))]);
        all.iter().any(|one| one.ends_with(" alertmanager-api-gone"))
    };
    let of = |prometheus: &str, alertmanager: &str| asked("am:9093", prometheus, alertmanager);
    assert!(of("v3.5.3", "v0.26.0"));
    assert!(of("v2.53.0", "v0.27.0"));
    assert!(!of("v2.53.0", "v0.26.0"));
    // That of the project is asked in the other section.
    assert!(!asked("old-am.example.org:9093", "v2.53.0", "v0.27.0"));
    assert!(!of("latest", "latest"));
    let project = Project::empty();
    project
        .write("prometheus.yml", &format!("alerting: {{alertmanagers: [{{api_version: v1}}]}}\n{}", job("")));
    let said = tools::promtool(&["check", "config", "prometheus.yml"], &project.path(""));
    assert!(said.status != 0 && said.text().contains("v1"), "{}", said.text());
}

#[test]
fn a_variable_of_a_dashboard_is_no_name_of_a_job() {
    let compose = COMPOSE.replace("volumes: {data: }", "")
        + "  grafana: {image: 'grafana/grafana:12.0.2', volumes: ['./g:/etc/grafana/provisioning', './d:/d']}\nvolumes: {data: }\n";
    let missed = |expr: &str| {
        let dashboard = format!(
            "{{\"uid\": \"x\", \"title\": \"x\", \"panels\": [{{\"type\": \"stat\", \"targets\": [{{\"expr\": \"{expr}\"}}]}}]}}"
        );
        let files = [
            ("docker-compose.yml", compose.as_str()),
            (
                "p/prometheus.yml",
                "scrape_configs:\n  - job_name: vllm\n    static_configs: [{targets: ['10.0.0.1:8000']}]\n",
            ),
            ("g/dashboards/a.yml", "apiVersion: 1\nproviders: [{name: a, options: {path: /d}}]\n"),
            (
                "g/datasources/a.yml",
                "apiVersion: 1\ndatasources: [{name: P, uid: p, type: prometheus, url: 'http://prometheus:9090', isDefault: true}]\n",
            ),
            ("d/x.json", &dashboard),
        ];
        found(&files).contains(&"d/x.json:1 job-not-scraped".to_owned())
    };
    assert!(missed("up{job='node'}"));
    for expr in ["up{job='$job'}", "up{job=~'${job:regex}'}", "up{job=~'node-$zone'}", "up{job='vllm'}"] {
        assert!(!missed(expr), "{expr}");
    }
}

/// `<id>`s of what is found of these jobs, beside a blackbox exporter with one module.
fn of_probes(jobs: &str, modules: &str) -> Vec<String> {
    let compose = COMPOSE.replace("volumes: {data: }", "")
        + "  blackbox: {image: 'prom/blackbox-exporter:v0.28.0', restart: always, command: ['--config.file=/b/b.yml'], volumes: ['./b:/b']}\nvolumes: {data: }\n";
    let config = format!("scrape_configs:\n{jobs}");
    let files =
        [("docker-compose.yml", compose.as_str()), ("p/prometheus.yml", &config), ("b/b.yml", modules)];
    let ids = [
        "probe-not-configured",
        "relabeling-without-source",
        "address-misspelt",
        "target-not-an-address",
        "exporter-not-scraped",
    ];
    let all = found(&files);
    all.iter().filter_map(|one| ids.iter().find(|id| one.ends_with(**id))).map(ToString::to_string).collect()
}

#[test]
fn a_probe_is_told_of_once_whatever_of_it_is_missing() {
    const RULES: [&str; 3] = [
        "{source_labels: [__address__], target_label: __param_target}",
        "{source_labels: [__param_target], target_label: instance}",
        "{target_label: __address__, replacement: 'blackbox:9115'}",
    ];
    let job = |path: &str, module: &str, rules: &[&str]| {
        format!(
            "  - job_name: a\n    {path}\n    params: {{{module}}}\n    static_configs: [{{targets: ['https://example.com/']}}]\n    relabel_configs: [{}]\n",
            rules.join(", ")
        )
    };
    let (path, module, modules) =
        ("metrics_path: /probe", "module: [web]", "modules: {web: {prober: http}}\n");
    let nothing: [&str; 0] = [];
    assert_eq!(of_probes(&job(path, module, &RULES), modules), nothing);
    assert_eq!(of_probes(&job(path, "", &RULES), "modules: {http_2xx: {prober: http}}\n"), nothing);
    let missing = ["probe-not-configured"];
    assert_eq!(of_probes(&job("", module, &RULES), modules), missing, "without the page");
    assert_eq!(of_probes(&job(path, "", &RULES), modules), missing, "without a module");
    assert_eq!(of_probes(&job(path, module, &RULES[1..]), modules), missing, "without a target");
    assert_eq!(of_probes(&job(path, module, &RULES), "modules: {web: {http: {method: GET}}}\n"), missing);
    assert_eq!(of_probes(&job(path, module, &RULES), "modules: {web: {prober: htpp}}\n"), missing);
    // Nothing leads to the exporter: the URL is no target then, and nobody asks the exporter.
    let found = of_probes(&job(path, module, &RULES[..2]), modules);
    assert!(found.contains(&missing[0].to_owned()), "{found:?}");
    let misspelt = [RULES[0], RULES[1], "{target_label: __address__, replacement: 'blakbox:9115'}"];
    let found = of_probes(&job(path, module, &misspelt), modules);
    assert!(found.contains(&"address-misspelt".to_owned()), "{found:?}");
    let without = [RULES[0], RULES[1], "{target_label: __address__}"];
    let found = of_probes(&job(path, module, &without), modules);
    assert_eq!(found, ["exporter-not-scraped", "relabeling-without-source"]);
    // A rule that takes the address apart leads to the exporter, or asks one that runs beside each page.
    let page = "{source_labels: [__address__], regex: '(.*)@.*', target_label: __param_target}";
    let host = "{source_labels: [__address__], regex: '.*@(.*)', target_label: __address__}";
    let apart = |rules: &[&str]| {
        let all =
            job(path, module, rules).replace("https://example.com/", "https://example.com@blackbox:9115");
        of_probes(&all, modules).contains(&missing[0].to_owned())
    };
    assert!(!apart(&[page, host]) && !apart(&[RULES[0], host]) && !apart(&[page]));
    assert!(apart(&[&RULES[0].replace(']', "], regex: '(.*)', replacement: '$1'")]));
    // Labels that are only known at run time.
    let open = "{source_labels: [__address__], regex: '.*(target).*', target_label: '__param_$1'}";
    assert_eq!(of_probes(&job(path, module, &[open, RULES[2]]), modules), nothing);
    // Its own metrics, and a target that is the exporter and says what it is to ask.
    let own = "  - job_name: a\n    static_configs: [{targets: ['blackbox:9115']}]\n";
    assert_eq!(of_probes(own, modules), nothing);
    let direct = "  - job_name: a\n    metrics_path: /probe\n    params: {module: [web], target: ['https://example.com/']}\n    static_configs: [{targets: ['blackbox:9115']}]\n";
    assert_eq!(of_probes(direct, modules), nothing);
}

#[test]
fn a_real_blackbox_exporter_answers_no_probe_of_what_is_said_to_be_none() {
    let project = Project::empty();
    project
        .write("b.yml", "modules: {web: {prober: http}, none: {http: {method: GET}}, htp: {prober: htp}}\n");
    let address = format!("{IP}:9115");
    let _exporter = Running::start(
        Command::new(tools::tool("blackbox_exporter"))
            .args(["--config.file=b.yml", &format!("--web.listen-address={address}")])
            .current_dir(project.path("")),
    );
    support::wait_until("the exporter", Duration::from_secs(20), || {
        support::http::get(&format!("http://{address}/")).ok().map(drop)
    });
    let status =
        |query: &str| support::http::get(&format!("http://{address}/probe{query}")).expect("answers").0;
    let target = format!("target=http://{address}/");
    assert_eq!(status(&format!("?module=web&{target}")), 200);
    for query in [
        "?module=web".to_owned(),
        format!("?module=none&{target}"),
        format!("?module=htp&{target}"),
        format!("?module=other&{target}"),
        format!("?{target}"),
    ] {
        assert_eq!(status(&query), 400, "{query}");
    }
}

#[test]
fn a_rule_of_relabeling_is_blamed_only_where_it_can_write_nothing() {
    let of = |rule: &str| {
        let all = found(&[("prometheus.yml", &job(&format!("    relabel_configs: [{rule}]\n")))]);
        let ids = ["prometheus.yml:4 relabeling-without-source", "prometheus.yml:4 relabeling-misspelt"];
        all.iter().any(|one| ids.contains(&one.as_str()))
    };
    for rule in [
        "{target_label: service}",
        "{source_labels: [], target_label: service}",
        "{source_labels: [__adress__], target_label: replica}",
        "{source_labels: [replica], target_label: __metric_path__}",
    ] {
        assert!(of(rule), "{rule}");
    }
    for rule in [
        "{target_label: service, replacement: ''}",
        "{target_label: service, replacement: chat}",
        "{source_labels: [__address__], target_label: replica}",
        "{action: labeldrop, regex: x}",
        "{source_labels: [__meta_addres], target_label: x}",
        // A label of one's own, which a rule before it writes.
        "{source_labels: [__address__], target_label: __addres__}, {source_labels: [__addres__], target_label: x}",
        "{source_labels: [__tmp_address], target_label: x}",
    ] {
        assert!(!of(rule), "{rule}");
    }
}

#[test]
fn an_exporter_is_missed_only_where_no_job_can_mean_it() {
    let of = |service: &str, jobs: &str| {
        let compose =
            COMPOSE.replace("volumes: {data: }", "") + &format!("  {service}\nvolumes: {{data: }}\n");
        let config = format!("scrape_configs:\n{jobs}");
        let all = found(&[("docker-compose.yml", &compose), ("p/prometheus.yml", &config)]);
        all.iter().any(|one| one.ends_with(" exporter-not-scraped"))
    };
    let asks = |target: &str| format!("  - job_name: a\n    static_configs: [{{targets: ['{target}']}}]\n");
    let node = "node: {image: 'prom/node-exporter:v1.9.1', restart: always}";
    let redis = "cache: {image: 'oliver006/redis_exporter:v1.74.0', restart: always}";
    for service in [node, redis, VLLM] {
        assert!(of(service, &asks("localhost:9090")), "{service}");
    }
    assert!(of(node, &asks("prometheus:9090")));
    let with = |more: &str| node.replace("restart", &format!("{more}, restart"));
    for more in ["scale: 0", "deploy: {replicas: 0}", "profiles: [debug]", "networks: [inner]"] {
        assert!(!of(&with(more), &asks("localhost:9090")), "{more}");
    }
    for more in ["scale: 1", "deploy: {replicas: 1}", "networks: [default]"] {
        assert!(of(&with(more), &asks("localhost:9090")), "{more}");
    }
    let beside = |image: &str| format!("{node}\n  other: {{image: '{image}', restart: always}}");
    assert!(of(&beside("redis:8.2"), &asks("other:8080")));
    let label = "  - job_name: a\n    static_configs: [{targets: ['a'], labels: {__exporter: 'node:9100'}}]\n    relabel_configs: [{source_labels: [__exporter], target_label: __address__}]\n";
    assert!(of(node, &label.replace("'node:9100'", "'other:1'")));
    // In the network of another container, which nobody asks either.
    let in_vpn = |by: &str| {
        let node = node.replace("restart", &format!("network_mode: '{by}', restart"));
        format!("{node}\n  vpn: {{image: 'qmcgaw/gluetun:v3.40', container_name: tunnel, restart: always}}")
    };
    assert!(of(&in_vpn("service:vpn"), &asks("prometheus:9090")));
    // Of an image that is only called so, where nothing says that Prometheus asks it.
    let wiki = "wiki: {image: 'acme/confluence-exporter:2.1', restart: always}";
    let port = wiki.replace("restart", "expose: ['9412'], restart");
    for known in [
        "seen: {image: 'acme/kafka-exporter:1.7', restart: always}",
        "seen: {image: 'acme/redis_exporter:1.7', restart: always}",
        "seen: {image: 'nginx/nginx-prometheus-exporter:1.4', restart: always}",
        "seen: {image: 'acme/confluence-exporter:2.1', command: ['--web.listen-address=:80'], restart: always}",
        &port,
    ] {
        assert!(of(known, &asks("localhost:9090")), "{known}");
    }
    assert!(!of(wiki, &asks("localhost:9090")));
    // By a path through whatever hands on, and by a proxy that knows other names.
    let through = |target: &str, more: &str| {
        format!("  - job_name: a\n    {more}\n    static_configs: [{{targets: ['{target}']}}]\n")
    };
    let edge = format!("{VLLM}\n  edge: {{image: 'acme/edge:1', restart: always}}");
    let gateway = edge.replace("edge:", "gateway:").replace("acme/gateway:", "acme/edge:");
    let moved = "relabel_configs: [{target_label: __metrics_path__, replacement: /vllm/metrics}]";
    assert!(of(&edge, &through("edge:80", "metrics_path: /metrics")));
    assert!(of(&edge, &through("edge:80", "metrics_path: /tgi/metrics")));
    for (service, jobs) in [
        (edge.as_str(), through("edge:80", "metrics_path: /vllm/metrics")),
        (&edge, through("edge:80", moved)),
        (&edge, through("models.example.com:443", "metrics_path: /vllm/metrics")),
        (&gateway, through("gateway:80", "metrics_path: /metrics")),
        (node, through("inner:80", "proxy_url: 'http://10.0.0.7:3128'")),
        (&in_vpn("service:vpn"), asks("vpn:9100")),
        (&in_vpn("container:tunnel"), asks("tunnel:9100")),
        (node, asks("node:9100")),
        // At the machine's address, by another name, or one that is found at run time.
        (node, asks("10.0.0.5:9100")),
        (node, asks("my-node:9")),
        (node, label.to_owned()),
        (&beside("caddy:2.10"), asks("other:8080")),
        (&beside("fluent/fluent-bit:4.1.0"), asks("localhost:9090")),
        (node, "  - job_name: a\n    dns_sd_configs: [{names: [tasks.node]}]\n".to_owned()),
        (redis, "  - job_name: a\n    static_configs: [{targets: ['redis:6379']}]\n    relabel_configs: [{source_labels: [__address__], target_label: __param_target}, {target_label: __address__, replacement: 'cache:9121'}]\n".to_owned()),
        ("shop: {image: 'example/shop:1.0', restart: always}", asks("localhost:9090")),
        ("node: {image: 'prom/node-exporter:v1.9.1', restart: always}\n  agent: {image: 'grafana/alloy:v1.9.0', restart: always}", asks("localhost:9090")),
    ] {
        assert!(!of(service, &jobs), "{service}: {jobs}");
    }
}

#[test]
fn files_that_lie_beside_and_are_named_by_nobody_are_told() {
    let rules = "groups: [{name: g, rules: [{record: 'a:b', expr: up}]}]\n";
    let list = "- targets: ['10.0.0.5:80']\n";
    let of = |compose: &str, config: &str, id: &str| {
        let files = [
            ("docker-compose.yml", compose),
            ("p/prometheus.yml", config),
            ("p/rules/r.yml", rules),
            ("p/targets/t.yml", list),
        ];
        found(&files).iter().any(|one| one.ends_with(&format!(" {id}")))
    };
    let config = job("");
    for id in ["rules-not-loaded", "targets-not-read"] {
        assert!(of(COMPOSE, &config, id), "{id}");
        assert!(of("", &config, id), "{id}: without compose");
        // Of another program's, and where the folder is not mounted.
        let single =
            COMPOSE.replace("./p:/etc/prometheus", "./p/prometheus.yml:/etc/prometheus/prometheus.yml");
        assert!(!of(&single, &config, id), "{id}");
    }
    let other = COMPOSE
        .replace("volumes: {data: }", "  ruler: {image: 'thanosio/thanos:v0.39.0'}\nvolumes: {data: }");
    assert!(!of(&other, &config, "rules-not-loaded"));
    let evaluator = |mount: &str| {
        let own = format!("  eval: {{image: 'registry/eval:1', volumes: ['{mount}']}}\nvolumes: {{data: }}");
        COMPOSE.replace("volumes: {data: }", &own)
    };
    assert!(!of(&evaluator("./p/rules:/r"), &config, "rules-not-loaded"));
    assert!(of(&evaluator("./p/targets:/r"), &config, "rules-not-loaded"));
    let elsewhere = format!("{config}remote_write: [{{url: 'https://mimir.example.com/push'}}]\n");
    assert!(!of(COMPOSE, &elsewhere, "rules-not-loaded"));
    let named =
        config.replace("static_configs", "file_sd_configs: [{files: ['targets/*.yml']}]\n    static_configs");
    assert!(!of(COMPOSE, &named, "targets-not-read"));
    let unknown =
        config.replace("static_configs", "file_sd_configs: [{files: ['/srv/*.yml']}]\n    static_configs");
    assert!(!of(COMPOSE, &unknown, "targets-not-read"));
}

#[test]
fn an_address_is_misspelt_only_where_no_other_name_is_likely() {
    let of = |services: &str, more: &str| {
        let compose = COMPOSE.replace("volumes: {data: }", "") + services + "volumes: {data: }\n";
        let config = more.to_owned() + &job("");
        let all = found(&[("docker-compose.yml", &compose), ("p/prometheus.yml", &config)]);
        all.iter().filter(|one| one.ends_with(" address-misspelt")).count()
    };
    let write = |url: &str| format!("remote_write: [{{url: '{url}'}}]\n");
    let services = "  mimir-a: {image: 'grafana/mimir:2.17.0'}\n  relay: {image: 'example:1'}\n";
    for url in ["http://mimr-a:9009/api/v1/push", "http://rellay:80", "http://locahost.:80"] {
        assert_eq!(of(services, &write(url)), 1, "{url}");
    }
    for url in [
        "http://mimir-b:9009/api/v1/push",
        "http://delay:25",
        "http://relais:25",
        "http://localhost.:80",
        "http://relay:25",
    ] {
        assert_eq!(of(services, &write(url)), 0, "{url}");
    }
    let asks = |path: &str| {
        let config = job(&format!("    metrics_path: {path}\n"));
        found(&[("prometheus.yml", &config)]).iter().filter(|one| one.ends_with(" address-misspelt")).count()
    };
    for path in ["/metics", "/metircs", "/federrate", "/actuator/promtheus"] {
        assert_eq!(asks(path), 1, "{path}");
    }
    for path in ["/metrics", "/metric", "/metricz", "/metricsd", "/federated", "/federate"] {
        assert_eq!(asks(path), 0, "{path}");
    }
}

/// What is found of one job that asks `target`, where this service runs beside Prometheus: the ids of errors.
fn of_target(service: &str, target: &str, more: &str) -> Vec<String> {
    let compose = COMPOSE.replace("volumes: {data: }", "") + &format!("  {service}\nvolumes: {{data: }}\n");
    let config =
        format!("scrape_configs:\n  - job_name: a\n    static_configs: [{{targets: ['{target}']}}]\n{more}");
    let ids =
        ["metrics-elsewhere", "metrics-need-key", "metrics-switched-off", "target-address", "wrong-port"];
    let all = found(&[("docker-compose.yml", &compose), ("p/prometheus.yml", &config)]);
    all.iter().filter_map(|one| ids.iter().find(|id| one.ends_with(**id))).map(ToString::to_string).collect()
}

const VLLM: &str = "vllm: {image: 'vllm/vllm-openai:v0.11.0', restart: always, command: [--model, x]}";
const PATH: &str = "    metrics_path: /v1/metrics\n";

#[test]
fn a_target_that_leads_past_its_service_is_found() {
    let wrong = [
        (VLLM, "vlm:8000", "", "target-address"),
        (VLLM, "vllm:8080", "", "wrong-port"),
        (VLLM, "vllm", "", "wrong-port"),
        (VLLM, "vllm:8000", PATH, "metrics-elsewhere"),
        (
            "vllm: {image: 'vllm/vllm-openai:v0.11.0', command: [--port, '9000']}",
            "vllm:8000",
            "",
            "wrong-port",
        ),
        (
            "vllm: {image: 'vllm/vllm-openai:v0.11.0', command: --model x --disable-log-stats}",
            "vllm:8000",
            "",
            "metrics-switched-off",
        ),
        ("o: {image: 'ollama/ollama:0.12.0'}", "o:11434", "", "metrics-elsewhere"),
        ("t: {image: 'nvcr.io/nvidia/tritonserver:25.09-py3'}", "t:8000", "", "metrics-elsewhere"),
        ("api: {image: example, ports: ['8001:8000']}", "api:8001", "", "wrong-port"),
        (
            "s: {image: 'lmsysorg/sglang:v0.5.3', command: python3 -m sglang.launch_server --model-path x}",
            "s:30000",
            "",
            "metrics-switched-off",
        ),
        (
            "s: {image: 'lmsysorg/sglang:v0.5.3', ports: ['30000:30000'], command: python3 -m sglang.launch_server --model-path x}",
            "host.docker.internal:30000",
            "",
            "metrics-switched-off",
        ),
        (
            "l: {image: 'ghcr.io/ggml-org/llama.cpp:server', command: [--metrics, --api-key, x]}",
            "l:8080",
            "",
            "metrics-need-key",
        ),
        (
            "t: {image: 'nvcr.io/nvidia/tritonserver:25.09-py3', command: tritonserver --allow-metrics=false}",
            "t:8002",
            "",
            "metrics-switched-off",
        ),
        (
            "am: {image: 'prom/alertmanager:v0.28.1', command: ['--web.external-url=https://example.com/am/']}",
            "am:9093",
            "",
            "target-address",
        ),
    ];
    for (service, target, more, id) in wrong {
        assert_eq!(of_target(service, target, more), [id], "{service}: {target}");
    }
}

#[test]
fn a_target_is_followed_only_as_far_as_the_compose_file_says() {
    let right = [
        (VLLM, "vllm:8000", ""),
        (VLLM, "vllm-1:8000", ""),
        (VLLM, "gpu1.example.com:80", ""),
        (VLLM, "gpu1:8000", ""),
        // What a script or a variable adds is not known.
        ("s: {image: 'lmsysorg/sglang:v0.5.3', command: ./start.sh}", "s:30000", ""),
        (
            "s: {image: 'lmsysorg/sglang:v0.5.3', command: 'python3 -m sglang.launch_server ${ARGS:-}${MORE}'}",
            "s:30000",
            "",
        ),
        (
            "s: {image: 'lmsysorg/sglang:v0.5.3', command: bash -c 'python3 -m sglang.launch_server --enable-metrics --port 8000'}",
            "s:8000",
            "",
        ),
        (
            "l: {image: 'ghcr.io/ggml-org/llama.cpp:server', environment: {LLAMA_ARG_ENDPOINT_METRICS: 1}}",
            "l:8080",
            "",
        ),
        ("l: {image: 'ghcr.io/ggml-org/llama.cpp:full', command: --run -m x}", "l:8080", ""),
        (
            "l: {image: 'ghcr.io/ggml-org/llama.cpp:server', command: [--metrics, --api-key, x]}",
            "l:8080",
            "    authorization: {credentials_file: /etc/prometheus/key}\n",
        ),
        ("api: {image: example, ports: ['8001:8000'], expose: [8001]}", "api:8001", ""),
        ("api: {image: example}", "api:8001", PATH),
        // Something may have moved the path.
        (
            "vllm: {image: 'vllm/vllm-openai:v0.11.0', command: [--model, x, --root-path, /v1]}",
            "vllm:8000",
            PATH,
        ),
        (
            "am: {image: 'prom/alertmanager:v0.28.1', command: ['--web.external-url=https://example.com/am/']}",
            "am:9093",
            "    metrics_path: /am/metrics\n",
        ),
        (
            "am: {image: 'prom/alertmanager:v0.28.1', command: ['--web.external-url=https://example.com/am/', --web.route-prefix=/]}",
            "am:9093",
            "",
        ),
        ("am: {image: 'prom/alertmanager:v0.28.1', command: ['--web.external-url=${URL}']}", "am:9093", ""),
    ];
    for (service, target, more) in right {
        assert_eq!(of_target(service, target, more), Vec::<String>::new(), "{service}: {target}");
    }
}

#[test]
fn an_alertmanager_is_told_of_once_and_only_as_far_as_its_flags_are_known() {
    let told = |flags: &str, target: &str, more: &str| -> Vec<String> {
        let service = format!("am: {{image: 'prom/alertmanager:v0.28.1', command: [{flags}]}}");
        let compose =
            COMPOSE.replace("volumes: {data: }", "") + &format!("  {service}\nvolumes: {{data: }}\n");
        let config = format!(
            "alerting:\n  alertmanagers:\n  - static_configs: [{{targets: ['{target}']}}]\n{more}scrape_configs: []\n"
        );
        let all = found(&[("docker-compose.yml", &compose), ("p/prometheus.yml", &config)]);
        let ids = ["alertmanager-address", "target-not-an-address", "placeholder"];
        let ids = all.iter().filter_map(|one| ids.iter().find(|id| one.ends_with(**id)));
        ids.map(ToString::to_string).collect()
    };
    let below = "'--web.external-url=https://example.com/am'";
    for (flags, target, more) in [
        ("", "am:9094", ""),
        ("", "am", ""),
        ("", "alerts:9093", ""),
        ("'--web.listen-address=:9193'", "am:9093", ""),
        (below, "am:9093", ""),
        ("", "am:9093", "    path_prefix: /am\n"),
    ] {
        assert_eq!(told(flags, target, more), ["alertmanager-address"], "{flags} {target} {more}");
    }
    for (flags, target, more) in [
        ("", "am:9093", ""),
        ("", "alerts.example.com:9093", ""),
        ("'--web.listen-address=:9193', '--web.listen-address=:9293'", "am:9293", ""),
        (below, "am:9093", "    path_prefix: /am/\n"),
        // What a variable says is not known.
        ("'--web.listen-address=:${PORT}'", "am:9193", ""),
        ("'--web.external-url=${URL}'", "am:9093", "    path_prefix: /am\n"),
    ] {
        assert_eq!(told(flags, target, more), Vec::<String>::new(), "{flags} {target} {more}");
    }
    assert_eq!(told("", "am:9093/am", ""), ["target-not-an-address"]);
    assert_eq!(told("", "", ""), ["target-not-an-address"]);
}

/// What is found of a dashboard with these panels, variables and annotations, beside a few datasources. Notes are left out.
fn of_dashboard(more: &str) -> Vec<String> {
    let compose = "services:\n  grafana:\n    image: grafana/grafana:12.0.2\n    volumes: ['./g:/etc/grafana/provisioning', './d:/d', 'data:/var/lib/grafana']\nvolumes: {data: }\n";
    let providers = "apiVersion: 1\nproviders: [{name: a, options: {path: /d}}]\n";
    let datasources = "apiVersion: 1\ndatasources:\n  - {name: Prometheus, type: prometheus, url: 'http://p.example.com', isDefault: true}\n  - {name: Logs, uid: loki, type: loki, url: 'http://l.example.com'}\n";
    let dashboard = format!("{{\"uid\": \"x\", \"title\": \"x\", \"schemaVersion\": 39, {more}}}");
    let files = [
        ("docker-compose.yml", compose),
        ("g/dashboards/a.yml", providers),
        ("g/datasources/a.yml", datasources),
        ("d/x.json", &dashboard),
    ];
    found(&files).into_iter().filter(|one| one.ends_with("unknown-datasource")).collect()
}

#[test]
fn a_datasource_is_found_in_every_way_that_grafana_finds_it() {
    let panel = |datasource: &str| {
        format!("\"panels\": [{{\"type\": \"stat\", {datasource}\"targets\": [{{\"expr\": \"up\"}}]}}]")
    };
    for known in [
        "",
        "\"datasource\": null, ",
        "\"datasource\": \"Prometheus\", ",
        "\"datasource\": {\"type\": \"loki\", \"uid\": \"loki\"}, ",
        // The uid that Grafana makes up for one without.
        "\"datasource\": {\"uid\": \"PBFA97CFB590B2093\"}, ",
        "\"datasource\": {\"uid\": \"-- Grafana --\"}, ",
        "\"datasource\": {\"type\": \"datasource\", \"uid\": \"x\"}, ",
    ] {
        assert_eq!(of_dashboard(&panel(known)), Vec::<String>::new(), "{known}");
    }
    let variable = "\"templating\": {\"list\": [{\"name\": \"ds\", \"type\": \"datasource\", \"query\": \"prometheus\"}]}, ";
    for name in ["$ds", "${ds}", "[[ds]]", "${ds:raw}"] {
        let panel = panel(&format!("\"datasource\": {{\"uid\": \"{name}\"}}, "));
        assert_eq!(of_dashboard(&format!("{variable}{panel}")), Vec::<String>::new(), "{name}");
        assert_eq!(of_dashboard(&panel), ["d/x.json:1 unknown-datasource"], "{name}");
    }
    let unknown = ["d/x.json:1 unknown-datasource"];
    for lost in
        ["\"datasource\": \"Mimir\", ", "\"datasource\": {\"type\": \"prometheus\", \"uid\": \"abc\"}, "]
    {
        assert_eq!(of_dashboard(&panel(lost)), unknown, "{lost}");
    }
    // Each query asks its own where the panel says so; where it does not, the panel's counts.
    let queries = |panel: &str| {
        format!(
            "\"panels\": [{{\"type\": \"stat\", \"datasource\": \"{panel}\", \"targets\": [{{\"expr\": \"up\", \"datasource\": {{\"uid\": \"abc\"}}}}]}}]"
        )
    };
    assert_eq!(of_dashboard(&queries("-- Mixed --")), unknown);
    assert_eq!(of_dashboard(&queries("Prometheus")), Vec::<String>::new());
    // What a row keeps is never asked, nor is an annotation that is off.
    let row = "\"panels\": [{\"type\": \"row\", \"datasource\": \"abc\", \"targets\": [{\"refId\": \"A\"}]}]";
    assert_eq!(of_dashboard(row), Vec::<String>::new());
    let annotation = |enable: bool| {
        format!(
            "\"annotations\": {{\"list\": [{{\"datasource\": \"abc\", \"enable\": {enable}}}]}}, \"panels\": []"
        )
    };
    assert_eq!(of_dashboard(&annotation(false)), Vec::<String>::new());
    assert_eq!(of_dashboard(&annotation(true)), unknown);
}

#[test]
fn a_real_prometheus_keeps_bounds_as_they_are_said_to_be() {
    let written = ["1", "0.50", "100000", "1000000", "2500000", "0.00001"];
    let buckets = written.map(|bound| format!("h_bucket{{le=\"{bound}\"}} 1\n")).concat();
    let text = format!(
        "# TYPE h histogram\n{buckets}h_bucket{{le=\"+Inf\"}} 1\nh_sum 1\nh_count 1\n# TYPE s summary\ns{{quantile=\"1\"}} 1\ns_sum 1\ns_count 1\n"
    );
    let address = format!("{IP}:0").parse().expect("an address");
    let server = Server::start(address, move |_| Reply::metrics(200, text.clone()));
    let project = Project::empty();
    let target = server.addr();
    let config = format!(
        "scrape_configs:\n  - job_name: a\n    scrape_interval: 1s\n    static_configs: [{{targets: ['{target}', '{target}']}}]\n"
    );
    project.write("prometheus.yml", &config);
    let mut command = Command::new(tools::tool("prometheus"));
    command.args(["--config.file=prometheus.yml", "--storage.tsdb.path=data"]);
    command.arg(format!("--web.listen-address={IP}:9090")).current_dir(project.path(""));
    let _running = Running::start(&mut command);
    let series = format!("http://{IP}:9090/api/v1/query?query=h_bucket");
    support::wait_until("a scrape", Duration::from_secs(30), || {
        let (_, body) = support::http::get(&series).ok()?;
        body.contains("+Inf").then_some(())
    });
    let api = Api::new(format!("http://{IP}:9090"), String::new(), String::new);
    // Listed twice, asked once.
    assert_eq!(api.targets().len(), 1);
    let jobs = "  - job_name: a\n    static_configs: [{targets: ['10.0.0.1:8000']}]\n";
    for (label, name, values) in [("le", "h_bucket", &written[..]), ("quantile", "s", &["1"])] {
        for value in values {
            let expr = format!("{name}{{{label}=\"{value}\"}}");
            assert!(api.query(&expr).is_empty(), "{expr}");
            assert!(asks_for_nothing(COMPOSE, jobs, &expr, "le-not-normalised"), "{expr}");
        }
        for (labels, _) in api.query(name) {
            let expr = format!("{name}{{{label}=\"{}\"}}", labels[label]);
            assert!(!asks_for_nothing(COMPOSE, jobs, &expr, "le-not-normalised"), "{expr}");
        }
    }
    let second = COMPOSE.replace("v3.5.3", "v2.53.0");
    assert!(!asks_for_nothing(&second, jobs, "h_bucket{le=\"1\"}", "le-not-normalised"));
}

#[test]
fn jobs_are_missed_only_where_a_rule_asks_for_series() {
    let of = |expr: &str| {
        let rules = format!("groups:\n- name: a\n  rules:\n  - {{record: 'a:b', expr: '{expr}'}}\n");
        let config = "rule_files: [r.yml]\n";
        let all =
            found(&[("docker-compose.yml", COMPOSE), ("p/prometheus.yml", config), ("p/r.yml", &rules)]);
        all.iter().any(|one| one.ends_with(" job-without-targets"))
    };
    assert!(of("up == 0"));
    assert!(!of("vector(1)"));
}

#[test]
fn a_job_that_is_proposed_reaches_whom_it_names_and_keeps_what_was_pushed() {
    let help = |service: &str| {
        let services =
            format!("  {service}\n  other: {{image: 'redis:8.2', restart: always}}\nvolumes: {{data: }}\n");
        let compose = COMPOSE.replace("volumes: {data: }", "") + &services;
        let config = "scrape_configs: [{job_name: a, static_configs: [{targets: ['other:8080']}]}]\n";
        let files = [("docker-compose.yml", compose.as_str()), ("p/prometheus.yml", config)];
        let found = memory::found(&files, |_, one| {
            (one.id == "exporter-not-scraped").then(|| one.help.clone().unwrap_or_default())
        });
        found.into_iter().flatten().next().expect("is said")
    };
    let node = "node: {image: 'prom/node-exporter:v1.9.1', restart: always}";
    assert!(help(node).contains("targets: ['node:9100']"), "{}", help(node));
    let inside = node.replace("restart", "network_mode: 'service:prometheus', restart");
    assert!(help(&inside).contains("targets: ['localhost:9100']"), "{}", help(&inside));
    let gateway = "push: {image: 'prom/pushgateway:v1.11.1', restart: always}";
    assert!(
        help(gateway)
            .contains("{job_name: push, honor_labels: true, static_configs: [{targets: ['push:9091']}]}"),
        "{}",
        help(gateway)
    );
}

#[test]
fn a_route_without_a_name_has_the_receiver_of_the_one_above_and_alertmanager_takes_it() {
    let config = |root: &str, below: &str| {
        format!(
            "route: {{receiver: '{root}', routes: [{{receiver: '{below}', matchers: [a=b]}}]}}\nreceivers: [{{name: a}}]\n"
        )
    };
    for (root, below, is_refused) in [("a", "a", false), ("a", "", false), ("a", "b", true), ("", "a", true)]
    {
        let text = config(root, below);
        let project = Project::empty();
        project.write("alertmanager.yml", &text);
        let said = tools::amtool(&["check-config", "alertmanager.yml"], &project.path(""));
        assert_eq!(said.status != 0, is_refused, "{text}{}", said.text());
        let is_said =
            found(&[("alertmanager.yml", &text)]).iter().any(|one| one.ends_with(" undefined-receiver"));
        assert_eq!(is_said, is_refused, "{text}");
    }
}

#[test]
fn a_condition_that_names_no_label_is_said_where_alertmanager_refuses_it() {
    for (matcher, is_refused) in [
        ("a=b", false),
        ("\"a b\"=c", false),
        ("{a=b, \"c d\"=~e}", false),
        ("a=\"b c=d\"", false),
        ("=", true),
        ("=a", true),
        ("a b=c", true),
    ] {
        let text = format!(
            "route: {{receiver: a, routes: [{{matchers: ['{matcher}']}}]}}\nreceivers: [{{name: a}}]\n"
        );
        let project = Project::empty();
        project.write("alertmanager.yml", &text);
        let said = tools::amtool(&["check-config", "alertmanager.yml"], &project.path(""));
        assert_eq!(said.status != 0, is_refused, "{text}{}", said.text());
        let found = found(&[("alertmanager.yml", &text)]);
        assert_eq!(
            found.iter().any(|one| one.ends_with(" matcher-unreadable")),
            is_refused,
            "{text}{found:?}"
        );
    }
}
