//! The pages of made-up stacks: what is on them, what is not, and that Grafana can read them.

use super::queries::{GrafanaVariable, metrics, variables, without_variables};
use super::runbook::{as_is, text_height};
use super::*;
use crate::catalog::alerts::{AlertEntry, Pack};
use crate::catalog::machines;
use crate::catalog::programs::{ALERTMANAGER, EXPORTER, PROCESS, PROMETHEUS};

/// All that the rules can record.
const VOCABULARY: &str = "
    service_replica:up:max service_replica:requests:rate5m service_replica:errors:rate5m
    service_replica:aborted:rate5m service_replica:tokens_in:rate5m service_replica:tokens_out:rate5m
    service_replica:preemptions:rate5m service_replica:cpu_seconds:rate5m
    service_replica:latency_seconds:p99_rate5m service_replica:running:sum service_replica:queued:sum
    service_replica:kv_cache_usage:max service_replica:model_ready:min service_replica:memory_bytes:max
    service_replica:restarts:changes1h service_replica:start_time_seconds:max
    service:replicas_up:sum service:replicas:count service:requests:rate5m service:errors:rate5m
    service:errors:ratio_rate5m service:aborted:rate5m service:latency_seconds_bucket:rate5m
    service:latency_seconds:p50_rate5m service:latency_seconds:p95_rate5m service:latency_seconds:p99_rate5m
    service:time_to_first_token_seconds_bucket:rate5m service:time_to_first_token_seconds:p50_rate5m
    service:time_to_first_token_seconds:p95_rate5m service:time_to_first_token_seconds:p99_rate5m
    service:time_per_output_token_seconds_bucket:rate5m service:time_per_output_token_seconds:p50_rate5m
    service:time_per_output_token_seconds:p95_rate5m service:time_per_output_token_seconds:p99_rate5m
    service:running:sum service:queued:sum service:tokens_in:rate5m service:tokens_out:rate5m
    service:kv_cache_usage:max service:prefix_cache_hits:ratio_rate5m service:preemptions:rate5m
    service:model_ready:min service:restarts:changes1h service:utilization:ratio service:endpoint_up:min
    service:endpoint_latency_seconds:max service:certificate_expiry_seconds:min
    service:preemptions:ratio_rate5m service:requests:ratio1w service:tokens_out:ratio1w
    service:queue_time_seconds:p50_rate5m service:queue_time_seconds:p95_rate5m
    service:queue_time_seconds:p99_rate5m service:latency_seconds:mean_rate5m
    service:time_to_first_token_seconds:mean_rate5m service:time_per_output_token_seconds:mean_rate5m
    service:queue_time_seconds:mean_rate5m service_replica:errors:ratio_rate5m service_replica:awake:min
    service_replica:latency_seconds:mean_rate5m service_replica:time_to_first_token_seconds:mean_rate5m
    service_replica:time_per_output_token_seconds:mean_rate5m service_replica:queue_time_seconds:mean_rate5m
    service_replica:time_to_first_token_seconds:p99_rate5m
    service_replica:time_per_output_token_seconds:p99_rate5m service_replica:queue_time_seconds:p99_rate5m";

/// What the rules record of objectives, without what only alerts read.
const OBJECTIVES: &str = "
    service:slo_objective:ratio service:slo_requests:rate5m service:slo_failures:rate5m service:slo_failures:ratio
    service:slo_burn:rate1h service:slo_burn:rate6h service:slo_burn:rate1d service:slo_burn:rate3d
    service:slo_budget_remaining:ratio service:slo_exhaustion_seconds:rate6h";

/// All that the rules can record of what replicas cost.
const COSTS: &str = "
    service_replica:cost_hourly:sum service:cost_hourly:sum service:cost_monthly:sum service:cost:sum30d
    service:cost_per_million_tokens:ratio_rate5m service:cost_unpriced_replicas:count
    stack:cost_hourly:sum stack:cloud_replicas:count";

fn template(name: &str) -> Value {
    let text = match name {
        "overview.json" => include_str!("../../../templates/grafana/dashboards/overview.json"),
        "service.json" => include_str!("../../../templates/grafana/dashboards/service.json"),
        "slo.json" => include_str!("../../../templates/grafana/dashboards/slo.json"),
        "skyserve.json" => include_str!("../../../templates/grafana/dashboards/skyserve.json"),
        "hosts.json" => include_str!("../../../templates/grafana/dashboards/hosts.json"),
        "gpus.json" => include_str!("../../../templates/grafana/dashboards/gpus.json"),
        "monitoring.json" => include_str!("../../../templates/grafana/dashboards/monitoring.json"),
        other => panic!("no such template: {other}"),
    };
    serde_json::from_str(text).unwrap()
}

