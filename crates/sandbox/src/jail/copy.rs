//! Copying a workspace whose content somebody else controls: links stay links and are never
//! followed, and of what is no file, folder or link nothing is made. Holes stay holes, or a few files
//! that take no place in the workspace would fill the disk with zeros.

use std::{
    fs::{self, File},
    io::{self, Read, Seek, SeekFrom},
    os::{
        fd::AsFd,
        unix::fs::{MetadataExt, symlink},
    },
    path::Path,
};

use nix::{
    fcntl::{OFlag, openat},
    sys::stat::Mode,
    unistd::{Gid, Uid},
};

/// Copies a folder to one that does not exist yet. Blocks share their place on the disk where the
/// file system can do that.
///
/// # Errors
/// What the system says; then a part may have been copied.
pub fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir(to)?;
    let metadata = fs::symlink_metadata(from)?;
    copy_content(&File::open(from)?, from, to)?;
    keep_properties(to, &metadata)
}

fn copy_content(opened: &File, from: &Path, to: &Path) -> io::Result<()> {
    // Read through the descriptor, so that a folder that is swapped for a link is not followed.
    let through = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(opened));
    for entry in fs::read_dir(through)? {
        let name = entry?.file_name();
        let (source, target) = (from.join(&name), to.join(&name));
        let Ok(metadata) = fs::symlink_metadata(&source) else { continue };
        let kind = metadata.file_type();
        if kind.is_symlink() {
            symlink(fs::read_link(&source)?, &target)?;
            let (user, group) = (metadata.uid(), metadata.gid());
            std::os::unix::fs::lchown(&target, Some(user), Some(group))?;
            continue;
        }
        if !kind.is_dir() && !kind.is_file() {
            continue;
        }
        let flags = OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
        let source_file = File::from(openat(opened.as_fd(), name.as_os_str(), flags, Mode::empty())?);
        if kind.is_dir() {
            fs::create_dir(&target)?;
            copy_content(&source_file, &source, &target)?;
        } else {
            let mut target_file = File::options().write(true).create_new(true).open(&target)?;
            if rustix::fs::ioctl_ficlone(&target_file, &source_file).is_err() {
                copy_data(&source_file, &mut target_file)?;
            }
        }
        keep_properties(&target, &metadata)?;
    }
    Ok(())
}

/// Copies what is between the holes.
fn copy_data(mut source: &File, target: &mut File) -> io::Result<()> {
    use rustix::{fs, io::Errno};
    let length = source.metadata()?.len();
    let mut end = 0;
    while end < length {
        let start = match fs::seek(source, fs::SeekFrom::Data(end)) {
            Ok(start) => start,
            // Nothing but a hole up to the end.
            Err(Errno::NXIO) => break,
            Err(error) => return Err(error.into()),
        };
        end = fs::seek(source, fs::SeekFrom::Hole(start))?;
        source.seek(SeekFrom::Start(start))?;
        target.seek(SeekFrom::Start(start))?;
        io::copy(&mut source.take(end - start), target)?;
    }
    target.set_len(length)
}

fn keep_properties(target: &Path, metadata: &fs::Metadata) -> io::Result<()> {
    if nix::unistd::geteuid().is_root() {
        nix::unistd::chown(target, Some(Uid::from_raw(metadata.uid())), Some(Gid::from_raw(metadata.gid())))?;
    }
    fs::set_permissions(target, metadata.permissions())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_has_the_same_content_and_follows_no_link() {
        let folder = tempfile::tempdir().expect("a folder");
        let (from, to) = (folder.path().join("from"), folder.path().join("to"));
        fs::create_dir_all(from.join("a/empty")).expect("folders");
        fs::write(from.join("a/file"), "text").expect("a file");
        symlink("/etc", from.join("link")).expect("a link");
        let holes = File::create(from.join("holes")).expect("a file");
        std::os::unix::fs::FileExt::write_all_at(&holes, b"middle", 20 << 20).expect("written");
        holes.set_len(40 << 20).expect("set");
        nix::unistd::mkfifo(&from.join("fifo"), Mode::S_IRWXU).expect("a fifo");
        copy(&from, &to).expect("copied");
        assert_eq!(fs::read_to_string(to.join("a/file")).expect("a file"), "text");
        assert!(to.join("a/empty").is_dir());
        assert_eq!(fs::read_link(to.join("link")).expect("a link"), Path::new("/etc"));
        assert!(!to.join("fifo").exists());
        let copied = fs::read(to.join("holes")).expect("a file");
        assert_eq!((copied.len(), &copied[20 << 20..][..6]), (40 << 20, &b"middle"[..]));
        assert!(fs::metadata(to.join("holes")).expect("there").blocks() * 512 < 1 << 20);
    }
}
