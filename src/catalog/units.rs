//! The units of metrics. An engine may count milliseconds or percents; what is recorded is in the unit of the
//! vocabulary's word, and this is the one place that knows how far the two are apart.

use schemars::JsonSchema;
use serde::Deserialize;

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Unit {
    Requests,
    Tokens,
    Bytes,
    Seconds,
    Milliseconds,
    Microseconds,
    Ratio,
    Percent,
    /// 1 or 0.
    Bool,
    /// A number that stands for a state; read by comparing it.
    State,
}

impl Unit {
    /// The unit of that name, as data files write it.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "requests" => Self::Requests,
            "tokens" => Self::Tokens,
            "bytes" => Self::Bytes,
            "seconds" => Self::Seconds,
            "milliseconds" => Self::Milliseconds,
            "microseconds" => Self::Microseconds,
            "ratio" => Self::Ratio,
            "percent" => Self::Percent,
            "bool" => Self::Bool,
            "state" => Self::State,
            _ => return None,
        })
    }

    /// The unit that the vocabulary has for the same.
    #[must_use]
    pub fn base(self) -> Self {
        match self {
            Self::Milliseconds | Self::Microseconds => Self::Seconds,
            Self::Percent => Self::Ratio,
            Self::State => Self::Bool,
            other => other,
        }
    }

    /// By how many decimal places a number in this unit is larger than in its base.
    pub fn places(self) -> u8 {
        match self {
            Self::Percent => 2,
            Self::Milliseconds => 3,
            Self::Microseconds => 6,
            _ => 0,
        }
    }

    /// A number in this unit as it is in its base.
    pub fn to_base(self, value: f64) -> f64 {
        value / 10_f64.powi(self.places().into())
    }

    /// A bucket's bound in this unit as the recorded `le` has it: the point is moved in its text, as the rule does.
    pub fn bound_to_base(self, bound: &str) -> String {
        let places = usize::from(self.places());
        let Some((whole, fraction)) = bound.split_once('.').filter(|_| places > 0) else {
            return bound.to_owned();
        };
        let padded = format!("{whole:0>width$}", width = places + 1);
        let (whole, moved) = padded.split_at(padded.len() - places);
        let fraction = format!("{moved}{fraction}");
        let fraction = fraction.trim_end_matches('0');
        format!("{whole}.{}", if fraction.is_empty() { "0" } else { fraction })
    }
}

/// A bucket's bound as it stands in Prometheus, which writes all `le` alike, however the engine printed it: the
/// shortest digits, `1` as `1.0`, and an exponent beyond six places.
pub fn le(bound: f64) -> String {
    let shortest = format!("{bound:e}");
    let (digits, exponent) = shortest.split_once('e').unwrap_or((&shortest, "0"));
    match exponent.parse::<i32>() {
        Ok(exponent) if !(-4..6).contains(&exponent) => {
            let sign = if exponent < 0 { '-' } else { '+' };
            format!("{digits}e{sign}{:02}", exponent.abs())
        }
        _ if bound.fract() == 0.0 => format!("{bound}.0"),
        _ => bound.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_is_written_as_prometheus_writes_it() {
        for (bound, text) in [
            (0.000_015, "1.5e-05"),
            (0.000_15, "0.00015"),
            (0.1, "0.1"),
            (1.0, "1.0"),
            (1.122_274_146_401_882, "1.122274146401882"),
            (512.0, "512.0"),
            (600_000.0, "600000.0"),
            (1_000_000.0, "1e+06"),
            (1_048_576.0, "1.048576e+06"),
        ] {
            assert_eq!(le(bound), text);
        }
    }

    #[test]
    fn a_bound_changes_its_unit_by_moving_the_point() {
        for (bound, seconds) in [
            ("1.0", "0.001"),
            ("2.5", "0.0025"),
            ("50.0", "0.05"),
            ("500.0", "0.5"),
            ("1000.0", "1.0"),
            ("600000.0", "600.0"),
        ] {
            assert_eq!(Unit::Milliseconds.bound_to_base(bound), seconds);
        }
        assert_eq!(Unit::Microseconds.bound_to_base("1500.0"), "0.0015");
        assert_eq!(Unit::Percent.bound_to_base("5.0"), "0.05");
        assert_eq!(Unit::Seconds.bound_to_base("5.0"), "5.0");
    }
}
