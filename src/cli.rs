//! The command line: names, flags and help texts. No behaviour.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use crate::values::HttpUrl;

/// One typed file becomes a complete monitoring stack for model-inference services.
///
/// skymon.yaml names services, replicas and receivers; `render` makes docker compose, Prometheus, Alertmanager, rules
/// with their tests, and Grafana from it; `validate` proves it before a deploy.
#[derive(Debug, Parser)]
#[command(name = "skymon", version, max_term_width = 100, arg_required_else_help = true)]
#[command(after_help = "Exit codes: 0 fine; 1 findings or drift; 2 could not run.")]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Ask a few questions, write skymon.yaml and its secrets, render and validate
    Init(Box<Init>),
    /// Write the stack that skymon.yaml describes
    Render(Render),
    /// Check the config, the stack that it renders, and the files on disk; or any other stack
    Validate(Validate),
    /// Say how the running stack is: targets, rules, what fires, what could not be delivered
    Status(Status),
    /// Send an alert through the running Alertmanager, and say whether somebody was told
    TestAlert(TestAlert),
    /// Explain an alert or a check (what it means, what to look at first) or an engine (what it can say, and what not)
    Explain(Explain),
    /// Say which engine a server's metrics are of, and draft a file for one that skymon does not know
    Metrics(Metrics),
    /// Let somebody through the front door, change a password, or shut it to somebody
    Passwd(Passwd),
    /// List the templates that can be overridden, or work on an override
    Templates(Templates),
    /// Print the JSON Schema of skymon.yaml, or of an engine's file
    Schema {
        /// What it describes
        #[arg(value_enum, default_value_t = SchemaOf::Config)]
        of: SchemaOf,
    },
    /// Print a completion script
    Completions {
        /// The shell that will read it
        shell: Shell,
    },
}

#[derive(Clone, Debug, Args)]
pub struct Paths {
    /// The config [default: `skymon.yaml`]
    #[arg(short, long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The folder of the stack [default: `monitoring` beside the config]
    #[arg(short, long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Init {
    /// Where skymon.yaml is written; created if it is not there
    #[arg(value_name = "DIR", default_value = ".")]
    pub dir: PathBuf,
    /// Take the defaults for what no flag answers; needs no terminal
    #[arg(short, long)]
    pub yes: bool,
    /// Overwrite an existing skymon.yaml, and secrets for which a new value is given
    #[arg(long)]
    pub force: bool,
    /// Take what a SkyServe service file says: engine, readiness path, how many replicas, TLS; SkyServe is then asked
    /// where the replicas are. Flags win over the file. Its secrets are never read
    #[arg(long, value_name = "FILE")]
    pub from: Option<PathBuf>,
    /// The stack's name [default: the folder's]
    #[arg(long)]
    pub name: Option<String>,
    /// The service's name; with --from, the one in SkyServe [default: the file's `name`, or the stack's]
    #[arg(long)]
    pub service: Option<String>,
    /// What serves the model: custom, litellm, llamacpp, lmdeploy, nim, ollama, ray-serve, ray-serve-llm, sglang, tei,
    /// tensorrt-llm, tgi, triton, vllm [default: custom]
    #[arg(long)]
    pub engine: Option<String>,
    /// Render a Python module that measures the requests of a `custom` server [default: false]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub instrumentation: Option<bool>,
    /// Address of a replica; repeat for each [default: host.docker.internal, at the engine's port]
    #[arg(long = "replica", value_name = "HOST:PORT")]
    pub replicas: Vec<String>,
    /// Look at the first replica's metrics: they tell the engine, or become the draft of a file for one that skymon does not
    /// know
    #[arg(long, requires = "replicas")]
    pub look: bool,
    /// SkyPilot's API server, as a container reaches it [default: port 46580 of host.docker.internal]
    #[arg(long, value_name = "URL", requires = "from", conflicts_with = "replicas")]
    pub api_server: Option<String>,
    /// Whether the API server wants a token [default: true if its address is https]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    #[arg(requires = "from", conflicts_with = "replicas")]
    pub api_token: Option<bool>,
    /// What users call; '' for none [default: none]
    #[arg(long, value_name = "URL")]
    pub endpoint: Option<String>,
    /// Probe what users call [default: true; with --from, false if there may be no replica, which a probe would wake]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub probe: Option<bool>,
    /// Who hears of critical alerts: slack, pagerduty, email, webhook [default: slack]
    #[arg(long, value_name = "KIND")]
    pub critical: Option<String>,
    /// Who hears of warnings [default: the same]
    #[arg(long, value_name = "KIND")]
    pub warning: Option<String>,
    /// Send `info` alerts too, with the warnings [default: false]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub info: Option<bool>,
    /// A setting of a receiver, as email.to=oncall@example.com; repeat for each
    #[arg(long = "set", value_name = "KIND.KEY=VALUE")]
    pub settings: Vec<String>,
    /// Read a secret from a file, or from standard input with `-`, as slack=webhook.txt, heartbeat=url.txt,
    /// skypilot=token.txt (of the API server) or replica=token.txt (of the replicas); repeat for each
    #[arg(long = "secret-file", value_name = "KIND=FILE")]
    pub secret_files: Vec<String>,
    /// Have a service outside complain when this monitoring no longer calls it every minute [default: false]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub heartbeat: Option<bool>,
}

