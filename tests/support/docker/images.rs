//! The images of the rendered stacks, built here: the real programs with busybox and a libc, and user, entrypoint, folders
//! and owners as upstream's Dockerfiles say.
//!
//! Grafana cannot be had; its image holds a stand-in (`grafana/`). No image is pulled, and none has a real name: stacks
//! are rendered with a registry of the tests' own.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown, symlink};
use std::path::Path;
use std::process::Stdio;

use rustix::fs::{XattrFlags, setxattr};

use super::{Engine, tools};

/// What an image has inside, besides busybox.
struct Image {
    repository: &'static str,
    /// Programs of target/tools, and their names in `/bin`.
    programs: &'static [(&'static str, &'static str)],
    files: &'static [File],
    folders: &'static [Folder],
    /// Lines of a Dockerfile.
    says: &'static [&'static str],
}

struct File {
    path: &'static str,
    mode: u32,
    content: &'static str,
}

struct Folder {
    path: &'static str,
    owner: (u32, u32),
    mode: u32,
}

const NOBODY: (u32, u32) = (65534, 65534);

const fn text(path: &'static str, content: &'static str) -> File {
    File { path, mode: 0o644, content }
}

const fn script(path: &'static str, content: &'static str) -> File {
    File { path, mode: 0o755, content }
}

/// The default configs are there as traps: a stack whose own config is not mounted where the program looks would run
/// with these, and look well.
const IMAGES: [Image; 8] = [
    Image {
        repository: "prom/prometheus",
        programs: &[("prometheus", "prometheus"), ("promtool", "promtool")],
        files: &[text("etc/prometheus/prometheus.yml", "scrape_configs: []\n")],
        folders: &[Folder { path: "prometheus", owner: NOBODY, mode: 0o755 }],
        says: &[
            "USER nobody",
            "EXPOSE 9090",
            "VOLUME /prometheus",
            "WORKDIR /prometheus",
            "ENTRYPOINT [\"/bin/prometheus\"]",
            "CMD [\"--config.file=/etc/prometheus/prometheus.yml\", \"--storage.tsdb.path=/prometheus\"]",
        ],
    },
    Image {
        repository: "prom/alertmanager",
        programs: &[("alertmanager", "alertmanager"), ("amtool", "amtool")],
        files: &[text(
            "etc/alertmanager/alertmanager.yml",
            "route: {receiver: none}\nreceivers: [{name: none}]\n",
        )],
        folders: &[Folder { path: "alertmanager", owner: NOBODY, mode: 0o755 }],
        says: &[
            "USER nobody",
            "EXPOSE 9093",
            "VOLUME /alertmanager",
            "WORKDIR /alertmanager",
            "ENTRYPOINT [\"/bin/alertmanager\"]",
            "CMD [\"--config.file=/etc/alertmanager/alertmanager.yml\", \"--storage.path=/alertmanager\"]",
        ],
    },
    Image {
        repository: "prom/blackbox-exporter",
        programs: &[("blackbox_exporter", "blackbox_exporter")],
        files: &[text("etc/blackbox_exporter/config.yml", "modules: {trap: {prober: tcp}}\n")],
        folders: &[],
        says: &[
            "EXPOSE 9115",
            "ENTRYPOINT [\"/bin/blackbox_exporter\"]",
            "CMD [\"--config.file=/etc/blackbox_exporter/config.yml\"]",
        ],
    },
    Image {
        repository: "prom/node-exporter",
        programs: &[("node_exporter", "node_exporter")],
        files: &[],
        folders: &[],
        says: &["USER nobody", "EXPOSE 9100", "ENTRYPOINT [\"/bin/node_exporter\"]"],
    },
    Image {
        repository: "grafana/grafana",
        programs: &[],
        files: &[
            script("run.sh", include_str!("grafana/run.sh")),
            script("usr/bin/answer", include_str!("grafana/answer")),
        ],
        folders: &[Folder { path: "var/lib/grafana", owner: (472, 0), mode: 0o755 }],
        says: &["USER 472", "EXPOSE 3000", "WORKDIR /usr/share/grafana", "ENTRYPOINT [\"/run.sh\"]"],
    },
    Image {
        repository: "caddy",
        programs: &[("caddy", "caddy")],
        files: &[text("etc/caddy/Caddyfile", ":80\nrespond trap\n")],
        folders: &[
            Folder { path: "data/caddy", owner: (0, 0), mode: 0o1777 },
            Folder { path: "config/caddy", owner: (0, 0), mode: 0o1777 },
        ],
        says: &[
            "ENV XDG_CONFIG_HOME=/config XDG_DATA_HOME=/data",
            "WORKDIR /srv",
            "CMD [\"caddy\", \"run\", \"--config\", \"/etc/caddy/Caddyfile\", \"--adapter\", \"caddyfile\"]",
        ],
    },
    Image {
        repository: "python",
        programs: &[],
        // Upstream's libc looks into /etc/hosts first without being told.
        files: &[text("etc/nsswitch.conf", "hosts: files dns\n")],
        folders: &[],
        says: &["CMD [\"python3\"]"],
    },
    // Not of a stack: what a test runs beside one.
    Image { repository: "busybox", programs: &[], files: &[], folders: &[], says: &["CMD [\"sh\"]"] },
];

const PASSWD: &str = "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/home:/bin/false\n\
                      grafana:x:472:0:grafana:/usr/share/grafana:/bin/false\n";

