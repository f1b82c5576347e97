//! A node exporter that reports the disks of its own container.

use super::Check;
use crate::diagnostics::{Report, Severity};
use crate::stack::{Origin, Program, Stack};

pub(super) const CHECK: Check = Check { id: "disks-of-the-container", severity: Severity::Warning, run };

fn run(stack: &Stack, report: &mut Report) {
    for service in stack.running(Program::NodeExporter) {
        let is_off = |flag: &str| service.words.iter().any(|word| word.value == format!("--{flag}"));
        if is_off("no-collector.filesystem") || is_off("collector.disable-defaults") || service.is_built {
            continue;
        }
        let is_root = |origin: &Origin| matches!(origin, Origin::Machine(path) if path == "/");
        let root = service.mounts.iter().find(|mount| is_root(&mount.origin));
        let flag = service.flag("path.rootfs");
        let finding = CHECK.finding("the disks that the node exporter reports are those of its container");
        let finding = match (root, flag) {
            (Some(mount), None) => finding
                .at(mount.at.place(), "the machine is here, and nobody tells it")
                .help(format!("add to its command `--path.rootfs={}`", mount.target)),
            (None, Some(flag)) if service.mount(&flag).is_none() && flag.value != "/" => finding
                .at(flag.place(), "nothing of the machine is mounted there")
                .help(format!("add to its volumes `/:{}:ro,rslave`", flag.value)),
            (None, None) => finding
                .at(service.name.place(), "neither mounted nor named")
                .help("add `/:/host:ro,rslave` to its volumes, and to its command `--path.rootfs=/host`"),
            _ => continue,
        };
        report.push(finding);
    }
}
