//! Files made of the tables themselves: for each key of each form one file in which it stands with a value that fits, and some
//! in which its value is of another kind.

use serde_json::{Map, Value, json};
use skymon::forms::{Form, Reader, Scalar, Section, Table, Type};

/// A key with the keys that lead to it.
pub(crate) struct At<'a> {
    pub(crate) path: Vec<String>,
    pub(crate) section: &'a Section,
}

/// All sections of a form, with the keys that lead there; `-` is an item of a list, `*` a name in a map.
pub(crate) fn sections(table: &'static Table) -> Vec<At<'static>> {
    let mut found: Vec<At<'static>> = Vec::new();
    let mut next: Vec<(Vec<String>, Type)> = vec![(Vec::new(), Type::Named("file".to_owned()))];
    let mut seen = Vec::new();
    while let Some((path, what)) = (!next.is_empty()).then(|| next.remove(0)) {
        let below = |step: &str| [path.clone(), vec![step.to_owned()]].concat();
        match table.resolve(&what) {
            Type::List(item) => next.push((below("-"), (**item).clone())),
            Type::Map(value) => next.push((below("*"), (**value).clone())),
            Type::Either(ways) => next.extend(ways.iter().map(|way| (path.clone(), way.clone()))),
            Type::Named(name) => {
                let Some(section) = table.section(name).filter(|_| !seen.contains(name)) else { continue };
                seen.push(name.clone());
                for (key, known) in &section.keys {
                    next.push((below(key), known.what.clone()));
                }
                found.push(At { path, section });
            }
            Type::Any | Type::Nothing | Type::Scalar(_) | Type::Word { .. } => {}
        }
    }
    found
}

/// A whole file in which a map with these keys stands at the end of a path, with all that is needed on the way.
pub(crate) fn file(form: Form, path: &[String], inside: Value) -> Value {
    let table = form.table();
    fill(table, &Type::Named("file".to_owned()), path, inside)
}

/// What a section cannot do without, for reasons that are no matter of its form: the matter of other checks, or of nobody.
fn meaning(name: &str) -> Value {
    match name {
        "relabeling" => json!({"target_label": "a"}),
        "aws_sd" => json!({"region": "a"}),
        "gce_sd" => json!({"project": "a", "zone": "a"}),
        "kubernetes_sd" => json!({"api_server": "http://a.example"}),
        "time_range" => json!({"start_time": "08:00", "end_time": "09:00"}),
        "discord" | "msteams" | "msteamsv2" | "mattermost" => json!({"webhook_url": "http://a.example"}),
        "email" => json!({"to": "a@a.example", "from": "b@a.example", "smarthost": "a.example:25"}),
        "incidentio" => json!({"url": "http://a.example", "alert_source_token": "a"}),
        "jira" => json!({"api_url": "http://a.example", "project": "a", "issue_type": "a"}),
        "opsgenie" => json!({"api_key": "a"}),
        "pagerduty" => json!({"routing_key": "a"}),
        "pushover" => json!({"user_key": "a", "token": "a"}),
        "responder" => json!({"id": "a"}),
        "rocketchat" => json!({"token": "a", "token_id": "a"}),
        "slack" => json!({"api_url": "http://a.example"}),
        "sns" => json!({"topic_arn": "a"}),
        "telegram" => json!({"bot_token": "a", "chat_id": 1}),
        "victorops" => json!({"api_key": "a", "routing_key": "a"}),
        "webex" => json!({"room_id": "a", "http_config": {"authorization": {"credentials": "a"}}}),
        "zookeeper_sd" => json!({"servers": ["a"], "paths": ["/a"]}),
        "ovhcloud_sd" => json!({"service": "vps"}),
        "triton_sd" => json!({"role": "container"}),
        "hetzner_sd" => json!({"role": "robot"}),
        "scaleway_sd" => json!({"role": "instance"}),
        "webhook" => json!({"url": "http://a.example"}),
        "wechat" => json!({"api_secret": "a", "corp_id": "a"}),
        "service" => json!({"image": "a"}),
        _ => json!({}),
    }
}

/// What is needed of a section, so that its own program takes it. `own` is the key that is to stand there.
fn needed(table: &Table, name: &str, own: Option<&str>) -> Map<String, Value> {
    let section = table.section(name).expect("is there");
    let mut map = Map::new();
    for (key, known) in section.keys.iter().filter(|(_, known)| known.is_needed) {
        map.insert(key.clone(), example(table, key, &known.what));
    }
    for (key, value) in meaning(name).as_object().into_iter().flatten() {
        if own.is_none_or(|own| !section.excludes(own, key)) {
            map.insert(key.clone(), value.clone());
        }
    }
    for group in section.groups() {
        if !group.iter().any(|key| own == Some(key) || map.contains_key(*key)) {
            map.insert(group[0].to_owned(), example(table, group[0], &section.keys[group[0]].what));
        }
    }
    if let Some(own) = own {
        for key in section.companion(own) {
            map.entry(key).or_insert_with(|| example(table, key, &section.keys[key].what));
        }
    }
    map
}

fn fill(table: &Table, what: &Type, path: &[String], inside: Value) -> Value {
    let Some((step, rest)) = path.split_first() else {
        let mut map = match table.resolve(what) {
            Type::Named(name) => {
                let own = inside.as_object().and_then(|map| map.keys().next()).map(String::as_str);
                needed(table, name, own)
            }
            _ => Map::new(),
        };
        return match inside {
            Value::Object(own) => {
                map.extend(own);
                Value::Object(map)
            }
            other => other,
        };
    };
    match table.resolve(what) {
        Type::List(item) if step == "-" => json!([fill(table, item, rest, inside)]),
        Type::Map(value) if step == "*" => json!({"x": fill(table, value, rest, inside)}),
        Type::Named(name) => {
            let section = table.section(name).expect("is there");
            let mut map = needed(table, name, Some(step));
            map.insert(step.clone(), fill(table, &section.keys[step].what, rest, inside));
            Value::Object(map)
        }
        Type::Either(ways) => {
            let leads = |way: &&Type| match (table.resolve(way), step.as_str()) {
                (Type::List(_), "-") | (Type::Map(_), "*") => true,
                (Type::Named(name), step) => {
                    table.section(name).is_some_and(|section| section.keys.contains_key(step))
                }
                _ => false,
            };
            let way = ways.iter().find(leads).expect("the path was made of the table");
            fill(table, way, path, inside)
        }
        other => panic!("{step} leads nowhere in {other:?}"),
    }
}

/// Values that a program takes only if they mean something.
fn meant(key: &str) -> Option<Value> {
    Some(match key {
        "job_name" | "series" => json!("a"),
        "scheme" => json!("http"),
        "url" | "api_url" | "webhook_url" | "server" | "slack_api_url" | "endpoint" | "token_url"
        | "api_server" => {
            json!("http://a.example/x")
        }
        "proxy_url" | "external_url" => json!("http://a.example:3128"),
        "host" => json!("unix:///x.sock"),
        "regex" => json!("a.*"),
        "name" | "receiver" => json!("x"),
        "smarthost" | "smtp_smarthost" => json!("a.example:25"),
        "matchers" | "source_matchers" | "target_matchers" | "match[]" => json!(["a=\"b\""]),
        "location" => json!("UTC"),
        "start_time" => json!("08:00"),
        "end_time" => json!("09:00"),
        "query_class" => json!("IN"),
        "query_type" => json!("A"),
        "paths" => json!(["/a"]),
        "values" => json!("1"),
        "container_name" => json!("aa"),
        "pull_policy" => json!("always"),
        "expr" => json!("up"),
        "scrape_protocols" => json!(["PrometheusText0.0.4"]),
        "fallback_scrape_protocol" => json!("PrometheusText0.0.4"),
        _ => return None,
    })
}

/// A value that fits.
pub(crate) fn example(table: &Table, key: &str, what: &Type) -> Value {
    if let Some(value) = meant(key) {
        return value;
    }
    match table.resolve(what) {
        Type::Any | Type::Nothing => json!({}),
        Type::Scalar(Scalar::Text | Scalar::Regex | Scalar::String | Scalar::Filled | Scalar::LabelName) => {
            json!("a")
        }
        Type::Scalar(Scalar::Series | Scalar::PromQl) => json!("a"),
        Type::Scalar(Scalar::SeriesValues) => json!("1+1x5 _ stale"),
        Type::Scalar(Scalar::Histogram) => json!("{{schema:0 sum:1}}"),
        Type::Scalar(Scalar::Labels) => json!("a{b=\"c\"}"),
        Type::Scalar(Scalar::Location) => json!("Europe/Berlin"),
        Type::Scalar(Scalar::Bool | Scalar::Flag) => json!(true),
        Type::Scalar(Scalar::Whole | Scalar::Count | Scalar::Number | Scalar::Numeral) => json!(1),
        Type::Scalar(Scalar::Duration | Scalar::GoDuration | Scalar::LongDuration | Scalar::Time) => {
            json!("5s")
        }
        Type::Scalar(Scalar::Weekday) => json!("monday"),
        Type::Scalar(Scalar::Month | Scalar::DayOfMonth) => json!("1"),
        Type::Scalar(Scalar::Year) => json!("2026"),
        Type::Scalar(Scalar::TimeOfDay) => json!("08:00"),
        Type::Scalar(Scalar::TargetFile | Scalar::Glob | Scalar::FileGlob) => json!("a.yml"),
        Type::Scalar(Scalar::Bytes) => json!("10m"),
        Type::Scalar(Scalar::Size) => json!("10MB"),
        Type::Scalar(Scalar::Address) => json!("a.example:25"),
        Type::Scalar(Scalar::Url | Scalar::AnyUrl) => json!("http://a.example/x"),
        Type::Word { words, .. } => json!(words[0]),
        Type::List(item) => json!([example(table, "", item)]),
        Type::Map(value) => json!({"x": example(table, "", value)}),
        Type::Named(name) => Value::Object(needed(table, name, None)),
        Type::Either(ways) => example(table, "", &ways[0]),
    }
}

/// Values of other kinds, for whatever stands there.
pub(crate) fn others() -> [(&'static str, Value); 8] {
    [
        ("nothing", Value::Null),
        ("a list", json!([["a"]])),
        ("a map", json!({"nosuch": {"a": ["b"]}})),
        ("a word", json!("no such word")),
        ("a number", json!(7)),
        ("a negative number", json!(-7)),
        ("a bool", json!(true)),
        ("a list of maps", json!([{"nosuch": 1}])),
    ]
}

/// Whether a program of this version knows the key. `None` where that depends on who built it.
pub(crate) fn is_known(reader: &Reader, version: (u64, u64)) -> Option<bool> {
    let number = |text: &str| {
        let (major, minor) = text.split_once('.').unwrap_or((text, "0"));
        (major.parse::<u64>().expect("a number"), minor.parse::<u64>().expect("a number"))
    };
    match reader {
        Reader::All => Some(true),
        Reader::Since(since) => Some(version >= number(since)),
        Reader::Until(until) => Some(version < number(until)),
        Reader::SomeBuilds => None,
        Reader::Other(_) => Some(false),
    }
}
