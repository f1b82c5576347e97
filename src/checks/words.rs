//! Words that mean the same thing in every stack.

/// Names of receivers that are there to drop what comes.
const NOBODY: [&str; 12] = [
    "blackhole",
    "black-hole",
    "black_hole",
    "devnull",
    "dev-null",
    "drop",
    "ignore",
    "nobody",
    "none",
    "noop",
    "null",
    "void",
];

/// Whether a receiver says by its name that it notifies nobody.
pub(super) fn is_nobody(receiver: &str) -> bool {
    let name = receiver.trim_matches(['"', '\'']).to_lowercase();
    NOBODY.contains(&name.as_str())
}

/// `a, b and 3 more`
pub fn list<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    const SHOWN: usize = 4;
    let names: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    match names.len() {
        0 => String::new(),
        1 => names[0].clone(),
        count if count <= SHOWN => format!("{} and {}", names[..count - 1].join(", "), names[count - 1]),
        count => format!("{} and {} more", names[..SHOWN].join(", "), count - SHOWN),
    }
}
