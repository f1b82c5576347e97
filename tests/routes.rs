//! Where alerts go: our walk through the tree of routes is Alertmanager's own, and `validate --routes` shows it.

mod support;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use skymon::checks::Check;
use skymon::promql::labels::Labels;
use skymon::source::SourceFile;
use skymon::stack::Alertmanager;
use support::memory;
use support::pages::Example;
use support::project::Project;
use support::tools;

/// Numbers that look random and are the same each time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, count: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((self.0 >> 33) % count as u64).expect("fits")
    }

    fn one<'a>(&mut self, words: &[&'a str]) -> &'a str {
        words[self.below(words.len())]
    }

    fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }
}

const LABELS: [&str; 3] = ["severity", "team", "zone"];
const VALUES: [&str; 6] = ["critical", "warning", "a,b", "x y", "é", "crit"];
const PATTERNS: [&str; 8] =
    ["critical|warning", "crit.*", ".*", ".+", "(a,b|x y)", "[cw].+", "", "warn(ing)?"];

/// A tree in which each branch has a receiver of its own.
struct Tree {
    text: String,
    receivers: usize,
}

impl Tree {
    fn new(dice: &mut Dice) -> Tree {
        let mut tree = Tree { text: "route:\n  receiver: r0\n".to_owned(), receivers: 1 };
        tree.branches(dice, 1);
        tree.text += "receivers:\n";
        for number in 0..tree.receivers {
            writeln!(tree.text, "  - name: r{number}").expect("writes");
        }
        tree
    }

    fn branches(&mut self, dice: &mut Dice, depth: usize) {
        let count = dice.below(if depth == 1 { 6 } else { 4 });
        if count == 0 || depth > 3 {
            return;
        }
        let indent = "    ".repeat(depth);
        writeln!(self.text, "{}routes:", &indent[2..]).expect("writes");
        for _ in 0..count {
            writeln!(self.text, "{indent}- receiver: r{}", self.receivers).expect("writes");
            self.receivers += 1;
            self.conditions(dice, &indent);
            if dice.chance(25) {
                writeln!(self.text, "{indent}  continue: true").expect("writes");
            }
            self.branches(dice, depth + 1);
        }
    }

    /// In each of the ways that Alertmanager reads them.
    fn conditions(&mut self, dice: &mut Dice, indent: &str) {
        let count = dice.below(3);
        let mut texts = Vec::new();
        for _ in 0..count {
            let label = dice.one(&LABELS);
            let op = dice.one(&["=", "=", "!=", "=~", "!~"]);
            let value = if op.contains('~') { dice.one(&PATTERNS) } else { dice.one(&VALUES) };
            texts.push(match dice.below(3) {
                0 => format!("{label} {op} \"{value}\""),
                1 if value.chars().all(|c| c.is_ascii_alphanumeric()) && !value.is_empty() => {
                    format!("{label}{op}{value}")
                }
                _ => format!("{label}{op}\"{value}\""),
            });
        }
        let line = match dice.below(4) {
            _ if count == 0 => return,
            0 => format!("matchers: ['{{{}}}']", texts.join(",")),
            1 => format!("matchers: ['{}']", texts.join(", ")),
            2 => format!("match: {{{}: '{}'}}", dice.one(&LABELS), dice.one(&VALUES)),
            _ => format!("matchers: ['{}']", texts.join("', '")),
        };
        writeln!(self.text, "{indent}  {line}").expect("writes");
        if dice.chance(10) {
            let (label, pattern) = (dice.one(&LABELS), dice.one(&PATTERNS));
            writeln!(self.text, "{indent}  match_re: {{{label}: '{pattern}'}}").expect("writes");
        }
    }
}

fn labels(dice: &mut Dice) -> BTreeMap<String, String> {
    let mut labels = BTreeMap::from([("alertname".to_owned(), "Down".to_owned())]);
    for name in LABELS {
        if dice.chance(75) {
            labels.insert(name.to_owned(), dice.one(&VALUES).to_owned());
        }
    }
    labels
}

fn receivers(config: &Alertmanager, labels: &BTreeMap<String, String>) -> String {
    let name = |route: &skymon::stack::Route| route.receiver.as_ref().expect("has one").value.clone();
    config.journey(labels).into_iter().map(name).collect::<Vec<_>>().join(",")
}

