//! What a service does for some hours, told in phases, as promtool plays it to the rendered rules.

use std::fmt::Write as _;

use serde_json::Value;

use crate::support::project::Project;
use crate::support::tools;

/// A stretch of time in which nothing changes.
#[derive(Clone, Copy)]
pub(crate) enum Phase {
    /// Minutes, good requests per second and bad ones.
    Serves(u64, f64, f64),
    /// Minutes in which the replicas are well, and what stands before them lets nobody through.
    Unreachable(u64),
    /// Minutes in which no replica answers.
    Down(u64),
    /// Minutes without a target: nothing is known at all.
    Gone(u64),
    /// The replica starts anew, and its counters with it.
    Restarts,
}

use Phase::{Down, Gone, Restarts, Serves, Unreachable};

/// A rendered stack with one service, `chat`, on a server of one's own. Of its rules only what leads to the objectives is kept:
/// promtool evaluates every rule at every step.
pub(crate) fn stack(lines: &str) -> Project {
    let project = Project::new(&format!(
        "version: 1\nname: x\nservices:\n  chat:\n    engine: custom\n    replicas: ['a:1']\n    \
         endpoint: http://chat.invalid\n{lines}\
         receivers: {{team: {{webhook: {{url_file: secrets/url}}}}}}\nroutes: {{critical: team, warning: team}}\n"
    ));
    project.render();
    only_objectives(&project);
    project
}

pub(crate) fn availability(percent: &str) -> Project {
    stack(&format!("    slo: {{availability: {percent}}}\n"))
}

fn only_objectives(project: &Project) {
    let path = "monitoring/prometheus/rules/chat.yml";
    let mut rules: Value = serde_yaml::from_str(&project.read(path)).expect("is YAML");
    let needed =
        ["_replica:up:", ":replicas_up:", ":requests:", ":errors:rate5m", "latency_seconds_bucket", "slo_"];
    for group in rules["groups"].as_array_mut().expect("a list") {
        group["rules"].as_array_mut().expect("a list").retain(|rule| {
            let name = rule["record"].as_str().or(rule["alert"].as_str()).expect("a name");
            name.starts_with("SLO") || name == "ServiceDown" || needed.iter().any(|part| name.contains(part))
        });
    }
    // JSON is YAML.
    project.write(path, &rules.to_string());
}

/// A course of events, played with a sample every so many seconds.
pub(crate) struct Played<'a> {
    pub(crate) project: &'a Project,
    pub(crate) step: u64,
    pub(crate) phases: &'a [Phase],
}

/// What came of it.
pub(crate) struct Story {
    /// The first minute in which the alert fires, and the last one.
    pub(crate) fast: Option<(f64, f64)>,
    pub(crate) slow: Option<(f64, f64)>,
    /// What each expression that was asked for is; `None`: nothing.
    pub(crate) found: Vec<Option<f64>>,
}

