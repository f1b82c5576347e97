//! SkyServe in the config: what is refused, what the exporter is told, what series and replicas are called, and what the
//! real programs say of all the rates that can be written.

mod support;

use support::project::Project;
use support::tools;

/// A stack with one service on SkyServe, and these lines.
fn with(service: &str, lines: &str) -> Project {
    Project::new(&format!(
        "version: 1\nname: x\nservices:\n  chat:\n    engine: vllm\n    endpoint: https://chat.example.com\n{service}\
         receivers: {{team: {{slack: {{webhook_url_file: secrets/slack}}}}}}\nroutes: {{critical: team, warning: team}}\n{lines}"
    ))
}

const FOUND: &str = "    discover: {skyserve: llm-chat}\n";
const SERVER: &str = "skyserve: {api_server: 'https://sky.example.com', token_file: secrets/token}\n";

fn rendered(service: &str, lines: &str) -> Project {
    let project = with(service, lines);
    project.render();
    project
}

#[test]
fn what_cannot_be_asked_or_priced_is_refused_with_its_place_and_the_line_to_write() {
    let static_service = "    replicas: [10.0.0.1:8000]\n";
    for (service, lines, id, help) in [
        (FOUND, "", "missing-key", "write `skyserve: {api_server:"),
        (FOUND, "skyserve: {}\n", "missing-key", "api_server"),
        (
            FOUND,
            "skyserve: {api_server: 'https://sky.example.com', token: sky_x}\n",
            "literal-secret",
            "token_file: secrets/skypilot_token",
        ),
        (
            FOUND,
            "skyserve: {api_server: 'https://sky.example.com', token_file: a, basic_auth_file: b}\n",
            "one-of",
            "keep `token_file",
        ),
        (FOUND, "skyserve: {api_server: 'http://127.0.0.1:46580'}\n", "bad-value", "host.docker.internal"),
        (
            FOUND,
            "skyserve: {api_server: 'https://sky.example.com', poll_interval: 1s}\n",
            "bad-value",
            "write `1m`",
        ),
        (
            static_service,
            "skyserve: {api_server: 'http://sky.example.com', ca_file: certs/sky.pem}\n",
            "bad-value",
            "remove `ca_file`",
        ),
        (
            static_service,
            "skyserve: {api_server: 'https://sky.example.com/?a=b'}\n",
            "bad-value",
            "before the `?`",
        ),
        ("    discover: {skyserve: 'a b'}\n", SERVER, "bad-value", "letters, digits"),
        ("    discover: {dns: 'a.example:1', port: 1}\n", SERVER, "one-of", "remove it"),
        (
            "    discover: {skyserve: other}\n",
            "skyserve: {api_server: 'https://sky.example.com', services: [chat]}\n",
            "two-sources",
            "one service here",
        ),
        (
            static_service,
            "cost: {hourly: {AWS: 1}}\nskyserve: {api_server: 'https://sky.example.com'}\n",
            "bad-key",
            "small letters",
        ),
        (
            static_service,
            "cost: {hourly: {aws/L4/x: 1}}\nskyserve: {api_server: 'https://sky.example.com'}\n",
            "bad-key",
            "aws/L4/spot",
        ),
        (
            static_service,
            "cost: {hourly: {aws: -1}}\nskyserve: {api_server: 'https://sky.example.com'}\n",
            "bad-value",
            "without a currency",
        ),
        (
            static_service,
            "cost: {hourly: {aws: 1}, max_hourly: 0}\nskyserve: {api_server: 'https://sky.example.com'}\n",
            "bad-value",
            "max_hourly: 2.5",
        ),
        (
            static_service,
            "cost: {max_hourly: 2}\nskyserve: {api_server: 'https://sky.example.com'}\n",
            "missing-key",
            "hourly: {aws: 0.15}",
        ),
    ] {
        let said = with(service, lines).skymon(&["validate"]);
        assert_eq!(said.status, 1, "{lines}\n{}", said.text());
        assert!(said.stdout.contains(&format!("error[{id}]")), "{service}{lines}\n{}", said.stdout);
        assert!(
            said.stdout.contains("--> skymon.yaml:") && said.stdout.contains(help),
            "{lines}\n{}",
            said.stdout
        );
    }
    let idle = with(static_service, "cost: {hourly: {aws: 1}}\n").skymon(&["validate"]);
    assert!(idle.stdout.contains("warning[idle-cost]"), "{}", idle.stdout);
}

