//! What is said of expressions, beside what the real Prometheus says: which it refuses, and which never return anything.

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use skymon::checks::Check;
use skymon::promql::refused::{Reader, problem};
use support::memory;
use support::pages::Example;
use support::project::{Project, files_below};
use support::tools;

fn list(name: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/expressions").join(name);
    fs::read_to_string(path).expect("reads the list").lines().map(str::to_owned).collect()
}

/// Those that promtool refuses, by their place in the list.
fn refused_by_promtool(expressions: &[String]) -> Vec<bool> {
    let project = Project::empty();
    let rule =
        |(at, expr): (usize, &String)| serde_json::json!({"record": format!("number:{at}:x"), "expr": expr});
    let rules: Vec<serde_json::Value> = expressions.iter().enumerate().map(rule).collect();
    let file = serde_json::json!({"groups": [{"name": "all", "rules": rules}]});
    project.write("rules.yml", &file.to_string());
    let said = tools::promtool(&["check", "rules", "rules.yml"], &project.path("")).text();
    (0..expressions.len()).map(|at| said.contains(&format!("\"number:{at}:x\""))).collect()
}

/// The Prometheus that is asked, with nothing switched on.
fn prometheus() -> Reader {
    Reader::Prometheus { version: Some((3, 5)), features: Some(String::new()) }
}

/// Who reads it, for all that is known of a folder with nothing but rules.
const READERS: [fn() -> Reader; 3] =
    [prometheus, Reader::default, || Reader::Prometheus { version: None, features: None }];

#[test]
fn no_expression_that_promtool_takes_is_called_broken() {
    let valid = list("valid.txt");
    let judged = refused_by_promtool(&valid);
    let wrong: Vec<&String> =
        valid.iter().zip(&judged).filter(|(_, refused)| **refused).map(|(expr, _)| expr).collect();
    assert_eq!(wrong, Vec::<&String>::new(), "promtool refuses what the list calls valid");
    for reader in READERS.map(|reader| reader()) {
        let called: Vec<_> =
            valid.iter().filter_map(|expr| problem(expr, &reader).map(|said| (expr, said))).collect();
        assert!(called.is_empty(), "{reader:?} {called:#?}");
    }
}

/// What Prometheus refuses, and nothing is said of where nobody knows who reads it, with the reason.
const SILENT: [(&str, &str); 25] = [
    ("averge(x)", "it may be a function of a newer version"),
    ("foo(x)", "it may be a function of a newer version"),
    ("if x > 5", "another language takes it"),
    ("$x", "a variable that somebody may fill in"),
    ("x{a=\"$b\"} > $c", "a variable that somebody may fill in"),
    ("rate(x[$__interval])", "a variable that somebody may fill in"),
    ("sum(x) offset 5m", "another language takes it"),
    ("(x) offset 5m", "another language takes it"),
    ("x offset (5m)", "an experiment, which may be switched on"),
    ("sum by (a.b) (x)", "another language takes it"),
    ("a.b", "another language takes it"),
    ("x > 5k", "another language takes it"),
    ("x > 5GB", "another language takes it"),
    ("x{a.b=\"c\"}", "another language takes it"),
    ("x{a=\"b\" or c=\"d\"}", "another language takes it"),
    ("x | y", "another language takes it"),
    ("holt_winters(x[5m], 0.5, 0.5)", "an older version takes it"),
    ("double_exponential_smoothing(x[5m], 0.5, 0.5)", "an experiment, which may be switched on"),
    ("limitk(5, x)", "an experiment, which may be switched on"),
    ("sort_by_label(x, \"a\")", "an experiment, which may be switched on"),
    ("info(x)", "an experiment, which may be switched on"),
    ("rate(x[5m * 2])", "an experiment, which may be switched on"),
    ("first_over_time(x[5m])", "an experiment, which may be switched on"),
    ("rate(x[5m] smoothed)", "an experiment, which may be switched on"),
    ("x default 0", "another language takes it"),
];

