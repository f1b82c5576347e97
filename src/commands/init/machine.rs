//! What of this machine would keep the stack from starting or seeing its replicas. Only notes: it may run elsewhere.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, TcpListener};
use std::process::{Command, Stdio};

use super::super::Stack;
use crate::wizard::Answers;

pub(super) fn look(stack: &Stack, answers: &Answers) -> Vec<String> {
    let mut notes = Vec::new();
    if !has_compose() {
        notes.push(
            "`docker compose` does not work here; install Docker with its compose plugin where the stack is to run"
                .to_owned(),
        );
    }
    for program in &stack.plan.programs {
        if let Some(port) = program.published.as_ref().map(|it| it.port).filter(|port| is_taken(*port)) {
            let name = program.facts.name;
            notes.push(format!(
                "port {port} of 127.0.0.1 is taken; unless that is this stack, write `ports: {{{name}: {}}}` into \
                 skymon.yaml and run `skymon render`",
                free_port_after(port)
            ));
        }
    }
    let on_host = |host: &str| host == "host.docker.internal";
    if cfg!(target_os = "linux") && answers.replicas.listed().iter().any(|replica| on_host(replica.host())) {
        notes.push(
            "containers cannot reach a server on this machine that listens on 127.0.0.1 alone; \
             let it listen on 0.0.0.0, or on the address of Docker's bridge"
                .to_owned(),
        );
    }
    notes
}

fn has_compose() -> bool {
    Command::new("docker")
        .args(["compose", "version"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

fn is_taken(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_err_and(|error| error.kind() == ErrorKind::AddrInUse)
}

fn free_port_after(port: u16) -> u16 {
    (port.saturating_add(1)..=u16::MAX).find(|port| !is_taken(*port)).unwrap_or(port)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_that_somebody_listens_on_is_taken_and_another_is_proposed() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        assert!(is_taken(port));
        assert_ne!(free_port_after(port), port);
    }
}
