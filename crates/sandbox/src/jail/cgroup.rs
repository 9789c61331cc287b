//! Control groups: limits on memory and processes that hold for a whole run, and exact counters
//! of what it used. Both layouts: one tree for each controller (v1) and one tree for all (v2).
//!
//! Where the kernel or the permissions give none, [`Group`] is empty and the launcher falls back
//! to per-process limits and to counting for itself; `probe` reports that as degraded.

mod detect;

use std::{
    fs, io,
    os::fd::{AsFd, AsRawFd, OwnedFd},
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use nix::{
    fcntl::{OFlag, open},
    sys::{
        eventfd::{EfdFlags, EventFd},
        stat::Mode,
    },
};
use serde::{Deserialize, Serialize};

use super::wire::SpecLimits;

/// The kernel's own; a shorter one costs more switches, a longer one makes longer pauses.
const CPU_PERIOD_US: u64 = 100_000;
/// What the folders of all runs begin with.
const PREFIX: &str = "atelier-run-";

/// The controllers a run is put under.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Controller {
    Memory,
    Processes,
    /// Accounting only: time is limited by the one who watches.
    Cpu,
    /// How much of the processors may be used at one time.
    CpuShare,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Version {
    V1,
    V2,
}

/// A folder of the cgroup tree below which runs get theirs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Leaf {
    pub controller: Controller,
    pub version: Version,
    pub folder: PathBuf,
}

/// What this server may use of the cgroup trees.
#[derive(Debug)]
pub(super) struct Cgroups {
    leaves: Vec<Leaf>,
    /// Why something is missing, for `probe`.
    pub reason: Option<String>,
}

impl Cgroups {
    pub(super) fn none(reason: &str) -> Self {
        Self { leaves: Vec::new(), reason: Some(reason.to_owned()) }
    }

    pub(super) fn detect() -> Self {
        let leaves = detect::detect();
        let wanted = [
            (Controller::Memory, "memory"),
            (Controller::Processes, "pids"),
            (Controller::Cpu, "cpuacct"),
            (Controller::CpuShare, "cpu"),
        ];
        let missing: Vec<&str> = wanted
            .iter()
            .filter(|(controller, _)| !leaves.iter().any(|leaf: &Leaf| leaf.controller == *controller))
            .map(|(_, name)| *name)
            .collect();
        let reason = (!missing.is_empty()).then(|| format!("no writable cgroup for: {}", missing.join(", ")));
        Self { leaves, reason }
    }

    pub(super) fn leaf(&self, controller: Controller) -> Option<&Leaf> {
        self.leaves.iter().find(|leaf| leaf.controller == controller)
    }

    /// The folders of one jail; nothing is created yet. Joining a group costs time, so it gets one
    /// for its share of the processors only where it has one.
    pub(super) fn group(&self, run: &str, has_cpu_share: bool) -> Group {
        let leaves = self
            .leaves
            .iter()
            .filter(|leaf| has_cpu_share || leaf.controller != Controller::CpuShare)
            .map(|leaf| Leaf { folder: leaf.folder.join(format!("{PREFIX}{run}")), ..leaf.clone() })
            .collect();
        Group { leaves }
    }

    /// Removes the folders of runs whose server is gone. A folder with a process in it stays.
    pub(super) fn sweep(&self) {
        for leaf in &self.leaves {
            let Ok(entries) = fs::read_dir(&leaf.folder) else { continue };
            for entry in entries.flatten() {
                let name = entry.file_name();
                let server = name
                    .to_str()
                    .and_then(|name| name.strip_prefix(PREFIX))
                    .and_then(|run| run.split('-').next())
                    .and_then(|pid| pid.parse::<u32>().ok());
                if server.is_some_and(|pid| !Path::new(&format!("/proc/{pid}")).exists()) {
                    let _ = fs::remove_dir(entry.path());
                }
            }
        }
    }
}

/// The folders of one run.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Group {
    leaves: Vec<Leaf>,
}

impl Group {
    pub(super) fn has(&self, controller: Controller) -> bool {
        self.leaf(controller).is_some()
    }

    fn leaf(&self, controller: Controller) -> Option<&Leaf> {
        self.leaves.iter().find(|leaf| leaf.controller == controller)
    }

    /// Each folder once: in v2 all controllers share one.
    fn folders(&self) -> impl Iterator<Item = &Path> {
        self.leaves.iter().enumerate().filter_map(|(at, leaf)| {
            let seen = self.leaves[..at].iter().any(|earlier| earlier.folder == leaf.folder);
            (!seen).then_some(leaf.folder.as_path())
        })
    }

