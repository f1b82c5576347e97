//! The faults themselves, made from a file as data: keys renamed, entries dropped, neighbours swapped, addresses that lead
//! elsewhere, words with a letter too few, expressions that ask for something else.

use serde_json::Value;

pub(crate) struct Mutation {
    /// `<kind> <file> <path>: <what>`
    pub(crate) name: String,
    pub(crate) file: String,
    pub(crate) text: String,
}

pub(crate) const KINDS: [&str; 6] = ["ask", "drop", "mistype", "rename", "retarget", "swap"];

/// Text for people, and what is anybody's choice: another word there, or none, is no fault.
const FREE: [&str; 68] = [
    "GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES",
    "GF_ANALYTICS_CHECK_FOR_UPDATES",
    "GF_ANALYTICS_REPORTING_ENABLED",
    "GF_LOG_MODE",
    "GF_NEWS_NEWS_FEED_ENABLED",
    "GF_SECURITY_ADMIN_USER",
    "GF_SERVER_ROOT_URL",
    "SKYPILOT_API_SERVER_ENDPOINT",
    "access",
    "action",
    "allowUiUpdates",
    "annotations",
    "bind",
    "body_size_limit",
    "cap_drop",
    "color",
    "cost",
    "custom",
    "description",
    "details",
    "disableDeletion",
    "driver",
    "editable",
    "env",
    "external_labels",
    "fallback_scrape_protocol",
    "folder",
    "footer",
    "for",
    "group_interval",
    "group_wait",
    "headers",
    "help",
    "httpMethod",
    "id",
    "interval",
    "ip_protocol_fallback",
    "isDefault",
    "links",
    "logging",
    "mem_limit",
    "method",
    "mrkdwn_in",
    "name",
    "pids_limit",
    "preferred_ip_protocol",
    "pretext",
    "program",
    "read_only",
    "repeat_interval",
    "restart",
    "retries",
    "runbook",
    "scrape_protocols",
    "security_opt",
    "smarthost",
    "start_period",
    "summary",
    "text",
    "timeout",
    "title",
    "title_link",
    "tmpfs",
    "to",
    "updateIntervalSeconds",
    "user",
    "value",
    "version",
];
/// The same of dashboards: how a panel looks.
const FREE_IN_PAGES: [&str; 58] = [
    "action",
    "annotations",
    "builtIn",
    "collapsed",
    "color",
    "colorMode",
    "current",
    "custom",
    "description",
    "editable",
    "editorMode",
    "enable",
    "fieldConfig",
    "fiscalYearStartMonth",
    "footer",
    "format",
    "graphTooltip",
    "gridPos",
    "help",
    "hide",
    "hideControls",
    "icon",
    "iconColor",
    "id",
    "includeAll",
    "instant",
    "interval",
    "label",
    "legendFormat",
    "links",
    "liveNow",
    "maxDataPoints",
    "mode",
    "multi",
    "name",
    "options",
    "pluginVersion",
    "range",
    "refId",
    "refresh",
    "repeatDirection",
    "schemaVersion",
    "sort",
    "tags",
    "text",
    "threshold",
    "time",
    "timezone",
    "title",
    "titleSize",
    "tooltip",
    "transformations",
    "transparent",
    "unit",
    "uses",
    "value",
    "version",
    "weekStart",
];

/// What stands in the place of its neighbour's is another rule, and as good as before.
const UNIQUE: [&str; 5] = ["alert", "for", "record", "severity", "type"];

/// Up to `count` of each kind, evenly over all that can be made of a file.
pub(crate) fn all(file: &str, value: &Value, count: usize) -> Vec<Mutation> {
    let mut made: Vec<(&str, String, Value)> = Vec::new();
    let mut paths = Vec::new();
    let free: &[&str] = if is_page(file) { &FREE_IN_PAGES } else { &FREE };
    collect(value, free, &mut Vec::new(), &mut paths);
    for path in &paths {
        for (kind, what, changed) in of_one(file, value, path) {
            made.push((kind, format!("{kind} {file} {}: {what}", path.join(".")), changed));
        }
    }
    let mut all = Vec::new();
    for kind in KINDS {
        let of_kind: Vec<_> = made.iter().filter(|(one, ..)| *one == kind).collect();
        let step = of_kind.len().div_ceil(count).max(1);
        all.extend(of_kind.into_iter().step_by(step).map(|(_, name, value)| Mutation {
            name: name.clone(),
            file: file.to_owned(),
            text: text(file, value),
        }));
    }
    all
}

