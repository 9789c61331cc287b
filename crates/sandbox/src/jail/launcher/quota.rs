//! How much a run has put on the host's disk.
//!
//! No file system lets an unprivileged user fence a folder in, so it is watched: often and
//! cheaply by what the whole file system has lost (one `statvfs`), and by a walk over the
//! workspace when that, added to what was there at the last walk, could be too much.
//!
//! A walk does not see files that were removed while open. What the file system has lost and the
//! tree does not explain is held against the run as far as the kernel has counted that the run
//! itself wrote so much.

use std::{
    os::fd::OwnedFd,
    path::Path,
    time::{Duration, Instant},
};

use nix::sys::statvfs::fstatvfs;

use super::tree::{self, Size};
use crate::jail::wire::SpecLimits;

/// A run is ended when the host has less than this left, and is not begun either.
const HOST_RESERVE_BYTES: u64 = 128 << 20;
/// The fastest that a program is supposed to write; it sets how often to look.
const FASTEST_BYTES_PER_MS: u64 = 4 << 20;
const MIN_INTERVAL: Duration = Duration::from_millis(2);
const MAX_INTERVAL: Duration = Duration::from_millis(50);

/// What those may still write who tidy up after the limit was passed.
const TIDYING_BYTES: u64 = 16 << 20;
const TIDYING_INODES: u64 = 1000;

pub(super) struct Quota {
    root: OwnedFd,
    limit_bytes: u64,
    limit_inodes: u64,
    /// The limits as they were given.
    given: (u64, u64),
    /// What the last walk found, and what the file system held then.
    walked: Size,
    walked_host: Host,
    /// The same before the run.
    first: (Size, Host),
    walked_at: Instant,
    walk_took: Duration,
    /// How long to believe the last walk while nothing speaks against it.
    patience: Patience,
}

/// At least so long, and so many times what the walk took.
#[derive(Clone, Copy, Debug)]
struct Patience {
    least: Duration,
    times: u32,
}

/// Of a run, which is short.
const SHORT: Patience = Patience { least: Duration::from_millis(250), times: 20 };
/// Of a jail that stays, with a large tree that somebody may watch all day long.
const LONG: Patience = Patience { least: Duration::from_secs(2), times: 100 };

/// What the file system as a whole holds.
#[derive(Clone, Copy, Debug, Default)]
struct Host {
    used_bytes: u64,
    used_inodes: u64,
    /// For unprivileged users.
    free_bytes: u64,
}

impl Quota {
    /// Takes the first measurement; the limits count what is there already.
    pub(super) fn new(workspace: &Path, limits: &SpecLimits, is_session: bool) -> nix::Result<Self> {
        let mut quota = Self {
            root: tree::open_folder(workspace)?,
            limit_bytes: limits.disk_bytes,
            limit_inodes: limits.inodes,
            given: (limits.disk_bytes, limits.inodes),
            walked: Size::default(),
            walked_host: Host::default(),
            first: Default::default(),
            walked_at: Instant::now(),
            walk_took: Duration::ZERO,
            patience: if is_session { LONG } else { SHORT },
        };
        quota.walk()?;
        quota.first = (quota.walked, quota.walked_host);
        Ok(quota)
    }

    pub(super) fn is_host_nearly_full(&self) -> bool {
        self.walked_host.free_bytes < HOST_RESERVE_BYTES
    }

    pub(super) fn host_free_bytes(&self) -> u64 {
        self.walked_host.free_bytes
    }

    /// Whether the run has to end. Walks only if the answer could be yes, or if it has not for
    /// long, since elsewhere on the same disk files may have gone that hid what came here.
    /// `written` tells, when it matters, how many bytes the run has written in all.
    pub(super) fn is_exceeded(&mut self, written: impl FnOnce() -> u64) -> bool {
        let Ok(host) = self.host() else { return false };
        let grown = host.used_bytes.saturating_sub(self.walked_host.used_bytes);
        let more = host.used_inodes.saturating_sub(self.walked_host.used_inodes);
        let is_suspicious = self.walked.bytes + grown > self.limit_bytes
            || self.walked.inodes + more > self.limit_inodes
            || host.free_bytes < HOST_RESERVE_BYTES;
        if is_suspicious || self.is_walk_due() {
            let before = self.walked;
            if self.walk().is_err() {
                return false;
            }
            if self.is_host_nearly_full() && self.walked.bytes > before.bytes {
                return true;
            }
        }
        self.is_over() || self.walked.bytes.saturating_add(self.hidden(host, written)) > self.limit_bytes
    }

