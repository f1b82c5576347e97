//! One program in a root of its own: what a container is to a program, made with mount namespaces instead of Docker.
//!
//! Apart from `stack` because this knows nothing of compose. The root is a tmpfs that exists only inside the
//! namespace, so mount points like `/prometheus` need no folder on the machine, and nothing is left behind. What a
//! container has and this has not: a network of its own (the fakes live in the test's process), capabilities, limits.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

/// The namespace's first process. Its standard input is the line to the test: each line is a signal for the program,
/// and the end of it (the test is done, or dead) ends the program. When the first process ends, so does all in it.
const START: &str = r#"
exec 3<&0 </dev/null
chroot $user "$root" "$@" 3<&- &
program=$!
(while read -r signal <&3; do kill -s "$signal" "$program"; done; kill -s KILL "$program") &
exec 3<&-
wait "$program"
"#;

/// The steps that the list of mounts is written in.
const STEPS: &str = r#"
set -eu
bind() {
  if [ -d "$1" ]; then mkdir -p "$root$2"; else
    mkdir -p "$(dirname "$root$2")"
    [ -e "$root$2" ] || : >"$root$2"
  fi
  mount --rbind "$1" "$root$2"
  [ "$3" = rw ] || mount -o remount,bind,ro "$root$2"
}
tmpfs() {
  mkdir -p "$root$1"
  mount -t tmpfs -o "$2" tmpfs "$root$1"
}
"#;

/// A folder or file of the machine, seen at a place of the container.
#[derive(Debug)]
pub(super) struct Mount {
    pub(super) source: PathBuf,
    pub(super) target: String,
    pub(super) read_only: bool,
}

#[derive(Debug, Default)]
pub(super) struct Spec {
    pub(super) name: String,
    /// The real program, and where the image has it.
    pub(super) program: PathBuf,
    pub(super) entrypoint: String,
    pub(super) args: Vec<String>,
    pub(super) env: BTreeMap<String, String>,
    pub(super) mounts: Vec<Mount>,
    /// Path and mount options.
    pub(super) tmpfs: Vec<(String, String)>,
    /// `uid:gid`.
    pub(super) user: String,
    /// The root, mounts excepted.
    pub(super) read_only: bool,
    /// The content of `/etc/hosts`. Nothing else resolves a name.
    pub(super) hosts: String,
}

/// A running program; dropping it ends it.
pub(super) struct Container {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Container {
    /// `scratch` is an empty folder of the container's own.
    #[track_caller]
    pub(super) fn start(spec: &Spec, scratch: &Path) -> Self {
        let file = |name: &str, content: &str| {
            let path = scratch.join(name);
            fs::write(&path, content).expect("the scratch folder can be written");
            path
        };
        let root = scratch.join("root");
        fs::create_dir(&root).expect("the scratch folder is empty");
        let hosts = file("hosts", &spec.hosts);
        let empty = file("empty", "");
        let nsswitch = file("nsswitch.conf", "hosts: files\n");
        let passwd = file("passwd", "root:x:0:0::/:/bin/false\nnobody:x:65534:65534::/:/bin/false\n");
        let script = file("start.sh", &script(spec, &root, [&hosts, &empty, &nsswitch, &passwd]));
        let log = file("log", "");
        let output = fs::File::create(&log).expect("the log can be written");

        let child = Command::new("unshare")
            .args(namespaces())
            .args(["--mount", "--pid", "--fork", "--kill-child", "sh"])
            .arg(script)
            .arg(&spec.entrypoint)
            .args(&spec.args)
            .env_clear()
            .envs(&spec.env)
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .stdin(Stdio::piped())
            .stdout(output.try_clone().expect("a second handle"))
            .stderr(output)
            .spawn()
            .expect("`unshare` of util-linux can be started");
        Self { name: spec.name.clone(), child, log }
    }

    /// Sends a signal by its name: `HUP`.
    #[track_caller]
    pub(super) fn signal(&mut self, signal: &str) {
        let line = self.child.stdin.as_mut().expect("a piped input");
        line.write_all(format!("{signal}\n").as_bytes())
            .and_then(|()| line.flush())
            .unwrap_or_else(|error| panic!("`{}` has ended ({error}); its log:\n{}", self.name, self.log()));
    }