/// The file with other content; comments and style do not matter here.
pub(crate) fn text(file: &str, value: &Value) -> String {
    if is_page(file) { value.to_string() } else { serde_yaml::to_string(value).expect("is written") }
}

/// The paths of everything below the top.
fn collect(value: &Value, free: &[&str], path: &mut Vec<String>, paths: &mut Vec<Vec<String>>) {
    let children: Vec<(String, &Value)> = match value {
        Value::Object(map) => map.iter().map(|(key, value)| (key.clone(), value)).collect(),
        Value::Array(list) => list.iter().enumerate().map(|(at, value)| (at.to_string(), value)).collect(),
        _ => Vec::new(),
    };
    for (key, child) in children {
        // Grafana takes a panel's datasource for its queries, and knows its kind by its uid.
        let is_of_query = key == "datasource" && path.iter().any(|part| part == "targets");
        let is_kind = key == "type" && path.last().is_some_and(|part| part == "datasource");
        if free.contains(&key.as_str()) || is_of_query || is_kind {
            continue;
        }
        path.push(key);
        paths.push(path.clone());
        collect(child, free, path, paths);
        path.pop();
    }
}

fn pointer(path: &[String]) -> String {
    let parts = path.iter().map(|part| part.replace('~', "~0").replace('/', "~1"));
    parts.fold(String::new(), |pointer, part| pointer + "/" + &part)
}

/// Every fault that can be made at one place.
fn of_one(file: &str, whole: &Value, path: &[String]) -> Vec<(&'static str, String, Value)> {
    let (last, above) = path.split_last().expect("not the top");
    let parent = whole.pointer(&pointer(above)).expect("is there");
    let here = whole.pointer(&pointer(path)).expect("is there");
    let with = |change: &dyn Fn(&mut Value)| {
        let mut changed = whole.clone();
        change(changed.pointer_mut(&pointer(above)).expect("is there"));
        changed
    };
    let put = |text: String| with(&|parent| put_at(parent, last, Value::String(text.clone())));
    let mut made = Vec::new();
    let is_read = !is_page(file) || last == "expr";
    if let Value::Object(map) = parent
        && is_read
    {
        let typo = mistyped(last);
        made.push(("rename", format!("`{typo}`"), {
            let renamed = map
                .iter()
                .map(|(key, value)| (if key == last { typo.clone() } else { key.clone() }, value.clone()));
            let renamed = Value::Object(renamed.collect());
            with(&|parent| *parent = renamed.clone())
        }));
    }
    if is_read {
        let dropped = with(&|parent| match parent {
            Value::Object(map) => drop(map.shift_remove(last)),
            Value::Array(items) => drop(items.remove(last.parse().expect("is a number"))),
            _ => {}
        });
        made.push(("drop", String::new(), dropped));
    }
    let Value::String(text) = here else { return made };
    if last == "expr" {
        made.extend(asked(text).into_iter().map(|(what, text)| ("ask", what, put(text))));
        return made;
    }
    if let Some((host, port)) = address(text) {
        let digits = port.trim_end_matches('/');
        let other = format!("{host}:{}", digits.parse::<u16>().expect("is a port").wrapping_add(1));
        made.push(("retarget", format!("`{other}`"), put(other)));
        let other = format!("{}:{port}", mistyped(host));
        made.push(("retarget", format!("`{other}`"), put(other)));
    } else if is_a_word_with_a_meaning(file, text) {
        let typo = mistyped(text);
        made.push(("mistype", format!("`{typo}`"), put(typo)));
    }
    if UNIQUE.contains(&last.as_str()) {
        return made;
    }
    if let Some((other, neighbour)) = neighbour(whole, path, text) {
        let mut changed = put(other.clone());
        if let Some(place) = changed.pointer_mut(&neighbour) {
            *place = Value::String(text.clone());
        }
        made.push(("swap", format!("`{other}`"), changed));
    }
    made
}

