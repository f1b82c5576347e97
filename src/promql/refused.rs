//! Why Prometheus will not take an expression, where that is sure. The parser behind `promql` says that it does not read one;
//! Prometheus may still: PromQL grows, and other programs read the same rule files with a dialect of their own.

use super::{ast, regex};
use crate::diagnostics::nearest;

/// An expression that Prometheus refuses.
#[derive(Debug, PartialEq, Eq)]
pub struct Refused {
    pub message: String,
    pub help: String,
    /// What is wrong in it, as it is written.
    pub word: String,
}

/// What is wrong with an expression that the parser does not take.
#[derive(Debug, PartialEq, Eq)]
pub enum Problem {
    Refused(Refused),
    /// A regular expression in it, which is refused.
    Regex(String, regex::Refused),
    /// Somebody else may take it.
    Unread,
}

/// `None` where the parser takes it.
pub fn problem(text: &str) -> Option<Problem> {
    if !super::fits(text) {
        return Some(Problem::Unread);
    }
    let error = ast::parse(text.trim()).err()?;
    if let Some(pattern) = error.strip_prefix("illegal regex for ") {
        let found = regex::fault(pattern).map(|fault| Problem::Regex(pattern.to_owned(), fault));
        return Some(found.unwrap_or(Problem::Unread));
    }
    let found = match scan(text) {
        Err(refused) => Some(refused),
        Ok(scan) if scan.is_foreign => None,
        Ok(scan) => meant(&error, text.contains('`')).or_else(|| scan.refused()),
    };
    Some(found.map_or(Problem::Unread, Problem::Refused))
}

fn refuse(message: impl Into<String>, word: &str, help: impl Into<String>) -> Refused {
    Refused { message: message.into(), help: help.into(), word: word.to_owned() }
}

/// What the parser understood, and still refused: there PromQL has not changed.
fn meant(error: &str, has_backticks: bool) -> Option<Refused> {
    let quoted = |at: usize| error.split('\'').nth(at).unwrap_or_default();
    if error.starts_with("unknown function with name") {
        let name = quoted(1);
        let near = (!DIALECTS.split_whitespace().any(|known| known == name))
            .then(|| nearest(name, FUNCTIONS.split_whitespace()))
            .flatten()?;
        return Some(refuse(
            format!("there is no function `{name}`"),
            name,
            format!("did you mean `{near}`?"),
        ));
    }
    if let Some(rest) = error.strip_prefix("expected type ") {
        let (kinds, call) = (rest.replace('\'', "`"), quoted(1));
        let help = if kinds.starts_with("range vector") {
            format!("give it a range: `{call}(…[5m])`")
        } else if kinds.ends_with("got range vector") {
            "take a `rate(…)` or an `…_over_time(…)` of the range first".to_owned()
        } else if kinds.ends_with("got None") {
            "write what it needs".to_owned()
        } else {
            "look at the order of its arguments".to_owned()
        };
        return Some(refuse(format!("a type does not fit: expected {kinds}"), call, help));
    }
    if error.contains(" argument(s) in call to ") {
        return Some(refuse(
            error.replace('\'', "`"),
            quoted(1),
            "look up what it takes, and in which order",
        ));
    }
    // The parser reads a backslash in backticks, too, as the beginning of a sign.
    if error.starts_with("unknown escape") && has_backticks {
        return None;
    }
    let (_, help) = SAID.iter().find(|(begin, _)| error.starts_with(begin))?;
    let word = if error.contains(" call to ") { error.rsplit('\'').nth(1).unwrap_or_default() } else { "" };
    Some(refuse(error.replace('\'', "`"), word, *help))
}

