//! The flags of the programs, release by release. The tables are data: one file for each program.

use std::collections::BTreeMap;

use crate::stack::Program;

pub(crate) type Version = (u32, u32);

/// One flag of a program.
#[derive(Clone, Copy)]
pub(crate) struct Flag {
    /// It takes no value, and may be negated with `no-`.
    pub(crate) is_switch: bool,
    since: Option<Version>,
    /// The first release without it.
    pub(crate) until: Option<Version>,
}

impl Flag {
    pub(crate) fn is_in(&self, version: Version) -> bool {
        self.since.is_none_or(|since| since <= version) && self.until.is_none_or(|until| version < until)
    }
}

/// The flags of one program.
pub(crate) struct Flags(pub(crate) BTreeMap<&'static str, Flag>);

impl Flags {
    /// `None` for what has no table, and for releases that the table does not cover.
    pub(crate) fn of(program: Program, version: Version) -> Option<Flags> {
        let table = match program {
            Program::Prometheus => include_str!("flags/prometheus.txt"),
            Program::Alertmanager => include_str!("flags/alertmanager.txt"),
            Program::Blackbox => include_str!("flags/blackbox.txt"),
            Program::NodeExporter => include_str!("flags/node.txt"),
            _ => return None,
        };
        let mut lines = table.lines().filter(|line| !line.starts_with("//!"));
        let mut covered = lines.next()?.split(' ').skip(1).filter_map(parse);
        let is_covered = (covered.next()?..=covered.next()?).contains(&version);
        is_covered.then(|| Flags(lines.filter_map(flag).collect()))
    }

    /// A flag by its name, and by `no-` before it.
    pub(crate) fn get(&self, name: &str) -> Option<Flag> {
        let negated = || self.0.get(name.strip_prefix("no-")?).filter(|flag| flag.is_switch);
        self.0.get(name).or_else(negated).copied()
    }
}

/// `name bool since=2.1 until=3.0`
fn flag(line: &'static str) -> Option<(&'static str, Flag)> {
    let mut words = line.split(' ');
    let name = words.next()?;
    let mut flag = Flag { is_switch: false, since: None, until: None };
    for word in words {
        match word.split_once('=') {
            Some(("since", version)) => flag.since = parse(version),
            Some(("until", version)) => flag.until = parse(version),
            _ => flag.is_switch = true,
        }
    }
    Some((name, flag))
}

fn parse(text: &str) -> Option<Version> {
    let (major, minor) = text.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}
