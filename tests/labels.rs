//! The labels that an expression is said to have are those that Prometheus gives its result: some thousand expressions, put
//! together from parts, are evaluated by promtool over a few series.
//!
//! Apart from `expressions`, which asks whether an expression is one.

mod support;

use std::collections::BTreeMap;

use skymon::promql::labels::{Fault, Labels, Series, faults, labels};
use skymon::promql::tree::{Op, VectorSelector};
use skymon::promql::{Expr, metric, tree};
use support::project::Project;
use support::tools;

/// What is grouped by is there: on that the proof relies.
const SERIES: [&str; 7] = [
    "x{a=\"1\", b=\"1\"}",
    "x{a=\"2\", b=\"2\"}",
    "x{a=\"3\", b=\"3\"}",
    "w{a=\"1\"}",
    "y{a=\"1\", b=\"1\"}",
    "h_bucket{a=\"1\", le=\"1\"}",
    "h_bucket{a=\"1\", le=\"+Inf\"}",
];

const RECORDED: &str =
    "groups: [{name: a, rules: [{record: 'a:x', expr: 'sum by (a) (x)', labels: {c: d}}]}]";

const PARTS: [&str; 20] = [
    "x",
    "x{a=\"1\"}",
    "w{a!=\"2\", b=\"\"}",
    "x{b=~\".+\"}",
    "y",
    "sum(x)",
    "sum by (a) (x)",
    "sum by (b) (x)",
    "sum by (a) (x{a=\"1\"})",
    "sum without (a) (x)",
    "topk(1, x)",
    "count_values(\"v\", x)",
    "absent(z{a=\"1\"})",
    "absent(sum(z))",
    "vector(1)",
    "label_replace(x, \"c\", \"$1\", \"b\", \"(.*)\")",
    "label_replace(vector(1), \"c\", \"1\", \"\", \"\")",
    "label_join(y, \"c\", \"-\", \"a\", \"b\")",
    "histogram_quantile(0.9, h_bucket)",
    "a:x",
];

/// What is known of the series: nothing of those that are scraped, all of the one that is recorded.
struct Known;

impl Series for Known {
    fn of(&self, selector: &VectorSelector) -> (Labels, bool) {
        if metric(selector) != Some("a:x") {
            return (Labels::unknown(), false);
        }
        let recorded = tree("sum by (a) (x)").and_then(|tree| labels(&tree, &Known));
        let mut recorded = recorded.expect("is a vector");
        recorded.set("c", Some("d"));
        (recorded, true)
    }
}

fn expressions() -> Vec<String> {
    let mut all: Vec<String> = PARTS.map(str::to_owned).to_vec();
    let matchings = ["", "on (a)", "on ()", "on (a, b)", "ignoring (b)"];
    let groups = ["", "group_left ()", "group_left (b)", "group_left (c)", "group_right (b)"];
    for left in PARTS {
        for right in PARTS {
            for matching in matchings {
                all.extend(["and", "or", "unless"].map(|op| format!("{left} {op} {matching} {right}")));
                for group in groups.iter().filter(|group| group.is_empty() || matching.contains('(')) {
                    all.push(format!("{left} / {matching} {group} {right}"));
                }
            }
        }
    }
    all.retain(|expr| !(expr.contains("on (a, b)") && expr.contains("(b) ")) && tree(expr).is_some());
    all
}

/// The labels of each series that promtool returns. Nothing where it does not evaluate the expression, as with many matches.
fn evaluated(expressions: &[String]) -> Vec<Option<Vec<BTreeMap<String, String>>>> {
    let project = Project::empty();
    let series: Vec<serde_json::Value> =
        SERIES.iter().map(|name| serde_json::json!({"series": name, "values": "1x5"})).collect();
    let wrong = serde_json::json!([{"labels": "nobody", "value": 0}]);
    let asked: Vec<serde_json::Value> = expressions
        .iter()
        .map(|expr| serde_json::json!({"expr": expr, "eval_time": "3m", "exp_samples": wrong}))
        .collect();
    let tests = serde_json::json!({
        "rule_files": ["rules.yml"],
        "tests": [{"interval": "1m", "input_series": series, "promql_expr_test": asked}],
    });
    project.write("rules.yml", RECORDED);
    project.write("tests.yml", &tests.to_string());
    let said = tools::promtool(&["test", "rules", "tests.yml"], &project.path("")).text();
    // Each answer begins with its expression, in the order of the file.
    let answers: Vec<&str> = said.split("\n    expr: ").skip(1).collect();
    assert_eq!(answers.len(), expressions.len(), "{}", &said[..said.len().min(2000)]);
    answers
        .into_iter()
        .map(|answer| {
            let (_, got) = answer.split_once("\n        got: ")?;
            let got = got.lines().next().unwrap_or_default();
            Some(if got == "nil" { Vec::new() } else { got.split(", {").map(series_labels).collect() })
        })
        .collect()
}

/// `{a="1", b="2"} 1E+00`
fn series_labels(text: &str) -> BTreeMap<String, String> {
    let inside = text.trim_start_matches('{').split('}').next().unwrap_or_default();
    let labels = inside.split(", ").filter_map(|one| one.split_once('='));
    labels.map(|(name, value)| (name.to_owned(), value.trim_matches('"').to_owned())).collect()
}

/// Whether anything says that the expression has no result.
fn is_never(expr: &Expr) -> bool {
    faults(expr, &Known).iter().any(|fault| match fault {
        Fault::NeverMatch(binary, _) => binary.op != Op::Unless,
        Fault::NeverSelects(..) => true,
        _ => false,
    })
}

#[test]
fn what_is_proven_of_labels_is_true_of_what_prometheus_returns() {
    let expressions = expressions();
    assert!(expressions.len() > 5000, "{}", expressions.len());
    let (mut returned, mut never) = (0, 0);
    for (text, result) in expressions.iter().zip(evaluated(&expressions)) {
        let expr = tree(text).expect("is PromQL");
        let Some(result) = result else { continue };
        let proven = labels(&expr, &Known).expect("is a vector");
        if is_never(&expr) {
            never += 1;
            assert_eq!(result, Vec::new(), "{text} is said to return nothing");
        }
        returned += usize::from(!result.is_empty());
        for series in result {
            for (name, value) in series.iter().filter(|(name, _)| *name != "__name__") {
                assert!(proven.can_have(name), "{text} has `{name}`");
                assert!(
                    proven.value(name).is_none_or(|known| known == value),
                    "{text}: `{name}` is `{value}`"
                );
            }
            let missing = proven.surely().find(|name| !series.contains_key(*name));
            assert_eq!(missing, None, "{text}");
        }
    }
    // Both happen often enough to mean something.
    assert!(returned > 2000 && never > 500, "{returned} {never}");
}
