//! The form of the files that the programs read: which keys there are, and what kind of value each has. Data, in
//! `templates/forms/`, one file for each kind of file; `walk` holds a document against it.
//!
//! Apart from the checks, because the form of a file is said once, here, and because what a program refuses is a fact about
//! the program, not an opinion about a stack. `tests/form.rs` asks the real programs whether it is true.

mod calendar;
mod glob;
mod notation;
mod scalar;
mod url;
mod values;
mod walk;
mod zones;

use std::sync::Arc;
use std::sync::OnceLock;

pub use self::notation::{Key, Reader, Section, Table, Type};
pub use self::scalar::Scalar;
pub use self::walk::{Fault, Misfit};
use crate::source::Document;
use crate::templates;

/// The kinds of files that have a form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Form {
    Alertmanager,
    Blackbox,
    Compose,
    Dashboard,
    Dashboards,
    Datasources,
    Prometheus,
    RuleTests,
    Rules,
    ScrapeConfigs,
    Targets,
}

impl Form {
    pub const ALL: [Form; 11] = [
        Form::Alertmanager,
        Form::Blackbox,
        Form::Compose,
        Form::Dashboard,
        Form::Dashboards,
        Form::Datasources,
        Form::Prometheus,
        Form::RuleTests,
        Form::Rules,
        Form::ScrapeConfigs,
        Form::Targets,
    ];

    /// Its file in `templates/forms/`.
    pub fn file(self) -> &'static str {
        match self {
            Form::Alertmanager => "alertmanager.yml",
            Form::Blackbox => "blackbox.yml",
            Form::Compose => "compose.yml",
            Form::Dashboard => "dashboard.yml",
            Form::Dashboards => "dashboards.yml",
            Form::Datasources => "datasources.yml",
            Form::Prometheus => "prometheus.yml",
            Form::RuleTests => "rule-tests.yml",
            Form::Rules => "rules.yml",
            Form::ScrapeConfigs => "scrape-configs.yml",
            Form::Targets => "targets.yml",
        }
    }

    pub fn table(self) -> &'static Table {
        static TABLES: [OnceLock<Table>; Form::ALL.len()] = [const { OnceLock::new() }; Form::ALL.len()];
        TABLES[self as usize].get_or_init(|| {
            Table::read(self.file(), |name| templates::data(&format!("forms/{name}")))
                .unwrap_or_else(|error| panic!("bug: forms/{}: {error}", self.file()))
        })
    }

    /// What the program would refuse in a document. `is_loaded`: the program of the form reads it, and no other that knows
    /// more keys.
    pub fn misfits(self, document: &Arc<Document>, is_loaded: bool) -> Vec<Misfit> {
        walk::walk(self.table(), document, is_loaded)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_can_be_read_and_names_only_what_it_has() {
        for form in Form::ALL {
            let table = form.table();
            assert_eq!(table.undefined(), Vec::<String>::new(), "{form:?}");
            assert_eq!(table.unused(), Vec::<String>::new(), "{form:?}");
        }
    }
}
