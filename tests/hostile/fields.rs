//! Every key that holds a value: how hostile a value it is given, and where the real programs show what came of it.
//!
//! A key of the schema that is not in the list below fails the test, so that none is ever added untested.

use crate::reading::{Reading, texts};
use crate::support::values::Random;

/// What a value is meant to be, so that a hostile one can come close.
#[derive(Clone, Copy)]
enum Kind {
    Word,
    Name,
    File,
    Folder,
    Targets,
    Variable,
    Url,
    /// Of which only plain characters are taken.
    PlainUrl,
    UrlPath,
    Address,
    Mail,
    Image,
}

/// Where a value is found again: places by name, with what stands there. `&[&str]` is the way to it in the config.
type Back = fn(&Reading, &[&str]) -> Vec<(&'static str, String)>;

pub(crate) struct Field {
    pub(crate) pattern: &'static str,
    kind: Kind,
    /// `None` where the text is a number, a duration or a name that must exist: it is not repeated, but understood.
    pub(crate) back: Option<Back>,
}

const fn understood(pattern: &'static str) -> Field {
    Field { pattern, kind: Kind::Word, back: None }
}

const fn text(pattern: &'static str, kind: Kind, back: Back) -> Field {
    Field { pattern, kind, back: Some(back) }
}

/// A folder that is not there is only looked for: nothing is rendered of its name.
const fn folder(pattern: &'static str) -> Field {
    Field { pattern, kind: Kind::Folder, back: None }
}

const FIELDS: &[Field] = &[
    understood("version"),
    text("name", Kind::Name, |r, _| {
        let stack = r.prometheus["global"]["external_labels"]["stack"].as_str().unwrap_or_default();
        vec![
            ("compose's project", r.compose["name"].as_str().unwrap_or_default().to_owned()),
            ("label", stack.to_owned()),
        ]
    }),
    understood("services.*.engine"),
    understood("services.*.engine_version"),
    understood("services.*.instrumentation"),
    text("services.*.endpoint", Kind::Url, |r, at| r.probed(at[1])),
    text("services.*.probe.path", Kind::UrlPath, |r, at| r.probed(at[1])),
    understood("services.*.probe.interval"),
    understood("services.*.probe.enabled"),
    text("services.*.replicas.*", Kind::Address, |r, at| r.target_label(at[1], "replica")),
    text("services.*.discover.dns", Kind::Address, |r, at| {
        r.job(at[1])["dns_sd_configs"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|sd| {
                let (name, port) = (sd["names"][0].as_str().unwrap_or_default(), &sd["port"]);
                let is_srv = sd["type"] == "SRV";
                ("a name to ask", if is_srv { name.to_owned() } else { format!("{name}:{port}") })
            })
            .collect()
    }),
    text("services.*.discover.http", Kind::Url, |r, at| {
        texts("http_sd", &r.job(at[1])["http_sd_configs"][0]["url"])
    }),
    text("services.*.discover.file", Kind::Targets, |r, at| {
        let found = r.file("prometheus", &r.job(at[1])["file_sd_configs"][0]["files"][0]);
        // That the pattern fits its own file: each of these has one replica.
        assert!(!r.is_live() || r.target_label(at[1], "replica").len() == 1, "{at:?}: the file is not read");
        found
    }),
    text("services.*.discover.skyserve", Kind::Name, |r, at| {
        let url = r.job(at[1])["http_sd_configs"][0]["url"].as_str().unwrap_or_default();
        let url = url::Url::parse(url).expect("a URL");
        let service = url.query_pairs().find(|(name, _)| name == "service");
        service.map(|(_, name)| ("what the exporter is asked for", name.into_owned())).into_iter().collect()
    }),
    understood("services.*.discover.port"),
    text("services.*.metrics_path", Kind::UrlPath, |r, at| {
        [r.asked_path(at[1]), r.module(at[1], "METRICS_PATH")].concat()
    }),
    understood("services.*.scrape_interval"),
    text("services.*.labels.*", Kind::Word, |r, at| {
        [r.target_label(at[1], at[3]), r.alert_label(Some(at[1]), at[3])].concat()
    }),
    text("services.*.tls.ca_file", Kind::File, |r, at| {
        r.file("prometheus", &r.job(at[1])["tls_config"]["ca_file"])
    }),
    text("services.*.tls.cert_file", Kind::File, |r, at| {
        r.file("prometheus", &r.job(at[1])["tls_config"]["cert_file"])
    }),
    text("services.*.tls.key_file", Kind::File, |r, at| {
        r.file("prometheus", &r.job(at[1])["tls_config"]["key_file"])
    }),
    text("services.*.tls.server_name", Kind::Word, |r, at| {
        texts("server_name", &r.job(at[1])["tls_config"]["server_name"])
    }),
    text("services.*.auth.bearer_token_file", Kind::File, |r, at| {
        r.file("prometheus", &r.job(at[1])["authorization"]["credentials_file"])
    }),
    text("services.*.auth.bearer_token_env", Kind::Variable, |r, at| {
        r.variable(&r.job(at[1])["authorization"]["credentials_file"])
    }),
    text("services.*.auth.username", Kind::Word, |r, at| {
        texts("username", &r.job(at[1])["basic_auth"]["username"])
    }),
    text("services.*.auth.password_file", Kind::File, |r, at| {
        r.file("prometheus", &r.job(at[1])["basic_auth"]["password_file"])
    }),
    text("services.*.auth.password_env", Kind::Variable, |r, at| {
        r.variable(&r.job(at[1])["basic_auth"]["password_file"])
    }),
    understood("services.*.capacity.max_concurrency"),
    understood("services.*.scale.min"),
    understood("services.*.scale.max"),
    understood("services.*.slo.window"),
    understood("services.*.slo.availability"),
    understood("services.*.slo.latency.objective"),
    understood("services.*.slo.latency.under"),
    understood("services.*.slo.time_to_first_token.objective"),
    understood("services.*.slo.time_to_first_token.under"),
    understood("services.*.slo.inter_token_latency.objective"),
    understood("services.*.slo.inter_token_latency.under"),
    understood("services.*.alerts.*.enabled"),
    understood("services.*.alerts.*.threshold"),
    understood("services.*.alerts.*.for"),
    understood("services.*.alerts.*.severity"),
    understood("services.*.alerts.*.min_requests"),
    text("services.*.alerts.*.labels.*", Kind::Word, |r, at| r.alert_label(Some(at[1]), at[5])),
    understood("services.*.routes.critical"),
    understood("services.*.routes.warning"),
    understood("services.*.routes.info"),
    understood("alerts.*.enabled"),
    understood("alerts.*.threshold"),
    understood("alerts.*.for"),
    understood("alerts.*.severity"),
    understood("alerts.*.min_requests"),
    text("alerts.*.labels.*", Kind::Word, |r, at| r.alert_label(None, at[3])),
    text("receivers.*.slack.webhook_url_file", Kind::File, |r, at| {
        r.file("alertmanager", &r.receiver(at[1])["slack_configs"][0]["api_url_file"])
    }),
    text("receivers.*.slack.webhook_url_env", Kind::Variable, |r, at| {
        r.variable(&r.receiver(at[1])["slack_configs"][0]["api_url_file"])
    }),
    text("receivers.*.slack.channel", Kind::Word, |r, at| {
        let shown = r.channels.get(at[1]).cloned();
        shown.into_iter().map(|channel| ("channel", channel)).collect()
    }),
    text("receivers.*.pagerduty.routing_key_file", Kind::File, |r, at| {
        r.file("alertmanager", &r.receiver(at[1])["pagerduty_configs"][0]["routing_key_file"])
    }),
    text("receivers.*.pagerduty.routing_key_env", Kind::Variable, |r, at| {
        r.variable(&r.receiver(at[1])["pagerduty_configs"][0]["routing_key_file"])
    }),
    text("receivers.*.pagerduty.url", Kind::Url, |r, at| {
        texts("url", &r.receiver(at[1])["pagerduty_configs"][0]["url"])
    }),
    text("receivers.*.email.to.*", Kind::Mail, |r, at| {
        texts("to", &r.receiver(at[1])["email_configs"][0]["to"])
    }),
    text("receivers.*.email.from", Kind::Mail, |r, at| {
        texts("from", &r.receiver(at[1])["email_configs"][0]["from"])
    }),
    text("receivers.*.email.smarthost", Kind::Address, |r, at| {
        texts("smarthost", &r.receiver(at[1])["email_configs"][0]["smarthost"])
    }),
    text("receivers.*.email.username", Kind::Word, |r, at| {
        texts("auth_username", &r.receiver(at[1])["email_configs"][0]["auth_username"])
    }),
    text("receivers.*.email.password_file", Kind::File, |r, at| {
        r.file("alertmanager", &r.receiver(at[1])["email_configs"][0]["auth_password_file"])
    }),
    text("receivers.*.email.password_env", Kind::Variable, |r, at| {
        r.variable(&r.receiver(at[1])["email_configs"][0]["auth_password_file"])
    }),
    understood("receivers.*.email.implicit_tls"),
    text("receivers.*.email.ca_file", Kind::File, |r, at| {
        r.file("alertmanager", &r.receiver(at[1])["email_configs"][0]["tls_config"]["ca_file"])
    }),
    text("receivers.*.webhook.url_file", Kind::File, |r, at| {
        r.file("alertmanager", &r.receiver(at[1])["webhook_configs"][0]["url_file"])
    }),
    text("receivers.*.webhook.url_env", Kind::Variable, |r, at| {
        r.variable(&r.receiver(at[1])["webhook_configs"][0]["url_file"])
    }),
    understood("routes.critical"),
    understood("routes.warning"),
    understood("routes.info"),
    text("heartbeat.url_file", Kind::File, |r, _| {
        r.file("alertmanager", &r.receiver("heartbeat")["webhook_configs"][0]["url_file"])
    }),
    text("heartbeat.url_env", Kind::Variable, |r, _| {
        r.variable(&r.receiver("heartbeat")["webhook_configs"][0]["url_file"])
    }),
    understood("prometheus.retention.time"),
    understood("prometheus.retention.size"),
    understood("prometheus.scrape_interval"),
    understood("ports.prometheus"),
    understood("ports.alertmanager"),
    understood("ports.grafana"),
    text("images.registry", Kind::Image, |r, _| vec![("registry", r.image("grafana").0)]),
    text("images.prometheus", Kind::Image, |r, _| vec![("image", r.image("prometheus").1)]),
    text("images.alertmanager", Kind::Image, |r, _| vec![("image", r.image("alertmanager").1)]),
    text("images.grafana", Kind::Image, |r, _| vec![("image", r.image("grafana").1)]),
    text("images.blackbox", Kind::Image, |r, _| vec![("image", r.image("blackbox").1)]),
    text("skyserve.api_server", Kind::Url, |r, _| r.environment("exporter", "SKYPILOT_API_SERVER_ENDPOINT")),
    text("skyserve.token_file", Kind::File, |r, _| r.file("exporter", &"/run/secrets/skyserve.token".into())),
    text("skyserve.token_env", Kind::Variable, |r, _| r.variable(&"/run/secrets/skyserve.token".into())),
    text("skyserve.basic_auth_file", Kind::File, |r, _| {
        r.file("exporter", &"/run/secrets/skyserve.basic_auth".into())
    }),
    text("skyserve.basic_auth_env", Kind::Variable, |r, _| {
        r.variable(&"/run/secrets/skyserve.basic_auth".into())
    }),
    text("skyserve.ca_file", Kind::File, |r, _| r.file("exporter", &"/run/secrets/skyserve.ca".into())),
    understood("skyserve.services.*"),
    understood("skyserve.poll_interval"),
    understood("cost.hourly.*"),
    understood("cost.max_hourly"),
    understood("cost.max_cloud_replicas"),
    text("images.exporter", Kind::Image, |r, _| vec![("image", r.image("exporter").1)]),
    text("images.gate", Kind::Image, |r, _| vec![("image", r.image("gate").1)]),
    text("images.node", Kind::Image, |r, _| vec![("image", r.image("node").1)]),
    text("images.cadvisor", Kind::Image, |r, _| vec![("image", r.image("cadvisor").1)]),
    text("images.dcgm", Kind::Image, |r, _| vec![("image", r.image("dcgm").1)]),
    text("hosts.*", Kind::Address, |r, _| machines(r, "stack/hosts")),
    text("gpus.*", Kind::Address, |r, _| machines(r, "stack/gpus")),
    understood("local.host"),
    understood("local.containers"),
    understood("local.gpus"),
    text("links.runbook", Kind::Url, |r, _| r.runbook()),
    understood("access.bind"),
    understood("access.port"),
    text("access.host", Kind::Name, |r, _| r.caddyfile("https://", " {")),
    text("access.users_file", Kind::File, |r, _| r.file("gate", &"/run/secrets/access.users".into())),
    text("access.tls.cert_file", Kind::File, |r, _| r.file("gate", &"/run/secrets/access.tls.cert".into())),
    text("access.tls.key_file", Kind::File, |r, _| r.file("gate", &"/run/secrets/access.tls.key".into())),
    text("access.tls.acme.email", Kind::Mail, |r, _| r.caddyfile("\t\t\temail ", "")),
    text("access.tls.acme.server", Kind::PlainUrl, |r, _| r.caddyfile("\t\t\tdir ", "")),
    text("access.tls.acme.ca_file", Kind::File, |r, _| {
        r.file("gate", &"/run/secrets/access.tls.acme.ca".into())
    }),
    folder("engines"),
    folder("templates"),
    folder("extra.rules"),
    folder("extra.dashboards"),
    // A reason is for people: it is read, and nothing is rendered of it either.
    folder("allow.*.*"),
];

/// The machines of a job, without the one that the stack runs on.
fn machines(reading: &Reading, job: &str) -> Vec<(&'static str, String)> {
    let mut found = reading.target_label(job, "instance");
    found.retain(|(_, address)| !["node:9100", "dcgm:9400"].contains(&address.as_str()));
    found
}

pub(crate) fn patterns() -> impl Iterator<Item = &'static str> {
    FIELDS.iter().map(|field| field.pattern)
}

