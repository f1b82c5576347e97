//! `validate --live`: finds where the running programs are asked, and holds what they say against the files on disk.

use std::sync::Arc;

use super::show;
use crate::catalog::programs::{ALERTMANAGER, PROMETHEUS, Program};
use crate::cli;
use crate::commands::paths::StackPaths;
use crate::commands::running::{self, reach};
use crate::commands::{Stack, apply};
use crate::diagnostics::{Diagnostic, Report};
use crate::live::findings::{self, Expected, Reload};
use crate::live::{Alertmanager, Prometheus};
use crate::source::Sources;
use crate::stack::{self, Folder};
use crate::values::HttpUrl;

/// Where a program is asked and what to do if it does not answer; or why that is not known, and on the second line what to do
/// about it.
type Address = Result<(HttpUrl, String), String>;

/// A stack of skymon's own. What should run is what is on disk; that this is what the config renders has been looked at.
pub(super) fn own(
    own: &Stack,
    paths: &StackPaths,
    args: &cli::Validate,
    report: &mut Report,
    sources: &mut Sources,
) {
    let root = paths.out.clone();
    let folder = if root.exists() {
        Folder::Disk { root }
    } else {
        Folder::Memory { root, files: Arc::clone(own.artifacts.files()) }
    };
    let stack = stack::Stack::read(folder);
    let compose_file = paths.out.join("docker-compose.yml");
    let compose_file = compose_file.to_string_lossy();
    let start = running::compose(paths, "up -d --wait");
    let address = |facts: &Program, flag: Option<&HttpUrl>| -> Address {
        let url = running::address(Some(&own.plan), facts, flag)?;
        Ok((url, reach(facts, flag.is_some(), &start)))
    };
    let addresses =
        [address(&PROMETHEUS, args.prometheus.as_ref()), address(&ALERTMANAGER, args.alertmanager.as_ref())];
    let reload = Reload {
        prometheus: apply::reload(PROMETHEUS.name, &compose_file),
        alertmanager: apply::reload(ALERTMANAGER.name, &compose_file),
    };
    let expected = Expected { stack: &stack, plan: Some(&own.plan), reload };
    ask(&expected, addresses, [true, true], report, sources);
}

/// Anybody's stack: its first Prometheus and its first Alertmanager, where its compose file publishes them.
pub(super) fn foreign(
    stack: &stack::Stack,
    args: &cli::Validate,
    report: &mut Report,
    sources: &mut Sources,
) {
    let prometheus = stack.prometheuses.first().and_then(|one| stack.service(&one.service));
    let alertmanager = stack.alertmanagers.first().and_then(|one| stack.service(&one.service));
    let address = |facts: &Program,
                   program: stack::Program,
                   service: Option<&stack::Service>,
                   flag: Option<&HttpUrl>| {
        let url = flag.cloned().or_else(|| published(service?, program));
        let start = "docker compose up -d";
        url.map(|url| (url, reach(facts, flag.is_some(), start))).ok_or_else(|| {
            format!(
                "nothing says where {} is asked: no compose file here publishes it\n\
                 say where it is: `--{} http://HOST:{}`",
                running::title(facts),
                facts.name,
                facts.port
            )
        })
    };
    let addresses = [
        address(
            &PROMETHEUS,
            stack::Program::Prometheus,
            prometheus.map(|one| one.1),
            args.prometheus.as_ref(),
        ),
        address(
            &ALERTMANAGER,
            stack::Program::Alertmanager,
            alertmanager.map(|one| one.1),
            args.alertmanager.as_ref(),
        ),
    ];
    let reload = |found: Option<(&stack::Compose, &stack::Service)>, title: &str| match found {
        Some((compose, service)) => {
            let file = compose.documents().next().map_or("docker-compose.yml", |document| document.name());
            apply::reload(&service.name, file)
        }
        None => format!("kill -HUP $(pidof {title})"),
    };
    let reload = Reload {
        prometheus: reload(prometheus, PROMETHEUS.name),
        alertmanager: reload(alertmanager, ALERTMANAGER.name),
    };
    // A folder need not be of both; of one at least, or there is nobody to ask.
    let is_any = !stack.prometheuses.is_empty() || !stack.alertmanagers.is_empty();
    let wanted = [!is_any || args.prometheus.is_some(), !is_any || args.alertmanager.is_some()];
    ask(&Expected { stack, plan: None, reload }, addresses, wanted, report, sources);
}

/// Where compose publishes a program on this machine, below the path that it answers at.
fn published(service: &stack::Service, program: stack::Program) -> Option<HttpUrl> {
    let inside = program.port().to_string();
    let (host, port) = match service.ports.iter().find(|port| port.target == inside) {
        Some(port) => (port.host_ip.clone().filter(|_| !port.is_open()), port.published.parse().ok()?),
        None if service.is_on_host_network() => (None, program.port()),
        None => return None,
    };
    let host = host.unwrap_or_else(|| "127.0.0.1".to_owned());
    let host = if host.contains(':') { format!("[{host}]") } else { host };
    let prefix = service.flag("web.route-prefix").map(|flag| flag.value).or_else(|| {
        let external = service.flag("web.external-url")?;
        Some(url::Url::parse(&external).ok()?.path().to_owned())
    });
    let prefix = prefix.unwrap_or_default();
    format!("http://{host}:{port}/{}", prefix.trim_matches('/')).parse().ok()
}

/// `wanted` are those that must be asked: that there is no file to hold them against is then a finding.
fn ask(
    expected: &Expected<'_>,
    addresses: [Address; 2],
    wanted: [bool; 2],
    report: &mut Report,
    sources: &mut Sources,
) {
    let stack = expected.stack;
    let mut found = Report::new();
    let [prometheus, alertmanager] = addresses;
    let mut clocks = Vec::new();
    let mut history = None;
    if let Some(file) = stack.prometheuses.first() {
        if let Some((url, running)) = reached(prometheus, Prometheus::prove, &mut found) {
            clocks.push((running::title(&PROMETHEUS), running.clock));
            findings::prometheus(expected, file, &url, &running, &mut found);
            history = (!found.iter().any(findings::is_unasked)).then_some((url, running));
        }
    } else if wanted[0] {
        found.push(without_file(&PROMETHEUS));
    }
    if let Some(file) = stack.alertmanagers.first() {
        if let Some((url, running)) = reached(alertmanager, Alertmanager::prove, &mut found) {
            clocks.push((running::title(&ALERTMANAGER), running.clock));
            findings::alertmanager(expected, file, &url, &running, history.as_ref(), &mut found);
        }
    } else if wanted[1] {
        found.push(without_file(&ALERTMANAGER));
    }
    findings::clocks(&clocks, &mut found);
    show(stack, found, report, sources);
}

fn without_file(facts: &Program) -> Diagnostic {
    let title = running::title(facts);
    findings::unknown_address(&format!(
        "{title} is not asked: its configuration is not here, so there is nothing to hold it against\n\
         name the folder of the whole stack, or see what else is said of its files"
    ))
}

/// The program at an address, proven; why not is a finding.
fn reached<P>(
    address: Address,
    prove: impl Fn(&HttpUrl) -> Result<P, crate::live::Unreached>,
    found: &mut Report,
) -> Option<(HttpUrl, P)> {
    match address {
        Ok((url, help)) => match prove(&url) {
            Ok(program) => Some((url, program)),
            Err(why) => {
                found.push(findings::unreached(&why, help));
                None
            }
        },
        Err(why) => {
            found.push(findings::unknown_address(&why));
            None
        }
    }
}
