//! A program of the monitoring that could do anything to the machine, and needs nothing of it.

use super::Check;
use crate::diagnostics::{Report, Severity};
use crate::source::Node;
use crate::stack::{Origin, Program, Stack};

pub(super) const CHECK: Check = Check { id: "root-on-the-machine", severity: Severity::Note, run };

const SOCKETS: [&str; 2] = ["/var/run/docker.sock", "/run/docker.sock"];

fn run(stack: &Stack, report: &mut Report) {
    for (_, service) in stack.services() {
        // These look at the machine and its containers, and may need it.
        let looks = [Program::Cadvisor, Program::DcgmExporter, Program::NodeExporter];
        let Some(program) = service.program.filter(|program| !looks.contains(program)) else { continue };
        let is_socket =
            |origin: &Origin| matches!(origin, Origin::Machine(path) if SOCKETS.contains(&path.as_str()));
        if let Some(mount) = service.mounts.iter().find(|mount| is_socket(&mount.origin)) {
            report.push(
                CHECK
                    .finding(format!(
                        "{} may do to this machine what it likes, through Docker",
                        program.name()
                    ))
                    .at(mount.at.place(), "who may ask Docker is root, `:ro` or not")
                    .help(
                        "let a proxy stand between that only reads, such as `tecnativa/docker-socket-proxy`",
                    ),
            );
        } else if let Some(privileged) = service.get("privileged").filter(Node::is_true) {
            report.push(
                CHECK
                    .finding(format!(
                        "{} may do to this machine what it likes, and needs nothing of it",
                        program.name()
                    ))
                    .at(privileged.name_at().place(), "root on the machine")
                    .help("remove `privileged`"),
            );
        }
    }
}
