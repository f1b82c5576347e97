//! `skymon metrics import`: which engine a page is from, and the draft of an engine's file for one that skymon does not know.

use std::fs;
use std::io::Read as _;
use std::path::Path;

use anyhow::{Context as _, Result};

use super::{Outcome, cannot, note, print};
use crate::catalog::engines::Engines;
use crate::cli::{Import, Metrics, MetricsAction};
use crate::diagnostics::counted;
use crate::exposition::{self, Exposition, Origin, recognize};
use crate::plan;
use crate::private_files;
use crate::source::SourceFile;
use crate::values::HttpUrl;

pub(super) fn run(args: &Metrics) -> Result<Outcome> {
    let MetricsAction::Import(args) = &args.action;
    match import(args)? {
        Ok(()) => Ok(Outcome::Fine),
        Err(message) => cannot(&message),
    }
}

/// The inner error is the user's: what is wrong, and on the second line the help.
fn import(args: &Import) -> Result<Result<(), String>> {
    if let Some(out) = &args.out
        && let Err(message) = check_out(out)
    {
        return Ok(Err(message));
    }
    let source = match Source::of(&args.from) {
        Ok(source) => source,
        Err(message) => return Ok(Err(message)),
    };
    let text = match source.read(args.token_file.as_deref())? {
        Ok(text) => text,
        Err(message) => return Ok(Err(message)),
    };
    let page = Exposition::parse(&text);
    if !page.is_one() {
        let begins = text.trim_start().lines().next().unwrap_or_default();
        let begins: String = begins.chars().take(60).collect();
        let begins =
            if begins.is_empty() { "nothing".to_owned() } else { format!("`{}`", begins.escape_debug()) };
        return Ok(Err(format!(
            "`{}` shows no metrics: it begins with {begins}\nname the page that Prometheus would read; most engines have it at `/metrics`",
            source.shown()
        )));
    }
    say_what_it_is(&page)?;
    let draft = page.draft(&source.origin());
    match &args.out {
        None => print(&draft.text)?,
        Some(out) => {
            fs::create_dir_all(private_files::parent(out))
                .and_then(|()| fs::write(out, &draft.text))
                .with_context(|| format!("cannot write {}", out.display()))?;
            print(&format!("wrote {}\n", out.display()))?;
        }
    }
    let parts = [(draft.words.len(), "word")];
    let guessed = if draft.words.is_empty() { "no words".to_owned() } else { counted(&parts) };
    note(&format!(
        "note: the draft answers {guessed} of the vocabulary by a guess from names: look at each line\n"
    ))?;
    Ok(Ok(()))
}

/// A draft takes nobody's place, and what is written can be used.
fn check_out(out: &Path) -> Result<(), String> {
    if out.symlink_metadata().is_ok() {
        return Err(format!(
            "`{}` is there already, and is left as it is\nname another file, or leave `-o` out to see the draft",
            out.display()
        ));
    }
    let is_yaml = out.extension().is_some_and(|extension| extension == "yml" || extension == "yaml");
    let stem = out.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    if is_yaml && plan::is_engine_name(stem) {
        return Ok(());
    }
    Err(format!(
        "`{}` cannot be an engine's file\nits name is that of the engine, in small letters, digits and `-`: `engines/gateway.yml`",
        out.display()
    ))
}

/// Where the page is.
enum Source<'a> {
    Url(HttpUrl),
    File(&'a Path),
    Input,
}

impl<'a> Source<'a> {
    fn of(text: &'a str) -> Result<Self, String> {
        if text == "-" {
            return Ok(Self::Input);
        }
        if text.contains("://") { text.parse().map(Self::Url) } else { Ok(Self::File(Path::new(text))) }
    }

    fn shown(&self) -> String {
        match self {
            Self::Url(url) => url.to_string(),
            Self::File(path) => path.display().to_string(),
            Self::Input => "standard input".to_owned(),
        }
    }

    fn read(&self, token_file: Option<&Path>) -> Result<Result<String, String>> {
        let bytes = match self {
            Self::Url(url) => {
                let token = match token_file {
                    Some(file) => Some(
                        fs::read_to_string(file)
                            .with_context(|| format!("cannot read {}", file.display()))?,
                    ),
                    None => None,
                };
                let token = token.as_deref().map(str::trim);
                return Ok(exposition::fetch(url, token).map_err(|refusal| {
                    let hint = if token.is_none() && refusal.message.contains("who asks") {
                        "\nwrite `--token-file FILE`"
                    } else {
                        ""
                    };
                    refusal.message + hint
                }));
            }
            Self::File(path) => {
                return Ok(SourceFile::read(path)?.map(|file| file.text).map_err(|fault| fault.message));
            }
            Self::Input => {
                let mut bytes = Vec::new();
                let most = u64::try_from(exposition::MAX_BYTES).unwrap_or(u64::MAX);
                std::io::stdin()
                    .take(most + 1)
                    .read_to_end(&mut bytes)
                    .context("cannot read standard input")?;
                bytes
            }
        };
        let file = SourceFile::from_bytes(self.shown(), bytes);
        Ok(file.map(|file| file.text).map_err(|fault| fault.message))
    }

    fn origin(&self) -> Origin {
        let (title, place, port, metrics_path) = match self {
            // What follows the `?` may be a secret.
            Self::Url(url) => (url.host(), url.with_path(url.path()), url.port(), url.path()),
            Self::File(path) => {
                let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
                (stem, path.display().to_string(), 8080, "/metrics")
            }
            Self::Input => ("My server".to_owned(), self.shown(), 8080, "/metrics"),
        };
        Origin { title, place, port, metrics_path: metrics_path.to_owned(), taken: plan::RESERVED_LABELS }
    }
}

/// Faults of the page, and the engines that it seems to be from.
fn say_what_it_is(page: &Exposition) -> Result<()> {
    if let Some((line, problem)) = page.faults.first() {
        let others = page.faults.len() - 1;
        let others = if others == 0 { String::new() } else { format!(" ({others} more lines like it)") };
        note(&format!("warning: Prometheus would refuse the whole page: line {line}: {problem}{others}\n"))?;
    }
    if page.escaped {
        note(
            "note: the page writes `_` where its names have a colon; Prometheus 3 asks for another form, in which the colons stay\n",
        )?;
    }
    let found = recognize(page, Engines::built_in());
    if found.is_empty() {
        note("note: it is of no engine that skymon knows\n")?;
    }
    for one in &found {
        note(&format!("note: {}\n", one.sentence()))?;
        if one.is_sure() {
            note(&format!(
                "note: `engine: {}` reads it as it is, without a file of yours\n",
                one.engine.name
            ))?;
        }
        if let Some(missing) = one.missing_sentence() {
            note(&format!("note: {missing}\n"))?;
        }
    }
    Ok(())
}
