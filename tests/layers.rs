//! Who may import whom: a module uses only those before it in `lib.rs`. The picture in docs/architecture.md is drawn from
//! the same list, and this is what keeps both true.

use std::fs;
use std::path::{Path, PathBuf};

/// A module may use these although they come later: a place is named by diagnostics, and resolved by source.
const MUTUAL: [(&str, &str); 1] = [("source", "diagnostics")];

fn modules() -> Vec<String> {
    let lib = fs::read_to_string(root().join("lib.rs")).expect("reads lib.rs");
    lib.lines()
        .filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'))
        .map(str::to_owned)
        .collect()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn sources(path: &Path) -> Vec<PathBuf> {
    if path.is_file() {
        return vec![path.to_owned()];
    }
    let entries = fs::read_dir(path).into_iter().flatten();
    entries.flat_map(|entry| sources(&entry.expect("reads the entry").path())).collect()
}

#[test]
fn a_module_uses_only_those_before_it() {
    let modules = modules();
    assert!(modules.len() > 10, "lib.rs lists the modules");
    let mut wrong = Vec::new();
    for (position, module) in modules.iter().enumerate() {
        let files = [root().join(format!("{module}.rs")), root().join(module)];
        for file in files.iter().flat_map(|path| sources(path)) {
            let text = fs::read_to_string(&file).expect("reads the source");
            // Tests beside the code may use what they like.
            let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
            for used in code.split("crate::").skip(1) {
                let used =
                    used.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next().unwrap_or_default();
                let Some(other) = modules.iter().position(|name| name == used) else { continue };
                if other > position && !MUTUAL.contains(&(module, used)) {
                    wrong.push(format!("{} uses {used}", file.display()));
                }
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn every_source_file_says_what_lives_there() {
    for file in sources(&root()) {
        let text = fs::read_to_string(&file).expect("reads the source");
        assert!(text.starts_with("//! "), "{} does not open with `//!`", file.display());
    }
}
