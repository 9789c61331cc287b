//! How long the jail takes, beside bubblewrap and Docker: what `cargo xtask bench sandbox` runs.
//!
//! `--samples N --folder F [--bubblewrap PROGRAM] [--docker IMAGE]`; the image's only program,
//! `/nothing`, ends at once, or stays when it is given an argument.
//!
//! Prints a line of JSON for each thing measured, with every sample in milliseconds. The systems
//! take turns, sample by sample, so that a drift of the machine hits all alike.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    process::{Command as Program, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use sandbox::{
    Command, Jail, JailOptions, Language, Limits, Outcome, Request, Sandbox, Session, SessionRequest,
    Snippet, Toolchain, WarmSnippets,
};
use serde_json::json;

const AT_ONCE: usize = 100;

fn main() -> Fallible<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|first| first == "launcher") {
        sandbox::jail::launcher_main();
    }
    let value = |name: &str| {
        arguments.iter().position(|argument| argument == name).and_then(|at| arguments.get(at + 1))
    };
    let folder = PathBuf::from(value("--folder").ok_or("--folder says where to work")?);
    let samples = value("--samples").ok_or("--samples says how many")?.parse()?;
    let peers =
        Peers { bubblewrap: value("--bubblewrap").map(PathBuf::from), image: value("--docker").cloned() };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(bench(samples, &folder, &peers))
}

type Fallible<T> = Result<T, Box<dyn std::error::Error>>;

struct Peers {
    bubblewrap: Option<PathBuf>,
    image: Option<String>,
}

async fn bench(samples: usize, folder: &Path, peers: &Peers) -> Fallible<()> {
    let launcher: Vec<OsString> = vec![std::env::current_exe()?.into(), "launcher".into()];
    let toolchain = Toolchain::detect_only(&[Language::Python, Language::Shell]);
    let python = toolchain.interpreter(Language::Python)?.clone();
    let jail = Arc::new(Jail::new(JailOptions { launcher, toolchain, ..JailOptions::default() }));
    let python_argv = [python.program.to_string_lossy().into_owned(), "-c".into(), "print(1)".into()];
    let python_argv: Vec<&str> = python_argv.iter().map(String::as_str).collect();
    let mounts: Vec<&Path> = python.mounts.iter().map(|mount| mount.path.as_path()).collect();
    let live = open(&jail, folder, 0).await?;
    let container = peers.image.as_deref().map(Container::start).transpose()?;
    let mut series: Vec<(&str, Vec<f64>)> = Vec::new();
    for sample in 0..samples {
        note(&mut series, "jail, a session and its first program", first_program(&jail, folder).await?);
        note(&mut series, "jail, a program in a live session", live_program(live.as_ref()).await?);
        note(&mut series, "jail, one program alone", alone(&jail, folder, &["true"]).await?);
        note(&mut series, "jail, python alone", alone(&jail, folder, &python_argv).await?);
        if let Some(bubblewrap) = &peers.bubblewrap {
            note(&mut series, "bubblewrap, one program alone", wrapped(bubblewrap, folder, &[], &["true"])?);
            note(
                &mut series,
                "bubblewrap, python alone",
                wrapped(bubblewrap, folder, &mounts, &python_argv)?,
            );
        }
        if let (Some(container), 0) = (&container, sample % 10) {
            note(&mut series, "docker run", container.run()?);
            note(&mut series, "docker exec", container.exec()?);
        }
    }
    live.close().await;
    let snippets = warm(&jail, folder);
    for sample in 0..=samples {
        let took = snippet(&snippets).await?;
        if sample > 0 {
            note(&mut series, "jail, python from the pool", took);
        }
        // The next one is being started meanwhile.
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    for _ in 0..samples.div_ceil(20) {
        note(&mut series, "jail, 100 sessions at once", many(&jail, folder).await?);
        if let Some(bubblewrap) = &peers.bubblewrap {
            note(&mut series, "bubblewrap, 100 at once", many_wrapped(bubblewrap, folder)?);
        }
    }
    for (name, milliseconds) in series {
        println!("{}", json!({ "name": name, "ms": milliseconds }));
    }
    Ok(())
}

/// A container that stays, to run programs in.
struct Container<'image> {
    image: &'image str,
    name: String,
}

impl<'image> Container<'image> {
    fn start(image: &'image str) -> Fallible<Self> {
        let name = format!("atelier-bench-{}", std::process::id());
        docker(&["run", "--detach", "--rm", "--network=none", "--name", &name, image, "/nothing", "stay"])?;
        Ok(Self { image, name })
    }

    fn run(&self) -> Fallible<Duration> {
        docker(&["run", "--rm", "--network=none", self.image, "/nothing"])
    }

    fn exec(&self) -> Fallible<Duration> {
        docker(&["exec", &self.name, "/nothing"])
    }
}

impl Drop for Container<'_> {
    fn drop(&mut self) {
        let _ = docker(&["kill", &self.name]);
    }
}

fn docker(arguments: &[&str]) -> Fallible<Duration> {
    let started = Instant::now();
    let status =
        Program::new("docker").args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).status()?;
    let took = started.elapsed();
    status.success().then_some(took).ok_or_else(|| "docker failed".into())
}

