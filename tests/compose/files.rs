//! Files and folders: what is mounted, what is missing, who may read and write it.

use std::path::Path;

use crate::support::project::Project;
use crate::{count, count_in, found};

#[test]
fn names_are_missing_only_where_no_other_file_can_have_them() {
    let add_on = (
        "docker-compose.extra.yml",
        "services: {a: {image: 'x:1', depends_on: [kafka], volumes: ['data:/d']}}\n",
    );
    let base = ("docker-compose.yml", "services: {b: {image: 'x:1'}}\n");
    let is_said = |files: &[(&str, &str)]| found(files).iter().any(|said| said.starts_with("not-declared"));
    assert!(is_said(&[("docker-compose.yml", add_on.1)]) && is_said(&[add_on]));
    assert!(!is_said(&[base, add_on]) && !is_said(&[("docker-compose.other.yml", base.1), add_on]));
    assert!(!is_said(&[(
        "docker-compose.yml",
        "include: ['https://github.com/a/b.git']\nservices: {a: {image: 'x:1', depends_on: [kafka]}}\n"
    )]));
    let fine = "services: {a: {image: 'x:1', networks: [default], volumes: ['data:/d'], depends_on: {no: {condition: service_started, required: false}}}}\nvolumes: {data: {external: true}}\n";
    assert!(!is_said(&[("docker-compose.yml", fine)]));
}

#[test]
fn a_file_that_everybody_makes_for_himself_is_not_missed() {
    let compose = ("docker-compose.yml", "services: {a: {image: 'x:1', env_file: conf/a.env}}\n");
    let is_said =
        |files: &[(&str, &str)]| found(files).iter().any(|said| said.starts_with("compose-file-missing"));
    assert!(is_said(&[compose]));
    for other in ["conf/a.env.example", "conf/example.a.env", "conf/a.env"] {
        assert!(!is_said(&[compose, (other, "A=1\n")]), "{other}");
    }
    for line in ["conf/a.env", "*.env", "/conf/", "**/a.env"] {
        assert!(!is_said(&[compose, (".gitignore", &format!("# x\n{line}\n"))]), "{line}");
    }
    assert!(is_said(&[compose, (".gitignore", "b.env\n")]));
}

#[test]
fn a_configuration_inside_of_the_compose_file_is_read_with_its_places() {
    let project = Project::empty();
    let compose = "services:\n  prometheus:\n    image: prom/prometheus:v3.5.0\n    configs: [{source: c, target: /etc/prometheus/prometheus.yml}]\nconfigs:\n  c:\n    content: |\n      scrape_configs:\n        - job_name: a\n          static_configs: [{targets: ['localhost:9100']}]\n";
    project.write("stack/compose.yaml", compose);
    let said = project.skymon(&["validate", "stack"]).stdout;
    assert!(said.contains("error[localhost-in-container]"), "{said}");
    assert!(said.contains("--> stack/compose.yaml:10:39"), "{said}");
}

#[test]
fn a_password_in_a_file_of_variables_is_found_and_not_shown() {
    let project = Project::empty();
    let compose = "services:\n  grafana:\n    image: grafana/grafana:13.2.3\n    env_file: grafana.env\n";
    project.write("stack/compose.yaml", compose);
    project.write("stack/grafana.env", "# of Grafana\nexport GF_SECURITY_ADMIN_PASSWORD=prom-operator\n");
    let said = project.skymon(&["validate", "stack"]).stdout;
    assert!(said.contains("warning[default-password]") && said.contains("stack/grafana.env:2:8"), "{said}");
    assert!(!said.contains("prom-operator"), "{said}");
    project.write("stack/grafana.env", "GF_SECURITY_ADMIN_PASSWORD=long-and-of-ones-own\n");
    let said = project.skymon(&["validate", "stack"]).stdout;
    assert!(!said.contains("password") && !said.contains("secret-in-file"), "{said}");
}

#[cfg(unix)]
#[test]
fn owners_and_modes_of_a_folder_are_those_on_the_disk() {
    use std::os::unix::fs::PermissionsExt as _;
    let project = Project::empty();
    let compose = "services:\n  grafana:\n    image: grafana/grafana:13.2.3\n    volumes: [./data:/var/lib/grafana]\n  a:\n    image: x:1\n    entrypoint: [/s/run.sh]\n    volumes: [./s:/s]\n";
    project.write("stack/compose.yaml", compose);
    project.write("stack/s/run.sh", "true\n");
    project.write("stack/data/x", "");
    let ids = || project.skymon(&["validate", "stack"]).stdout;
    let (data, script) = (project.path("stack/data"), project.path("stack/s/run.sh"));
    let set = |path: &Path, mode: u32| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("is ours");
    };
    set(&data, 0o755);
    set(&script, 0o644);
    let said = ids();
    assert!(said.contains("folder-not-writable") && said.contains("script-not-executable"), "{said}");
    set(&data, 0o777);
    set(&script, 0o755);
    let said = ids();
    assert!(!said.contains("folder-not-writable") && !said.contains("script-not-executable"), "{said}");
}

