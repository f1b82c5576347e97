//! The setting of a test: a config with its secrets in a folder, rendered by the real binary, and readers for what the
//! receivers are sent.

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

use super::fakes::Receiver;
use super::http::{self, Reply, Request};
use super::project::Project;
use super::replicas::Replica;
use super::stack::Stack;
use super::tools::Output;
use super::wait_until;

/// What must come comes well within this, also on a busy machine.
pub(crate) const SOON: Duration = Duration::from_secs(40);

/// A config whose receivers are those that `Lab::pagerduty` and `Lab::slack` play. `services` are whole lines.
pub(crate) fn config(services: &str) -> String {
    format!(
        "
version: 1
name: lab
services:
{services}receivers:
  pager: {{pagerduty: {{routing_key_file: secrets/pagerduty, url: 'http://IP:7002/v2/enqueue'}}}}
  team: {{slack: {{webhook_url_file: secrets/slack}}}}
routes: {{critical: pager, warning: team}}
prometheus: {{scrape_interval: 1s}}
"
    )
}

/// Right for promtool, and Prometheus cannot evaluate it: there is more than one series on both sides.
pub(crate) const BROKEN: &str = "record: 'own:broken', expr: 'up * on () up'";

/// An alert that always fires. What fires at the very first evaluation is sent before Prometheus has found Alertmanager, and
/// again only after a minute: hence `for`.
pub(crate) fn always(severity: &str) -> String {
    format!(
        "alert: Always, expr: vector(1), for: 5s, labels: {{severity: {severity}}}, annotations: {{summary: it always does}}"
    )
}

/// A folder with a `skymon.yaml`, and the address that everything of the test has.
pub(crate) struct Lab {
    home: Project,
    ip: &'static str,
}

impl Lab {
    /// `IP` in the config stands for the test's address.
    pub(crate) fn new(ip: &'static str, config: &str) -> Self {
        let home = Project::new(&config.replace("IP", ip));
        let lab = Self { home, ip };
        for (folder, mode) in [("secrets", 0o700), ("certs", 0o755), ("targets", 0o755)] {
            fs::create_dir(lab.path(folder)).expect("a temporary folder");
            fs::set_permissions(lab.path(folder), fs::Permissions::from_mode(mode)).expect("our own folder");
        }
        lab
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.home.path(path)
    }

    pub(crate) fn addr(&self, port: u16) -> SocketAddr {
        SocketAddr::new(self.ip.parse().expect("an address"), port)
    }

    /// A file beside the config, readable by the containers' users as the documentation says.
    pub(crate) fn write(&self, path: &str, content: &str) {
        let path = self.path(path);
        fs::write(&path, content.replace("IP", self.ip)).expect("a temporary file");
        fs::set_permissions(path, fs::Permissions::from_mode(0o644)).expect("our own file");
    }

    /// Another file put in the place of one that is there, as editors do it.
    pub(crate) fn replace(&self, path: &str, content: &str) {
        let beside = format!("{path}.new");
        self.write(&beside, content);
        fs::rename(self.path(&beside), self.path(path)).expect("the same folder");
    }

    /// Changes the config: one text for another.
    #[track_caller]
    pub(crate) fn edit(&self, path: &str, from: &str, to: &str) {
        let before = fs::read_to_string(self.path(path)).expect("a file of the test");
        assert!(before.contains(from), "`{from}` is not in {path}:\n{before}");
        fs::write(self.path(path), before.replace(from, to)).expect("our own file");
    }

    /// Beside the rendered rules some of one's own, a line for each.
    pub(crate) fn write_rules(&self, rules: &[&str]) {
        let rules: Vec<String> = rules.iter().map(|rule| format!("      - {{{rule}}}\n")).collect();
        self.write(
            "monitoring/prometheus/rules/own.yml",
            &format!("groups:\n  - name: own\n    rules:\n{}", rules.concat()),
        );
    }

    /// Runs `skymon ARGS`, in which `IP` stands for the test's address.
    pub(crate) fn skymon(&self, args: &str) -> Output {
        self.home.skymon(&args.replace("IP", self.ip).split_whitespace().collect::<Vec<_>>())
    }

    #[track_caller]
    pub(crate) fn render(&self) {
        self.home.render();
    }

