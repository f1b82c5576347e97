//! What a user meets on the command line: exit codes, drift, and every fault of a config in one run with its place.

mod support;

use std::fs;

use support::project::{Project, files_below};

const MINIMAL: &str = include_str!("fixtures/examples/minimal.yaml");

/// What is printed, without what differs from machine to machine.
fn validate(config: &str) -> String {
    let said = Project::new(config).skymon(&["validate"]);
    assert_eq!(said.stderr, "", "results go to stdout");
    said.stdout
}

#[test]
fn a_config_that_renders_exits_0_and_says_how_to_apply_it() {
    let project = Project::new(MINIMAL);
    let said = project.render();
    assert!(said.stderr.contains("`skymon validate` names them"), "no secret is there: {}", said.stderr);
    assert!(
        said.stdout.contains("docker compose -f monitoring/docker-compose.yml up -d --wait"),
        "{}",
        said.stdout
    );
    let again = project.render();
    assert!(again.stdout.contains("nothing to change"), "{}", again.stdout);
}

#[test]
fn rendering_twice_gives_the_same_bytes_and_no_secret_is_needed() {
    let (one, two) = (Project::of_fixture("everything"), Project::of_fixture("everything"));
    one.render();
    two.write("secrets/slack_webhook_url", "https://hooks.example/SECRET");
    two.render();
    for path in support::project::files_below(&one.path("monitoring")) {
        let name = format!("monitoring/{}", path.display());
        assert_eq!(one.read(&name), two.read(&name), "{name}");
    }
}

#[test]
fn check_exits_1_on_drift_and_writes_nothing() {
    let project = Project::new(MINIMAL);
    let said = project.skymon(&["render", "--check"]);
    assert_eq!(said.status, 1, "{}", said.text());
    assert!(!project.path("monitoring").exists());
    project.render();
    assert_eq!(project.skymon(&["render", "--check"]).status, 0);
    project.write("skymon.yaml", &format!("{MINIMAL}alerts: {{HighErrorRate: {{threshold: 7%}}}}\n"));
    let said = project.skymon(&["render", "--check", "--diff"]);
    assert_eq!(said.status, 1);
    assert!(
        said.stdout.contains("+          service:errors:ratio_rate5m{service=\"demo\"} > 0.07"),
        "{}",
        said.stdout
    );
}

#[test]
fn a_file_edited_by_hand_is_kept_until_the_user_decides() {
    let project = Project::new(MINIMAL);
    project.render();
    let path = "monitoring/prometheus/rules/demo.yml";
    let edited = project.read(path).replace("> 0.05", "> 0.5");
    project.write(path, &edited);
    project.write("skymon.yaml", &MINIMAL.replace("8080", "9000"));

    let said = project.skymon(&["render"]);
    assert_eq!(said.status, 1);
    assert!(
        said.stdout.contains("-          service:errors:ratio_rate5m{service=\"demo\"} > 0.5"),
        "{}",
        said.stdout
    );
    assert!(said.stderr.contains("skymon render --force"), "{}", said.stderr);
    assert_eq!(project.read(path), edited, "the edit is there");
    assert!(
        project.read("monitoring/prometheus/targets/demo.yml").contains("8080"),
        "nothing else was written"
    );

    let said = project.skymon(&["validate"]);
    assert_eq!(said.status, 1);
    assert!(said.stdout.contains("edited by hand"), "{}", said.stdout);
    let said = project.skymon(&["render", "-c", "./skymon.yaml"]);
    assert!(said.stderr.contains("`skymon render --force -c ./skymon.yaml`"), "{}", said.stderr);

    assert_eq!(project.skymon(&["render", "--force"]).status, 0);
    assert!(project.read(path).contains("> 0.05"));
    assert!(project.read("monitoring/prometheus/targets/demo.yml").contains("9000"));
}

