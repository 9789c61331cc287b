//! File systems in trouble: one that is full, one that cannot be written.
//!
//! Root ignores permissions, so both are small `tmpfs` mounts, which need root on Linux. Where that
//! is not to be had the constructors print why and return `None`; the test then has nothing to test.

use std::path::Path;

use crate::workspace::TemporaryWorkspace;

/// A file system of a few kilobytes that can be filled up.
#[derive(Debug)]
pub struct FullDisk {
    mount: Mount,
}

impl FullDisk {
    /// The file that takes up the space.
    const BALLAST: &str = ".ballast";

    /// A file system with room for about `bytes`, still empty.
    pub fn with_capacity(bytes: u64) -> Option<Self> {
        // Each folder and file takes a page of its own.
        Mount::new(bytes.max(64 * 1024)).map(|mount| Self { mount }).map_err(skip).ok()
    }

    /// Its root folder.
    pub fn path(&self) -> &Path {
        self.mount.path()
    }

    /// Takes up all the space that is left.
    ///
    /// # Panics
    /// When something else than the space runs out.
    pub fn fill(&self) {
        use std::io::Write;
        let ballast = self.path().join(Self::BALLAST);
        let mut file = std::fs::OpenOptions::new().create(true).append(true).open(ballast);
        let file = match &mut file {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::StorageFull => return,
            Err(error) => panic!("the ballast cannot be made: {error}"),
        };
        for size in [4096, 1] {
            let error = std::iter::repeat_with(|| file.write_all(&vec![0; size])).find_map(Result::err);
            let kind = error.map(|error| error.kind());
            assert_eq!(kind, Some(std::io::ErrorKind::StorageFull));
        }
    }

    /// Gives the space back.
    ///
    /// # Panics
    /// When the disk was not filled.
    pub fn free(&self) {
        std::fs::remove_file(self.path().join(Self::BALLAST)).expect("the disk was filled");
    }
}

/// A folder that nobody may write to, root included.
#[derive(Debug)]
pub struct ReadOnlyFolder {
    mount: Mount,
}

impl ReadOnlyFolder {
    /// A folder with what `prepare` puts into it, closed from then on.
    pub fn with(prepare: impl FnOnce(&Path)) -> Option<Self> {
        let mount = Mount::new(16 * 1024 * 1024).map_err(skip).ok()?;
        prepare(mount.path());
        mount.close().map_err(skip).ok()?;
        Some(Self { mount })
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        self.mount.path()
    }
}

fn skip(reason: String) {
    println!("skipped: no file system can be mounted here ({reason})");
}

/// A `tmpfs`, unmounted when dropped.
#[derive(Debug)]
struct Mount {
    folder: TemporaryWorkspace,
}

#[cfg(target_os = "linux")]
impl Mount {
    fn new(bytes: u64) -> Result<Self, String> {
        use nix::mount::{MsFlags, mount};
        let folder = TemporaryWorkspace::new();
        let options = format!("size={bytes},mode=0777");
        let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
        mount(Some("tmpfs"), folder.path(), Some("tmpfs"), flags, Some(options.as_str()))
            .map_err(|error| error.desc().to_owned())?;
        Ok(Self { folder })
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn close(&self) -> Result<(), String> {
        use nix::mount::{MsFlags, mount};
        let flags = MsFlags::MS_REMOUNT | MsFlags::MS_RDONLY | MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
        mount(None::<&str>, self.path(), None::<&str>, flags, None::<&str>)
            .map_err(|error| error.desc().to_owned())
    }
}

#[cfg(target_os = "linux")]
impl Drop for Mount {
    fn drop(&mut self) {
        use nix::mount::{MntFlags, umount2};
        // Detached, since a program under test may still hold a file in it.
        let _ = umount2(self.path(), MntFlags::MNT_DETACH);
    }
}

#[cfg(not(target_os = "linux"))]
impl Mount {
    fn new(_bytes: u64) -> Result<Self, String> {
        Err("this needs Linux".into())
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn close(&self) -> Result<(), String> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::ErrorKind;

    #[test]
    fn a_full_disk_takes_nothing_until_it_is_freed() {
        let Some(disk) = FullDisk::with_capacity(100_000) else { return };
        let file = disk.path().join("file");
        std::fs::write(&file, vec![1; 20_000]).unwrap();
        disk.fill();
        let error = std::fs::write(disk.path().join("other"), vec![1; 10_000]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::StorageFull);
        assert_eq!(std::fs::read(&file).unwrap().len(), 20_000);
        disk.free();
        std::fs::write(disk.path().join("other"), vec![1; 10_000]).unwrap();
        let path = disk.path().to_owned();
        drop(disk);
        assert!(!path.exists());
    }

    #[test]
    fn a_read_only_folder_refuses_even_root() {
        let prepare = |path: &Path| std::fs::write(path.join("file"), "content").unwrap();
        let Some(folder) = ReadOnlyFolder::with(prepare) else { return };
        assert_eq!(std::fs::read(folder.path().join("file")).unwrap(), b"content");
        let error = std::fs::write(folder.path().join("file"), "other").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ReadOnlyFilesystem);
    }
}
