//! What is to be seen of the host, before the suite and after it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use sandbox::{Jail, Sandbox};

/// Files that programs reach for, beside those that were planted.
const FILES: [&str; 7] = [
    "/etc/passwd",
    "/etc/hostname",
    "/usr/bin/env",
    "/bin/sh",
    "/proc/sys/kernel/core_pattern",
    "/proc/sys/kernel/modprobe",
    "/proc/sys/user/max_user_namespaces",
];
/// How much more the test itself may hold: its runtime's buffers and the table.
const GROWTH_KIB: u64 = 48 << 10;

/// What belongs to the suite, or could have been changed by it. Other tests may run beside it, so
/// what the whole machine holds is shown and not compared: memory that outlives every process, run
/// and cgroup of the suite would have to be in one of the places below.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Host {
    descendants: BTreeSet<String>,
    mounts: String,
    cgroups: BTreeSet<PathBuf>,
    temporary: BTreeSet<PathBuf>,
    listening: BTreeSet<String>,
    shared_memory: BTreeMap<String, String>,
    files: BTreeMap<PathBuf, (u32, u32, u64, Vec<u8>)>,
    name: String,
}

impl Host {
    pub fn look(jail: &Jail, planted: &Path) -> Self {
        let mut files = BTreeMap::new();
        let planted_files = fs::read_dir(planted).expect("a folder").flatten().map(|entry| entry.path());
        for path in FILES.iter().map(PathBuf::from).chain(planted_files) {
            if let Ok(metadata) = fs::metadata(&path) {
                let content =
                    if metadata.is_file() { fs::read(&path).unwrap_or_default() } else { Vec::new() };
                files.insert(path, (metadata.mode(), metadata.uid(), metadata.nlink(), content));
            }
        }
        let shared = |name| fs::read_to_string(format!("/proc/sysvipc/{name}")).unwrap_or_default();
        Self {
            descendants: descendants(),
            mounts: fs::read_to_string("/proc/self/mountinfo").expect("/proc"),
            cgroups: cgroups(jail),
            temporary: named(&std::env::temp_dir(), "atelier-abuse")
                .into_iter()
                .chain(named(Path::new("/dev/shm"), "atelier-abuse"))
                .collect(),
            listening: listening(),
            shared_memory: ["sem", "msg"].map(|name| (name.to_owned(), shared(name))).into(),
            files,
            name: crate::world::host_name(),
        }
    }

    /// What is different, in words.
    pub fn differences(&self, after: &Self) -> Vec<String> {
        let mut found = Vec::new();
        let mut compare = |what: &str, is_same: bool, now: String| {
            if !is_same {
                found.push(format!("{what}: {now}"));
            }
        };
        compare("processes", self.descendants == after.descendants, format!("{:?}", after.descendants));
        compare("mounts", self.mounts == after.mounts, after.mounts.clone());
        compare("cgroups", self.cgroups == after.cgroups, format!("{:?}", after.cgroups));
        compare("temporary files", self.temporary == after.temporary, format!("{:?}", after.temporary));
        compare("listening ports", self.listening == after.listening, format!("{:?}", after.listening));
        compare("IPC", self.shared_memory == after.shared_memory, format!("{:?}", after.shared_memory));
        compare("the host's name", self.name == after.name, after.name.clone());
        for (path, before) in &self.files {
            let is_same = after.files.get(path) == Some(before);
            compare("a file", is_same, format!("{} has changed", path.display()));
        }
        compare("planted files", self.files.len() == after.files.len(), format!("{}", after.files.len()));
        found
    }
}

/// Memory of this process, in KiB, and whether it has grown too much.
pub fn resident_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("/proc");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("proc_pid_status(5)");
    line.trim().trim_end_matches(" kB").trim().parse().expect("a number")
}

pub fn has_grown(before_kib: u64, after_kib: u64) -> bool {
    after_kib > before_kib + GROWTH_KIB
}

/// The machine as a whole, for people: processes, free memory, what the disk below a folder holds.
pub fn machine(folder: &Path) -> String {
    let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let available =
        memory.lines().find(|line| line.starts_with("MemAvailable")).unwrap_or_default().to_owned();
    let processes = fs::read_dir("/proc").map_or(0, |entries| {
        entries.flatten().filter(|entry| entry.file_name().to_string_lossy().parse::<u32>().is_ok()).count()
    });
    let disk = nix::sys::statvfs::statvfs(folder)
        .map_or(0, |disk| (disk.blocks() - disk.blocks_free()) * disk.fragment_size() / (1 << 20));
    format!("{processes} processes, {available}, {disk} MB on the disk")
}

/// Everything this process has started, and what was left to it: it takes in orphans.
fn descendants() -> BTreeSet<String> {
    let mut pending = vec![std::process::id()];
    let mut found = BTreeSet::new();
    while let Some(pid) = pending.pop() {
        let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else { continue };
        for thread in threads.flatten() {
            let children = fs::read_to_string(thread.path().join("children")).unwrap_or_default();
            for child in children.split_whitespace().filter_map(|child| child.parse().ok()) {
                let name = fs::read_to_string(format!("/proc/{child}/comm")).unwrap_or_default();
                found.insert(format!("{child} {}", name.trim()));
                pending.push(child);
            }
        }
    }
    found
}

/// Folders of this process's runs in the cgroup trees.
fn cgroups(jail: &Jail) -> BTreeSet<PathBuf> {
    let prefix = format!("atelier-run-{}-", std::process::id());
    jail.probe()
        .into_iter()
        .filter_map(|finding| finding.detail.split_once(" in ").map(|(_, path)| PathBuf::from(path)))
        .filter(|path| path.starts_with("/sys"))
        .flat_map(|folder| named(&folder, &prefix))
        .collect()
}

fn named(folder: &Path, prefix: &str) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let is_named =
        |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(prefix));
    entries.flatten().map(|entry| entry.path()).filter(is_named).collect()
}

/// What listens in the host's network and is held by this process or what it started.
fn listening() -> BTreeSet<String> {
    let mut own = BTreeSet::new();
    let pids = descendants().into_iter().filter_map(|line| line.split(' ').next().map(str::to_owned));
    for pid in pids.chain([std::process::id().to_string()]) {
        let Ok(descriptors) = fs::read_dir(format!("/proc/{pid}/fd")) else { continue };
        let targets = descriptors.flatten().filter_map(|entry| fs::read_link(entry.path()).ok());
        own.extend(targets.map(|target| target.to_string_lossy().into_owned()));
    }
    let is_own = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        // proc_pid_net(5): listening, or bound for datagrams; and the number of the socket.
        fields.len() > 9
            && ["0A", "07"].contains(&fields[3])
            && own.contains(&format!("socket:[{}]", fields[9]))
    };
    ["tcp", "tcp6", "udp", "udp6"]
        .iter()
        .flat_map(|kind| {
            let table = fs::read_to_string(format!("/proc/net/{kind}")).unwrap_or_default();
            let lines = table.lines().filter(|line| is_own(line));
            let ports = lines.filter_map(|line| line.split_whitespace().nth(1));
            ports.map(|port| format!("{kind} {port}")).collect::<Vec<_>>()
        })
        .collect()
}
