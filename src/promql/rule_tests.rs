//! The notation of rule tests: a series, the values that are loaded for it, and what a sample is compared with. It shares its
//! labels with PromQL and nothing else, so it has a reader of its own, which only accepts or refuses.

use super::refused::Refused;

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
            labels.push("__name__".to_owned());
        }
        if self.rest().starts_with('{') {
            let inside = self.labels()?;
            // A name in the braces is that before them, or goes with it.
            let is_named = !labels.is_empty();
            labels.extend(inside.into_iter().filter(|label| !is_named || label != "__name__"));
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

    fn labels(&mut self) -> Read<Vec<String>> {
        let mut labels = Vec::new();
        self.takes("{");
        self.blank();
        while !self.takes("}") {
            let start = self.at;
            let mut name = self.run(|c| is_letter(c) || c.is_ascii_digit()).to_owned();
            let is_quoted = name.is_empty() && self.rest().starts_with(['"', '\'', '`']);
            if is_quoted {
                name = self.string()?;
            }
            if !is_quoted && !name.starts_with(is_letter) {
                let end = self.end_of_sign();
                return self.refuse(
                    start,
                    end,
                    "no label begins like that",
                    "write labels as `{job=\"api\"}`",
                );
            }
            self.blank();
            let sign = self.at;
            if self.takes("=") && !self.rest().starts_with(['=', '~']) {
                self.blank();
                let value = self.at;
                if !self.rest().starts_with(['"', '\'', '`']) {
                    let word = self.run(|c| !is_blank(c) && c != ',' && c != '}');
                    let help = format!("write it in quotes: `{name}=\"{word}\"`");
                    return self.refuse(value, self.at, "the value of a label stands in quotes", &help);
                }
                if !self.string()?.is_empty() {
                    labels.push(name);
                }
            } else if is_quoted && self.at == sign {
                if !name.is_empty() {
                    labels.push("__name__".to_owned());
                }
            } else {
                self.at = sign;
                let end = sign + self.run(|c| "=!~".contains(c)).len();
                let help = format!("write `{name}=\"…\"`: a series has each label with one value");
                return self.refuse(sign, end.max(sign + 1), "behind the name of a label stands `=`", &help);
            }
            self.blank();
            let sign = self.at;
            if !self.takes(",") && !self.rest().starts_with('}') {
                let end = self.end_of_sign();
                let help = if self.rest().is_empty() {
                    "close the braces"
                } else {
                    "write a comma between two labels"
                };
                return self.refuse(sign, end, "labels are parted by commas and end with `}`", help);
            }
            self.blank();
        }
        Ok(labels)
    }

    fn end_of_sign(&self) -> usize {
        self.at + self.rest().chars().next().map_or(0, char::len_utf8)
    }

    /// A text in quotes. Only its being empty or not is asked for, and of names what they are.
    fn string(&mut self) -> Read<String> {
        let start = self.at;
        let mut letters = self.rest().char_indices();
        let quote = letters.next().map_or('"', |(_, quote)| quote);
        let mut said = String::new();
        while let Some((at, letter)) = letters.next() {
            match letter {
                letter if letter == quote => {
                    self.at = start + at + 1;
                    return Ok(said);
                }
                '\n' if quote != '`' => break,
                '\\' if quote != '`' => {
                    let escaped = letters.next().map_or(' ', |(_, letter)| letter);
                    let more = match escaped {
                        'a' | 'b' | 'f' | 'n' | 'r' | 't' | 'v' | '\\' => 0,
                        'x' | '0'..='7' => 2,
                        'u' => 4,
                        'U' => 8,
                        letter if letter == quote => 0,
                        _ => {
                            let end = start + at + 1 + escaped.len_utf8();
                            let help =
                                format!("write the backslash twice: `\\\\\\\\{escaped}` in double quotes");
                            return self.refuse(start + at, end, "there is no such escape", &help);
                        }
                    };
                    said.push(escaped);
                    for _ in 0..more {
                        letters.next();
                    }
                }
                letter => said.push(letter),
            }
        }
        self.refuse(start, self.text.len(), "the quotes are not closed", "close them")
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