#[test]
fn an_alert_goes_where_amtool_says_through_any_tree() {
    let project = Project::empty();
    let mut dice = Dice(1);
    let never = Check::find("route-never-reached").expect("is there");
    let (mut dead, mut ends) = (0, BTreeMap::new());
    for number in 0..120 {
        let tree = Tree::new(&mut dice);
        let file = format!("{number}.yml");
        project.write(&file, &tree.text);
        let config = Alertmanager::parse(SourceFile::new(&file, tree.text.as_str()));
        let stack = memory::stack([("alertmanager.yml", &tree.text)]);
        let dead_here = never.findings(&stack);
        dead += dead_here.iter().count();
        for _ in 0..3 {
            let labels = labels(&mut dice);
            let pairs = labels.iter().map(|(name, value)| format!("{name}=\"{value}\""));
            let mut args: Vec<String> =
                ["config", "routes", "test", "--config.file", &file].map(str::to_owned).into();
            args.extend(pairs);
            let said = tools::amtool(&args, &project.path("")).expect_success().stdout;
            let said = said.trim();
            assert_eq!(receivers(&config, &labels), said, "{labels:?}\n{}", tree.text);
            *ends.entry(said.matches(',').count()).or_insert(0) += 1;

            // With some of the labels unknown, the true way is among the possible ones, and what is sure is on it.
            let mut known = Labels::none();
            for (name, value) in &labels {
                known.set(name, Some(value));
            }
            for name in LABELS.iter().filter(|_| dice.chance(50)) {
                known.allow(name);
            }
            let possible = config.journeys(&known);
            let name = |route: &skymon::stack::Route| route.receiver.as_ref().expect("has one").value.clone();
            for one in said.split(',') {
                assert!(possible.iter().any(|end| name(end.route) == one), "{known:?}\n{}", tree.text);
                // What is never reached is no alert's end.
                let is_dead = dead_here.iter().any(|finding| finding.message.contains(&format!("`{one}`")));
                assert!(!is_dead, "{one} is reached by {labels:?}\n{}", tree.text);
            }
            for sure in possible.iter().filter(|end| end.is_sure) {
                assert!(said.split(',').any(|one| one == name(sure.route)), "{known:?}\n{}", tree.text);
            }
        }
    }
    // The trees are worth the while.
    assert!(ends.len() > 2 && dead > 20, "{ends:?} ends, {dead} branches never reached");
}

/// Where a page says that Alertmanager does not start, it does not; elsewhere what is wrong is seen only when it hurts.
#[test]
fn amtool_stops_the_examples_that_do_not_start_and_takes_the_others() {
    let project = Project::empty();
    let (mut stopped, mut taken) = (0, 0);
    for check in skymon::checks::ALL {
        for example in [Example::wrong(check), Example::right(check)] {
            let [(path, text)] = Vec::from_iter(&example.files)[..] else { continue };
            if path != "alertmanager.yml" {
                continue;
            }
            project.write(path, text);
            let said = check.findings(&memory::stack([("alertmanager.yml", text.as_str())]));
            let does_not_start = said.iter().any(|one| one.message.contains("Alertmanager does not start"));
            let amtool = tools::amtool(&["check-config", "alertmanager.yml"], &project.path(""));
            assert_eq!(amtool.status != 0, does_not_start, "{}: {}\n{text}", check.id, amtool.text());
            *(if does_not_start { &mut stopped } else { &mut taken }) += 1;
        }
    }
    assert!(stopped >= 8 && taken >= 30, "{stopped} stopped, {taken} taken");
}

