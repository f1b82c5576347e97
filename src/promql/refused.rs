//! Why Prometheus will not take an expression, where that is sure. The grammar says what one version of it takes; here is who
//! else may read an expression: other programs read the same rule files with a dialect of their own, and PromQL grows.

use super::grammar::{Fault, Need, Reading, Why};
use super::{read, regex};

type Version = (u32, u32);

/// The version whose word the grammar is held to. What a newer one takes is not known.
const HELD_TO: Version = (3, 5);

/// Who reads an expression.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Reader {
    /// Nobody knows: a page of Grafana, a folder of rules.
    #[default]
    Anyone,
    Prometheus {
        version: Option<Version>,
        /// What is switched on with `--enable-feature`, where that can be known.
        features: Option<String>,
    },
}

/// An expression that Prometheus refuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    pub message: String,
    pub help: String,
    /// What is wrong in it, as it is written.
    pub word: String,
    /// Where that begins.
    pub at: usize,
}

/// What is wrong with an expression.
#[derive(Debug, PartialEq, Eq)]
pub enum Problem {
    Refused(Refused),
    /// A regular expression in it, which is refused.
    Regex(String, regex::Refused),
}

/// `None` where it is taken, or where somebody may take it.
pub fn problem(text: &str, reader: &Reader) -> Option<Problem> {
    let reading = read(text);
    let fault = match &*reading {
        Reading::Taken(_, needs) => &needs.iter().find(|need| reader.lacks(need, text))?.fault,
        Reading::Refused(fault) => Some(fault).filter(|fault| reader.refuses(fault, text))?,
        Reading::TooDeep => return None,
    };
    if let Some(regex) = &fault.pattern {
        let (pattern, refused) = &**regex;
        return Some(Problem::Regex(pattern.clone(), *refused));
    }
    let Fault { message, help, range, .. } = fault;
    let word = text.get(range.clone()).unwrap_or_default().to_owned();
    let (message, help) = (message.clone(), help.clone());
    Some(Problem::Refused(Refused { message, help, word, at: range.start }))
}

impl Reader {
    /// Whether all that it reads is known here.
    fn is_known(&self) -> bool {
        matches!(self, Reader::Prometheus { version: Some(version), .. } if *version <= HELD_TO)
    }

    fn refuses(&self, fault: &Fault, text: &str) -> bool {
        match self {
            _ if self.is_known() => true,
            Reader::Prometheus { .. } => !words(text).any(|word| word.is_newer()),
            Reader::Anyone => {
                !fault.is_dialect && !words(text).any(|word| word.is_newer() || word.is_foreign())
            }
        }
    }

    fn lacks(&self, need: &Need, text: &str) -> bool {
        let Reader::Prometheus { version, features } = self else {
            let name = &text[need.fault.range.clone()];
            let is_of_others = DIALECTS.split_whitespace().any(|known| known == name);
            return matches!(need.why, Why::Unknown { is_near: true }) && !is_of_others;
        };
        match need.why {
            // What was one may be none in newer versions.
            Why::Experiment(flag) => {
                self.is_known() && features.as_ref().is_some_and(|on| !on.contains(flag))
            }
            Why::Gone => version.is_some_and(|version| version >= (3, 0)),
            Why::Newer => self.is_known(),
            Why::Unknown { is_near } => is_near || self.is_known(),
        }
    }
}

/// A word or a sign of an expression, and the bracket that it stands in.
struct Word<'t> {
    text: &'t str,
    inside: char,
    before: &'t str,
}

/// All that is written, without texts and comments, as anybody may read it.
fn words(text: &str) -> impl Iterator<Item = Word<'_>> {
    let mut rest = text;
    let mut open: Vec<char> = Vec::new();
    let mut before = "";
    std::iter::from_fn(move || {
        loop {
            rest = rest.trim_start();
            let first = rest.chars().next()?;
            let inside = open.last().copied().unwrap_or(' ');
            let length = match first {
                '#' => {
                    rest = &rest[rest.find('\n').unwrap_or(rest.len())..];
                    continue;
                }
                '"' | '\'' | '`' => quoted(rest, first),
                _ if is_part(first) => rest.find(|c| !is_part(c)).unwrap_or(rest.len()),
                _ if "=!<>&|".contains(first) => {
                    let is_sign = |c: char| "=~<>!&|/".contains(c);
                    rest.find(|c| !is_sign(c)).unwrap_or(rest.len())
                }
                _ => first.len_utf8(),
            };
            match first {
                '(' | '[' | '{' => open.push(first),
                ')' | ']' | '}' => {
                    open.pop();
                }
                _ => {}
            }
            let (word, after) = rest.split_at(length);
            rest = after;
            return Some(Word { text: word, inside, before: std::mem::replace(&mut before, word) });
        }
    })
}

/// How long a text in quotes is, with them.
fn quoted(rest: &str, quote: char) -> usize {
    let mut is_escaped = false;
    let end = rest.char_indices().skip(1).find(|(_, letter)| {
        let ends = *letter == quote && !is_escaped;
        is_escaped = *letter == '\\' && !is_escaped && quote != '`';
        ends
    });
    end.map_or(rest.len(), |(at, _)| at + 1)
}

fn is_part(letter: char) -> bool {
    letter == '_' || letter == ':' || letter == '.' || letter.is_ascii_alphanumeric()
}

impl Word<'_> {
    fn is_one_of(&self, words: &[&str]) -> bool {
        words.contains(&self.text.to_lowercase().as_str())
    }

    /// Whether it speaks for a PromQL that is newer than the grammar.
    fn is_newer(&self) -> bool {
        match self.inside {
            // Ranges are calculated with.
            '[' => {
                let is_sign = self.text == "-" && !matches!(self.before, "[" | ":");
                is_sign || self.is_one_of(&["+", "*", "/", "%", "^", "(", "max", "min", "range", "step"])
            }
            '{' => false,
            _ => {
                self.text.starts_with("</")
                    || self.text.starts_with(">/")
                    || self.is_one_of(&["anchored", "fill", "fill_left", "fill_right", "smoothed", "step"])
            }
        }
    }

    /// Whether it speaks for another language, or for one that fills something in.
    fn is_foreign(&self) -> bool {
        const WORDS: [&str; 11] = [
            "default",
            "if",
            "ifnot",
            "json",
            "keep_metric_names",
            "limit",
            "logfmt",
            "pattern",
            "regexp",
            "unwrap",
            "with",
        ];
        let first = self.text.chars().next().unwrap_or_default();
        // Names with dots, and in all alphabets.
        let is_named_otherwise = |c: char| c == '.' || (!c.is_ascii() && c.is_alphabetic());
        if !first.is_ascii_digit() && self.text.contains(is_named_otherwise) && self.inside != '[' {
            return !self.text.starts_with(['"', '\'', '`']);
        }
        match self.inside {
            '[' => first == '$' || (first.is_ascii_digit() && self.text.ends_with('i')),
            '{' => first == '|' || first == '$' || first == '{' || self.text == "or",
            _ => {
                // `5Mi`, `10KB`: a number with a unit that is no time.
                let has_unit = first.is_ascii_digit() && self.text.ends_with(|c: char| "KMGTkiB".contains(c));
                has_unit
                    || matches!(first, '$' | '\\')
                    || self.is_one_of(&WORDS)
                    || matches!(self.text, "|" | "|=" | "|~" | "!~")
                    || (self.text == "{" && self.before == "{")
            }
        }
    }
}

/// Functions of other programs, and of other versions, that are near to one of these.
const DIALECTS: &str = "bytes_over_time bytes_rate rate_counter first_over_time approx_topk median median_over_time mode_over_time \
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
