//! The jail judged by somebody else: Cepheus (`cepheus-engine` on PyPI), which lists the ways out of
//! containers, looks from inside which of them are possible, and tries those it can.
//!
//! Its enumerator and its checks run inside, its engine beside the test. Open is what it confirms,
//! or takes for possible without a check of its own.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Command as Program, Stdio},
    time::{Duration, Instant},
};

use sandbox::{
    Command, Execution, Sandbox,
    egress::{Egress, Limits, Listeners, Options, Policy, SystemResolver, Uplink},
};
use serde::Deserialize;

use crate::{
    case::CaseLimits,
    suite::{Place, text},
    world::{ALONE, World},
};

/// What it takes for possible and cannot check: mistakes of runc, which no jail is made by, and of
/// which it would have to know the version.
const OF_RUNC: [&str; 3] = ["cve_2025_31133", "cve_2025_52565", "cve_2025_52881"];
/// How many ways out the pinned version knows.
const TECHNIQUES: usize = 75;
const REQUIREMENTS: &str = include_str!("cepheus.txt");

#[derive(Deserialize)]
struct Techniques {
    all: usize,
    /// Those it takes for possible, with the command that confirms each, where it has one.
    commands: BTreeMap<String, Option<String>>,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cepheus_finds_no_way_out() {
    let started = Instant::now();
    let engine = tokio::task::spawn_blocking(Engine::ensure).await.expect("joins");
    println!("installed after {:?}", started.elapsed());
    let _alone = ALONE.lock().await;
    let world = World::new();
    assert_that_it_sees(&engine, world.root.path());
    let (run, alone, connected) = tokio::join!(
        judge(&world, &engine, Kind::Run),
        judge(&world, &engine, Kind::Session),
        judge(&world, &engine, Kind::Connected),
    );
    println!("{:?}", started.elapsed());
    for (kind, open) in [("run", run), ("session", alone), ("session with a way out", connected)] {
        assert_eq!(open, Vec::<String>::new(), "open in a {kind}");
    }
}

/// In which kind of jail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Run,
    Session,
    /// With a way out through which nothing is allowed.
    Connected,
}

/// A jail to run its commands in.
enum Jailed<'world> {
    Run(&'world World),
    Session(Place, Option<Egress>),
}

impl Jailed<'_> {
    async fn open(world: &World, kind: Kind) -> Jailed<'_> {
        if kind == Kind::Run {
            return Jailed::Run(world);
        }
        let limits = CaseLimits::default();
        let is_connected = kind == Kind::Connected;
        let place = Place::open(world, &world.jail, &limits, |request| request.network = is_connected).await;
        let egress = place.session.take_ways_out().map(|ways| {
            let listeners =
                Listeners { proxy: ways.proxy, http: ways.http, https: ways.https, dns: ways.dns };
            let options = Options {
                uplink: Uplink::new(std::sync::Arc::new(SystemResolver)),
                limits: Limits::default(),
                clock: std::sync::Arc::new(kernel::FixedClock::at(kernel::Timestamp(7))),
                on_connection: std::sync::Arc::new(|_| {}),
            };
            Egress::start(listeners, Policy::default(), options).expect("a way out")
        });
        Jailed::Session(place, egress)
    }

    async fn shell(&self, script: &str, wall: Duration) -> Execution {
        let argv = ["sh", "-c", script].map(str::to_owned).to_vec();
        match self {
            Self::Run(world) => {
                let folder = world.workspace();
                let limits = sandbox::Limits { wall, ..CaseLimits::default().of_run() };
                let workspace = folder.path().to_owned();
                let request = sandbox::Request { workspace, argv, limits, ..sandbox::Request::default() };
                world.jail.execute(request, None).await.expect("the jail runs it")
            }
            Self::Session(place, _) => {
                let command = Command { argv, wall: Some(wall), output_bytes: 1 << 20, ..Command::default() };
                place.session.execute(command, None).await.expect("the session runs it")
            }
        }
    }

    async fn close(self) {
        if let Self::Session(place, egress) = self {
            place.session.close().await;
            if let Some(egress) = egress {
                egress.stop().await;
            }
        }
    }
}