/// The host and the port of an address; that of a machine is anybody's choice.
fn address(text: &str) -> Option<(&str, &str)> {
    let (host, port) = text.rsplit_once(':')?;
    port.trim_end_matches('/').parse::<u16>().ok()?;
    let is_machine = host.split('.').all(|part| part.parse::<u8>().is_ok());
    (!is_machine && !text.starts_with("--")).then_some((host, port))
}

fn put_at(parent: &mut Value, key: &str, value: Value) {
    match parent {
        Value::Object(map) => drop(map.insert(key.to_owned(), value)),
        Value::Array(list) => list[key.parse::<usize>().expect("is a number")] = value,
        _ => {}
    }
}

/// The same key of the next item of the list above, where it says something else.
fn neighbour(whole: &Value, path: &[String], text: &str) -> Option<(String, String)> {
    let at = path.iter().rposition(|part| part.parse::<usize>().is_ok())?;
    // The order within a list of texts means nothing.
    if at + 1 == path.len() {
        return None;
    }
    let mut other = path.to_vec();
    other[at] = (path[at].parse::<usize>().ok()? + 1).to_string();
    let pointer = pointer(&other);
    let found = whole.pointer(&pointer)?.as_str()?;
    (found != text && found.lines().count() == 1).then(|| (found.to_owned(), pointer))
}

/// A text of one line that a program compares with something, not one for people.
fn is_a_word_with_a_meaning(file: &str, text: &str) -> bool {
    let is_prose = text.contains("{{") || text.contains('\n') || is_page(file) && text.contains(' ');
    // Another number is another choice.
    let is_amount = text.starts_with(|c: char| c.is_ascii_digit()) && !text.contains(['.', ':']);
    text.len() > 2 && !is_prose && !is_amount
}

fn is_page(file: &str) -> bool {
    file.contains("dashboards/") && file.ends_with(".json")
}

/// A letter is forgotten, in the middle of the last word.
fn mistyped(text: &str) -> String {
    let letters: Vec<char> = text.chars().collect();
    let end = letters.iter().rposition(char::is_ascii_alphanumeric).map_or(letters.len(), |at| at + 1);
    let start = letters[..end].iter().rposition(|c| !c.is_ascii_alphanumeric()).map_or(0, |at| at + 1);
    if end - start < 2 {
        return format!("{text}x");
    }
    let middle = usize::midpoint(start, end);
    letters.iter().enumerate().filter(|(at, _)| *at != middle).map(|(_, c)| c).collect()
}

/// An expression with one thing in it changed: each name, label, function, range and number.
fn asked(text: &str) -> Vec<(String, String)> {
    let mut made = Vec::new();
    for (start, word) in words(text) {
        let end = start + word.len();
        let with = |other: &str| format!("{}{other}{}", &text[..start], &text[end..]);
        if word.parse::<f64>().is_ok() {
            // A share that is written in percent.
            if word.starts_with("0.") && text[..start].trim_end().ends_with(['>', '<', '=']) {
                made.push((format!("{word} percent"), with(&format!("{word}00"))));
            }
        } else if word.ends_with(['s', 'm', 'h', 'd']) && text[..start].ends_with('[') {
            made.push((format!("[{word}] too short"), with("5s")));
        } else if !matches!(
            word,
            "by" | "and" | "or" | "on" | "unless" | "bool" | "offset" | "ignoring" | "group_left" | "without"
        ) {
            let typo = mistyped(word);
            made.push((format!("{word} as `{typo}`"), with(&typo)));
        }
    }
    made
}

/// Names and numbers with their places.
fn words(text: &str) -> Vec<(usize, &str)> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || "_:.".contains(c);
    let mut words = Vec::new();
    let mut start = None;
    for (at, c) in text.char_indices().chain([(text.len(), ' ')]) {
        match (start, is_part(c)) {
            (None, true) => start = Some(at),
            (Some(from), false) => {
                words.push((from, &text[from..at]));
                start = None;
            }
            _ => {}
        }
    }
    words
}
