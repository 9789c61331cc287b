//! Other processes: out of sight, and out of reach of signals.

use std::{
    os::linux::net::SocketAddrExt,
    os::unix::net::{SocketAddr, UnixListener},
    process::Command,
};

use sandbox::Outcome;

use crate::support::{Bench, text};

#[tokio::test]
async fn only_the_runs_own_processes_are_in_proc() {
    let bench = Bench::new();
    let result = bench.shell("ls -d /proc/[0-9]*").await;
    let pids: Vec<u32> = text(&result.stdout)
        .lines()
        .filter_map(|line| line.trim_start_matches("/proc/").parse().ok())
        .collect();
    assert!(!pids.is_empty() && pids.iter().all(|pid| (2..10).contains(pid)), "{pids:?}");
}

#[tokio::test]
async fn signals_reach_nobody_outside() {
    let bench = Bench::with_python();
    let mut bystander = Command::new("sleep").arg("60").spawn().expect("a process");
    let script = format!(
        "import os, signal\nfor pid in ({}, {}, {}):\n    try: os.kill(pid, signal.SIGKILL); print('sent')\n    \
         except ProcessLookupError: pass\nos.kill(1, signal.SIGKILL)\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n\
         os.kill(-1, signal.SIGTERM)\nprint('alive')",
        bystander.id(),
        std::process::id(),
        std::os::unix::process::parent_id(),
    );
    let result = bench.python(&script).await;
    let is_running = bystander.try_wait().expect("asked").is_none();
    bystander.kill().expect("killed");
    bystander.wait().expect("reaped");
    // Landlock forbids even the signal to init, which would not have ended it.
    let is_refused = text(&result.stderr).contains("Operation not permitted");
    assert!(is_running && (is_refused || text(&result.stdout) == "alive\n"), "{result:?}");
    assert!(!text(&result.stdout).contains("sent"));
}

#[tokio::test]
async fn init_cannot_be_ended_or_written_to_from_inside() {
    let bench = Bench::new();
    let result = bench
        .shell("kill -9 1; kill -15 1; echo x > /proc/1/mem; cat /proc/1/mem; ls -l /proc/1/fd; echo alive")
        .await;
    assert_eq!((result.outcome, text(&result.stdout).as_str()), (Outcome::Exited(0), "alive\n"));
}

#[tokio::test]
async fn no_socket_but_a_unix_one_can_be_opened() {
    let bench = Bench::with_python();
    let result = bench
        .python(
            "import socket\nfor family, kind, protocol in ((2, 1, 0), (2, 2, 0), (2, 3, 1), (10, 1, 0), (10, 2, 0), \
             (16, 3, 0), (40, 1, 0), (17, 3, 3), (38, 5, 0), (31, 3, 0), (29, 3, 1), (44, 3, 0), (30, 2, 0)):\n    \
             try: socket.socket(family, kind, protocol); print('opened', family)\n    \
             except PermissionError: pass\n\
             a, b = socket.socketpair(); a.send(b'x'); print(b.recv(1)); socket.socket(socket.AF_UNIX)",
        )
        .await;
    assert_eq!((result.outcome, text(&result.stdout).as_str()), (Outcome::Exited(0), "b'x'\n"), "{result:?}");
}

#[tokio::test]
async fn an_abstract_socket_of_the_host_cannot_be_reached() {
    let bench = Bench::with_python();
    let name = format!("atelier-test-{}", std::process::id());
    let address = SocketAddr::from_abstract_name(&name).expect("a name");
    let _listener = UnixListener::bind_addr(&address).expect("listens");
    let script =
        format!("import socket; s = socket.socket(socket.AF_UNIX); s.connect('\\0{name}'); print('in')");
    let result = bench.python(&script).await;
    assert_eq!((result.outcome, text(&result.stdout).as_str()), (Outcome::Exited(1), ""));
}

#[tokio::test]
async fn the_user_inside_is_nobody_with_rights() {
    let bench = Bench::new();
    let result = bench
        .shell(
            "id -u; id -G; grep -E '^(Cap|NoNew|Seccomp:)' /proc/self/status | cut -f2 | tr -d 0; hostname",
        )
        .await;
    assert_eq!(text(&result.stdout).split_whitespace().collect::<Vec<_>>()[..2], ["1000", "1000"]);
    let facts: Vec<_> = text(&result.stdout).lines().skip(2).map(str::to_owned).collect();
    // Five empty sets of capabilities, no_new_privs, seccomp in filter mode.
    assert_eq!(facts, ["", "", "", "", "", "1", "2", "atelier"], "{result:?}");
}

#[tokio::test]
async fn a_process_of_a_run_is_not_root_on_the_host() {
    let bench = Bench::new();
    let marker = format!("31.{}", std::process::id());
    let request = bench.request(&["sleep", &marker]);
    let cancel = request.cancel.clone();
    let looking = async {
        let pid = loop {
            if let Some(pid) = crate::support::processes_with(&marker).first() {
                break *pid;
            }
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        };
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("running");
        cancel.cancel();
        status
    };
    let (_, status) = tokio::join!(sandbox::Sandbox::execute(&bench.jail, request, None), looking);
    let uid = status.lines().find_map(|line| line.strip_prefix("Uid:\t")).expect("a user");
    assert!(uid.split('\t').all(|id| id != "0"), "{uid}");
}
