//! The front door: who has a password comes in to every page, nobody else does, and the certificate is the user's own or an
//! authority's.

use std::net::{Ipv4Addr, SocketAddr};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::lab::{Lab, PASSWORD, REGISTRY, SOON};
use crate::support::browser::{Browser, Page};
use crate::support::tls::Authority;
use crate::support::wait_until;

const HOST: &str = "monitoring.test";

const STACK: &str = "
services:
  chat: {engine: custom, replicas: ['HOST:8001'], alerts: {ServiceDown: {for: 1s}}}
receivers: {oncall: {slack: {webhook_url_file: secrets/slack}}}
routes: {critical: oncall, warning: oncall}
prometheus: {scrape_interval: 1s}
";

/// Somebody at a browser, with what they type into the door's window and the cookie they were given.
struct Visitor {
    browser: Browser,
    login: Option<(&'static str, &'static str)>,
    cookie: String,
}

impl Visitor {
    fn new(port: u16, authority: &str) -> Self {
        let addr = SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port);
        Self { browser: Browser::new(addr, HOST, authority), login: None, cookie: String::new() }
    }

    fn says(mut self, name: &'static str, password: &'static str) -> Self {
        self.login = Some((name, password));
        self
    }

    #[track_caller]
    fn ask(&self, method: &str, path: &str, body: &str) -> Page {
        let login = self.login.map(|(name, password)| STANDARD.encode(format!("{name}:{password}")));
        let authorization = login.map(|login| format!("Basic {login}")).unwrap_or_default();
        let headers = [("Authorization", authorization.as_str()), ("Cookie", self.cookie.as_str())];
        let given: Vec<(&str, &str)> = headers.into_iter().filter(|(_, value)| !value.is_empty()).collect();
        self.browser.ask(method, path, &given, body).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    #[track_caller]
    fn status(&self, path: &str) -> u16 {
        self.ask("GET", path, "").status
    }
}

/// A page of each program, and a path that none has.
const PATHS: [&str; 6] = [
    "/",
    "/grafana/",
    "/prometheus/api/v1/status/flags",
    "/alertmanager/api/v2/status",
    "/gate/",
    "/grafana/api/health",
];

#[test]
fn the_door_lets_in_who_has_a_password_and_nobody_else() {
    let port = 8443;
    let access = format!(
        "access: {{host: {HOST}, port: {port}, users_file: secrets/web_users, \
         tls: {{cert_file: certs/web.pem, key_file: secrets/web.key}}}}\n"
    );
    let lab = Lab::new(0, &format!("{STACK}{access}"));
    let slack = lab.slack();
    let mut replica = lab.replica(8001);
    let authority = put_certificate(&lab);
    let_in(&lab, "ops", "a good password");
    lab.apply();

    for program in ["alertmanager", "gate", "grafana", "prometheus"] {
        let container = lab.inspect(program);
        assert_eq!(container["State"]["Health"]["Status"], "healthy", "{program}");
        assert_eq!(container["HostConfig"]["ReadonlyRootfs"], true, "{program}");
        let published = container["NetworkSettings"]["Ports"].to_string().contains("HostPort");
        assert_eq!(published, program == "gate", "{program}");
    }
    // The one right that Caddy's binary wants of the system: to listen on ports below 1024.
    let status = lab.inside("gate", "cat /proc/1/status").expect_success().stdout;
    for line in ["Uid:\t65534\t", "CapEff:\t0000000000000400", "CapBnd:\t0000000000000400", "NoNewPrivs:\t1"]
    {
        assert!(status.contains(line), "`{line}` is not in\n{status}");
    }
    let stranger = Visitor::new(port, authority.pem());
    let guesser = Visitor::new(port, authority.pem()).says("ops", "a bad password");
    let mut ops = Visitor::new(port, authority.pem()).says("ops", "a good password");
    for path in PATHS {
        assert_eq!((stranger.status(path), guesser.status(path)), (401, 401), "{path}");
        assert_ne!(ops.status(path), 401, "{path}");
    }
    for path in ["/prometheus/api/v1/status/flags", "/alertmanager/api/v2/status"] {
        assert_eq!(ops.status(path), 200, "{path}");
    }
    expect_grafanas_own_login(&mut ops);
    wait_until("every program is scraped, behind the door too", SOON, || {
        let answer =
            ops.ask("GET", "/prometheus/api/v1/query?query=up%7Bprogram!%3D%22%22%7D%20%3D%3D%201", "").body;
        let answer: Value = serde_json::from_str(&answer).expect("Prometheus answers JSON");
        (answer["data"]["result"].as_array()?.len() == 4).then_some(())
    });

    replica.stop();
    let message = slack.wait_for(|request| request.body.contains("chat is down"), SOON);
    expect_links_to_open(&ops, &message.body);

    users_come_and_go(&lab, &authority, port);
    a_renewed_certificate(&lab, port);
}

