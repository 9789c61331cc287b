//! Carries the table out and looks at the host before and after.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use sandbox::{Command, Error, Execution, Jail, Outcome, Request, Sandbox, Session, SessionRequest};
use tempfile::TempDir;
use tokio::sync::Semaphore;

use crate::{
    case::{Attempt, Case, CaseLimits, OUTPUT_BYTES, POSTLUDE, PRELUDE, Places, Verdict},
    files,
    host::{self, Host},
    information, kernel, network, processes, resources,
    world::{ALONE, SECRET, World, options, processes_with},
};

/// Cases that are tried at one time.
const SIDE_BY_SIDE: usize = 4;
/// What may lie in a workspace after its limit was passed: what can be written between two looks.
const OVERSHOOT_BYTES: u64 = 256 << 20;

const PAGE: &str = "docs/sandbox-abuse.md";

pub fn groups() -> [(&'static str, Vec<Case>); 6] {
    [
        ("Files", files::cases()),
        ("Processes", processes::cases()),
        ("The kernel", kernel::cases()),
        ("Resources", resources::cases()),
        ("The network", network::cases()),
        ("Information", information::cases()),
    ]
}

/// One case at one place.
struct Tried {
    name: &'static str,
    place: &'static str,
    verdict: Verdict,
    took: Duration,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_abuse_is_contained_and_the_host_is_as_it_was() {
    let _alone = ALONE.lock().await;
    // What gets away from its parents is left to this process, which finds it at the end.
    nix::sys::prctl::set_child_subreaper(true).expect("set");
    let started = Instant::now();
    let mut world = World::new();
    let (planted, watched) = (world.root.path().join("host"), Jail::new(options()));
    let before = Host::look(&watched, &planted);
    println!("before: {}", host::machine(&planted));
    let resident = host::resident_kib();
    let world_in_use = Arc::new(world);
    let tried = try_all(&world_in_use).await;
    world = Arc::into_inner(world_in_use).expect("nobody else has it any more");
    let mut wrong = judge(&tried);
    wrong.extend(world.visitors().into_iter().map(|visitor| format!("a visitor from inside: {visitor}")));
    if world.bystander.try_wait().expect("asked").is_some() {
        wrong.push("the bystander was ended".into());
    }
    wrong.extend(differences(&before, &watched, &planted).await);
    println!("after:  {}", host::machine(&planted));
    let now = host::resident_kib();
    if host::has_grown(resident, now) {
        wrong.push(format!("this process holds {now} KiB instead of {resident}"));
    }
    println!("{} tries in {:?}, {resident} KiB before and {now} after", tried.len(), started.elapsed());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The kernel may need a moment for what was just ended.
async fn differences(before: &Host, jail: &Jail, planted: &std::path::Path) -> Vec<String> {
    let deadline = Instant::now() + Duration::from_secs(5);
    loop {
        let found = before.differences(&Host::look(jail, planted));
        if found.is_empty() || Instant::now() > deadline {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn judge(tried: &[Tried]) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut skipped = 0;
    for Tried { name, place, verdict, took } in tried {
        match verdict {
            Verdict::Contained => {}
            Verdict::Skipped(reason) => {
                skipped += 1;
                println!("skipped: {name} ({place}): {reason}");
            }
            Verdict::Escaped(what) => wrong.push(format!("{name} ({place}, {took:?}): {what}")),
        }
    }
    println!("{} contained, {skipped} skipped, {} not", tried.len() - skipped - wrong.len(), wrong.len());
    let mut slowest: Vec<&Tried> = tried.iter().collect();
    slowest.sort_by_key(|tried| std::cmp::Reverse(tried.took));
    for Tried { name, place, took, .. } in slowest.iter().take(5) {
        println!("{took:?}: {name} ({place})");
    }
    if skipped * 4 > tried.len() {
        wrong.push(format!("{skipped} of {} were skipped", tried.len()));
    }
    wrong
}

async fn try_all(world: &Arc<World>) -> Vec<Tried> {
    let shared = Arc::new(Place::open(world, &world.jail, &shared_limits(), |_| {}).await);
    let slots = Arc::new(Semaphore::new(SIDE_BY_SIDE));
    // Picks cases by a part of their name, for whoever works on one.
    let picked = std::env::var("ATELIER_ABUSE").unwrap_or_default();
    let mut tasks = Vec::new();
    let cases = groups().into_iter().flat_map(|(_, cases)| cases).filter(|case| case.name.contains(&picked));
    for case in cases {
        let case = Arc::new(case);
        for place in places(case.places) {
            let (world, shared, slots, case) = (world.clone(), shared.clone(), slots.clone(), case.clone());
            tasks.push(tokio::spawn(async move {
                let _slot = slots.acquire().await.expect("never closed");
                let started = Instant::now();
                let verdict = attempt(&world, &shared, &case, place).await;
                Tried { name: case.name, place: place.name(), verdict, took: started.elapsed() }
            }));
        }
    }
    let mut tried = Vec::new();
    for task in tasks {
        tried.push(task.await.expect("a case does not panic"));
    }
    Arc::into_inner(shared).expect("all cases are over").session.close().await;
    tried
}

fn shared_limits() -> CaseLimits {
    CaseLimits { memory_mb: 1024, processes: 256, disk_mb: 256, inodes: 5000, ..CaseLimits::default() }
}

/// A place where a case is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    Run,
    Shared,
    Session,
    BareRun,
    BareSession,
}

impl At {
    fn name(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::Shared => "session",
            Self::Session => "its own session",
            Self::BareRun => "run without cgroups",
            Self::BareSession => "session without cgroups",
        }
    }
}

fn places(places: Places) -> Vec<At> {
    match places {
        Places::Both => vec![At::Run, At::Shared],
        Places::BothAlone => vec![At::Run, At::Session],
        Places::Run => vec![At::Run],
        Places::Session => vec![At::Shared],
        Places::SessionAlone => vec![At::Session],
        Places::BothBare => vec![At::BareRun, At::BareSession],
    }
}

async fn attempt(world: &Arc<World>, shared: &Place, case: &Case, at: At) -> Verdict {
    if case.needs_cgroup && !world.has_cgroup {
        return Verdict::Skipped("there is no memory cgroup".into());
    }
    let program = match case.attempt {
        Attempt::Steps(steps) => return steps(world.clone()).await,
        Attempt::Python(program) => program,
    };
    let mark = world.mark();
    let jail = if matches!(at, At::BareRun | At::BareSession) { &world.bare } else { &world.jail };
    let result = match at {
        At::Run | At::BareRun => {
            let folder = world.workspace();
            let result = jail.execute(request(world, case, program, &mark, &folder), None).await;
            bounded(&folder, case).map(|()| result)
        }
        At::Shared => Ok(shared.session.execute(command(world, case, program, &mark), None).await),
        At::Session | At::BareSession => {
            let place = Place::open(world, jail, &case.limits, |_| {}).await;
            let result = place.session.execute(command(world, case, program, &mark), None).await;
            place.session.close().await;
            bounded(&place.folder, case).map(|()| result)
        }
    };
    match result.and_then(|result| verdict(world, case, result)) {
        Err(what) => Verdict::Escaped(what),
        Ok(Verdict::Contained) if !is_gone(&mark).await => {
            Verdict::Escaped("something it started is still there".into())
        }
        Ok(verdict) => verdict,
    }
}

fn verdict(world: &World, case: &Case, result: Result<Execution, Error>) -> Result<Verdict, String> {
    let result = result.map_err(|error| format!("{error}: {error:?}"))?;
    let (stdout, stderr) = (text(&result.stdout), text(&result.stderr[..result.stderr.len().min(2000)]));
    if stdout.contains(SECRET) || stderr.contains(SECRET) {
        return Err("it has the secret".into());
    }
    if let Some(reason) = stdout.trim().strip_prefix("skipped: ") {
        return Ok(Verdict::Skipped(reason.to_owned()));
    }
    let has_said = result.outcome != Outcome::Exited(0) || stdout == "contained\n";
    if !case.outcomes.contains(&result.outcome) || !has_said {
        return Err(format!("{:?}: {stdout} {stderr}", result.outcome));
    }
    if let Some(look) = case.outside {
        look(world, &result)?;
    }
    Ok(Verdict::Contained)
}

pub async fn is_gone(mark: &str) -> bool {
    let deadline = Instant::now() + Duration::from_secs(5);
    while !processes_with(mark).is_empty() {
        if Instant::now() > deadline {
            return false;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    true
}

/// The workspace holds no more than its limit and what can be written between two looks.
fn bounded(folder: &TempDir, case: &Case) -> Result<(), String> {
    let mut bytes = 0;
    let mut pending: Vec<PathBuf> = vec![folder.path().to_owned()];
    while let Some(folder) = pending.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let Ok(metadata) = entry.path().symlink_metadata() else { continue };
            bytes += std::os::unix::fs::MetadataExt::blocks(&metadata) * 512;
            // One that is deeper has no path.
            if metadata.is_dir() && entry.path().as_os_str().len() < 2000 {
                pending.push(entry.path());
            }
        }
    }
    let limit = (case.limits.disk_mb << 20) + OVERSHOOT_BYTES;
    if bytes > limit { Err(format!("{bytes} bytes are in its workspace")) } else { Ok(()) }
}

/// A session in a folder of its own.
pub struct Place {
    pub folder: TempDir,
    pub session: Arc<dyn Session>,
}

impl Place {
    pub async fn open(
        world: &World,
        jail: &Jail,
        limits: &CaseLimits,
        change: impl FnOnce(&mut SessionRequest),
    ) -> Self {
        let folder = world.workspace();
        let mut request = SessionRequest {
            workspace: folder.path().to_owned(),
            limits: limits.of_session(),
            ..SessionRequest::default()
        };
        change(&mut request);
        let session = jail.open(request).await.expect("a session");
        Self { folder, session }
    }

    /// Runs a program to its end.
    pub async fn python(&self, world: &World, program: &str) -> Execution {
        let command = python(world, program, &[], &CaseLimits::default());
        self.session.execute(command, None).await.expect("the session runs it")
    }
}

/// What a program of several steps says when all is well.
pub fn said(result: &Execution) -> Verdict {
    match text(&result.stdout).as_str() {
        "contained\n" => Verdict::Contained,
        said => Verdict::Escaped(format!("{:?}: {said} {}", result.outcome, text(&result.stderr))),
    }
}

fn command(world: &World, case: &Case, program: &str, mark: &str) -> Command {
    python(world, program, &[("MARK", mark)], &case.limits)
}

pub fn python(world: &World, program: &str, more: &[(&str, &str)], limits: &CaseLimits) -> Command {
    Command {
        argv: argv(world, program),
        environment: environment(world, more),
        wall: Some(Duration::from_millis(limits.wall_ms)),
        cpu: limits.cpu_ms.map(Duration::from_millis),
        output_bytes: OUTPUT_BYTES,
        ..Command::default()
    }
}

fn request(world: &World, case: &Case, program: &str, mark: &str, folder: &TempDir) -> Request {
    Request {
        workspace: folder.path().to_owned(),
        argv: argv(world, program),
        environment: environment(world, &[("MARK", mark)]),
        limits: case.limits.of_run(),
        ..Request::default()
    }
}

fn environment(world: &World, more: &[(&str, &str)]) -> BTreeMap<String, String> {
    let more = more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    world.variables.clone().into_iter().chain(more).collect()
}

/// Python without what a site or a user has added to it, which takes longer to start.
fn argv(world: &World, program: &str) -> Vec<String> {
    let numbers: String =
        kernel::NUMBERS.iter().map(|(name, number)| format!("SYS_{name} = {number}\n")).collect();
    let code = format!("{PRELUDE}{numbers}{program}{POSTLUDE}");
    [world.python.as_str(), "-I", "-S", "-c", &code].map(str::to_owned).into()
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn the_page_lists_every_case() {
    let groups = groups();
    let names: Vec<&str> = groups.iter().flat_map(|(_, cases)| cases.iter().map(|case| case.name)).collect();
    assert!(names.len() >= 65, "{}", names.len());
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len(), "two cases have one name");
    let mut page = format!("{PAGE_HEAD}\n{} cases.\n", names.len());
    for (title, cases) in &groups {
        page += &format!("\n## {title}\n\n| tried | contained by |\n|---|---|\n");
        for case in cases {
            assert!(!case.mechanism.is_empty());
            page += &format!("| {} | {} |\n", case.name, case.mechanism);
        }
    }
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").join(PAGE);
    if std::env::var("INSTA_UPDATE").is_ok_and(|update| update == "always") {
        std::fs::write(&path, &page).expect("written");
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(written == page, "{PAGE} is another; with INSTA_UPDATE=always this test writes it");
}

const PAGE_HEAD: &str = "\
# What was tried to get out of a jail

Each line is a case of `crates/sandbox/tests/abuse`: what a program tries, and the first thing that \
contains it. Where two are named, the first holds in a run and the second in a session, or either \
would do. The test fails when this page and the cases differ.
";
