//! What Grafana is provisioned with: datasources, providers of dashboards, and the dashboards themselves.

use std::sync::Arc;

use super::compose::ServiceName;
use super::query::Query;
use crate::source::{Document, Node, Spanned};

/// One that runs in the stack.
#[derive(Debug)]
pub struct Grafana {
    pub service: ServiceName,
    /// What says which datasources it has; `None` where nobody can know.
    pub datasource_files: Option<Vec<Arc<Document>>>,
    /// What says which dashboards it loads.
    pub provider_files: Vec<Arc<Document>>,
}

#[derive(Debug)]
pub struct Datasource {
    pub service: ServiceName,
    pub name: Spanned<String>,
    pub uid: Option<Spanned<String>>,
    pub kind: Option<Spanned<String>>,
    pub url: Option<Spanned<String>>,
    pub is_default: bool,
    pub node: Node,
}

impl Datasource {
    /// Whether it is said to be one.
    pub fn is_prometheus(&self) -> bool {
        self.kind.as_ref().is_some_and(|kind| kind.value == "prometheus")
    }
}

impl Grafana {
    /// Whether a file that it reads has datasources, however they are written.
    pub fn has_datasources(&self) -> bool {
        let is_some = |document: &Arc<Document>| {
            document.root().get("datasources").is_some_and(|node| !node.items().is_empty())
        };
        self.datasource_files.as_ref().is_none_or(|files| files.iter().any(is_some))
    }
}

/// A folder of dashboards that Grafana loads.
#[derive(Debug)]
pub struct Provider {
    pub service: ServiceName,
    pub name: Option<Spanned<String>>,
    /// The path inside.
    pub path: Option<Spanned<String>>,
    /// The files in it; `None` where nobody can know.
    pub files: Option<Vec<String>>,
    pub node: Node,
}

#[derive(Debug)]
pub struct Dashboard {
    pub document: Arc<Document>,
    /// Whether a provider of the stack loads it.
    pub is_loaded: bool,
    /// The dashboard itself stands below `dashboard`, as the API wants it and a provider does not.
    pub is_wrapped: bool,
    pub uid: Option<Spanned<String>>,
    pub title: Option<Spanned<String>>,
    /// Those in rows too.
    pub panels: Vec<Panel>,
    pub variables: Vec<Node>,
    /// What the variables take their values from, with the datasource.
    pub variable_queries: Vec<PanelQuery>,
    pub root: Node,
}

#[derive(Debug)]
pub struct Panel {
    pub title: Option<Spanned<String>>,
    pub kind: Option<Spanned<String>>,
    pub datasource: Option<DatasourceRef>,
    pub queries: Vec<PanelQuery>,
    pub node: Node,
}

/// How a panel, query or variable names its datasource.
#[derive(Debug)]
pub struct DatasourceRef {
    pub kind: Option<String>,
    /// Its uid, or in old dashboards its name.
    pub uid: Spanned<String>,
}

#[derive(Debug)]
pub struct PanelQuery {
    pub expr: Option<Query>,
    pub datasource: Option<DatasourceRef>,
    pub node: Node,
}

impl PanelQuery {
    fn of_variable(node: &Node) -> PanelQuery {
        PanelQuery {
            expr: Query::of_variable(node),
            datasource: DatasourceRef::read(node),
            node: node.clone(),
        }
    }
}

impl Datasource {
    pub(super) fn read_all(document: &Arc<Document>, service: &ServiceName) -> Vec<Datasource> {
        let items = document.root().get("datasources").map(|node| node.items()).unwrap_or_default();
        let read = |node: &Node| {
            let value = |key: &str| node.get(key).and_then(|node| node.value());
            Some(Datasource {
                service: service.clone(),
                name: value("name")?,
                uid: value("uid"),
                kind: value("type"),
                url: value("url"),
                is_default: node.get("isDefault").is_some_and(|node| node.is_true()),
                node: node.clone(),
            })
        };
        items.iter().filter_map(read).collect()
    }
}

impl Provider {
    pub(super) fn read_all(document: &Arc<Document>, service: &ServiceName) -> Vec<Provider> {
        let items = document.root().get("providers").map(|node| node.items()).unwrap_or_default();
        let read = |node: &Node| Provider {
            service: service.clone(),
            name: node.get("name").and_then(|node| node.value()),
            path: node.find(&["options", "path"]).and_then(|node| node.value()),
            files: None,
            node: node.clone(),
        };
        items.iter().map(read).collect()
    }
}

impl Dashboard {
    pub(super) fn read(document: Arc<Document>, is_loaded: bool) -> Dashboard {
        let top = document.root();
        let inner = top.get("dashboard").filter(|inner| inner.is_map() && top.get("panels").is_none());
        let root = inner.clone().unwrap_or(top);
        let value = |key: &str| root.get(key).and_then(|node| node.value());
        let variables = root.find(&["templating", "list"]).map(|node| node.items()).unwrap_or_default();
        let mut panels = Vec::new();
        collect(&root, &mut panels, 0);
        Dashboard {
            is_loaded,
            is_wrapped: inner.is_some(),
            uid: value("uid").filter(|uid| !uid.is_empty()),
            title: value("title"),
            panels,
            variable_queries: variables.iter().map(PanelQuery::of_variable).collect(),
            variables,
            document,
            root,
        }
    }
}

/// Rows of old dashboards hold panels, rows among the panels too.
fn collect(node: &Node, panels: &mut Vec<Panel>, depth: usize) {
    if depth > 4 {
        return;
    }
    for item in node.get("panels").map(|node| node.items()).unwrap_or_default() {
        panels.push(Panel::read(&item));
        collect(&item, panels, depth + 1);
    }
    for row in node.get("rows").map(|node| node.items()).unwrap_or_default() {
        collect(&row, panels, depth + 1);
    }
}

impl Panel {
    fn read(node: &Node) -> Panel {
        let queries = node.get("targets").map(|node| node.items()).unwrap_or_default();
        let query = |node: &Node| PanelQuery {
            expr: node.get("expr").and_then(|node| Query::of_panel(&node)),
            datasource: DatasourceRef::read(node),
            node: node.clone(),
        };
        Panel {
            title: node.get("title").and_then(|node| node.value()),
            kind: node.get("type").and_then(|node| node.value()),
            datasource: DatasourceRef::read(node),
            queries: queries.iter().map(query).collect(),
            node: node.clone(),
        }
    }
}

impl DatasourceRef {
    /// What a panel, query or variable says.
    pub fn read(node: &Node) -> Option<DatasourceRef> {
        let node = node.get("datasource")?;
        let kind = node.get("type").and_then(|node| node.text().map(str::to_owned));
        let uid = node.value().or_else(|| node.get("uid")?.value())?;
        Some(DatasourceRef { kind, uid })
    }
}
