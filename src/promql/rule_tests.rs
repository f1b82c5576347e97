//! The notation of rule tests: a series, the values that are loaded for it, and what a sample is compared with. It shares its
//! labels with PromQL and nothing else, so it has a reader of its own, which only accepts or refuses.

use super::grammar::{self, Fault};
use super::labels::NAME;
use super::refused::Refused;
use super::{MatchOp, Matcher};

type Read<T> = Result<T, Box<Refused>>;

/// Words that begin something else in PromQL. All others may be the name of a metric.
const NO_NAMES: [&str; 8] = ["atan2", "bool", "group_left", "group_right", "ignoring", "inf", "nan", "on"];

const HINTS: [&str; 4] = ["gauge", "not_reset", "reset", "unknown"];

/// `up{job="a"}`, as a series that is loaded: `None` where promtool takes it.
pub fn of_series(text: &str) -> Option<Refused> {
    let text = text.trim_start();
    // That is a comment to promtool, and no series is loaded.
    if text.starts_with('#') {
        return None;
    }
    let mut reader = Reader { text, at: 0 };
    reader.series().err().map(|refused| *refused)
}

/// `{job="a"}`, as the labels of a sample.
pub fn of_labels(text: &str) -> Option<Refused> {
    let mut reader = Reader { text, at: 0 };
    reader.whole_labels().err().map(|refused| *refused)
}

/// `0+1x10 _ stale`
pub fn of_values(text: &str) -> Option<Refused> {
    // Another line is another series.
    let line = text.trim_start_matches([' ', '\t']).lines().next().unwrap_or_default();
    Reader { text: line, at: 0 }.values().err().map(|refused| *refused)
}

/// `{{schema:0 sum:1}}`, and one alone.
pub fn of_histogram(text: &str) -> Option<Refused> {
    let mut reader = Reader { text: text.trim(), at: 0 };
    let is_one = reader.text.is_empty() || reader.histogram().is_ok_and(|()| reader.rest().is_empty());
    (!is_one && reader.text.lines().count() == 1).then(|| Refused {
        message: "it is no histogram".to_owned(),
        help: HISTOGRAM.to_owned(),
        word: reader.text.to_owned(),
        at: 0,
    })
}

const HISTOGRAM: &str = "write it as `{{schema:0 sum:5 count:4 buckets:[1 2 1]}}`, with spaces between its parts and none within them";

struct Reader<'t> {
    text: &'t str,
    at: usize,
}

fn is_blank(letter: char) -> bool {
    matches!(letter, ' ' | '\t' | '\r' | '\n')
}

fn is_letter(letter: char) -> bool {
    letter.is_ascii_alphabetic() || letter == '_'
}

impl<'t> Reader<'t> {
    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn takes(&mut self, sign: &str) -> bool {
        let is_there = self.rest().starts_with(sign);
        self.at += if is_there { sign.len() } else { 0 };
        is_there
    }

    /// All that comes first and is of a kind.
    fn run(&mut self, is_of_kind: impl Fn(char) -> bool) -> &'t str {
        let rest = self.rest();
        let end = rest.find(|c| !is_of_kind(c)).unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    fn refuse<T>(&self, from: usize, to: usize, message: &str, help: &str) -> Read<T> {
        let word = self.text.get(from..to).unwrap_or_default().to_owned();
        Err(Box::new(Refused { message: message.to_owned(), help: help.to_owned(), word, at: from }))
    }

    fn series(&mut self) -> Read<()> {
        let labels = self.metric()?;
        if labels.is_empty() {
            return self.refuse(
                0,
                self.text.len(),
                "a series has a name or a label",
                "write it as `up{job=\"api\"}`",
            );
        }
        if labels.iter().enumerate().any(|(at, label)| labels[..at].contains(label)) {
            let help = "write each label once; the name stands before the braces, or in them";
            return self.refuse(0, self.text.len(), "a label is given twice", help);
        }
        if self.rest().is_empty() {
            return Ok(());
        }
        let start = self.at;
        if self.run(|c| matches!(c, ' ' | '\t')).is_empty() {
            return self.refuse(
                start,
                self.text.len(),
                "a series is its name and its labels, and nothing more",
                "write it as `up{job=\"api\"}`",
            );
        }
        // What follows is read as values already.
        let rest = Reader { text: self.rest(), at: 0 }.values();
        if rest.is_ok() {
            return Ok(());
        }
        let help = "write its values in `values:`, and nothing between the name and the braces";
        self.refuse(self.at, self.text.len(), "behind a space of a series stand values", help)
    }

