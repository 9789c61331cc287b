//! What all processes of a run use, counted by hand from the host's `/proc`; for machines without
//! the cgroup that would know.
//!
//! Resident memory counts a page once for each process that shares it, and is cheap to read. So it
//! is the first look; the exact one, which divides shared pages, is taken when it matters.

use std::{fs, time::Duration};

use nix::unistd::{Pid, SysconfVar, sysconf};

/// Processor time and memory of init and everything below it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Usage {
    pub cpu: Duration,
    pub resident_bytes: u64,
}

/// Adds it up. What ends while it is being read is counted with the parent that reaped it.
pub(super) fn of(init: Pid) -> Usage {
    let page = setting(SysconfVar::PAGE_SIZE, 4096);
    let ticks = setting(SysconfVar::CLK_TCK, 100);
    let mut usage = Usage::default();
    let mut pending = vec![init.as_raw()];
    while let Some(pid) = pending.pop() {
        let Some(stat) = fs::read_to_string(format!("/proc/{pid}/stat")).ok().as_deref().and_then(parse)
        else {
            continue;
        };
        usage.cpu += Duration::from_millis(stat.ticks * 1000 / ticks);
        usage.resident_bytes += stat.pages * page;
        pending.extend(children(pid));
    }
    usage
}

/// Memory of all processes below init, with shared pages divided among those that share them.
pub(super) fn proportional_bytes(init: Pid) -> u64 {
    let proportional = |pid| {
        let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
        let kib = rollup
            .lines()
            .find_map(|line| line.strip_prefix("Pss:")?.trim().strip_suffix(" kB")?.parse().ok());
        kib.unwrap_or(0_u64) * 1024
    };
    below(init).into_iter().map(proportional).sum()
}

/// Bytes that the processes below init have put into files of real disks, less what was taken back
/// before it got there. What the ended ones wrote is counted with who reaped them; init, which
/// nobody may look into, tells its own part.
pub(super) fn written_bytes(init: Pid) -> u64 {
    let written =
        |pid| fs::read_to_string(format!("/proc/{pid}/io")).map_or(0, |content| parse_written(&content));
    below(init).into_iter().map(written).sum()
}

/// The part of a `/proc/<pid>/io` file (proc_pid_io(5)) that says what was written.
pub(super) fn parse_written(content: &str) -> u64 {
    let field = |name: &str| {
        content.lines().find_map(|line| line.strip_prefix(name)?.trim().parse::<u64>().ok()).unwrap_or(0)
    };
    field("write_bytes:").saturating_sub(field("cancelled_write_bytes:"))
}

struct Stat {
    ticks: u64,
    pages: u64,
}

/// The fields utime, stime, cutime, cstime (14 to 17) and rss (24) of proc_pid_stat(5). The name
/// in parentheses may hold anything, so counting starts after the last one.
fn parse(content: &str) -> Option<Stat> {
    let fields: Vec<&str> = content.rsplit_once(')')?.1.split_whitespace().collect();
    let number = |at: usize| fields.get(at - 3)?.parse::<u64>().ok();
    Some(Stat { ticks: number(14)? + number(15)? + number(16)? + number(17)?, pages: number(24)? })
}

/// Everything below a process, in no order.
pub(super) fn below(top: Pid) -> Vec<i32> {
    let mut pending = children(top.as_raw());
    let mut found = Vec::new();
    while let Some(pid) = pending.pop() {
        found.push(pid);
        pending.extend(children(pid));
    }
    found
}

/// The children of a process.
pub(super) fn children(pid: i32) -> Vec<i32> {
    let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else { return Vec::new() };
    threads
        .flatten()
        .filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok())
        .flat_map(|list| list.split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<_>>())
        .collect()
}

fn setting(name: SysconfVar, fallback: u64) -> u64 {
    sysconf(name).ok().flatten().and_then(|value| u64::try_from(value).ok()).unwrap_or(fallback)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_with_a_hostile_name_is_read_correctly() {
        let stat =
            parse("7 (a) R 1 2) S 1 7 7 0 -1 4 0 0 0 0 10 20 3 4 20 0 1 0 5 1000 77 9").expect("parses");
        assert_eq!((stat.ticks, stat.pages), (37, 77));
    }

    #[test]
    fn what_was_taken_back_does_not_count_as_written() {
        let io = "rchar: 1\nwchar: 9\nwrite_bytes: 8192\ncancelled_write_bytes: 4096\n";
        assert_eq!(parse_written(io), 4096);
    }

    #[test]
    fn this_process_uses_something() {
        assert!(of(Pid::this()).resident_bytes > 0);
    }
}
