//! A look at a replica, where `--look` asks for it: what it shows answers the question for the engine, or becomes the draft of
//! an engine's file.

use std::collections::BTreeSet;

use super::flags::Flags;
use super::{REPLICA, Told};
use crate::catalog::engines::{Engine, Engines};
use crate::exposition::{self, Exposition, Origin, recognize};
use crate::plan::{RESERVED_LABELS, is_engine_name};
use crate::values::{HostPort, HttpUrl, UrlPath};

/// The folder of the user's own engines.
pub(super) const ENGINES: &str = "engines/";

/// What a replica shows.
#[derive(Debug)]
pub(super) struct Looked {
    /// Where it shows it.
    pub(super) path: UrlPath,
    pub(super) seen: Seen,
}

#[derive(Debug)]
pub(super) enum Seen {
    Known(&'static Engine),
    /// The text of a file for it.
    Unknown(String),
}

/// Looks at the first replica, and says what is there. Where nothing can be seen, everything is asked as usual.
pub fn look(flags: &mut Flags) -> Told {
    let mut told = Told::default();
    let Some(replica) = flags.replicas.as_ref().and_then(|replicas| replicas.first()) else { return told };
    let token = flags.secrets.get(REPLICA.name).map(super::Secret::expose);
    match page_of(replica, token) {
        Ok((url, page)) => {
            let (line, seen) = see(&url, &page);
            match &seen {
                Seen::Known(_) => told.taken.push(line),
                Seen::Unknown(_) => told.left.push(line),
            }
            // The path came from a list of paths.
            flags.looked = url.path().parse().ok().map(|path| Looked { path, seen });
        }
        Err(message) => {
            told.left.push(format!("nothing was seen at {replica}: {}", message.replace('\n', "; ")));
        }
    }
    told
}

/// The first path of all engines' that shows metrics.
fn page_of(replica: &HostPort, token: Option<&str>) -> Result<(HttpUrl, Exposition), String> {
    // That name is only known in containers; from here it is this machine.
    let host = if replica.host() == "host.docker.internal" { "127.0.0.1" } else { replica.host() };
    let known: BTreeSet<&str> = Engines::built_in()
        .iter()
        .filter_map(|engine| engine.metrics_path.as_ref())
        .map(UrlPath::as_str)
        .filter(|path| *path != "/metrics")
        .collect();
    let mut first = None;
    for path in ["/metrics"].into_iter().chain(known) {
        let url: HttpUrl = format!("http://{host}:{}{path}", replica.port()).parse()?;
        match exposition::fetch(&url, token) {
            Ok(text) => {
                let page = Exposition::parse(&text);
                if page.is_one() {
                    return Ok((url, page));
                }
                first.get_or_insert_with(|| format!("`{url}` shows no metrics"));
            }
            Err(refusal) if refusal.is_elsewhere => drop(first.get_or_insert(refusal.message)),
            Err(refusal) => return Err(refusal.message),
        }
    }
    Err(first.unwrap_or_default())
}

fn see(url: &HttpUrl, page: &Exposition) -> (String, Seen) {
    let found = recognize(page, Engines::built_in());
    let sure = found.iter().find(|one| one.is_sure());
    if let Some((one, engine)) = sure.and_then(|one| Some((one, Engines::built_in().get(&one.engine.name)?)))
    {
        return (format!("engine {}, from {url}: {}", engine.name, one.sentence()), Seen::Known(engine));
    }
    let maybe = found.first().map(|one| format!("; {}", one.sentence())).unwrap_or_default();
    let origin = Origin {
        title: url.host(),
        place: url.to_string(),
        port: url.port(),
        metrics_path: url.path().to_owned(),
        taken: RESERVED_LABELS,
    };
    let line = format!("{url} is of no engine that skymon is sure to know{maybe}");
    (line, Seen::Unknown(page.draft(&origin).text))
}

/// What the drafted engine of a service is called.
pub(super) fn name_for(service: &str) -> String {
    let is_free = is_engine_name(service) && Engines::built_in().get(service).is_none();
    if is_free { service.to_owned() } else { "own".to_owned() }
}
