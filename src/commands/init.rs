//! init
pub(super) fn run(_: &crate::cli::Init) -> anyhow::Result<super::Outcome> {
    Ok(super::Outcome::CannotRun)
}