/// How the parser's sentences begin where what it refuses is refused everywhere, with what to write.
const SAID: [(&str, &str); 25] = [
    ("unexpected '=", "write a label's matcher as `name=\"value\"`"),
    ("unexpected identifier", "put the label's value in quotes"),
    ("invalid label matcher", "write a label's matcher as `name=\"value\"`"),
    ("unknown escape sequence", "write the backslash twice, or the text in backticks"),
    ("missing unit character", "write how long: `[5m]`"),
    (
        "binary expression must contain",
        "compare and calculate with instant vectors: `rate(…[5m])`, not `…[5m]`",
    ),
    ("bool modifier can only", "take `bool` away"),
    ("comparisons between scalars", "one side of an alert's comparison is a series"),
    ("label '", "name a label in `on (…)` or in `group_left (…)`, not in both"),
    ("set operator '", "both sides of `and`, `or` and `unless` are series: a number is `vector(…)`"),
    ("no grouping allowed", "take `group_left` away: `and`, `or` and `unless` match many anyway"),
    ("vector matching only allowed", "take `on (…)` away: one side is a number"),
    ("vector selector must contain", "name the metric, or a label with a value"),
    ("metric name must not be set twice", "take one of the names away"),
    ("unary expression only allowed", "write `-` before a number or an instant vector"),
    ("subquery is only allowed", "a subquery is of an instant vector: `rate(…[5m])[1h:]`"),
    ("ranges only allowed", "write the range right behind a metric, or a subquery as `(…)[1h:]`"),
    ("no offset modifiers allowed", "write the range first: `x[5m] offset 1h`"),
    ("no @ modifiers allowed", "write the range first: `x[5m] @ end()`"),
    ("offset may not be set", "take one `offset` away"),
    ("wrong number of arguments for aggregate", "give it what it needs: `topk(5, x)`, `sum(x)`"),
    ("no arguments for aggregate", "give it a series: `sum(x)`"),
    ("unexpected <group_", "write `on (…)` or `ignoring (…)` before it"),
    ("trailing commas not allowed", "take the last comma away"),
    ("unexpected ',' in label matching", "take the comma away"),
];

/// What stands in an expression, without its quotes and comments.
struct Scan {
    /// Words and signs, each with the bracket that it stands in.
    words: Vec<(String, char)>,
    /// Whether something in it belongs to another language, or to a newer PromQL.
    is_foreign: bool,
}

/// The first fault that no language forgives: a bracket or a quote that is not closed.
fn scan(text: &str) -> Result<Scan, Refused> {
    let mut open: Vec<char> = Vec::new();
    let mut words: Vec<(String, char)> = Vec::new();
    let mut letters = text.char_indices().peekable();
    while let Some((at, letter)) = letters.next() {
        let inside = open.last().copied().unwrap_or(' ');
        match letter {
            '#' => while letters.next_if(|(_, letter)| *letter != '\n').is_some() {},
            '"' | '\'' | '`' => {
                let mut is_escaped = false;
                let end = letters.find(|(_, next)| {
                    let ends = *next == letter && !is_escaped;
                    is_escaped = *next == '\\' && !is_escaped && letter != '`';
                    ends
                });
                if end.is_none() {
                    let word = text[at..].lines().next().unwrap_or_default();
                    return Err(refuse("a quote is not closed", word, format!("close it with `{letter}`")));
                }
                words.push(("\"".to_owned(), inside));
            }
            '(' | '[' | '{' => {
                words.push((letter.to_string(), inside));
                open.push(letter);
            }
            ')' | ']' | '}' => {
                let opening = match letter {
                    ')' => '(',
                    ']' => '[',
                    _ => '{',
                };
                match open.pop() {
                    Some(last) if last == opening => {
                        words.push((letter.to_string(), open.last().copied().unwrap_or(' ')));
                    }
                    Some(last) => {
                        return Err(refuse(
                            format!("`{last}` is closed with `{letter}`"),
                            &letter.to_string(),
                            "close each bracket with its own, the last one first",
                        ));
                    }
                    None => {
                        return Err(refuse(
                            format!("`{letter}` closes nothing"),
                            &letter.to_string(),
                            format!("take it away, or write the `{opening}` that it belongs to"),
                        ));
                    }
                }
            }
            letter if letter.is_whitespace() => {}
            letter if is_part(letter) => {
                let mut word = letter.to_string();
                while let Some((_, next)) = letters.next_if(|(_, next)| is_part(*next)) {
                    word.push(next);
                }
                words.push((word, inside));
            }
            letter => {
                let mut sign = letter.to_string();
                while let Some((_, next)) =
                    letters.next_if(|(_, next)| "=~<>!&|".contains(*next) && "=!<>&|".contains(letter))
                {
                    sign.push(next);
                }
                words.push((sign, inside));
            }
        }
    }
    if let Some(last) = open.last() {
        return Err(refuse(
            format!("`{last}` is not closed"),
            &last.to_string(),
            "close it where its content ends",
        ));
    }
    let is_foreign = is_foreign(&words);
    Ok(Scan { words, is_foreign })
}

