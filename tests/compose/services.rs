//! What is said of a service itself: ports, health checks, tags, variables, values.

use crate::support::project::Project;
use crate::support::tools;
use crate::{count, count_in, ids};

#[test]
fn ports_are_taken_twice_only_where_both_can_be_there() {
    let of = |services: &str| count("port-taken-twice", &format!("services: {{{services}}}\n"));
    assert_eq!(of("a: {image: 'x:1', ports: ['80:1']}, b: {image: 'x:1', ports: ['127.0.0.1:80:1']}"), 1);
    assert_eq!(of("a: {image: 'x:1', ports: ['80-82:1-3']}, b: {image: 'x:1', ports: ['81:1', '83:1']}"), 1);
    assert_eq!(of("a: {image: 'x:1', ports: ['80:1', '0.0.0.0:80:2']}"), 1);
    for fine in [
        "a: {image: 'x:1', ports: ['80:1']}, b: {image: 'x:1', ports: ['80:1/udp']}",
        "a: {image: 'x:1', ports: ['127.0.0.1:80:1']}, b: {image: 'x:1', ports: ['127.0.0.2:80:1']}",
        "a: {image: 'x:1', ports: ['127.0.0.1:80:1', '[::1]:80:1']}",
        "a: {image: 'x:1', profiles: [cpu], ports: ['80:1']}, b: {image: 'x:1', profiles: [gpu], ports: ['80:1']}",
        "a: {image: 'x:1', ports: ['80-90:1']}, b: {image: 'x:1', ports: ['80-90:1']}",
        "a: {image: 'x:1', ports: ['80']}, b: {image: 'x:1', ports: ['80']}",
        "a: {image: 'x:1', ports: ['${A}:1']}, b: {image: 'x:1', ports: ['${A}:1']}",
    ] {
        assert_eq!(of(fine), 0, "{fine}");
    }
}

#[test]
fn a_dollar_is_eaten_in_a_hash_and_in_a_shells_own_variable_only() {
    let of =
        |service: &str| count("dollar-eaten", &format!("services: {{a: {{image: 'x:1', {service}}}}}\n"));
    for wrong in [
        "environment: {H: $2y$10$Abcdef.GhIj}",
        "environment: ['H=$2b$12$abcdefghijkl']",
        "labels: ['auth=admin:$apr1$abcdefgh$ijkl']",
        "command: [sh, -c, 'for i in 1 2; do echo $i; done']",
        "healthcheck: {test: 'x=1; test $x = 1'}",
    ] {
        assert_eq!(of(wrong), 1, "{wrong}");
    }
    for fine in [
        "environment: {H: $$2y$$10$$Abcdef.GhIj}",
        "environment: {H: $HASH}",
        "environment: ['NAME=$NAME']",
        "command: [sh, -c, 'for i in 1 2; do echo $$i; done']",
        "command: [sh, -c, 'echo $HOME ${x:-1}']",
        "environment: {PRICE: 'a $5 note', H: '$2y$10$1bc'}",
    ] {
        assert_eq!(of(fine), 0, "{fine}");
    }
}

/// Whether compose itself takes a file.
fn compose_takes(text: &str) -> bool {
    let project = Project::empty();
    project.write("docker-compose.yml", text);
    tools::compose(&["config", "-q"], &project.path(""), &[]).status == 0
}

