//! A mail address that is none: each mail fails when it is to be sent. And one whose domain has a letter wrong, as far as others tell.

use std::collections::BTreeMap;

use super::Check;
use crate::diagnostics::{Diagnostic, Report, Severity, is_misspelt};
use crate::source::{Node, Spanned};
use crate::stack::{Alertmanager, Stack};

pub(super) const CHECK: Check = Check { id: "mail-address-invalid", severity: Severity::Error, run };

fn run(stack: &Stack, report: &mut Report) {
    report.extend(stack.alertmanagers.iter().flat_map(misspelt));
    for (alertmanager, _, one) in stack.integrations().filter(|(_, _, one)| one.kind == "email") {
        let to = one.node.get("to");
        let from = alertmanager.setting(one, "from", "smtp_from");
        for addresses in [to, from].into_iter().flatten().filter_map(|node| node.value()) {
            check(&addresses, report);
        }
    }
}

/// Where many have their mail, and what is nearly called so and is there too.
const PROVIDERS: [&str; 5] = ["gmail.com", "googlemail.com", "hotmail.com", "icloud.com", "outlook.com"];
const OTHERS: [&str; 4] = ["cloud.com", "email.com", "mail.com", "ymail.com"];
/// Below a country's domain: `example.co.uk` is no part of another's house.
const BELOW_COUNTRIES: [&str; 7] = ["ac", "co", "com", "edu", "gov", "net", "org"];
/// More domains than this are not compared with each other.
const MAX_COMPARED: usize = 100;

/// Domains that are one letter from one that is written more often, or before.
fn misspelt(alertmanager: &Alertmanager) -> Vec<Diagnostic> {
    let integrations = alertmanager.receivers.iter().flat_map(|receiver| &receiver.integrations);
    let mails = integrations.filter(|one| one.kind == "email").map(|one| one.node.clone());
    let is_address = |key: &str| {
        let key = key.strip_prefix("smtp_").unwrap_or(key);
        ["auth_identity", "auth_username", "from", "to"].contains(&key)
    };
    let entries =
        |node: Node| node.entries().into_iter().filter(|(key, _)| is_address(key)).collect::<Vec<_>>();
    let texts: Vec<Spanned<String>> = mails
        .chain(alertmanager.root.get("global"))
        .flat_map(entries)
        .filter_map(|(_, node)| node.value().filter(|text| !text.contains(['{', '$'])))
        .collect();
    let mut domains: BTreeMap<String, (usize, &Spanned<String>)> = BTreeMap::new();
    for text in &texts {
        for domain in
            text.split(',').filter_map(|one| Some(one.rsplit_once('@')?.1.trim_end_matches(['>', ' '])))
        {
            domains.entry(domain.to_lowercase()).or_insert((0, text)).0 += 1;
        }
    }
    if domains.len() > MAX_COMPARED {
        return Vec::new();
    }
    let right = |domain: &str, count: usize| {
        let is_it = |other: &&String| {
            domains[*other].0 > count && is_misspelt(domain, other) && !are_of_one_house(domain, other)
        };
        let of_many =
            PROVIDERS.into_iter().find(|right| is_misspelt(domain, right) && !OTHERS.contains(&domain));
        of_many.or_else(|| domains.keys().find(is_it).map(String::as_str))
    };
    let said = |(domain, (count, text)): (&String, &(usize, &Spanned<String>))| {
        let right = right(domain, *count)?;
        let message = format!("`{domain}` is one letter from `{right}`: the mail goes elsewhere, or nowhere");
        let finding = Diagnostic::new(CHECK.id, Severity::Warning, message);
        Some(finding.at(text.at.part(domain).place(), "").help(format!("did you mean `{right}`?")))
    };
    domains.iter().filter_map(said).collect()
}

/// `example.de` and `example.be` belong to one firm, so may `example.co`; and so do `au.example.com` and `eu.example.com`.
fn are_of_one_house(one: &str, other: &str) -> bool {
    let by_country = one.rsplit_once('.').zip(other.rsplit_once('.'));
    let by_part = one.split_once('.').zip(other.split_once('.'));
    by_country.is_some_and(|((name, one), (other_name, other))| {
        name == other_name && (one.len() == 2 && other.len() == 2 || one == "co" || other == "co")
    }) || by_part.is_some_and(|((_, house), (_, other))| {
        let is_own = house.split_once('.').is_some_and(|(name, _)| !BELOW_COUNTRIES.contains(&name));
        house == other && is_own
    })
}

fn check(addresses: &Spanned<String>, report: &mut Report) {
    // What a template or a script makes of it, or what stands in quotes, is not known.
    let is_plain = !["{{", "__", "\"", "$"].iter().any(|mark| addresses.contains(mark));
    let wrong = addresses.split(',').map(str::trim).find(|one| !one.is_empty() && !is_address(one));
    let Some(wrong) = wrong.filter(|_| is_plain) else { return };
    let help = if wrong.contains(';') {
        "separate addresses with a comma"
    } else {
        "write it as `name@example.com`"
    };
    report.push(
        CHECK
            .finding(format!("`{wrong}` is no mail address: the mail is not sent"))
            .at(addresses.at.part(wrong).place(), "")
            .help(help),
    );
}

/// `a@b`, or `Name <a@b>`.
fn is_address(text: &str) -> bool {
    let bare = match text.split_once('<') {
        Some((_, rest)) => rest.strip_suffix('>').unwrap_or(rest),
        None => text,
    };
    bare.split_once('@').is_some_and(|(name, host)| {
        !name.is_empty() && !host.is_empty() && !bare.contains([' ', ';']) && !host.contains('@')
    })
}