fn is_part(letter: char) -> bool {
    letter == '_' || letter == ':' || letter == '.' || letter.is_ascii_alphanumeric()
}

/// Whether something speaks for another language, or for a PromQL that the parser does not know yet.
fn is_foreign(words: &[(String, char)]) -> bool {
    const WORDS: [&str; 17] = [
        "anchored",
        "default",
        "fill",
        "fill_left",
        "fill_right",
        "if",
        "ifnot",
        "json",
        "keep_metric_names",
        "limit",
        "logfmt",
        "pattern",
        "regexp",
        "smoothed",
        "step",
        "unwrap",
        "with",
    ];
    let mut before = "";
    words.iter().any(|(word, inside)| {
        let follows = std::mem::replace(&mut before, word.as_str());
        let first = word.chars().next().unwrap_or_default();
        match *inside {
            // Ranges are calculated with, in newer ones.
            '[' => !word.chars().all(|c| c.is_ascii_alphanumeric() || ":$".contains(c)),
            '{' => first == '|' || word == "or",
            _ => {
                let is_number = first.is_ascii_digit();
                let is_time = word.ends_with(|c: char| c.is_ascii_alphabetic()) && follows != "offset";
                WORDS.contains(&word.to_lowercase().as_str())
                    || (is_number && (is_time || word.contains('_')))
                    || matches!(word.as_str(), "|" | "|=" | "|~" | "</" | ">/" | "@")
                    || !word.is_ascii()
                    || first == '$'
            }
        }
    })
}

impl Scan {
    /// Signs that PromQL does not have, two operators or two operands behind each other.
    fn refused(&self) -> Option<Refused> {
        let outside: Vec<&str> = self
            .words
            .iter()
            .filter(|(_, inside)| *inside != '{' && *inside != '[')
            .map(|(word, _)| word.as_str())
            .collect();
        let wrong_time = self.words.iter().find(|(word, inside)| *inside == '[' && is_wrong_time(word));
        if let Some((time, _)) = wrong_time {
            return Some(refuse(
                format!("`{time}` is no time"),
                time,
                "write it with its unit: `[5m]`, `[90s]`",
            ));
        }
        if self.words.iter().any(|(word, inside)| word == "," && *inside == ' ') {
            return Some(refuse(
                "a comma stands outside of brackets",
                ",",
                "take it away, or write the operator that is meant",
            ));
        }
        if let Some(sign) = outside.iter().find(|sign| meant_by(sign).is_some()) {
            return Some(refuse(format!("PromQL has no `{sign}`"), sign, meant_by(sign).unwrap_or_default()));
        }
        if let Some(first) = outside.first().filter(|word| is_operator(word) && !is_sign(word)) {
            return Some(refuse(
                format!("nothing stands before `{first}`"),
                first,
                "write what it calculates with",
            ));
        }
        if let Some(last) = outside.last().filter(|word| is_operator(word) || **word == "offset") {
            return Some(refuse(
                format!("nothing stands behind `{last}`"),
                last,
                "write what it is to work with",
            ));
        }
        let inside = self.words.windows(2).filter(|pair| pair.iter().any(|(_, inside)| *inside == '{'));
        let matchers = inside.map(|pair| (pair[0].0.as_str(), pair[1].0.as_str()));
        matchers
            .filter_map(|(before, after)| beside_in_braces(before, after))
            .chain(outside.windows(2).filter_map(|pair| beside(pair[0], pair[1])))
            .next()
    }
}

