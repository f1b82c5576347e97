//! The real `skymon render`, really killed while it writes, and several of them at once.
//!
//! `src/output/kill_tests.rs` stops before every single step, in the same process. Here the system ends the process
//! wherever it is: what was open, locked or half written is left as it is. The kills come at some two hundred moments: at
//! the sight of each single file that is laid ready or put in place.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use skymon::output::{self, Applied, MANIFEST};
use support::project::{Project, files_below};
use support::say;

type Files = BTreeMap<String, String>;

/// How often each moment is tried, in both directions.
const ROUNDS: usize = 3;

/// Two stacks that share some files, differ in some, and have some each for itself.
fn configs() -> [String; 2] {
    let stack = |name: &str, services: &str| {
        format!(
            "version: 1\nname: {name}\nservices:\n{services}\nreceivers: {{team: {{webhook: {{url_file: secrets/url}}}}}}\n\
             routes: {{critical: team, warning: team}}\n"
        )
    };
    [
        stack(
            "one",
            "  both: {engine: custom, replicas: ['127.86.1.1:1']}\n  first: {engine: custom, replicas: ['127.86.1.2:1']}",
        ),
        stack(
            "two",
            "  both: {engine: custom, endpoint: 'https://x.invalid', replicas: ['127.86.1.3:1']}\n  second: {engine: vllm, replicas: ['127.86.1.4:1']}",
        ),
    ]
}

/// A project with both configs, and what each of them renders.
fn project() -> (Project, [Files; 2]) {
    let project = Project::new("");
    let rendered = [0, 1].map(|one| {
        project.write(&format!("{one}.yaml"), &configs()[one]);
        project.skymon(&["render", "-c", &format!("{one}.yaml")]).expect_success();
        let files = everything(&project);
        fs::remove_dir_all(project.path("monitoring")).expect("our own folder");
        files
    });
    (project, rendered)
}

/// All files of the rendered folder but skymon's own.
fn everything(project: &Project) -> Files {
    let folder = project.path("monitoring");
    let paths = files_below(&folder).into_iter().map(|path| path.display().to_string());
    let own = |path: &String| path.starts_with(".skymon/");
    paths
        .filter(|path| !own(path))
        .map(|path| (path.clone(), project.read(&format!("monitoring/{path}"))))
        .collect()
}

fn start(project: &Project, config: usize, more: &[&str]) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_skymon"));
    command.args(["render", "-c", &format!("{config}.yaml")]).args(more).current_dir(project.path(""));
    command.env_clear().stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("skymon can be started")
}

/// A moment of the writing: every new file is first laid ready under a number, then put in place in the same order.
#[derive(Clone, Copy, Debug)]
enum Moment {
    Ready(usize),
    InPlace(usize),
}

/// Starts a rendering and kills it as soon as that moment is seen. Whether the kill came before the end.
fn kill_at(project: &Project, config: usize, moment: Moment, files: usize) -> bool {
    let aside = |number: usize| project.path(&format!("monitoring/.skymon/tmp/{number}"));
    let mut child = start(project, config, &[]);
    // Without a pause: each moment lasts some microseconds.
    let mut wait = |is_there: &dyn Fn() -> bool| while !is_there() && matches!(child.try_wait(), Ok(None)) {};
    match moment {
        Moment::Ready(number) => wait(&|| aside(number).exists()),
        Moment::InPlace(number) => {
            wait(&|| aside(files - 1).exists());
            wait(&|| !aside(number).exists());
        }
    }
    child.kill().expect("is our own process");
    !child.wait().expect("is our own process").success()
}

fn finish(files: &Files, out: &Path) -> bool {
    matches!(output::apply(files, out, false), Ok(Applied::Done(_)))
}

