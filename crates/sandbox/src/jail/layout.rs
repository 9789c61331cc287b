//! What a program finds around its workspace: decided once, when the server starts.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::Toolchain;

/// System folders that are visible when they exist.
const SYSTEM: [&str; 7] = ["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"];
/// What programs need of `/etc`; nothing that names a person, a machine or a secret.
const ETC: [&str; 8] = [
    "/etc/alternatives",
    "/etc/fonts",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/localtime",
    "/etc/mime.types",
    "/etc/os-release",
];
/// Whom this machine trusts, and how its OpenSSL is set up.
const CERTIFICATES: [&str; 4] =
    ["/etc/ssl/certs", "/etc/ssl/openssl.cnf", "/etc/ca-certificates", "/etc/pki/tls/certs"];
const NAME_SERVICES: &str = "/etc/nsswitch.conf";
const DEVICES: [&str; 5] = ["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"];
/// Where programs are looked for, after the interpreters' own folders.
const SEARCH_PATH: &str = "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin";

/// The new root, as a plan: every path is the same inside as on the host.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Layout {
    /// Mounted read-only.
    pub folders: Vec<PathBuf>,
    /// Single files, mounted read-only.
    pub files: Vec<PathBuf>,
    /// Device nodes.
    pub devices: Vec<PathBuf>,
    /// Symbolic links: where, and to what.
    pub links: Vec<(PathBuf, PathBuf)>,
    /// Files that are made up.
    pub written: Vec<(PathBuf, String)>,
    /// `PATH` inside.
    pub search_path: String,
}

/// The user and group inside.
pub(super) const INSIDE_ID: u32 = 1000;

impl Layout {
    pub(super) fn detect(toolchain: &Toolchain) -> Self {
        let mut layout = Self {
            folders: Vec::new(),
            files: Vec::new(),
            devices: DEVICES.iter().map(PathBuf::from).filter(|path| path.exists()).collect(),
            links: device_links(),
            written: made_up_files(),
            search_path: search_path(toolchain),
        };
        for path in SYSTEM.iter().chain(&ETC) {
            layout.add(Path::new(path));
        }
        for path in debian_python_configuration() {
            layout.add(&path);
        }
        for mount in toolchain.mounts() {
            layout.add(&mount.path);
        }
        layout
    }

    /// The same with what programs need that stay and may have ways out.
    pub(super) fn for_session(&self, network: bool, files: &[(PathBuf, String)], mounts: &[&Path]) -> Self {
        let mut layout = self.clone();
        if network {
            for path in CERTIFICATES {
                layout.add(Path::new(path));
            }
            layout.written.retain(|(path, _)| path != Path::new(NAME_SERVICES));
            layout.written.extend([
                (NAME_SERVICES.into(), "passwd: files\ngroup: files\nhosts: files dns\n".to_owned()),
                (
                    "/etc/resolv.conf".into(),
                    "nameserver 127.0.0.1\noptions timeout:2 attempts:2\n".to_owned(),
                ),
            ]);
        }
        for path in mounts {
            // Nothing can be put into a folder that is there, read-only, with all that is in it.
            if !layout.folders.iter().any(|folder| path.starts_with(folder)) {
                layout.add(path);
            }
        }
        layout.written.extend(files.iter().cloned());
        layout
    }

    /// Shows a path of the host as what it is: a link stays a link, and points to what is inside.
    fn add(&mut self, path: &Path) {
        let Ok(metadata) = path.symlink_metadata() else { return };
        if metadata.is_symlink() {
            if let Ok(target) = path.read_link() {
                self.links.push((path.to_owned(), target));
            }
        } else if metadata.is_dir() {
            self.folders.push(path.to_owned());
        } else {
            self.files.push(path.to_owned());
        }
    }
}

fn device_links() -> Vec<(PathBuf, PathBuf)> {
    [
        ("/dev/fd", "/proc/self/fd"),
        ("/dev/stdin", "/proc/self/fd/0"),
        ("/dev/stdout", "/proc/self/fd/1"),
        ("/dev/stderr", "/proc/self/fd/2"),
    ]
    .map(|(link, target)| (link.into(), target.into()))
    .into()
}

fn made_up_files() -> Vec<(PathBuf, String)> {
    [
        (
            "/etc/passwd",
            format!(
                "worker:x:{INSIDE_ID}:{INSIDE_ID}:worker:/workspace:/bin/sh\n\
                 nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n"
            ),
        ),
        ("/etc/group", format!("worker:x:{INSIDE_ID}:\nnogroup:x:65534:\n")),
        ("/etc/hosts", "127.0.0.1 localhost\n::1 localhost\n".to_owned()),
        ("/etc/hostname", "atelier\n".to_owned()),
        (NAME_SERVICES, "passwd: files\ngroup: files\nhosts: files\n".to_owned()),
    ]
    .map(|(path, content)| (path.into(), content))
    .into()
}

/// Debian's Python imports its site configuration from `/etc/python3.*`.
fn debian_python_configuration() -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir("/etc") else { return Vec::new() };
    let named_python = |path: &PathBuf| {
        path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with("python3"))
    };
    entries.flatten().map(|entry| entry.path()).filter(named_python).collect()
}

fn search_path(toolchain: &Toolchain) -> String {
    let mut folders: Vec<String> =
        toolchain.search_path().iter().map(|folder| folder.to_string_lossy().into_owned()).collect();
    folders.push(SEARCH_PATH.to_owned());
    folders.join(":")
}
