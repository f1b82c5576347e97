//! What Grafana is provisioned with, one slip at a time: each is told once, at its line, and what only looks like one is not.

mod support;

use support::memory::{self, place};

const COMPOSE: &str = "services:\n  grafana:\n    image: grafana/grafana:12.0.2\n    volumes: ['./g:/etc/grafana/provisioning', './d:/d', 'data:/var/lib/grafana']\n    environment: {GF_SECURITY_ADMIN_PASSWORD__FILE: /run/secrets/x}\nvolumes: {data: }\n";
const SOURCES: &str = "apiVersion: 1\ndatasources:\n  - name: P\n    uid: p\n    type: prometheus\n    url: http://prometheus.example.com\n    isDefault: true\n    jsonData: {timeInterval: 15s}\n";
const PROVIDERS: &str =
    "apiVersion: 1\nproviders:\n  - name: all\n    type: file\n    options:\n      path: /d\n";
const PANEL: &str = "{\"type\": \"table\", \"title\": \"A\", \"datasource\": {\"type\": \"prometheus\", \"uid\": \"p\"}, \"targets\": [\n{\"refId\": \"A\", \"expr\": \"up\"},\n{\"refId\": \"B\", \"expr\": \"up\"}]}";

/// One panel for each line, and more of the dashboard after them.
fn dashboard(panels: &str, more: &str) -> String {
    format!("{{\"uid\": \"x\", \"title\": \"X\", \"schemaVersion\": 42{more}, \"panels\": [\n{panels}]}}")
}

/// `file:line id` of everything that is found, sorted.
fn found(compose: &str, sources: &str, providers: &str, dashboard: &str) -> Vec<String> {
    let files = [
        ("docker-compose.yml", compose),
        ("g/datasources/a.yml", sources),
        ("g/dashboards/a.yml", providers),
        ("d/x.json", dashboard),
    ];
    let mut all = memory::found(&files, |stack, one| format!("{} {}", place(stack, one), one.id));
    all.retain(|one| !one.ends_with("secret-file-missing") && !one.ends_with("file-not-mounted"));
    all
}

const NOTHING: [&str; 0] = [];

#[test]
fn what_is_right_has_no_finding() {
    assert_eq!(found(COMPOSE, SOURCES, PROVIDERS, &dashboard(PANEL, "")), NOTHING);
}

#[test]
fn a_query_of_a_panel_that_asks_nothing_is_told_where_it_stands() {
    let of = |panel: &str| found(COMPOSE, SOURCES, PROVIDERS, &dashboard(panel, ""));
    let lost = ["d/x.json:2 panel-without-query"];
    assert_eq!(of(&PANEL.replace("\"B\", \"expr\": \"up\"", "\"B\"")), lost);
    assert_eq!(of(&PANEL.replace("\"B\", \"expr\"", "\"B\", \"exr\"")), lost);
    assert_eq!(of(&PANEL.replace("\"expr\"", "\"exrp\"")), lost);
    // Hidden, or asked of another kind of datasource, or a row that keeps what it was.
    for fine in [
        PANEL.replace("\"B\", \"expr\": \"up\"", "\"B\", \"hide\": true"),
        PANEL
            .replace("\"uid\": \"p\"", "\"uid\": \"-- Mixed --\"")
            .replace("\"B\", \"expr\": \"up\"", "\"B\", \"type\": \"math\", \"expression\": \"$A\", \"datasource\": {\"type\": \"__expr__\", \"uid\": \"__expr__\"}"),
        PANEL.replace("\"table\"", "\"row\"").replace("\"expr\": \"up\"", "\"x\": 1"),
    ] {
        assert_eq!(of(&fine), NOTHING, "{fine}");
    }
    // What a query says of itself counts below a panel of Prometheus too.
    let second = |query: &str| of(&PANEL.replace("\"B\", \"expr\": \"up\"", &format!("\"B\", {query}")));
    for fine in [
        "\"type\": \"math\", \"expression\": \"$A*2\"",
        "\"type\": \"math\", \"datasource\": {\"type\": \"__expr__\", \"uid\": \"__expr__\"}",
        "\"query\": \"x\", \"datasource\": {\"type\": \"elasticsearch\", \"uid\": \"p\"}",
    ] {
        assert_eq!(second(fine), NOTHING, "{fine}");
    }
    assert_eq!(second("\"datasource\": {\"type\": \"prometheus\", \"uid\": \"p\"}"), lost);
}