#[test]
fn the_exporter_is_told_whom_to_ask_and_what_to_watch() {
    let project = rendered(
        FOUND,
        "skyserve: {api_server: 'https://sky.example.com/', token_file: secrets/token, ca_file: certs/sky.pem, services: [b, a], poll_interval: 90s}\n",
    );
    let args = ["-f", "docker-compose.yml", "config", "--format", "json"];
    let compose = tools::compose(&args, &project.path("monitoring"), &[]).expect_success();
    let compose: serde_json::Value = serde_json::from_str(&compose.stdout).expect("compose prints JSON");
    let exporter = &compose["services"]["exporter"];
    let environment = |name: &str| exporter["environment"][name].as_str().unwrap_or_default().to_owned();
    assert_eq!(environment("SKYPILOT_API_SERVER_ENDPOINT"), "https://sky.example.com");
    assert_eq!(environment("SKYSERVE_SERVICES"), "a,b,llm-chat", "what is discovered is watched");
    assert_eq!(environment("POLL_INTERVAL_SECONDS"), "90");
    assert_eq!(environment("SKYPILOT_TOKEN_FILE"), "/run/secrets/skyserve.token");
    assert_eq!(environment("SKYPILOT_CA_FILE"), "/run/secrets/skyserve.ca");
    assert_eq!(exporter["read_only"], true);
    assert!(exporter["ports"].is_null(), "nobody outside asks it");

    let all = rendered(FOUND, SERVER).read("monitoring/docker-compose.yml");
    assert!(all.contains("SKYSERVE_SERVICES: \"\""), "without names all are watched");
}

#[test]
fn every_series_carries_the_name_in_this_stack() {
    let prometheus = rendered("    discover: {skyserve: llm.chat, port: 9400}\n", SERVER)
        .read("monitoring/prometheus/prometheus.yml");
    for line in [
        "url: \"http://exporter:9477/sd?service=llm.chat&path=%2Fmetrics&port=9400\"",
        "regex: \"llm\\\\.chat\"",
        "replacement: \"chat\"",
        "- source_labels: [replica_id]",
    ] {
        assert!(prometheus.contains(line), "{line}\n{prometheus}");
    }
    let same =
        rendered("    discover: {skyserve: chat}\n", SERVER).read("monitoring/prometheus/prometheus.yml");
    assert!(!same.contains("metric_relabel_configs"), "there is nothing to rename");
}

#[test]
fn two_services_can_have_each_others_names() {
    let project = with(
        "    discover: {skyserve: old}\n  old: {engine: vllm, discover: {skyserve: chat}}\n",
        "skyserve: {api_server: 'https://sky.example.com', token_file: secrets/token, services: [other]}\n",
    );
    project.render();
}

#[test]
fn the_endpoint_is_asked_rarely_and_not_at_all_where_that_would_wake_the_service() {
    let interval = |service: &str| {
        let prometheus =
            rendered(&format!("{FOUND}{service}"), SERVER).read("monitoring/prometheus/prometheus.yml");
        let (_, job) = prometheus.split_once("job_name: \"chat/endpoint\"\n    scrape_interval: \"")?;
        Some(job.split('"').next().expect("closes").to_owned())
    };
    assert_eq!(interval("").as_deref(), Some("5m"));
    assert_eq!(interval("    scale: {min: 1}\n").as_deref(), Some("5m"));
    assert_eq!(interval("    scale: {min: 0}\n"), None);
    assert_eq!(
        interval("    scale: {min: 0}\n    probe: {enabled: true, interval: 10m}\n").as_deref(),
        Some("10m")
    );
    assert_eq!(interval("    probe: {interval: 30s}\n").as_deref(), Some("30s"));
}

#[test]
fn promtool_proves_the_rules_under_every_kind_of_rate_limit_and_interval() {
    let prices = [
        "",
        "cost: {max_cloud_replicas: 3}\n",
        "cost: {hourly: {aws: 0.15, gcp: 0.12, ssh: 0}, max_cloud_replicas: 10, max_hourly: 0.5}\n",
        "cost: {hourly: {aws: 0.8, aws/spot: 0.3, aws/L40S: 1.9, aws/L40S/spot: 0.7, aws/L40S/on-demand: 2.1, gcp/A100-80GB: 4}, max_hourly: 100}\n",
        "cost: {hourly: {ssh: 0}}\nprometheus: {retention: {time: 7d}, scrape_interval: 7s}\n",
        "prometheus: {scrape_interval: 1m}\nalerts: {SkyServePreemptions: {threshold: 1}, SkyServeLaunchLoop: {threshold: 20, for: 5m}, CloudReplicasHigh: {threshold: 7}, SkyServeBlind: {for: 1h, severity: critical}}\n",
    ];
    for lines in prices {
        for service in [FOUND, "    discover: {skyserve: chat}\n    probe: {interval: 10m}\n"] {
            let project = rendered(service, &format!("{SERVER}{lines}"));
            let tests: Vec<String> =
                ["stack", "chat"].map(|name| format!("prometheus/tests/{name}.yml")).into();
            let mut args = vec!["test".to_owned(), "rules".to_owned()];
            args.extend(tests);
            tools::promtool(&args, &project.path("monitoring")).expect_success();
            let said = project.skymon(&["validate"]);
            assert_eq!(said.status, 0, "{lines}\n{}", said.text());
        }
    }
}