#[test]
fn a_value_is_refused_where_compose_says_so_and_where_only_the_engine_does() {
    let text = |service: &str| format!("services: {{a: {{image: x:1, {service}}}}}\n");
    for service in [
        "ports: ['127.0.0.1x:80:80']",
        "ports: ['localhost:80:80']",
        "ports: ['256.0.0.1:80:80']",
        "ports: [{target: 80, host_ip: 127.0.0.1x}]",
        "ports: ['80:80/tp']",
        "ports: ['99999:80']",
        "ports: ['80:99999']",
        "ports: ['90-80:80']",
        "ports: ['a:80']",
        "healthcheck: {test: [CD, wget, x]}",
        "healthcheck: {test: [wget, x]}",
    ] {
        assert!(!compose_takes(&text(service)), "compose takes {service}");
        assert_eq!(count("value-refused", &text(service)), 1, "{service}");
    }
    // What follows is for the engine to refuse: compose passes it on.
    for service in [
        "ports: [{target: 80, protocol: tp}]",
        "ports: [{target: 80, published: 80x}]",
        "ports: [{target: 99999}]",
        "extra_hosts: ['a:host-gatway']",
        "extra_hosts: {a: host-gatway}",
        "extra_hosts: ['a:localhost']",
        "restart: alway",
        "restart: on-failur:3",
    ] {
        assert!(compose_takes(&text(service)), "compose refuses {service}");
        assert_eq!(count("value-refused", &text(service)), 1, "{service}");
    }
    for service in [
        "ports: ['80', '127.0.0.1::81', '8000-8002:8000-8002', '82:82/UDP', '[::1]:83:83', ':84']",
        "ports: [{target: 80, published: '8000-8010', host_ip: '::1', protocol: TCP}]",
        "ports: ['${PORT:-80}:80', '127.0.0.1:${OTHER:-81}:81']",
        "extra_hosts: ['a:host-gateway', 'b=1.2.3.4', 'c:[::1]', 'd:::1']",
        "healthcheck: {test: [CMD, x]}",
        "healthcheck: {test: [CMD-SHELL, x y]}",
        "healthcheck: {test: [NONE]}",
        "healthcheck: {test: x y}",
        "restart: 'no'",
        "restart: on-failure:3",
    ] {
        assert!(compose_takes(&text(service)), "compose refuses {service}");
        assert_eq!(count("value-refused", &text(service)), 0, "{service}");
    }
}

