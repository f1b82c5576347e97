//! A Slack bot that is not told where to write: unlike a webhook, its token is for the whole workspace.

use super::Check;
use crate::diagnostics::{Report, Severity};
use crate::stack::Stack;

pub(super) const CHECK: Check = Check { id: "slack-without-channel", severity: Severity::Error, run };

fn run(stack: &Stack, report: &mut Report) {
    for (alertmanager, _, one) in stack.integrations().filter(|(_, _, one)| one.kind == "slack") {
        let said = |key: &str| alertmanager.setting(one, key, &format!("slack_{key}"));
        let is_api =
            |node: &crate::source::Node| node.text().is_some_and(|url| url.contains("slack.com/api/"));
        let hook = one.node.get("api_url").or_else(|| one.node.get("api_url_file"));
        let bot = said("api_url").filter(is_api).or_else(|| {
            // A hook of its own comes before the token of all.
            let tokens = ["app_token", "app_token_file"].iter().find_map(|key| said(key));
            tokens.filter(|_| hook.is_none())
        });
        let Some(bot) = bot.filter(|_| one.node.get("channel").is_none_or(|node| node.text() == Some("")))
        else {
            continue;
        };
        report.push(
            CHECK
                .finding("a bot is used here, and nobody says in which channel it writes: Slack refuses the message")
                .at(one.node.at().place(), "no `channel`")
                .at(bot.name_at().place(), "of a bot")
                .help("add `channel: '#alerts'`, and invite the bot there"),
        );
    }
}