#[test]
fn what_promtool_refuses_is_called_broken() {
    let broken = list("broken.txt");
    let judged = refused_by_promtool(&broken);
    let taken: Vec<&String> =
        broken.iter().zip(&judged).filter(|(_, refused)| !**refused).map(|(expr, _)| expr).collect();
    assert_eq!(taken, Vec::<&String>::new(), "promtool takes what the list calls broken");
    let silent = |reader: &Reader| -> Vec<&str> {
        broken.iter().filter(|expr| problem(expr, reader).is_none()).map(String::as_str).collect()
    };
    assert_eq!(silent(&prometheus()), Vec::<&str>::new());
    let expected: Vec<&str> = SILENT.iter().map(|(expr, _)| *expr).collect();
    assert_eq!(silent(&Reader::Anyone), expected);
}

/// The same numbers in each run.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        // Knuth's.
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("fits") % end
    }
}

/// What somebody may write who slips: a word that is gone, twice, another one's, or at another place; a sign too many.
fn slips(expressions: &[String], random: &mut Random) -> BTreeSet<String> {
    const WORDS: [&str; 48] = [
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        ",",
        "+",
        "-",
        "*",
        "==",
        "=",
        "=~",
        "!",
        ">",
        "and",
        "or",
        "unless",
        "by",
        "without",
        "on",
        "ignoring",
        "group_left",
        "bool",
        "offset",
        "@",
        "5m",
        "1h30",
        "5",
        "\"a\"",
        "sum",
        "rate",
        "x",
        "start()",
        "0s",
        "[5m]",
        "[5m:]",
        "{a=\"b\"}",
        "(x)",
        "|",
        "&&",
        ";",
        "1e",
        "not",
        ".",
        "^",
        "by (a)",
        "on (a)",
    ];
    let mut any = |below: usize| random.below(below);
    let mut all = BTreeSet::new();
    for expr in expressions {
        for _ in 0..6 {
            let mut words = words(expr);
            let at = any(words.len());
            let other = words[any(words.len())];
            match any(7) {
                0 => drop(words.remove(at)),
                1 => words.insert(at, words[at]),
                2 => words[at] = WORDS[any(WORDS.len())],
                3 => words.insert(at, WORDS[any(WORDS.len())]),
                4 => words[at] = other,
                5 => words[at] = &words[at][words[at].chars().next().map_or(0, char::len_utf8)..],
                _ => words.insert(at, other),
            }
            let between = ["", " "][any(2)];
            all.insert(words.join(between));
        }
    }
    all.retain(|expr| !expr.trim().is_empty());
    all
}

/// An expression in words and signs, texts whole.
fn words(expr: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut rest = expr.trim();
    while let Some(first) = rest.chars().next() {
        let is_part = |c: char| c.is_alphanumeric() || c == '_' || c == ':' || c == '.';
        let length = match first {
            '"' | '\'' | '`' => rest[1..].find(first).map_or(rest.len(), |end| end + 2),
            _ if is_part(first) => rest.find(|c| !is_part(c)).unwrap_or(rest.len()),
            _ => first.len_utf8(),
        };
        let (word, after) = rest.split_at(length);
        words.push(word);
        rest = after.trim_start();
    }
    words
}

/// The expressions of the rules that are rendered.
fn rendered() -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("snapshots");
    let files = files_below(&root);
    let rules = files.iter().filter(|path| path.display().to_string().contains("prometheus/rules/"));
    let texts = rules.map(|path| fs::read_to_string(root.join(path)).expect("reads"));
    let files: Vec<(String, String)> =
        texts.enumerate().map(|(number, text)| (format!("rules-{number}.yml"), text)).collect();
    let stack = memory::stack(files.iter().map(|(name, text)| (name.as_str(), text.as_str())));
    let all: BTreeSet<String> = stack.rules().map(|rule| rule.expr.text.value.trim().to_owned()).collect();
    all.into_iter().collect()
}

