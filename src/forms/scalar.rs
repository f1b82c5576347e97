//! The kinds of single values, and the words by which a form names them.

/// The kinds of single values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scalar {
    /// Anything that is written in one piece: where text is wanted, the programs take numbers too.
    Text,
    /// As text; what makes it a pattern is not looked at here.
    Regex,
    /// Text that YAML does not read as a number or as `true`.
    String,
    Bool,
    Whole,
    /// A whole number from 0.
    Count,
    Number,
    /// `1h30m`
    Duration,
    /// `1.5h`
    GoDuration,
    /// `10MB`
    Size,
    /// With a scheme and a host.
    Url,
    /// Whatever can be read as an address: with a scheme or without.
    AnyUrl,
    /// What a label is called.
    LabelName,
    /// As text, and not an empty one.
    Filled,
    /// An expression.
    PromQl,
    /// `Europe/Berlin`
    Location,
    /// `up{job="a"}`
    Series,
    /// `0+1x10 _ stale`
    SeriesValues,
    /// `{{schema:0 sum:1}}`
    Histogram,
    /// `{job="a"}`, of a sample.
    Labels,
    /// `host:port`
    Address,
    /// `true` or `false`, in quotes or not.
    Flag,
    /// A number, in quotes or not.
    Numeral,
    /// Go's form, with days and weeks.
    LongDuration,
    /// `512m`
    Bytes,
    /// `1h30m`, and not nothing.
    Time,
    /// `monday`, `monday:friday`
    Weekday,
    /// `5`, `may`, `may:july`
    Month,
    /// `1`, `-1`, `1:5`
    DayOfMonth,
    /// `2026:2027`
    Year,
    /// `08:00`
    TimeOfDay,
    /// `targets/*.yml`
    TargetFile,
    /// `templates/*.tmpl`
    Glob,
    /// `rules/*.yml`, where only the name of the file may vary.
    FileGlob,
}

impl Scalar {
    pub(super) fn named(word: &str) -> Option<Scalar> {
        Some(match word {
            "text" | "scalar" => Scalar::Text,
            "regex" => Scalar::Regex,
            "string" => Scalar::String,
            "bool" => Scalar::Bool,
            "whole" => Scalar::Whole,
            "count" => Scalar::Count,
            "number" => Scalar::Number,
            "duration" => Scalar::Duration,
            "go duration" => Scalar::GoDuration,
            "size" => Scalar::Size,
            "url" => Scalar::Url,
            "any url" => Scalar::AnyUrl,
            "label name" => Scalar::LabelName,
            "filled text" => Scalar::Filled,
            "promql" => Scalar::PromQl,
            "location" => Scalar::Location,
            "series" => Scalar::Series,
            "series values" => Scalar::SeriesValues,
            "histogram" => Scalar::Histogram,
            "labels" => Scalar::Labels,
            "address" => Scalar::Address,
            "flag" => Scalar::Flag,
            "numeral" => Scalar::Numeral,
            "long duration" => Scalar::LongDuration,
            "bytes" => Scalar::Bytes,
            "time" => Scalar::Time,
            "weekday" => Scalar::Weekday,
            "month" => Scalar::Month,
            "day of month" => Scalar::DayOfMonth,
            "year" => Scalar::Year,
            "time of day" => Scalar::TimeOfDay,
            "target file" => Scalar::TargetFile,
            "glob" => Scalar::Glob,
            "file glob" => Scalar::FileGlob,
            _ => return None,
        })
    }
}