#[test]
fn files_that_the_config_no_longer_asks_for_are_removed() {
    let project = Project::of_example("tutorial");
    project.render();
    assert!(project.path("monitoring/blackbox/blackbox.yml").exists());
    let without = project.read("skymon.yaml").replace("    endpoint:", "    # endpoint:");
    project.write("skymon.yaml", &without);
    project.render();
    assert!(!project.path("monitoring/blackbox").exists());
}

#[test]
fn a_config_with_errors_is_a_finding_for_validate_and_2_for_render_and_nothing_is_written() {
    let project = Project::new("version: 1\nname: x\n");
    assert_eq!(project.skymon(&["validate"]).status, 1);
    let said = project.skymon(&["render"]);
    assert_eq!(said.status, 2);
    assert_eq!(said.stdout, "");
    assert!(said.stderr.contains("`services` is missing"), "{}", said.stderr);
    assert!(!project.path("monitoring").exists());
}

#[test]
fn a_missing_config_exits_2_and_names_it() {
    let project = Project::new(MINIMAL);
    let said = project.skymon(&["render", "-c", "nowhere.yaml"]);
    assert_eq!((said.status, said.stdout.as_str()), (2, ""));
    assert!(
        said.stderr.starts_with("error: cannot read nowhere.yaml: ")
            && said.stderr.ends_with("\nhelp: look at `-c`; `skymon init DIR` makes a new stack\n"),
        "{}",
        said.stderr
    );
}

#[test]
fn a_new_user_in_an_empty_folder_is_told_how_to_begin_by_every_command_that_wants_a_config() {
    let project = Project::empty();
    for args in [
        &["validate"][..],
        &["render"],
        &["render", "--check"],
        &["status"],
        &["test-alert"],
        &["passwd", "ann"],
        &["templates", "diff", "prometheus/rules.yml"],
        &["templates", "copy", "prometheus/rules.yml"],
    ] {
        let said = project.skymon(args);
        assert_eq!((said.status, said.stdout.as_str()), (2, ""), "{args:?}");
        let lines: Vec<&str> = said.stderr.lines().collect();
        assert!(
            matches!(lines[..], [error, help]
                if error.starts_with("error: cannot read skymon.yaml: ")
                    && help.starts_with("help: `skymon init` makes a new stack here; `skymon validate DIR` checks")),
            "{args:?}: {}",
            said.stderr
        );
    }
    // Nor does anybody begin in a rendered folder.
    project.write(".skymon/manifest.json", "{}");
    let said = project.skymon(&["validate"]);
    assert!(said.status == 2 && said.stderr.contains("\nhelp: this folder is rendered: "), "{}", said.text());
    // One that is there and cannot be read is not begun anew.
    project.write("skymon.yaml/inside", "");
    let said = project.skymon(&["render"]);
    assert!(said.status == 2 && !said.stderr.contains("help:"), "{}", said.text());
}

#[test]
fn warnings_exit_0_unless_they_are_denied() {
    let project = Project::new(MINIMAL);
    project.render();
    let said = project.skymon(&["validate"]);
    assert_eq!(said.status, 0, "{}", said.text());
    assert!(
        said.stdout.contains("warning[secret-missing]: the secret `secrets/slack_webhook_url` is not there"),
        "{}",
        said.stdout
    );
    assert_eq!(project.skymon(&["validate", "--deny", "warnings"]).status, 1);
}

#[test]
fn a_stack_whose_secrets_are_in_place_has_no_finding() {
    let project = Project::new(MINIMAL);
    project.render();
    for secret in ["slack_webhook_url", "grafana_admin_password"] {
        project.write(&format!("secrets/{secret}"), "x\n");
    }
    private(&project);
    let said = project.skymon(&["validate", "--deny", "warnings"]);
    assert_eq!(said.status, 0, "{}", said.text());
    assert_eq!(said.stdout, "skymon.yaml is fine: 1 service, 15 alerts, 1 receiver, 22 files\n");
}