#[test]
fn of_thousands_of_slips_exactly_those_are_called_broken_that_promtool_refuses() {
    let mut random = Random(1);
    let mut slipped: Vec<String> = slips(&rendered(), &mut random).into_iter().collect();
    slipped.extend(slips(&list("valid.txt"), &mut random));
    slipped.extend(slips(&list("broken.txt"), &mut random));
    let judged = refused_by_promtool(&slipped);
    let ours: Vec<bool> = slipped.iter().map(|expr| problem(expr, &prometheus()).is_some()).collect();
    let wrong: Vec<_> = slipped
        .iter()
        .zip(judged.iter().zip(&ours))
        .filter(|(_, (refused, ours))| refused != ours)
        .map(|(expr, (refused, _))| {
            format!("{expr}   promtool {}", if *refused { "refuses it" } else { "takes it" })
        })
        .collect();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), slipped.len(), wrong.join("\n"));
    // Where nobody knows who reads it less is said, and nothing else.
    let said = |reader: &Reader| slipped.iter().filter(|expr| problem(expr, reader).is_some()).count();
    let refused = judged.iter().filter(|refused| **refused).count();
    assert!(refused > 3000 && slipped.len() - refused > 300, "{refused} of {}", slipped.len());
    let of_anyone = said(&Reader::Anyone);
    assert!(of_anyone * 10 > refused * 9, "{of_anyone} of {refused}");
}

#[test]
fn of_thousands_of_patterns_exactly_those_are_called_broken_that_promtool_refuses() {
    const PIECES: [&str; 60] = [
        "a",
        "b-",
        ".",
        "*",
        "+",
        "?",
        "|",
        "(",
        ")",
        "(?:",
        "(?i)",
        "(?i:",
        "(?-s)",
        "(?x)",
        "(?P<n>",
        "(?<m>",
        "(?=",
        "(?!",
        "(?<=",
        "[",
        "]",
        "[^",
        "[a-z]",
        "[z-a]",
        "[[:alpha:]]",
        "[[:^digit:]]",
        "[[:no:]]",
        "[:",
        "-",
        "^",
        "$",
        "{2}",
        "{2,}",
        "{,2}",
        "{3,2}",
        "{500}",
        "{1001}",
        "{",
        "}",
        "{01}",
        r"\d",
        r"\D",
        r"\w",
        r"\b",
        r"\.",
        r"\-",
        r"\_",
        r"\é",
        r"\Q",
        r"\E",
        r"\pL",
        r"\x41",
        r"\x{41}",
        r"\x",
        r"\1",
        r"\12",
        r"\8",
        r"\Z",
        r"\z",
        "é",
    ];
    let mut random = Random(1);
    let mut patterns = BTreeSet::new();
    while patterns.len() < 4000 {
        let count = random.below(7) + 1;
        patterns.insert((0..count).map(|_| PIECES[random.below(PIECES.len())]).collect::<String>());
    }
    let expressions: Vec<String> = patterns.iter().map(|pattern| format!("x{{a=~`{pattern}`}}")).collect();
    let judged = refused_by_promtool(&expressions);
    let wrong: Vec<_> = expressions
        .iter()
        .zip(&judged)
        .filter(|(expr, refused)| problem(expr, &prometheus()).is_some() != **refused)
        .map(|(expr, refused)| {
            format!("{expr}   promtool {}", if *refused { "refuses it" } else { "takes it" })
        })
        .collect();
    assert!(wrong.is_empty(), "{} are wrong:\n{}", wrong.len(), wrong.join("\n"));
    let refused = judged.iter().filter(|refused| **refused).count();
    assert!((1000..3500).contains(&refused), "{refused}");
}

#[test]
fn a_template_is_called_broken_where_prometheus_refuses_it() {
    let (valid, broken) = templates("templates");
    for text in &valid {
        assert!(!is_refused_template(text), "promtool refuses `{text}`");
    }
    for (text, fault) in &broken {
        // A field that is not there is noticed when the text is made.
        let is_late = fault.starts_with("there is no `.");
        assert_eq!(is_refused_template(text), !is_late, "`{text}`: {fault}");
    }
}

#[test]
fn a_template_is_called_broken_where_alertmanager_refuses_it() {
    let project = Project::empty();
    project.write("empty.tmpl", "");
    let is_refused = |text: &str| {
        let text = format!("--template.text={text}");
        let args = ["template", "render", "--template.glob=empty.tmpl", &text];
        tools::amtool(&args, &project.path("")).status != 0
    };
    let (valid, broken) = templates("notifications");
    for text in &valid {
        assert!(!is_refused(text), "amtool refuses `{text}`");
    }
    for (text, fault) in &broken {
        assert!(is_refused(text), "amtool takes `{text}`: {fault}");
    }
}