/// What the programs of a stack without a probe expose.
fn exposed() -> BTreeSet<String> {
    let programs = [PROMETHEUS.metrics, ALERTMANAGER.metrics, PROCESS];
    programs.into_iter().flatten().map(|metric| (*metric).to_owned()).collect()
}

fn service(name: &str, engine: &str, recorded: &str, thresholds: &[(&str, f64)]) -> DashboardService {
    DashboardService {
        name: name.into(),
        engine: engine.into(),
        recorded: recorded.split_whitespace().map(Into::into).collect(),
        traffic: None,
        interval: Duration::from_secs(15),
        thresholds: thresholds.iter().map(|(alert, value)| ((*alert).into(), *value)).collect(),
    }
}

fn stack(services: Vec<DashboardService>) -> DashboardInput {
    let engines = [("vllm", "vLLM"), ("custom", "Custom server")];
    DashboardInput {
        stack: "night".into(),
        services,
        engines: engines.map(|(engine, title)| (engine.into(), title.into())).into(),
        exposed: exposed(),
        thresholds: [("TargetDown".into(), 1.0)].into(),
        packs: Vec::new(),
        programs: vec![("Alertmanager".into(), "http://127.0.0.1:9093/#/alerts".into())],
        runbook: vec![RunbookEntry { alert: "ServiceDown".into(), markdown: "Look at `$HOME`.".into() }],
        own_runbook: None,
    }
}

fn full() -> DashboardInput {
    let thresholds = [("HighLatency", 2.5), ("HighErrorRate", 0.05)];
    let traffic = Traffic {
        metrics: vec!["http_requests_total".into(), "old_requests_total".into()],
        endpoint: Some("handler".into()),
        status: None,
    };
    let slow = Duration::from_secs(60);
    let chat = service("chat", "vllm", &[VOCABULARY, OBJECTIVES].concat(), &thresholds);
    stack(vec![
        DashboardService { traffic: Some(traffic), interval: slow, ..chat },
        service("code", "vllm", VOCABULARY, &[("HighLatency", 4.0), ("HighErrorRate", 0.05)]),
        service("rank", "custom", VOCABULARY, &thresholds),
    ])
}

fn on_skyserve(recorded: &str, thresholds: &[(&str, f64)]) -> DashboardInput {
    let mut input = full();
    let recorded = recorded.split_whitespace().map(Into::into);
    input.exposed.extend(EXPORTER.metrics.iter().map(|metric| (*metric).to_owned()).chain(recorded));
    input.thresholds.extend(thresholds.iter().map(|(alert, value)| ((*alert).into(), *value)));
    let alerts = alerts_of_skyserve();
    input.packs = vec![PackPage { uid: SKYSERVE_UID, name: "SkyServe", template: "skyserve.json", alerts }];
    input
}

fn alerts_of_skyserve() -> BTreeSet<String> {
    let of_skyserve = AlertEntry::all().iter().filter(|entry| entry.pack == Pack::SkyServe);
    of_skyserve.map(|entry| entry.name.clone()).collect()
}

fn empty() -> DashboardInput {
    stack(vec![service("chat", "vllm", "", &[])])
}

/// As small an engine as there is: no tokens, no queue, no buckets.
fn thin() -> DashboardInput {
    let recorded =
        "service_replica:up:max service:replicas_up:sum service:replicas:count service:requests:rate5m
        service:latency_seconds:p99_rate5m";
    stack(vec![service("rank", "custom", recorded, &[])])
}

/// Nothing to scrape: only the probe of the endpoint knows about it.
fn only_endpoint() -> DashboardInput {
    stack(vec![service("chat", "vllm", "service:endpoint_up:min service:endpoint_latency_seconds:max", &[])])
}

fn dashboards(input: &DashboardInput) -> BTreeMap<String, Value> {
    build(input, template).unwrap().into_iter().collect()
}

/// Every object in a dashboard that has this key.
fn having<'a>(value: &'a Value, key: &str, found: &mut Vec<&'a Value>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| having(item, key, found)),
        Value::Object(fields) => {
            found.extend(fields.contains_key(key).then_some(value));
            fields.values().for_each(|item| having(item, key, found));
        }
        _ => {}
    }
}