    /// Shortens how long Alertmanager waits before it tells, and before it tells again. These times are not the user's
    /// to set and too long for a test; all else stays as rendered. `outage` measures with the real ones.
    #[track_caller]
    pub(crate) fn hurry(&self) {
        for (from, to) in [
            ("group_wait: \"10s\"", "group_wait: \"1s\""),
            ("group_wait: \"30s\"", "group_wait: \"3s\""),
            ("group_interval: \"5m\"", "group_interval: \"3s\""),
        ] {
            self.edit("monitoring/alertmanager/alertmanager.yml", from, to);
        }
    }

    #[track_caller]
    pub(crate) fn start(&self) -> Stack {
        Stack::start(&self.path("monitoring"), self.ip)
    }

    #[track_caller]
    pub(crate) fn start_with_env(&self, env: &[(&str, &str)]) -> Stack {
        Stack::start_with_env(&self.path("monitoring"), self.ip, env)
    }

    #[track_caller]
    pub(crate) fn replica(&self, port: u16) -> Replica {
        Replica::start(self.addr(port))
    }

    #[track_caller]
    pub(crate) fn slack(&self) -> Receiver {
        self.write("secrets/slack", "http://IP:7001/services/T0/B0/x\n");
        Receiver::slack(self.addr(7001))
    }

    #[track_caller]
    pub(crate) fn pagerduty(&self) -> Receiver {
        self.write("secrets/pagerduty", ROUTING_KEY);
        Receiver::pagerduty(self.addr(7002))
    }

    /// Grafana cannot be had here; something has to be there in its place.
    #[track_caller]
    pub(crate) fn grafana(&self) -> Receiver {
        Receiver::start(self.addr(3000), Reply::metrics(200, "grafana_build_info 1\n".to_owned()))
    }
}

/// What the test's PagerDuty expects.
pub(crate) const ROUTING_KEY: &str = "0123456789abcdef0123456789abcdef";

/// Waits until so many replicas of a service are known to be up, in the series that the alerts read.
#[track_caller]
pub(crate) fn wait_for_replicas(stack: &Stack, service: &str, count: f64) {
    wait_until_is(stack, &format!("service:replicas_up:sum{{service=\"{service}\"}}"), count);
}

/// Waits until an expression with one series has a value.
#[track_caller]
pub(crate) fn wait_until_is(stack: &Stack, expr: &str, value: f64) {
    wait_until(&format!("{expr} is {value}"), SOON, || {
        let series = stack.query(expr);
        matches!(series.as_slice(), [(_, found)] if (found - value).abs() < 1e-9).then_some(())
    });
}

/// Waits until an alert of a service fires in Prometheus.
#[track_caller]
pub(crate) fn wait_until_fires(stack: &Stack, alert: &str, service: &str) {
    wait_until(&format!("{alert} of {service} fires"), SOON, || {
        firing(stack).contains(&(alert.to_owned(), service.to_owned())).then_some(())
    });
}

/// Alerts that fire in Prometheus, with their service.
pub(crate) fn firing(stack: &Stack) -> Vec<(String, String)> {
    let firing = stack.alerts().into_iter().filter(|alert| alert.state == "firing");
    firing.map(|alert| (alert.name, alert.labels.get("service").cloned().unwrap_or_default())).collect()
}

/// What a person sees in Slack.
#[derive(Debug)]
pub(crate) struct SlackMessage {
    pub(crate) title: String,
    pub(crate) title_link: String,
    pub(crate) text: String,
    pub(crate) color: String,
}

/// The first Slack message with this title.
#[track_caller]
pub(crate) fn wait_for_slack(slack: &Receiver, title: &str) -> SlackMessage {
    let request = slack.wait_for(|request| read_slack(request).title == title, SOON);
    read_slack(&request)
}

pub(crate) fn read_slack(request: &Request) -> SlackMessage {
    let attachment = request.json()["attachments"][0].take();
    let field = |name: &str| attachment[name].as_str().unwrap_or_default().to_owned();
    SlackMessage {
        title: field("title"),
        title_link: field("title_link"),
        text: field("text"),
        color: field("color"),
    }
}

/// The titles of all Slack messages so far.
pub(crate) fn slack_titles(slack: &Receiver) -> Vec<String> {
    slack.requests().iter().map(|request| read_slack(request).title).collect()
}