/// The templates that are taken, and those that are not with what is said of them.
fn templates(name: &str) -> (Vec<String>, Vec<(String, String)>) {
    let line = |line: &str| line.replace("\\n", "\n");
    let valid = list(&format!("{name}_valid.txt")).iter().map(|text| line(text)).collect();
    let broken = list(&format!("{name}_broken.txt"));
    let broken = broken.iter().map(|one| one.split_once(" ==> ").expect("a text and its fault"));
    (valid, broken.map(|(text, fault)| (line(text), fault.to_owned())).collect())
}

/// Whether promtool refuses this annotation.
fn is_refused_template(text: &str) -> bool {
    let project = Project::empty();
    let rule = serde_json::json!({"alert": "A", "expr": "up", "annotations": {"text": text}});
    project.write("rules.yml", &serde_json::json!({"groups": [{"name": "a", "rules": [rule]}]}).to_string());
    tools::promtool(&["check", "rules", "rules.yml"], &project.path("")).status != 0
}

/// The rules of an example of a check's page.
fn rules_of(id: &str, example: fn(&Check) -> Example) -> String {
    example(Check::find(id).expect("is there")).files.remove("rules.yml").expect("has rules")
}

/// Series with their values.
type Series<'a> = &'a [(&'a str, &'a str)];

/// What fires of an alert of these rules at a time, as promtool says it. Empty where it is silent.
fn fires(rules: &str, alert: &str, series: Series<'_>, at: &str) -> String {
    let project = Project::empty();
    let series: Vec<serde_json::Value> =
        series.iter().map(|(name, values)| serde_json::json!({"series": name, "values": values})).collect();
    let silent = serde_json::json!([{"eval_time": at, "alertname": alert, "exp_alerts": []}]);
    let tests = serde_json::json!({
        "rule_files": ["rules.yml"],
        "tests": [{"interval": "1m", "input_series": series, "alert_rule_test": silent}],
    });
    project.write("rules.yml", rules);
    project.write("tests.yml", &tests.to_string());
    let said = tools::promtool(&["test", "rules", "tests.yml"], &project.path(""));
    if said.status == 0 {
        return String::new();
    }
    let text = said.text();
    assert!(text.contains("got:["), "{text}");
    text.split("got:[").nth(1).unwrap_or_default().to_owned()
}