#[test]
fn validate_shows_where_the_alerts_of_a_rendered_stack_go_before_its_findings() {
    let project = Project::of_example("minimal");
    project.render();
    let said = project.skymon(&["validate", "--routes"]);
    assert_eq!(said.status, 0, "{}", said.stderr);
    let (routes, findings) = said.stdout.split_once("within: from the fault").expect("ends with its legend");
    assert!(findings.contains("has no errors"), "{findings}");
    let way = |of: &str| routes.split("\n\n").find(|way| way.contains(of)).expect("is there").to_owned();
    // What the design promises: scrape, evaluation, `for` and the wait of the group.
    let down = way("   ServiceDown ");
    assert!(
        down.starts_with("-> team (slack)\n   a message for each alertname, service: after 10s, "),
        "{down}"
    );
    assert!(down.ends_with("   ServiceDown                critical  demo     1m10s"), "{down}");
    assert!(down.contains("   HighErrorRate              critical  demo     5m40s   ServiceDown"), "{down}");
    assert!(way("   NoRequests ").starts_with("-> nobody (tells nobody)\n"), "{routes}");
    // An edit by hand is seen.
    let path = "monitoring/alertmanager/alertmanager.yml";
    let edited = project.read(path).replace("group_wait: \"10s\"", "group_wait: \"2m\"");
    project.write(path, &edited);
    let said = project.skymon(&["validate", "--routes"]);
    assert_eq!(said.status, 1);
    assert!(said.stdout.contains("ServiceDown                critical  demo     3m"), "{}", said.stdout);
    project.write(path, &edited.replace("group_wait: \"2m\"", "group_wait: \"500ms\""));
    let said = project.skymon(&["validate", "--routes"]);
    assert!(said.stdout.contains("service: after 500ms, "), "{}", said.stdout);
}

#[test]
fn no_line_of_the_largest_stack_is_wider_than_a_terminal_and_each_alert_is_there_once() {
    let project = Project::of_fixture("everything");
    project.render();
    let said = project.skymon(&["validate", "--routes"]).stdout;
    let routes = said.split("within: from the fault").next().expect("begins with them");
    for line in routes.lines() {
        assert!(line.chars().count() <= 100, "{line}");
    }
    let json = project.skymon(&["validate", "--routes", "--format", "json"]).stdout;
    let json: serde_json::Value = serde_json::from_str(&json).expect("is JSON");
    let alerts = json["routes"][0]["alerts"].as_array().expect("is a list");
    assert!(alerts.len() > 100 && routes.contains(&format!("where {} alerts go", alerts.len())), "{routes}");
    for alert in alerts {
        let (name, severity) = (alert["alert"].as_str().unwrap(), alert["severity"].as_str().unwrap());
        let is_it = |line: &&str| {
            let mut words = line.split_whitespace();
            words.next() == Some(name) && words.next() == Some(severity)
        };
        assert!(routes.lines().any(|line| is_it(&line)), "{name} {severity}");
    }
    let docs = std::fs::read_to_string("docs/diagnostics.md").expect("reads the page");
    let keys = [&json["routes"][0], &alerts[0], &alerts[0]["ends"][0]];
    for key in keys.into_iter().flat_map(|value| value.as_object().expect("is a map").keys()) {
        let ways = [format!("`{key}`"), format!(".{key}`"), format!(".{key}[]`")];
        assert!(ways.iter().any(|way| docs.contains(way)), "{key} is not described");
    }
    // Some is sent to three.
    let ends = |name: &str| {
        let alert = alerts.iter().find(|alert| alert["alert"] == name).expect("is there");
        let ends = alert["ends"].as_array().expect("is a list").iter();
        ends.map(|end| end["receiver"].as_str().unwrap().to_owned()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(ends("AlertmanagerCannotDeliver"), "chat hook oncall");
    assert_eq!(ends("Watchdog"), "heartbeat");
}

#[test]
fn the_other_formats_say_that_they_have_no_place_for_the_routes() {
    let project = Project::of_example("minimal");
    let said = project.skymon(&["validate", "--routes", "--format", "sarif"]);
    assert_eq!(said.status, 2);
    assert!(said.stderr.contains("`--routes` is shown as text or with `--format json`"), "{}", said.stderr);
}

/// The ids of what is found in an `alertmanager.yml` with these rules, beside what is said of any small stack.
fn found(files: &[(&str, &str)]) -> Vec<&'static str> {
    let usual = [
        "alert-without-summary",
        "lost-target-unnoticed",
        "monitoring-unwatched",
        "no-alertmanager",
        "no-inhibition",
        "one-lost-scrape",
    ];
    let mut ids = memory::found(files, |_, finding| finding.id);
    ids.retain(|id| !usual.contains(id));
    ids
}

const PROMETHEUS: &str =
    "rule_files: [rules.yml]\nscrape_configs: [{job_name: a, static_configs: [{targets: [10.0.0.5:80]}]}]\n";
const RULES: &str = "groups:\n- name: a\n  rules:\n  - {alert: Down, expr: up < 1, labels: {severity: critical}, annotations: {summary: '{{ $labels.instance }}'}}\n  - {alert: Slow, expr: sum(a_seconds) > 1, labels: {severity: warning}}\n";

/// What stands below `route:`, and the receivers `a` with Slack, `b` with PagerDuty and `null` with nothing.
fn of_routes(route: &str) -> Vec<&'static str> {
    let receivers = "receivers: [{name: a, slack_configs: [{api_url_file: /x, channel: '#x'}]}, {name: b, pagerduty_configs: [{routing_key_file: /x}]}, {name: 'null'}]";
    let text = format!("{route}\n{receivers}\n");
    let mut ids = found(&[("prometheus.yml", PROMETHEUS), ("rules.yml", RULES), ("alertmanager.yml", &text)]);
    ids.retain(|id| *id != "unused-receiver");
    ids
}