/// Without a jail much more is possible by the look of it, or the look is worth nothing.
fn assert_that_it_sees(engine: &Engine, folder: &Path) {
    let posture = folder.join("host.json");
    fs::write(&posture, succeed(Program::new("sh").args(["-c", &engine.enumerator]))).expect("written");
    let techniques: Techniques = engine.ask("techniques", &[&posture]);
    assert!(techniques.commands.len() > 2 * OF_RUNC.len(), "{:?}", techniques.commands.keys());
}

/// The ways out that Cepheus confirms, and those it leaves open but for runc's.
async fn judge(world: &World, engine: &Engine, kind: Kind) -> Vec<String> {
    let jailed = Jailed::open(world, kind).await;
    let enumerated = jailed.shell(&engine.enumerator, Duration::from_secs(120)).await;
    let said = text(&enumerated.stdout);
    assert!(said.trim_start().starts_with('{'), "{kind:?}: {said} {}", text(&enumerated.stderr));
    let folder = tempfile::tempdir().expect("a folder");
    let posture = folder.path().join("posture.json");
    fs::write(&posture, &said).expect("written");
    let techniques: Techniques = engine.ask("techniques", &[&posture]);
    assert_eq!(techniques.all, TECHNIQUES);
    let mut codes = BTreeMap::new();
    for (name, command) in &techniques.commands {
        let Some(command) = command else { continue };
        let result = jailed.shell(command, Duration::from_secs(10)).await;
        let code = match result.outcome {
            sandbox::Outcome::Exited(code) => code,
            other => panic!("{name} in a {kind:?} ended with {other:?}"),
        };
        codes.insert(name, code);
    }
    jailed.close().await;
    let confirmed = folder.path().join("codes.json");
    fs::write(&confirmed, serde_json::to_string(&codes).expect("plain data")).expect("written");
    let mut found: BTreeMap<String, Vec<String>> = engine.ask("verdict", &[&posture, &confirmed]);
    println!("{kind:?}: {} of {TECHNIQUES} possible by the look of it; {found:?}", techniques.commands.len());
    let open = found.remove("confirmed").unwrap_or_default();
    let unclear = found.into_values().flatten().filter(|name| !OF_RUNC.contains(&name.as_str()));
    open.into_iter().chain(unclear).collect()
}

/// Cepheus, installed below the target folder once for each pinned version.
struct Engine {
    python: PathBuf,
    /// The shell script that looks around inside.
    enumerator: String,
    script: PathBuf,
}

impl Engine {
    fn ensure() -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cepheus");
        let (python, marker) = (folder.join("venv/bin/python"), folder.join("installed.txt"));
        if !fs::read_to_string(&marker).is_ok_and(|installed| installed == REQUIREMENTS) {
            fs::create_dir_all(&folder).expect("a folder");
            succeed(Program::new("python3").args(["-m", "venv", "--clear"]).arg(folder.join("venv")));
            let requirements = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/abuse/cepheus.txt");
            let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"];
            succeed(Program::new(&python).args(pip).arg(requirements));
            fs::write(&marker, REQUIREMENTS).expect("written");
        }
        let place = "import cepheus.enumerator as e; print(e.__path__[0])";
        let found = succeed(Program::new(&python).args(["-c", place]));
        let enumerator = Path::new(found.trim()).join("cepheus-enum.sh");
        Self {
            python,
            enumerator: fs::read_to_string(enumerator).expect("the enumerator"),
            script: Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/abuse/cepheus_verdict.py"),
        }
    }

    fn ask<T: serde::de::DeserializeOwned>(&self, what: &str, files: &[&Path]) -> T {
        let answer = succeed(Program::new(&self.python).arg(&self.script).arg(what).args(files));
        serde_json::from_str(&answer).expect("what the script says")
    }
}

/// Runs a program that must succeed, for what it prints.
fn succeed(program: &mut Program) -> String {
    let output = program.stdin(Stdio::null()).output().expect("Python 3 with its venv module");
    let complaint = text(&output.stderr);
    assert!(output.status.success(), "the package index must be reachable once: {program:?}: {complaint}");
    text(&output.stdout)
}
