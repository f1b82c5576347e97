//! Makes JSON of the data files in `templates/`: they are written in YAML, for people, and read at every start, where JSON
//! takes a tenth of the time. A test in `src/catalog/mod.rs` holds that both say the same.

use std::error::Error;
use std::fs;
use std::path::Path;

/// Those that are read before there is a config.
const FOLDERS: [&str; 4] = ["alerts", "engines", "forms", "machines"];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=templates");
    println!("cargo::rerun-if-changed=docs/checks");
    let out = Path::new(&std::env::var("OUT_DIR")?).join("data");
    // What was taken away since the last build must not stay.
    if out.exists() {
        fs::remove_dir_all(&out)?;
    }
    FOLDERS.iter().try_for_each(|folder| convert(&Path::new("templates").join(folder), &out.join(folder)))
}

fn convert(from: &Path, to: &Path) -> Result<(), Box<dyn Error>> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let path = entry?.path();
        let to = to.join(path.file_name().unwrap_or_default());
        if path.is_dir() {
            convert(&path, &to)?;
        } else if path.extension().is_some_and(|extension| extension == "yml") {
            let wrong = |error: &dyn Error| format!("{}: {error}", path.display());
            let data: serde_yaml::Value =
                serde_yaml::from_str(&fs::read_to_string(&path)?).map_err(|error| wrong(&error))?;
            fs::write(to, serde_json::to_string(&data).map_err(|error| wrong(&error))?)?;
        }
    }
    Ok(())
}
