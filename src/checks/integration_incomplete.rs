//! An integration without what it cannot do without: Alertmanager does not start.

use super::Check;
use crate::diagnostics::{Place, Report, Severity};
use crate::forms::Fault;
use crate::source::Node;
use crate::stack::{Alertmanager, Integration, Stack};

pub(super) const CHECK: Check = Check { id: "integration-incomplete", severity: Severity::Error, run };

/// For each kind what it needs: one key of each list, or the `global` one beside it.
const NEEDS: [(&str, &[Need]); 18] = [
    ("discord", &[(&["webhook_url", "webhook_url_file"], &[])]),
    ("email", &[(&["to"], &[]), (&["smarthost"], &["smtp_smarthost"]), (&["from"], &["smtp_from"])]),
    ("incidentio", &[(&["url", "url_file"], &[])]),
    ("jira", &[(&["project"], &[]), (&["issue_type"], &[]), (&["api_url"], &["jira_api_url"])]),
    (
        "mattermost",
        &[(&["webhook_url", "webhook_url_file"], &["mattermost_webhook_url", "mattermost_webhook_url_file"])],
    ),
    ("msteams", &[(&["webhook_url", "webhook_url_file"], &[])]),
    ("msteamsv2", &[(&["webhook_url", "webhook_url_file"], &[])]),
    ("opsgenie", &[(&["api_key", "api_key_file"], &["opsgenie_api_key", "opsgenie_api_key_file"])]),
    ("pagerduty", &[(&["routing_key", "routing_key_file", "service_key", "service_key_file"], &[])]),
    ("pushover", &[(&["user_key", "user_key_file"], &[]), (&["token", "token_file"], &[])]),
    (
        "rocketchat",
        &[
            (&["token", "token_file"], &["rocketchat_token", "rocketchat_token_file"]),
            (&["token_id", "token_id_file"], &["rocketchat_token_id", "rocketchat_token_id_file"]),
        ],
    ),
    (
        "slack",
        &[(
            &["api_url", "api_url_file", "app_token", "app_token_file"],
            &["slack_api_url", "slack_api_url_file", "slack_app_token", "slack_app_token_file"],
        )],
    ),
    ("sns", &[(&["topic_arn", "target_arn", "phone_number"], &[])]),
    ("telegram", &[(&["bot_token", "bot_token_file"], &["telegram_bot_token", "telegram_bot_token_file"])]),
    (
        "victorops",
        &[
            (&["api_key", "api_key_file"], &["victorops_api_key", "victorops_api_key_file"]),
            (&["routing_key"], &[]),
        ],
    ),
    (
        "webex",
        &[
            (&["room_id"], &[]),
            (
                &["http_config.authorization", "http_config.bearer_token", "http_config.bearer_token_file"],
                &[],
            ),
        ],
    ),
    ("webhook", &[(&["url", "url_file"], &[])]),
    (
        "wechat",
        &[
            (&["api_secret", "api_secret_file"], &["wechat_api_secret", "wechat_api_secret_file"]),
            (&["corp_id"], &["wechat_api_corp_id"]),
        ],
    ),
];

/// Keys of its own of which one is enough, with a dot where one stands below another, and keys of `global`.
type Need = (&'static [&'static str], &'static [&'static str]);

fn run(stack: &Stack, report: &mut Report) {
    for (alertmanager, receiver, one) in stack.integrations() {
        let needs =
            NEEDS.iter().find(|(kind, _)| *kind == one.kind).map_or(&[] as &[Need], |(_, needs)| needs);
        let Some((own, global)) = needs.iter().find(|need| !has(alertmanager, one, need)) else { continue };
        if has_unknown_key(stack, &one.node) {
            continue;
        }
        let elsewhere = match global.first() {
            Some(global) => format!("; or `{global}` below `global:`, for all"),
            None => String::new(),
        };
        report.push(
            CHECK
                .finding(format!(
                    "`{}` of `{}` has no `{}`: Alertmanager does not start",
                    one.kind, receiver.name, own[0]
                ))
                .at(one.node.at().place(), "")
                .help(match own.get(1) {
                    Some(file) if file.ends_with("_file") => {
                        format!("add `{file}:` with the path of a file that holds it{elsewhere}")
                    }
                    _ => match own[0].split_once('.') {
                        Some((key, below)) => format!("add `{key}: {{{below}: …}}`"),
                        None => format!("add `{}: …`{elsewhere}", own[0]),
                    },
                }),
        );
    }
}

/// It may be what is meant, and `unknown_key` tells of it.
fn has_unknown_key(stack: &Stack, integration: &Node) -> bool {
    let keys: Vec<Place> = integration.entries().iter().map(|(_, node)| node.name_at().place()).collect();
    stack.misfits().iter().any(|one| one.fault == Fault::UnknownKey && keys.contains(&one.at.place()))
}

fn has(alertmanager: &Alertmanager, one: &Integration, (own, global): &Need) -> bool {
    let is_said = |node: Node| !node.is_nothing() && node.text() != Some("");
    let find = |key: &str| one.node.find(&key.split('.').collect::<Vec<_>>());
    own.iter().any(|key| find(key).is_some_and(is_said))
        || global.iter().any(|key| alertmanager.root.find(&["global", key]).is_some_and(is_said))
}
