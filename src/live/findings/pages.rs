//! The text of each finding, as `skymon explain` prints it: a section of `docs/live.md`, so that no two places say it.

const PAGE: &str = include_str!("../../../docs/live.md");

/// The ids of all findings about running programs.
pub fn ids() -> impl Iterator<Item = &'static str> {
    sections().map(|(id, _)| id)
}

/// What one of them means, and what to do.
pub fn page(id: &str) -> Option<&'static str> {
    sections().find(|(name, _)| *name == id).map(|(_, text)| text)
}

fn sections() -> impl Iterator<Item = (&'static str, &'static str)> {
    PAGE.match_indices("\n### `").filter_map(|(at, _)| {
        let text = &PAGE[at + 1..];
        let end =
            text.find("\n## ").into_iter().chain(text.find("\n### ")).min().map_or(text.len(), |end| end + 1);
        let id = text.strip_prefix("### `")?.split('`').next()?;
        Some((id, &text[..end]))
    })
}