fn all_having<'a>(value: &'a Value, key: &str) -> Vec<&'a Value> {
    let mut found = Vec::new();
    having(value, key, &mut found);
    found
}

fn panel<'a>(dashboard: &'a Value, title: &str) -> Option<&'a Value> {
    {
        let mut panels = dashboard["panels"].as_array().unwrap().iter();
        panels.find(|panel| panel["title"] == title && panel["type"] != "row")
    }
}

#[test]
fn the_files_their_names_and_their_links() {
    let built = build(&full(), template).unwrap();
    let titles: Vec<_> = built
        .iter()
        .map(|(file, page)| (file.as_str(), page["uid"].as_str().unwrap(), page["title"].as_str().unwrap()))
        .collect();
    let expected = [
        ("overview.json", "skymon-overview", "Overview · night"),
        ("service-custom.json", "skymon-service-custom", "Service · Custom server · night"),
        ("service-vllm.json", "skymon-service-vllm", "Service · vLLM · night"),
        ("slo.json", "skymon-slo", "Objectives · night"),
        ("monitoring.json", "skymon-monitoring", "Monitoring · night"),
        ("runbook.json", "skymon-runbook", "Runbook · night"),
    ];
    assert_eq!(titles, expected);
    for (_, page) in &built {
        assert_eq!(page["tags"], json!(["skymon", "night"]));
        assert_eq!(page["links"].as_array().unwrap().len(), 6);
        assert!(page.get("id").is_none() && page.get("__inputs").is_none());
    }
}

#[test]
fn whatever_is_recorded_the_page_is_sound() {
    let skyserve = [on_skyserve(COSTS, &[]), on_skyserve("", &[])];
    for input in [full(), thin(), empty(), only_endpoint()].into_iter().chain(skyserve) {
        for (file, page) in dashboards(&input) {
            let panels = page["panels"].as_array().unwrap();
            let ids: BTreeSet<u64> = panels.iter().map(|panel| panel["id"].as_u64().unwrap()).collect();
            assert_eq!(ids.len(), panels.len(), "{file}: ids");

            let mut cells = BTreeSet::new();
            for panel in panels {
                let at = |side: &str| panel["gridPos"][side].as_u64().unwrap();
                assert!(at("w") > 0 && at("h") > 0 && at("x") + at("w") <= 24, "{file}: {}", panel["title"]);
                for cell in (at("y")..at("y") + at("h"))
                    .flat_map(|y| (at("x")..at("x") + at("w")).map(move |x| (x, y)))
                {
                    assert!(cells.insert(cell), "{file}: {} overlaps", panel["title"]);
                }
            }

            for with_source in all_having(&page, "datasource") {
                assert_eq!(with_source["datasource"], json!({"type": "prometheus", "uid": DATASOURCE_UID}));
            }
            assert!(all_having(&page, "skymon").is_empty(), "{file}: a mark is left");

            let is_there = |metric: &String| {
                let of = |service: &DashboardService| {
                    let traffic = service.traffic.iter().flat_map(|traffic| &traffic.metrics);
                    service.recorded.iter().chain(traffic).any(|name| name == metric)
                };
                metric == ALERTS || input.exposed.contains(metric) || input.services.iter().any(of)
            };
            for target in all_having(&page, "expr") {
                let expr = target["expr"].as_str().unwrap();
                assert!(metrics(expr).unwrap().iter().all(is_there), "{file}: {expr}");
            }
            for panel in
                panels.iter().filter(|panel| !["row", "text"].contains(&panel["type"].as_str().unwrap()))
            {
                assert!(!panel["targets"].as_array().unwrap().is_empty(), "{file}: {}", panel["title"]);
                assert!(panel["description"].as_str().unwrap().ends_with('.'), "{file}: {}", panel["title"]);
            }
        }
    }
}

#[test]
fn without_series_only_the_alerts_are_left() {
    let built = dashboards(&empty());
    let left = |file: &str| -> Vec<&str> {
        built[file]["panels"]
            .as_array()
            .unwrap()
            .iter()
            .map(|panel| panel["title"].as_str().unwrap())
            .collect()
    };
    assert_eq!(left("overview.json"), ["Critical alerts", "Warnings", "Firing alerts", "Services"]);
    assert_eq!(left("service-vllm.json"), ["Health", "Firing alerts"]);
    let variables = all_having(&built["service-vllm.json"]["templating"], "name");
    assert_eq!(variables.len(), 1, "no replica is recorded to choose from");
}

