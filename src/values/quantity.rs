//! Quantities: durations, sizes, counts and thresholds.

use std::fmt;
use std::str::FromStr;

use super::scalar;

/// A span of time with millisecond precision, written as Prometheus writes it: `15s`, `1m30s`, `2.5s`, `250ms`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Duration(u64);

impl Duration {
    pub const fn from_secs(seconds: u64) -> Self {
        Self(seconds * 1000)
    }

    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    pub fn as_secs_f64(self) -> f64 {
        // Exact up to 285,000 years: a `u64` of milliseconds below 2^53.
        #[allow(clippy::cast_precision_loss, reason = "durations in a config are far below 2^53 ms")]
        let millis = self.0 as f64;
        millis / 1000.0
    }

    pub const fn as_millis(self) -> u64 {
        self.0
    }
}

impl From<std::time::Duration> for Duration {
    fn from(length: std::time::Duration) -> Self {
        Self(u64::try_from(length.as_millis()).unwrap_or(u64::MAX))
    }
}

/// Unit and its length in milliseconds, the longest first.
const DURATION_UNITS: &[(&str, u64)] = &[
    ("y", 365 * 86_400_000),
    ("w", 7 * 86_400_000),
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1000),
    ("ms", 1),
];

/// A duration as Prometheus and Alertmanager read it: whole numbers, each unit once and the large ones first, or a plain `0`.
/// A config of skymon may write more, and is rendered as this.
pub fn prometheus_duration(text: &str) -> Option<std::time::Duration> {
    if text == "0" {
        return Some(std::time::Duration::ZERO);
    }
    let mut millis: u64 = 0;
    let mut units = DURATION_UNITS.iter();
    let mut rest = text;
    while !rest.is_empty() {
        let (number, after) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit())?);
        let (unit, next) = after.split_at(after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len()));
        let (_, length) = units.find(|(name, _)| *name == unit)?;
        millis = millis.checked_add(number.parse::<u64>().ok()?.checked_mul(*length)?)?;
        rest = next;
    }
    (!text.is_empty()).then(|| std::time::Duration::from_millis(millis))
}

/// A thousand years.
const LONGEST_MILLIS: u64 = 1000 * 365 * 86_400_000;

impl FromStr for Duration {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong =
            || format!("`{text}` is not a duration\nwrite a number and a unit: `15s`, `5m`, `1h`, `250ms`");
        let too_long = || "no stack runs that long\nwrite a duration below 1000y".to_owned();
        let mut millis = 0u64;
        let mut rest = text;
        while !rest.is_empty() {
            let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(wrong)?;
            let number: f64 = rest[..digits].parse().map_err(|_| wrong())?;
            rest = &rest[digits..];
            let letters = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
            let unit = DURATION_UNITS.iter().find(|(name, _)| *name == &rest[..letters]).ok_or_else(wrong)?;
            rest = &rest[letters..];
            #[allow(clippy::cast_precision_loss, reason = "the unit's length is a small constant")]
            let part = (number * unit.1 as f64).round();
            #[allow(clippy::cast_precision_loss, reason = "a constant far below 2^53")]
            if part > LONGEST_MILLIS as f64 {
                return Err(too_long());
            }
            #[allow(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "digits only, and bounded above"
            )]
            let part = part as u64;
            millis += part;
            if millis > LONGEST_MILLIS {
                return Err(too_long());
            }
        }
        if text.is_empty() { Err(wrong()) } else { Ok(Self(millis)) }
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return f.write_str("0s");
        }
        let mut left = self.0;
        // Years and weeks are read but not written: `30d` reads better than `4w2d`.
        for (unit, length) in &DURATION_UNITS[2..] {
            let count = left / length;
            if count > 0 {
                write!(f, "{count}{unit}")?;
            }
            left %= length;
        }
        Ok(())
    }
}

scalar!(Duration, "a duration such as `15s`", {
    "type": "string",
    "pattern": "^([0-9]+(\\.[0-9]+)?(ms|s|m|h|d|w|y))+$",
    "description": "A duration: `15s`, `1m30s`, `2.5s`, `250ms`."
});

/// A size on disk, as Prometheus takes it: `10GB`, `512MB`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Size(String);

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        const UNITS: [&str; 7] = ["B", "KB", "MB", "GB", "TB", "PB", "EB"];
        let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let power = UNITS.iter().position(|unit| *unit == &text[digits.len()..]);
        let bytes =
            power.zip(digits.parse::<u128>().ok()).map(|(power, number)| number << (10 * power.min(60)));
        match bytes {
            // Below that a day does not fit; above, Prometheus cannot count.
            Some(bytes) if (100 << 20..1 << 62).contains(&bytes) => Ok(Self(text.to_owned())),
            Some(_) => Err(format!(
                "`{text}` is not a size that series can be kept in\nfrom `100MB` to `4EB` is possible"
            )),
            None => Err(format!("`{text}` is not a size\nwrite a whole number and a unit: `10GB`, `512MB`")),
        }
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

scalar!(Size, "a size such as `10GB`", {
    "type": "string",
    "pattern": "^[0-9]+(B|KB|MB|GB|TB|PB|EB)$",
    "description": "A size on disk: `10GB`."
});

/// A whole number of things.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Count(u32);

impl Count {
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl FromStr for Count {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.parse()
            .map(Self)
            .map_err(|_| format!("`{text}` is not a whole number below 4 billion\nwrite `0`, `1`, `20`"))
    }
}

scalar!(Count, "a whole number", { "type": "integer", "minimum": 0 });

/// Currency per hour.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate(f64);

impl Rate {
    pub const fn get(self) -> f64 {
        self.0
    }
}

