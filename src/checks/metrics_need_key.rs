//! An engine that shows its metrics only to who has a key, and a job that has none.

use super::Check;
use super::shared::engines::{Scraped, option, scraped};
use crate::catalog::engines::Engine;
use crate::diagnostics::{Report, Severity};
use crate::stack::{Job, Service, Stack};

pub(super) const CHECK: Check = Check { id: "metrics-need-key", severity: Severity::Error, run };

fn run(stack: &Stack, report: &mut Report) {
    for Scraped { engine, service, job, target } in scraped(stack) {
        if shows_key(job) || !wants_key(engine, service) {
            continue;
        }
        report.push(
            CHECK
                .finding(format!(
                    "`{}` wants its key at `/metrics` too, and `{}` shows none",
                    service.name, job.name
                ))
                .at(target.address.place(), "answers 401")
                .help("add `authorization: {credentials_file: …}` with a file that holds the key"),
        );
    }
}

fn shows_key(job: &Job) -> bool {
    let keys = ["authorization", "basic_auth", "bearer_token", "bearer_token_file", "http_headers", "oauth2"];
    keys.iter().any(|key| job.node.get(key).is_some())
}

/// vLLM and `SGLang` guard only what users ask.
fn wants_key(engine: &Engine, service: &Service) -> bool {
    engine.name == "llamacpp"
        && (option(service, &["--api-key", "--api-key-file"]).is_some()
            || service.variable("LLAMA_API_KEY").is_some())
}
