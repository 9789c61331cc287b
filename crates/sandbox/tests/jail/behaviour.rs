//! What a program gets, and what its caller learns.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use sandbox::{Error, JailOptions, Language, Outcome, Sandbox, State, Stream, Toolchain};
use tokio::sync::mpsc;

use crate::support::{Bench, options, text};

async fn says_hello(language: Language, code: &str) {
    let bench = Bench::with(JailOptions { toolchain: Toolchain::detect_only(&[language]), ..options() });
    let file = format!("main.{}", language.extension());
    std::fs::write(bench.path(&file), code).expect("a file");
    let argv = bench.jail.toolchain().command(language, &file).expect("is installed");
    let result = bench.run(&argv.iter().map(String::as_str).collect::<Vec<_>>()).await;
    assert_eq!((text(&result.stdout).as_str(), text(&result.stderr).as_str()), ("hello\n", ""));
    assert_eq!(result.outcome, Outcome::Exited(0));
}

#[tokio::test]
async fn python_says_hello() {
    says_hello(Language::Python, "import ssl, sqlite3, multiprocessing, decimal; print('hello')").await;
}

#[tokio::test]
async fn node_says_hello() {
    says_hello(Language::JavaScript, "setTimeout(() => console.log('hello'), 1)").await;
}

#[tokio::test]
async fn the_shell_says_hello() {
    says_hello(Language::Shell, "cat <(echo hello) > /dev/stdout").await;
}

#[tokio::test]
async fn exit_codes_and_signals_are_told_apart() {
    let bench = Bench::new();
    assert_eq!(bench.shell("exit 7").await.outcome, Outcome::Exited(7));
    assert_eq!(bench.shell("exit 137").await.outcome, Outcome::Exited(137));
    assert_eq!(bench.shell("kill -TERM $$").await.outcome, Outcome::Signalled(15));
    assert_eq!(bench.shell("kill -9 $$").await.outcome, Outcome::Signalled(9));
    assert_eq!(bench.shell("kill -34 $$").await.outcome, Outcome::Signalled(34));
}

#[tokio::test]
async fn the_program_gets_its_input_and_its_end() {
    let bench = Bench::new();
    let mut request = bench.request(&["sh", "-c", "wc -c; wc -c < /dev/stdin"]);
    request.stdin = vec![b'x'; 3 << 20];
    let result = bench.jail.execute(request, None).await.expect("runs");
    assert_eq!(text(&result.stdout).split_whitespace().next(), Some("3145728"));
    assert_eq!(text(&bench.shell("wc -c").await.stdout).trim(), "0");
}

#[tokio::test]
async fn the_environment_is_what_was_asked_for_and_little_else() {
    let bench = Bench::new();
    let mut request = bench.request(&["env"]);
    request.environment =
        BTreeMap::from([("GREETING".into(), "olá = 1".into()), ("HOME".into(), "/tmp".into())]);
    let result = bench.jail.execute(request, None).await.expect("runs");
    let mut names: Vec<String> =
        text(&result.stdout).lines().map(|line| line.split('=').next().unwrap_or("").to_owned()).collect();
    names.sort();
    assert_eq!(names, ["GREETING", "HOME", "LANG", "PATH", "TMPDIR"]);
    assert!(
        text(&result.stdout).contains("GREETING=olá = 1\n") && text(&result.stdout).contains("HOME=/tmp\n")
    );
}

#[tokio::test]
async fn the_workspace_is_the_working_directory_and_persists() {
    let bench = Bench::new();
    std::fs::create_dir(bench.path("data")).expect("a folder");
    std::fs::write(bench.path("data/in.txt"), "in").expect("a file");
    let result = bench.shell("pwd; cat data/in.txt; echo out > data/out.txt; echo more >> data/in.txt").await;
    assert_eq!((result.outcome, text(&result.stdout).as_str()), (Outcome::Exited(0), "/workspace\nin"));
    assert_eq!(std::fs::read_to_string(bench.path("data/out.txt")).expect("written"), "out\n");
    assert_eq!(std::fs::read_to_string(bench.path("data/in.txt")).expect("appended"), "inmore\n");
}

#[tokio::test]
async fn output_is_seen_while_the_program_runs() {
    let bench = Bench::new();
    let (sender, mut receiver) = mpsc::channel::<sandbox::OutputChunk>(16);
    let request = bench.request(&["sh", "-c", "echo first; read line < go; echo $line >&2"]);
    nix::unistd::mkfifo(&bench.path("go"), nix::sys::stat::Mode::from_bits_truncate(0o666)).expect("a fifo");
    let go = bench.path("go");
    let watching = async {
        let first = receiver.recv().await.expect("the first line, while it waits");
        assert_eq!((first.stream, first.bytes.as_slice()), (Stream::Stdout, &b"first\n"[..]));
        tokio::task::spawn_blocking(|| std::fs::write(go, "second\n").expect("written"))
            .await
            .expect("joins");
        let second = receiver.recv().await.expect("the second line");
        assert_eq!((second.stream, second.bytes.as_slice()), (Stream::Stderr, &b"second\n"[..]));
    };
    let (result, ()) = tokio::join!(bench.jail.execute(request, Some(sender)), watching);
    assert_eq!(result.expect("runs").outcome, Outcome::Exited(0));
}

