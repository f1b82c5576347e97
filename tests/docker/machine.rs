//! Node exporter in its container, looking at the machine around it: not root, without rights, nothing to write to, and all
//! mounts of the machine before it.

use crate::containers::expect_limits;
use crate::lab::{Lab, SOON};
use crate::support::wait_until;

const CONFIG: &str = "
services: {chat: {engine: custom, replicas: ['HOST:8001']}}
local: {host: true}
receivers: {oncall: {slack: {webhook_url_file: secrets/slack}}}
routes: {critical: oncall, warning: oncall}
prometheus: {scrape_interval: 1s}
";

#[test]
fn node_exporter_sees_the_machine_without_rights_and_the_replicas_on_it_are_tied_to_it() {
    let lab = Lab::new(7, CONFIG);
    let _slack = lab.slack();
    let _chat = lab.replica(8001);
    lab.apply();

    let container = lab.inspect("node");
    assert_eq!(container["State"]["Health"]["Status"], "healthy");
    // Its first process is the machine's: what runs in the container is asked otherwise.
    let status = lab.inside("node", "cat /proc/self/status").stdout;
    for line in ["Uid:\t65534", "CapEff:\t0000000000000000", "CapBnd:\t0000000000000000", "NoNewPrivs:\t1"] {
        assert!(status.contains(line), "{line}:\n{status}");
    }
    expect_limits(&container, 128);
    assert_ne!(lab.inside("node", "touch /host/tmp/here").status, 0, "it only looks");
    // Processes of the machine, of which the container has none.
    assert!(
        lab.inside("node", "ls /proc | grep -c '^[0-9]'").stdout.trim().parse::<u32>().expect("a number") > 4
    );

    for series in [
        "host:up:max{host=\"host.docker.internal\"} == 1",
        "host:memory_bytes:max > 1e8",
        "host:cpu_utilization:ratio_rate5m >= 0",
        "host:up:max and on (host) service_replica:host:info{service=\"chat\"}",
    ] {
        wait_until(series, SOON, || lab.query(series).first().map(drop));
    }
}
