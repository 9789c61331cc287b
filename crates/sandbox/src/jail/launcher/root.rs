//! The file system a program sees: a new root made of read-only copies of the system's folders,
//! the workspace, and small temporary file systems.
//!
//! Every source is opened before anything is mounted over, so a workspace below `/tmp` works, and
//! so does a toolchain in a folder that the program's own user could not even reach.

use std::{
    fs, io,
    os::{
        fd::{AsFd, OwnedFd},
        unix::fs::{DirBuilderExt, PermissionsExt, symlink},
    },
    path::{Path, PathBuf},
};

use nix::{
    errno::Errno,
    mount::{MntFlags, MsFlags, mount, umount2},
    unistd::{chdir, pivot_root},
};

use super::{
    Failure, Stage,
    syscalls::{
        NO_DEVICES, NO_EXECUTION, NO_SUID, READ_ONLY, attach, clone_mounts, restrict_mount, restrict_mounts,
    },
};
use crate::jail::wire::{Purpose, Spec};

/// Where programs write.
pub(super) const WRITABLE: [&str; 3] = ["/workspace", "/tmp", "/dev/shm"];
/// Where the terminals of a session are.
pub(super) const TERMINALS: &str = "/dev/pts";

/// Something of the host, opened, and where it goes.
struct Source<'spec> {
    tree: OwnedFd,
    target: &'spec Path,
    is_folder: bool,
    restrictions: u64,
}

/// Replaces the root of the calling process, which must be in a mount namespace of its own.
pub(super) fn enter(spec: &Spec) -> Result<(), Failure> {
    mount(None::<&str>, "/", None::<&str>, MsFlags::MS_REC | MsFlags::MS_PRIVATE, None::<&str>)
        .stage("the privacy of mounts")?;
    let sources = open_sources(spec)?;
    let base = mount_base()?;
    make_folders(&base).stage("the folders of the new root")?;
    mount_temporary(&base, spec)?;
    for source in &sources {
        show(&base, source)?;
    }
    write_files(&base, spec).stage("the files of the new root")?;
    mount_proc(&base)?;
    if matches!(spec.purpose, Purpose::Session { .. }) {
        mount_terminals(&base)?;
    }
    chdir(&base).stage("the new root")?;
    pivot_root(".", ".").stage("the change of root")?;
    umount2(".", MntFlags::MNT_DETACH).stage("the unmounting of the old root")?;
    chdir("/").stage("the new root")?;
    restrict_mount(c"/", READ_ONLY | NO_SUID | NO_DEVICES).stage("the mount of a read-only root")
}

fn open_sources(spec: &Spec) -> Result<Vec<Source<'_>>, Failure> {
    let layout = &spec.layout;
    let system = READ_ONLY | NO_SUID | NO_DEVICES;
    let shown = layout
        .folders
        .iter()
        .map(|path| (path, true, system))
        .chain(layout.files.iter().map(|path| (path, false, system | NO_EXECUTION)))
        .chain(layout.devices.iter().map(|path| (path, false, NO_SUID | NO_EXECUTION)));
    let mut sources = Vec::new();
    for (path, is_folder, restrictions) in shown {
        match clone_mounts(path) {
            Ok(tree) => sources.push(Source { tree, target: path, is_folder, restrictions }),
            // Removed since the server started, or not for this user: then it is not there.
            Err(Errno::ENOENT | Errno::EACCES) => {}
            Err(errno) => return Err(errno).stage(&format!("the mount of {}", path.display())),
        }
    }
    let tree = clone_mounts(&spec.workspace).stage("the mount of the workspace")?;
    let target = Path::new("/workspace");
    sources.push(Source { tree, target, is_folder: true, restrictions: NO_SUID | NO_DEVICES });
    Ok(sources)
}

