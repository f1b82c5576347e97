//! The configuration of a blackbox exporter: which kinds of probes it knows.

use std::sync::Arc;

use super::{Compose, ServiceName, Stack};
use crate::source::Document;

#[derive(Debug)]
pub struct Blackbox {
    pub document: Arc<Document>,
    pub service: ServiceName,
}

impl Blackbox {
    /// The names of its modules; `None` where the file could not be read to its end.
    pub fn modules(&self) -> Option<Vec<String>> {
        let modules = self.document.root().get("modules").map(|node| node.entries()).unwrap_or_default();
        self.document.is_complete().then(|| modules.into_iter().map(|(name, _)| name.value).collect())
    }

    /// Whether it is what a service of a project reads.
    pub fn is_of(&self, stack: &Stack, compose: &Compose, service: &str) -> bool {
        let own = stack.service(&self.service);
        own.is_some_and(|(project, own)| std::ptr::eq(project, compose) && own.name.value == service)
    }
}
