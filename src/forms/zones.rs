//! Names of time zones, as Go's programs look them up: `templates/forms/zones.yml` is the list. A zone that is younger than the
//! list is taken: of one in a known area only what is nearly a known one is wrong.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use super::values::Reason;
use crate::diagnostics::{is_misspelt, nearest};
use crate::templates;

/// The area of those that have none.
const ALONE: &str = "(alone)";
/// Copies of the same zones, which most systems have beside them.
const COPIES: [&str; 2] = ["posix/", "right/"];

fn zones() -> &'static BTreeMap<String, String> {
    static ZONES: OnceLock<BTreeMap<String, String>> = OnceLock::new();
    ZONES.get_or_init(|| templates::data("forms/zones.yml"))
}

fn of_area(area: &str) -> impl Iterator<Item = &'static str> {
    zones().get(area).into_iter().flat_map(|names| names.split_whitespace())
}

/// All of them, as they are written.
fn all() -> impl Iterator<Item = String> {
    zones().iter().flat_map(|(area, names)| {
        names
            .split_whitespace()
            .map(move |name| if area == ALONE { name.to_owned() } else { format!("{area}/{name}") })
    })
}

pub(super) fn refused(text: &str) -> Option<Reason> {
    let name = COPIES.iter().find_map(|copy| text.strip_prefix(copy)).unwrap_or(text);
    if is_taken(name) {
        return None;
    }
    Some(Reason {
        message: format!("there is no time zone `{text}`"),
        word: String::new(),
        help: match meant(name) {
            Some(near) => format!("write `location: {near}`"),
            None => {
                "write the name of a place as the IANA database has it: `location: Europe/Berlin`, or `UTC`"
                    .to_owned()
            }
        },
    })
}

fn is_taken(name: &str) -> bool {
    if name.is_empty() || name == "Local" || of_area(ALONE).any(|known| known == name) {
        return true;
    }
    let Some((area, place)) = name.split_once('/').filter(|(area, _)| *area != ALONE) else { return false };
    if name.contains("..") || !zones().contains_key(area) {
        return false;
    }
    let is_like_one = |c: char| c.is_ascii_alphanumeric() || "_-+/".contains(c);
    of_area(area).any(|known| known == place)
        || (!of_area(area).any(|known| known.eq_ignore_ascii_case(place) || is_misspelt(place, known))
            && place.chars().all(is_like_one)
            && place.starts_with(|c: char| c.is_ascii_uppercase())
            && !place.ends_with('/'))
}

/// The zone that somebody had in mind: a name with a letter wrong, or a place without its area.
fn meant(name: &str) -> Option<String> {
    let plain = |text: &str| text.to_lowercase().replace([' ', '-'], "_");
    let wanted = plain(name);
    let place = |zone: &str| zone.rsplit('/').next().map(plain);
    let all: Vec<String> = all().collect();
    let is_same = |zone: &&String| plain(zone) == wanted;
    let is_place = |zone: &&String| place(zone).as_deref() == Some(wanted.as_str());
    let found = all.iter().find(is_same).or_else(|| all.iter().find(is_place));
    found.cloned().or_else(|| {
        // Of short words any is near another.
        let is_long = name.contains('/') || name.len() > 4;
        is_long.then(|| nearest(name, all.iter().map(String::as_str)).map(str::to_owned)).flatten()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_are_known_and_what_is_nearly_one_is_not() {
        for good in [
            "",
            "UTC",
            "Local",
            "EST",
            "Europe/Berlin",
            "Etc/GMT+5",
            "America/Argentina/Buenos_Aires",
            "posix/Europe/Berlin",
            "America/Nowhere_Yet",
        ] {
            assert!(refused(good).is_none(), "{good}");
        }
        let help = |text: &str| refused(text).map(|reason| reason.help).unwrap_or_default();
        assert_eq!(help("Europe/Berlim"), "write `location: Europe/Berlin`");
        assert_eq!(help("europe/berlin"), "write `location: Europe/Berlin`");
        assert_eq!(help("America/New York"), "write `location: America/New_York`");
        assert_eq!(help("berlin"), "write `location: Europe/Berlin`");
        assert_eq!(help("utc"), "write `location: UTC`");
        for bad in ["CEST", "PST", "+02:00", "../x", "/etc/localtime", "Europe", "Europa/Berlin", "Europe/"] {
            assert!(refused(bad).is_some(), "{bad}");
        }
    }
}
