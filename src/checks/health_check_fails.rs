//! A health check that fails whatever the program does: a slip in its command, another port, a path that is not there.

use super::Check;
use super::shared::addresses::{Address, route_prefix};
use crate::diagnostics::{Diagnostic, Report, Severity, is_slip, misspelt};
use crate::source::Spanned;
use crate::stack::{Compose, Program, Service, Stack};

pub(super) const CHECK: Check = Check { id: "health-check-fails", severity: Severity::Warning, run };

/// What most checks are made with.
const TOOLS: [&str; 4] = ["amtool", "curl", "promtool", "wget"];
const OF_PROMTOOL: [&str; 7] =
    ["config", "healthy", "metrics", "ready", "rules", "service-discovery", "web-config"];
const METRICS: &str = "/metrics";
/// What moves that page elsewhere.
const METRICS_FLAGS: [&str; 2] = ["prometheus_endpoint", "web.telemetry-path"];
/// Short options of wget that have a value behind them, in the same word.
const WITH_VALUE: &str = "OoaTtPUYeliABDIXQw";

fn run(stack: &Stack, report: &mut Report) {
    for (compose, service) in stack.services() {
        report.extend(fault(compose, service));
    }
}

fn fault(compose: &Compose, service: &Service) -> Option<Diagnostic> {
    let check = service.healthcheck.as_ref().filter(|check| !check.is_disabled)?;
    let Some(first) = check.test.first() else {
        // Another file of the project may have it.
        if !compose.is_whole || !service.image_has_no_healthcheck() {
            return None;
        }
        return Some(
            CHECK
                .finding(format!(
                    "nobody asks for the health of `{}`: its `healthcheck` has no test",
                    service.name
                ))
                .at(check.at.place(), "nor has its image one")
                .help("write `test: [CMD, …]`, or remove it"),
        );
    };
    let words = words(&check.test)?;
    let at = |at: usize| words.get(at).map_or("", |word| word.value.as_str());
    let said = |word: &Spanned<String>, what: String, help: String| {
        Some(CHECK.finding(what).at(word.place(), "the service is never healthy").help(help))
    };
    let Some(tool) = words.first() else {
        return said(
            first,
            format!("the health check of `{}` runs nothing", service.name),
            "write the command behind it".to_owned(),
        );
    };
    if tool.starts_with('-') {
        let what = format!("there is no program before `{}`", tool.value);
        return said(tool, what, format!("write the program: `wget {} …`", tool.value));
    }
    if let Some(near) = meant(service, &tool.value) {
        return said(tool, format!("there is no program `{}`", tool.value), format!("write `{near}`"));
    }
    if tool.value == "promtool" && at(1) == "check" && !OF_PROMTOOL.contains(&at(2)) && !at(2).contains('$') {
        let what = if at(2).starts_with('-') || at(2).is_empty() {
            "`promtool check` does not say what to check".to_owned()
        } else {
            format!("promtool has no `check {}`", at(2))
        };
        let help = misspelt(at(2), OF_PROMTOOL).unwrap_or("healthy");
        return said(words.get(2).unwrap_or(tool), what, format!("write `promtool check {help}`"));
    }
    if tool.value == "wget"
        && let Some((word, what, help)) = wget(service, &check.test, &words)
    {
        return said(word, what, help);
    }
    let (word, what, help) = words.iter().find_map(|word| asked(compose, service, word))?;
    said(word, what, help)
}

/// The words of the first command, without what says how it is run.
fn words(test: &[Spanned<String>]) -> Option<Vec<Spanned<String>>> {
    let line = match test {
        [first, rest @ ..] if first.value == "CMD" => return Some(rest.to_vec()),
        [first, line, ..] if first.value == "CMD-SHELL" => line,
        [line] if line.value != "CMD-SHELL" => line,
        [first] if ["CMD", "CMD-SHELL"].contains(&first.as_str()) => return Some(Vec::new()),
        _ => return None,
    };
    let plain = |word: &str| word.trim_matches(['"', '\'', '(', ')', ';']).to_owned();
    let before = line.split(['|', '&', ';']).next().unwrap_or_default();
    // What only a shell does is not looked into.
    let is_plain = !before.contains(['$', '`', '\\']);
    let words = before.split_whitespace().map(|word| Spanned::new(plain(word), line.at.clone()));
    is_plain.then(|| words.filter(|word| !word.is_empty()).collect())
}

type Fault<'w> = (&'w Spanned<String>, String, String);

/// The tool that was meant. In an image that is not known, a name that is merely near may be a program of its own: `hurl`.
fn meant(service: &Service, word: &str) -> Option<&'static str> {
    misspelt(word, TOOLS).filter(|near| service.is_upstream() || is_slip(word, near))
}

