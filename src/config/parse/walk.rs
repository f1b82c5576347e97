//! Where a reading is, what it leaves out, and the fault that ended it. serde's complaint is kept as data,
//! beside the YAML reader whose errors can only carry text: nothing has to be parsed back out of a message.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::fmt;

use serde::de::{self, Expected, Unexpected};

use crate::source::{ConfigPath, Found, Segment, SpanIndex};

/// What serde said of one value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    UnknownKey {
        key: String,
        known: &'static [&'static str],
    },
    MissingKey(&'static str),
    WrongType {
        expected: String,
    },
    /// The right type, but not one of its values.
    OutOfRange {
        expected: String,
    },
    UnknownChoice {
        value: String,
        known: &'static [&'static str],
    },
    NoValue,
    /// A type's own words.
    Custom(String),
    /// What the YAML reader refused by itself.
    Reader(String),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

impl std::error::Error for Fault {}

impl de::Error for Fault {
    fn custom<T: fmt::Display>(message: T) -> Fault {
        Fault::Custom(message.to_string())
    }

    fn invalid_type(_: Unexpected<'_>, expected: &dyn Expected) -> Fault {
        Fault::WrongType { expected: expected.to_string() }
    }

    fn invalid_value(_: Unexpected<'_>, expected: &dyn Expected) -> Fault {
        Fault::OutOfRange { expected: expected.to_string() }
    }

    fn invalid_length(_: usize, expected: &dyn Expected) -> Fault {
        Fault::OutOfRange { expected: expected.to_string() }
    }

    fn unknown_variant(variant: &str, known: &'static [&'static str]) -> Fault {
        Fault::UnknownChoice { value: variant.to_owned(), known }
    }

    fn unknown_field(field: &str, known: &'static [&'static str]) -> Fault {
        Fault::UnknownKey { key: field.to_owned(), known }
    }

    fn missing_field(field: &'static str) -> Fault {
        Fault::MissingKey(field)
    }
}

/// The state of one reading.
pub(super) struct Walk<'a> {
    skip: &'a BTreeSet<ConfigPath>,
    index: &'a SpanIndex,
    /// Where the reading is. Nothing is taken back on the way out of a fault: then it is where the fault is.
    path: RefCell<ConfigPath>,
    in_key: Cell<bool>,
    /// The fault, while it travels through the YAML reader, whose errors can only carry text.
    fault: RefCell<Option<Fault>>,
}

/// The place of the fault that ended a reading.
pub(super) struct Stop {
    pub(super) path: ConfigPath,
    /// Whether the key itself is at fault, not its value.
    pub(super) in_key: bool,
}

impl<'a> Walk<'a> {
    pub(super) fn new(skip: &'a BTreeSet<ConfigPath>, index: &'a SpanIndex) -> Walk<'a> {
        Walk {
            skip,
            index,
            path: RefCell::new(ConfigPath::root()),
            in_key: Cell::new(false),
            fault: RefCell::new(None),
        }
    }

    pub(super) fn stop(self) -> Stop {
        Stop { path: self.path.into_inner(), in_key: self.in_key.get() }
    }

    pub(super) fn depth(&self) -> usize {
        self.path.borrow().segments().len()
    }

    pub(super) fn leave_to(&self, depth: usize) {
        self.path.borrow_mut().truncate(depth);
    }

    pub(super) fn enter(&self, depth: usize, segment: Segment) {
        self.leave_to(depth);
        self.path.borrow_mut().push(segment);
    }

    pub(super) fn set_in_key(&self, in_key: bool) {
        self.in_key.set(in_key);
    }

    pub(super) fn skips_here(&self) -> bool {
        !self.skip.is_empty() && self.skip.contains(&self.path.borrow())
    }

    pub(super) fn is_nothing_here(&self) -> bool {
        self.index.found(&self.path.borrow()) == Some(Found::Nothing)
    }

    /// Lets a fault out through the YAML reader.
    pub(super) fn send<T, E: de::Error>(&self, result: Result<T, Fault>) -> Result<T, E> {
        result.map_err(|fault| {
            *self.fault.borrow_mut() = Some(fault);
            E::custom("a fault that travels apart")
        })
    }

    /// Takes it back on the other side, or makes one of the reader's own error.
    pub(super) fn receive<T, E: de::Error>(&self, result: Result<T, E>, expected: &str) -> Result<T, Fault> {
        result.map_err(|error| {
            self.fault.borrow_mut().take().unwrap_or_else(|| {
                let text = error.to_string();
                let is_type = text.contains("invalid type") || text.contains("invalid value");
                if is_type { Fault::WrongType { expected: expected.to_owned() } } else { Fault::Reader(text) }
            })
        })
    }
}