#[cfg(unix)]
fn private(project: &Project) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(project.path("secrets"), fs::Permissions::from_mode(0o700)).expect("sets the mode");
}

#[test]
fn the_stack_can_stand_anywhere_and_be_validated_from_anywhere() {
    let project = Project::new(MINIMAL);
    project.skymon(&["render", "-o", "build/stack"]).expect_success();
    let compose = project.read("build/stack/docker-compose.yml");
    assert!(compose.contains("\"../../secrets/slack_webhook_url\""), "{compose}");
    assert_eq!(project.skymon(&["validate", "-o", "build/stack"]).status, 0);
    project.render();
    assert_eq!(project.skymon(&["validate", "monitoring"]).status, 0);
    assert_eq!(project.skymon(&["validate", "."]).status, 0);
    assert_eq!(project.skymon(&["validate", "secrets"]).status, 2);
}

#[test]
fn a_damaged_file_is_shown_with_the_place_of_the_damage() {
    let project = Project::new(MINIMAL);
    project.render();
    project.write("monitoring/alertmanager/alertmanager.yml", "route:\n  receiver: [a\n");
    project.write("monitoring/grafana/dashboards/overview.json", "{\n  \"uid\": }\n");
    let said = project.skymon(&["validate"]).stdout;
    assert!(said.contains("monitoring/alertmanager/alertmanager.yml:"), "{said}");
    assert!(said.contains("monitoring/grafana/dashboards/overview.json:2:"), "{said}");
}

#[test]
fn every_fault_is_reported_in_one_run_with_its_place_and_the_cure() {
    let said = validate(
        "version: 1
name: x
services:
  api:
    engine: vllm
    replicas: [10.0.0.1, 'http://10.0.0.2:80/metrics']
    alerts:
      HighErorRate: {threshold: 5%}
      HighErrorRate: {threshold: 5}
recievers: {}
receivers:
  team: {slack: {webhook_url_file: secrets/a}}
  team: {slack: {webhook_url_file: secrets/b}}
routes: {critical: tem, warning: team}
",
    );
    assert_eq!(
        said,
        "error[bad-value]: `10.0.0.1` has no port
 --> skymon.yaml:6:16
  |
6 |     replicas: [10.0.0.1, 'http://10.0.0.2:80/metrics']
  |                ^^^^^^^^
  |
  = help: write `10.0.0.1:8000` with the port that serves it

error[bad-value]: `http://10.0.0.2:80/metrics` is a URL, not an address
 --> skymon.yaml:6:26
  |
6 |     replicas: [10.0.0.1, 'http://10.0.0.2:80/metrics']
  |                          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  |
  = help: write `10.0.0.2:80` without `http://` and path

error[unknown-alert]: there is no alert `HighErorRate`
 --> skymon.yaml:8:7
  |
8 |       HighErorRate: {threshold: 5%}
  |       ^^^^^^^^^^^^ not an alert
  |
  = help: did you mean `HighErrorRate`?

error[bad-value]: `5` is not a ratio between 0 and 1
 --> skymon.yaml:9:34
  |
9 |       HighErrorRate: {threshold: 5}
  |                                  ^
  |
  = help: for 5 percent write `5%`

error[unknown-key]: unknown key `recievers`
  --> skymon.yaml:10:1
   |
10 | recievers: {}
   | ^^^^^^^^^ not a key at the top
   |
   = help: did you mean `receivers`?

error[duplicate-key]: `receivers.team` is defined twice
  --> skymon.yaml:13:3
   |
12 |   team: {slack: {webhook_url_file: secrets/a}}
   |   ---- first defined here
13 |   team: {slack: {webhook_url_file: secrets/b}}
   |   ^^^^ second definition
   |
   = help: remove one of them, or give one another name

error[unknown-receiver]: there is no receiver `tem`
  --> skymon.yaml:14:20
   |
14 | routes: {critical: tem, warning: team}
   |                    ^^^ not in `receivers`
   |
   = help: did you mean `team`?

7 errors
"
    );
}

