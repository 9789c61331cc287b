//! Each limit ends a run with its own outcome, and holds.

use std::time::{Duration, Instant};

use sandbox::{JailOptions, Outcome, Sandbox, State};

use crate::support::{Bench, python_options, text};

#[tokio::test]
async fn a_program_that_sleeps_too_long_times_out() {
    let mut bench = Bench::new();
    bench.limits.wall = Duration::from_millis(300);
    let started = Instant::now();
    let result = bench.shell("echo begun; trap '' TERM; sleep 60").await;
    assert_eq!((result.outcome, text(&result.stdout).as_str()), (Outcome::TimedOut, "begun\n"));
    assert!((300..2000).contains(&result.duration_ms), "{}", result.duration_ms);
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn processor_time_of_all_processes_together_is_limited() {
    let mut bench = Bench::new();
    bench.limits.cpu = Duration::from_millis(400);
    let result = bench.shell("for i in 1 2 3; do (while :; do :; done) & done; wait").await;
    assert_eq!(result.outcome, Outcome::CpuLimit);
    assert!((400..3000).contains(&result.cpu_ms), "{}", result.cpu_ms);
}

#[tokio::test]
async fn output_past_the_limit_is_cut_and_the_program_goes_on() {
    let mut bench = Bench::new();
    bench.limits.output_bytes = 1000;
    let result = bench.shell("head -c 5000000 /dev/zero; echo short >&2; touch done").await;
    assert_eq!(
        (result.outcome, result.stdout.len(), result.stdout_truncated),
        (Outcome::Exited(0), 1000, true)
    );
    assert_eq!((text(&result.stderr).as_str(), result.stderr_truncated), ("short\n", false));
    assert!(bench.path("done").exists());
}

/// Touches 4 GB, a page at a time.
const EAT_MEMORY: &str =
    "b = bytearray(4 << 30)\nfor i in range(0, len(b), 4096): b[i] = 1\nprint('survived')";

#[tokio::test]
async fn four_gigabytes_of_memory_end_as_out_of_memory() {
    let bench = Bench::with_python();
    let result = bench.python(EAT_MEMORY).await;
    if has_memory_cgroup(&bench) {
        assert_eq!(result.outcome, Outcome::OutOfMemory);
        assert!(result.peak_memory_bytes.expect("counted") <= bench.limits.memory_bytes);
    }
    assert!(!result.outcome.is_success() && !text(&result.stdout).contains("survived"), "{result:?}");
}

#[tokio::test]
async fn memory_of_many_processes_is_counted_together() {
    let bench = Bench::with_python();
    let result = bench
        .python(
            "import os, time\n\
             for _ in range(8):\n    \
                 if os.fork() == 0:\n        \
                     b = b'x' * (60 << 20)\n        \
                     time.sleep(20)\n        \
                     os._exit(0)\n\
             time.sleep(20)",
        )
        .await;
    assert_eq!(result.outcome, Outcome::OutOfMemory);
}

#[tokio::test]
async fn without_cgroups_memory_is_still_limited_and_doctor_says_so() {
    let bench = Bench::with(JailOptions { without_cgroups: true, ..python_options() });
    let finding =
        bench.jail.probe().into_iter().find(|finding| finding.name == "memory limit").expect("named");
    assert_eq!(finding.state, State::Degraded);
    let result = bench.python("import time\nb = [b'x' * (1 << 20) for _ in range(400)]\ntime.sleep(9)").await;
    assert_eq!(result.outcome, Outcome::OutOfMemory);
    let result = bench.python("import os; os.memfd_create('hidden')").await;
    assert!(text(&result.stderr).contains("Operation not permitted"), "{result:?}");
}

#[tokio::test]
async fn without_cgroups_processes_and_time_are_still_limited() {
    let mut bench = Bench::with(JailOptions { without_cgroups: true, ..python_options() });
    assert!(processes_possible(&bench).await <= 64);
    bench.limits.cpu = Duration::from_millis(400);
    let result = bench.shell("(while :; do :; done) & while :; do :; done").await;
    assert_eq!(result.outcome, Outcome::CpuLimit);
}

#[tokio::test]
async fn a_fork_bomb_stays_within_its_number_of_processes() {
    let mut bench = Bench::with_python();
    assert!(processes_possible(&bench).await <= 64);
    bench.limits.wall = Duration::from_secs(1);
    let result = bench.run(&["bash", "-c", ":() { : | : & }; : ; sleep 60"]).await;
    assert_eq!(result.outcome, Outcome::TimedOut);
    assert_eq!(bench.shell("echo fine").await.outcome, Outcome::Exited(0));
}

async fn processes_possible(bench: &Bench) -> usize {
    let result = bench
        .python(
            "import os, time\nn = 0\ntry:\n    while True:\n        if os.fork() == 0: time.sleep(60)\n        \
             n += 1\nexcept OSError: print(n)",
        )
        .await;
    text(&result.stdout).trim().parse().unwrap_or_else(|_| panic!("{result:?}"))
}

#[tokio::test]
async fn one_file_cannot_fill_the_disk() {
    let bench = Bench::new();
    let result = bench.run(&["dd", "if=/dev/zero", "of=big", "bs=1M", "count=10000"]).await;
    assert_eq!(result.outcome, Outcome::DiskLimit);
    assert!(std::fs::metadata(bench.path("big")).expect("there").len() <= bench.limits.file_bytes);
}

#[tokio::test]
async fn many_large_files_cannot_fill_the_disk() {
    let bench = Bench::new();
    let result = bench.shell("i=0; while :; do i=$((i+1)); head -c 32M /dev/zero > f$i; done").await;
    assert_eq!(result.outcome, Outcome::DiskLimit);
    assert!(bytes_below(&bench) < bench.limits.disk_bytes + (192 << 20), "{}", bytes_below(&bench));
}

fn bytes_below(bench: &Bench) -> u64 {
    let entries = std::fs::read_dir(bench.folder.path()).expect("a folder");
    entries.flatten().map(|entry| entry.metadata().map_or(0, |metadata| metadata.len())).sum()
}

#[tokio::test]
async fn many_small_files_cannot_fill_the_disk() {
    let bench = Bench::with_python();
    let result = bench.python("for i in range(200000): open(f'f{i}', 'w').close()").await;
    assert_eq!(result.outcome, Outcome::DiskLimit);
    let count = std::fs::read_dir(bench.folder.path()).expect("a folder").count();
    assert!(count < 60_000, "{count}");
}

#[tokio::test]
async fn files_without_a_name_cannot_fill_the_disk() {
    let bench = Bench::with_python();
    let result = bench
        .python(
            "import os, time\nkept = []\nfor i in range(40):\n    f = open('f', 'wb'); os.unlink('f'); \
             kept.append(f)\n    for _ in range(20): f.write(b'x' * (1 << 20))\n    f.flush()\ntime.sleep(5)",
        )
        .await;
    assert_eq!(result.outcome, Outcome::DiskLimit);
}

#[tokio::test]
async fn a_bottomless_tree_cannot_hide_files() {
    let bench = Bench::with_python();
    let result = bench.python("import os\nfor i in range(3000): os.mkdir('d'); os.chdir('d')").await;
    assert_eq!(result.outcome, Outcome::DiskLimit);
}

#[tokio::test]
async fn a_short_run_that_went_too_far_is_told_so() {
    let mut bench = Bench::new();
    bench.limits.disk_bytes = 1 << 20;
    let result = bench.shell("head -c 3M /dev/zero > f").await;
    assert_eq!(result.outcome, Outcome::DiskLimit);
}

#[tokio::test]
async fn temporary_folders_are_bounded_memory() {
    let bench = Bench::new();
    for folder in ["/tmp", "/dev/shm"] {
        let result =
            bench.shell(&format!("for i in 1 2 3 4; do head -c 60M /dev/zero > {folder}/f$i; done")).await;
        let is_held =
            result.outcome == Outcome::OutOfMemory || text(&result.stderr).contains("No space left");
        assert!(is_held, "{result:?}");
    }
}

fn has_memory_cgroup(bench: &Bench) -> bool {
    bench.jail.probe().iter().any(|finding| finding.name == "memory limit" && finding.state == State::Ok)
}