fn put_certificate(lab: &Lab) -> Authority {
    let authority = Authority::new();
    // Each is another file than before, as a renewal makes it.
    for path in ["certs/web.pem", "secrets/web.key"] {
        lab.write(path, "");
    }
    authority.write_pair(&[HOST], &lab.path("certs/web.pem"), &lab.path("secrets/web.key"));
    authority
}

/// `skymon passwd`, and the command that it prints. What it prints is returned.
#[track_caller]
fn let_in(lab: &Lab, name: &str, password: &str) -> String {
    let said =
        lab.shell(".", &format!("printf %s '{password}' | skymon passwd {name}")).expect_success().stdout;
    said.split_once("apply it with:\n").map(|(_, command)| command.trim().to_owned()).unwrap_or_default()
}

/// The door's password is not Grafana's: behind the door it asks for its own.
#[track_caller]
fn expect_grafanas_own_login(ops: &mut Visitor) {
    let sent_on = ops.ask("GET", "/grafana/", "");
    assert_eq!((sent_on.status, sent_on.header("location")), (302, "/grafana/login"));
    assert_eq!(ops.status("/grafana/login"), 200);
    let login = |password: &str| serde_json::json!({"user": "admin", "password": password}).to_string();
    assert_eq!(ops.ask("POST", "/grafana/login", &login("a good password")).status, 401);
    let welcome = ops.ask("POST", "/grafana/login", &login(PASSWORD));
    assert_eq!(welcome.status, 200, "{welcome:?}");
    let cookie = welcome.header("set-cookie").split(';').next();
    ops.cookie = cookie.map(str::to_owned).unwrap_or_default();
    assert_eq!(ops.status("/grafana/"), 200);
}

/// Every link of the message leads to this door and to a page behind it.
#[track_caller]
fn expect_links_to_open(ops: &Visitor, message: &str) {
    let links: Vec<&str> = message
        .match_indices("https://")
        .map(|(start, _)| message[start..].split(['"', '|', '>', '\\']).next().unwrap_or_default())
        .collect();
    assert!(links.len() >= 3, "{message}");
    for link in links {
        let url = url::Url::parse(link).expect("a link");
        assert_eq!((url.host_str(), url.port()), (Some(HOST), Some(8443)), "{link}");
        // These builds of Prometheus and Alertmanager have no pages: that they are asked for them must do.
        if url.path().starts_with("/grafana/") {
            assert_eq!(ops.status(url.path()), 200, "{link}");
        } else {
            assert!(["/prometheus/graph", "/alertmanager/"].contains(&url.path()), "{link}");
        }
    }
}

/// `up` first: where the stack was never started, there is nothing to restart.
const RESTART: &str = "docker compose -f monitoring/docker-compose.yml up -d --wait --remove-orphans && \
                       docker compose -f monitoring/docker-compose.yml restart gate";