#[test]
fn the_templates_show_the_whole_vocabulary_and_nothing_else() {
    let asked_by = |name: &str| -> BTreeSet<String> {
        let template = template(name);
        let targets = all_having(&template, "expr");
        targets.into_iter().flat_map(|target| metrics(target["expr"].as_str().unwrap()).unwrap()).collect()
    };
    let mut shown: BTreeSet<String> =
        ["overview.json", "service.json", "slo.json"].into_iter().flat_map(asked_by).collect();
    assert!(shown.remove("example_requests_total"), "stands for the engine's own counter");
    let recorded = [VOCABULARY, OBJECTIVES];
    let mut expected: BTreeSet<String> =
        recorded.into_iter().flat_map(str::split_whitespace).map(Into::into).collect();
    expected.insert(ALERTS.into());
    // The machines of the replicas.
    let (of_machines, shown): (BTreeSet<String>, BTreeSet<String>) =
        shown.into_iter().partition(|name| name.starts_with("host") || name == "service_replica:host:info");
    assert_eq!(shown, expected);
    let unknown: Vec<String> = asked_by("monitoring.json")
        .into_iter()
        .filter(|metric| metric != ALERTS && !exposed().contains(metric))
        .collect();
    assert_eq!(unknown, Vec::<String>::new(), "in no program's list of metrics");
    let recorded = |exporters: &[&machines::Exporter]| -> BTreeSet<String> {
        let recordings = exporters.iter().flat_map(|exporter| &exporter.recordings);
        recordings.map(|one| one.record.clone()).chain([ALERTS.to_owned()]).collect()
    };
    let of_hosts = recorded(&[machines::replicas(), machines::node(), machines::cadvisor()]);
    let mut asked_of_hosts = asked_by("hosts.json");
    // Asked for tomorrow only by the alert.
    asked_of_hosts.insert("host_disk:free_bytes_in_24h:predict1h".into());
    asked_of_hosts.extend(
        ["host:memory_bytes:max", "host_disk:size_bytes:max", "host_disk:free_bytes:min"].map(Into::into),
    );
    assert_eq!(asked_of_hosts, of_hosts);
    let of_gpus = recorded(&[machines::dcgm()]);
    assert!(
        of_machines.iter().all(|name| of_hosts.contains(name) || of_gpus.contains(name)),
        "{of_machines:?}"
    );
    assert_eq!(asked_by("gpus.json"), recorded(&[machines::replicas(), machines::dcgm()]));
    let mut of_skyserve = asked_by("skyserve.json");
    assert!(of_skyserve.remove(ALERTS) && COSTS.split_whitespace().all(|name| of_skyserve.remove(name)));
    let exposed: BTreeSet<String> = EXPORTER.metrics.iter().map(|metric| (*metric).to_owned()).collect();
    assert_eq!(of_skyserve, exposed);
}

#[test]
fn the_traffic_is_asked_of_the_engines_own_counter_as_often_as_the_slowest_service_allows() {
    let built = dashboards(&full());
    let by_endpoint = panel(&built["service-vllm.json"], "Answers per second by endpoint").unwrap();
    let target = &by_endpoint["targets"][0];
    assert_eq!(
        target["expr"],
        "label_replace(sum by (handler) (rate(http_requests_total{service=\"$service\"}[$__rate_interval]) \
         or rate(old_requests_total{service=\"$service\"}[$__rate_interval])), \
         \"handler\", \"(none)\", \"handler\", \"\")"
    );
    assert_eq!((&target["legendFormat"], &target["interval"]), (&json!("{{handler}}"), &json!("60s")));
    assert!(panel(&built["service-vllm.json"], "Answers per second by status").is_none(), "no such label");
    assert!(panel(&built["service-custom.json"], "Answers per second by endpoint").is_none(), "no traffic");
}

#[test]
fn an_interval_is_one_number_and_one_unit() {
    let shown = [15_000, 90_000, 1_500].map(|millis| interval(Duration::from_millis(millis)));
    assert_eq!(shown, ["15s", "90s", "1500ms"]);
}

