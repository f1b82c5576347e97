//! When things came to be what they are, by the file system's own clock. Apart from the manifest's content: it holds no
//! time, so that the same config gives the same bytes.

use std::fs;
use std::path::Path;
use std::time::SystemTime;

use super::manifest::MANIFEST;

/// When the folder was written last, or found as it should be.
pub fn last_written(out: &Path) -> Option<SystemTime> {
    changed(&out.join(MANIFEST))
}

/// Remembers this run as the last one, also where it had nothing to write. Where that is not allowed, as on a read-only
/// checkout, an older run stays the last one.
pub fn mark_written(out: &Path) {
    let _ = fs::File::options()
        .append(true)
        .open(out.join(MANIFEST))
        .and_then(|file| file.set_modified(SystemTime::now()));
}

/// When a file came to be what it is, a rename or a new mode included.
#[cfg(unix)]
pub fn changed(path: &Path) -> Option<SystemTime> {
    use std::os::unix::fs::MetadataExt as _;
    let meta = fs::metadata(path).ok()?;
    let (seconds, nanos) = (u64::try_from(meta.ctime()).ok()?, u32::try_from(meta.ctime_nsec()).ok()?);
    Some(SystemTime::UNIX_EPOCH + std::time::Duration::new(seconds, nanos))
}

#[cfg(not(unix))]
pub fn changed(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).and_then(|meta| meta.modified()).ok()
}