    fn whole_labels(&mut self) -> Read<()> {
        self.blank();
        self.metric_with_space()?;
        self.blank();
        if self.rest().is_empty() {
            return Ok(());
        }
        let help = "write the labels alone: `{job=\"api\"}`, or `up{job=\"api\"}`";
        self.refuse(self.at, self.text.len(), "labels end here, and something follows", help)
    }

    /// Spaces and comments.
    fn blank(&mut self) {
        while !self.run(is_blank).is_empty() || self.rest().starts_with('#') {
            if self.rest().starts_with('#') {
                self.run(|c| c != '\n');
            }
        }
    }

    fn metric_with_space(&mut self) -> Read<()> {
        self.name()?;
        self.blank();
        if self.rest().starts_with('{') { self.labels().map(|_| ()) } else { Ok(()) }
    }

    /// The names of its labels that say something, that of the metric among them.
    fn metric(&mut self) -> Read<Vec<String>> {
        let mut labels = Vec::new();
        if !self.name()?.is_empty() {
            labels.push(NAME.to_owned());
        }
        if self.rest().starts_with('{') {
            let inside = self.labels()?;
            // A name in the braces is that before them, or goes with it.
            let is_named = !labels.is_empty();
            labels.extend(inside.into_iter().filter(|label| !is_named || label != NAME));
        }
        Ok(labels)
    }