#[test]
fn a_key_of_a_dashboard_that_is_nearly_one_of_grafanas_is_told_once() {
    let of = |panel: &str, more: &str| found(COMPOSE, SOURCES, PROVIDERS, &dashboard(panel, more));
    for (key, wrong, line) in [
        ("targets", "tarets", 2),
        ("datasource", "datasorce", 2),
        ("refId", "reId", 3),
        ("refId", "refID", 3),
    ] {
        let slip = PANEL.replacen(&format!("\"{key}\""), &format!("\"{wrong}\""), 1);
        let all = of(&slip, "");
        assert!(all.contains(&format!("d/x.json:{line} unknown-key")), "{wrong}: {all:?}");
    }
    assert_eq!(of(&PANEL.replace("targets", "tarets"), ""), ["d/x.json:2 unknown-key"]);
    assert_eq!(of(PANEL, ", \"templatng\": {}"), ["d/x.json:1 unknown-key"]);
    // What plugins have of their own, and what stands there beside the right one.
    for own in [
        ", \"colors\": [], \"color\": 1",
        ", \"myTargets\": 1",
        ", \"description\": \"\", \"descriptions\": 1",
    ] {
        let panel = PANEL.replace("\"title\": \"A\"", &format!("\"title\": \"A\"{own}"));
        assert_eq!(of(&panel, ""), NOTHING, "{own}");
    }
}

#[test]
fn a_kind_that_is_nearly_one_of_grafanas_is_a_slip_unless_it_is_installed() {
    let of_panel = |compose: &str, kind: &str| {
        found(
            compose,
            SOURCES,
            PROVIDERS,
            &dashboard(&PANEL.replace("\"table\"", &format!("\"{kind}\"")), ""),
        )
    };
    for slip in ["rw", "state-timeine", "statetimeline", "state-timline", "tabel", "timesereis"] {
        assert_eq!(of_panel(COMPOSE, slip), ["d/x.json:2 unknown-plugin"], "{slip}");
    }
    for fine in ["table-panel", "acme-table-panel", "graph", "natel-discrete-panel", "status-history"] {
        let all = of_panel(COMPOSE, fine);
        assert!(!all.iter().any(|one| one.contains("unknown-plugin")), "{fine}: {all:?}");
    }
    let installs = COMPOSE.replace("environment: {", "environment: {GF_PLUGINS_PREINSTALL: 'tabel@1.2', ");
    assert_eq!(of_panel(&installs, "tabel"), NOTHING);
    let without = PANEL.replace("\"type\": \"table\", ", "");
    assert_eq!(found(COMPOSE, SOURCES, PROVIDERS, &dashboard(&without, "")), ["d/x.json:2 unknown-plugin"]);
    let library = "{\"title\": \"A\", \"libraryPanel\": {\"uid\": \"l\", \"name\": \"A\"}}";
    assert_eq!(found(COMPOSE, SOURCES, PROVIDERS, &dashboard(library, "")), NOTHING);
    let variable = |kind: &str| {
        let list = format!(
            ", \"templating\": {{\"list\": [{{\"name\": \"v\", \"type\": \"{kind}\", \"query\": \"a,b\"}}]}}"
        );
        found(COMPOSE, SOURCES, PROVIDERS, &dashboard(PANEL, &list))
    };
    assert_eq!(variable("cusom"), ["d/x.json:1 unknown-plugin"]);
    assert_eq!(variable("custom"), NOTHING);
}

#[test]
fn a_provider_that_grafana_refuses_is_told_at_its_key() {
    let of = |providers: &str| {
        let all = found(COMPOSE, SOURCES, providers, &dashboard(PANEL, ""));
        // That the dashboard is not read then is no second fault.
        all.join(" ")
    };
    assert_eq!(of(&PROVIDERS.replace("type: file", "type: fie")), "g/dashboards/a.yml:4 wrong-type");
    assert_eq!(of(&PROVIDERS.replace("path:", "pah:")), "g/dashboards/a.yml:6 unknown-key");
    assert_eq!(of(&PROVIDERS.replace("options:", "optons:")), "g/dashboards/a.yml:5 unknown-key");
    assert_eq!(
        of(&PROVIDERS.replace("path: /d", "foldersFromFilesStructure: true")),
        "g/dashboards/a.yml:5 missing-key"
    );
    assert_eq!(
        of(&PROVIDERS.replace("    options:\n      path: /d\n", "")),
        "g/dashboards/a.yml:3 missing-key"
    );
    assert_eq!(of(&PROVIDERS.replace("providers:", "Providers:")), "g/dashboards/a.yml:2 unknown-key");
    // The kind has a default, and the path an older word.
    assert_eq!(of(&PROVIDERS.replace("    type: file\n", "")), "");
    assert_eq!(of(&PROVIDERS.replace("path:", "folder:")), "");
    // The folders are in each other's place.
    let compose = COMPOSE.replace("./g:", "./x:").replace("./d:", "./g:").replace("./x:", "./d:");
    let all = found(&compose, SOURCES, PROVIDERS, &dashboard(PANEL, ""));
    assert_eq!(all, ["docker-compose.yml:4 config-not-mounted"]);
}

