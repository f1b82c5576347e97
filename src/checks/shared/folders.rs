//! Where the files of the stack are inside of a container.

use crate::stack::{Origin, Service};

/// What a file of the stack is called inside.
pub(crate) fn inside(service: &Service, file: &str) -> Option<String> {
    service.mounts.iter().find_map(|mount| match &mount.origin {
        Origin::Host(host) if host == file => Some(mount.target.clone()),
        Origin::Host(host) if is_below(file, host) => {
            Some(format!("{}/{}", mount.target, file[host.len()..].trim_start_matches('/')))
        }
        _ => None,
    })
}

/// Whether a file is in a folder, or in one of its folders.
pub(crate) fn is_below(file: &str, folder: &str) -> bool {
    folder.is_empty() || file.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}
