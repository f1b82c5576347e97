//! The built-in templates, as the user knows them: which there are, and what each makes.
//!
//! Not among them: `alerts/`, `engines/`, `forms/` and `machines/` are data that is read before there is a config, and `skymon.yaml` is
//! what `init` writes when there is none yet.

use include_dir::Dir;

use super::EMBEDDED;
use crate::source::sha256;

/// A template that a file of the user's may take the place of.
#[derive(Clone, Copy, Debug)]
pub struct BuiltIn {
    pub path: &'static str,
    pub text: &'static str,
}

impl BuiltIn {
    /// All of them, in the order of their paths.
    pub fn all() -> Vec<BuiltIn> {
        let mut all = Vec::new();
        collect(&EMBEDDED, &mut all);
        all.sort_unstable_by_key(|one| one.path);
        all
    }

    pub fn find(path: &str) -> Option<BuiltIn> {
        BuiltIn::all().into_iter().find(|one| one.path == path)
    }

    /// What it makes, in words.
    pub fn makes(&self) -> String {
        let part = |folder: &str| Some(self.path.strip_prefix(folder)?.strip_suffix(".yml")?.to_owned());
        if let Some(program) = part("compose/") {
            return format!("the part of {program} in docker-compose.yml");
        }
        if let Some(integration) = part("alertmanager/receivers/") {
            return format!("the part of {integration} in alertmanager/alertmanager.yml");
        }
        match self.path {
            "prometheus/rules.yml" => "prometheus/rules/<service>.yml, prometheus/rules/stack.yml",
            "prometheus/tests.yml" => "prometheus/tests/<service>.yml, prometheus/tests/stack.yml",
            "prometheus/targets.yml" => {
                "prometheus/targets/<service>.yml, prometheus/targets/stack+<kind>.yml"
            }
            "instrumentation/skymon_metrics.py" => "instrumentation/<service>/skymon_metrics.py",
            "grafana/dashboards/service.json" => "grafana/dashboards/service-<engine>.json",
            same => same,
        }
        .to_owned()
    }

    /// What a copy remembers of it: enough to see that it has changed.
    pub fn digest(&self) -> String {
        sha256(self.text.as_bytes())[..DIGEST].to_owned()
    }
}

/// Hex digits of a digest.
pub(super) const DIGEST: usize = 16;

fn collect(dir: &Dir<'static>, all: &mut Vec<BuiltIn>) {
    for file in dir.files() {
        if let (Some(path), Some(text)) = (file.path().to_str(), file.contents_utf8())
            && path != "skymon.yaml"
        {
            all.push(BuiltIn { path, text });
        }
    }
    for dir in dir
        .dirs()
        .filter(|dir| !matches!(dir.path().to_str(), Some("alerts" | "engines" | "forms" | "machines")))
    {
        collect(dir, all);
    }
}