#[test]
fn what_is_said_never_to_fire_is_silent_while_the_right_rule_fires() {
    let down = [("up{job=\"api\", instance=\"a\"}", "0x800")];
    let buckets = [
        ("request_seconds_bucket{job=\"api\", instance=\"a\", le=\"1.0\"}", "0x30"),
        ("request_seconds_bucket{job=\"api\", instance=\"a\", le=\"2.0\"}", "0+10x30"),
        ("request_seconds_bucket{job=\"api\", instance=\"a\", le=\"4.0\"}", "0+100x30"),
        ("request_seconds_bucket{job=\"api\", instance=\"a\", le=\"+Inf\"}", "0+100x30"),
        ("request_seconds_count{job=\"api\", instance=\"a\"}", "0+100x30"),
    ];
    let errors = [
        ("errors_total{job=\"api\", instance=\"a\", path=\"/v1\"}", "0+50x30"),
        ("requests_total{job=\"api\", instance=\"a\"}", "0+100x30"),
    ];
    let idle = [("requests_total{job=\"api\", instance=\"a\", path=\"/v1/chat\"}", "5x30")];
    let disk = [
        (
            "node_filesystem_avail_bytes{job=\"host\", instance=\"a\", fstype=\"ext4\", mountpoint=\"/\"}",
            "5x30",
        ),
        (
            "node_filesystem_size_bytes{job=\"host\", instance=\"a\", fstype=\"ext4\", mountpoint=\"/\"}",
            "100x30",
        ),
    ];
    let queue = [("queue_length{job=\"api\", instance=\"a\"}", "101+1x30")];
    let cases: [(&str, &str, Series<'_>, &str); 7] = [
        ("quantile-without-le", "SlowRequests", &buckets, "20m"),
        ("sides-never-match", "SlowRequests", &buckets, "20m"),
        ("sides-never-match", "ManyErrors", &errors, "20m"),
        ("sides-never-match", "DownByDay", &down, "10h"),
        ("label-not-recorded", "NoRequests", &idle, "20m"),
        ("filesystem-not-there", "DiskFull", &disk, "20m"),
        ("value-in-label", "QueueLong", &queue, "20m"),
    ];
    for (check, alert, series, at) in cases {
        assert_eq!(fires(&rules_of(check, Example::wrong), alert, series, at), "", "{check}: {alert} fires");
        assert_ne!(
            fires(&rules_of(check, Example::right), alert, series, at),
            "",
            "{check}: {alert} is silent"
        );
    }
}

#[test]
fn what_is_to_be_written_for_two_sides_that_never_match_keeps_what_is_ignored_already() {
    let help = |expr: &str| {
        let rules = format!("groups: [{{name: a, rules: [{{record: 'a:b', expr: '{expr}'}}]}}]");
        let found = memory::found(&[("rules.yml", &rules)], |_, found| {
            (found.id == "sides-never-match").then(|| found.help.clone().unwrap_or_default())
        });
        found.into_iter().flatten().next()
    };
    let by = |labels: &str, name: &str| format!("sum by ({labels}) ({name})");
    let one = |kind: &str| format!("sum by (a, kind) (x{{kind=\"{kind}\"}})");
    for (left, wrong, right, cure) in [
        (one("in"), "/", one("out"), "/ ignoring (kind)"),
        (one("in"), "/ ignoring (c)", one("out"), "/ ignoring (c, kind)"),
        (one("in"), "> bool ignoring (c)", one("out"), "> bool ignoring (c, kind)"),
        (one("in"), "/ ignoring (c) group_left (d)", one("out"), "/ ignoring (c, kind) group_left (d)"),
        (one("in"), "and ignoring (c)", one("out"), "and ignoring (c, kind)"),
        (one("in"), "/ on (a, kind) group_right ()", one("out"), "/ on (a) group_right ()"),
        (one("in"), "/ ignoring (c)", by("a", "y"), "/ ignoring (c, kind) group_left ()"),
        (one("in"), "/ ignoring (c) group_left (d)", by("a", "y"), "/ ignoring (c, kind) group_left (d)"),
        (by("a", "y"), "* ignoring (c)", one("in"), "* ignoring (c, kind) group_right ()"),
        (one("in"), "unless ignoring (c)", by("a", "y"), "unless ignoring (c, kind)"),
        (by("a, b", "x"), "/ ignoring (c)", by("a, d", "y"), "/ ignoring (c, b, d)"),
    ] {
        let expr = format!("{left} {wrong} {right}");
        let said = help(&expr).unwrap_or_else(|| panic!("nothing is said of {expr}"));
        assert!(said.contains(&format!("write `{cure}`")), "{expr}: {said}");
        let cured = format!("{left} {cure} {right}");
        assert_eq!(help(&cured), None, "{cured}");
        assert_eq!(refused_by_promtool(std::slice::from_ref(&cured)), [false], "{cured}");
    }
    // The side of which there is one for many has a label too many: it is not ignored away.
    let said =
        help(&format!("{} * ignoring (c) group_left () {}", by("a", "y"), one("in"))).expect("is said");
    assert_eq!(said, "keep `kind` on both sides, or take it away with `without (kind)`");
    let said = help(&format!("{} / on (kind) {}", one("in"), one("out"))).expect("is said");
    assert_eq!(said, "ask for the same `kind` on both sides, or name another label in `on (…)`");
}

#[test]
fn a_rule_of_a_range_or_a_text_is_said_to_fail_and_does() {
    let rules = |expr: &str| format!("groups: [{{name: a, rules: [{{record: 'a:b', expr: '{expr}'}}]}}]");
    for (expr, fails) in [
        ("up[5m]", true),
        ("(up[5m:])", true),
        ("\"x\"", true),
        ("up", false),
        ("1", false),
        ("sum(up)[5m:] @ end()", true),
    ] {
        let found = found_in(&[("rules.yml", &rules(expr))]);
        let is_said = found.iter().any(|one| one.starts_with("expression-broken: the value of"));
        let project = Project::empty();
        project.write("rules.yml", &rules(expr));
        let test = "{expr: up, eval_time: 1m, exp_samples: []}";
        project.write(
            "tests.yml",
            &format!("rule_files: [rules.yml]\ntests: [{{interval: 1m, promql_expr_test: [{test}]}}]\n"),
        );
        let said = tools::promtool(&["test", "rules", "tests.yml"], &project.path("")).text();
        assert_eq!(said.contains("rule result is not a vector or scalar"), fails, "{expr}: {said}");
        assert_eq!(is_said, fails, "{expr}: {found:?}");
    }
}

#[test]
fn a_label_that_is_said_to_be_dropped_leaves_a_hole_in_the_text() {
    let down = [("up{job=\"api\", instance=\"a\"}", "0x30"), ("up{job=\"api\", instance=\"b\"}", "0x30")];
    let fired = fires(&rules_of("label-dropped", Example::wrong), "ReplicasDown", &down, "5m");
    assert!(
        fired.contains("summary=\" of api is down\"") && fired.contains("description=\"this is \""),
        "{fired}"
    );
}

#[test]
fn a_short_label_with_two_letters_swapped_is_a_slip_where_the_word_stands_nowhere_else() {
    let found = |expr: &str, config: &str| {
        let rules = format!(
            "groups: [{{name: a, rules: [{{alert: A, expr: '{expr}', annotations: {{summary: a}}}}]}}]"
        );
        let found = found_in(&[("rules.yml", &rules), ("prometheus.yml", config)]);
        found.into_iter().filter(|one| one.contains("misspelt")).collect::<Vec<_>>()
    };
    let config = |labels: &str| {
        format!(
            "rule_files: [rules.yml]\nscrape_configs:\n  - job_name: a\n    static_configs: [{{targets: ['a:1'], labels: {{{labels}}}}}]\n"
        )
    };
    let own = config("env: live, pod: a-1");
    for (expr, word) in [
        ("sum by (jbo) (up) == 0", "jbo"),
        ("sum by (pdo) (up) == 0", "pdo"),
        ("up{evn=\"live\"} == 0", "evn"),
    ] {
        let said = format!("label-misspelt: `A` asks for `{word}`, and nothing here makes such a label");
        assert_eq!(found(expr, &own), [said], "{expr}");
    }
    let none: [String; 0] = [];
    assert_eq!(found("sum by (job, env, pod) (up) == 0", &own), none);
    assert_eq!(found("sum by (pdo) (up) == 0", &config("env: live, pod: a-1, pdo: mysql")), none);
    assert_eq!(found("sum by (dsn) (up) == 0", &config("dns: live")), none);
}

/// What is found in files, as `<id>: <message>`.
fn found_in(files: &[(&str, &str)]) -> BTreeSet<String> {
    memory::found(files, |_, found| format!("{}: {}", found.id, found.message)).into_iter().collect()
}

#[test]
fn what_a_careful_reader_would_not_blame_is_not_blamed() {
    let rules = r#"
groups:
  - name: a
    rules:
      # The same series twice, of two kinds: that is how it is recorded.
      - {record: "a:x:sum", expr: 'sum by (a) (x{kind="1"})', labels: {kind: "1"}}
      - {record: "a:x:sum", expr: 'sum by (a) (x{kind="2"})', labels: {kind: "2"}}
      - {record: "a:x:total", expr: 'sum by (a) (a:x:sum{kind="2"}) + a:x:total offset 1m'}
      # Read over a range before it is recorded: the last round does not matter.
      - {record: "a:y:max", expr: 'max_over_time(a:y:sum[1h])'}
      - {record: "a:y:sum", expr: sum by (a) (y)}
      - alert: SeverityByValue
        expr: a:y:sum > 5
        labels: {severity: '{{ if gt $value 90.0 }}critical{{ else }}warning{{ end }}'}
        annotations:
          summary: '{{ $labels.a }}{{ if $labels.zone }} in {{ $labels.zone }}{{ end }}: {{ or $labels.team "nobody" }}'
      - alert: AlwaysTheSame
        expr: up == 0
        for: 1m
        labels: {severity: page, value: '{{ $value }}'}
        annotations: {summary: '{{ with query "x" }}{{ . | first | value }}{{ end }} {{ $labels.instance }}'}
      - alert: OneFamilyTwice
        expr: up == 0
        for: 1m
        labels: {severity: ticket}
        annotations: {summary: b}
      # The language of others.
      - {alert: Victoria, expr: 'median_over_time(x[5i]) default 0 > 1', annotations: {summary: a}}
      - {alert: Native, expr: 'histogram_quantile(0.9, sum by (job) (rate(request_seconds[5m]))) > 1', annotations: {summary: a}}
  - name: b
    rules: []
"#;
    let found = found_in(&[("rules.yml", rules)]);
    let expected = "expression-not-read: the expression of `Victoria` could not be read: no other check says anything of it";
    assert_eq!(found, [expected.to_owned()].into());
}

#[test]
fn a_prometheus_that_is_known_is_held_to_its_version_and_its_flags() {
    let rules = "groups: [{name: a, rules: [{record: 'a:x', expr: 'limitk(5, x)'}, {record: 'a:y', expr: 'holt_winters(x[5m], 0.5, 0.5)'}, {record: 'a:z', expr: foo(x)}, {record: 'a:f', expr: x / fill (0) y}]}]";
    let broken = |prometheus: &str| -> Vec<String> {
        let compose = format!("services: {{p: {{{prometheus}, volumes: ['./:/etc/prometheus']}}}}");
        let files =
            [("rules.yml", rules), ("compose.yml", &compose), ("prometheus.yml", "rule_files: [rules.yml]")];
        let found = found_in(&files).into_iter().filter(|one| one.starts_with("expression-broken"));
        let name = |one: String| one.split('`').nth(1).unwrap_or_default().to_owned();
        found.map(name).collect()
    };
    assert_eq!(broken("image: 'prom/prometheus:v3.5.0'"), ["a:f", "a:x", "a:y", "a:z"]);
    let flag = "command: [--config.file=/etc/prometheus/prometheus.yml, --enable-feature=promql-experimental-functions]";
    assert_eq!(broken(&format!("image: 'prom/prometheus:v3.5.0', {flag}")), ["a:f", "a:y", "a:z"]);
    assert_eq!(broken("image: 'prom/prometheus:v2.53.0'"), ["a:f", "a:x", "a:z"]);
    // A newer one may have made something of each.
    assert_eq!(broken("image: 'prom/prometheus:v3.99.0'"), ["a:y"]);
    assert_eq!(broken("image: 'prom/prometheus'"), Vec::<String>::new());
}

#[test]
fn rules_for_victoriametrics_are_not_held_to_promql() {
    let rules = "groups: [{name: a, rules: [{record: 'a:x', expr: 'rate(x) keep_metric_names'}, {record: 'a:y', expr: rate(y)}]}]";
    let broken = |compose: &str| {
        let found = found_in(&[("rules.yml", rules), ("compose.yml", compose)]);
        found.iter().filter(|one| one.starts_with("expression-broken")).count()
    };
    assert_eq!(broken("services: {p: {image: 'prom/prometheus:v3.5.0'}}"), 1);
    assert_eq!(broken("services: {v: {image: 'victoriametrics/vmalert:v1.145.0'}}"), 0);
}

#[test]
fn the_old_form_of_a_variable_in_brackets_is_read_as_the_new_one() {
    let rules =
        "groups: [{name: a, rules: [{record: 'service:up:sum', expr: sum(up), labels: {service: chat}}]}]\n";
    let found = |ask: &dyn Fn(&str, &str) -> String, value: &str| {
        let exprs = [
            format!("service:up:sum{{service=\"{}\"}}", ask("service", "")),
            format!(
                "max_over_time(service:up:sum{{service=~'{}'}}[{}])",
                ask("service", "regex"),
                ask("every", "")
            ),
            format!("sum by ({}) (service:up:sum)", ask("by", "")),
            format!("{}{{a=~'[[:alpha:]]+'}} > {}", ask("metric", ""), ask("limit", "")),
        ];
        let targets: Vec<serde_json::Value> =
            exprs.iter().map(|expr| serde_json::json!({"refId": "A", "expr": expr})).collect();
        let source = serde_json::json!({"type": "prometheus", "uid": ask("source", "")});
        let variable = |name: &str, kind: &str, query: &str| serde_json::json!({"name": name, "type": kind, "query": query});
        let dashboard = serde_json::json!({
            "uid": "d", "title": "D", "schemaVersion": 39,
            "templating": {"list": [
                variable("source", "datasource", "prometheus"),
                variable("service", "custom", value),
                variable("by", "custom", "service"),
                variable("every", "interval", "1m,5m"),
                variable("metric", "custom", "a,b"),
                variable("limit", "textbox", "1"),
            ]},
            "panels": [{"type": "stat", "title": "P", "datasource": source, "targets": targets}],
        });
        let sources = "datasources: [{name: p, type: prometheus, uid: p, url: 'http://p:9090'}]\n";
        let mut found = found_in(&[
            ("rules.yml", rules),
            ("d.json", &dashboard.to_string()),
            ("grafana/provisioning/datasources/p.yml", sources),
        ]);
        let of_panels = ["variable-", "expression-", "label-", "unknown-", "job-", "range-"];
        found.retain(|one| of_panels.iter().any(|start| one.starts_with(start)));
        found
    };
    let new = |name: &str, form: &str| match form {
        "" => format!("${name}"),
        form => format!("${{{name}:{form}}}"),
    };
    let old = |name: &str, form: &str| match form {
        "" => format!("[[{name}]]"),
        form => format!("[[{name}:{form}]]"),
    };
    assert_eq!(found(&old, "chat"), BTreeSet::new());
    let wrong =
        ["variable-never-found: no panel finds anything where the variable `service` is `caht`".to_owned()];
    assert_eq!(found(&new, "caht"), wrong.clone().into());
    assert_eq!(found(&old, "caht"), wrong.into());
}

#[test]
fn panels_are_read_as_grafana_fills_them_in_and_blamed_once() {
    let target = |expr: &str| {
        format!(r#"{{"refId": "A", "expr": "{expr}", "datasource": {{"type": "prometheus", "uid": "p"}}}}"#)
    };
    let panel = |title: &str, targets: &[String]| {
        format!(
            r#"{{"type": "timeseries", "title": "{title}", "gridPos": {{}}, "datasource": {{"type": "prometheus", "uid": "p"}}, "targets": [{}]}}"#,
            targets.join(",")
        )
    };
    let dashboard = |panels: &[String]| {
        format!(r#"{{"uid": "d", "title": "D", "schemaVersion": 39, "panels": [{}]}}"#, panels.join(","))
    };
    let of_ours = |text: &str| -> Vec<String> {
        let ours = ["expression-broken", "quantile-without-le", "sides-never-match", "regex-broken"];
        let found = found_in(&[("d.json", text)]);
        found.into_iter().filter(|one| ours.iter().any(|id| one.starts_with(id))).collect()
    };
    let right = dashboard(&[panel(
        "right",
        &[
            target("histogram_quantile($q, sum by (le, $by) (rate(x_bucket[$__rate_interval])))"),
            // Two variables may come to the same.
            target(r#"x{a=\"$one\"} / x{a=\"$two\"}"#),
            target(r#"sum by (job) (x{job=~\"$job\"}) / sum by (job) (y)"#),
            target(r#"$metric{a=\"1\"}"#),
            r#"{"refId": "A", "expr": "{app=\"x\"} |= \"(\"", "datasource": {"type": "loki", "uid": "l"}}"#
                .to_owned(),
        ],
    )]);
    assert_eq!(of_ours(&right), Vec::<String>::new());
    let twice = r#"histogram_quantile(0.9, sum by (job) (rate(x_bucket{a=~\"$a\"}[$__rate_interval])))"#;
    let wrong = dashboard(&[
        panel("one", &[target(twice), target("sum(rate(x[$__rate_interval])")]),
        panel("two", &[target(twice), target("sum by (a) (x) / sum(y)")]),
    ]);
    assert_eq!(
        of_ours(&wrong),
        [
            "expression-broken: the expression of the panel `one` is not PromQL: `(` is not closed",
            "quantile-without-le: the panel `one` takes a quantile of buckets without `le`: there is never a result",
            "sides-never-match: in the panel `two` the two sides of `/` never match: there is never a result",
        ]
    );
}