/// What is meant by a sign that PromQL does not have.
fn meant_by(sign: &str) -> Option<&'static str> {
    Some(match sign {
        "&&" => "write `and`",
        "||" => "write `or`",
        "=" | "===" => "write `==`",
        "=<" => "write `<=`",
        "=>" => "write `>=`",
        "<>" => "write `!=`",
        "!" => "write `unless`, or compare with `!=`",
        ";" => "take it away",
        "?" => "write the condition with `and`, or compare with `bool`",
        _ => return None,
    })
}

/// Two words that cannot stand behind each other.
fn beside(before: &str, after: &str) -> Option<Refused> {
    let is_hard = |word: &str| is_operator(word) && !is_sign(word);
    if is_operator(before) && (is_hard(after) || after == ")") {
        return Some(refuse(
            format!("nothing stands between `{before}` and `{after}`"),
            after,
            "take one of them away",
        ));
    }
    if before == "(" && is_hard(after) {
        return Some(refuse(
            format!("nothing stands before `{after}`"),
            after,
            "write what it calculates with",
        ));
    }
    if matches!(before, "on" | "ignoring") && after != "(" {
        return Some(refuse(
            format!("`{before}` names its labels in brackets"),
            before,
            format!("write `{before} (…)`"),
        ));
    }
    if before == "offset" && is_plain(after) && after != "step" {
        return Some(refuse(format!("`{after}` is no time"), after, "write how long ago, as `offset 5m`"));
    }
    if matches!(after, "group_left" | "group_right") && before != ")" {
        let help = format!("write `on (…) {after} (…)`");
        return Some(refuse(format!("`{after}` stands behind `on (…)` or `ignoring (…)`"), after, help));
    }
    if matches!(after, "by" | "without") && before == ")" {
        return None;
    }
    if matches!(after, "by" | "without") && is_plain(before) {
        let is_of_others = DIALECTS.split_whitespace().any(|known| known == before);
        let near = nearest(before, AGGREGATIONS).filter(|near| *near != before && !is_of_others)?;
        return Some(refuse(
            format!("there is no aggregation `{before}`"),
            before,
            format!("did you mean `{near}`?"),
        ));
    }
    if matches!(before, "by" | "without") && is_plain(after) {
        return Some(refuse(
            format!("`{before}` names its labels in brackets"),
            before,
            format!("write `{before} ({after})`"),
        ));
    }
    let ends = is_number(before) || is_plain(before) || matches!(before, ")" | "]" | "}" | "\"");
    let begins = is_number(after) || is_plain(after) || after == "\"" || (after == "(" && is_number(before));
    let help = "write `*`, `>`, `and`, … between the two";
    (ends && begins).then(|| refuse(format!("an operator is missing before `{after}`"), after, help))
}

/// The same within a selector's braces.
fn beside_in_braces(before: &str, after: &str) -> Option<Refused> {
    let help = "write a label's matcher as `name=\"value\"`, with a comma before the next";
    let is_operator = |word: &str| matches!(word, "=" | "!=" | "=~" | "!~");
    let is_wrong = (before == "," && after == ",")
        || (before == "{" && is_operator(after))
        || (is_operator(before) && after == "}")
        || (before == "\"" && is_plain(after))
        || matches!(after, ">" | "<" | ">=" | "<=" | "==");
    is_wrong.then(|| refuse(format!("`{after}` cannot stand there in a selector"), after, help))
}

/// A name, and no word of the language.
fn is_plain(word: &str) -> bool {
    const WORDS: [&str; 10] =
        ["bool", "by", "group_left", "group_right", "ignoring", "offset", "on", "start", "end", "without"];
    word.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && !is_operator(word)
        && !WORDS.contains(&word.to_lowercase().as_str())
}

/// Of what stands in `[…]`: a number with a unit that nobody has, or a unit alone.
fn is_wrong_time(word: &str) -> bool {
    let units = word.trim_start_matches(|c: char| c.is_ascii_digit());
    let is_one = |unit: &str| ["ms", "s", "m", "h", "d", "w", "y"].contains(&unit);
    // VictoriaMetrics counts in steps.
    let is_count =
        |unit: &str| unit.is_empty() || unit == "i" || !unit.chars().all(|c| c.is_ascii_alphabetic());
    if units.len() == word.len() { is_one(word) } else { !is_one(units) && !is_count(units) }
}