#[test]
fn a_certificate_is_coloured_below_the_thresholds_of_its_alerts() {
    let mut input = full();
    for service in &mut input.services {
        service.thresholds.insert("CertificateExpiring".into(), 1_209_600.0);
    }
    let steps = |input: &DashboardInput| {
        let built = dashboards(input);
        let stat = panel(&built["service-custom.json"], "Certificate").unwrap();
        stat["fieldConfig"]["defaults"]["thresholds"]["steps"].clone()
    };
    assert_eq!(
        steps(&input),
        json!([{"color": "orange", "value": null}, {"color": "text", "value": 1_209_600.0}])
    );
    input.services[2].thresholds.insert("CertificateAboutToExpire".into(), 172_800.0);
    let expected = json!([
        {"color": "red", "value": null},
        {"color": "orange", "value": 172_800.0},
        {"color": "text", "value": 1_209_600.0},
    ]);
    assert_eq!(steps(&input), expected);
}

#[test]
fn an_annotation_that_nothing_can_fill_is_left_out() {
    let names = |input: &DashboardInput| -> Vec<String> {
        let built = dashboards(input);
        let annotations = built["service-vllm.json"]["annotations"]["list"].as_array().unwrap();
        annotations.iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(&full()), ["Critical alerts", "Warnings", "Starts"]);
    assert_eq!(names(&empty()), ["Critical alerts", "Warnings"]);
}

#[test]
fn a_panel_with_a_threshold_leads_to_its_alert_in_the_runbook() {
    let mut input = full();
    input.runbook.push(RunbookEntry { alert: "HighLatency".into(), markdown: "Wait.".into() });
    let built = dashboards(&input);
    let links = &panel(&built["service-vllm.json"], "Latency").unwrap()["links"];
    assert_eq!(links.as_array().unwrap().len(), 1);
    assert_eq!(links[0]["title"], "What to do: HighLatency");
    let number = built["runbook.json"]["panels"][1]["id"].as_u64().unwrap();
    assert_eq!(links[0]["url"], format!("/d/skymon-runbook?viewPanel=panel-{number}"));
    assert!(panel(&built["service-vllm.json"], "Error ratio").unwrap().get("links").is_none());
}

#[test]
fn every_alert_has_a_panel_number_of_its_own() {
    let names = AlertEntry::all().iter().map(|entry| entry.name.as_str());
    let numbers: BTreeSet<u32> = names.map(runbook::panel_number).collect();
    assert_eq!(numbers.len(), AlertEntry::all().len());
    // What is in notifications already must go on leading there.
    assert_eq!(runbook::panel_number("ServiceDown"), 14_228_018);
}

#[test]
fn dropped_queries_take_their_columns_along() {
    let built = dashboards(&thin());
    let table = panel(&built["overview.json"], "Services").unwrap();
    let columns: Vec<&str> =
        table["targets"].as_array().unwrap().iter().map(|target| target["refId"].as_str().unwrap()).collect();
    assert_eq!(columns, ["pages", "A", "B", "C", "F", "H"]);
    assert!(!table.to_string().contains("Value #G"));
    assert!(!table.to_string().contains("Errors"));
    let quantiles = panel(&built["service-custom.json"], "Latency").unwrap();
    assert_eq!(quantiles["targets"].as_array().unwrap().len(), 1);
    assert!(panel(&built["service-custom.json"], "Tokens").is_none(), "an empty row");
}

#[test]
fn a_threshold_is_drawn_where_all_services_of_the_page_agree() {
    let built = dashboards(&full());
    let latency = |file: &str| panel(&built[file], "Latency").unwrap()["fieldConfig"]["defaults"].clone();
    let alone = latency("service-custom.json");
    assert_eq!(alone["thresholds"]["steps"][1], json!({"color": "red", "value": 2.5}));
    assert_eq!(alone["custom"]["thresholdsStyle"]["mode"], "line");
    let divided = latency("service-vllm.json");
    assert_eq!(divided["thresholds"]["steps"].as_array().unwrap().len(), 1);
    assert_eq!(divided["custom"]["thresholdsStyle"]["mode"], "off");
    let lines = &panel(&built["service-vllm.json"], "Latency").unwrap()["targets"][4];
    assert_eq!(
        lines["expr"],
        "(label_replace(vector(2.5), \"service\", \"chat\", \"\", \"\")\n\
         or label_replace(vector(4), \"service\", \"code\", \"\", \"\"))\n\
         and on (service) label_replace(vector(1), \"service\", \"$service\", \"\", \"\")"
    );

    let errors = panel(&built["service-vllm.json"], "Error ratio").unwrap();
    assert_eq!(errors["fieldConfig"]["defaults"]["thresholds"]["steps"][1]["value"], 0.05);
    let table = panel(&built["overview.json"], "Services").unwrap();
    let overrides = table["fieldConfig"]["overrides"].as_array().unwrap();
    let errors = overrides.iter().find(|one| one["matcher"]["options"] == "Value #G").unwrap();
    let thresholds = errors["properties"].as_array().unwrap().iter().filter(|one| one["id"] == "thresholds");
    let steps: Vec<_> = thresholds.map(|one| &one["value"]["steps"][1]).collect();
    assert_eq!(steps, [&json!({"color": "red", "value": 0.05})]);
}

