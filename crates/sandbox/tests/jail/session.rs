//! A jail that stays: what programs in it share, how they end, and that nothing outlives it.

use std::{
    io::Write,
    net::TcpListener,
    path::PathBuf,
    process::Stdio,
    sync::Arc,
    time::{Duration, Instant},
};

use sandbox::{
    Command, Error, Execution, Jail, Outcome, Process, Sandbox, Session, SessionLimits, SessionRequest,
    TerminalSize,
};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::{eventually, options, processes_with, python_options, text};

/// An argument for `sleep` that no other process has.
fn marker(number: u32) -> String {
    format!("88.{}{number}", std::process::id())
}

/// A session in a folder of its own.
struct Place {
    folder: TempDir,
    session: Arc<dyn Session>,
}

fn limits() -> SessionLimits {
    SessionLimits {
        memory_bytes: 256 << 20,
        processes: 64,
        cpu_share: None,
        file_bytes: 64 << 20,
        disk_bytes: 64 << 20,
        inodes: 5_000,
    }
}

async fn open(change: impl FnOnce(&mut SessionRequest)) -> Place {
    open_in(&Jail::new(options()), change).await
}

async fn open_in(jail: &Jail, change: impl FnOnce(&mut SessionRequest)) -> Place {
    let folder = tempfile::tempdir().expect("a folder");
    let mut request =
        SessionRequest { workspace: folder.path().to_owned(), limits: limits(), ..SessionRequest::default() };
    change(&mut request);
    let session = jail.open(request).await.expect("a session");
    Place { folder, session }
}

fn command(argv: &[&str]) -> Command {
    Command {
        argv: argv.iter().map(|argument| (*argument).to_owned()).collect(),
        wall: Some(Duration::from_secs(10)),
        output_bytes: 64 << 10,
        ..Command::default()
    }
}

fn shell(script: &str) -> Command {
    command(&["sh", "-c", script])
}

impl Place {
    async fn run(&self, command: Command) -> Execution {
        self.session.execute(command, None).await.expect("the session runs it")
    }

    async fn shell(&self, script: &str) -> Execution {
        self.run(shell(script)).await
    }

