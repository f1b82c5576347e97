//! Messages that are to be changed later, through a webhook that can only write new ones: Alertmanager does not start.

use super::Check;
use crate::diagnostics::{Report, Severity};
use crate::source::Node;
use crate::stack::Stack;

pub(super) const CHECK: Check = Check { id: "slack-update-with-webhook", severity: Severity::Error, run };

/// The one address that takes changes.
const API: &str = "https://slack.com/api/chat.postMessage";

fn run(stack: &Stack, report: &mut Report) {
    for (alertmanager, _, one) in stack.integrations().filter(|(_, _, one)| one.kind == "slack") {
        let update = one.node.get("update_message").filter(Node::is_true);
        let has_token = ["app_token", "app_token_file"].iter().any(|key| one.node.get(key).is_some());
        let url = alertmanager.setting(one, "api_url", "slack_api_url").and_then(|node| node.value());
        let (Some(update), Some(url)) = (update, url) else { continue };
        if url.value == API || has_token || one.node.get("api_url_file").is_some() {
            continue;
        }
        report.push(
            CHECK
                .finding("`update_message` needs a bot: with a webhook Alertmanager does not start")
                .at(update.name_at().place(), "a webhook only writes new messages")
                .help(format!(
                    "remove it, or write `api_url: {API}` with the bot's token in `http_config.authorization`"
                )),
        );
    }
}