#[test]
fn a_render_that_is_killed_leaves_each_file_old_or_new_and_loses_no_edit() {
    let (project, rendered) = project();
    let out = project.path("monitoring");
    // Somebody's own, beside the rendered files.
    project.write("monitoring/prometheus/rules/mine.yml", "groups: []\n");
    let (mut kills, mut in_time, mut points) = (0, 0, BTreeSet::new());
    for (to, moment, files) in moments(&rendered) {
        let from = 1 - to;
        assert!(finish(&rendered[from], &out));
        kills += 1;
        let kill = format!("kill {kills}, {moment:?} of {files}");
        in_time += u32::from(kill_at(&project, to, moment, files));

        let mut now = everything(&project);
        assert_eq!(now.remove("prometheus/rules/mine.yml").as_deref(), Some("groups: []\n"), "{kill}");
        for path in rendered[0].keys().chain(rendered[1].keys()).chain(now.keys()) {
            let text = now.get(path);
            assert!(
                text == rendered[from].get(path) || text == rendered[to].get(path),
                "{kill}: `{path}` is neither old nor new"
            );
        }
        points.insert(point(&project, &now));

        // The next run knows all that the killed one wrote as skymon's own, whichever config it has.
        for files in &rendered {
            let conflicts = output::compare(files, &out).expect("can be read").conflicts().len();
            assert_eq!(conflicts, 0, "{kill}: skymon's own files count as edited");
        }
        if kills % 10 == 0 {
            let edited = now.keys().nth(kills / 10 % now.len()).expect("a file");
            expect_an_edit_is_kept(&project, to, edited);
        }
        if kills % 10 == 5 {
            project.skymon(&["render", "-c", &format!("{to}.yaml")]).expect_success();
        }
        assert!(finish(&rendered[to], &out), "{kill}");
        let mut now = everything(&project);
        now.remove("prometheus/rules/mine.yml");
        assert_eq!(now, rendered[to], "{kill}: the next run finishes");
        assert!(!out.join(".skymon/tmp").exists());
    }
    say(&format!(
        "{in_time} of {kills} kills came while skymon ran, and left {} different states behind",
        points.len()
    ));
    assert!(points.len() > 20, "the kills all came at the same few points: {}", points.len());
}

/// Where to kill: which config is rendered over the other, when, and how many files that writes.
fn moments(rendered: &[Files; 2]) -> Vec<(usize, Moment, usize)> {
    let new = |to: usize| {
        rendered[to].iter().filter(|(path, text)| rendered[1 - to].get(*path) != Some(*text)).count()
    };
    let of = |to: usize| {
        let files = new(to);
        (0..files)
            .flat_map(move |file| [(to, Moment::Ready(file), files), (to, Moment::InPlace(file), files)])
    };
    (0..ROUNDS).flat_map(|_| [0, 1]).flat_map(of).collect()
}

/// What a kill has left behind: which files are in place, which lie ready, what the manifest says.
fn point(project: &Project, now: &Files) -> String {
    let own = project.path("monitoring/.skymon");
    let ready: Vec<(String, u64)> = files_below(&own)
        .iter()
        .map(|path| (path.display().to_string(), fs::metadata(own.join(path)).map_or(0, |file| file.len())))
        .collect();
    let manifest = fs::read_to_string(project.path("monitoring").join(MANIFEST)).unwrap_or_default();
    format!("{now:?} {ready:?} {manifest}")
}

/// A hand edit after a kill: the real next run refuses, and the edit is there, byte for byte.
#[track_caller]
fn expect_an_edit_is_kept(project: &Project, config: usize, path: &str) {
    let place = format!("monitoring/{path}");
    let before = project.read(&place);
    let edited = format!("{before}# mine\n");
    project.write(&place, &edited);
    let said = project.skymon(&["render", "-c", &format!("{config}.yaml")]);
    assert_eq!(said.status, 1, "`{path}`: {}", said.text());
    assert_eq!(project.read(&place), edited, "`{path}`");
    project.write(&place, &before);
}

#[test]
fn several_renders_at_once_do_not_mix() {
    let (project, rendered) = project();
    let mut refused = 0;
    for round in 0..25u32 {
        let delay = |nth: u32| Duration::from_millis(u64::from(round % 5 * nth));
        let mut children: Vec<Child> = Vec::new();
        for (nth, config) in [(0, 0), (1, 1), (2, 0), (1, 1)] {
            std::thread::sleep(delay(nth));
            children.push(start(&project, config, &[]));
        }
        let codes: Vec<Option<i32>> =
            children.iter_mut().map(|child| child.wait().expect("is our own process").code()).collect();
        // 2: another one is at work. Nobody is told of an edit that nobody made.
        assert!(codes.iter().all(|code| matches!(code, Some(0 | 2))), "round {round}: {codes:?}");
        assert!(codes.contains(&Some(0)), "round {round}: {codes:?}");
        refused += codes.iter().filter(|code| **code == Some(2)).count();
        let now = everything(&project);
        assert!(
            rendered.contains(&now),
            "round {round}: what is there is neither of the two stacks: {codes:?}"
        );
    }
    say(&format!("100 renders, four at a time: {refused} were told that another one is at work"));
}

#[test]
fn a_killed_render_does_not_keep_the_next_one_waiting() {
    let (project, rendered) = project();
    for kill in 0..10 {
        kill_at(&project, kill % 2, Moment::Ready(kill), 1);
        let (one, two) = (start(&project, 0, &[]).wait(), start(&project, 0, &[]).wait());
        assert!(one.is_ok_and(|status| status.success()) && two.is_ok_and(|status| status.success()));
        assert_eq!(everything(&project), rendered[0]);
    }
}
