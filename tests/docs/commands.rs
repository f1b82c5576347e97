//! What a reader would do: every command of the pages is run, and prints what they say.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::CommandFactory as _;

use crate::support::tools;
use crate::{blocks, code, page, pages, root, table};

/// Whether the lines are the expected ones, where `…` stands for any.
fn fits(expected: &[&str], lines: &[&str]) -> bool {
    match expected {
        [] => lines.is_empty(),
        ["…", rest @ ..] => (0..=lines.len()).any(|skipped| fits(rest, &lines[skipped..])),
        [first, rest @ ..] => lines.first() == Some(first) && fits(rest, &lines[1..]),
    }
}

/// Runs a line as a shell does, in an environment of its own, and returns what it prints.
fn shell(line: &str, dir: &Path) -> (i32, String) {
    let program = Path::new(env!("CARGO_BIN_EXE_skymon")).parent().expect("lies in a folder");
    let mut command = Command::new("sh");
    command
        .args(["-c", &format!("exec 2>&1; {line}")])
        .current_dir(dir)
        .env_clear()
        .env("PATH", format!("{}:/usr/bin:/bin", program.display()));
    let said = tools::run(&mut command);
    (said.status, said.stdout)
}

/// An empty folder with the name that the pages have for it.
fn folder() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let folder = dir.path().join("my-stack");
    fs::create_dir(&folder).expect("makes the folder");
    (dir, folder)
}

#[test]
fn every_command_of_a_console_block_prints_what_the_page_says() {
    let mut commands = 0;
    for name in pages() {
        let (_dir, folder) = folder();
        for block in blocks(&name) {
            if let Some(file) = block.mark.strip_prefix("file: ") {
                let path = folder.join(file);
                fs::create_dir_all(path.parent().expect("lies in the folder")).expect("makes the folder");
                fs::write(path, &block.text).expect("writes the file");
            }
            if block.language != "console" {
                continue;
            }
            for run in format!("\n{}", block.text).split("\n$ ").skip(1) {
                let (line, expected) = run.split_once('\n').unwrap_or((run, ""));
                let (_, said) = shell(line, &folder);
                let wanted: Vec<&str> = expected.trim_end().lines().collect();
                let lines: Vec<&str> = said.trim_end().lines().collect();
                assert!(fits(&wanted, &lines), "{}: `{line}` prints\n{said}", block.place);
                commands += 1;
            }
        }
    }
    assert!(commands >= 6, "{commands} commands were found");
}

#[test]
fn every_shell_command_of_the_readme_and_contributing_works() {
    let makefile = page("Makefile");
    for name in ["README.md", "CONTRIBUTING.md"] {
        let (_dir, folder) = folder();
        for block in blocks(name).into_iter().filter(|block| block.language == "sh") {
            for line in block.text.lines().map(|line| line.split(" #").next().expect("is there").trim()) {
                let place = &block.place;
                if let Some(args) =
                    line.strip_prefix("cargo run --locked -- ").or_else(|| line.strip_prefix("skymon "))
                {
                    let (status, said) = shell(&format!("skymon {args}"), &folder);
                    assert_eq!(status, 0, "{place}: `{line}` prints\n{said}");
                } else if let Some(target) = line.strip_prefix("make ") {
                    assert!(makefile.contains(&format!("\n{target}:")), "{place}: no target `{target}`");
                } else {
                    assert!(root().join(line).is_file(), "{place}: `{line}` is neither known nor a file");
                }
            }
        }
    }
}

#[test]
fn the_readme_names_every_command() {
    let rows = table("README.md", "command");
    let named: BTreeSet<String> =
        rows.iter().map(|row| code(&row[0]).split(' ').nth(1).expect("a command").to_owned()).collect();
    let there: BTreeSet<String> =
        skymon::cli::Cli::command().get_subcommands().map(|command| command.get_name().to_owned()).collect();
    assert_eq!(named, there);
}