#[test]
fn routes_are_blamed_for_what_is_sure_and_for_nothing_else() {
    let nothing: [&str; 0] = [];
    let root = "route: {receiver: a, group_by: [alertname], routes: [";
    for (routes, expected) in [
        ("{receiver: b, matchers: ['severity=\"critical\"']}]}", &nothing as &[&str]),
        // A severity without an alert may wait for its first one; a slip of the pen does not.
        ("{receiver: b, matchers: ['severity=\"info\"']}]}", &nothing),
        ("{receiver: b, matchers: ['severity=\"critcal\"']}]}", &["matches-no-alert", "severity-not-routed"]),
        ("{receiver: b, matchers: ['alertname=\"Gone\"']}]}", &["matches-no-alert"]),
        // The series may bring any team.
        ("{receiver: b, matchers: ['team=\"x\"']}]}", &nothing),
        // Different groups by time.
        (
            "{receiver: b, matchers: ['severity=\"critical\"'], active_time_intervals: [n], continue: true}, {receiver: b, mute_time_intervals: [n]}]}\ntime_intervals: [{name: n}]",
            &nothing,
        ),
        (
            "{receiver: b, matchers: ['severity=\"critical\"'], continue: true}, {receiver: b}]}",
            &["paged-twice"],
        ),
        ("{receiver: b}, {receiver: a, matchers: ['severity=\"critical\"']}]}", &["route-never-reached"]),
        // A heartbeat each interval, and one that is no heartbeat.
        (
            "{receiver: b, group_interval: 1m, repeat_interval: 50s, matchers: ['alertname=\"Down\"']}]}",
            &nothing,
        ),
        ("{receiver: b, repeat_interval: 1m, matchers: ['alertname=\"Down\"']}]}", &["timers-out-of-order"]),
        ("{receiver: b, group_by: [instance, zone], matchers: ['severity=\"critical\"']}]}", &nothing),
        ("{receiver: b, group_by: [instnace]}]}", &["group-by-unknown-label"]),
    ] {
        assert_eq!(of_routes(&format!("{root}{routes}")), expected, "{routes}");
    }
    for (routes, expected) in [
        // A word that everybody knows, and a label that every alert has.
        ("{receiver: b, matchers: ['severity=\"ino\"']}]}", &["matches-no-alert"] as &[&str]),
        (
            "{receiver: b, matchers: ['severity=~\"error|waring\"']}]}",
            &["matches-no-alert", "severity-not-routed"],
        ),
        ("{receiver: b, matchers: ['serverity=\"critical\"']}]}", &["matches-no-alert"]),
        ("{receiver: b, matchers: ['severity=\"sev1\"']}]}", &nothing),
        ("{receiver: b, matchers: ['tier=\"critical\"']}]}", &nothing),
        // What is critical, to nobody: by its severity that is a slip, by its name somebody's will.
        ("{receiver: 'null', matchers: ['severity=\"critical\"']}]}", &["receiver-without-integration"]),
        ("{receiver: 'null', matchers: ['alertname=\"Down\"']}]}", &nothing),
        (
            "{receiver: b, matchers: ['severity=\"critical\"'], continue: true}, {receiver: 'null'}]}",
            &nothing,
        ),
    ] {
        assert_eq!(of_routes(&format!("{root}{routes}")), expected, "{routes}");
    }
    let null = "route: {receiver: 'null', group_by: [alertname], routes: [{receiver: a, matchers: ['severity=\"warning\"']}]}";
    assert_eq!(of_routes(null), ["receiver-without-integration"]);
    let dropped = "route: {receiver: a, group_by: [alertname], routes: [{receiver: 'null', matchers: ['severity=\"warning\"']}]}";
    assert_eq!(of_routes(dropped), nothing);
}

