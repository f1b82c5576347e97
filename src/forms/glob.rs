//! Patterns of files as Go's programs read them: what is refused before any file is looked for.

use super::values::Reason;

fn reason(message: &str, word: &str, help: &str) -> Reason {
    Reason { message: message.to_owned(), word: word.to_owned(), help: help.to_owned() }
}

/// Where only the name may vary: Prometheus refuses a `*` in the name of a folder.
pub(super) fn of_names(text: &str) -> Option<Reason> {
    let star = text.find('*')?;
    let folder = text[star..].find('/').map(|end| &text[..star + end]);
    folder.map(|folder| {
        let name = folder.rsplit('/').next().unwrap_or(folder);
        reason(
            "`*` can only stand in the name of a file, not in that of a folder",
            name,
            "write a line for each folder",
        )
    })
}

/// A bracket that is not closed, or has nothing in it. Go looks no further than to the first `*`, until there are files.
pub(super) fn refused(text: &str) -> Option<Reason> {
    let begun = text.trim_start_matches('*');
    let mut rest = begun.chars();
    loop {
        let before = rest.as_str();
        let is_right = match rest.next() {
            None | Some('*') => return None,
            Some('\\') => rest.next().is_some(),
            Some('[') => class(&mut rest).is_some(),
            Some(_) => true,
        };
        if !is_right {
            let help =
                "close `[` with `]` behind the letters that may stand there; `\\[` is the bracket itself";
            return Some(reason("the pattern of files is broken", before, help));
        }
    }
}

/// Passes over what stands in brackets. `None` where Go does not take it.
fn class(rest: &mut std::str::Chars<'_>) -> Option<()> {
    if rest.as_str().starts_with('^') {
        rest.next();
    }
    letter(rest)?;
    loop {
        match rest.as_str().chars().next()? {
            ']' => {
                rest.next();
                return Some(());
            }
            '-' => {
                rest.next();
                letter(rest)?;
            }
            _ => letter(rest)?,
        }
    }
}

/// One letter of those in brackets; none of them is the last of the pattern.
fn letter(rest: &mut std::str::Chars<'_>) -> Option<()> {
    match rest.next()? {
        '-' | ']' => return None,
        '\\' => drop(rest.next()?),
        _ => {}
    }
    (!rest.as_str().is_empty()).then_some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As `promtool check config` and `amtool check-config` say it.
    #[test]
    fn a_pattern_is_refused_that_go_refuses() {
        for text in
            ["r/[a.yml", "r/[]a].yml", "r/[a-].yml", "r/[^].yml", "r/[-a].yml", "r/a\\", "r/[a", "*[a"]
        {
            assert!(refused(text).is_some(), "{text}");
        }
        for text in
            ["", "r/[!a].yml", "r/[a-z]*.yml", "r/*[a", "r/[z-a].yml", "r/[a]]", "r/{a,b}.yml", "r/[\\]].yml"]
        {
            assert!(refused(text).is_none(), "{text}");
        }
    }

    #[test]
    fn a_star_stands_in_the_name_of_a_file() {
        for (text, name) in
            [("r/*/a.yml", "*"), ("r*/a.yml", "r*"), ("r/[*]/a.yml", "[*]"), ("a/**/b*.yml", "**")]
        {
            assert_eq!(of_names(text).map(|reason| reason.word).as_deref(), Some(name), "{text}");
        }
        for text in ["r/**.yml", "*.yml", "r/?/a.yml", "r/a.yml"] {
            assert!(of_names(text).is_none(), "{text}");
        }
    }
}