#[test]
fn a_health_check_fails_only_where_nobody_could_answer_it() {
    let of = |image: &str, test: &str| {
        count(
            "health-check-fails",
            &format!("services: {{a: {{image: '{image}', healthcheck: {{test: {test}}}}}}}\n"),
        )
    };
    let prometheus = "prom/prometheus:v3.5.3";
    for test in [
        "[CMD, wgt, -qO-, 'http://localhost:9090/-/healthy']",
        "[CMD, -qO-, 'http://localhost:9090/-/healthy']",
        "[CMD, wget, -q-, 'http://localhost:9090/-/healthy']",
        "[CMD, wget, -qO-]",
        "[CMD, wget, -q, 'http://localhost:9090/-/healthy']",
        "[CMD, wget, -qO-, 'http://localhost:9091/-/healthy']",
        "[CMD, wget, -qO-, 'http://localhost:9090/-/heathy']",
        "[CMD]",
        "curl -f http://127.0.0.1:9090/-/redy || exit 1",
        "[CMD-SHELL, 'promtool check heathy --url=http://localhost:9090']",
        "[CMD, promtool, check, '--url=http://localhost:9090']",
    ] {
        assert_eq!(of(prometheus, test), 1, "{test}");
    }
    for test in [
        "[CMD, wget, --spider, -q, 'http://localhost:9090/-/healthy']",
        "[CMD, wget, --no-verbose, --tries=1, --spider, 'http://localhost:9090/']",
        "[CMD, wget, -q, -O, /dev/null, 'http://localhost:9090/graph']",
        "[CMD-SHELL, 'wget -qO- http://localhost:9090/-/ready || exit 1']",
        "[CMD, promtool, check, healthy]",
        "[CMD-SHELL, 'nc -z localhost 9091']",
        "[CMD, curl, -f, 'http://other:1/x']",
        "[CMD-SHELL, '[ -f /tmp/x ] && wget -qO- http://localhost:9090/api/v1/status/config']",
        "[NONE]",
        "'mysqladmin ping -p$$PASSWORD'",
    ] {
        assert_eq!(of(prometheus, test), 0, "{test}");
    }
    // Of what is in another image nothing is known but the names of the tools.
    assert_eq!(of("mine/prometheus:v3.5.3", "[CMD, wget, -qO-, 'http://localhost:1/-/heathy']"), 0);
    // Only busybox refuses to write the page a second time.
    let kept = "[CMD, wget, -q, 'http://localhost:8080/health']";
    assert_eq!((of("node:24", kept), of("node:24-alpine", kept)), (0, 1));
    assert_eq!(of("node:24-alpine", "wget -q http://localhost:8080/health && rm health"), 0);
    // There is a program `hurl`, but not in this image.
    assert_eq!(of("mine/app:1", "[CMD, crl, 'http://localhost:1/x']"), 1);
    let hurl = "[CMD, hurl, --test, /x.hurl]";
    assert_eq!((of("mine/app:1", hurl), of(prometheus, hurl)), (0, 1));
    let spider = |word: &str| of("mine/app:1", &format!("[CMD, wget, --spider, {word}]"));
    assert_eq!((spider("gateway/health"), spider("-q")), (0, 1));
    let moved = |page: &str| {
        let test = format!("[CMD, wget, -qO-, 'http://localhost:9100/{page}']");
        let service = format!(
            "{{image: 'prom/node-exporter:v1.9.1', command: [--web.telemetry-path=/metric], healthcheck: {{test: {test}}}}}"
        );
        count("health-check-fails", &format!("services: {{a: {service}}}\n"))
    };
    assert_eq!((moved("metric"), moved("metrics")), (0, 1));
    let empty = |image: &str| {
        count(
            "health-check-fails",
            &format!("services: {{a: {{image: {image}, healthcheck: {{interval: 5s}}}}}}\n"),
        )
    };
    assert_eq!((empty("prom/prometheus:v3.5.3"), empty("mine/app:1")), (1, 0));
    // Where Grafana listens, a configuration or a command may say.
    let grafana = |more: &str| {
        let service = format!(
            "image: 'grafana/grafana:13.2.3', healthcheck: {{test: [CMD, curl, -f, 'http://localhost:3001/api/health']}}{more}"
        );
        count("health-check-fails", &format!("services: {{a: {{{service}}}}}\n"))
    };
    assert_eq!(grafana(""), 1);
    for more in [
        ", environment: {GF_SERVER_HTTP_PORT: 3001}",
        ", environment: {GF_PATHS_CONFIG: /cfg/my.ini}",
        ", command: ['cfg:server.http_port=3001']",
    ] {
        assert_eq!(grafana(more), 0, "{more}");
    }
}

#[test]
fn a_tag_is_missed_only_where_its_project_has_none_like_it() {
    let of = |image: &str| count("no-such-tag", &format!("services: {{a: {{image: '{image}'}}}}\n"));
    for image in [
        "prom/prometheus:v3.5.3x",
        "prom/prometheus:3.5.3",
        "quay.io/prometheus/alertmanager:0.33.1",
        "docker.io/grafana/grafana:v13.2.3",
        "grafana/grafana-oss:13.2.3x",
    ] {
        assert_eq!(of(image), 1, "{image}");
    }
    for image in [
        "prom/prometheus:v3.5.3",
        "prom/prometheus:v3.0.0-rc.1",
        "prom/prometheus:v3.5.3-distroless",
        "prom/prometheus:v3.5",
        "prom/prometheus:main",
        "prom/prometheus:0.15.1",
        "prom/prometheus:${VERSION}",
        "grafana/grafana:13.2.3-ubuntu",
        "grafana/grafana:13.2.3-security-01",
        "bitnami/prometheus:3.5.3",
        "registry.example.com/prom/prometheus:3.5.3",
        "prom/prometheus:3.5.3@sha256:0000000000000000000000000000000000000000000000000000000000000000",
    ] {
        assert_eq!(of(image), 0, "{image}");
    }
}