    /// Everything the program printed so far.
    pub(super) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Where that is written.
    pub(super) fn log_file(&self) -> PathBuf {
        self.log.clone()
    }

    pub(super) fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        // The end of its input ends the program; `wait` leaves no zombie behind.
        drop(self.child.stdin.take());
        drop(self.child.wait());
    }
}

/// `sh` that builds the root and starts the program in it.
fn script(spec: &Spec, root: &Path, [hosts, empty, nsswitch, passwd]: [&PathBuf; 4]) -> String {
    let mut out = format!("root={}\n{STEPS}\n", quote(&root.to_string_lossy()));
    out.push_str("mount -t tmpfs -o mode=0755 tmpfs \"$root\"\nmkdir -m 1777 \"$root/tmp\"\n");
    // The libraries of the machine. Debian's /lib are links into /usr, which stay links.
    out.push_str("for dir in /usr/lib /usr/lib64 /usr/share/zoneinfo /etc/ssl; do\n");
    out.push_str("  [ ! -d \"$dir\" ] || bind \"$dir\" \"$dir\" ro\ndone\n");
    out.push_str("for dir in /lib /lib64; do\n  if [ -L \"$dir\" ]; then cp -P \"$dir\" \"$root$dir\";");
    out.push_str(" elif [ -d \"$dir\" ]; then bind \"$dir\" \"$dir\" ro; fi\ndone\n");
    out.push_str("for node in null zero random urandom; do bind \"/dev/$node\" \"/dev/$node\" rw; done\n");
    // A container inside a container may not mount its own /proc; the outer one does.
    out.push_str("mkdir \"$root/proc\"\n");
    out.push_str("mount -t proc proc \"$root/proc\" 2>/dev/null || mount --rbind /proc \"$root/proc\"\n");

    let program = Mount { source: spec.program.clone(), target: spec.entrypoint.clone(), read_only: true };
    let etc = |source: &Path, name: &str| Mount {
        source: source.to_owned(),
        target: format!("/etc/{name}"),
        read_only: true,
    };
    let own = [
        program,
        etc(hosts, "hosts"),
        etc(empty, "resolv.conf"),
        etc(nsswitch, "nsswitch.conf"),
        etc(passwd, "passwd"),
    ];
    let mut steps: Vec<(&str, String)> = Vec::new();
    for mount in own.iter().chain(&spec.mounts) {
        let mode = if mount.read_only { "ro" } else { "rw" };
        let (source, target) = (quote(&mount.source.to_string_lossy()), quote(&mount.target));
        steps.push((&mount.target, format!("bind {source} {target} {mode}\n")));
    }
    for (target, options) in &spec.tmpfs {
        steps.push((target, format!("tmpfs {} {}\n", quote(target), quote(options))));
    }
    // The outer mount first, or it would hide the inner one.
    steps.sort_by_key(|(target, _)| target.trim_end_matches('/').matches('/').count());
    out.extend(steps.into_iter().map(|(_, step)| step));

    if spec.read_only {
        out.push_str("mount -o remount,bind,ro \"$root\"\n");
    }
    // Another user than root only exists where the namespace knows more than one.
    let user = if namespaces().is_empty() {
        format!("--userspec=+{}", spec.user.replace(':', ":+"))
    } else {
        String::new()
    };
    let _ = writeln!(out, "user={user}{START}");
    out
}

/// What `unshare` needs besides `--mount`: nothing for root, a user namespace for anyone else (and for a root that
/// is not quite one, as in many CI containers).
#[track_caller]
fn namespaces() -> &'static [&'static str] {
    static FOUND: OnceLock<Option<&'static [&'static str]>> = OnceLock::new();
    let works = |args: &[&str]| {
        let mut command = Command::new("unshare");
        command.args(args).args(["--mount", "--pid", "--fork", "sh", "-c", "mount -t tmpfs tmpfs /mnt"]);
        command.stderr(Stdio::null()).status().is_ok_and(|status| status.success())
    };
    let candidates: [&'static [&'static str]; 2] = [&[], &["--user", "--map-root-user"]];
    FOUND.get_or_init(|| candidates.into_iter().find(|args| works(args))).expect(
        "this machine allows no mount namespace, neither as root nor in a user namespace: \
         run the tests as root, or allow unprivileged user namespaces",
    )
}

/// A word for `sh`.
fn quote(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}