#[test]
fn a_program_that_only_forgets_without_its_folder_is_not_said_to_fail() {
    let project = Project::empty();
    for (image, folder, starts) in [
        ("prom/alertmanager:v0.33.1", "/alertmanager", true),
        ("prom/prometheus:v3.5.3", "/prometheus", false),
    ] {
        let text = format!(
            "services: {{a: {{image: '{image}', volumes: ['data:{folder}:ro']}}}}\nvolumes: {{data: {{}}}}\n"
        );
        project.write("docker-compose.yml", &text);
        let said = project.skymon(&["validate", "."]).stdout;
        let words = if starts { "it starts, and forgets its silences" } else { "it does not start" };
        assert!(said.contains("folder-not-writable") && said.contains(words), "{said}");
    }
}

#[test]
fn two_mounts_in_each_others_place_are_told_from_two_that_are_right() {
    let configs = [("p/prometheus.yml", "scrape_configs: []\n")];
    let prometheus = |volumes: &str| {
        let text = format!(
            "services: {{p: {{image: 'prom/prometheus:v3.5.3', volumes: [{volumes}]}}}}\nvolumes: {{data: {{}}}}\n"
        );
        count_in("config-not-mounted", &text, &configs)
    };
    assert_eq!(prometheus("'./p:/prometheus', 'data:/etc/prometheus'"), 1);
    assert_eq!(prometheus("'./p:/etc/prometheus', 'data:/prometheus'"), 0);
    // A volume may have been filled before.
    assert_eq!(prometheus("'data:/etc/prometheus'"), 0);
    let files = [
        ("g/p/datasources/a.yml", "apiVersion: 1\ndatasources: []\n"),
        ("g/p/dashboards/a.yml", "apiVersion: 1\nproviders: [{name: a, options: {path: /etc/pages}}]\n"),
        ("g/d/a.json", "{\"title\": \"A\", \"uid\": \"a\", \"schemaVersion\": 42, \"panels\": []}\n"),
    ];
    let grafana = |id: &str, volumes: &str| {
        let text = format!(
            "services: {{g: {{image: 'grafana/grafana:13.2.3', volumes: [{volumes}]}}}}\nvolumes: {{data: {{}}}}\n"
        );
        count_in(id, &text, &files)
    };
    let (config, pages) = ("config-not-mounted", "dashboards-not-loaded");
    let provisioning = "./g/p:/etc/grafana/provisioning";
    assert_eq!(grafana(config, "'./g/d:/etc/grafana/provisioning', './g/p:/etc/pages'"), 1);
    assert_eq!(grafana(pages, &format!("'{provisioning}', './g/d:/var/lib/grafana', 'data:/etc/pages'")), 1);
    let right = format!("'{provisioning}', './g/d:/etc/pages', 'data:/var/lib/grafana'");
    assert_eq!((grafana(config, &right), grafana(pages, &right)), (0, 0));
    // What an init container writes into a volume is not known.
    let beside = |own: &str, mount: &str| {
        format!(
            "services: {{{own}, i: {{image: 'busybox:1.37', volumes: [{mount}]}}}}\nvolumes: {{data: {{}}}}\n"
        )
    };
    let own = "p: {image: 'prom/prometheus:v3.5.3', volumes: ['data:/etc/prometheus', './p:/rules']}";
    assert_eq!(count_in(config, &beside(own, "'./p:/p', 'data:/out'"), &configs), 0);
    assert_eq!(count_in(config, &beside(own, "'./p:/p', 'data:/out:ro'"), &configs), 1);
    let own = "g: {image: 'grafana/grafana:13.2.3', volumes: ['data:/etc/grafana/provisioning', './g/d:/d']}";
    assert_eq!(count_in(pages, &beside(own, "'./g/p:/p', 'data:/out'"), &files), 0);
    assert_eq!(count_in(pages, &beside(own, "'./g/p:/p'"), &files), 1);
    // Nor what somebody brings there, and the home page needs no provider.
    let own = format!(
        "g: {{image: 'grafana/grafana:13.2.3', volumes: ['{provisioning}', './g/d:/home', 'data:/etc/pages']}}"
    );
    assert_eq!(count_in(pages, &beside(&own, "'data:/git'"), &files), 0);
    assert_eq!(count_in(pages, &beside(&own, "'./g:/git'"), &files), 1);
    let home = own.replace(
        "volumes:",
        "environment: {GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH: /home/a.json}, volumes:",
    );
    assert_eq!(count_in(pages, &beside(&home, "'./g:/git'"), &files), 0);
    // One page below a volume is where it belongs.
    let below = format!("'{provisioning}', 'data:/etc/pages', './g/d/a.json:/etc/pages/a.json'");
    assert_eq!(grafana(pages, &below), 0);
}