fn users_come_and_go(lab: &Lab, authority: &Authority, port: u16) {
    let sre = || Visitor::new(port, authority.pem()).says("sre", "another password");
    assert_eq!(sre().status("/prometheus/-/healthy"), 401);
    let command = let_in(lab, "sre", "another password");
    assert_eq!(command, "docker compose -f monitoring/docker-compose.yml restart gate");
    lab.shell(".", &command).expect_success();
    wait_until("the new user gets in", SOON, || answers(&sre(), 200));

    lab.shell(".", "skymon passwd --remove sre").expect_success();
    assert_eq!(lab.apply(), RESTART);
    wait_until("who was removed does not", SOON, || answers(&sre(), 401));
}

fn a_renewed_certificate(lab: &Lab, port: u16) {
    let renewed = put_certificate(lab);
    let ops = Visitor::new(port, renewed.pem()).says("ops", "a good password");
    assert!(answers(&ops, 200).is_none(), "the old certificate is still shown");
    assert_eq!(lab.apply(), RESTART);
    wait_until("the renewed certificate is shown", SOON, || answers(&ops, 200));
}

/// Whether the door answers so; while it starts again, it does not answer at all.
fn answers(visitor: &Visitor, status: u16) -> Option<()> {
    let login = visitor.login.map(|(name, password)| STANDARD.encode(format!("{name}:{password}")))?;
    let headers = [("Authorization", format!("Basic {login}"))];
    let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let page = visitor.browser.ask("GET", "/prometheus/-/healthy", &headers, "").ok()?;
    (page.status == status).then_some(())
}

#[test]
fn a_certificate_may_come_from_an_authority_and_outlives_the_containers() {
    let access = format!(
        "access: {{bind: 0.0.0.0, host: {HOST}, users_file: secrets/web_users, tls: {{acme: {{email: ops@example.com, \
         server: 'https://host.docker.internal:9443/acme/local/directory', ca_file: certs/ca.pem}}}}}}\n"
    );
    let lab = Lab::new(6, &format!("{STACK}{access}"));
    let _slack = lab.slack();
    let root = start_authority(&lab);
    lab.write("certs/ca.pem", &root);
    let_in(&lab, "ops", "a good password");
    lab.apply();

    let ops = || Visitor::new(443, &root).says("ops", "a good password");
    wait_until("the authority has given a certificate", SOON, || answers(&ops(), 200));
    assert_eq!(Visitor::new(443, &root).status("/prometheus/-/healthy"), 401);

    lab.engine().docker(&["rm", "--force", "authority"]).expect_success();
    lab.compose("down").expect_success();
    lab.compose("up -d --wait").expect_success();
    wait_until("the certificate is still there, without the authority", SOON, || answers(&ops(), 200));
}

/// Caddy's own authority in a container; it looks for the door where the world would. Its root is returned.
#[track_caller]
fn start_authority(lab: &Lab) -> String {
    const CADDYFILE: &str = "{
	admin off
	skip_install_trust
	auto_https disable_redirects
}
https://host.docker.internal:9443 {
	tls internal
	acme_server
}
";
    lab.write("Caddyfile", CADDYFILE);
    let image = format!("{REGISTRY}/caddy:2.11.4-alpine");
    lab.engine().provide(&image);
    let door = format!("{HOST}:host-gateway");
    let config = format!("{}:/authority:ro", lab.path("Caddyfile").display());
    let run = [
        "run",
        "--detach",
        "--name",
        "authority",
        "--publish",
        "9443:9443",
        "--add-host",
        &door,
        "--volume",
        &config,
    ];
    let command = [&image, "caddy", "run", "--config", "/authority", "--adapter", "caddyfile"];
    lab.engine().docker(&[&run[..], &command[..]].concat()).expect_success();
    wait_until("the authority has a root", SOON, || {
        let root = "/data/caddy/pki/authorities/local/root.crt";
        let said = lab.engine().docker(&["exec", "authority", "cat", root]);
        (said.status == 0 && said.stdout.contains("END CERTIFICATE")).then_some(said.stdout)
    })
}
