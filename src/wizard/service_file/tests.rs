//! All the forms in which a service file may be written, and all that is none.

use super::*;

fn parse(text: &str) -> Result<ServiceFile, String> {
    super::parse(SourceFile::new("service.yaml", text))
}

fn file(text: &str) -> ServiceFile {
    parse(text).unwrap_or_else(|fault| panic!("{fault}\n{text}"))
}

/// A file with these lines in its section `service`.
fn service(lines: &str) -> ServiceFile {
    file(&format!("service:\n  {}\nrun: python3 server.py\n", lines.replace('\n', "\n  ")))
}

/// What was taken, with its line, in a form that is easy to compare.
fn value<T: Clone>(read: Option<&At<T>>) -> Option<(T, usize)> {
    read.map(|read| (read.value.clone(), read.line))
}

fn path(file: &ServiceFile) -> Option<&str> {
    file.ready_path.as_ref().map(|path| path.value.as_str())
}

/// What was left, one line each.
fn left(file: &ServiceFile) -> String {
    let lines = file.left.iter().map(|left| format!("{} {} {}", left.line, left.of, left.value));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn the_readiness_path_is_read_from_a_text_and_from_a_map() {
    for lines in [
        "readiness_probe: /health",
        "readiness_probe: '/health'",
        "readiness_probe:\n  path: /health\n  initial_delay_seconds: 1200",
        "readiness_probe: {path: /health, headers: {Content-Type: text/plain}}",
    ] {
        let file = service(lines);
        assert_eq!(path(&file), Some("/health"), "{lines}");
        assert_eq!(left(&file), "");
    }
}

#[test]
fn a_path_that_a_plain_get_does_not_satisfy_is_left_with_its_reason() {
    for (lines, reason) in [
        (
            "readiness_probe:\n  path: /v1/chat/completions\n  post_data: {model: MARKER}",
            "3 service.readiness_probe.path is asked by POST",
        ),
        (
            "readiness_probe:\n  path: /v1/models\n  headers: {Authorization: Bearer MARKER}",
            "3 service.readiness_probe.path is asked with headers",
        ),
        ("readiness_probe: /health?key=MARKER", "2 service.readiness_probe is not a plain path"),
        ("readiness_probe: health", "2 service.readiness_probe is not a plain path"),
        ("readiness_probe: /$HEALTH", "2 service.readiness_probe holds a variable"),
        ("readiness_probe: [MARKER]", "2 service.readiness_probe is not a plain path"),
    ] {
        let file = service(lines);
        assert_eq!(path(&file), None, "{lines}");
        assert!(left(&file).starts_with(reason), "{lines}: {}", left(&file));
        assert!(!format!("{file:?}").contains("MARKER"), "{file:?}");
    }
}

#[test]
fn of_headers_only_the_names_are_read() {
    let headers = |header: &str| {
        service(&format!("readiness_probe:\n  path: /\n  headers:\n    {header}\n    Accept: text/plain"))
    };
    let bearer = headers("authorization: Bearer MARKER");
    assert_eq!(value(bearer.bearer.as_ref()), Some(((), 5)));
    let basic = headers("Authorization: Basic MARKER");
    assert_eq!(basic.bearer, None);
    assert!(
        left(&basic).contains("5 service.readiness_probe.headers.Authorization is a user and a password")
    );
    let other = headers("X-Api-Key: MARKER");
    assert!(
        left(&other).contains("5 service.readiness_probe.headers.X-Api-Key is no header that"),
        "{}",
        left(&other)
    );
    // The token is SkyServe's to fill in, and wanted all the same.
    assert!(headers("Authorization: Bearer $AUTH_TOKEN").bearer.is_some());
    for file in [bearer, basic, other] {
        assert!(!format!("{file:?}").contains("MARKER"));
    }
}

#[test]
fn replicas_are_a_number_a_policy_or_the_default() {
    for (lines, min, max) in [
        ("replicas: 3", Some((3, 2)), Some((3, 2))),
        ("replicas: '3'", Some((3, 2)), Some((3, 2))),
        ("readiness_probe: /", Some((1, 1)), Some((1, 1))),
        ("replica_policy:\n  min_replicas: 0\n  max_replicas: 4", Some((0, 3)), Some((4, 4))),
        ("replica_policy: {min_replicas: 2}", Some((2, 2)), Some((2, 2))),
        ("replica_policy: {min_replicas: 2, max_replicas: $MAX}", Some((2, 2)), None),
        ("replica_policy: {min_replicas: $MIN, max_replicas: 4}", None, Some((4, 2))),
        ("replica_policy: {min_replicas: 1.5}", None, None),
        ("replica_policy: {min_replicas: -1}", None, None),
        ("replicas: MANY", None, None),
        ("replicas: 2\nreplica_policy: {min_replicas: 1, max_replicas: 9}", Some((1, 3)), Some((9, 3))),
        ("replica_policy: {min_replicas: 5, max_replicas: 3}", Some((5, 2)), None),
    ] {
        let file = service(lines);
        assert_eq!((value(file.min.as_ref()), value(file.max.as_ref())), (min, max), "{lines}");
    }
    assert_eq!(
        left(&service("replicas: 2\nreplica_policy: {min_replicas: $MIN}")),
        "2 service.replicas stands beside `replica_policy`, which is taken instead\n\
         3 service.replica_policy.min_replicas holds a variable, which SkyServe fills in"
    );
}

#[test]
fn the_port_is_the_services_or_the_only_one_of_the_resources() {
    for (text, port) in [
        ("service: {ports: 9000}\nresources: {ports: [8080, 9000]}\n", Some(9000)),
        ("service: {port: 9000}\n", Some(9000)),
        ("service: {replicas: 1}\nresources: {ports: 8080}\n", Some(8080)),
        ("service: {replicas: 1}\nresources: {ports: '8080'}\n", Some(8080)),
        ("service: {replicas: 1}\nresources: {ports: ['8080']}\n", Some(8080)),
        ("service: {replicas: 1}\nresources: {any_of: [{infra: gcp}, {ports: 8080}]}\n", Some(8080)),
        ("service: {replicas: 1}\nresources:\n  ordered:\n  - ports: 8080\n", Some(8080)),
        ("service: {replicas: 1}\nresources: {ports: 8080-8090}\n", None),
        ("service: {replicas: 1}\nresources: {ports: [8080, 8081]}\n", None),
        ("service: {replicas: 1}\nresources: {ports: 0}\n", None),
        ("service: {replicas: 1}\nresources: {ports: $PORT}\n", None),
    ] {
        let file = file(text);
        assert_eq!(file.port.as_ref().map(|port| port.value), port, "{text}");
        assert_eq!(file.left.is_empty(), port.is_some(), "{text}: {}", left(&file));
    }
    assert_eq!(file("service: {replicas: 1}\n").port, None);
}

#[test]
fn accelerators_and_spot_are_found_in_each_form_of_the_resources() {
    let resources = |text: &str| {
        let file = file(&format!("service: {{replicas: 1}}\nresources: {text}\n"));
        (
            file.accelerators.map(|names| names.value.join(" ")).unwrap_or_default(),
            file.spot.map(|spot| spot.value),
        )
    };
    for (text, accelerators, spot) in [
        ("{accelerators: L4}", "L4", None),
        ("{accelerators: A100:8, use_spot: true}", "A100:8", Some(true)),
        ("{accelerators: [L4:1, L40S], use_spot: false}", "L4:1 L40S", None),
        ("{accelerators: {A100: 1, H100: 2}}", "A100:1 H100:2", None),
        ("{accelerators: {A100:1, H100:2}}", "A100:1 H100:2", None),
        ("{any_of: [{accelerators: L4, use_spot: true}, {accelerators: T4}]}", "L4 T4", Some(false)),
        ("{use_spot: true, ordered: [{infra: gcp}, {infra: aws}]}", "", Some(true)),
        ("{use_spot: true, ordered: [{infra: gcp}, {use_spot: false}]}", "", Some(false)),
        ("{accelerators: 'hf_ token with spaces'}", "", None),
        ("{any_of: nothing}", "", None),
        ("text", "", None),
        ("[{use_spot: true}]", "", None),
    ] {
        assert_eq!(resources(text), (accelerators.to_owned(), spot), "{text}");
    }
}

#[test]
fn tls_is_read_in_its_form_of_today_and_in_the_one_before() {
    for key in ["tls", "https"] {
        let file = service(&format!("replicas: 1\n{key}:\n  keyfile: key.pem\n  certfile: cert.pem"));
        assert_eq!(value(file.tls.as_ref()), Some(((), 3)), "{key}");
    }
    assert_eq!(service("tls:").tls, None);
}

#[test]
fn the_engine_is_what_run_starts_else_the_image_else_what_setup_starts() {
    let engines = |text: &str| {
        let file = file(&format!("service: {{replicas: 1}}\n{text}"));
        file.engines
            .iter()
            .map(|engine| format!("{}:{} {}", engine.value, engine.line, engine.of))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        engines("run: |\n  conda activate x\n  HF_TOKEN=hf_MARKER vllm serve $MODEL\n"),
        ["vllm:4 run: vllm serve"]
    );
    assert_eq!(
        engines(
            "setup: pip install vllm\nresources: {image_id: 'docker:lmsysorg/sglang:v0.4'}\nrun: ./start\n"
        ),
        ["sglang:3 resources.image_id: lmsysorg/sglang"]
    );
    assert_eq!(
        engines("setup: |\n  ollama serve &\nrun: sleep infinity\n"),
        ["ollama:3 setup: ollama serve"]
    );
    assert_eq!(engines("setup: pip install vllm\nrun: python3 -m fastchat.serve.vllm_worker\n"), [""; 0]);
    assert_eq!(engines("run: |\n  vllm serve x &\n  litellm --config c\n").len(), 2);
    assert_eq!(engines("run:\n"), [""; 0]);
}

#[test]
fn a_name_is_taken_from_the_task_or_from_the_document_before_it() {
    assert_eq!(
        value(file("name: chat\nservice: {replicas: 1}\n").name.as_ref()),
        Some(("chat".to_owned(), 1))
    );
    let two = file("# a pipeline of one\nname: chat\n---\n\nservice:\n  replicas: 2\n");
    assert_eq!(value(two.name.as_ref()), Some(("chat".to_owned(), 2)));
    assert_eq!(value(two.min.as_ref()), Some((2, 6)));
    let illegal = file("name: My Chat\nservice: {replicas: 1}\n");
    assert_eq!(illegal.name, None);
    assert_eq!(left(&illegal), "1 name is not a name that skymon can give a service");
}

#[test]
fn other_keys_of_any_age_and_form_are_no_hindrance() {
    let file = file(
        "service:\n  readiness_probe: /health\n  replica_policy: {min_replicas: 1, auto_restart: true, \
         qps_upper_threshold: 2}\n  controller: {resources: {cpus: 2}}\n  unheard_of: [1, {a: b}]\n\
         num_nodes: 1\nfile_mounts: {/x: {name: y}}\nenvs: {HF_TOKEN: null, A: MARKER}\nsecrets: [MARKER]\n",
    );
    assert_eq!(path(&file), Some("/health"));
    assert_eq!(left(&file), "");
    assert!(!format!("{file:?}").contains("MARKER"));
}

#[test]
fn what_is_no_service_file_is_refused_and_told_what_one_looks_like() {
    const SAMPLE: &str = "`service: {readiness_probe: /health, replicas: 2}`";
    for (text, message) in [
        ("", "`service.yaml` is empty"),
        ("# nothing\n---\n", "`service.yaml` is empty"),
        ("just text", "`service.yaml` is no service file of SkyServe"),
        ("- a\n- b\n", "`service.yaml` is no service file of SkyServe"),
        (
            "resources: {cpus: 2}\nrun: python3 train.py\n",
            "has no `service`: it is a task that SkyPilot runs",
        ),
        ("name: x\n---\nrun: a\n---\nrun: b\n", "has no `service`: it is a task that SkyPilot runs"),
        ("version: 1\nservices: {chat: {}}\n", "as a skymon.yaml or a compose file has"),
        ("service:\nrun: x\n", "`service` in `service.yaml` is empty"),
        ("service: chat\n", "`service` in `service.yaml` is no map of keys"),
        ("service: [MARKER]\n", "`service` in `service.yaml` is no map of keys"),
    ] {
        let fault = parse(text).expect_err(text);
        assert!(fault.contains(message), "{text}: {fault}");
        assert!(fault.ends_with(SAMPLE), "{fault}");
        assert_eq!(fault.lines().count(), 2, "{fault}");
        assert!(!fault.contains("MARKER"));
    }
    let pool = parse("pool: {}\nservice: {pool: {workers: 2}}\nrun: x\n").unwrap_err();
    assert!(pool.starts_with("this is a pool of workers"), "{pool}");
    let two = parse("service: {replicas: 1}\n---\nname: x\nservice: {replicas: 2}\n").unwrap_err();
    assert_eq!(two, "`service.yaml` has more than one service, in the lines 1 and 4\ngive one file for each");
}

#[test]
fn what_is_no_yaml_is_refused_by_its_line_and_nothing_of_it_is_shown() {
    for (text, message) in [
        ("service:\n  replicas: 1\nenvs: {KEY: 'MARKER\n", "`service.yaml:3`: the quote is never closed"),
        ("service:\n\treplicas: MARKER\n", "`service.yaml:2`: a tab stands where YAML wants spaces"),
        (
            "envs: {A: MARKER}\nservice: {replicas: 1}\nenvs: {B: MARKER}\n",
            "`service.yaml:3`: `envs` is defined twice",
        ),
        ("MARKER: {a: 1}: x\n", "`service.yaml:1`: "),
        ("service: &a [*a]\n", "`service.yaml:1`: the alias stands inside of what it refers to"),
    ] {
        let fault = parse(text).expect_err(text);
        assert!(fault.starts_with(message), "{text}: {fault}");
        assert!(!fault.contains("MARKER"), "{fault}");
    }
    let deep = format!("service: {}", "[".repeat(1000));
    assert!(parse(&deep).unwrap_err().ends_with("nested too deep"));
    let nine = |n: usize| format!("a{n}: &a{n} [{}]", vec![format!("*a{}", n - 1); 9].join(","));
    let aliases = (1..12).map(nine).collect::<Vec<_>>().join("\n");
    assert!(parse(&format!("a0: &a0 [x]\n{aliases}\nservice: {{}}\n")).unwrap_err().contains("aliases make"));
}

#[test]
fn a_file_that_is_not_there_no_text_or_too_large_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("service.yaml");
    let fault = |path: &Path| read(path).expect_err("is refused");
    assert!(fault(&path).starts_with("cannot read "), "{}", fault(&path));
    assert!(fault(&path).ends_with("write the path of the file that you give to `sky serve up`"));
    assert!(fault(dir.path()).starts_with("cannot read "));
    std::fs::write(&path, b"service: \x00\x01").unwrap();
    assert!(fault(&path).contains("the file is not text"), "{}", fault(&path));
    std::fs::write(&path, b"service: \xff").unwrap();
    assert!(fault(&path).ends_with("save the file as UTF-8 text"), "{}", fault(&path));
    std::fs::write(&path, vec![b'#'; crate::source::MAX_BYTES + 1]).unwrap();
    assert!(fault(&path).contains("larger than 16 MiB"), "{}", fault(&path));
}

#[test]
fn nothing_that_is_cut_off_or_changed_anywhere_ends_the_program() {
    let text = "name: a\n---\nservice: &s\n  readiness_probe: {path: /h, headers: {Authorization: 'Bearer é'}}\n  \
                replica_policy: {min_replicas: 0, max_replicas: 3}\n  tls: {keyfile: k}\nresources:\n  any_of:\n  - {ports: 1, \
                use_spot: yes, accelerators: {L4:1}}\n  - <<: *s\nrun: |\n  vllm serve \\\n   # é\n";
    file(text);
    for (at, _) in text.char_indices() {
        let _ = parse(&text[..at]);
        for other in ["", "'", "]", "{", "\n", "&a ", "*s", "|", "é"] {
            let _ =
                parse(&format!("{}{other}{}", &text[..at], text[at..].chars().skip(1).collect::<String>()));
        }
    }
}