#[test]
fn an_alert_that_one_service_lacks_has_no_line() {
    let mut input = full();
    input.services[1].thresholds.clear();
    let errors = &dashboards(&input)["service-vllm.json"];
    let errors = panel(errors, "Error ratio").unwrap();
    assert_eq!(errors["fieldConfig"]["defaults"]["custom"]["thresholdsStyle"]["mode"], "off");
}

#[test]
fn a_service_that_a_panel_cannot_show_has_no_say_in_its_line() {
    let mut input = full();
    let probed = service("front", "custom", "service:endpoint_up:min", &[]);
    input.services.push(probed);
    let errors = &dashboards(&input)["overview.json"];
    let errors = panel(errors, "Error ratio").unwrap();
    assert_eq!(errors["fieldConfig"]["defaults"]["thresholds"]["steps"][1]["value"], 0.05);
}

#[test]
fn each_service_finds_its_page_and_its_place_in_the_list() {
    let built = dashboards(&full());
    let table = panel(&built["overview.json"], "Services").unwrap();
    let pages = table["targets"][0]["expr"].as_str().unwrap();
    assert_eq!(pages.lines().count(), 3);
    let row = "label_replace(label_replace(vector(1), \"service\", \"code\", \"\", \"\"), \"page\", \
               \"skymon-service-vllm\", \"\", \"\")";
    assert!(pages.contains(row), "{pages}");
    let services = &built["service-vllm.json"]["templating"]["list"][0];
    assert_eq!(services["query"], "chat,code");
    assert_eq!(services["current"]["value"], "chat");
    assert_eq!(services["options"][1], json!({"selected": false, "text": "code", "value": "code"}));
}

#[test]
fn an_alert_leads_to_the_page_of_its_service() {
    let mut input = full();
    input.services[2].name = "re.rank".into();
    let built = dashboards(&input);
    let alerts = panel(&built["overview.json"], "Firing alerts").unwrap();
    let expr = alerts["targets"][0]["expr"].as_str().unwrap();
    for (page, services) in [
        ("skymon-overview", ".*"),
        ("skymon-monitoring", ""),
        ("skymon-service-vllm", "chat|code"),
        ("skymon-service-custom", "re[.]rank"),
    ] {
        assert!(expr.contains(&format!(", \"page\", \"{page}\", \"service\", \"{services}\")")), "{expr}");
    }
}

#[test]
fn without_skyserve_there_is_no_page_of_it() {
    let built = dashboards(&full());
    assert!(!built.contains_key("skyserve.json"));
    assert!(built.values().all(|page| !page.to_string().contains(SKYSERVE_UID)));
}

#[test]
fn the_page_of_skyserve_is_linked_from_every_other_and_opens_from_its_alerts() {
    let built = dashboards(&on_skyserve(COSTS, &[]));
    for (file, page) in built.iter().filter(|(file, _)| *file != "skyserve.json") {
        let links = page["links"].as_array().unwrap();
        assert!(links.iter().any(|link| link["url"] == "/d/skymon-skyserve"), "{file}");
    }
    let alerts = panel(&built["overview.json"], "Firing alerts").unwrap();
    let expr = alerts["targets"][0]["expr"].as_str().unwrap();
    let names = Vec::from_iter(alerts_of_skyserve()).join("|");
    assert!(
        expr.ends_with(&format!(", \"page\", \"skymon-skyserve\", \"alertname\", \"{names}\")")),
        "{expr}"
    );

    let mut none = on_skyserve(COSTS, &[]);
    none.packs[0].alerts.clear();
    let overview = &dashboards(&none)["overview.json"];
    let expr = panel(overview, "Firing alerts").unwrap()["targets"][0]["expr"].as_str().unwrap();
    assert!(!expr.contains(SKYSERVE_UID), "an empty name is that of everything: {expr}");
}