/// Builds what is asked for as `REGISTRY/REPOSITORY:TAG`.
#[track_caller]
pub(super) fn build(engine: &Engine, name: &str) {
    let repository = name.rsplit_once(':').map_or(name, |(repository, _)| repository);
    let image = IMAGES.iter().find(|image| repository.ends_with(&format!("/{}", image.repository)));
    let image = image.unwrap_or_else(|| panic!("nobody has said what is in the image `{name}`"));
    let root = tempfile::tempdir().expect("a temporary folder");
    fs::set_permissions(root.path(), fs::Permissions::from_mode(0o755)).expect("our own folder");
    fill_base(root.path());
    for (tool, program) in image.programs {
        fs::copy(tools::tool(tool), root.path().join("usr/bin").join(program)).expect("a program is copied");
    }
    for file in image.files {
        let path = root.path().join(file.path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("our own folder");
        fs::write(&path, file.content).expect("our own folder");
        fs::set_permissions(&path, fs::Permissions::from_mode(file.mode)).expect("our own file");
    }
    for folder in image.folders {
        let path = root.path().join(folder.path);
        fs::create_dir_all(&path).expect("our own folder");
        fs::set_permissions(&path, fs::Permissions::from_mode(folder.mode)).expect("our own folder");
        chown(&path, Some(folder.owner.0), Some(folder.owner.1)).expect("root may do that");
    }
    add_upstreams_oddities(image, root.path());
    import(engine, root.path(), image.says, name);
}

/// busybox under all its names, a libc, and the folders that programs expect.
fn fill_base(root: &Path) {
    let engine = tools::folder().join("engine");
    for folder in ["usr/bin", "usr/lib", "etc", "home", "root", "tmp"] {
        fs::create_dir_all(root.join(folder)).expect("our own folder");
    }
    fs::set_permissions(root.join("tmp"), fs::Permissions::from_mode(0o1777)).expect("our own folder");
    for (link, target) in
        [("bin", "usr/bin"), ("sbin", "usr/bin"), ("lib", "usr/lib"), ("lib64", "usr/lib64")]
    {
        symlink(target, root.join(link)).expect("our own folder");
    }
    fs::write(root.join("etc/passwd"), PASSWD).expect("our own folder");
    fs::write(root.join("etc/group"), "root:x:0:\nnobody:x:65534:\n").expect("our own folder");

    let busybox = engine.join("usr/bin/busybox");
    let names = tools::run(std::process::Command::new(&busybox).arg("--list")).expect_success().stdout;
    fs::copy(&busybox, root.join("usr/bin/busybox")).expect("a program is copied");
    for name in names.lines().filter(|name| *name != "busybox") {
        symlink("busybox", root.join("usr/bin").join(name)).expect("our own folder");
    }
    copy_libc(&engine, root);
}

/// The loader and the libraries that the programs name, from where the engine's packages have them.
fn copy_libc(engine: &Path, root: &Path) {
    let mut folders: Vec<_> = ["lib", "lib64"].map(|folder| Path::new("usr").join(folder)).into();
    let architecture = fs::read_dir(engine.join("usr/lib")).expect("the engine's libraries");
    folders.extend(
        architecture
            .map(|entry| entry.expect("an entry").file_name())
            .filter(|name| name.to_string_lossy().ends_with("-linux-gnu"))
            .map(|name| Path::new("usr/lib").join(name)),
    );
    for folder in folders {
        let Ok(entries) = fs::read_dir(engine.join(&folder)) else { continue };
        fs::create_dir_all(root.join(&folder)).expect("our own folder");
        for entry in entries.map(|entry| entry.expect("an entry")) {
            let name = entry.file_name().to_string_lossy().into_owned();
            if ["ld-linux", "libc.so", "libm.so", "libresolv.so"].iter().any(|start| name.starts_with(start))
            {
                fs::copy(entry.path(), root.join(&folder).join(name)).expect("a library is copied");
            }
        }
    }
}

fn add_upstreams_oddities(image: &Image, root: &Path) {
    match image.repository {
        // This build of Alertmanager reads its default templates from a folder; upstream's has them inside.
        "prom/alertmanager" => {
            let folder = root.join("usr/share/prometheus/alertmanager");
            fs::create_dir_all(&folder).expect("our own folder");
            for file in
                fs::read_dir(tools::folder().join("share/alertmanager")).expect("Alertmanager's templates")
            {
                let file = file.expect("an entry");
                fs::copy(file.path(), folder.join(file.file_name())).expect("a template is copied");
            }
        }
        // The language and its library, and the libraries of both.
        "python" => {
            let all = tools::folder().join("python/.");
            tools::run(std::process::Command::new("cp").arg("-a").arg(all).arg(root)).expect_success();
        }
        "caddy" => {
            // cap_net_bind_service=+ep, as the kernel writes it: version 2 and the effective bit; permitted; inheritable.
            let words: [u32; 5] = [0x0200_0001, 1 << 10, 0, 0, 0];
            let value: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
            let program = root.join("usr/bin/caddy");
            setxattr(program, "security.capability", &value, XattrFlags::empty()).expect("root may do that");
        }
        _ => {}
    }
}

#[track_caller]
fn import(engine: &Engine, root: &Path, says: &[&str], name: &str) {
    let mut tar = engine
        .command("tar")
        .args(["--xattrs", "--xattrs-include=security.capability", "-C"])
        .arg(root)
        .args(["-c", "."])
        .stdout(Stdio::piped())
        .spawn()
        .expect("`tar` can be started");
    let layer = tar.stdout.take().expect("a pipe");
    let changes = says.iter().flat_map(|line| ["--change", *line]);
    let mut docker = engine.command("docker");
    tools::run(docker.arg("import").args(changes).args(["-", name]).stdin(layer)).expect_success();
    assert!(tar.wait().expect("our own process").success(), "tar could not read the image `{name}`");
}
