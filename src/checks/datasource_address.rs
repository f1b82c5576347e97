//! The url of a datasource that leads to no program of the stack, or past the path that it answers below. `wrong_port` looks
//! at ports.

use super::Check;
use super::shared::addresses::{Address, is_nowhere, near_service, route_prefix};
use crate::diagnostics::{Diagnostic, Report, Severity, nearest};
use crate::source::Spanned;
use crate::stack::{Compose, Datasource, Program, Service, Stack};

pub(super) const CHECK: Check = Check { id: "datasource-address", severity: Severity::Error, run };

fn run(stack: &Stack, report: &mut Report) {
    for datasource in &stack.datasources {
        let Some((compose, grafana)) = stack.service(&datasource.service) else { continue };
        if grafana.network_mode.is_some() {
            continue;
        }
        match datasource.url.as_ref().filter(|url| !url.is_empty()) {
            Some(url) => report.extend(fault(stack, compose, grafana, datasource, url)),
            None => report.extend(without_url(datasource)),
        }
    }
}

/// Kinds that answer at an address, and nowhere else.
const AT_A_URL: [&str; 8] =
    ["alertmanager", "graphite", "influxdb", "jaeger", "loki", "prometheus", "tempo", "zipkin"];

fn without_url(datasource: &Datasource) -> Option<Diagnostic> {
    let kind = datasource.kind.as_ref().filter(|kind| AT_A_URL.contains(&kind.as_str()))?;
    let known = ["url", "uid", "user"];
    let is_slip = |key: &str| !known.contains(&key) && nearest(key, known) == Some("url");
    let entries = datasource.node.entries();
    let slip = entries.iter().find(|(key, _)| is_slip(&key.value));
    let finding = CHECK.finding(format!("the datasource `{}` has no `url`: it asks nobody", datasource.name));
    Some(match slip {
        Some((key, _)) => finding.at(key.place(), "Grafana passes over this key").help("did you mean `url`?"),
        None => finding.at(datasource.name.place(), format!("every query of this {kind} fails")).help(
            "add `url:` with the address as Grafana's container knows it, such as `http://prometheus:9090`",
        ),
    })
}

fn fault(
    stack: &Stack,
    compose: &Compose,
    grafana: &Service,
    datasource: &Datasource,
    url: &Spanned<String>,
) -> Option<Diagnostic> {
    let address = Address::parse(url);
    if !address.is_name() {
        return None;
    }
    let scheme = address.scheme.unwrap_or("http");
    let port = address.port.map(|port| format!(":{port}")).unwrap_or_default();
    let Some(service) = compose.named(address.host) else {
        let help = match near_service(stack, compose, grafana, address.host) {
            Some(near) => format!("write `{scheme}://{near}{port}{}`", address.path),
            None if is_nowhere(stack, compose, grafana, address.host) => {
                format!("add a service `{}`, or remove this datasource", address.host)
            }
            None => return None,
        };
        return Some(said(
            format!("there is no service `{}`: `{}` answers nothing", address.host, datasource.name),
            url,
            help,
        ));
    };
    let access = datasource.node.get("access");
    if let Some(access) = access.filter(|access| matches!(access.text(), Some("direct" | "browser"))) {
        return Some(
            CHECK
                .finding(format!("the browser is to ask `{url}` itself, and knows no `{}`", address.host))
                .at(access.at().place(), "the name is known among the containers only")
                .help("write `access: proxy`"),
        );
    }
    let prefix = prefix(service, datasource).filter(|prefix| prefix != address.path)?;
    let place = format!("{scheme}://{}{port}", address.host);
    Some(said(
        format!("`{}` answers below `{}/`, as its flags say", service.name, prefix),
        url,
        format!("write `{place}{prefix}`"),
    ))
}

fn said(message: String, url: &Spanned<String>, help: String) -> Diagnostic {
    CHECK.finding(message).at(url.place(), "Grafana asks here").help(help)
}

/// The path that a Prometheus puts before its own.
fn prefix(service: &Service, datasource: &Datasource) -> Option<String> {
    let is_one = service.program == Some(Program::Prometheus) && datasource.is_prometheus();
    // Without a known port, its flags are not known either.
    service.listens().filter(|_| is_one)?;
    route_prefix(service)
}
