//! The route to a value in the config, `services.api.replicas[0]`. Apart, because it is the one thing that
//! config, plan and diagnostics all pass around.

use std::fmt;

/// One step of a route.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Segment {
    Key(String),
    Item(usize),
}

/// A route from the top of the config to one value.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct ConfigPath(Vec<Segment>);

impl ConfigPath {
    pub fn root() -> ConfigPath {
        ConfigPath::default()
    }

    #[must_use]
    pub fn key(&self, key: impl Into<String>) -> ConfigPath {
        self.with(Segment::Key(key.into()))
    }

    #[must_use]
    pub fn item(&self, index: usize) -> ConfigPath {
        self.with(Segment::Item(index))
    }

    #[must_use]
    pub fn with(&self, segment: Segment) -> ConfigPath {
        let mut path = self.clone();
        path.push(segment);
        path
    }

    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// The route without its last step; `None` at the top.
    pub fn parent(&self) -> Option<ConfigPath> {
        let (_, rest) = self.0.split_last()?;
        Some(ConfigPath(rest.to_vec()))
    }

    /// The nearest name at the end: `replicas` for `services.api.replicas[0]`.
    pub fn last_key(&self) -> Option<&str> {
        self.0.iter().rev().find_map(|segment| match segment {
            Segment::Key(key) => Some(key.as_str()),
            Segment::Item(_) => None,
        })
    }

    /// Whether `other` is this path or lies below it. The root contains nothing: it stands for the file.
    pub fn contains(&self, other: &ConfigPath) -> bool {
        !self.is_root() && other.0.starts_with(&self.0)
    }

    /// The keys with dots between, as they are: for names, not for messages.
    pub fn joined(&self) -> String {
        let keys = self.0.iter().map(|segment| match segment {
            Segment::Key(key) => key.clone(),
            Segment::Item(index) => index.to_string(),
        });
        keys.collect::<Vec<_>>().join(".")
    }

    pub fn segments(&self) -> &[Segment] {
        &self.0
    }

    pub(crate) fn push(&mut self, segment: Segment) {
        self.0.push(segment);
    }

    pub(crate) fn truncate(&mut self, length: usize) {
        self.0.truncate(length);
    }
}

impl fmt::Display for ConfigPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_root() {
            return f.write_str(".");
        }
        for (at, segment) in self.0.iter().enumerate() {
            match segment {
                Segment::Item(index) => write!(f, "[{index}]")?,
                Segment::Key(key) => {
                    f.write_str(if at == 0 { "" } else { "." })?;
                    if is_word(key) {
                        f.write_str(key)?;
                    } else {
                        write!(f, "{key:?}")?;
                    }
                }
            }
        }
        Ok(())
    }
}

fn is_word(key: &str) -> bool {
    !key.is_empty() && key.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_prints_as_the_user_would_say_it() {
        let replicas = ConfigPath::root().key("services").key("api").key("replicas");
        assert_eq!(replicas.item(0).to_string(), "services.api.replicas[0]");
        assert_eq!(ConfigPath::root().item(2).key("x").to_string(), "[2].x");
        assert_eq!(ConfigPath::root().key("a.b").key("c d").key("").to_string(), r#""a.b"."c d"."""#);
        assert_eq!(ConfigPath::root().key("e[0]\u{1b}").to_string(), r#""e[0]\u{1b}""#);
        assert_eq!(ConfigPath::root().to_string(), ".");
    }

    #[test]
    fn a_path_knows_its_parent_and_its_last_name() {
        let path = ConfigPath::root().key("routes").item(1);
        assert_eq!(path.parent(), Some(ConfigPath::root().key("routes")));
        assert_eq!(path.last_key(), Some("routes"));
        assert_eq!(ConfigPath::root().parent(), None);
        assert_eq!(ConfigPath::root().last_key(), None);
    }
}
