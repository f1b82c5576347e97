//! A program of the monitoring that could do anything to the machine, and needs nothing of it.

use super::Check;
use crate::diagnostics::{Report, Severity};
use crate::stack::{Origin, Program, Service, Stack};

pub(super) const CHECK: Check = Check { id: "root-on-the-machine", severity: Severity::Note, run };

const SOCKETS: [&str; 2] = ["/var/run/docker.sock", "/run/docker.sock"];

fn run(stack: &Stack, report: &mut Report) {
    for (_, service) in stack.services() {
        let Some(program) = service.program else { continue };
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
        } else if let Some(privileged) = needless(program, service) {
            report.push(
                CHECK
                    .finding(format!(
                        "{} may do to this machine what it likes, and needs nothing of it",
                        program.name()
                    ))
                    .at(privileged, "root on the machine")
                    .help("remove `privileged`"),
            );
        }
    }
}

/// Those that look at the machine itself may need it.
fn needless(program: Program, service: &Service) -> Option<crate::diagnostics::Place> {
    let looks = matches!(program, Program::Cadvisor | Program::DcgmExporter | Program::NodeExporter);
    let node = service.get("privileged").filter(|node| !looks && node.is_true())?;
    Some(node.name_at().place())
}
