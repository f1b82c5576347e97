//! The user's words in messages: shortened where they are long, and the word that was probably meant.

use std::cmp::Ordering;

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

/// Whether a word that a program has fixed was meant: one letter is forgotten, too much, wrong, or in its neighbour's place. Digits
/// tell things apart, and short words are near to too many.
pub fn is_misspelt(word: &str, right: &str) -> bool {
    const SHORT: usize = 4;
    let digits = |word: &str| word.chars().filter(char::is_ascii_digit).collect::<String>();
    let (word, right) = (word.to_lowercase(), right.to_lowercase());
    right.len() >= SHORT
        && word.len().abs_diff(right.len()) <= 1
        && strsim::damerau_levenshtein(&word, &right) == 1
        && digits(&word) == digits(&right)
}

/// The known word that was meant where one letter is wrong.
pub fn misspelt<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let known: Vec<&str> = known.into_iter().collect();
    if known.contains(&word) {
        return None;
    }
    known.into_iter().find(|one| is_misspelt(word, one))
}

/// Two words that are a slip of each other, and both in use.
const PAIRS: [(&str, &str); 6] = [
    ("form", "from"),
    ("mode", "model"),
    ("serve", "server"),
    ("shard", "shared"),
    ("start", "stat"),
    ("stats", "status"),
];

/// Short words that are no others where two neighbours are swapped, as `dns` is `dsn` and `ram` is `arm`.
const SHORT: [&str; 6] = ["env", "gpu", "job", "org", "pod", "url"];

/// Whether a name that anybody may choose is another with a letter forgotten, written twice, or in its neighbour's place. Of short
/// words, of digits and of plurals nothing is said: those are names of their own. Of a few short ones it is known what they are.
pub fn is_slip(word: &str, meant: &str) -> bool {
    let (a, b) = (word.as_bytes(), meant.as_bytes());
    let is_pair = PAIRS.contains(&(word, meant)) || PAIRS.contains(&(meant, word));
    let is_short = b.len() < 4 && !(SHORT.contains(&meant) && a.len() == b.len());
    if is_short || a.len().abs_diff(b.len()) > 1 || word == meant || is_pair {
        return false;
    }
    // A plural, at the end of a part of a name.
    let ends_part =
        |at: usize| b[at] == b's' && b.get(at + 1).is_none_or(|next| !next.is_ascii_alphanumeric());
    let same = a.iter().zip(b).take_while(|(one, other)| one == other).count();
    match a.len().cmp(&b.len()) {
        // Forgotten.
        Ordering::Less => a[same..] == b[same + 1..] && !b[same].is_ascii_digit() && !ends_part(same),
        // Twice.
        Ordering::Greater => {
            let is_twice = same > 0 && a[same] == a[same - 1] && !a[same].is_ascii_digit();
            is_twice && a[same + 1..] == b[same..]
        }
        Ordering::Equal => {
            let (one, other) = (&a[same..], &b[same..]);
            one.len() >= 2
                && (one[0], one[1]) == (other[1], other[0])
                && one[2..] == other[2..]
                && !one[..2].iter().any(u8::is_ascii_digit)
        }
    }
}

/// How often a word stands in a text on its own, and not as a part of another.
pub fn times(word: &str, text: &str) -> usize {
    let is_letter = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let is_own =
        |at: usize| !text[..at].ends_with(is_letter) && !text[at + word.len()..].starts_with(is_letter);
    text.match_indices(word).filter(|(at, _)| is_own(*at)).count()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_word_is_one_letter_off_and_never_a_digit() {
        for word in ["locahost", "locaalhost", "lcoalhost", "localhosz", "Locahost"] {
            assert!(is_misspelt(word, "localhost"), "{word}");
        }
        for (word, right) in [
            ("localhost", "localhost"),
            ("localhost2", "localhost"),
            ("host1", "host2"),
            ("loclhst", "localhost"),
            ("ab", "abc"),
        ] {
            assert!(!is_misspelt(word, right), "{word}");
        }
        let known = ["healthy", "ready", "gpu1"];
        assert_eq!(misspelt("heathy", known), Some("healthy"));
        assert_eq!(misspelt("raedy", known), Some("ready"));
        for none in ["healthy", "healt", "gpu2", "gpu11", "status"] {
            assert_eq!(misspelt(none, known), None, "{none}");
        }
    }

    #[test]
    fn a_slip_is_a_letter_forgotten_doubled_or_swapped_and_nothing_else() {
        for (word, meant) in [
            ("serice", "service"),
            ("ervice", "service"),
            ("servic", "service"),
            ("servicce", "service"),
            ("serivce", "service"),
            ("FAILED_PROING", "FAILED_PROBING"),
            ("deo", "demo"),
            ("jbo", "job"),
            ("opd", "pod"),
            ("evn", "env"),
        ] {
            assert!(is_slip(word, meant), "{word} {meant}");
        }
        for (word, meant) in [
            ("service", "service"),
            ("replica", "replicas"),
            ("http_request_total", "http_requests_total"),
            ("replicas", "replica"),
            ("servicex", "service"),
            ("surface", "service"),
            ("a1b2", "a2b1"),
            ("gpu1", "gpu11"),
            ("gpu11", "gpu1"),
            ("pd", "pod"),
            ("podd", "pod"),
            ("pot", "pod"),
            ("job", "pod"),
            ("arm", "ram"),
            ("dsn", "dns"),
            ("", "demo"),
            ("code", "node"),
            ("serve", "server"),
            ("from", "form"),
        ] {
            assert!(!is_slip(word, meant), "{word} {meant}");
        }
    }
}