#[test]
fn an_address_of_this_machine_is_missed_only_where_nothing_can_be_published_there() {
    let of = |grafana: &str, more: &str| {
        count(
            "links-not-reachable",
            &format!("services:\n  a: {{image: 'grafana/grafana:13.2.3', {grafana}}}\n{more}"),
        )
    };
    let url = |url: &str| format!("environment: {{GF_SERVER_ROOT_URL: '{url}'}}");
    let here = url("http://localhost:3000/");
    assert_eq!(of(&here, ""), 1);
    let project = Project::empty();
    // What runs on the machine itself is not known: that is all that can be said.
    project.write("docker-compose.yml", &format!("services: {{a: {{image: grafana/grafana, {here}}}}}\n"));
    let said = project.skymon(&["validate", "."]).stdout;
    assert!(said.contains("nothing of this project is at port 3000") && !said.contains("nowhere"), "{said}");
    for path in ["/", "/grafana/"] {
        let told = url(&format!("http://localhost:3000{path}"));
        let text = format!("services: {{a: {{image: grafana/grafana, {told}, ports: ['3001:3000']}}}}\n");
        project.write("docker-compose.yml", &text);
        let said = project.skymon(&["validate", "."]).stdout;
        assert!(said.contains(&format!("write `http://localhost:3001{path}`")), "{said}");
    }
    assert_eq!(of(&format!("{here}, ports: ['3001:3000']"), ""), 1);
    assert_eq!(of(&url("http://127.0.0.1/"), "  b: {image: nginx:1, ports: ['8080:80']}\n"), 1);
    for (grafana, more) in [
        (format!("{here}, ports: ['3000:3000']"), ""),
        (format!("{here}, ports: ['${{PORT}}:3000']"), ""),
        (format!("{here}, ports: ['2990-3010:2990-3010']"), ""),
        (here.clone(), "  b: {image: nginx:1, ports: ['3000:80']}\n"),
        (here.clone(), "  b: {image: nginx:1, network_mode: host}\n"),
        (here, "include: ['https://example.com/more.yml']\n"),
        (url("http://grafana.example.com:3000/"), ""),
        (url("%(protocol)s://localhost:%(http_port)s/"), ""),
    ] {
        assert_eq!(of(&grafana, more), 0, "{grafana} {more}");
    }
}

#[test]
fn a_setting_of_grafana_is_missed_only_where_one_letter_makes_it_one() {
    let of = |variable: &str| {
        count(
            "setting-not-read",
            &format!("services: {{a: {{image: grafana/grafana, environment: ['{variable}']}}}}\n"),
        )
    };
    for variable in [
        "GF_USERS_ALLOW_SIGN_U=true",
        "GF_USER_ALLOW_SIGN_UP=true",
        "GF_SECURITY_ADMIN_PASWORD__FILE=/x",
        "GF_AUTH_ANONYMOUS_ENABLED=tre",
        "GF_AUTH_ANONYMOUS_ENABLED=enabled",
        "GF_AUTH_ANONYMOUS_ENABLED=tRUE",
        "GF_AUTH_ANONYMOUS_ENABLED=N",
    ] {
        assert_eq!(of(variable), 1, "{variable}");
    }
    for variable in [
        "GF_AUTH_ANONYMOUS_ENABLED=True",
        "GF_AUTH_ANONYMOUS_ENABLED=y",
        "GF_AUTH_ANONYMOUS_ENABLED=n",
        "GF_AUTH_ANONYMOUS_ENABLED=1",
        "GF_AUTH_ANONYMOUS_ENABLED=on",
        "GF_AUTH_ANONYMOUS_ENABLED=${ANONYMOUS}",
        "GF_AUTH_ANONYMOUS_ENABLED=",
        "GF_SECURITY_ADMIN_PASSWORD__FILE=/run/secrets/x",
        "GF_FEATURE_TOGGLES_ENABEL=x",
        "GF_PLUGIN_MINE_TOKEN=x",
        "GF_SOMETHING_ELSE=x",
        "GF_INSTALL_PLUGINS=x",
        "OTHER=tre",
    ] {
        assert_eq!(of(variable), 0, "{variable}");
    }
}