/// The templates select them by how they are called.
#[test]
fn the_names_of_alerts_with_a_page_of_their_own_are_known_by_their_beginning() {
    for entry in AlertEntry::all() {
        let begins = |words: &[&str]| words.iter().any(|begin| entry.name.starts_with(begin));
        assert_eq!(begins(&["SkyServe", "Cloud"]), entry.pack == Pack::SkyServe, "{}", entry.name);
        assert_eq!(begins(&["Host"]), entry.pack == Pack::Hosts, "{}", entry.name);
        assert_eq!(begins(&["Gpu"]), entry.pack == Pack::Gpus, "{}", entry.name);
    }
}

#[test]
fn a_limit_on_money_or_replicas_is_a_line_that_leads_to_the_runbook() {
    let style = |page: &Value, title: &str| {
        let defaults = &panel(page, title).unwrap()["fieldConfig"]["defaults"];
        (defaults["thresholds"]["steps"][1].clone(), defaults["custom"]["thresholdsStyle"]["mode"].clone())
    };
    let mut limited = on_skyserve(
        COSTS,
        &[("CloudSpendHigh", 20.0), ("CloudReplicasHigh", 12.0), ("SkyServePreemptions", 3.0)],
    );
    limited.runbook.push(RunbookEntry { alert: "CloudSpendHigh".into(), markdown: "Look.".into() });
    let page = &dashboards(&limited)["skyserve.json"];
    let line = |value: f64| (json!({"color": "red", "value": value}), json!("line"));
    assert_eq!(style(page, "Cost per hour, all services"), line(20.0));
    assert_eq!(style(page, "Replicas in clouds over time"), line(12.0));
    assert_eq!(style(page, "Cost per hour").0, line(20.0).0);
    let links = &panel(page, "Cost per hour").unwrap()["links"];
    assert_eq!(links[0]["title"], "What to do: CloudSpendHigh");
    let lost = having_matcher(panel(page, "Services on SkyServe").unwrap(), "Value #H");
    assert!(lost.contains("{\"color\":\"orange\",\"value\":3.0}"), "{lost}");

    let page = &dashboards(&on_skyserve(COSTS, &[]))["skyserve.json"];
    assert_eq!(style(page, "Cost per hour, all services"), (Value::Null, json!("off")));
}

fn having_matcher(table: &Value, column: &str) -> String {
    let overrides = table["fieldConfig"]["overrides"].as_array().unwrap();
    overrides.iter().find(|one| one["matcher"]["options"] == column).unwrap().to_string()
}

#[test]
fn without_rates_the_page_of_skyserve_says_nothing_of_money() {
    let page = &dashboards(&on_skyserve("stack:cloud_replicas:count", &[]))["skyserve.json"];
    let titles: Vec<&str> =
        page["panels"].as_array().unwrap().iter().map(|panel| panel["title"].as_str().unwrap()).collect();
    let of_cost: Vec<&&str> = titles.iter().skip_while(|title| **title != "Cost").take(3).collect();
    assert_eq!(of_cost, [&"Cost", &"Replicas in clouds", &"Replicas in clouds over time"]);
    let tables =
        ["Services on SkyServe", "Each replica"].map(|title| panel(page, title).unwrap().to_string());
    assert!(
        tables.iter().all(|table| !table.contains("Cost per hour") && !table.contains("price")),
        "{tables:?}"
    );
}

#[test]
fn an_export_from_another_grafana_is_made_our_own() {
    let foreign = json!({
        "id": 7, "version": 3, "__inputs": [{"name": "DS_PROMETHEUS"}], "title": "Mine",
        "annotations": {"list": [{"datasource": {"type": "grafana", "uid": "-- Grafana --"}}]},
        "panels": [
            {"type": "text", "options": {"content": "kept"}},
            {"type": "timeseries", "title": "a", "datasource": "${DS_PROMETHEUS}", "skymon": {"threshold": "HighLatency"},
             "targets": [{"refId": "A", "expr": "rate(service:queued:sum{service=~\"${service:regex}\"}[$__rate_interval])"}]},
        ],
    });
    let built = build(&full(), |_| foreign.clone()).unwrap();
    let page = &built[0].1;
    assert!(page.get("id").is_none() && page.get("version").is_none() && page.get("__inputs").is_none());
    assert_eq!(page["panels"][1]["datasource"]["uid"], DATASOURCE_UID);
    assert_eq!(page["annotations"]["list"][0]["datasource"]["uid"], "-- Grafana --");
}

