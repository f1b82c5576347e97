//! `skymon metrics import`: a look at a server, or at a page that was saved, says which engine it is, and gives the draft of a
//! file for one that nobody has heard of.

mod support;

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use support::http::{Fault, Reply, Server};
use support::project::{Project, files_below, fixture};
use support::tools;

/// What a server of somebody's own shows.
const GATEWAY: &str = "\
# HELP gw_requests_total Requests, by how they ended.
# TYPE gw_requests_total counter
gw_requests_total{code=\"200\",path=\"/v1\",user=\"ada@example.com\"} 17
# HELP gw_request_duration_seconds Time of a request.
# TYPE gw_request_duration_seconds histogram
gw_request_duration_seconds_bucket{le=\"0.5\"} 3
gw_request_duration_seconds_bucket{le=\"2\"} 16
gw_request_duration_seconds_bucket{le=\"+Inf\"} 17
gw_request_duration_seconds_sum 9.5
gw_request_duration_seconds_count 17
# TYPE gw_inflight_requests gauge
gw_inflight_requests 2
# TYPE gw_disk_free_bytes gauge
gw_disk_free_bytes{instance=\"x\",disk=\"a\"} 1e+011
";

/// A server on a free port that shows this to who has the token.
fn server(answer: impl Fn(&support::http::Request) -> Reply + Send + Sync + 'static) -> (Server, String) {
    let server = Server::start("127.0.0.1:0".parse().expect("an address"), answer);
    let address = format!("http://{}/metrics", server.addr());
    (server, address)
}

/// A stack whose one service is of that engine.
fn stack(engine: &str) -> String {
    format!(
        "version: 1\nname: own\nservices: {{own: {{engine: {engine}, replicas: [10.0.0.1:9000]}}}}\n\
         receivers: {{team: {{webhook: {{url_file: secrets/url}}}}}}\nroutes: {{critical: team, warning: team}}\n\
         engines: engines/\n"
    )
}

fn test_rules(project: &Project) {
    let monitoring = project.path("monitoring");
    let mut args = vec!["test".to_owned(), "rules".to_owned()];
    let tests = files_below(&monitoring.join("prometheus/tests"));
    args.extend(tests.iter().map(|path| format!("prometheus/tests/{}", path.display())));
    tools::promtool(&args, &monitoring).expect_success();
}

#[test]
fn a_look_at_an_unknown_server_gives_a_draft_that_renders_and_is_proven_as_it_is() {
    let (_server, address) = server(|_| Reply::metrics(200, GATEWAY.to_owned()));
    let project = Project::new(&stack("gateway"));
    let said = project.skymon(&["metrics", "import", &address, "-o", "engines/gateway.yml"]).expect_success();
    assert_eq!(said.stdout, "wrote engines/gateway.yml\n");
    assert!(said.stderr.contains("note: it is of no engine that skymon knows"), "{}", said.stderr);
    assert!(said.stderr.contains("answers 4 words of the vocabulary by a guess"), "{}", said.stderr);
    let draft = project.read("engines/gateway.yml");
    for line in [
        "  requests: {metric: gw_requests_total, where: 'path!~",
        "  errors: {metric: gw_requests_total, where: 'code=~\"5..\", path!~",
        "  latency_seconds: {metric: gw_request_duration_seconds}\n",
        "  running: {metric: gw_inflight_requests}\n",
        "    buckets: ['0.5', '2.0']\n",
        "    labels: [code, path, user]\n",
        // Nothing is known of it; `instance` is what Prometheus itself says.
        "\nothers:\n  gw_disk_free_bytes: gauge  # labels: [disk]\n",
        "  # queued: {metric: …}",
        // The default lies beyond the largest bucket.
        "  HighLatency: {threshold: 0.5s}\n",
    ] {
        assert!(draft.contains(line), "{line} in {draft}");
    }
    assert!(!draft.contains("ada@example.com"), "whoever uses a server is nobody else's business");
    project.render();
    test_rules(&project);
}

#[test]
fn a_draft_takes_nobodys_place() {
    let project = Project::empty();
    project.write("page.prom", GATEWAY);
    project.write("engines/gateway.yml", "mine\n");
    let said = project.skymon(&["metrics", "import", "page.prom", "-o", "engines/gateway.yml"]);
    assert_eq!(said.status, 2);
    assert!(
        said.stderr.contains("`engines/gateway.yml` is there already, and is left as it is"),
        "{}",
        said.stderr
    );
    assert_eq!(project.read("engines/gateway.yml"), "mine\n");
    let said = project.skymon(&["metrics", "import", "page.prom", "-o", "engines/My Gateway.yml"]);
    assert_eq!(said.status, 2);
    assert!(said.stderr.contains("cannot be an engine's file"), "{}", said.stderr);
}

#[test]
fn a_saved_page_is_read_from_a_file_or_from_standard_input_and_the_draft_is_printed() {
    let project = Project::empty();
    project.write("page.prom", GATEWAY.trim_end());
    let said = project.skymon(&["metrics", "import", "page.prom"]).expect_success();
    assert!(
        said.stdout.starts_with("# Drafted by `skymon metrics import` from page.prom.\n"),
        "{}",
        said.stdout
    );
    let mut piped = Command::new(env!("CARGO_BIN_EXE_skymon"))
        .args(["metrics", "import", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("starts");
    piped.stdin.take().expect("is piped").write_all(GATEWAY.as_bytes()).expect("writes");
    let piped = piped.wait_with_output().expect("ends");
    let body = |text: &str| text.split_once("\nport:").expect("has a port").1.to_owned();
    assert_eq!(body(&String::from_utf8_lossy(&piped.stdout)), body(&said.stdout));
}

/// The pages of real servers, beside the tests.
fn pages() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/engines");
    let names = files_below(&folder).into_iter().map(|path| path.to_string_lossy().into_owned());
    names.filter(|name| name.ends_with(".prom")).collect()
}

#[test]
fn the_draft_of_every_page_that_is_at_hand_renders_and_is_proven_as_it_is() {
    let project = Project::empty();
    let mut services = String::new();
    for (number, name) in (1..).zip(pages()) {
        project.write("page.prom", &fixture(&format!("engines/{name}")));
        let draft = format!("engines/page-{number}.yml");
        project.skymon(&["metrics", "import", "page.prom", "-o", &draft]).expect_success();
        services
            .push_str(&format!("  s{number}: {{engine: page-{number}, replicas: [10.0.0.{number}:80]}}\n"));
    }
    let one = "services: {own: {engine: x, replicas: [10.0.0.1:9000]}}\n";
    project.write("skymon.yaml", &stack("x").replace(one, &format!("services:\n{services}")));
    project.render();
    test_rules(&project);
}

#[test]
fn a_known_engine_is_named_with_what_tells_its_version() {
    let project = Project::empty();
    project.write("page.prom", &fixture("engines/vllm.generated.prom"));
    let said = project.skymon(&["metrics", "import", "page.prom"]).expect_success();
    assert!(
        said.stderr.contains("note: it is vLLM, 0.") && said.stderr.contains(" or newer (`vllm:"),
        "{}",
        said.stderr
    );
    assert!(said.stderr.contains("`engine: vllm` reads it as it is"), "{}", said.stderr);

    let old = fixture("engines/vllm.generated.prom")
        .replace("vllm:kv_cache_usage_perc", "vllm:gpu_cache_usage_perc")
        .replace("vllm:prefix_cache", "vllm:gpu_prefix_cache")
        .replace("vllm:inter_token_latency", "vllm:time_per_output_token")
        .replace("vllm:engine_sleep_state", "vllm:nothing");
    project.write("old.prom", &old);
    let said = project.skymon(&["metrics", "import", "old.prom"]).expect_success();
    assert!(said.stderr.contains("older than 0.9.2 (`vllm:gpu_"), "{}", said.stderr);
}

#[test]
fn a_page_of_two_engines_is_said_to_be_of_both() {
    let project = Project::empty();
    let both = fixture("engines/vllm.generated.prom")
        + "# TYPE inference_requests_total counter\ninference_requests_total{endpoint=\"/\",status=\"200\"} 1\n\
           # TYPE inference_model_loaded gauge\ninference_model_loaded 1\n\
           # TYPE inference_active_requests gauge\ninference_active_requests 1\n\
           # TYPE inference_tokens_generated_total counter\ninference_tokens_generated_total 1\n";
    project.write("page.prom", &both);
    let said = project.skymon(&["metrics", "import", "page.prom"]).expect_success();
    assert!(said.stderr.contains("note: it is vLLM"), "{}", said.stderr);
    assert!(said.stderr.contains("note: it is Custom server"), "{}", said.stderr);
    assert!(said.stderr.contains("nothing says `latency_seconds`"), "{}", said.stderr);
}

#[test]
fn what_prometheus_would_refuse_a_page_for_is_said() {
    let project = Project::empty();
    project.write("page.prom", &format!("{GATEWAY}gw_ratio -nan\n"));
    let said = project.skymon(&["metrics", "import", "page.prom"]).expect_success();
    assert!(
        said.stderr
            .contains("warning: Prometheus would refuse the whole page: line 15: `-nan` is not a number"),
        "{}",
        said.stderr
    );
}

#[test]
fn a_server_that_wants_a_token_gets_it_from_a_file_and_nobody_sees_it() {
    let (_server, address) = server(|request| match request.header("authorization") {
        Some("Bearer hunter2") => Reply::metrics(200, GATEWAY.to_owned()),
        _ => Reply::text(401, "who are you?"),
    });
    let project = Project::empty();
    let said = project.skymon(&["metrics", "import", &address]);
    assert_eq!(said.status, 2);
    assert!(said.stderr.contains("answers 401") && said.stderr.contains("--token-file"), "{}", said.stderr);
    project.write("token", "hunter2\n");
    let said = project.skymon(&["metrics", "import", &address, "--token-file", "token"]).expect_success();
    assert!(!said.text().contains("hunter2"));
}

#[test]
fn prometheus_older_form_is_asked_for_in_which_colons_stay() {
    let (_server, address) = server(|request| {
        let accept = request.header("accept").unwrap_or_default();
        Reply::metrics(
            if accept.starts_with("text/plain;version=0.0.4") { 200 } else { 406 },
            GATEWAY.to_owned(),
        )
    });
    Project::empty().skymon(&["metrics", "import", &address]).expect_success();
}

#[test]
fn what_is_no_page_of_metrics_is_refused_with_a_word_of_what_it_is() {
    let project = Project::empty();
    let refused = |from: &str, words: &[&str]| {
        let said = project.skymon(&["metrics", "import", from]);
        assert_eq!(said.status, 2, "{from}: {}", said.text());
        assert_eq!(said.stdout, "", "{from}");
        for word in words {
            assert!(said.stderr.contains(word), "{word}: {}", said.stderr);
        }
    };
    for (text, begins) in [
        ("<!DOCTYPE html>\n<html><body class=\"x\">\n", "`<!DOCTYPE html>`"),
        ("{\"status\": \"ok\"}", "`{\\\"status\\\": \\\"ok\\\"}`"),
        ("Read me first\n=====\nof 3\nIt is 5\nand so on\n", "`Read me first`"),
        ("", "nothing"),
    ] {
        project.write("page", text);
        refused("page", &["shows no metrics", &format!("it begins with {begins}")]);
    }
    fs::write(project.path("bytes"), [0x1f, 0x8b, 8, 0]).expect("writes");
    refused("bytes", &["not"]);
    refused("missing.prom", &["cannot read missing.prom"]);
    refused("ftp://x/metrics", &["is not a URL of http or https"]);
    refused("http://user:pass@x/metrics", &["error:"]);
    refused(
        "https://127.0.0.1:1/metrics",
        &["TLS is not spoken here", "curl -s https://127.0.0.1:1/metrics"],
    );
    refused("http://127.0.0.1:1/metrics", &["cannot read `http://127.0.0.1:1/metrics`"]);
    let (_server, address) = server(|_| Reply::text(404, "no"));
    refused(&address, &["answers 404"]);
    let (_server, address) = server(|_| Reply::metrics(200, GATEWAY.to_owned()).with_fault(Fault::Cut));
    refused(&address, &["cannot read"]);
    let (_server, address) = server(|_| Reply::metrics(200, "x 1\n".repeat(5_000_000)));
    refused(&address, &["cannot read"]);
    let slowly = Fault::Drip(Duration::from_millis(500));
    let (_server, address) = server(move |_| Reply::metrics(200, GATEWAY.to_owned()).with_fault(slowly));
    refused(&address, &["cannot read"]);
}
