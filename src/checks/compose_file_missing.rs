//! A file that compose reads before anything else, and that is not there.

use super::Check;
use crate::diagnostics::{Report, Severity};
use crate::stack::{Kind, Stack};

pub(super) const CHECK: Check = Check { id: "compose-file-missing", severity: Severity::Error, run };

/// Beside a file that everybody makes for himself there is one that says how.
const EXAMPLES: [&str; 5] = ["example", "sample", "template", "dist", "tmpl"];

fn run(stack: &Stack, report: &mut Report) {
    for missing in stack.composes.iter().flat_map(|compose| &compose.missing) {
        let host = &missing.host;
        let (folder, name) =
            host.rsplit_once('/').map_or(("", host.as_str()), |(folder, name)| (folder, name));
        let at = |name: &str| if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") };
        let bare = name.trim_start_matches('.');
        let is_made = EXAMPLES.iter().any(|word| {
            let names = [
                format!("{name}.{word}"),
                format!("{word}.{bare}"),
                format!(".{word}.{bare}"),
                format!("{bare}.{word}"),
            ];
            names.iter().any(|name| stack.folder.kind(&at(name)) == Kind::File)
        });
        if is_made {
            continue;
        }
        let help = match missing.key {
            "env_file" => "create it, or say that it may be missing: `{path: …, required: false}`",
            _ => "create it, or correct the path",
        };
        report.push(
            CHECK
                .finding(format!(
                    "`{}` is not there: compose refuses to start anything",
                    stack.folder.name(host)
                ))
                .at(missing.path.place(), format!("`{}` names it", missing.key))
                .help(help),
        );
    }
}
