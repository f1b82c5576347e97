//! What a service is given by another one that writes it first: an init container, a renderer, a git-sync.

use crate::stack::{Compose, Origin, Service};

/// Whether another service may write to the same folder or volume: what is in it is then not known.
pub(crate) fn is_prepared(compose: &Compose, service: &Service, origin: &Origin) -> bool {
    // These are each service's own.
    if matches!(origin, Origin::Volume(None) | Origin::Memory) {
        return false;
    }
    let mut others = compose.services.iter().filter(|other| other.name.value != service.name.value);
    others.any(|other| other.mounts.iter().any(|mount| mount.origin == *origin && !mount.read_only))
}
