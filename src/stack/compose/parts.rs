//! The small things of a service that compose lets one write in several ways: ports, mounts, images, commands.

use super::Env;
use crate::source::{At, Node, Spanned};
use crate::stack::folder::join;

/// `registry.example.com/prom/prometheus:v3.5.0@sha256:…`
#[derive(Clone, Debug)]
pub struct Image {
    /// With the registry, without tag and digest.
    pub repository: String,
    pub tag: Option<String>,
    pub digest: Option<String>,
}

impl Image {
    pub(super) fn parse(text: &str) -> Image {
        let (text, digest) = match text.split_once('@') {
            Some((text, digest)) => (text, Some(digest.to_owned())),
            None => (text, None),
        };
        let name = text.rfind('/').map_or(0, |slash| slash + 1);
        // A `:` before the last `/` is the registry's port; one in `${TAG:-x}` is gone by now.
        match text[name..].rfind(':').map(|colon| name + colon) {
            Some(colon) if !text[name..colon].contains("${") => Image {
                repository: text[..colon].to_owned(),
                tag: Some(text[colon + 1..].to_owned()),
                digest,
            },
            _ => Image { repository: text.to_owned(), tag: None, digest },
        }
    }

    /// The last word of the repository.
    pub fn name(&self) -> &str {
        self.repository.rsplit('/').next().unwrap_or_default()
    }

    /// `(3, 5)` of `v3.5.0`.
    pub fn version(&self) -> Option<(u32, u32)> {
        let tag = self.tag.as_deref()?.trim_start_matches('v');
        let mut parts = tag.split(['.', '-']).map(str::parse);
        Some((parts.next()?.ok()?, parts.next()?.ok()?))
    }
}

/// A published port. A range of them is one for each, where both sides have as many.
#[derive(Clone, Debug)]
pub struct Port {
    /// `None`: all interfaces.
    pub host_ip: Option<String>,
    /// As written: a number, a range, empty for any.
    pub published: String,
    pub target: String,
    /// `tcp`, `udp`, `sctp`.
    pub protocol: String,
    pub at: At,
}

/// More ports than this in one range stay a range.
const MAX_RANGE: u16 = 256;

impl Port {
    pub(super) fn read(node: &Node, env: &Env) -> Vec<Port> {
        let at = node.at();
        if node.is_map() {
            let text = |key| node.get(key).and_then(|node| node.text().map(|text| env.expand(text)));
            let Some(target) = text("target") else { return Vec::new() };
            let published = text("published").unwrap_or_default();
            let protocol = text("protocol").unwrap_or_else(|| "tcp".to_owned());
            return vec![Port { host_ip: text("host_ip"), published, target, protocol, at }];
        }
        let Some(text) = node.text().map(|text| env.expand(text)) else { return Vec::new() };
        let (text, protocol) = text.split_once('/').unwrap_or((text.as_str(), "tcp"));
        // An address may be IPv6, in brackets.
        let (rest, target) = text.rsplit_once(':').unwrap_or(("", text));
        let (host_ip, published) = match rest.rsplit_once(':') {
            Some((ip, published)) => (Some(ip.trim_matches(['[', ']']).to_owned()), published),
            None => (None, rest),
        };
        let one = |published: String, target: String| Port {
            host_ip: host_ip.clone(),
            published,
            target,
            protocol: protocol.to_owned(),
            at: at.clone(),
        };
        match (range(published), range(target)) {
            (from, Some((first, last))) if first < last && last - first < MAX_RANGE => {
                let from = from.filter(|(first_from, last_from)| last_from - first_from == last - first);
                let published = |at: u16| from.map(|(first, _)| (first + at).to_string()).unwrap_or_default();
                (0..=last - first).map(|at| one(published(at), (first + at).to_string())).collect()
            }
            _ => vec![one(published.to_owned(), target.to_owned())],
        }
    }

    /// Whether other machines can reach it. A variable is not known.
    pub fn is_open(&self) -> bool {
        match self.host_ip.as_deref() {
            None | Some("" | "0.0.0.0" | "::" | "*") => true,
            Some(_) => false,
        }
    }

    /// The ports of the machine that it takes: the first and the last. `None` where it is any, or not known.
    pub fn taken(&self) -> Option<(u16, u16)> {
        range(&self.published)
    }