#[test]
fn a_template_that_cannot_be_used_is_named_with_its_fault() {
    let fault = |template: Value| format!("{:#}", build(&full(), |_| template.clone()).unwrap_err());
    assert!(fault(json!([])).contains("`overview.json`: a dashboard is a JSON object"));
    assert!(fault(json!({"panels": ["a"]})).contains("a panel is a JSON object"));
    let broken = json!({"panels": [{"title": "Load", "targets": [{"refId": "A", "expr": "sum("}]}]});
    assert!(fault(broken).contains("the panel `Load`"));
}

#[test]
fn variables_are_read_as_grafana_reads_them() {
    let expr = "rate(a{b=\"$service\",c=~\"${replica:regex}\"}[$__rate_interval]) / $n";
    assert_eq!(without_variables(expr), "rate(a{b=\"1\",c=~\"1\"}[5m]) / 1");
    let expected = ["__rate_interval", "n", "replica", "service"].map(String::from);
    assert_eq!(variables(expr), expected.into());
    assert_eq!(without_variables("a{b=~\"x$\"}"), "a{b=~\"x$\"}");
    let old = "rate(a{b=\"[[service]]\",c=~\"[[replica:regex]]\"}[[[every]]]) / [[n]]";
    assert_eq!(without_variables(old), "rate(a{b=\"1\",c=~\"1\"}[5m]) / 1");
    assert_eq!(variables(old), ["every", "n", "replica", "service"].map(String::from).into());
    assert_eq!(without_variables("rate(a[${n}m]) + b[[[n]]m:${o}s]"), "rate(a[5m]) + b[5m:5s]");
    for none in
        ["[[:alpha:]]", "[[a-z]x]", "[[a]", "[[]]", "[[a:]", "$", "${}", "${a b}", "${a", "${a:b", "a[5m]"]
    {
        assert_eq!(without_variables(none), none);
    }
    for (text, name, form) in [
        ("$a_1", "a_1", ""),
        ("${a}", "a", ""),
        ("${a:regex}", "a", ":regex"),
        ("${__from:date:YYYY-MM}", "__from", ":date:YYYY-MM"),
        ("${a.b}", "a", ".b"),
        ("[[a]]", "a", ""),
        ("[[a:csv]]", "a", ":csv"),
    ] {
        assert_eq!(GrafanaVariable::whole(text), Some(GrafanaVariable { name, form, range: 0..text.len() }));
    }
    assert_eq!(GrafanaVariable::whole("$a-b"), None);
}

#[test]
fn names_are_found_wherever_a_query_hides_them() {
    let found =
        metrics("sum(a) / (b offset 1h > 0) or max_over_time(c[$__interval:1m]) + vector(0)").unwrap();
    assert_eq!(found, ["a", "b", "c"].map(String::from).into());
}

#[test]
fn a_dollar_in_the_runbook_shows_as_itself() {
    assert_eq!(
        as_is("`$HOME` ${X} costs 5$, $5 {{ $labels.a }}"),
        "`${dollar}HOME` ${dollar}{X} costs 5$, ${dollar}5 {{ ${dollar}labels.a }}"
    );
    let built = dashboards(&full());
    assert_eq!(built["runbook.json"]["panels"][0]["options"]["content"], "Look at `${dollar}HOME`.");
}

#[test]
fn a_longer_text_gets_a_higher_panel() {
    assert!(text_height("one line") < text_height(&"one line\n".repeat(20)));
    assert!(text_height("word") < text_height(&"word ".repeat(300)));
}

#[test]
fn without_a_runbook_nothing_leads_to_it() {
    let mut input = full();
    input.runbook.clear();
    let built = dashboards(&input);
    assert!(!built.contains_key("runbook.json"));
    assert_eq!(built["overview.json"]["links"].as_array().unwrap().len(), 5);
    assert!(!built["overview.json"].to_string().contains(RUNBOOK_UID), "not even from the table of alerts");
}

#[test]
fn the_users_own_runbook_takes_the_place_of_ours() {
    let mut input = full();
    input.runbook.clear();
    input.own_runbook = Some("https://wiki.example.com/runbooks".into());
    let built = dashboards(&input);
    let text = built["overview.json"].to_string();
    assert!(text.contains("\"https://wiki.example.com/runbooks/${__data.fields.alertname}\""), "{text}");
    assert!(!text.contains(RUNBOOK_UID));
    let links = &panel(&built["service-vllm.json"], "Latency").unwrap()["links"];
    assert_eq!(links[0]["url"], "https://wiki.example.com/runbooks/HighLatency");
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    let text = || format!("{:?}", build(&full(), template).unwrap());
    assert_eq!(text(), text());
}
