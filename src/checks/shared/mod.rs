//! What several checks know or do together; nothing here finds a fault. Apart from the checks, so that beside this folder
//! each file is one check.

pub(super) mod addresses;
pub(super) mod alert_texts;
pub(super) mod asked;
pub(super) mod counters;
pub(super) mod datasources;
pub(super) mod engines;
pub(super) mod flags;
pub(super) mod folders;
pub(super) mod jobs;
pub(super) mod joins;
pub(super) mod label_names;
pub(super) mod nodes;
pub(super) mod notification_texts;
pub(super) mod prepared;
pub(super) mod readers;
pub(super) mod scrapes;
pub(super) mod shapes;
pub(super) mod values;
pub(super) mod verdicts;
pub(super) mod words;