#[test]
fn a_dashboard_in_the_form_of_the_api_is_one_fault() {
    let wrapped = format!("{{\"dashboard\":\n{}}}", dashboard(PANEL, ""));
    assert_eq!(found(COMPOSE, SOURCES, PROVIDERS, &wrapped), ["d/x.json:1 dashboard-wrapped"]);
    // Where no provider leads to it, a script may post it.
    let other = COMPOSE.replace("'./d:/d', ", "");
    let all = found(&other, SOURCES, "apiVersion: 1\nproviders: []\n", &wrapped);
    assert_eq!(all, ["d/x.json dashboards-not-loaded"]);
}

#[test]
fn a_datasource_that_answers_nothing_is_told() {
    let of = |sources: &str| found(COMPOSE, sources, PROVIDERS, &dashboard(PANEL, ""));
    let url = "    url: http://prometheus.example.com\n";
    assert_eq!(of(&SOURCES.replace(url, "")), ["g/datasources/a.yml:3 datasource-address"]);
    assert_eq!(of(&SOURCES.replace("url:", "ul:")), ["g/datasources/a.yml:6 datasource-address"]);
    // Kinds that ask a cloud, and an address that a variable says.
    let cloud = SOURCES.replace(url, "").replace("type: prometheus", "type: stackdriver");
    assert_eq!(of(&cloud), NOTHING);
    let variable = of(&SOURCES.replace("http://prometheus.example.com", "$URL"));
    assert!(!variable.iter().any(|one| one.contains("datasource-address")), "{variable:?}");
    for none in ["apiVersion: 1\ndatasources: []\n", "apiVersion: 1\n"] {
        assert_eq!(of(none), ["docker-compose.yml:2 no-datasource"], "{none}");
    }
    assert_eq!(of(&SOURCES.replace("datasources:", "datasorces:")), ["g/datasources/a.yml:2 unknown-key"]);
    // Something else may make it.
    for other in ["entrypoint: [sh, -c, 'write && /run.sh']", "env_file: [.env]"] {
        let compose = COMPOSE.replace("    environment", &format!("    {other}\n    environment"));
        let all = found(&compose, "apiVersion: 1\n", PROVIDERS, &dashboard(PANEL, ""));
        assert!(!all.iter().any(|one| one.contains("no-datasource")), "{other}: {all:?}");
    }
    let told = |compose: &str| {
        let all = found(compose, "apiVersion: 1\n", PROVIDERS, &dashboard(PANEL, ""));
        all.iter().any(|one| one.contains("no-datasource"))
    };
    let asks = |page: &str| {
        let own = format!(
            "  i: {{image: 'curlimages/curl:8.16.0', command: [-d, '@/d', 'http://grafana:3000/api/{page}']}}\nvolumes:"
        );
        COMPOSE.replace("volumes: {data", &format!("{own} {{data"))
    };
    assert!(!told(&asks("datasources")) && told(&asks("health")));
    assert!(!told(&COMPOSE.replace("environment: {", "environment: {GF_PATHS_CONFIG: /d/g.ini, ")));
}

#[test]
fn a_file_of_datasources_without_a_version_loses_what_the_old_form_did_not_have() {
    let of = |sources: &str| found(COMPOSE, sources, PROVIDERS, &dashboard("", ""));
    assert_eq!(of(&SOURCES.replace("apiVersion: 1\n", "")), ["g/datasources/a.yml:3 datasource-of-old-form"]);
    assert_eq!(of(&SOURCES.replace("apiVersion", "apiVerion")), ["g/datasources/a.yml:1 unknown-key"]);
    let old =
        "datasources:\n  - {name: P, type: prometheus, url: 'http://p.example.com', is_default: true}\n";
    let all = of(old);
    assert!(!all.iter().any(|one| one.contains("old-form")), "{all:?}");
}

#[test]
fn a_program_that_may_only_read_its_data_is_told() {
    let of = |mounts: &str| {
        let compose = COMPOSE.replace("'./d:/d', 'data:/var/lib/grafana'", mounts);
        assert_ne!(compose, COMPOSE);
        found(&compose, SOURCES, PROVIDERS, &dashboard(PANEL, ""))
    };
    let told = "docker-compose.yml:4 folder-not-writable".to_owned();
    // In each other's place.
    assert!(of("'./d:/var/lib/grafana:ro', 'data:/d'").contains(&told));
    assert!(of("'./d:/d', 'data:/var/lib/grafana:ro'").contains(&told));
    // Beside it, or below it, a folder may be for reading.
    assert_eq!(of("'./d:/d:ro', 'data:/var/lib/grafana'"), NOTHING);
    let below = PROVIDERS.replace("/d", "/var/lib/grafana/dashboards");
    let compose = COMPOSE.replace("./d:/d", "./d:/var/lib/grafana/dashboards:ro");
    assert_eq!(found(&compose, SOURCES, &below, &dashboard(PANEL, "")), NOTHING);
}