#[track_caller]
pub(crate) fn of(pattern: &str) -> &'static Field {
    let field = FIELDS.iter().find(|field| field.pattern == pattern);
    field.unwrap_or_else(|| panic!("nobody says how `{pattern}` is tested: add it to the list in this file"))
}

impl Field {
    pub(crate) fn is_file(&self) -> bool {
        matches!(self.kind, Kind::File | Kind::Targets)
    }

    pub(crate) fn is_folder(&self) -> bool {
        matches!(self.kind, Kind::Folder)
    }

    pub(crate) fn is_variable(&self) -> bool {
        matches!(self.kind, Kind::Variable)
    }

    /// A value for this key. `number` makes it another one than all others; `on_disk`: a file that can be made.
    pub(crate) fn hostile(&self, number: usize, on_disk: bool, random: &mut Random) -> String {
        // What few characters may be in needs some of these alone, or nothing would ever be taken.
        let tame = !random.once_in(3);
        let mut narrow = || {
            let line = random.hostile_line();
            if tame { line.chars().filter(char::is_ascii_alphanumeric).take(40).collect() } else { line }
        };
        let shaped = match self.kind {
            Kind::Name => format!("n{}", narrow().to_lowercase()),
            Kind::Address => format!("h{number}{}.invalid:80", narrow()),
            Kind::Mail => format!("m{number}{}@x.invalid", narrow()),
            Kind::Image => format!("i{number}{}:1", narrow()),
            Kind::Word => random.hostile_line(),
            Kind::Folder => format!("folders/{number}{}", random.hostile_line()),
            Kind::File | Kind::Targets => {
                let name: String = random.hostile_line().chars().filter(|c| *c != '/').take(40).collect();
                let name = if random.once_in(8) { name } else { name.replace('$', "") };
                let end = if matches!(self.kind, Kind::Targets) { ".yml" } else { "" };
                format!("files/{number}{name}{end}")
            }
            Kind::Variable => {
                let word: String = random.hostile().chars().filter(char::is_ascii_alphanumeric).collect();
                format!("V{number}_{word}")
            }
            Kind::Url => format!("https://h{number}.invalid/{}", random.hostile_line()),
            Kind::PlainUrl => format!("https://h{number}.invalid/{}", narrow()),
            Kind::UrlPath => format!("/{}", random.hostile_line().replace(' ', "")),
        };
        if !random.once_in(3) {
            return shaped;
        }
        // Any text: most of it will be refused. A path that leads out of the folder is not to be made on this machine.
        let raw = random.hostile();
        if self.is_file() && on_disk && !raw.contains('\0') { format!("{shaped}\0") } else { raw }
    }

    /// What must be found again where `value` was written.
    pub(crate) fn expected(&self, value: &str) -> String {
        match self.kind {
            // A URL has many spellings and one meaning.
            Kind::Url | Kind::PlainUrl => canonical(value),
            _ => value.to_owned(),
        }
    }
}

/// One spelling for all of a URL: Go escapes more of it than others do.
pub(crate) fn canonical(url: &str) -> String {
    let parsed = url::Url::parse(url).map_or_else(|_| url.to_owned(), Into::into);
    decoded(parsed.trim_end_matches('/'))
}

/// A path or URL as a server understands it.
pub(crate) fn decoded(path: &str) -> String {
    let pairs = path.replace('+', "%2B").replace('=', "%3D").replace('&', "%26");
    url::form_urlencoded::parse(pairs.as_bytes()).map(|(path, _)| path.into_owned()).collect()
}