    fn name(&mut self) -> Read<&'t str> {
        let start = self.at;
        if !self.rest().starts_with(|c| is_letter(c) || c == ':') {
            return Ok("");
        }
        let name = self.run(|c| is_letter(c) || c.is_ascii_digit() || c == ':');
        if NO_NAMES.iter().any(|word| word.eq_ignore_ascii_case(name)) {
            let help = format!("write it in quotes: `{{\"{name}\"}}`");
            return self.refuse(start, self.at, "it is a word of PromQL, not the name of a metric", &help);
        }
        Ok(name)
    }

    /// Those in braces, which are read as in PromQL.
    fn labels(&mut self) -> Read<Vec<String>> {
        let start = self.at;
        let help = "write `name=\"…\"`: a series has each label with one value";
        let is_value = |matcher: &Matcher| matcher.op == MatchOp::Equal;
        match grammar::braces(self.rest(), None) {
            Ok(braces) => {
                self.at += braces.end;
                if !braces.matchers.iter().all(is_value) {
                    return self.refuse(start, self.at, "behind the name of a label stands `=`", help);
                }
                let names = braces.names.into_iter().filter(|name| !name.is_empty()).map(|_| NAME.to_owned());
                let labels = braces.matchers.into_iter().filter(|label| !label.value.is_empty());
                Ok(names.chain(labels.map(|label| label.name)).collect())
            }
            Err(Fault { pattern: Some(_), range, .. }) => self.refuse(
                start + range.start,
                start + range.end,
                "a label has a value there, and no pattern",
                help,
            ),
            Err(Fault { message, help, range, .. }) => {
                self.refuse(start + range.start, start + range.end, &message, &help)
            }
        }
    }

    fn values(&mut self) -> Read<()> {
        loop {
            self.run(|c| matches!(c, ' ' | '\t' | '\r'));
            if self.rest().is_empty() {
                return Ok(());
            }
            let start = self.at;
            let is_read = self.value();
            if !is_read || !(self.rest().is_empty() || self.rest().starts_with([' ', '\t', '\r'])) {
                return self.no_value(start);
            }
        }
    }

    fn value(&mut self) -> bool {
        if self.takes("_") {
            return !self.rest().starts_with('x') || self.times();
        }
        if self.rest().starts_with("{{") {
            if self.histogram().is_err() {
                return false;
            }
            let has_step = self.takes("+") || self.takes("-");
            if has_step && (!self.rest().starts_with("{{") || self.histogram().is_err()) {
                return false;
            }
            return if has_step || self.rest().starts_with('x') { self.times() } else { true };
        }
        if !self.word("stale") {
            self.sign();
            if !self.number() {
                return false;
            }
        }
        if self.sign() {
            return self.number() && self.times();
        }
        !self.rest().starts_with('x') || self.times()
    }

    fn sign(&mut self) -> bool {
        self.takes("+") || self.takes("-")
    }

    /// One word alone: what follows is no letter and no digit.
    fn word(&mut self, word: &str) -> bool {
        let length = self.word_length();
        let is_it = &self.rest()[..length] == word;
        self.at += if is_it { length } else { 0 };
        is_it
    }

    fn word_length(&self) -> usize {
        let rest = self.rest();
        rest.find(|c| !is_letter(c) && !c.is_ascii_digit()).unwrap_or(rest.len())
    }

    fn times(&mut self) -> bool {
        if !self.takes("x") {
            return false;
        }
        let count = self.run(|c| c.is_ascii_digit());
        count.parse::<u64>().is_ok()
    }

    /// Without a sign. An `x` may follow it.
    fn number(&mut self) -> bool {
        let length = self.word_length();
        if ["inf", "nan"].iter().any(|word| word.eq_ignore_ascii_case(&self.rest()[..length])) {
            self.at += length;
            return true;
        }
        let whole = self.digits();
        let part = self.takes(".") && self.digits();
        if !whole && !part {
            return false;
        }
        if self.takes("e") || self.takes("E") {
            self.sign();
            if !self.digits() {
                return false;
            }
        }
        !self.rest().starts_with(|c: char| c.is_ascii_alphanumeric() && c != 'x' || c == '_')
    }

    /// Digits, with single underscores between them.
    fn digits(&mut self) -> bool {
        let run = self.run(|c| c.is_ascii_digit() || c == '_');
        let is_right = run.split('_').all(|part| !part.is_empty());
        if !is_right {
            self.at -= run.len();
        }
        is_right
    }

    fn histogram(&mut self) -> Result<(), ()> {
        let mut known: Vec<String> = Vec::new();
        self.takes("{{");
        loop {
            let is_first = known.is_empty();
            let has_space = !self.run(|c| matches!(c, ' ' | '\t')).is_empty();
            if self.takes("}}") {
                return Ok(());
            }
            let key = self.run(is_letter).to_ascii_lowercase();
            if is_first == has_space || known.contains(&key) || !self.takes(":") {
                return Err(());
            }
            let is_right = match key.as_str() {
                "sum" | "count" | "z_bucket" | "z_bucket_w" => {
                    self.takes("-");
                    self.histogram_number()
                }
                "schema" | "offset" | "n_offset" => {
                    self.takes("-");
                    !self.run(|c| c.is_ascii_digit()).is_empty()
                }
                "buckets" | "n_buckets" | "custom_values" => self.buckets(),
                "counter_reset_hint" => {
                    let word = self.run(is_letter).to_ascii_lowercase();
                    HINTS.contains(&word.as_str())
                }
                _ => false,
            };
            if !is_right || self.rest().starts_with(|c: char| !matches!(c, ' ' | '\t' | '}')) {
                return Err(());
            }
            known.push(key);
        }
    }

    fn histogram_number(&mut self) -> bool {
        self.rest().starts_with(|c: char| c.is_ascii_alphanumeric())
            && self.number()
            && !self.rest().starts_with('x')
    }

    fn buckets(&mut self) -> bool {
        if !self.takes("[") || !self.histogram_number() {
            return false;
        }
        while !self.run(|c| matches!(c, ' ' | '\t')).is_empty() && !self.rest().starts_with(']') {
            if !self.histogram_number() {
                return false;
            }
        }
        self.takes("]")
    }

    /// What stands there, up to the next space, and what was meant.
    fn no_value<T>(&self, start: usize) -> Read<T> {
        let rest = &self.text[start..];
        let is_histogram = rest.starts_with('{');
        let space = rest.find([' ', '\t', '\r']).unwrap_or(rest.len());
        let length = if is_histogram { rest.find("}}").map_or(rest.len(), |at| at + 2) } else { space };
        let word = &rest[..length];
        let is_step = |text: &str| {
            let mut reader = Reader { text, at: 0 };
            reader.value();
            reader.sign();
            text.contains(['+', '-'])
                && !text.contains('x')
                && reader.text.ends_with(|c: char| c.is_ascii_digit())
        };
        let help = if is_histogram {
            HISTOGRAM.to_owned()
        } else if word.contains([',', ';']) {
            "put spaces between the values, and no commas".to_owned()
        } else if word.eq_ignore_ascii_case("stale") {
            "write `stale`".to_owned()
        } else if word.contains('X') {
            format!("write `{}`, with a small `x`", word.replace('X', "x"))
        } else if word.len() > 1 && word.ends_with('x') || is_step(word) {
            format!("write how often it is repeated: `{}x10`", word.trim_end_matches('x'))
        } else {
            "write numbers with spaces between them: `0+10x5` adds 10 five times, `1x5` repeats 1, `_` is missing, or `stale`".to_owned()
        };
        self.refuse(start, start + length, &format!("`{word}` is no value of a series"), &help)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_as_promtool_reads_them() {
        for good in [
            "",
            "1 2",
            "1+1x5",
            "_x5 _",
            "-1-1x5",
            "stale 1",
            "NaN +Inf -inf",
            "0x10",
            "1. .5 1e3 1_000",
            "Inf+1x2",
            "stale+1x5",
            "{{}} {{schema:0 sum:1 count:1 buckets:[1 2]}}x5",
            "{{}}+{{}}x2",
            "{{ }}",
            "{{schema:0 }}",
            "1\t2",
            "+.5-.5x3",
            "1 \r 2",
        ] {
            assert_eq!(of_values(good), None, "{good}");
        }
        for bad in [
            "1+1x",
            "1x",
            "_x",
            "1 1,2",
            "1+1",
            "1--1x5",
            "1 + 1x5",
            "Stale",
            "stalex5",
            "1e",
            "abc",
            "__",
            "_5",
            "1..2",
            "1+1x5,",
            "infx5",
            "1x5x5",
            "1X5",
            "1 # x",
            "(1)",
            "{{sum: 1}}",
            "{{foo:1}}",
            "{{ schema:0 }}",
            "{{schema:1.5}}",
            "{{buckets:[]}}",
            "{{sum:1 sum:2}}",
            "{schema:0}",
            "{{}}{{}}",
            "1x1_0",
            "--1",
            "1+{{}}x5",
            "{{sum:.5}}",
            "+",
            "1_",
        ] {
            assert!(of_values(bad).is_some(), "{bad}");
        }
        let refused = of_values("1 2,3 4").expect("is refused");
        assert_eq!((refused.word.as_str(), refused.at), ("2,3", 2));
    }

    #[test]
    fn series_and_labels_are_read_as_promtool_reads_them() {
        for good in [
            "up",
            "{job=\"a\"}",
            "up{}",
            "up{job = 'a' , }",
            "{\"a b\", c=`d`}",
            "up{\"x\"}",
            " up ",
            "by",
            "sum{on=\"b\"}",
            "up 1",
            "up{a=\"}\"}",
            "{up=\"1\"}",
            "up{a=\"\\n\\u00e9\\\"\"}",
            "a:b",
            "infx",
            "# up",
        ] {
            assert_eq!(of_series(good), None, "{good}");
        }
        for bad in [
            "",
            "{}",
            "up{",
            "up{a=b}",
            "up{a=~\"b\"}",
            "up{,}",
            "up job",
            "up[5m]",
            "1",
            "sum(up)",
            "a-b",
            "up {a=\"b\"}",
            "nan",
            "up{a=\"b\" c=\"d\"}",
            "up{a=\"b\"}}",
            "\"up\"",
            "é",
            "{\"a\",\"b\"}",
            "up{a=\"1\",a=\"2\"}",
            "{a=\"\"}",
            "on",
            "up{a=\"\\d\"}",
            "up{a=\"\\u00!e9\"}",
            "up{1a=\"b\"}",
        ] {
            assert!(of_series(bad).is_some(), "{bad}");
        }
        for good in ["", "{}", "up {a=\"b\"}", "up{a=\"b\"} # c", "{\"x\",\"y\"}", "# x"] {
            assert_eq!(of_labels(good), None, "{good}");
        }
        for bad in ["{} {", "on", "{a=\"x\"", "{a}", "{=\"\"}", "vector(1)", "up[5m]", "a b"] {
            assert!(of_labels(bad).is_some(), "{bad}");
        }
    }
}