#[test]
fn a_provisioning_elsewhere_is_missed_only_where_grafana_is_told_of_no_other_place() {
    let files = [(
        "prov/datasources/a.yml",
        "apiVersion: 1\ndatasources: [{name: a, type: prometheus, url: 'http://x'}]\n",
    )];
    let of =
        |service: &str| count_in("config-not-mounted", &format!("services: {{g: {{{service}}}}}\n"), &files);
    assert_eq!(of("image: 'grafana/grafana:13.2.3', volumes: ['./prov:/prov']"), 1);
    for service in [
        "image: 'bitnami/grafana:11.1.0', volumes: ['./prov:/opt/bitnami/grafana/conf/provisioning']",
        "image: 'grafana/grafana:13.2.3', command: ['cfg:default.paths.provisioning=/prov'], volumes: ['./prov:/prov']",
        "image: 'grafana/grafana:13.2.3', environment: {GF_PATHS_PROVISIONING: /prov}, volumes: ['./prov:/prov']",
    ] {
        assert_eq!(of(service), 0, "{service}");
    }
}

#[test]
fn a_configuration_of_another_name_is_found_and_one_that_is_made_later_is_not_missed() {
    let of = |files: &[(&str, &str)]| {
        let text = "services: {a: {image: 'prom/alertmanager:v0.33.1', volumes: ['./a:/etc/alertmanager', 'data:/alertmanager']}}\nvolumes: {data: {}}\n";
        count_in("config-not-mounted", text, files)
    };
    let config = "route: {receiver: a}\nreceivers: [{name: a}]\n";
    assert_eq!(of(&[("a/alertmanager.yaml", config)]), 1);
    assert_eq!(of(&[("a/alertmanager.yml", config)]), 0);
    assert_eq!(of(&[("a/alertmanager.yaml", config), ("a/alertmanager.yml.tmpl", config)]), 0);
    assert_eq!(of(&[("a/templates.yml", "a: b\n")]), 0);
}

#[test]
fn a_folder_with_another_name_is_missed_where_one_letter_makes_it_the_one_that_is_there() {
    let of = |volumes: &str, files: &[(&str, &str)]| {
        count_in(
            "mount-source-missing",
            &format!("services: {{a: {{image: 'x:1', volumes: [{volumes}]}}}}\n"),
            files,
        )
    };
    let files =
        ["scripts/a.sh", "gpu1/a.sh", "backups/a.sh", "my-data/a.sh"].map(|path| (path, "#!/bin/sh\n"));
    assert_eq!(of("'./scipts:/scripts'", &files), 1);
    for volumes in [
        "'./scripts:/scripts'",
        "'./data:/data'",
        "'./gpu2:/x'",
        "'./scipts:/a', './scripts:/b'",
        // Docker makes them.
        "'./backup:/backup'",
        "'./mydata:/data'",
        "'./my_data:/data'",
    ] {
        assert_eq!(of(volumes, &files), 0, "{volumes}");
    }
}

#[test]
fn a_script_is_missed_only_in_an_image_that_has_none() {
    let of = |service: &str| count("file-not-mounted", &format!("services: {{a: {{{service}}}}}\n"));
    assert_eq!(of("image: 'python:3.13-alpine', command: [python3, /app/run.py]"), 1);
    assert_eq!(of("image: 'alpine:3', command: sh /run.sh, volumes: ['./rnu:/rnu']"), 1);
    assert_eq!(of("image: 'node:24', command: [/app/run.js]"), 1);
    assert_eq!(of("image: 'python:3.13', entrypoint: [/usr/local/bin/python3, -u], command: /app/run.py"), 1);
    let project = Project::empty();
    project.write(
        "docker-compose.yml",
        "services: {a: {image: 'alpine:3', command: sh /run.sh}, g: {image: grafana/grafana}}\n",
    );
    let said = project.skymon(&["validate", "."]).stdout;
    assert!(said.contains("mount its folder at `/scripts`, and write `/scripts/run.sh`"), "{said}");
    for service in [
        "image: 'python:3.13-alpine', command: [python3, /app/run.py], volumes: ['./app:/app']",
        "image: 'python:3.13-alpine', command: [python3, run.py]",
        // What another program makes, and what a script may.
        "image: 'node:24', command: [npx, esbuild, src/a.ts, -o, /dist/b.js]",
        "image: 'node:24', command: [node, build.js, -o, /dist/b.js]",
        "image: 'python:3.13-alpine', command: [python3, /usr/local/bin/x.py]",
        "image: 'mine/app:1', command: [python3, /app/run.py]",
        "image: 'python:3.13-alpine', build: ., command: [python3, /app/run.py]",
        "image: 'alpine:3', command: [sh, -c, 'echo true > /run.sh; sh /run.sh']",
    ] {
        assert_eq!(of(service), 0, "{service}");
    }
}

#[test]
fn a_file_for_compose_without_services_starts_nothing() {
    let of = |name: &str, text: &str| {
        let files = [(name, text), ("rules.yml", "groups: [{name: g, rules: [{record: a:b, expr: x}]}]\n")];
        found(&files).iter().filter(|said| said.starts_with("missing-key")).count()
    };
    assert_eq!(of("docker-compose.yml", "name: x\nvolumes: {data: {}}\n"), 1);
    assert_eq!(of("compose.yaml", "include: [other.yml]\n"), 0);
    assert_eq!(of("docker-compose.base.yml", "volumes: {data: {}}\n"), 0);
}