#[test]
fn a_program_that_nobody_runs_is_missed_only_in_a_whole_project() {
    let config = "scrape_configs: [{job_name: a, static_configs: [{targets: ['cadvisor:8080', 'gpu1:9400']}]}]\n\
                  alerting: {alertmanagers: [{static_configs: [{targets: ['alertmanager:9093']}]}]}\n";
    let with = |own: &str, services: &str, more: &str| {
        let own = format!(
            "p: {{image: 'prom/prometheus:v3.5.3', {own}volumes: ['./p:/etc/prometheus', 'data:/prometheus']}}"
        );
        let text = format!("services:\n  {own}\n{services}volumes: {{data: {{}}}}\n{more}");
        let found = ids(&text, &[("p/prometheus.yml", config)]);
        ["alertmanager-address", "target-address"]
            .map(|id| found.iter().filter(|one| one.as_str() == id).count())
    };
    let of = |services: &str, more: &str| with("", services, more);
    let other = "  b: {image: 'nginx:1'}\n";
    assert_eq!(of(other, ""), [1, 1]);
    for own in ["dns_search: [corp.example.org], ", "dns: 10.0.0.2, "] {
        assert_eq!(with(own, other, ""), [0, 0], "{own}");
    }
    assert_eq!(of(other, "networks: {default: {attachable: false}}\n"), [1, 1]);
    for (services, more) in [
        // A service that is alone is a piece of something.
        ("", ""),
        (other, "networks: {default: {name: shared}}\n"),
        (other, "networks: {default: {external: true}}\n"),
        (other, "networks: {default: {driver: overlay, attachable: true}}\n"),
        (other, "include: ['https://example.com/more.yml']\n"),
        (
            "  b: {image: 'nginx:1', container_name: cadvisor}\n  c: {image: 'nginx:1', hostname: alertmanager}\n",
            "",
        ),
    ] {
        assert_eq!(of(services, more), [0, 0], "{services} {more}");
    }
}

#[test]
fn a_retention_is_too_small_below_a_block_and_a_port_is_free_only_where_none_is_said() {
    let kept = |flags: &str| {
        count(
            "retention-too-small",
            &format!("services: {{p: {{image: prom/prometheus, command: [{flags}]}}}}\n"),
        )
    };
    for flags in [
        "--storage.tsdb.retention.time=30m",
        "--storage.tsdb.retention.size=10B",
        "--storage.tsdb.retention.size=512KB",
    ] {
        assert_eq!(kept(flags), 1, "{flags}");
    }
    for flags in [
        "--storage.tsdb.retention.time=2h",
        "--storage.tsdb.retention.time=0",
        "--storage.tsdb.retention.size=10GB",
        "--storage.tsdb.retention.size=1000000KB",
        "'--storage.tsdb.retention.time=${KEPT}'",
    ] {
        assert_eq!(kept(flags), 0, "{flags}");
    }
    // What is passed on at once need not stay.
    let compose = "services: {p: {image: prom/prometheus, command: [--config.file=/p/prometheus.yml, --storage.tsdb.retention.time=1h], volumes: ['./p:/p']}}\n";
    for (config, expected) in
        [("scrape_configs: []\n", 1), ("remote_write: [{url: 'https://example.com/w'}]\n", 0)]
    {
        let files = [("p/prometheus.yml", config)];
        assert_eq!(count_in("retention-too-small", compose, &files), expected, "{config}");
    }
    let free = |service: &str| {
        count("port-not-fixed", &format!("services: {{g: {{image: grafana/grafana, {service}}}}}\n"))
    };
    assert_eq!((free("ports: ['3000']"), free("ports: [{target: 3000}]")), (1, 1));
    for service in [
        "ports: ['3000:3000']",
        "ports: ['3000', '3001:3000']",
        "ports: ['3000'], deploy: {replicas: 2}",
        "expose: ['3000']",
    ] {
        assert_eq!(free(service), 0, "{service}");
    }
}
