//! Telling what changes, whoever changes it.
//!
//! This speaks to inotify itself: a library that watches paths would look them up again, and follow
//! a link that a program put there meanwhile. Here a folder is opened first, by descriptor, and
//! that descriptor is watched.
//!
//! Invariant: what is told may be too much, never too little. Where the kernel or the receiver
//! cannot keep up, [`Change::Everything`] stands for what was lost.

use std::collections::{BTreeSet, HashMap};
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use rustix::fs::inotify::{self, CreateFlags, ReadFlags, Reader, WatchFlags};
use rustix::io::Errno;
use tokio::sync::mpsc;

use crate::error::Error;
use crate::folder::{Folder, Links};
use crate::ignored::is_made_by_tools;
use crate::list::{EntryKind, MAX_NAMES};
use crate::path::{MAX_DEPTH, is_partial, joined};
use crate::worktree::{Inner, Worktree};

/// What happens within this time is told at once.
const DEBOUNCE: Duration = Duration::from_millis(40);
/// More folders than this are not watched.
const MAX_FOLDERS: usize = 20_000;
/// More paths than this become [`Change::Everything`].
const MAX_PATHS: usize = 5_000;
/// How many tellings may wait for the receiver.
const WAITING: usize = 16;
const BUFFER_BYTES: usize = 64 * 1024;
const EVENTS: WatchFlags = WatchFlags::CREATE
    .union(WatchFlags::DELETE)
    .union(WatchFlags::MODIFY)
    .union(WatchFlags::CLOSE_WRITE)
    .union(WatchFlags::ATTRIB)
    .union(WatchFlags::MOVED_FROM)
    .union(WatchFlags::MOVED_TO)
    .union(WatchFlags::ONLYDIR)
    .union(WatchFlags::EXCL_UNLINK);

/// What may have changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// These paths, in order. One of a folder stands for all below it.
    Paths(Vec<String>),
    /// Anything: look at all of it again.
    Everything,
}

/// A watch on the folder, until it is dropped.
#[derive(Debug)]
pub struct Watch {
    changes: mpsc::Receiver<Change>,
    stop: Arc<OwnedFd>,
}

impl Watch {
    /// The next changes; `None` when the system gives no more of them. That the folder itself was
    /// removed is not told: it is open here, and so it is still there.
    pub async fn next(&mut self) -> Option<Change> {
        self.changes.recv().await
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        // The thread waits for this as it waits for changes.
        let _ = rustix::io::write(&*self.stop, &1_u64.to_ne_bytes());
    }
}

impl Worktree {
    /// Watches the folder and all in it but the folders that [`crate::ignored::MADE_BY_TOOLS`]
    /// names. What `.gitignore` leaves out is told: a changed `.env` matters too. When this
    /// returns, every later change will be told of.
    ///
    /// # Errors
    /// [`Error::Watch`] where the system has no more watches to give.
    pub fn watch(&self) -> Result<Watch, Error> {
        let failed = |errno: Errno| Error::Watch(errno.into());
        let inotify = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC).map_err(failed)?;
        let stop = Arc::new(eventfd(0, EventfdFlags::CLOEXEC).map_err(failed)?);
        let (sender, changes) = mpsc::channel(WAITING);
        let mut watcher = Watcher {
            tree: Arc::clone(&self.inner),
            inotify,
            stop: Arc::clone(&stop),
            folders: HashMap::new(),
            pending: BTreeSet::new(),
            everything: false,
            sender,
        };
        watcher.add(Vec::new()).map_err(failed)?;
        std::thread::Builder::new()
            .name("worktree-watch".into())
            .spawn(move || watcher.run())
            .map_err(Error::Watch)?;
        Ok(Watch { changes, stop })
    }
}

struct Watcher {
    tree: Arc<Inner>,
    inotify: OwnedFd,
    stop: Arc<OwnedFd>,
    /// The paths of the watched folders by the kernel's numbers for them.
    folders: HashMap<i32, Vec<u8>>,
    pending: BTreeSet<Vec<u8>>,
    everything: bool,
    sender: mpsc::Sender<Change>,
}

impl Watcher {
    fn run(mut self) {
        let mut buffer = vec![MaybeUninit::uninit(); BUFFER_BYTES];
        let mut due: Option<Instant> = None;
        while !self.folders.is_empty() {
            match self.wait(due) {
                Ok(true) => {}
                Ok(false) => return,
                Err(errno) => {
                    tracing::warn!(%errno, "changes of a folder are no longer watched");
                    return;
                }
            }
            self.read(&mut buffer);
            if due.is_none() && self.has_news() {
                due = Some(Instant::now() + DEBOUNCE);
            }
            if due.is_some_and(|due| Instant::now() >= due) {
                if !self.tell() {
                    return;
                }
                due = self.has_news().then(|| Instant::now() + DEBOUNCE);
            }
        }
        self.tell();
    }

    fn has_news(&self) -> bool {
        self.everything || !self.pending.is_empty()
    }