impl Played<'_> {
    /// Plays it, and asks for each expression at its minute.
    pub(crate) fn tell(&self, queries: &[(u64, &str)]) -> Story {
        let end = self.minutes();
        let range = format!("[{end}m:{}s]", self.step);
        let mut all: Vec<(u64, String)> = ["SLOBurnFast", "SLOBurnSlow"]
            .iter()
            .flat_map(|alert| {
                let times = format!("timestamp(ALERTS{{alertname=\"{alert}\", alertstate=\"firing\"}})");
                ["min", "max"].map(|which| (end, format!("{which}({which}_over_time({times}{range})) / 60")))
            })
            .collect();
        all.extend(queries.iter().map(|(minute, expr)| (*minute, (*expr).to_owned())));
        let mut found = self.ask(&all);
        let asked = found.split_off(4);
        Story { fast: found[0].zip(found[1]), slow: found[2].zip(found[3]), found: asked }
    }

    /// What each expression is at its minute; `None`: nothing.
    fn ask(&self, queries: &[(u64, String)]) -> Vec<Option<f64>> {
        let mut test = format!(
            "rule_files: [rules/chat.yml]\nevaluation_interval: {step}s\ngroup_eval_order: [chat, chat+budget]\n\
             tests:\n- interval: {step}s\n  input_series:\n",
            step = self.step
        );
        for (series, values) in self.series() {
            let _ = writeln!(test, "  - series: '{series}'\n    values: '{values}'");
        }
        test.push_str("  promql_expr_test:\n");
        // Nothing is that small: promtool says what it found instead.
        for (minute, expr) in queries {
            let expr = Value::from(format!("sum({expr})"));
            let _ = writeln!(
                test,
                "  - {{expr: {expr}, eval_time: {minute}m, exp_samples: [{{labels: '{{}}', value: -1e300}}]}}"
            );
        }
        self.project.write("monitoring/prometheus/course.yml", &test);
        let said =
            tools::promtool(&["test", "rules", "course.yml"], &self.project.path("monitoring/prometheus"));
        let output = said.text();
        let found: Vec<&str> = output.lines().filter_map(|line| line.trim().strip_prefix("got:")).collect();
        assert_eq!(found.len(), queries.len(), "{output}\n{test}");
        found.iter().map(|got| got.trim().strip_prefix("{} ")?.parse().ok()).collect()
    }

    fn minutes(&self) -> u64 {
        let length = |phase: &Phase| match phase {
            Serves(minutes, ..) | Unreachable(minutes) | Down(minutes) | Gone(minutes) => *minutes,
            Restarts => 0,
        };
        self.phases.iter().map(length).sum()
    }

    /// The replica's own series, and what the probe says.
    fn series(&self) -> Vec<(String, String)> {
        let mut courses = [const { String::new() }; 7];
        let mut counted = [0.0; 5];
        for phase in self.phases {
            let samples = |minutes: u64| minutes * 60 / self.step;
            match *phase {
                Restarts => counted = [0.0; 5],
                Serves(minutes, good, bad) => {
                    // Bad ones are also slow, so that a latency objective has the same course.
                    let rates = [good, bad, good, good + bad, good + bad];
                    let n = samples(minutes);
                    for ((course, count), rate) in courses.iter_mut().zip(&mut counted).zip(rates) {
                        #[allow(clippy::cast_precision_loss, reason = "seconds")]
                        let growth = rate * self.step as f64;
                        let _ = write!(course, "{count}+{growth}x{} ", n - 1);
                        #[allow(clippy::cast_precision_loss, reason = "some thousand samples")]
                        let grown = growth * n as f64;
                        *count += grown;
                    }
                    for course in &mut courses[5..] {
                        let _ = write!(course, "1x{} ", n - 1);
                    }
                }
                Unreachable(minutes) => {
                    let n = samples(minutes);
                    for (course, count) in courses.iter_mut().zip(counted) {
                        let _ = write!(course, "{count}x{} ", n - 1);
                    }
                    let _ = write!(courses[5], "1x{} ", n - 1);
                    let _ = write!(courses[6], "0x{} ", n - 1);
                }
                Down(minutes) => {
                    let n = samples(minutes);
                    for course in &mut courses[..5] {
                        let _ = write!(course, "stale _x{} ", n - 1);
                    }
                    for course in &mut courses[5..] {
                        let _ = write!(course, "0x{} ", n - 1);
                    }
                }
                Gone(minutes) => {
                    for course in &mut courses {
                        let _ = write!(course, "stale _x{} ", samples(minutes) - 1);
                    }
                }
            }
        }
        let of = "service=\"chat\", replica=\"a:1\"";
        let answers =
            |status: &str| format!("inference_requests_total{{{of}, endpoint=\"/v1\", status=\"{status}\"}}");
        let bucket = |le: &str| {
            format!("inference_request_duration_seconds_bucket{{{of}, endpoint=\"/v1\", le=\"{le}\"}}")
        };
        let names = [
            answers("200"),
            answers("500"),
            bucket("2.5"),
            bucket("10.0"),
            bucket("+Inf"),
            format!("up{{{of}}}"),
            "service:endpoint_up:min{service=\"chat\"}".to_owned(),
        ];
        names.into_iter().zip(courses).map(|(name, course)| (name, course.trim_end().to_owned())).collect()
    }
}
