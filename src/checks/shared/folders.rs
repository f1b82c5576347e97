//! Where the files of the stack are inside of a container.

use crate::stack::{Origin, Service, Stack};

/// What a file of the stack is called inside.
pub(crate) fn inside(stack: &Stack, service: &Service, file: &str) -> Option<String> {
    service.mounts.iter().find_map(|mount| {
        let Origin::Host(host) = &mount.origin else { return None };
        let host = stack.folder.name(host);
        if host == file {
            return Some(mount.target.clone());
        }
        is_below(file, &host)
            .then(|| format!("{}/{}", mount.target, file[host.len()..].trim_start_matches('/')))
    })
}

/// Whether a file is in a folder, or in one of its folders.
pub(crate) fn is_below(file: &str, folder: &str) -> bool {
    folder.is_empty() || file.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}