#[test]
fn inhibitions_are_blamed_for_what_is_sure_and_for_nothing_else() {
    let nothing: [&str; 0] = [];
    for (rule, expected) in [
        (
            "source_matchers: ['alertname=\"Down\"'], target_matchers: ['severity=\"warning\"']",
            &nothing as &[&str],
        ),
        (
            "source_matchers: ['severity=\"critical\"'], target_matchers: ['severity=\"warning\"']",
            &["inhibits-everything"],
        ),
        // One side may have it: then it is no word of nobody's.
        (
            "source_matchers: ['severity=\"critical\"'], target_matchers: ['severity=\"warning\"'], equal: [zone]",
            &nothing,
        ),
        (
            "source_matchers: ['severity=\"critical\"'], target_matchers: ['severity=\"warning\"'], equal: [instnace]",
            &["equal-label-missing"],
        ),
        (
            "source_matchers: ['alertname=\"Slow\"'], target_matchers: ['alertname=\"Slow\"'], equal: [zone]",
            &["equal-label-missing", "inhibits-nothing"],
        ),
        (
            "source_matchers: ['alertname=\"Dwon\"'], target_matchers: ['severity=\"warning\"']",
            &["matches-no-alert"],
        ),
        // A rule copied for alerts that are not there does nothing.
        (
            "source_matchers: ['alertname=\"InfoInhibitor\"'], target_matchers: ['severity=\"info\"']",
            &nothing,
        ),
        (
            "source_matchers: ['alertname=\"Down\"', 'instnace!=\"\"'], target_matchers: ['severity=\"warning\"']",
            &["matches-no-alert"],
        ),
    ] {
        let text = format!("route: {{receiver: a, group_by: [alertname]}}\ninhibit_rules: [{{{rule}}}]");
        assert_eq!(of_routes(&text), expected, "{rule}");
    }
}

/// Two alerts on each of several machines, one that is for all, and one for planned work.
const HOSTS: &str = "groups:\n- name: a\n  rules:\n  - {alert: HostDown, expr: up == 0, for: 1m, labels: {severity: critical}}\n  - {alert: HostSlow, expr: node_load1 > 9, for: 5m, labels: {severity: warning}}\n  - {alert: AllSlow, expr: sum(node_load1) > 9, for: 5m, labels: {severity: warning}}\n  - {alert: Maintenance, expr: node_boot > 9, for: 5m, labels: {severity: warning}}\n  - {alert: Night, expr: hour() < 3, for: 5m, labels: {severity: warning}}\n  - {alert: DatabaseDown, expr: pg_up == 0, for: 1m, labels: {severity: critical}}\n  - {alert: PageDown, expr: 'up{job=\"pages\"} == 0', for: 1m, labels: {severity: critical}}\n  - {alert: AppErrors, expr: 'http_errors{job=\"app\"} > 9', for: 5m, labels: {severity: warning}}\n";