fn is_sign(word: &str) -> bool {
    word == "-" || word == "+"
}

fn is_number(word: &str) -> bool {
    word.parse::<f64>().is_ok() && word.starts_with(|c: char| c.is_ascii_digit())
}

fn is_operator(word: &str) -> bool {
    matches!(
        word.to_lowercase().as_str(),
        "+" | "-"
            | "*"
            | "/"
            | "%"
            | "^"
            | "=="
            | "!="
            | ">"
            | "<"
            | ">="
            | "<="
            | "and"
            | "or"
            | "unless"
            | "atan2"
    )
}

/// Prometheus' functions and aggregations.
const FUNCTIONS: &str = "abs absent absent_over_time acos acosh asin asinh atan atanh avg avg_over_time bottomk ceil \
    changes clamp clamp_max clamp_min cos cosh count count_over_time count_values day_of_month day_of_week \
    day_of_year days_in_month deg delta deriv double_exponential_smoothing exp floor group histogram_avg \
    histogram_count histogram_fraction histogram_quantile histogram_stddev histogram_stdvar histogram_sum \
    holt_winters hour idelta increase info irate label_join label_replace last_over_time ln log10 log2 max \
    max_over_time min min_over_time minute month pi predict_linear present_over_time quantile \
    quantile_over_time rad rate resets round scalar sgn sin sinh sort sort_by_label sort_by_label_desc \
    sort_desc sqrt stddev stddev_over_time stdvar stdvar_over_time sum sum_over_time tan tanh time timestamp \
    topk vector year";

/// Those of them that group by labels.
const AGGREGATIONS: [&str; 12] = [
    "avg",
    "bottomk",
    "count",
    "count_values",
    "group",
    "max",
    "min",
    "quantile",
    "stddev",
    "stdvar",
    "sum",
    "topk",
];

/// Functions of other programs, and of other versions, that are near to one of these.
const DIALECTS: &str = "holt_winters bytes_over_time bytes_rate rate_counter first_over_time approx_topk median median_over_time mode_over_time \
    range_over_time sum2 sum2_over_time distinct distinct_over_time geomean geomean_over_time tlast_over_time \
    tfirst_over_time tmax_over_time tmin_over_time zscore zscore_over_time mad mad_over_time iqr iqr_over_time any \
    limitk limit_ratio outliersk count_eq_over_time count_gt_over_time count_le_over_time count_ne_over_time \
    hoeffding_bound_lower duration_over_time share increase_pure increase_prometheus rate_prometheus \
    delta_prometheus changes_prometheus ideriv lag lifetime integrate quantiles quantiles_over_time \
    stale_samples_over_time default_rollup rollup rollup_rate rollup_delta rollup_increase rate_over_sum \
    resets_prometheus ascent_over_time descent_over_time label_set label_del label_keep label_copy label_move \
    label_map label_value label_match label_mismatch label_lowercase label_uppercase label_transform \
    label_graphite_group labels_equal sort_by_label_numeric sort_by_label_numeric_desc union rand now end start \
    step keep_last_value keep_next_value interpolate running_avg running_max running_min running_sum range_avg \
    range_first range_last range_max range_median range_min range_quantile range_stddev range_sum \
    remove_resets ru ttf smooth_exponential bitmap_and bitmap_or bitmap_xor buckets_limit prometheus_buckets \
    histogram histogram_share histogram_over_time vmrange_buckets xrate xincrease xdelta bottomk_avg bottomk_last \
    bottomk_max bottomk_median bottomk_min topk_avg topk_last topk_max topk_median topk_min outlier_iqr_over_time \
    drop_common_labels drop_empty_series hour_of_day day timezone_offset alias absent_over_time ts_of_max_over_time \
    ts_of_min_over_time ts_of_first_over_time ts_of_last_over_time quantile_values min_of max_of";