#[test]
fn what_the_programs_would_read_otherwise_than_it_is_meant_is_refused() {
    let with = |lines: &str| {
        let config = format!(
            "version: 1\nname: x\nservices: {{a: {{engine: custom, {lines}}}}}\n\
             receivers: {{t: {{webhook: {{url_file: s/u}}}}}}\nroutes: {{critical: t, warning: t}}\n"
        );
        validate(&config)
    };
    for (lines, words) in [
        ("replicas: ['h:1'], metrics_path: '/metrics?format=text'", "take the `?` of a metrics path"),
        ("replicas: ['h:1'], metrics_path: '/a%2Fb'", "take the `%` of a metrics path"),
        ("discover: {file: 'lab/targets[1].yml'}", "for a pattern"),
        ("replicas: ['h:1'], engine_version: '1.2 # x'", "is not a version"),
    ] {
        let said = with(lines);
        assert!(said.contains(words) && said.ends_with("1 error\n"), "{said}");
    }
    // A certificate that is refused is not missing besides.
    let said = with("replicas: ['h:1'], tls: {cert_file: 'certs/$x', key_file: s/k}");
    assert!(said.contains("must not hold `$`") && said.ends_with("1 error\n"), "{said}");
}

#[test]
fn an_engine_without_metrics_is_probed_and_never_scraped() {
    let with = |lines: &str| {
        validate(&format!(
            "version: 1\nname: x\nservices: {{a: {{{lines}}}}}\n\
             receivers: {{t: {{webhook: {{url_file: s/u}}}}}}\nroutes: {{critical: t, warning: t}}\n"
        ))
    };
    let cure = "write `endpoint: http://gpu-1.internal:11434`, which is probed";
    let said = with("engine: ollama, replicas: ['h:11434']");
    assert!(said.contains("error[no-metrics]") && said.contains(cure), "{said}");
    let said = with("engine: ollama");
    assert!(said.contains("error[nothing-to-watch]") && said.contains(cure), "{said}");
    let said = with("engine: ollama, endpoint: 'http://h:11434'");
    assert!(!said.contains("error["), "{said}");
}

#[test]
fn an_engine_that_wants_a_key_is_told_how_to_be_shown_one() {
    let with = |lines: &str| {
        validate(&format!(
            "version: 1\nname: x\nservices: {{a: {{engine: litellm, replicas: ['h:4000'], {lines}}}}}\n\
             receivers: {{t: {{webhook: {{url_file: s/u}}}}}}\nroutes: {{critical: t, warning: t}}\n"
        ))
    };
    let said = with("");
    assert!(
        said.contains("note[no-auth]")
            && said.contains("write `auth: {bearer_token_file: secrets/replica_token}`"),
        "{said}"
    );
    assert!(!with("auth: {bearer_token_file: s/key}").contains("no-auth"));
}

#[test]
fn an_engine_is_explained_by_what_it_says_and_what_not() {
    let project = Project::empty();
    let said = project.skymon(&["explain", "SGLang"]).expect_success().stdout;
    for line in [
        "`/metrics` at port 30000; off by default; `--enable-metrics` turns them on",
        "- `kv_cache_usage`: `sglang:token_usage`",
        "- `awake`: nothing says",
    ] {
        assert!(said.contains(line), "`{line}` is not in\n{said}");
    }
    let said = project.skymon(&["explain", "vlm"]);
    assert!(said.status == 2 && said.stderr.contains("did you mean `vllm`?"), "{}", said.text());
}

#[test]
fn the_examples_have_no_errors_as_they_stand() {
    for (example, services) in [("minimal", 1), ("tutorial", 1), ("full", 4), ("fleet", 2)] {
        let project = Project::of_example(example);
        project.render();
        let said = project.skymon(&["validate"]);
        assert_eq!(said.status, 0, "{example}: {}", said.text());
        let fine = format!("skymon.yaml has no errors: {services} service");
        assert!(said.stdout.contains(&fine), "{example}: {}", said.stdout);
    }
}

