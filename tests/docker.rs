//! From `skymon.yaml` to containers: the real binary renders, the real Docker engine and compose start what it wrote, and
//! every command is the one that `render` or the runbook prints.
//!
//! Apart from `end_to_end`, which runs the same programs without Docker and so knows nothing of users, capabilities,
//! limits, volumes, health checks and networks. It needs root; the engine and everything it starts live in namespaces of
//! their own (`support::docker`).

mod support;

#[path = "docker/lab.rs"]
mod lab;

#[path = "docker/access.rs"]
mod access;
#[path = "docker/changes.rs"]
mod changes;
#[path = "docker/containers.rs"]
mod containers;
#[path = "docker/lasting.rs"]
mod lasting;
#[path = "docker/machine.rs"]
mod machine;
#[path = "docker/secrets.rs"]
mod secrets;
#[path = "docker/skyserve.rs"]
mod skyserve;