/// The first PagerDuty event of that action whose title says this.
#[track_caller]
pub(crate) fn wait_for_page(pagerduty: &Receiver, action: &str, words: &str) -> Request {
    pagerduty.wait_for(
        |request| {
            let event = request.json();
            event["event_action"] == action && event.to_string().contains(words)
        },
        SOON,
    )
}

/// Follows every link of a notification: those to Prometheus and Alertmanager on the running programs, those to
/// Grafana on the rendered dashboards, since there is no Grafana here. Gives the links by where they lead.
#[track_caller]
pub(crate) fn expect_links_that_open(lab: &Lab, stack: &Stack, text: &str) -> BTreeMap<&'static str, String> {
    let dashboards = dashboard_uids(&lab.path("monitoring/grafana/dashboards"));
    let mut found = BTreeMap::new();
    for link in links(text) {
        let url = url::Url::parse(&link).unwrap_or_else(|error| panic!("`{link}` is no URL: {error}"));
        assert_eq!(url.host_str(), Some("127.0.0.1"), "{link}");
        let page = match url.port() {
            Some(9090) => {
                expect_query_with_an_answer(stack, &link);
                "query"
            }
            Some(9093) => {
                expect_form_for_alerts_that_are_there(stack, &link);
                "silence"
            }
            Some(3000) => {
                let uid = url.path().strip_prefix("/d/").unwrap_or_default();
                assert!(dashboards.contains(&uid.to_owned()), "{link}: {dashboards:?}");
                if uid == "skymon-runbook" { "runbook" } else { "dashboard" }
            }
            _ => panic!("where does `{link}` lead?"),
        };
        found.insert(page, link);
    }
    found
}

/// The pages of Prometheus and Alertmanager are not in these builds of the programs. What can be held against the
/// running Prometheus: that it knows the address (it leads on to where the page is now), and that the query finds
/// something.
#[track_caller]
fn expect_query_with_an_answer(stack: &Stack, link: &str) {
    let here = link.replace("http://127.0.0.1:9090", &stack.prometheus_url());
    let (status, body) = http::get(&here).unwrap_or_else(|error| panic!("{here}: {error}"));
    assert!(status == 200 || (status == 302 && body.contains("/query?")), "{here}: {status} {body}");
    let query = parameter(link, "g0.expr").unwrap_or_else(|| panic!("no query in {link}"));
    assert!(!stack.query(&query).is_empty(), "{link}");
}

/// Likewise of the form for a silence: that Alertmanager takes the filter, and that such alerts are there.
#[track_caller]
fn expect_form_for_alerts_that_are_there(stack: &Stack, link: &str) {
    let filter = silence_filter(link);
    let matchers = filter.trim_start_matches('{').trim_end_matches('}').split(',');
    let query: Vec<String> = matchers.map(|matcher| format!("filter={}", http::encode(matcher))).collect();
    let alerts = stack.alertmanager(&format!("/api/v2/alerts?{}", query.join("&")));
    assert!(alerts.as_array().is_some_and(|alerts| !alerts.is_empty()), "{link}: {alerts}");
}

/// Everything that looks like a link, whatever is around it: a space, a quote, Slack's `<…|…>`.
fn links(text: &str) -> Vec<String> {
    text.match_indices("http")
        .map(|(start, _)| {
            let rest = &text[start..];
            let end = rest.find(|c: char| c.is_whitespace() || "\"<>|\\".contains(c));
            rest[..end.unwrap_or(rest.len())].replace("&amp;", "&")
        })
        .filter(|link| link.starts_with("http://") || link.starts_with("https://"))
        .collect()
}

fn dashboard_uids(folder: &Path) -> Vec<String> {
    let files = fs::read_dir(folder).expect("the rendered dashboards");
    files
        .map(|file| {
            let text = fs::read_to_string(file.expect("a file").path()).expect("a dashboard");
            let dashboard: Value = serde_json::from_str(&text).expect("a dashboard is JSON");
            dashboard["uid"].as_str().unwrap_or_default().to_owned()
        })
        .collect()
}

/// The filter that a silence link fills into the form.
#[track_caller]
pub(crate) fn silence_filter(link: &str) -> String {
    let form = link.replace("/#/silences/new?", "/?");
    assert_ne!(form, link, "not a link to the form of a silence");
    parameter(&form, "filter").unwrap_or_else(|| panic!("no filter in {link}"))
}

fn parameter(link: &str, name: &str) -> Option<String> {
    let url = url::Url::parse(link).ok()?;
    url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}