#[test]
fn an_inhibition_without_a_tie_is_blamed_only_where_both_sides_say_what_they_are_about() {
    let nothing: [&str; 0] = [];
    let broad: [&str; 1] = ["inhibits-everything"];
    let of = |rule: &str, targets: &str| {
        let text = format!(
            "route: {{receiver: a, group_by: [alertname]}}\ninhibit_rules: [{{{rule}}}]\nreceivers: [{{name: a, slack_configs: [{{api_url_file: /x, channel: '#x'}}]}}]\n"
        );
        let config = PROMETHEUS.replace("10.0.0.5:80", targets);
        let files = [("prometheus.yml", config.as_str()), ("rules.yml", HOSTS), ("alertmanager.yml", &text)];
        let mut ids = found(&files);
        ids.retain(|id| *id == "inhibits-everything");
        ids
    };
    let two = "10.0.0.5:80, 10.0.0.6:80";
    let down = "source_matchers: ['alertname=\"HostDown\"'], target_matchers: ['alertname=\"HostSlow\"']";
    assert_eq!(of(down, two), broad);
    assert_eq!(of(&format!("{down}, equal: [instance]"), two), nothing);
    // There is one machine only; or what is muted is of no machine; or somebody says which one.
    assert_eq!(of(down, "10.0.0.5:80"), nothing);
    assert_eq!(of(&down.replace("HostSlow", "AllSlow"), two), nothing);
    assert_eq!(
        of(&down.replace("'alertname=\"HostDown\"'", "'alertname=\"HostDown\", instance=\"gw\"'"), two),
        nothing
    );
    // The instances of different jobs never meet.
    assert_eq!(of(&down.replace("HostSlow", "AppErrors"), two), broad);
    for source in ["DatabaseDown", "PageDown"] {
        assert_eq!(of(&down.replace("HostDown", source).replace("HostSlow", "AppErrors"), two), nothing);
    }
    // Who asks for the label knows that it is there.
    let asked = "source_matchers: ['alertname=\"HostDown\"', 'zone!=\"\"'], target_matchers: ['alertname=\"HostSlow\"']";
    assert_eq!(of(asked, "10.0.0.5:80"), broad);
    let lesser = "source_matchers: ['alertname=\"HostSlow\"'], target_matchers: ['severity=~\"critical|warning\"'], equal: [instance]";
    assert_eq!(of(lesser, two), broad);
    assert_eq!(of(&lesser.replace("critical|warning", "warning"), two), nothing);
    // Planned work mutes what it likes, and so does who names both.
    for source in ["Maintenance", "Night"] {
        let rule = lesser.replace("HostSlow", source).replace(", equal: [instance]", ", equal: [site]");
        assert_eq!(of(&rule, two), nothing, "{source}");
    }
    assert_eq!(of(&lesser.replace("severity=~\"critical|warning\"", "alertname=\"HostDown\""), two), nothing);
}

