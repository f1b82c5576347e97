//! What the programs see: targets, metrics, receivers.

use crate::support::fakes::Receiver;
use crate::support::http::Reply;
use crate::support::lab::{BROKEN, always};
use crate::{expect, findings, lab, wait_for};

const SERVICES: &str =
    "  chat: {engine: custom, replicas: ['IP:8001', 'IP:8002', 'IP:8003', 'IP:8004', 'IP:8005']}
  found: {engine: custom, discover: {http: 'http://IP:7010/targets'}}
";

#[test]
fn what_is_down_silent_mistyped_or_refused_is_named() {
    let lab = lab("127.84.41.1", SERVICES);
    let (_slack, pagerduty) = (lab.slack(), lab.pagerduty());
    let _grafana = lab.grafana();
    let good = lab.replica(8001);
    // Nobody listens at 8002. The next is another program, and the last one half of the right one.
    let _other =
        Receiver::start(lab.addr(8003), Reply::metrics(200, "# TYPE other gauge\nother 1\n".to_owned()));
    let (_, page) =
        crate::support::http::get(&format!("http://{}/metrics", lab.addr(8001))).expect("answers");
    let lines: Vec<String> = page
        .lines()
        .filter(|line| !line.contains("inference_request_duration_seconds"))
        .map(|line| {
            line.replace("inference_tokens_generated_total counter", "inference_tokens_generated_total gauge")
        })
        .collect();
    let half = format!("{}\n", lines.join("\n"));
    assert_ne!(half, page);
    let _half = Receiver::start(lab.addr(8004), Reply::metrics(200, half));
    let _shut = Receiver::start(lab.addr(8005), Reply::text(401, "who are you?"));
    let found_at_run_time = serde_json::json!([{"targets": ["127.84.41.1:8001", "127.84.41.1:8006"]}]);
    let _discovery = Receiver::start(lab.addr(7010), Reply::json(200, &found_at_run_time));
    pagerduty.answer(Reply::text(400, "invalid key"));
    lab.render();
    lab.hurry();
    lab.write_rules(&[BROKEN, "record: 'own:nowhere', expr: 'sum(queue_lenght)'", &always("critical")]);
    let mut running = lab.start();
    let (status, found) = wait_for(&lab, &["error receiver-fails", "clientError"]);
    assert_eq!(status, 1);
    expect_each(&found);
    drop(good);

    // What cannot be reached is not said to be missing, and all the rest is still said.
    running.stop("alertmanager");
    let (status, found) = findings(&lab);
    assert_eq!(status, 2);
    expect(
        &found,
        &[
            "error not-reached",
            "cannot reach Alertmanager at `http://127.84.41.1:9093/`: Connection refused;",
        ],
    );
    expect(&found, &["error target-down", "`127.84.41.1:8002`"]);
    assert!(!found.iter().any(|line| line.contains("receiver `")), "{found:#?}");

    // A target file that Prometheus refuses: it keeps the targets that it had.
    let file = "monitoring/prometheus/targets/chat.yml";
    lab.edit(file, ":8005\"\n", ":8009\"\n  note: x\n");
    let (_, found) = findings(&lab);
    expect(
        &found,
        &[
            "error target-missing monitoring/prometheus/targets/chat.yml:7",
            "does not scrape `127.84.41.1:8009`",
        ],
    );
    expect(
        &found,
        &[
            "warning target-left-over monitoring/prometheus/prometheus.yml:",
            "still scrapes `127.84.41.1:8005` of",
        ],
    );

    // Another stack's Prometheus is asked nothing more.
    lab.edit("skymon.yaml", "name: lab", "name: bench");
    assert_eq!(lab.skymon("render --force").status, 0);
    let (status, found) = findings(&lab);
    assert_eq!(status, 2);
    expect(
        &found,
        &[
            "error another-stack monitoring/prometheus/prometheus.yml:",
            "is of the stack `lab`, not of `bench`",
        ],
    );
    assert!(!found.iter().any(|line| line.contains("target-down")), "{found:#?}");
}

fn expect_each(found: &[String]) {
    // One of two that came by themselves.
    expect(
        found,
        &[
            "warning replica-down monitoring/prometheus/prometheus.yml:",
            "`127.84.41.1:8006` of the job `found` is down",
        ],
    );
    expect(
        found,
        &[
            "error target-down monitoring/prometheus/targets/chat.yml:7",
            "HTTP status 401",
            "give the job its key",
        ],
    );
    expect(
        found,
        &[
            "error receiver-fails monitoring/alertmanager/alertmanager.yml:",
            "`pager` by pagerduty within the last hour",
        ],
    );
    expect(
        found,
        &[
            "error target-down monitoring/prometheus/targets/chat.yml:",
            "`127.84.41.1:8002` of the job `chat`",
            "connection refused",
            "nothing listens there",
        ],
    );
    expect(
        found,
        &[
            "error metrics-missing monitoring/prometheus/targets/chat.yml:",
            "`127.84.41.1:8003` of the job `chat` is up, and shows none",
        ],
    );
    expect(
        found,
        &[
            "warning metric-missing",
            "`127.84.41.1:8004` of the job `chat` does not show `inference_request_duration_seconds_bucket`",
            "reads it",
        ],
    );
    expect(
        found,
        &[
            "warning metric-type",
            "`inference_tokens_generated_total` is shown as a gauge",
            "see what `127.84.41.1:8004` is",
        ],
    );
    expect(
        found,
        &[
            "error rule-fails monitoring/prometheus/rules/own.yml:4",
            "recording `own:broken`",
            "found duplicate series",
        ],
    );
    // Whoever is down or silent might be the one that has it.
    assert!(!found.iter().any(|line| line.contains("queue_lenght")), "{found:#?}");
    // The good one has no line.
    let of_the_good = |line: &&String| line.contains(":8001`") && !line.contains("rule-fails");
    assert_eq!(found.iter().find(of_the_good), None);
}