    /// Waits for changes, or until they are due to be told; `false` if nobody wants them any more.
    fn wait(&self, due: Option<Instant>) -> Result<bool, Errno> {
        let mut waited = [PollFd::new(&self.inotify, PollFlags::IN), PollFd::new(&*self.stop, PollFlags::IN)];
        let left = due.map(|due| due.saturating_duration_since(Instant::now()));
        let left = left.and_then(|left| Timespec::try_from(left).ok());
        match poll(&mut waited, left.as_ref()) {
            Ok(_) | Err(Errno::INTR) => Ok(waited[1].revents().is_empty()),
            Err(errno) => Err(errno),
        }
    }

    /// Takes in all that has happened.
    fn read(&mut self, buffer: &mut [MaybeUninit<u8>]) {
        let mut happened = Vec::new();
        let mut reader = Reader::new(&self.inotify, buffer);
        // Anything but an event means that there are none left for now.
        while let Ok(event) = reader.next() {
            let name = event.file_name().map(|name| name.to_bytes().to_vec());
            happened.push((event.wd(), event.events(), name));
            if happened.len() > 2 * MAX_PATHS {
                break;
            }
        }
        for (number, flags, name) in happened {
            self.take(number, flags, name.unwrap_or_default());
        }
        if self.pending.len() > MAX_PATHS {
            self.everything = true;
        }
    }

    fn take(&mut self, number: i32, flags: ReadFlags, name: Vec<u8>) {
        if flags.contains(ReadFlags::QUEUE_OVERFLOW) {
            self.everything = true;
            self.add_or_say(Vec::new());
            return;
        }
        if flags.contains(ReadFlags::IGNORED) {
            self.folders.remove(&number);
            return;
        }
        let Some(folder) = self.folders.get(&number) else { return };
        let is_folder = flags.contains(ReadFlags::ISDIR);
        if name.is_empty() || is_partial(&name) || (is_folder && is_made_by_tools(&name)) {
            return;
        }
        let path = joined(folder, &name);
        if is_folder && flags.contains(ReadFlags::MOVED_FROM) {
            self.forget(&path);
        }
        if is_folder && flags.intersects(ReadFlags::CREATE | ReadFlags::MOVED_TO) {
            self.add_or_say(path.clone());
        }
        if !self.everything {
            self.pending.insert(path);
        }
    }

    fn add_or_say(&mut self, path: Vec<u8>) {
        if let Err(errno) = self.add(path) {
            tracing::warn!(%errno, "some folders are not watched");
            self.everything = true;
        }
    }

    /// Watches a folder and those in it.
    fn add(&mut self, path: Vec<u8>) -> Result<(), Errno> {
        let mut waiting = vec![path];
        while let Some(path) = waiting.pop() {
            let opened = self.tree.root.open_folder(&path, Links::Refused, self.tree.resolver);
            let folder = match opened {
                // It is gone again, or a link by now.
                Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::ACCESS) => continue,
                folder => folder?,
            };
            if self.folders.len() >= MAX_FOLDERS {
                return Err(Errno::NOSPC);
            }
            // First the watch, then the look: what is made in between is seen by one of them.
            self.add_one(&folder, &path)?;
            if path.iter().filter(|byte| **byte == b'/').count() >= MAX_DEPTH {
                continue;
            }
            let (names, _) = folder.names(MAX_NAMES)?;
            for name in names.iter().filter(|name| name.kind == EntryKind::Folder) {
                if !is_made_by_tools(name.bytes()) && !is_partial(name.bytes()) {
                    waiting.push(joined(&path, name.bytes()));
                }
            }
        }
        Ok(())
    }

    fn add_one(&mut self, folder: &Folder, path: &[u8]) -> Result<(), Errno> {
        use std::os::fd::AsFd;
        let descriptor = format!("/proc/self/fd/{}", folder.as_fd().as_raw_fd());
        match inotify::add_watch(&self.inotify, descriptor, EVENTS) {
            Ok(number) => {
                self.folders.insert(number, path.to_vec());
                Ok(())
            }
            // It was removed while it was open.
            Err(Errno::NOENT) => Ok(()),
            Err(errno) => Err(errno),
        }
    }

    /// Ends the watches on a folder that was moved away, and on those in it.
    fn forget(&mut self, path: &[u8]) {
        let is_below = |other: &[u8]| {
            other.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
        };
        let inotify = &self.inotify;
        self.folders.retain(|number, other| {
            let gone = is_below(other);
            if gone {
                // The kernel may have ended it already.
                let _ = inotify::remove_watch(inotify, *number);
            }
            !gone
        });
    }

    /// Hands over what is pending, unless the receiver has too much to do already. `false` if there
    /// is no receiver any more.
    fn tell(&mut self) -> bool {
        let change = if self.everything {
            Change::Everything
        } else if self.pending.is_empty() {
            return true;
        } else {
            let paths = self.pending.iter().map(|path| String::from_utf8_lossy(path).into_owned());
            Change::Paths(paths.collect())
        };
        match self.sender.try_send(change) {
            Ok(()) => {
                self.pending.clear();
                self.everything = false;
                true
            }
            Err(mpsc::error::TrySendError::Full(_)) => true,
            Err(mpsc::error::TrySendError::Closed(_)) => false,
        }
    }
}