#[tokio::test]
async fn a_receiver_that_never_reads_stalls_nothing() {
    let bench = Bench::new();
    let (sender, receiver) = mpsc::channel(1);
    let request = bench.request(&["sh", "-c", "for i in $(seq 2000); do echo line $i; done"]);
    let result = bench.jail.execute(request, Some(sender)).await.expect("runs");
    assert_eq!(result.outcome, Outcome::Exited(0));
    assert!(text(&result.stdout).ends_with("line 2000\n"));
    drop(receiver);
}

#[tokio::test]
async fn a_program_that_does_not_exist_is_an_error_that_names_it() {
    let bench = Bench::new();
    let error = bench.jail.execute(bench.request(&["no-such-program"]), None).await.expect_err("not there");
    assert!(
        matches!(&error, Error::CannotStart { program, .. } if program == "no-such-program"),
        "{error:?}"
    );
    let error = bench.jail.execute(bench.request(&["/etc/passwd"]), None).await.expect_err("not executable");
    assert!(matches!(error, Error::CannotStart { .. }), "{error:?}");
}

#[tokio::test]
async fn requests_that_make_no_sense_are_refused_before_anything_runs() {
    let bench = Bench::new();
    for argv in [&[][..], &[""], &["echo", "a\0b"]] {
        let error = bench.jail.execute(bench.request(argv), None).await.expect_err("refused");
        assert!(matches!(error, Error::InvalidRequest { .. }), "{error:?}");
    }
    let mut request = bench.request(&["true"]);
    request.workspace = bench.path("missing");
    let error = bench.jail.execute(request, None).await.expect_err("refused");
    assert!(matches!(error, Error::Workspace { .. }), "{error:?}");
    for system in ["/", "/usr", "/home"] {
        let mut request = bench.request(&["true"]);
        request.workspace = system.into();
        assert!(bench.jail.execute(request, None).await.is_err(), "{system}");
    }
}

#[tokio::test]
async fn a_cancelled_program_is_killed_and_what_it_wrote_is_kept() {
    let bench = Bench::new();
    let (sender, mut receiver) = mpsc::channel::<sandbox::OutputChunk>(4);
    let request = bench.request(&["sh", "-c", "echo before; sleep 60"]);
    let cancel = request.cancel.clone();
    let cancelling = async {
        receiver.recv().await.expect("it runs");
        cancel.cancel();
        Instant::now()
    };
    let (result, cancelled) = tokio::join!(bench.jail.execute(request, Some(sender)), cancelling);
    let result = result.expect("a result");
    assert_eq!((result.outcome, text(&result.stdout).as_str()), (Outcome::Cancelled, "before\n"));
    assert!(cancelled.elapsed() < Duration::from_secs(2));
}

#[tokio::test]
async fn twenty_run_at_once() {
    let bench = Bench::new();
    let runs = (0..20).map(|number| {
        let jail = &bench.jail;
        let request =
            bench.request(&["sh", "-c", &format!("echo {number} > {number}; sleep 0.2; cat {number}")]);
        async move { (number, jail.execute(request, None).await.expect("runs")) }
    });
    for (number, result) in join_all(runs).await {
        assert_eq!((result.outcome, text(&result.stdout)), (Outcome::Exited(0), format!("{number}\n")));
    }
}

async fn join_all<F: Future>(futures: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut pending: Vec<_> = futures.map(Box::pin).collect();
    let mut results: Vec<Option<F::Output>> = pending.iter().map(|_| None).collect();
    std::future::poll_fn(|context| {
        for (future, result) in pending.iter_mut().zip(&mut results) {
            if result.is_none()
                && let std::task::Poll::Ready(value) = future.as_mut().poll(context)
            {
                *result = Some(value);
            }
        }
        if results.iter().all(Option::is_some) {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
    results.into_iter().flatten().collect()
}

#[test]
fn doctor_finds_this_machine_able() {
    let bench = Bench::with(JailOptions { toolchain: Toolchain::detect(), ..options() });
    let findings = bench.jail.probe();
    assert!(findings.iter().all(|finding| finding.state != State::Missing), "{findings:#?}");
    assert!(findings.iter().all(|finding| (finding.state == State::Ok) == finding.advice.is_none()));
    assert!(findings.iter().any(|finding| finding.name == "jail" && finding.state == State::Ok));
}

#[tokio::test]
#[ignore = "a measurement: prints how long the smallest run takes"]
async fn the_smallest_run_is_quick() {
    let bench = Bench::new();
    let mut took = Vec::new();
    for _ in 0..200 {
        let started = Instant::now();
        assert_eq!(bench.run(&["/bin/true"]).await.outcome, Outcome::Exited(0));
        took.push(started.elapsed());
    }
    took.sort();
    eprintln!("p50 {:?}, p95 {:?}", took[100], took[190]);
}
