//! The vocabulary of the config: scalars that are checked once, where they are read, and are valid ever after.
//!
//! Each type is read from the text as the user wrote it, so `0.10` stays `0.10` and `5%` and `0.05` may mean the
//! same. An error's first line says what is wrong, its second (if any) is the help with the line to write.

mod network;
mod quantity;
mod text;

use std::fmt;
use std::str::FromStr;

use serde::de::{self, Visitor};

pub use network::{BindAddress, DnsName, Host, HostPort, HttpUrl, MailAddress, Port, UrlPath};
pub use quantity::{Count, Duration, Objective, Rate, Size, Threshold, prometheus_duration};
pub use text::{
    EnvName, FilePath, FolderPath, Line, Severity, SkyName, StackName, check_key, check_label_name,
};

/// Reads any scalar as the text that stands in the file and parses it.
pub(crate) struct TextVisitor<T>(pub(crate) std::marker::PhantomData<T>, pub(crate) &'static str);

impl<T: FromStr<Err = String>> Visitor<'_> for TextVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.1)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(E::custom)
    }
}

/// Gives a type its place in the config: how it is read, and what the JSON Schema says of it.
macro_rules! scalar {
    ($type:ty, $expected:literal, $schema:tt) => {
        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_str($crate::values::TextVisitor(std::marker::PhantomData, $expected))
            }
        }

        impl schemars::JsonSchema for $type {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($type).into()
            }

            fn inline_schema() -> bool {
                true
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!($schema)
            }
        }
    };
}
pub(crate) use scalar;