#[test]
fn a_secret_in_the_config_is_refused_and_never_shown() {
    let config = MINIMAL.replace(
        "{webhook_url_file: secrets/slack_webhook_url}",
        "{webhook_url: 'https://hooks.slack.com/services/T0/B0/MARKER', chanel: x}",
    );
    let project = Project::new(&config);
    for args in [&["validate"][..], &["validate", "--format", "json"], &["render"]] {
        let said = project.skymon(args);
        assert_ne!(said.status, 0);
        assert!(!said.text().contains("MARKER"), "{}", said.text());
    }
    assert!(project.skymon(&["validate"]).stdout.contains("webhook_url_file: secrets/slack_webhook_url"));
}

#[test]
fn findings_as_json_have_places_and_a_version() {
    let said = Project::new("version: 1\nname: é\n").skymon(&["validate", "--format", "json"]);
    let report: serde_json::Value = serde_json::from_str(&said.stdout).expect("is JSON");
    assert_eq!(report["version"], 1);
    assert_eq!(report["summary"]["errors"], 4);
    let name = &report["diagnostics"].as_array().expect("a list")[3];
    assert_eq!(name["labels"][0]["line"], 2);
    assert_eq!(name["labels"][0]["column"], 7);
    assert_eq!(name["labels"][0]["span"], "é");
}

#[test]
fn hostile_files_get_a_message_and_no_panic() {
    let deep = "[".repeat(100_000);
    let bomb = "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\n\
                d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e]\n\
                g: [*f,*f,*f,*f,*f,*f,*f,*f,*f]\n";
    let hostile: [&[u8]; 9] = [
        b"",
        b"# nothing but a comment\n",
        b"\x00\x01\x02\xff\xfe",
        b"name: \xff\n",
        deep.as_bytes(),
        bomb.as_bytes(),
        b"a: [\n",
        b"- 1\n- 2\n",
        b"version: 1\n---\nversion: 1\n",
    ];
    for bytes in hostile {
        let project = Project::new("");
        fs::write(project.path("skymon.yaml"), bytes).expect("writes the file");
        let said = project.skymon(&["validate"]);
        let start = String::from_utf8_lossy(&bytes[..bytes.len().min(20)]).into_owned();
        assert_eq!(said.status, 1, "{start:?}: {}", said.text());
        assert!(said.stdout.starts_with("error["), "{start:?}: {}", said.text());
        assert!(!said.text().contains("panicked"), "{start:?}: {}", said.text());
    }
}

#[test]
fn a_secret_may_belong_to_any_legal_name() {
    let project = Project::new(
        "version: 1
name: x
services:
  a.b: {engine: custom, replicas: [h:1], auth: {username: u, password_env: P}, tls: {cert_file: c/c.pem, key_file: s/k}}
receivers: {on.call: {slack: {webhook_url_file: s/w}}}
routes: {critical: on.call, warning: on.call}
",
    );
    project.render();
    support::tools::compose(&["config", "-q"], &project.path("monitoring"), &[("P", "x")]).expect_success();
}

#[test]
fn a_file_that_a_program_would_load_beside_the_rendered_ones_is_named() {
    let project = Project::new(MINIMAL);
    project.render();
    project.write("monitoring/prometheus/rules/old.yml", "groups: []\n");
    let said = project.skymon(&["validate"]).stdout;
    assert!(said.contains("`monitoring/prometheus/rules/old.yml` is loaded, and is not skymon's"), "{said}");
}

