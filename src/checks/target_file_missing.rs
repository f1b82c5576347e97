//! A target file that is named and not there, in a folder that the stack brings itself.

use super::Check;
use crate::diagnostics::{Report, Severity, nearest};
use crate::stack::{Kind, Mount, Origin, Prometheus, Stack, TargetFiles};

pub(super) const CHECK: Check = Check { id: "target-file-missing", severity: Severity::Warning, run };

fn run(stack: &Stack, report: &mut Report) {
    for prometheus in &stack.prometheuses {
        for job in &prometheus.jobs {
            for file in &job.target_files {
                let Some(siblings) = missing(stack, prometheus, file) else { continue };
                let name = name(&file.pattern);
                let near = nearest(name, siblings.iter().map(String::as_str));
                let help = near.map_or_else(
                    || "put it there; where something writes it at run time, allow this".to_owned(),
                    |near| format!("did you mean `{}`?", file.pattern.replace(name, near)),
                );
                report.push(
                    CHECK
                        .finding(format!(
                            "`{}` is not there: `{}` scrapes nothing of it",
                            file.pattern, job.name
                        ))
                        .at(file.pattern.place(), "Prometheus starts all the same")
                        .help(help),
                );
            }
        }
    }
}

/// The other files of its folder, where the file ought to be among them. An empty folder is filled at run time.
fn missing(stack: &Stack, prometheus: &Prometheus, file: &TargetFiles) -> Option<Vec<String>> {
    let is_pattern = file.pattern.contains(['*', '?', '[']);
    if is_pattern || file.files.as_ref().is_none_or(|files| !files.is_empty()) {
        return None;
    }
    let (_, service) = stack.service(&prometheus.service)?;
    let path = prometheus.path_inside(service, &file.pattern)?;
    let (folder, _) = path.rsplit_once('/')?;
    let Some(Origin::Host(host)) = service.origin(folder) else { return None };
    // Another program that writes there may write it.
    let writes = |mount: &Mount| {
        !mount.read_only && matches!(&mount.origin, Origin::Host(own) if host.starts_with(own.as_str()))
    };
    let others = stack.services().filter(|(_, other)| other.name.value != service.name.value);
    if others.flat_map(|(_, other)| &other.mounts).any(writes) || stack.folder.kind(&host) != Kind::Folder {
        return None;
    }
    let siblings = stack.folder.files_in(&host, false);
    // Where target files are kept by hand, the others of them lie there too.
    let is_list = |path: &String| {
        let all =
            prometheus.jobs.iter().flat_map(|job| &job.target_files).filter_map(|one| one.files.as_ref());
        all.flatten().any(|known| known == path)
    };
    let names: Vec<String> = siblings.iter().map(|path| name(path).to_owned()).collect();
    let is_near = nearest(name(&file.pattern), names.iter().map(String::as_str)).is_some();
    (is_near || siblings.iter().any(is_list)).then_some(names)
}

fn name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or_default()
}