    /// Whether a walk is due and the last one was before this moment. More names for one file and
    /// folders in folders do not show in what the file system has lost.
    pub(super) fn has_to_walk_since(&self, moment: Instant) -> bool {
        self.walked_at < moment && self.is_walk_due()
    }

    fn is_walk_due(&self) -> bool {
        self.walked_at.elapsed() > (self.walk_took * self.patience.times).max(self.patience.least)
    }

    /// Lets what is there be there, once, after all programs were ended for it: whoever wants to
    /// tidy up has to start one. The given limits hold again as soon as they are kept.
    pub(super) fn tolerate(&mut self) {
        let is_first = (self.limit_bytes, self.limit_inodes) == self.given;
        if is_first && self.walk_all().is_ok() {
            self.limit_bytes = self.limit_bytes.max(self.walked.bytes + TIDYING_BYTES);
            self.limit_inodes = self.limit_inodes.max(self.walked.inodes + TIDYING_INODES);
            self.first = (self.walked, self.walked_host);
        }
    }

    /// Bytes in files that have no name any more. `written` is asked only if they could matter.
    fn hidden(&self, host: Host, written: impl FnOnce() -> u64) -> u64 {
        let (first, first_host) = self.first;
        let visible = self.walked.bytes.saturating_sub(first.bytes);
        let unexplained = host.used_bytes.saturating_sub(first_host.used_bytes).saturating_sub(visible);
        if self.walked.bytes.saturating_add(unexplained) <= self.limit_bytes {
            return 0;
        }
        unexplained.min(written().saturating_sub(visible))
    }

    /// When to look again: before the fastest writer could have used up what is left.
    pub(super) fn interval(&self) -> Duration {
        let left = self.limit_bytes.saturating_sub(self.walked.bytes).min(self.walked_host.free_bytes);
        // A walk that takes long, and is due at every look, must not keep a processor busy.
        let restful = self.walk_took * 2;
        Duration::from_millis(left / FASTEST_BYTES_PER_MS).clamp(MIN_INTERVAL, MAX_INTERVAL).max(restful)
    }

    fn is_over(&self) -> bool {
        over(&self.walked, self.limit_bytes, self.limit_inodes)
    }

    fn walk(&mut self) -> nix::Result<()> {
        let (bytes, inodes) = (self.limit_bytes, self.limit_inodes);
        self.measure(|size| size.bytes > bytes || size.inodes > inodes)?;
        if !over(&self.walked, self.given.0, self.given.1) {
            (self.limit_bytes, self.limit_inodes) = self.given;
        }
        Ok(())
    }

    /// To the end, but not of a tree that has none.
    fn walk_all(&mut self) -> nix::Result<()> {
        let (bytes, inodes) = self.given;
        self.measure(|size| size.bytes > bytes.saturating_mul(4) || size.inodes > inodes.saturating_mul(4))
    }

    fn measure(&mut self, enough: impl Fn(&Size) -> bool) -> nix::Result<()> {
        self.walked_at = Instant::now();
        self.walked_host = self.host()?;
        self.walked = tree::measure(&self.root, enough)?;
        self.walk_took = self.walked_at.elapsed();
        Ok(())
    }

    fn host(&self) -> nix::Result<Host> {
        let stat = fstatvfs(&self.root)?;
        let block = stat.fragment_size();
        Ok(Host {
            used_bytes: stat.blocks().saturating_sub(stat.blocks_free()).saturating_mul(block),
            used_inodes: stat.files().saturating_sub(stat.files_free()),
            free_bytes: stat.blocks_available().saturating_mul(block),
        })
    }
}

fn over(size: &Size, bytes: u64, inodes: u64) -> bool {
    size.is_too_deep || size.bytes > bytes || size.inodes > inodes
}
