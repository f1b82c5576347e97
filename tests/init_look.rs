//! `skymon init --look`: what a replica shows answers the question for the engine, or becomes a file for one that nobody has
//! heard of. Nobody is looked at who was not named.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use support::http::{Reply, Server};
use support::project::{Project, fixture};
use support::tools::Output;

const GATEWAY: &str = "\
# TYPE gw_requests_total counter
gw_requests_total{code=\"200\"} 17
# TYPE gw_inflight_requests gauge
gw_inflight_requests 2
";

/// Who shows this at that path, and nothing elsewhere.
fn server(path: &'static str, text: String) -> (Server, String) {
    let server = Server::start("127.0.0.1:0".parse().expect("an address"), move |request| {
        if request.path == path { Reply::metrics(200, text.clone()) } else { Reply::text(404, "no") }
    });
    // What a container calls this machine.
    let address = format!("host.docker.internal:{}", server.addr().port());
    (server, address)
}

fn init(project: &Project, replica: &str, flags: &[&str]) -> Output {
    let always = ["init", "--yes", "--service", "chat", "--replica", replica];
    project.skymon(&[&always[..], flags].concat())
}

#[test]
fn a_known_engine_is_taken_with_what_tells_it() {
    let (server, replica) = server("/metrics", fixture("engines/vllm.generated.prom"));
    let project = Project::empty();
    let said = init(&project, &replica, &["--look"]).expect_success();
    let line = format!("engine vllm, from http://{}/metrics: it is vLLM, 0.", server.addr());
    assert!(said.stdout.contains(&line), "{}", said.text());
    let config = project.read("skymon.yaml");
    assert!(config.contains("    engine: vllm\n") && !config.contains("metrics_path"), "{config}");
}

#[test]
fn metrics_that_are_where_another_engine_has_them_are_found_there() {
    let (_server, replica) = server("/v1/metrics", fixture("engines/vllm.generated.prom"));
    let project = Project::empty();
    init(&project, &replica, &["--look"]).expect_success();
    let config = project.read("skymon.yaml");
    assert!(
        config.contains("    engine: vllm\n") && config.contains("    metrics_path: \"/v1/metrics\"\n"),
        "{config}"
    );
}

#[test]
fn an_unknown_server_gets_the_draft_of_an_engine_and_the_stack_is_fine() {
    let (_server, replica) = server("/metrics", GATEWAY.to_owned());
    let project = Project::empty();
    let said = init(&project, &replica, &["--look"]).expect_success();
    assert!(said.stderr.contains("is of no engine that skymon is sure to know"), "{}", said.text());
    assert!(said.stdout.contains("look at each line of engines/chat.yml"), "{}", said.text());
    let config = project.read("skymon.yaml");
    assert!(config.contains("    engine: chat\n") && config.contains("engines: \"engines/\"\n"), "{config}");
    assert!(project.read("engines/chat.yml").contains("requests: {metric: gw_requests_total}"));
    let rules = project.read("monitoring/prometheus/rules/chat.yml");
    assert!(rules.contains("gw_requests_total"), "{rules}");
    assert_eq!(project.skymon(&["validate"]).status, 0);
}

#[test]
fn a_flag_wins_over_what_is_seen_and_a_file_that_is_there_is_kept() {
    let (_server, replica) = server("/metrics", GATEWAY.to_owned());
    let project = Project::empty();
    init(&project, &replica, &["--look", "--engine", "custom"]).expect_success();
    assert!(project.read("skymon.yaml").contains("    engine: custom\n"));
    assert!(!project.path("engines").exists());

    let project = Project::empty();
    init(&project, &replica, &["--look"]).expect_success();
    let draft = project.read("engines/chat.yml") + "# mine\n";
    project.write("engines/chat.yml", &draft);
    let said = init(&project, &replica, &["--look", "--force"]).expect_success();
    assert!(said.stderr.contains("`engines/chat.yml` is kept: it was there already"), "{}", said.text());
    assert_eq!(project.read("engines/chat.yml"), draft);
}

#[test]
fn where_nothing_can_be_seen_that_is_said_and_everything_goes_on_as_usual() {
    let project = Project::empty();
    let said = init(&project, "host.docker.internal:1", &["--look"]).expect_success();
    assert!(
        said.stderr.contains("note: nothing was seen at host.docker.internal:1: cannot read"),
        "{}",
        said.text()
    );
    assert!(project.read("skymon.yaml").contains("    engine: custom\n"));
    let said = Project::empty().skymon(&["init", "--yes", "--look"]);
    assert_eq!(said.status, 2);
    assert!(said.stderr.contains("--replica"), "{}", said.stderr);
}

#[test]
fn nobody_is_asked_without_the_flag() {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let server = Server::start("127.0.0.1:0".parse().expect("an address"), move |_| {
        count.fetch_add(1, Ordering::SeqCst);
        Reply::metrics(200, GATEWAY.to_owned())
    });
    let replica = format!("host.docker.internal:{}", server.addr().port());
    init(&Project::empty(), &replica, &[]).expect_success();
    assert_eq!(asked.load(Ordering::SeqCst), 0);
    init(&Project::empty(), &replica, &["--look"]).expect_success();
    assert_eq!(asked.load(Ordering::SeqCst), 1, "one look is enough");
}
