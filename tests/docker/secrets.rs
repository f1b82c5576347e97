//! What comes from elsewhere: secrets from the environment, and replicas from Docker's own DNS.

use crate::lab::{Lab, REGISTRY, SOON};

const CONFIG: &str = "
services: {chat: {engine: custom, discover: {dns: 'chat-replicas:8000'}, auth: {bearer_token_env: CHAT_TOKEN}}}
receivers: {oncall: {webhook: {url_env: HOOK_URL}}}
routes: {critical: oncall, warning: oncall}
prometheus: {scrape_interval: 1s}
";

#[test]
fn secrets_may_come_from_the_environment_and_replicas_from_dockers_dns() {
    let lab = Lab::new(5, CONFIG);
    let hook = lab.webhook(7003);
    lab.export("HOOK_URL", &format!("http://host.docker.internal:{}/$hook", lab.port(7003)));
    lab.export("CHAT_TOKEN", "the token");
    lab.apply();

    // A service that takes a secret from the environment cannot have a read-only root; the others have one.
    for (program, read_only) in [("alertmanager", false), ("prometheus", false), ("grafana", true)] {
        assert_eq!(lab.inspect(program)["HostConfig"]["ReadonlyRootfs"], read_only, "{program}");
    }
    assert_eq!(lab.targets().iter().filter(|target| target.job == "chat").count(), 0);
    let image = format!("{REGISTRY}/busybox:1");
    lab.engine().provide(&image);
    for replica in ["one", "two"] {
        lab.engine().docker(&start_replica(&lab, &image, replica)).expect_success();
    }
    lab.send_alert("FromTheEnvironment", "critical");
    hook.wait_for(|request| request.path == "/$hook" && request.body.contains("FromTheEnvironment"), SOON);

    lab.wait_for_replicas("chat", 2);
    let mut addresses: Vec<String> = lab
        .query("up{service=\"chat\"} == 1")
        .into_iter()
        .map(|(labels, _)| labels["replica"].clone())
        .collect();
    addresses.dedup();
    assert!(
        addresses.len() == 2 && addresses.iter().all(|address| address.ends_with(":8000")),
        "{addresses:?}"
    );

    for replica in ["one", "two"] {
        lab.engine().docker(&["rm", "--force", &format!("{}-{replica}", lab.name())]).expect_success();
    }
}

/// A container beside the stack that answers only who has the token.
fn start_replica(lab: &Lab, image: &str, name: &str) -> Vec<String> {
    const ANSWER: &str = r#"
while read -r line; do
  case $line in
    *"Bearer the token"*) known=yes ;;
    ?) break ;;
  esac
done
status='401 Unauthorized'
[ -z "$known" ] || status='200 OK'
printf 'HTTP/1.1 %s\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\ninference_model_loaded 1\n' "$status"
"#;
    let name = format!("{}-{name}", lab.name());
    let network = format!("{}_monitoring", lab.name());
    let run = [
        "run",
        "--detach",
        "--name",
        &name,
        "--network",
        &network,
        "--network-alias",
        "chat-replicas",
        image,
    ];
    let serve = ["nc", "-ll", "-p", "8000", "-e", "sh", "-c", ANSWER];
    run.iter().chain(&serve).map(ToString::to_string).collect()
}