    async fn start(&self, script: &str) -> Process {
        let command = Command { wall: None, ..shell(script) };
        self.session.start(command, None).await.expect("starts")
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

/// All that a process writes until something is in it.
async fn read_until(process: &mut Process, wanted: &str) -> String {
    let mut said = String::new();
    let reading = async {
        while !said.contains(wanted) {
            match process.output.recv().await {
                Some(chunk) => said.push_str(&String::from_utf8_lossy(&chunk.bytes)),
                None => break,
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(10), reading).await.ok();
    assert!(said.contains(wanted), "{wanted:?} is not in {said:?}");
    said
}

#[tokio::test]
async fn programs_find_what_those_before_them_left() {
    let place = open(|request| {
        request.environment.insert("OF_SESSION".into(), "yes".into());
    })
    .await;
    let first = place.shell("mkdir -p a/b; echo kept > a/b/file; echo temp > /tmp/t; echo $OF_SESSION").await;
    assert_eq!((first.outcome, text(&first.stdout).as_str()), (Outcome::Exited(0), "yes\n"));
    let second = Command {
        folder: "a/b".into(),
        environment: [("OWN".to_owned(), "too".to_owned())].into(),
        stdin: b"given".to_vec(),
        ..shell("cat file /tmp/t; echo $OWN; cat; pwd; echo problem >&2; exit 3")
    };
    let second = place.run(second).await;
    assert_eq!(second.outcome, Outcome::Exited(3));
    assert_eq!(text(&second.stdout), "kept\ntemp\ntoo\ngiven/workspace/a/b\n");
    assert_eq!(text(&second.stderr), "problem\n");
}

#[tokio::test]
async fn what_cannot_be_started_says_so_and_the_session_goes_on() {
    let place = open(|_| {}).await;
    let missing = place.session.execute(command(&["no-such-program"]), None).await;
    assert!(matches!(missing, Err(Error::CannotStart { .. })), "{missing:?}");
    let nowhere = Command { folder: "not/there".into(), ..shell("true") };
    let nowhere = place.session.execute(nowhere, None).await;
    assert!(matches!(nowhere, Err(Error::CannotStart { .. })), "{nowhere:?}");
    for folder in ["../up", "/etc", "a/../../b"] {
        let outside = Command { folder: folder.into(), ..shell("true") };
        let outside = place.session.execute(outside, None).await;
        assert!(matches!(outside, Err(Error::InvalidRequest { .. })), "{outside:?}");
    }
    let long = command(&["echo", &"x".repeat(300 << 10)]);
    let long = place.session.execute(long, None).await;
    assert!(matches!(long, Err(Error::InvalidRequest { .. })), "{long:?}");
    assert_eq!(place.shell("true").await.outcome, Outcome::Exited(0));
}

#[tokio::test]
async fn many_programs_run_side_by_side() {
    let place = open(|_| {}).await;
    let runs = (0..20).map(|number| {
        let session = Arc::clone(&place.session);
        tokio::spawn(async move {
            let script = format!("echo {number}; sleep 0.1; head -c 100000 /dev/zero >&2; exit {number}");
            session.execute(shell(&script), None).await.expect("runs")
        })
    });
    for (number, run) in runs.collect::<Vec<_>>().into_iter().enumerate() {
        let result = run.await.expect("no panic");
        assert_eq!(result.outcome, Outcome::Exited(i32::try_from(number).expect("small")));
        assert_eq!(text(&result.stdout), format!("{number}\n"));
        assert!(result.stderr_truncated && result.stderr.len() == 64 << 10);
    }
}

#[tokio::test]
async fn what_a_program_leaves_running_ends_with_it() {
    let place = open(|_| {}).await;
    let marker = marker(1);
    let script =
        format!("(setsid sh -c 'setsid sleep {marker} & sleep {marker}' > /dev/null 2>&1 &); sleep 0.2");
    assert_eq!(place.shell(&script).await.outcome, Outcome::Exited(0));
    assert_eq!(processes_with(&marker), Vec::<u32>::new());
}

#[tokio::test]
async fn a_program_that_ends_its_keeper_gains_nothing() {
    let place = open(|_| {}).await;
    let marker = marker(2);
    let script =
        format!("setsid sleep {marker} & setsid sleep {marker} & sleep 0.1; kill -9 $PPID; sleep {marker}");
    let started = Instant::now();
    let result = place.shell(&script).await;
    assert_eq!(result.outcome, Outcome::Signalled(9));
    assert!(started.elapsed() < Duration::from_secs(5));
    eventually("something outlived its keeper", || processes_with(&marker).is_empty());
    let stopping = Command { wall: Some(Duration::from_millis(500)), ..shell("kill -STOP $PPID; exit 4") };
    let result = place.run(stopping).await;
    assert_eq!(result.outcome, Outcome::TimedOut);
    assert_eq!(
        place.shell("kill -9 1; kill -USR1 1; kill -USR2 1; sleep 0.1; echo here").await.stdout,
        b"here\n"
    );
}

#[tokio::test]
async fn time_on_the_clock_and_of_the_processor_is_limited() {
    let place = open(|_| {}).await;
    let slow = Command { wall: Some(Duration::from_millis(300)), ..shell("trap '' TERM INT; sleep 60") };
    assert_eq!(place.run(slow).await.outcome, Outcome::TimedOut);
    let busy = Command {
        cpu: Some(Duration::from_millis(300)),
        ..shell("(while :; do :; done) & (while :; do :; done) & wait")
    };
    let busy = place.run(busy).await;
    assert_eq!(busy.outcome, Outcome::CpuLimit);
    assert!((300..2000).contains(&busy.cpu_ms), "{}", busy.cpu_ms);
}

#[tokio::test]
async fn cancelling_and_dropping_end_all_of_a_program() {
    let place = open(|_| {}).await;
    let marker = marker(3);
    let script = format!("echo begun; sleep {marker} & setsid sleep {marker} & sleep {marker}");
    let cancelled = Command { wall: None, ..shell(&script) };
    let cancel = cancelled.cancel.clone();
    let session = Arc::clone(&place.session);
    let run = tokio::spawn(async move { session.execute(cancelled, None).await });
    while processes_with(&marker).len() < 3 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    cancel.cancel();
    let result = run.await.expect("no panic").expect("runs");
    assert_eq!((result.outcome, text(&result.stdout).as_str()), (Outcome::Cancelled, "begun\n"));
    assert_eq!(processes_with(&marker), Vec::<u32>::new());

    let dropped = place.session.execute(Command { wall: None, ..shell(&script) }, None);
    let looking = async {
        while processes_with(&marker).len() < 3 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::select! {
        result = dropped => panic!("it cannot end by itself: {result:?}"),
        () = looking => {}
    }
    let deadline = Instant::now() + Duration::from_secs(5);
    while !processes_with(&marker).is_empty() {
        assert!(Instant::now() < deadline, "still there");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(place.shell("true").await.outcome, Outcome::Exited(0));
}

#[tokio::test]
async fn a_fork_bomb_ends_with_its_program() {
    let place = open(|_| {}).await;
    // The shell waits by itself: it may find no process for a program that does.
    let waiting = "b() { b | b & }; b; while :; do :; done";
    let bomb = Command { wall: Some(Duration::from_secs(1)), ..shell(waiting) };
    let result = place.run(bomb).await;
    assert_eq!(result.outcome, Outcome::TimedOut);
    assert!(result.duration_ms < 8_000, "{}", result.duration_ms);
    assert_eq!(place.shell("true").await.outcome, Outcome::Exited(0));
}

#[tokio::test]
async fn the_largest_program_ends_when_memory_runs_out_and_the_others_go_on() {
    let place = open_in(&Jail::new(python_options()), |_| {}).await;
    if place.session.usage().memory_bytes.is_none() {
        return;
    }
    let mut other = place.start("while read line; do echo got $line; done").await;
    let eat = "b = bytearray(4 << 30)\nfor i in range(0, len(b), 4096): b[i] = 1";
    let result = place.run(command(&["python3", "-c", eat])).await;
    assert_eq!(result.outcome, Outcome::OutOfMemory);
    other.write(b"this\n").await.expect("it reads");
    read_until(&mut other, "got this").await;
}

#[tokio::test]
async fn a_workspace_that_grows_too_large_ends_all_programs_and_can_be_tidied_up() {
    let place = open(|_| {}).await;
    let other = place.start("sleep 60").await;
    let filling = "for i in 1 2 3 4; do head -c 30M /dev/zero > f$i; done; sleep 60";
    assert_eq!(place.shell(filling).await.outcome, Outcome::DiskLimit);
    assert_eq!(other.handle.wait().await.expect("ran").outcome, Outcome::DiskLimit);
    assert_eq!(place.shell("rm f1 f2 f3 f4; sleep 0.2; ls").await.outcome, Outcome::Exited(0));
    tokio::time::sleep(Duration::from_millis(2500)).await;
    assert_eq!(place.shell("head -c 20M /dev/zero > f; sleep 0.2").await.outcome, Outcome::Exited(0));
    assert_eq!(place.shell(filling).await.outcome, Outcome::DiskLimit);
}

#[tokio::test]
async fn a_server_inside_is_reached_on_its_port_and_nothing_else_is() {
    let place = open_in(&Jail::new(python_options()), |_| {}).await;
    std::fs::write(place.path("index.html"), "from inside").expect("a file");
    for (host, port) in [("127.0.0.1", 5173), ("::1", 5174), ("0.0.0.0", 5175)] {
        let server = command(&["python3", "-m", "http.server", &port.to_string(), "--bind", host]);
        let process = place.session.start(Command { wall: None, ..server }, None).await.expect("starts");
        let deadline = Instant::now() + Duration::from_secs(20);
        while !place.session.ports().await.expect("answers").contains(&port) {
            assert!(Instant::now() < deadline && process.handle.exit().is_none(), "{:?}", process.handle);
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let mut stream = place.session.connect(port).await.expect("connects");
        stream.write_all(b"GET / HTTP/1.0\r\n\r\n").await.expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("read");
        assert!(answer.ends_with("from inside"), "{answer}");
        process.handle.kill();
        assert_eq!(process.handle.wait().await.expect("ended").outcome, Outcome::Cancelled);
        let refused = place.session.connect(port).await;
        assert!(matches!(refused, Err(Error::CannotConnect { .. })), "{refused:?}");
    }
}

#[tokio::test]
async fn the_host_and_other_sessions_are_out_of_reach() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("bound").port();
    listener.set_nonblocking(true).expect("set");
    let jail = Jail::new(python_options());
    for network in [false, true] {
        let place = open_in(&jail, |request| request.network = network).await;
        let script = format!(
            "import socket\nfor a in ['127.0.0.1', '192.0.2.2', '169.254.169.254', '10.0.0.1']:\n  s = socket.socket(); s.settimeout(2)\n  print(s.connect_ex((a, {port})))"
        );
        let result = place.run(command(&["python3", "-c", &script])).await;
        assert!(!text(&result.stdout).lines().any(|line| line == "0"), "{result:?}");
    }
    assert!(listener.accept().is_err(), "somebody inside reached the host");
}

#[tokio::test]
async fn all_ways_out_lead_to_the_sockets_that_were_handed_over() {
    let jail = Jail::new(python_options());
    let without = open_in(&jail, |_| {}).await;
    assert!(without.session.take_ways_out().is_none());
    let unreachable = "import socket; s = socket.socket(); print(s.connect_ex(('203.0.113.7', 80)))";
    let result = without.run(command(&["python3", "-c", unreachable])).await;
    assert_eq!(text(&result.stdout).trim(), (nix::errno::Errno::ENETUNREACH as i32).to_string());

    let place = open_in(&jail, |request| request.network = true).await;
    let ways = place.session.take_ways_out().expect("ways out");
    assert!(place.session.take_ways_out().is_none());
    let serving = std::thread::spawn(move || {
        let mut name = [0; 512];
        ways.dns.set_nonblocking(false).expect("set");
        let (length, _) = ways.dns.recv_from(&mut name).expect("a question");
        let mut reached = Vec::new();
        for listener in [&ways.http, &ways.https, &ways.proxy] {
            listener.set_nonblocking(false).expect("set");
            let (mut stream, _) = listener.accept().expect("a connection");
            reached.push(stream.local_addr().expect("an address").to_string());
            stream.write_all(b"hello").expect("sent");
        }
        (name[..length].to_vec(), reached)
    });
    let script = "import socket, os\n\
        u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); u.sendto(b'question', ('127.0.0.1', 53))\n\
        proxy = os.environ['https_proxy'].rsplit(':', 1)[1]\n\
        for a in [('203.0.113.7', 80), ('198.18.0.9', 443), ('127.0.0.1', int(proxy))]:\n\
        \x20   s = socket.create_connection(a, 5); print(s.recv(5).decode())\n";
    let result = place.run(command(&["python3", "-c", script])).await;
    assert_eq!(text(&result.stdout), "hello\nhello\nhello\n", "{}", text(&result.stderr));
    let (question, reached) = serving.join().expect("served");
    assert_eq!(question, b"question");
    assert_eq!(reached[..2], ["203.0.113.7:80", "198.18.0.9:443"]);
    let other_families = "import socket\n\
        for f, k, p in [(16, 3, 0), (17, 3, 0), (40, 1, 0), (2, 3, 1), (2, 2, 1), (2, 1, 132), (2, 1, 262)]:\n\
        \x20   try: socket.socket(f, k, p); print('open', f, k, p)\n\
        \x20   except OSError: pass\n";
    let result = place.run(command(&["python3", "-c", other_families])).await;
    assert_eq!((result.outcome, text(&result.stdout).as_str()), (Outcome::Exited(0), ""));
}

#[tokio::test]
async fn a_terminal_has_a_size_and_takes_what_is_typed() {
    let place = open(|_| {}).await;
    let command = Command { wall: None, ..command(&["sh"]) };
    let size = TerminalSize { rows: 30, columns: 100 };
    let mut terminal = place.session.start(command, Some(size)).await.expect("starts");
    terminal.write(b"stty size; tty\n").await.expect("typed");
    let said = read_until(&mut terminal, "/dev/pts/").await;
    assert!(said.contains("30 100"), "{said:?}");
    terminal.handle.resize(TerminalSize { rows: 40, columns: 120 });
    terminal.write(b"stty size\n").await.expect("typed");
    read_until(&mut terminal, "40 120").await;
    terminal.write(b"sleep 60\n").await.expect("typed");
    tokio::time::sleep(Duration::from_millis(200)).await;
    terminal.write(b"\x03").await.expect("typed");
    terminal.write(b"echo after $((1 + 1))\n").await.expect("typed");
    read_until(&mut terminal, "after 2").await;
    terminal.write(b"exit 5\n").await.expect("typed");
    assert_eq!(terminal.handle.wait().await.expect("ended").outcome, Outcome::Exited(5));
}

#[tokio::test]
async fn a_program_that_stays_is_fed_interrupted_and_ended() {
    let place = open(|_| {}).await;
    let mut process = place.start("trap 'echo caught; exit 7' INT; echo ready; while read l; do echo $l; done; while :; do sleep 0.05; done").await;
    read_until(&mut process, "ready").await;
    process.write(b"one\n").await.expect("it reads");
    read_until(&mut process, "one").await;
    process.input = Box::new(tokio::io::sink());
    process.handle.interrupt();
    read_until(&mut process, "caught").await;
    assert_eq!(process.handle.wait().await.expect("ended").outcome, Outcome::Exited(7));
    assert!(process.output.recv().await.is_none());
}

#[tokio::test]
async fn a_paused_session_does_nothing_until_it_is_resumed() {
    let place = open(|_| {}).await;
    let _counting = place.start("i=0; while :; do i=$((i + 1)); echo $i > count; sleep 0.01; done").await;
    eventually("it never counted", || place.path("count").exists());
    place.session.pause().await.expect("paused");
    let read = || std::fs::read_to_string(place.path("count")).expect("a count");
    tokio::time::sleep(Duration::from_millis(50)).await;
    let before = read();
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(read(), before);
    place.session.resume().await.expect("resumed");
    eventually("it does not count on", || read() != before);
}

#[tokio::test]
async fn a_snapshot_has_what_the_workspace_has() {
    let place = open(|_| {}).await;
    place.shell("mkdir a; echo text > a/file; ln -s /etc/passwd link; chmod 700 a").await;
    let to = place.folder.path().with_extension("snapshot");
    place.session.snapshot(to.clone()).await.expect("copied");
    assert_eq!(std::fs::read_to_string(to.join("a/file")).expect("a file"), "text\n");
    assert!(to.join("link").symlink_metadata().expect("a link").is_symlink());
    std::fs::remove_dir_all(to).expect("removed");
    assert_eq!(place.shell("cat a/file").await.stdout, b"text\n");
}

#[tokio::test]
async fn a_share_of_the_processor_is_kept() {
    let place = open(|request| request.limits.cpu_share = Some(250)).await;
    if place.session.usage().cpu_ms.is_none() {
        return;
    }
    let result =
        place.run(Command { wall: Some(Duration::from_secs(2)), ..shell("while :; do :; done") }).await;
    assert_eq!(result.outcome, Outcome::TimedOut);
    let used = place.session.usage().cpu_ms.expect("counted");
    assert!((100..1000).contains(&used), "{used}");
}

#[tokio::test]
async fn closing_ends_everything() {
    let place = open(|_| {}).await;
    let marker = marker(4);
    let process =
        place.start(&format!("setsid sleep {marker} & setsid sleep {marker} & sleep {marker}")).await;
    eventually("it never ran", || processes_with(&marker).len() == 3);
    place.session.close().await;
    assert_eq!(processes_with(&marker), Vec::<u32>::new());
    assert!(process.handle.wait().await.is_err());
    let late = place.session.execute(shell("true"), None).await;
    assert!(matches!(late, Err(Error::SessionClosed)), "{late:?}");
}

#[tokio::test]
async fn dropping_a_session_ends_everything() {
    let place = open(|_| {}).await;
    let marker = marker(5);
    let process = place.start(&format!("setsid sleep {marker} & sleep {marker}")).await;
    eventually("it never ran", || processes_with(&marker).len() == 2);
    drop((process, place));
    let deadline = Instant::now() + Duration::from_secs(5);
    while !processes_with(&marker).is_empty() {
        assert!(Instant::now() < deadline, "still there");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Not a test of its own: what is killed in the one below.
#[tokio::test]
#[ignore = "is started, and killed, by another test"]
async fn a_server_with_a_session() {
    let marker = std::env::var("ATELIER_TEST_MARKER").expect("started by the test below");
    let place = open(|_| {}).await;
    place.shell(&format!("setsid sleep {marker} & sleep {marker}")).await;
}

#[test]
fn killing_the_server_ends_its_sessions() {
    let marker = marker(6);
    let mut server = std::process::Command::new(std::env::current_exe().expect("this test"))
        .args(["--exact", "session::a_server_with_a_session", "--ignored", "--nocapture"])
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
}

#[tokio::test]
async fn a_hundred_sessions_are_open_at_once() {
    let jail = Arc::new(Jail::new(options()));
    let started = Instant::now();
    let opening = (0..100).map(|number| {
        let jail = Arc::clone(&jail);
        tokio::spawn(async move {
            let place = open_in(&jail, |_| {}).await;
            let result = place.shell(&format!("echo {number}")).await;
            assert_eq!(text(&result.stdout), format!("{number}\n"));
            place
        })
    });
    let mut places = Vec::new();
    for opened in opening.collect::<Vec<_>>() {
        places.push(opened.await.expect("opened"));
    }
    println!("100 sessions after {:?}", started.elapsed());
    for place in &places {
        place.session.close().await;
    }
}