impl FromStr for Rate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.parse::<f64>() {
            Ok(rate) if rate.is_finite() && (0.0..1e9).contains(&rate) => Ok(Self(rate)),
            _ => Err(format!(
                "`{text}` is not what an hour can cost\nwrite a number without a currency: `0.15`"
            )),
        }
    }
}

scalar!(Rate, "what an hour costs", { "type": "number", "minimum": 0 });

/// The share of requests that must be good, in percent: `99.9`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Objective {
    /// Thousandths of a percent, so that what is left of a hundred is exact.
    millis: u32,
}

/// A hundred percent, in thousandths of one.
const WHOLE: u32 = 100_000;

impl Objective {
    /// `99.9` is 0.999.
    pub fn ratio(self) -> f64 {
        f64::from(self.millis) / f64::from(WHOLE)
    }

    /// The share that may be bad: of `99.9` it is 0.001.
    pub fn budget(self) -> f64 {
        f64::from(WHOLE - self.millis) / f64::from(WHOLE)
    }
}

impl FromStr for Objective {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not an objective in percent\nwrite `99.9`");
        let percent: f64 = text.strip_suffix('%').unwrap_or(text).trim_end().parse().map_err(|_| wrong())?;
        let millis = (percent * 1000.0).round();
        if percent > 0.5 && percent < 1.0 && !text.ends_with('%') {
            // Rounded, since 0.999 × 100 has more digits than anyone wrote.
            let meant = (percent * 1e8).round() / 1e6;
            return Err(format!("`{text}` is less than one percent\ndid you mean `{meant}`?"));
        }
        if percent >= 100.0 {
            return Err(format!(
                "`{text}` leaves no budget: one failure would break it for ever\nwrite `99.9`"
            ));
        }
        if percent < 90.0 || percent.is_nan() {
            return Err(format!(
                "`{text}` leaves so large a budget that no outage would burn it fast enough for a page\nwrite `99.9`; from 90 to 99.999 is possible"
            ));
        }
        if percent > 99.999 || (percent * 1000.0 - millis).abs() > 1e-6 {
            return Err(format!(
                "`{text}` has more digits than can be kept\nwrite `99.99`; up to 99.999 is possible"
            ));
        }
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "from 90 to 99.999 percent, and whole"
        )]
        Ok(Self { millis: millis as u32 })
    }
}

impl fmt::Display for Objective {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", f64::from(self.millis) / 1000.0)
    }
}

scalar!(Objective, "an objective in percent such as `99.9`", {
    "type": ["number", "string"],
    "description": "Percent of the requests that must be good: `99.9`. From 90 to 99.999."
});

/// An alert's threshold as written; what unit it has is the alert's to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Threshold(String);

impl Threshold {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Threshold {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Ok(Self(text.to_owned()))
    }
}

scalar!(Threshold, "a threshold", {
    "type": ["string", "number"],
    "description": "A ratio (`5%` or `0.05`), a duration (`2.5s`) or a number, as the alert needs."
});

#[cfg(test)]
mod tests {
    use super::*;

    fn duration(text: &str) -> Result<String, String> {
        text.parse::<Duration>().map(|d| d.to_string())
    }

    #[test]
    fn a_duration_is_what_prometheus_takes() {
        for good in ["0", "15s", "1h30m", "1y2w3d4h5m6s7ms", "500ms", "90m"] {
            assert!(prometheus_duration(good).is_some(), "{good}");
        }
        for bad in ["", "15", "15sec", "1.5h", "30m1h", "s", "-5m", "1m1m", " 5m"] {
            assert!(prometheus_duration(bad).is_none(), "{bad}");
        }
        assert_eq!(prometheus_duration("1h30m500ms"), Some(std::time::Duration::from_millis(5_400_500)));
    }

    #[test]
    fn durations_are_read_as_people_write_them_and_written_as_prometheus_reads_them() {
        for (text, written) in [
            ("15s", "15s"),
            ("90s", "1m30s"),
            ("1m30s", "1m30s"),
            ("2.5s", "2s500ms"),
            ("250ms", "250ms"),
            ("30d", "30d"),
            ("1w", "7d"),
            ("0s", "0s"),
        ] {
            assert_eq!(duration(text).as_deref(), Ok(written), "{text}");
        }
        for text in ["", "15", "s", "1.2.3s", "5 m", "-5s", "99999999999y", "1e3s"] {
            assert!(duration(text).is_err(), "{text} must not be a duration");
        }
    }

    #[test]
    fn an_objective_is_a_percentage_that_leaves_a_budget_and_can_be_broken_fast() {
        let objective = |text: &str| text.parse::<Objective>();
        for (text, budget, written) in [
            ("99.9", 0.001, "99.9"),
            ("99.9%", 0.001, "99.9"),
            ("99", 0.01, "99"),
            ("99.95", 0.0005, "99.95"),
            ("90.0", 0.1, "90"),
            ("99.999", 0.00001, "99.999"),
        ] {
            let objective = objective(text).expect("is one");
            assert!(objective.budget().total_cmp(&budget).is_eq(), "{text}: {}", objective.budget());
            assert_eq!(objective.to_string(), written);
        }
        for (text, help) in [
            ("0.999", "did you mean `99.9`?"),
            ("0.95", "did you mean `95`?"),
            ("100", "write `99.9`"),
            ("101", "write `99.9`"),
            ("0", "from 90 to 99.999 is possible"),
            ("-1", "from 90 to 99.999 is possible"),
            ("80", "from 90 to 99.999 is possible"),
            ("NaN", "from 90 to 99.999 is possible"),
            ("99.9999", "up to 99.999 is possible"),
            ("99.9995", "up to 99.999 is possible"),
            ("two nines", "write `99.9`"),
            ("", "write `99.9`"),
        ] {
            let said = objective(text).expect_err(text);
            assert!(said.ends_with(help), "{text}: {said}");
        }
    }
}
