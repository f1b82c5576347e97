//! The user's words in messages: shortened where they are long, and the word that was probably meant.

/// More of a user's text than this is not repeated.
pub const MAX_QUOTED: usize = 40;

/// The known word that was probably meant: a third of it may be wrong, `-`, `_` and case do not count.
pub fn nearest<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    if word.len() > 2 * MAX_QUOTED {
        return None;
    }
    let plain = |word: &str| word.to_lowercase().replace('-', "_");
    let typed = plain(word);
    known
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&typed, &plain(candidate)), candidate))
        .filter(|(distance, candidate)| *distance <= (candidate.len().max(typed.len()) / 3).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// The first line of a text, cut where it is long, fit for a message.
pub fn shortened(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    let is_cut = line.len() < text.trim_end().len();
    match line.char_indices().nth(MAX_QUOTED) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None if is_cut => format!("{line}…"),
        None => line.to_owned(),
    }
}