    /// Whether two entries say the same.
    pub(super) fn is_same(&self, other: &Port) -> bool {
        let said = |port: &Port| {
            (port.host_ip.clone(), port.published.clone(), port.target.clone(), port.protocol.clone())
        };
        said(self) == said(other)
    }
}

/// `80` or `80-90`.
fn range(text: &str) -> Option<(u16, u16)> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (first.parse().ok()?, last.parse().ok()?);
    (first <= last).then_some((first, last))
}

/// Where what stands at a path inside comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A file or folder of the stack's, relative to its folder.
    Host(String),
    /// A path of the machine that runs the stack.
    Machine(String),
    /// A named volume, or an anonymous one.
    Volume(Option<String>),
    /// A text in the compose file itself, by its place there.
    Inline(String),
    /// In memory, gone with the container.
    Memory,
}

/// One place inside that does not come from the image.
#[derive(Clone, Debug)]
pub struct Mount {
    pub origin: Origin,
    pub target: String,
    pub read_only: bool,
    /// A secret or config that compose brings there; no mount of the user's.
    pub is_secret: bool,
    pub at: At,
}

impl Mount {
    /// `folder` is that of the compose file.
    pub(super) fn read(node: &Node, env: &Env, folder: &str) -> Option<Mount> {
        let at = node.at();
        let is_secret = false;
        if node.is_map() {
            let text = |key| node.get(key).and_then(|node| node.text().map(|text| env.expand(text)));
            let source = text("source").or_else(|| text("src"));
            let target = text("target").or_else(|| text("dst")).or_else(|| text("destination"))?;
            let origin = match text("type").as_deref() {
                Some("bind") => from_host(&source?, folder),
                Some("tmpfs") => Origin::Memory,
                _ => Origin::Volume(source),
            };
            let read_only = node.get("read_only").is_some_and(|node| node.is_true());
            return Some(Mount { origin, target: plain(&target), read_only, is_secret, at });
        }
        let text = env.expand(node.text()?);
        let mut parts = split_volume(&text).into_iter();
        let (first, second, options) = (parts.next()?, parts.next(), parts.next().unwrap_or_default());
        let Some(target) = second else {
            return Some(Mount {
                origin: Origin::Volume(None),
                target: plain(first),
                read_only: false,
                is_secret,
                at,
            });
        };
        // Without a `./` it is the name of a volume, whatever else is in it.
        let is_path = first.starts_with(['.', '/', '~', '$', '\\']);
        let origin = if is_path { from_host(first, folder) } else { Origin::Volume(Some(first.to_owned())) };
        let read_only = options.split(',').any(|option| option == "ro");
        Some(Mount { origin, target: plain(target), read_only, is_secret, at })
    }

    /// What of it stands at a path inside; `None` where that is another's.
    pub fn origin_of(&self, path: &str) -> Option<Origin> {
        let rest = path.strip_prefix(&self.target)?;
        if !rest.is_empty() && !rest.starts_with('/') && self.target != "/" {
            return None;
        }
        let below = rest.trim_start_matches('/');
        Some(match &self.origin {
            Origin::Host(host) => Origin::Host(join(host, below)?),
            Origin::Machine(host) if !below.is_empty() => Origin::Machine(format!("{host}/{below}")),
            other => other.clone(),
        })
    }
}