#[test]
fn integrations_are_blamed_for_what_is_sure_and_for_nothing_else() {
    let mail = "email_configs: [{from: a@b.example, smarthost: 'mail.example.com:587', auth_username: u, auth_password_file: /p, ";
    let slack = "slack_configs: [{api_url_file: /x, channel: '#x', ";
    let nothing: [&str; 0] = [];
    for (receiver, expected) in [
        (format!("{mail}to: 'Team <a@b.example>, b@b.example'}}]"), &nothing as &[&str]),
        (format!("{mail}to: '{{{{ .CommonLabels.owner }}}}'}}]"), &nothing),
        (format!("{mail}to: team}}]"), &["mail-address-invalid"]),
        (format!("{mail}to: a@b.example, require_tls: false}}]"), &["mail-password-in-clear"]),
        (format!("{mail}to: a@b.example, require_tls: false, force_implicit_tls: true}}]"), &nothing),
        (
            format!("{mail}to: a@b.example, require_tls: false}}]").replace("mail.example.com", "postfix"),
            &nothing,
        ),
        (format!("{slack}text: '{{{{ template \"slack.default.text\" . }}}}'}}]"), &nothing),
        (format!("{slack}text: '{{{{ template \"team.text\" . }}}}'}}]"), &["template-unknown"]),
        (format!("{slack}text: '{{{{ if .Alerts }}}}'}}]"), &["template-broken"]),
        (format!("{slack}text: '{{{{ .CommonAnnotations.summary }}}}'}}]"), &["common-value-empty"]),
        (format!("{slack}text: '{{{{ .CommonLabels.severity }}}}'}}]"), &nothing),
        (
            format!(
                "{slack}text: '{{{{ if .CommonAnnotations.summary }}}}{{{{ .CommonAnnotations.summary }}}}{{{{ end }}}}'}}]"
            ),
            &nothing,
        ),
        (
            format!("{mail}to: a@b.example}}]").replace("auth_password_file: /p, ", ""),
            &["mail-without-password"],
        ),
        (format!("{mail}to: a@b.example}}]").replace("auth_username: u, ", ""), &["mail-without-password"]),
        (
            format!("{mail}to: a@b.example}}]").replace("auth_username: u, auth_password_file: /p, ", ""),
            &nothing,
        ),
        (format!("{mail}to: a@b.example}}]").replace(":587", ""), &["wrong-type"]),
        (format!("{mail}to: 'a@b.exmple, c@b.example'}}]"), &["mail-address-invalid"]),
        (format!("{mail}to: ops@gmial.com}}]"), &["mail-address-invalid"]),
        // One each: nobody knows which is right. And one house in two countries.
        (format!("{mail}to: a@bb.example}}]"), &nothing),
        (format!("{mail}to: 'a@shop.de, b@shop.de, c@shop.be, d@ymail.com'}}]"), &nothing),
        (format!("{mail}to: 'jane@mail.com, joe@cloud.com'}}]"), &nothing),
        (format!("{mail}to: 'a@eu.shop.com, b@eu.shop.com, c@au.shop.com'}}]"), &nothing),
        (format!("{mail}to: 'a@shop.co.uk, b@shop.co.uk, c@shp.co.uk'}}]"), &["mail-address-invalid"]),
        ("webhook_configs: [{url: 'https://hooks.slak.com/x'}]".to_owned(), &["address-misspelt"]),
        ("webhook_configs: [{url: 'http://host.docker.intrenal:80/x'}]".to_owned(), &["address-misspelt"]),
        (
            "pagerduty_configs: [{routing_key_file: /x, url: 'https://events.pagerduty.com/v2/enqeue'}]"
                .to_owned(),
            &["address-misspelt"],
        ),
        (
            "pagerduty_configs: [{routing_key_file: /x, url: 'https://events.eu.pagerduty.com/v2/enqueue'}]"
                .to_owned(),
            &nothing,
        ),
        ("webhook_configs: [{url: 'http://localhost2:80/metics'}]".to_owned(), &nothing),
        // A name in Slack, a price, and a password that is one.
        (format!("{slack}text: 'costs $5, ask $USER', title: 'a$b'}}]"), &nothing),
        ("webhook_configs: [{url_file: '/run/${NAME}'}]".to_owned(), &["variable-not-expanded"]),
        // A name may be meant as it stands.
        (format!("{slack}username: '${{BOT}}'}}]"), &nothing),
        ("webhook_configs: [{url: 'https://example.com/$TOKEN/x'}]".to_owned(), &["variable-not-expanded"]),
        (
            "pagerduty_configs: [{routing_key_file: /x, send_resolved: false}]".to_owned(),
            &["resolved-not-sent"],
        ),
        ("webhook_configs: [{url_file: /x, send_resolved: false}]".to_owned(), &nothing),
        (
            "pagerduty_configs: [{routing_key_file: /x, service_key_file: /y}]".to_owned(),
            &["pagerduty-service-key"],
        ),
    ] {
        let text =
            format!("route: {{receiver: a, group_by: [alertname]}}\nreceivers: [{{name: a, {receiver}}}]\n");
        let files =
            [("prometheus.yml", PROMETHEUS), ("rules.yml", RULES), ("alertmanager.yml", text.as_str())];
        assert_eq!(found(&files), expected, "{receiver}");
    }
}

#[test]
fn a_password_of_all_mail_is_missed_a_user_only_where_no_mail_has_one() {
    let of = |user: &str| {
        let text = format!(
            "global: {{smtp_from: a@b.example, smtp_smarthost: 'mail.example.com:587', smtp_auth_password_file: /p}}\n\
             route: {{receiver: a, group_by: [alertname]}}\n\
             receivers: [{{name: a, email_configs: [{{to: b@b.example{user}}}, {{to: c@b.example, smarthost: 'mailhog:1025'}}]}}]\n"
        );
        found(&[("prometheus.yml", PROMETHEUS), ("rules.yml", RULES), ("alertmanager.yml", text.as_str())])
    };
    assert_eq!(of(", auth_username: u"), Vec::<&str>::new());
    assert!(of("").contains(&"mail-without-password"));
}
