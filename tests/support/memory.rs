//! Stacks whose files stand in the test, and where in them something is found.

use std::path::PathBuf;
use std::sync::Arc;

use skymon::checks;
use skymon::diagnostics::{Diagnostic, Place};
use skymon::stack::{Folder, Stack};

/// The stack of some files.
pub(crate) fn stack<P: Into<String>, T: Into<String>>(files: impl IntoIterator<Item = (P, T)>) -> Stack {
    let files = files.into_iter().map(|(path, text)| (path.into(), text.into())).collect();
    Stack::read(Folder::Memory { root: PathBuf::new(), files: Arc::new(files) })
}

/// Everything that is found in some files, each as `line` writes it, sorted.
pub(crate) fn found<T: Ord>(files: &[(&str, &str)], line: impl Fn(&Stack, &Diagnostic) -> T) -> Vec<T> {
    let stack = stack(files.iter().copied());
    let mut found: Vec<T> = checks::run(&stack, &[]).iter().map(|one| line(&stack, one)).collect();
    found.sort();
    found
}

/// The first place of a finding: `prometheus.yml:12`.
pub(crate) fn place(stack: &Stack, finding: &Diagnostic) -> String {
    places(stack, finding).next().unwrap_or_else(|| panic!("{} has no place", finding.id))
}

/// Each place of the fault.
pub(crate) fn places<'a>(stack: &'a Stack, finding: &'a Diagnostic) -> impl Iterator<Item = String> + 'a {
    let primary = finding.labels.iter().filter(|label| label.primary);
    primary.map(|label| match &label.place {
        Place::Span { file, range } => {
            let document = stack.documents.iter().find(|document| document.name() == file);
            let source = &document.unwrap_or_else(|| panic!("{file} was not read")).source;
            format!("{file}:{}", source.line_column(range.start).0)
        }
        Place::File(file) => file.clone(),
        place => panic!("{}: {place:?} is no place in a stack", finding.id),
    })
}