/// `source:target:options`, where a variable may hold a `:` of its own.
fn split_volume(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut start, mut open) = (0, 0);
    for (at, letter) in text.char_indices() {
        match letter {
            '{' => open += 1,
            '}' => open -= 1,
            ':' if open == 0 => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

pub(super) fn from_host(source: &str, folder: &str) -> Origin {
    // `${PWD}` is where compose was started, which is most likely here.
    let here = source.strip_prefix("${PWD}/").unwrap_or(source);
    join(folder, here).map_or_else(|| Origin::Machine(source.to_owned()), Origin::Host)
}

fn plain(path: &str) -> String {
    if path.len() > 1 { path.trim_end_matches('/').to_owned() } else { path.to_owned() }
}

/// The words of a command, written as a list or as a line.
pub(super) fn words(node: &Node, env: &Env) -> Vec<Spanned<String>> {
    if node.is_list() {
        let word = |word: Spanned<String>| word.map(|text| env.expand(&text));
        return node.texts().into_iter().map(word).collect();
    }
    let Some(line) = node.value() else { return Vec::new() };
    let text = env.expand(&line);
    let all = node.whole();
    split(&text)
        .into_iter()
        .map(|word| {
            let at = all.part(word.trim());
            Spanned::new(word, at)
        })
        .collect()
}

/// The words of a line as compose splits them: as a shell would, up to what only a shell can do. A `\` keeps what comes
/// after it, the end of a line too.
fn split(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        match (quote, letter) {
            (Some('\''), '\\') => word.get_or_insert_default().push(letter),
            (_, '\\') => word.get_or_insert_default().extend(letters.next()),
            (Some(open), _) if open == letter => quote = None,
            (None, '"' | '\'') => {
                quote = Some(letter);
                word.get_or_insert_default();
            }
            (None, _) if letter.is_whitespace() => words.extend(word.take()),
            (None, ';' | '&' | '|' | '<' | '>') => break,
            _ => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{Document, SourceFile};

    fn node(text: &str) -> Node {
        Document::yaml(SourceFile::new("x.yml", text)).0.root()
    }

    #[test]
    fn an_image_has_a_tag_where_one_is_written() {
        for (text, repository, tag) in [
            ("prom/prometheus", "prom/prometheus", None),
            ("prom/prometheus:v3.5.0", "prom/prometheus", Some("v3.5.0")),
            ("localhost:5000/prometheus", "localhost:5000/prometheus", None),
            ("localhost:5000/x:1@sha256:ab", "localhost:5000/x", Some("1")),
        ] {
            let image = Image::parse(text);
            assert_eq!((image.repository.as_str(), image.tag.as_deref()), (repository, tag), "{text}");
        }
        assert_eq!(Image::parse("x:v2.47.0").version(), Some((2, 47)));
    }

    #[test]
    fn a_port_is_open_unless_an_address_is_written() {
        let port = |text: &str| Port::read(&node(text), &Env::default()).remove(0);
        assert!(
            port("\"9090:9090\"").is_open() && port("9090").is_open() && port("\"0.0.0.0:1:1\"").is_open()
        );
        assert!(!port("\"127.0.0.1:9090:9090/tcp\"").is_open() && !port("\"[::1]:9090:9090\"").is_open());
        let long = port("{target: 80, published: 8080, host_ip: 127.0.0.1}");
        assert_eq!((long.target.as_str(), long.published.as_str(), long.is_open()), ("80", "8080", false));
        assert_eq!(port("\"127.0.0.1:8080:80\"").published, "8080");
        let many = Port::read(&node("5000-5002:6000-6002/udp"), &Env::default());
        let last = many.last().expect("has three");
        assert_eq!((many.len(), last.published.as_str(), last.target.as_str()), (3, "5002", "6002"));
        assert_eq!(port("1-60000:1-60000").taken(), Some((1, 60000)));
    }

    #[test]
    fn a_path_inside_leads_to_the_host_through_the_mount() {
        let mount = |text: &str| Mount::read(&node(text), &Env::default(), "a").expect("is a mount");
        let long = mount("{type: bind, source: ../p, target: /etc/p/, read_only: true}");
        assert_eq!(long.origin_of("/etc/p/rules/x.yml"), Some(Origin::Host("p/rules/x.yml".into())));
        assert_eq!(long.origin_of("/etc/pp"), None);
        assert!(long.read_only);
        assert_eq!(mount("./x.yml:/x.yml:ro").origin, Origin::Host("a/x.yml".into()));
        assert_eq!(mount("data:/data").origin, Origin::Volume(Some("data".into())));
        assert_eq!(mount("/data").origin, Origin::Volume(None));
        assert_eq!(
            mount("/var/run:/rootfs:ro").origin_of("/rootfs/x"),
            Some(Origin::Machine("/var/run/x".into()))
        );
        assert_eq!(mount("\"${DIR:-x}:/y\"").origin, Origin::Volume(Some("x".into())));
    }

    #[test]
    fn the_words_of_a_line_have_places_of_their_own() {
        let words = words(&node("command: >\n  --a=1\n  --b=2\n").get("command").unwrap(), &Env::default());
        let found: Vec<(&str, String)> =
            words.iter().map(|word| (word.as_str(), format!("{:?}", word.at))).collect();
        assert_eq!(found, [("--a=1", "x.yml:2:3".to_owned()), ("--b=2", "x.yml:3:3".to_owned())]);
    }
}