#[test]
fn explain_shows_the_page_of_an_alert_and_helps_with_its_name() {
    let project = Project::new(MINIMAL);
    let said = project.skymon(&["explain", "HighErrorRate"]).expect_success();
    assert!(said.stdout.contains("Look first at") && said.stdout.contains("threshold 5%"), "{}", said.stdout);
    let said = project.skymon(&["explain", "HighErorRate"]);
    assert_eq!(said.status, 2);
    assert!(said.stderr.contains("did you mean `HighErrorRate`?"), "{}", said.stderr);
}

#[test]
fn explain_shows_what_a_finding_of_the_running_stack_means() {
    let project = Project::empty();
    let said = project.skymon(&["explain", "replica-down"]).expect_success().stdout;
    assert!(said.starts_with("### `replica-down`\n\nOne target of several"), "{said}");
    assert!(!said.contains("probe-fails"), "{said}");
    let said = project.skymon(&["explain", "replica-dwn"]);
    assert!(said.stderr.contains("did you mean `replica-down`?"), "{}", said.stderr);
}

#[test]
fn the_schema_accepts_the_stacks_and_refuses_what_skymon_refuses() {
    let project = Project::new(MINIMAL);
    let schema: serde_json::Value =
        serde_json::from_str(&project.skymon(&["schema"]).expect_success().stdout).expect("is JSON");
    let validator = jsonschema::validator_for(&schema).expect("is a schema");
    for stack in ["examples/minimal", "examples/tutorial", "examples/tls", "stacks/everything"] {
        let config: serde_json::Value =
            serde_yaml::from_str(&support::project::fixture(&format!("{stack}.yaml"))).expect("is YAML");
        let problems: Vec<String> = validator.iter_errors(&config).map(|error| error.to_string()).collect();
        assert_eq!(problems, Vec::<String>::new(), "{stack}");
    }
    for wrong in ["{version: 1}", "{version: 2, name: x, services: {}, receivers: {}, routes: {}}"] {
        let config: serde_json::Value = serde_yaml::from_str(wrong).expect("is YAML");
        assert!(!validator.is_valid(&config), "{wrong}");
    }
}

#[test]
fn completions_are_printed_for_every_shell() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let said = Project::new(MINIMAL).skymon(&["completions", shell]).expect_success();
        assert!(said.stdout.contains("validate"), "{shell}");
    }
}

#[test]
fn a_rendered_folder_that_was_copied_without_its_config_is_checked_as_any_other() {
    let project = Project::new(MINIMAL);
    project.render();
    let copied = Project::empty();
    for file in files_below(&project.path("monitoring")) {
        let name = format!("ops/monitoring/{}", file.display());
        copied.write(&name, &project.read(&format!("monitoring/{}", file.display())));
    }
    let said = copied.skymon(&["validate", "ops/monitoring"]);
    assert_eq!(said.status, 0, "{}", said.text());
    assert!(said.stdout.contains("note[config-not-there]: `ops/monitoring` was rendered"), "{}", said.stdout);
    assert!(said.stdout.contains("ops/monitoring is fine: "), "{}", said.stdout);
    assert_eq!(said.stdout.matches("note[").count(), 1, "nothing is held against it: {}", said.stdout);
    // What is wrong in it is found as in any stack; it is not mended there.
    let path = "ops/monitoring/prometheus/prometheus.yml";
    copied.write(path, &copied.read(path).replace("scrape_configs:", "scrape_config:"));
    let said = copied.skymon(&["validate", "ops/monitoring"]);
    assert_eq!(said.status, 1, "{}", said.text());
    assert!(said.stdout.contains("error[unknown-key]"), "{}", said.stdout);
    let said = copied.skymon(&["validate", "ops/monitoring", "--fix"]);
    assert_eq!(said.status, 2, "{}", said.text());
    assert!(
        said.stderr.contains("is rendered: what is wrong in it is mended in its config"),
        "{}",
        said.stderr
    );
    // A config that is named and not there is a slip.
    assert_eq!(copied.skymon(&["validate", "ops/monitoring", "-c", "nowhere.yaml"]).status, 2);
}