fn wget<'w>(service: &Service, test: &[Spanned<String>], words: &'w [Spanned<String>]) -> Option<Fault<'w>> {
    let (tool, rest) = words.split_first()?;
    if rest.iter().any(|word| word.contains('$') || word.contains("help") || word.value == "--version") {
        return None;
    }
    let short = |word: &&Spanned<String>| word.starts_with('-') && !word.starts_with("--");
    let broken = |word: &&Spanned<String>| {
        let letters: Vec<char> = word.chars().skip(1).collect();
        let options = letters.iter().position(|c| WITH_VALUE.contains(*c)).unwrap_or(letters.len());
        letters[..options].contains(&'-')
    };
    if let Some(word) = rest.iter().filter(short).find(broken) {
        let what = format!("wget has no option `-`, as in `{}`", word.value);
        return Some((word, what, "write `-qO-`: quiet, and the page to nowhere".to_owned()));
    }
    let is_address = |word: &&Spanned<String>| {
        let is_path = word.starts_with('/');
        let is_host = word.contains(['.', ':', '[']) || word.contains("localhost");
        !word.starts_with('-') && (is_host || !is_path && word.contains('/'))
    };
    if !rest.iter().any(|word| is_address(&word)) {
        return Some((
            tool,
            "wget is told no address".to_owned(),
            "write the address behind its options".to_owned(),
        ));
    }
    let goes_elsewhere = |word: &Spanned<String>| {
        word.starts_with("--spider")
            || word.starts_with("--output-document")
            || word.starts_with("--directory-prefix")
            || word.starts_with("--delete-after")
            || short(&word) && word.contains(['O', 'P', 's'])
    };
    // What the rest of the line takes away is not there the next time.
    let is_removed = test.iter().any(|line| line.split_whitespace().any(|word| ["mv", "rm"].contains(&word)));
    if rest.iter().any(goes_elsewhere) || is_removed || !has_busybox(service) {
        return None;
    }
    let what = "wget keeps the page in a file, and this image's does not write it a second time";
    Some((tool, what.to_owned(), "add `-O-`, or `--spider`".to_owned()))
}

/// Whether the tools of an image are those of busybox: the images of the programs are made of it, or of Alpine.
fn has_busybox(service: &Service) -> bool {
    let is_small = |name: &str| name.contains("alpine") || name.contains("busybox");
    let image = service.image.iter().flat_map(|image| std::iter::once(&image.repository).chain(&image.tag));
    service.is_upstream() || image.into_iter().any(|name| is_small(name))
}

/// What a program of the stack is asked for in its own container.
fn asked<'w>(compose: &Compose, service: &Service, word: &'w Spanned<String>) -> Option<Fault<'w>> {
    let url = word.strip_prefix("--url=").unwrap_or(word);
    if !url.starts_with("http") || url.contains('$') {
        return None;
    }
    let address = Address::parse(url);
    let is_itself = ["localhost", "127.0.0.1", "::1", "0.0.0.0"].contains(&address.host);
    if !is_itself || compose.is_network_shared(service) || !service.is_upstream() {
        return None;
    }
    let scheme = address.scheme.unwrap_or("http");
    let port = match address.port {
        Some(port) => port.parse().ok()?,
        None if scheme == "https" => 443,
        None => 80,
    };
    let listens = service.listens()?;
    if !listens.contains(&port) {
        let right = listens.first()?;
        let what = format!("`{}` does not listen on port {port}, where its health check asks", service.name);
        return Some((word, what, format!("write `{scheme}://{}:{right}{}`", address.host, address.path)));
    }
    let (prefix, paths) = paths(service)?;
    let path = address.path.strip_prefix(prefix.as_str()).unwrap_or(address.path);
    let near = misspelt(path, paths.iter().map(String::as_str))?;
    let what = format!("`{}` has no page `{path}`", service.name);
    Some((word, what, format!("write `{scheme}://{}:{port}{prefix}{near}`", address.host)))
}

/// What stands before the pages of a program, and those that say how it is.
fn paths(service: &Service) -> Option<(String, Vec<String>)> {
    let own: &[&str] = match service.program? {
        Program::Prometheus | Program::Alertmanager | Program::Blackbox | Program::Pushgateway => {
            &["/-/healthy", "/-/ready", METRICS]
        }
        Program::Grafana => &["/api/health", "/healthz", METRICS],
        Program::Cadvisor => &["/healthz", METRICS],
        Program::DcgmExporter => &["/health", METRICS],
        Program::NodeExporter => &[METRICS],
    };
    let prefix =
        if service.program == Some(Program::Grafana) { String::new() } else { route_prefix(service)? };
    let moved = METRICS_FLAGS.iter().find_map(|flag| service.flag(flag));
    if moved.as_ref().is_some_and(|path| path.contains('$')) {
        return None;
    }
    let metrics = moved.map_or_else(|| METRICS.to_owned(), |path| path.value);
    let path = |own: &&str| if *own == METRICS { metrics.clone() } else { (*own).to_owned() };
    Some((prefix, own.iter().map(path).collect()))
}