/// The empty file system that becomes the root; where it is mounted before does not matter.
fn mount_base() -> Result<PathBuf, Failure> {
    let base = ["/tmp", "/var/tmp", "/mnt", "/run"].into_iter().map(Path::new).find(|path| path.is_dir());
    let base = base.unwrap_or(Path::new("/proc"));
    mount_tmpfs(base, "mode=755,size=1m,nr_inodes=4k", MsFlags::MS_NOSUID | MsFlags::MS_NODEV)?;
    Ok(base.to_owned())
}

fn mount_tmpfs(target: &Path, options: &str, flags: MsFlags) -> Result<(), Failure> {
    mount(Some("tmpfs"), target, Some("tmpfs"), flags, Some(options)).stage("the mount of a tmpfs")
}

fn make_folders(base: &Path) -> io::Result<()> {
    for folder in ["etc", "dev", "dev/shm", "proc", "tmp", "workspace"] {
        fs::create_dir(base.join(folder))?;
    }
    Ok(())
}

/// `/tmp` and `/dev/shm` are memory, counted against the run's limit and bounded besides.
fn mount_temporary(base: &Path, spec: &Spec) -> Result<(), Failure> {
    let limits = &spec.limits;
    let bytes = limits.disk_bytes.min(limits.memory_bytes / 2).max(64 << 10);
    let options = format!("mode=1777,size={bytes},nr_inodes={}", limits.inodes.clamp(16, 100_000));
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
    mount_tmpfs(&base.join("tmp"), &options, flags)?;
    mount_tmpfs(&base.join("dev/shm"), &options, flags | MsFlags::MS_NOEXEC)
}

fn show(base: &Path, source: &Source<'_>) -> Result<(), Failure> {
    let name = source.target.display();
    let target = inside(base, source.target);
    make_target(&target, source.is_folder).stage(&format!("the mount point {name}"))?;
    restrict_mounts(source.tree.as_fd(), source.restrictions)
        .stage(&format!("the read-only mount of {name}"))?;
    attach(source.tree.as_fd(), &target).stage(&format!("the mount of {name}"))
}

fn make_target(target: &Path, is_folder: bool) -> io::Result<()> {
    let folder = if is_folder { Some(target) } else { target.parent() };
    if let Some(folder) = folder {
        fs::DirBuilder::new().recursive(true).mode(0o755).create(folder)?;
    }
    if !is_folder {
        fs::File::create(target)?;
    }
    Ok(())
}

fn write_files(base: &Path, spec: &Spec) -> io::Result<()> {
    for (path, content) in &spec.layout.written {
        let target = inside(base, path);
        make_target(target.parent().unwrap_or(base), true)?;
        fs::write(&target, content)?;
        fs::set_permissions(&target, fs::Permissions::from_mode(0o444))?;
    }
    for (path, points_to) in &spec.layout.links {
        let target = inside(base, path);
        make_target(target.parent().unwrap_or(base), true)?;
        symlink(points_to, target)?;
    }
    Ok(())
}

/// Shows a process its own kind only (`hidepid`), and of the kernel nothing (`subset=pid`: no
/// `/proc/sys`, `/proc/kcore`, `/proc/keys`, …).
fn mount_proc(base: &Path) -> Result<(), Failure> {
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC | MsFlags::MS_RDONLY;
    let options = "hidepid=invisible,subset=pid";
    mount(Some("proc"), &base.join("proc"), Some("proc"), flags, Some(options)).stage("the mount of /proc")
}

/// Terminals of the jail's own; nobody inside can see or reach those of the host.
fn mount_terminals(base: &Path) -> Result<(), Failure> {
    let stage = "the mount of the terminals";
    let target = inside(base, Path::new(TERMINALS));
    fs::create_dir(&target).stage(stage)?;
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NOEXEC;
    let options = "newinstance,ptmxmode=0666,mode=0600,max=16";
    mount(Some("devpts"), &target, Some("devpts"), flags, Some(options)).stage(stage)?;
    symlink("pts/ptmx", base.join("dev/ptmx")).stage(stage)
}

fn inside(base: &Path, path: &Path) -> PathBuf {
    base.join(path.strip_prefix("/").unwrap_or(path))
}