    /// Creates the folders and writes the limits; init counts as a process more. When memory runs
    /// out the kernel ends the whole group, but of a session only its largest process.
    pub(super) fn create(&self, limits: &SpecLimits, is_session: bool) -> io::Result<()> {
        let memory_bytes = limits.memory_bytes;
        for folder in self.folders() {
            fs::create_dir(folder)?;
        }
        if let Some(Leaf { version, folder, .. }) = self.leaf(Controller::Memory) {
            match version {
                Version::V1 => {
                    write(folder, "memory.limit_in_bytes", memory_bytes)?;
                    // Only there with swap accounting; must not be below the limit above.
                    let _ = write(folder, "memory.memsw.limit_in_bytes", memory_bytes);
                    // Buffers of TCP are counted apart here, and only where they are limited; else
                    // a session's own loopback could use up what the host has for all of it.
                    let _ = write(folder, "memory.kmem.tcp.limit_in_bytes", memory_bytes / 8);
                }
                Version::V2 => {
                    write(folder, "memory.max", memory_bytes)?;
                    write(folder, "memory.oom.group", u64::from(!is_session))?;
                    let _ = write(folder, "memory.swap.max", 0);
                }
            }
        }
        if let Some(leaf) = self.leaf(Controller::Processes) {
            write(&leaf.folder, "pids.max", limits.processes + 1)?;
        }
        if let (Some(leaf), Some(share)) = (self.leaf(Controller::CpuShare), limits.cpu_share) {
            let quota_us = CPU_PERIOD_US * u64::from(share) / 1000;
            match leaf.version {
                Version::V1 => {
                    write(&leaf.folder, "cpu.cfs_period_us", CPU_PERIOD_US)?;
                    write(&leaf.folder, "cpu.cfs_quota_us", quota_us)?;
                }
                Version::V2 => {
                    fs::write(leaf.folder.join("cpu.max"), format!("{quota_us} {CPU_PERIOD_US}"))?;
                }
            }
        }
        Ok(())
    }

    /// Puts the calling process, which has one thread, in. In v1 by `tasks`: moving the one
    /// thread that asks needs none of the locks that make `cgroup.procs` wait for milliseconds.
    pub(super) fn join(&self) -> io::Result<()> {
        self.folders().try_for_each(|folder| {
            let is_v1 = self.leaves.iter().any(|leaf| leaf.folder == folder && leaf.version == Version::V1);
            write(folder, if is_v1 { "tasks" } else { "cgroup.procs" }, 0)
        })
    }

    /// A descriptor that becomes readable when memory runs out. v2 needs none: there the kernel
    /// ends the whole group (`memory.oom.group`).
    pub(super) fn watch_memory(&self) -> io::Result<Option<EventFd>> {
        let Some(leaf) = self.leaf(Controller::Memory).filter(|leaf| leaf.version == Version::V1) else {
            return Ok(None);
        };
        let event = EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)?;
        let control: OwnedFd =
            open(&leaf.folder.join("memory.oom_control"), OFlag::O_RDONLY | OFlag::O_CLOEXEC, Mode::empty())?;
        let registration = format!("{} {}", event.as_fd().as_raw_fd(), control.as_raw_fd());
        fs::write(leaf.folder.join("cgroup.event_control"), registration)?;
        Ok(Some(event))
    }

    /// Whether the kernel killed a process of this run because its memory limit was reached.
    pub(super) fn ran_out_of_memory(&self) -> bool {
        self.memory_kills() > 0
    }

    /// How many processes the kernel has killed because the memory limit was reached.
    pub(super) fn memory_kills(&self) -> u64 {
        let Some(leaf) = self.leaf(Controller::Memory) else { return 0 };
        let file = match leaf.version {
            Version::V1 => "memory.oom_control",
            Version::V2 => "memory.events",
        };
        field(&leaf.folder.join(file), "oom_kill").unwrap_or(0)
    }

    /// What the group holds now.
    pub(super) fn memory_bytes(&self) -> Option<u64> {
        let leaf = self.leaf(Controller::Memory)?;
        number(&leaf.folder.join(match leaf.version {
            Version::V1 => "memory.usage_in_bytes",
            Version::V2 => "memory.current",
        }))
    }

    /// Processes and threads of the group now.
    pub(super) fn processes(&self) -> Option<u64> {
        number(&self.leaf(Controller::Processes)?.folder.join("pids.current"))
    }

    pub(super) fn peak_memory_bytes(&self) -> Option<u64> {
        let leaf = self.leaf(Controller::Memory)?;
        number(&leaf.folder.join(match leaf.version {
            Version::V1 => "memory.max_usage_in_bytes",
            Version::V2 => "memory.peak",
        }))
    }

    pub(super) fn cpu_us(&self) -> Option<u64> {
        let leaf = self.leaf(Controller::Cpu)?;
        match leaf.version {
            Version::V1 => number(&leaf.folder.join("cpuacct.usage")).map(|ns| ns / 1000),
            Version::V2 => field(&leaf.folder.join("cpu.stat"), "usage_usec"),
        }
    }

    /// Removes the folders. The kernel may need a moment after the last process was reaped.
    pub(super) fn remove(&self) {
        for folder in self.folders() {
            for _ in 0..200 {
                match fs::remove_dir(folder) {
                    Err(error) if error.raw_os_error() == Some(libc::EBUSY) => {
                        thread::sleep(Duration::from_millis(1));
                    }
                    _ => break,
                }
            }
        }
    }
}

fn write(folder: &Path, file: &str, value: u64) -> io::Result<()> {
    fs::write(folder.join(file), value.to_string())
}

fn number(file: &Path) -> Option<u64> {
    fs::read_to_string(file).ok()?.trim().parse().ok()
}

/// The number after a name, in a file of `name number` lines.
fn field(file: &Path, name: &str) -> Option<u64> {
    let content = fs::read_to_string(file).ok()?;
    content.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.trim().parse().ok())
}