#[derive(Debug, Args)]
pub struct Render {
    #[command(flatten)]
    pub paths: Paths,
    /// Write nothing; exit 1 if anything would change
    #[arg(long)]
    pub check: bool,
    /// Write nothing; show what would change
    #[arg(long)]
    pub diff: bool,
    /// Overwrite files that were edited by hand
    #[arg(long, conflicts_with_all = ["check", "diff"])]
    pub force: bool,
}

#[derive(Debug, Args)]
pub struct Validate {
    /// A rendered stack (its config is `skymon.yaml` beside it, if not said), the folder of a skymon.yaml, or any folder
    /// with compose, Prometheus, Alertmanager or Grafana files
    #[arg(value_name = "DIR", conflicts_with = "out")]
    pub dir: Option<PathBuf>,
    #[command(flatten)]
    pub paths: Paths,
    /// How findings are printed
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub format: Format,
    /// Exit 1 on warnings too
    #[arg(long, value_enum, value_name = "WHAT")]
    pub deny: Option<Deny>,
    /// Show first where each alert goes, when, and what can mute it; as text or json
    #[arg(long)]
    pub routes: bool,
    /// Show, as a diff, the cures that cannot change what a file means; for a folder that skymon did not render
    #[arg(long, conflicts_with = "format")]
    pub fix: bool,
    /// Write what `--fix` shows
    #[arg(long, requires = "fix")]
    pub yes: bool,
    /// Ask the running Prometheus and Alertmanager too: whether they run these files, and what they see. Exits 2 where one of
    /// them cannot be asked
    #[arg(long)]
    pub live: bool,
    /// Where Prometheus is [default: where the config or the compose file publishes it]
    #[arg(long, value_name = "URL", requires = "live")]
    pub prometheus: Option<HttpUrl>,
    /// Where Alertmanager is [default: where the config or the compose file publishes it]
    #[arg(long, value_name = "URL", requires = "live")]
    pub alertmanager: Option<HttpUrl>,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 all is well; 1 something is down, broken or fires; 2 cannot reach what should answer."
)]
pub struct Status {
    #[command(flatten)]
    pub paths: Paths,
    /// Where Prometheus is [default: where the config publishes it]
    #[arg(long, value_name = "URL")]
    pub prometheus: Option<HttpUrl>,
    /// Where Alertmanager is [default: where the config publishes it]
    #[arg(long, value_name = "URL")]
    pub alertmanager: Option<HttpUrl>,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 delivered; 1 not delivered, or not routed; 2 cannot reach Alertmanager, or could not send."
)]
pub struct TestAlert {
    #[command(flatten)]
    pub paths: Paths,
    /// As an alert of this severity: critical, warning, info [default: critical]
    #[arg(long)]
    pub severity: Option<String>,
    /// As an alert of this service
    #[arg(long)]
    pub service: Option<String>,
    /// With labels that lead to this receiver
    #[arg(long, value_name = "NAME")]
    pub receiver: Option<String>,
    /// Where Alertmanager is [default: where the config publishes it]
    #[arg(long, value_name = "URL")]
    pub alertmanager: Option<HttpUrl>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Format {
    /// For people, with the lines
    Human,
    /// One JSON object, with a version
    Json,
    /// SARIF 2.1.0, for code hosts
    Sarif,
    /// Annotations of GitHub's workflows
    Github,
    /// XML, for CI servers
    Junit,
}

/// A format that people write.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum SchemaOf {
    /// `skymon.yaml`
    Config,
    /// A file in the folder `engines`
    Engine,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Deny {
    Warnings,
}

#[derive(Debug, Args)]
pub struct Metrics {
    #[command(subcommand)]
    pub action: MetricsAction,
}

#[derive(Debug, Subcommand)]
pub enum MetricsAction {
    /// Say which engine a page of metrics is of, and draft an engine's file from it
    Import(Import),
}

#[derive(Debug, Args)]
pub struct Import {
    /// A saved page, an address such as `http://10.0.0.1:8000/metrics`, or `-` for standard input
    #[arg(value_name = "FILE|URL")]
    pub from: String,
    /// Write the draft to this file, which must not be there yet [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// A file with the bearer token that the server wants
    #[arg(long, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Passwd {
    #[command(flatten)]
    pub paths: Paths,
    /// The user; the password is asked for, or read from standard input where that is no terminal
    #[arg(value_name = "NAME")]
    pub name: String,
    /// Take the user out instead
    #[arg(long)]
    pub remove: bool,
}

#[derive(Debug, Args)]
pub struct Explain {
    /// An alert, as `HighErrorRate`, an engine, as `vllm`, or a check, as `single-file-mount`; `checks` lists those
    #[arg(value_name = "ID")]
    pub id: String,
}

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Templates {
    #[command(subcommand)]
    pub action: Option<TemplatesAction>,
    #[command(flatten)]
    pub config: ConfigPath,
}

#[derive(Clone, Debug, Args)]
pub struct ConfigPath {
    /// The config, which names the folder of templates [default: `skymon.yaml`]
    #[arg(short, long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub enum TemplatesAction {
    /// Copy a built-in template into the folder of templates, to change it there
    Copy {
        #[command(flatten)]
        template: Template,
        /// Overwrite the file that is there
        #[arg(long)]
        force: bool,
    },
    /// Show what an override does otherwise than the built-in template
    Diff(Template),
    /// Say that an override is right as it is, whatever has changed in the built-in template
    Accept(Template),
}

#[derive(Debug, Args)]
pub struct Template {
    /// A template, as `skymon templates` lists it
    #[arg(value_name = "PATH")]
    pub path: String,
    #[command(flatten)]
    pub config: ConfigPath,
}