fn note<'name>(series: &mut Vec<(&'name str, Vec<f64>)>, name: &'name str, took: Duration) {
    let milliseconds = took.as_secs_f64() * 1e3;
    match series.iter_mut().find(|(known, _)| *known == name) {
        Some((_, taken)) => taken.push(milliseconds),
        None => series.push((name, vec![milliseconds])),
    }
}

async fn open(jail: &Jail, folder: &Path, number: usize) -> Fallible<Arc<dyn Session>> {
    let workspace = folder.join(format!("workspace-{number}"));
    std::fs::create_dir_all(&workspace)?;
    Ok(jail.open(SessionRequest { workspace, ..SessionRequest::default() }).await?)
}

fn command() -> Command {
    Command { argv: vec!["true".into()], output_bytes: 1024, ..Command::default() }
}

async fn live_program(session: &dyn Session) -> Fallible<Duration> {
    let started = Instant::now();
    let execution = session.execute(command(), None).await?;
    let took = started.elapsed();
    (execution.outcome == Outcome::Exited(0)).then_some(took).ok_or_else(|| "a program failed".into())
}

async fn first_program(jail: &Jail, folder: &Path) -> Fallible<Duration> {
    let started = Instant::now();
    let session = open(jail, folder, 1).await?;
    live_program(session.as_ref()).await?;
    let took = started.elapsed();
    session.close().await;
    Ok(took)
}

async fn alone(jail: &Jail, folder: &Path, argv: &[&str]) -> Fallible<Duration> {
    let workspace = folder.join("workspace-0");
    let argv = argv.iter().map(|argument| (*argument).to_owned()).collect();
    let request = Request { workspace, argv, limits: Limits::default(), ..Request::default() };
    let started = Instant::now();
    let execution = jail.execute(request, None).await?;
    let took = started.elapsed();
    (execution.outcome == Outcome::Exited(0)).then_some(took).ok_or_else(|| "a program failed".into())
}

fn warm(jail: &Arc<Jail>, folder: &Path) -> WarmSnippets {
    let toolchain = Arc::new(jail.toolchain().clone());
    let sandbox: Arc<dyn Sandbox> = Arc::clone(jail) as _;
    WarmSnippets::new(sandbox, toolchain, folder.to_owned(), Limits::default())
}

async fn snippet(snippets: &WarmSnippets) -> Fallible<Duration> {
    let (language, wall) = (Language::Python, Duration::from_secs(10));
    let snippet = Snippet { language, code: "print(1)".into(), stdin: Vec::new(), wall };
    let started = Instant::now();
    let execution = snippets.run(snippet, None).await?;
    let took = started.elapsed();
    (execution.stdout == b"1\n").then_some(took).ok_or_else(|| "a snippet failed".into())
}

/// From before the first to after the last of so many sessions has run a program.
async fn many(jail: &Arc<Jail>, folder: &Path) -> Fallible<Duration> {
    let started = Instant::now();
    let opening: Vec<_> = (0..AT_ONCE)
        .map(|number| {
            let (jail, folder) = (Arc::clone(jail), folder.to_owned());
            tokio::spawn(async move {
                let session = open(&jail, &folder, number + 2).await.map_err(|error| error.to_string())?;
                live_program(session.as_ref()).await.map_err(|error| error.to_string())?;
                Ok::<_, String>(session)
            })
        })
        .collect();
    let mut sessions = Vec::new();
    for opened in opening {
        sessions.push(opened.await??);
    }
    let took = started.elapsed();
    for session in sessions {
        session.close().await;
    }
    Ok(took)
}

fn wrapped_command(bubblewrap: &Path, folder: &Path, mounts: &[&Path], argv: &[&str]) -> Program {
    let mut command = Program::new(bubblewrap);
    for system in ["/usr", "/bin", "/lib", "/lib64", "/etc/alternatives"] {
        command.args(["--ro-bind-try", system, system]);
    }
    for mount in mounts {
        command.arg("--ro-bind").arg(mount).arg(mount);
    }
    command.arg("--bind").arg(folder.join("workspace-0")).arg("/workspace");
    command.args(["--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "--chdir", "/workspace"]);
    command.args(["--unshare-all", "--die-with-parent", "--new-session", "--clearenv"]);
    command.arg("--").args(argv).stdin(Stdio::null()).stdout(Stdio::null());
    command
}

fn wrapped(bubblewrap: &Path, folder: &Path, mounts: &[&Path], argv: &[&str]) -> Fallible<Duration> {
    let started = Instant::now();
    let status = wrapped_command(bubblewrap, folder, mounts, argv).status()?;
    let took = started.elapsed();
    status.success().then_some(took).ok_or_else(|| "bubblewrap failed".into())
}

fn many_wrapped(bubblewrap: &Path, folder: &Path) -> Fallible<Duration> {
    let started = Instant::now();
    let children: Vec<_> = (0..AT_ONCE)
        .map(|_| wrapped_command(bubblewrap, folder, &[], &["true"]).spawn())
        .collect::<Result<_, _>>()?;
    for mut child in children {
        child.wait()?;
    }
    Ok(started.elapsed())
}
