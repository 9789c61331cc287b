//! Nothing of a run remains, whichever way it ends.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use sandbox::{Outcome, Sandbox};

use crate::support::{Bench, eventually, processes_with};

/// An argument for `sleep` that no other process has.
fn marker(number: u32) -> String {
    format!("77.{}{number}", std::process::id())
}

/// Folders of runs of a process in the cgroup trees.
fn cgroup_folders(pid: u32) -> Vec<PathBuf> {
    let bases: Vec<PathBuf> = Bench::new()
        .jail
        .probe()
        .into_iter()
        .filter_map(|finding| finding.detail.split_once(" in ").map(|(_, path)| path.into()))
        .filter(|path: &PathBuf| path.starts_with("/sys"))
        .collect();
    let prefix = format!("atelier-run-{pid}-");
    bases
        .iter()
        .filter_map(|base| fs::read_dir(base).ok())
        .flat_map(|entries| entries.flatten().map(|entry| entry.path()))
        .filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(&prefix)))
        .collect()
}

fn children_of_this_process() -> usize {
    let tasks = fs::read_dir("/proc/self/task").expect("/proc");
    tasks
        .flatten()
        .filter_map(|task| fs::read_to_string(task.path().join("children")).ok())
        .map(|list| list.split_whitespace().count())
        .sum()
}

fn mounts() -> String {
    fs::read_to_string("/proc/self/mountinfo").expect("/proc")
}

fn temporary_folders() -> Vec<PathBuf> {
    let entries = fs::read_dir(std::env::temp_dir()).expect("a folder");
    let is_ours =
        |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("atelier"));
    entries.flatten().map(|entry| entry.path()).filter(is_ours).collect()
}

#[tokio::test]
async fn a_daemon_that_forked_twice_is_gone_with_its_run() {
    let bench = Bench::new();
    let marker = marker(1);
    let daemon =
        format!("setsid sh -c '(setsid sleep {marker} > /dev/null 2>&1 &) &' & sleep 0.2; echo left");
    let started = Instant::now();
    let result = bench.shell(&daemon).await;
    assert_eq!(result.outcome, Outcome::Exited(0));
    assert!(started.elapsed() < Duration::from_secs(5));
    assert_eq!(processes_with(&marker), Vec::<u32>::new());
}

#[tokio::test]
async fn a_daemon_that_keeps_the_output_open_does_not_keep_the_run_open() {
    let bench = Bench::new();
    let started = Instant::now();
    let result = bench.shell(&format!("sleep {} & echo done", marker(2))).await;
    assert_eq!(result.outcome, Outcome::Exited(0));
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn dropping_the_future_kills_everything_at_once() {
    let bench = Bench::new();
    let marker = marker(3);
    let script = format!("sleep {marker} & setsid sleep {marker} & sleep {marker}");
    let run = bench.jail.execute(bench.request(&["sh", "-c", &script]), None);
    let looking = async {
        while processes_with(&marker).len() < 3 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::select! {
        result = run => panic!("it cannot end by itself: {result:?}"),
        () = looking => {}
    }
    let dropped = Instant::now();
    while !processes_with(&marker).is_empty() {
        assert!(dropped.elapsed() < Duration::from_secs(2), "still there");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    while children_of_this_process() > 0 {
        assert!(dropped.elapsed() < Duration::from_secs(5), "the launcher is still there");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(cgroup_folders(std::process::id()), Vec::<PathBuf>::new());
}

#[tokio::test]
async fn nothing_remains_of_runs_that_end_in_every_way() {
    let mut bench = Bench::new();
    let (mounts_before, folders_before) = (mounts(), temporary_folders());
    let endings = [
        ("true", Outcome::Exited(0)),
        ("sleep 60", Outcome::TimedOut),
        ("kill -SEGV $$", Outcome::Signalled(11)),
        (
            "head -c 50M /dev/zero > a; head -c 50M /dev/zero > b; head -c 50M /dev/zero > c",
            Outcome::DiskLimit,
        ),
    ];
    assert!(bench.jail.execute(bench.request(&["no-such-program"]), None).await.is_err());
    for (script, outcome) in endings {
        let wall_ms = if outcome == Outcome::TimedOut { 300 } else { 10_000 };
        bench.limits.wall = Duration::from_millis(wall_ms);
        assert_eq!(bench.shell(script).await.outcome, outcome, "{script}");
    }
    let deadline = Instant::now() + Duration::from_secs(5);
    while children_of_this_process() > 0 && Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(children_of_this_process(), 0);
    assert_eq!(mounts(), mounts_before);
    assert_eq!(cgroup_folders(std::process::id()), Vec::<PathBuf>::new());
    assert!(temporary_folders().iter().all(|folder| folders_before.contains(folder) || is_trial(folder)));
}

/// The folder of a trial run that a test beside this one is just making.
fn is_trial(folder: &Path) -> bool {
    folder.to_string_lossy().contains("atelier-trial-")
}

/// Not a test of its own: what is killed in the one below.
#[tokio::test]
#[ignore = "is started, and killed, by another test"]
async fn a_server_that_waits() {
    let bench = Bench::new();
    let marker = std::env::var("ATELIER_TEST_MARKER").expect("started by the test below");
    let script = format!("setsid sleep {marker} & sleep {marker}");
    bench.run(&["sh", "-c", &script]).await;
}

#[test]
fn killing_the_server_kills_what_it_runs() {
    let marker = marker(4);
    let mut server = Command::new(std::env::current_exe().expect("this test"))
        .args(["--exact", "remains::a_server_that_waits", "--ignored", "--nocapture"])
        .env("ATELIER_TEST_MARKER", &marker)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("starts");
    eventually("it never ran", || processes_with(&marker).len() == 2);
    server.kill().expect("killed");
    server.wait().expect("reaped");
    eventually("it outlived its server", || processes_with(&marker).is_empty());
    eventually("a cgroup outlived its server", || cgroup_folders(server.id()).is_empty());
}

#[tokio::test]
async fn killing_the_launcher_kills_what_it_started_and_is_reported() {
    let bench = Bench::new();
    let marker = marker(5);
    let run = bench.jail.execute(bench.request(&["sleep", &marker]), None);
    let killing = async {
        let program = loop {
            match processes_with(&marker).first() {
                Some(pid) => break *pid,
                None => tokio::time::sleep(Duration::from_millis(5)).await,
            }
        };
        let launcher = parent(parent(program));
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(launcher.cast_signed()), nix::sys::signal::SIGKILL)
            .expect("killed");
    };
    let (result, ()) = tokio::join!(run, killing);
    assert!(matches!(result, Err(sandbox::Error::Launcher { .. })), "{result:?}");
    eventually("it outlived its launcher", || processes_with(&marker).is_empty());
    assert_eq!(cgroup_folders(std::process::id()), Vec::<PathBuf>::new());
}

fn parent(pid: u32) -> u32 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).expect("running");
    let fields = stat.rsplit_once(')').expect("proc_pid_stat(5)").1;
    fields.split_whitespace().nth(1).and_then(|field| field.parse().ok()).expect("a parent")
}
