//! Which datasource a panel, a variable or an annotation asks, as Grafana finds it: by uid, by name, by a variable, or the
//! default.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

use crate::artifacts::GrafanaVariable;
use crate::source::Node;
use crate::stack::{Dashboard, Datasource, DatasourceRef, Panel, PanelQuery, Stack};

/// What Grafana knows without being told.
const BUILT_IN: [&str; 8] = [
    "-- Dashboard --",
    "-- Grafana --",
    "-- Mixed --",
    "-100",
    "__expr__",
    "default",
    "grafana",
    "-- Shared --",
];

/// How a reference is found.
pub(crate) enum Found<'a> {
    /// One that is provisioned.
    Provisioned(&'a Datasource),
    /// A variable of the dashboard, of datasources of this type, if that is known.
    Variable(Option<String>),
    /// Grafana's own.
    BuiltIn,
    /// `${name}`, and the dashboard has no such variable.
    NoVariable(String),
    Nothing,
}

/// The datasources that are provisioned, by every word that leads to them.
pub(crate) struct Provisioned<'a> {
    by_word: BTreeMap<String, &'a Datasource>,
    default: Option<&'a Datasource>,
}

impl<'a> Provisioned<'a> {
    /// `None` where there are none, or others may be: a variable stands in a name.
    pub(crate) fn of(stack: &'a Stack) -> Option<Self> {
        let mut by_word = BTreeMap::new();
        for one in &stack.datasources {
            let is_plain = |text: &str| !text.contains('$');
            if !is_plain(&one.name) || !one.uid.as_ref().is_none_or(|uid| is_plain(uid)) {
                return None;
            }
            by_word.insert(one.name.value.clone(), one);
            let uid = one.uid.as_ref().map_or_else(|| made_up(&one.name), |uid| uid.value.clone());
            by_word.insert(uid, one);
        }
        let default = stack.datasources.iter().find(|one| one.is_default);
        (!by_word.is_empty()).then_some(Self { by_word, default })
    }

    pub(crate) fn find(&self, dashboard: &Dashboard, reference: &DatasourceRef) -> Found<'a> {
        let word = reference.uid.as_str();
        let own = ["grafana", "datasource", "__expr__"];
        if BUILT_IN.contains(&word) || reference.kind.as_deref().is_some_and(|kind| own.contains(&kind)) {
            return Found::BuiltIn;
        }
        if let Some(GrafanaVariable { name, range, .. }) = GrafanaVariable::all(word).next() {
            let is_named = |node: &&Node| node.get("name").is_some_and(|node| node.text() == Some(name));
            let Some(node) = dashboard.variables.iter().find(is_named) else {
                return Found::NoVariable(name.to_owned());
            };
            let kind = node.get("query").filter(|_| range.len() == word.len());
            return Found::Variable(kind.and_then(|kind| kind.text().map(str::to_owned)));
        }
        self.by_word.get(word).map_or(Found::Nothing, |one| Found::Provisioned(one))
    }

    pub(crate) fn words(&self) -> impl Iterator<Item = &str> {
        self.by_word.keys().map(String::as_str)
    }

    /// The one that dashboards are best told of.
    pub(crate) fn uid(&self) -> Option<&str> {
        let first = self.default.or_else(|| self.by_word.values().next().copied())?;
        first.uid.as_ref().map(|uid| uid.as_str())
    }

    /// Whether a query of a panel is asked of a Prometheus for certain.
    pub(crate) fn is_prometheus(&self, dashboard: &Dashboard, panel: &Panel, query: &PanelQuery) -> bool {
        match asked(panel, query) {
            None => self.default.is_some_and(Datasource::is_prometheus),
            Some(reference) => match self.find(dashboard, reference) {
                Found::Provisioned(one) => one.is_prometheus(),
                Found::Variable(Some(kind)) => kind == "prometheus",
                _ => reference.kind.as_deref() == Some("prometheus"),
            },
        }
    }
}

/// The reference that counts for a query: the panel's, unless that leaves it to each query.
pub(crate) fn asked<'a>(panel: &'a Panel, query: &'a PanelQuery) -> Option<&'a DatasourceRef> {
    // A panel that names only a kind takes the default one of it.
    if panel.datasource.is_none() && panel.node.find(&["datasource", "type"]).is_some() {
        return None;
    }
    let own = panel.datasource.as_ref().filter(|one| one.uid.value != "-- Mixed --");
    own.or(query.datasource.as_ref())
}

/// The uid that Grafana gives to a provisioned datasource without one.
fn made_up(name: &str) -> String {
    Sha256::digest(name.as_bytes()).iter().take(8).fold("P".to_owned(), |mut uid, byte| {
        // Writing to a text cannot fail.
        let _ = write!(uid, "{byte:02X}");
        uid
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_uid_that_grafana_makes_up_is_known() {
        // As many public dashboards carry it.
        assert_eq!(made_up("Prometheus"), "PBFA97CFB590B2093");
        assert_eq!(made_up("prometheus"), "P1809F7CD0C75ACF3");
    }
}
