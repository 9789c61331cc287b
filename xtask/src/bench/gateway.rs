//! What a gateway adds to a call, beside LiteLLM's proxy: the same mock, the same driver, in turn.
//!
//! Four ways are measured: straight to the mock, through a relay that only copies bytes (the least a
//! process in between can add on the machine), through Atelier, through LiteLLM; whole answers and
//! streams; over 1, 16 and 256 connections as fast as they are answered, and over 16 at a rate
//! that leaves the machine room, which is where the time a gateway adds can be read. The order
//! turns round with each round.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::runs;
use super::table::{median, short, spread, table, verdict};
use crate::background::Background;
use crate::binary::{self, Profile};
use crate::server::Server;
use crate::workshop::Workshop;
use crate::{process, venv};

const CONNECTIONS: [u64; 3] = [1, 16, 256];
/// Calls a second at which the machine still waits, for gateways that manage so many.
const EASY_RATE: u64 = 500;
/// LiteLLM's published and measured figures leave no room for more.
const EASY_RATE_LITELLM: u64 = 10;
/// Events with text in the mock's stream.
const CHUNKS: f64 = 100.0;
/// How long LiteLLM may take to start.
const PEER_START: Duration = Duration::from_secs(180);
const MILLION: u64 = 1_000_000;

/// One of the ways to the mock.
#[derive(Clone)]
struct Way {
    name: &'static str,
    address: String,
    path: &'static str,
    model: &'static str,
    token: String,
    /// The gateway's process; none for the mock itself.
    pid: Option<u32>,
}

/// What the driver saw on one way.
struct Seen {
    way: &'static str,
    is_stream: bool,
    connections: u64,
    /// Whether at a rate that leaves the machine room.
    is_easy: bool,
    rate: f64,
    p50_us: f64,
    p99_us: f64,
    first_p50_us: f64,
    /// What the gateway's process spent on each call.
    cpu_us: f64,
    failures: u64,
}

/// `cargo xtask bench gateway [--quick] [--peers-only]`.
pub fn bench(workshop: &Workshop, quick: bool) -> Result<()> {
    let driver = runs::example(workshop, "http-surface", "bench_gateway")?;
    let binary = binary::compile(workshop, Profile::Release)?;
    let folder = workshop.empty_scratch("bench/gateway")?;
    let (_mock, mock_address) = announced(Command::new(&driver).arg("mock"), &folder.join("mock.log"))?;
    let mut relay = Command::new(&driver);
    relay.args(["relay", "--address", &mock_address]);
    let (relay, relay_address) = announced(&mut relay, &folder.join("relay.log"))?;

    let data = folder.join("data");
    std::fs::create_dir_all(&data)?;
    std::fs::write(data.join("settings.yaml"), settings(&mock_address))?;
    let server = Server::start(&binary, &data, &folder.join("server.log"))?;
    let at_rest = memory_mb(server.pid())?;
    let peer = litellm(workshop, &folder, &mock_address)?;

    let ours = |name, path| Way {
        name,
        address: server.address.to_string(),
        path,
        model: "mock",
        token: server.token.clone(),
        pid: Some(server.pid()),
    };
    let plain = |name, address: &String, pid| Way {
        name,
        address: address.clone(),
        path: "/v1/chat/completions",
        model: "mock",
        token: "none".into(),
        pid,
    };
    let ways = [
        plain("mock", &mock_address, None),
        plain("relay", &relay_address, Some(relay.pid())),
        ours("atelier", "/v1/chat/completions"),
        ours("atelier, translated", "/v1/messages"),
        Way {
            name: "litellm",
            address: peer.address.clone(),
            path: "/v1/chat/completions",
            model: "mock",
            token: "sk-bench".into(),
            pid: Some(peer.process.pid()),
        },
    ];
    let seen = measured(&driver, &ways, quick)?;
    let busy = memory_mb(server.pid())?;
    let peer_memory = memory_mb(peer.process.pid())?;
    drop(peer);
    let lasting =
        if quick { Vec::new() } else { lasting(&driver, &ours("atelier", "/v1/chat/completions"))? };
    report(workshop, &seen, &Memory { at_rest, busy, peer: peer_memory, lasting })
}

/// What the driver sees on all ways, in turn.
fn measured(driver: &Path, ways: &[Way], quick: bool) -> Result<Vec<Seen>> {
    let (rounds, seconds) = if quick { (1, 2) } else { (3, 4) };
    // LiteLLM's first calls take seconds; nobody is measured by them.
    for (way, is_stream) in ways.iter().flat_map(|way| [(way, false), (way, true)]) {
        drive(driver, way, is_stream, 16, None, 2)?;
    }
    let mut seen = Vec::new();
    for round in 0..rounds {
        let mut turn: Vec<&Way> = ways.iter().collect();
        if round % 2 == 1 {
            turn.reverse();
        }
        for is_stream in [false, true] {
            for connections in CONNECTIONS {
                for way in &turn {
                    seen.push(drive(driver, way, is_stream, connections, None, seconds)?);
                }
            }
            for way in &turn {
                let rate = if way.name == "litellm" { EASY_RATE_LITELLM } else { EASY_RATE };
                seen.push(drive(driver, way, is_stream, 16, Some(rate), seconds)?);
            }
        }
    }
    Ok(seen)
}

/// A process that says its address first.
fn announced(command: &mut Command, log: &Path) -> Result<(Background, String)> {
    let mut process = Background::start(command, log)?;
    let line: Value = serde_json::from_str(&process.first_line(Duration::from_secs(10))?)?;
    let address = line["address"].as_str().context("it names no address")?.to_owned();
    Ok((process, address))
}

fn settings(mock: &str) -> String {
    format!(
        "models:\n  policy: cloud-first\n  providers:\n    \
         - {{name: mock, base_url: \"http://{mock}/v1\", model: mock}}\n"
    )
}

struct Peer {
    process: Background,
    address: String,
}

fn litellm(workshop: &Workshop, folder: &Path, mock: &str) -> Result<Peer> {
    let requirements = workshop.root.join("xtask/peers/gateway-requirements.txt");
    let programs = venv::ensure(workshop, "gateway-peers", &requirements)?;
    let config = folder.join("litellm.yaml");
    // As its own guide to benchmarks has it: nothing but the route to one model.
    let text = format!(
        "model_list:\n  - model_name: mock\n    litellm_params:\n      model: openai/mock\n      \
         api_base: http://{mock}/v1\n      api_key: none\ngeneral_settings:\n  master_key: sk-bench\n\
         litellm_settings:\n  telemetry: false\n"
    );
    std::fs::write(&config, text)?;
    let address = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let mut command = Command::new(programs.join("litellm"));
    command.arg("--config").arg(&config).args(["--host", "127.0.0.1", "--num_workers", "1"]);
    command.args(["--port", &address.port().to_string()]);
    // Or it asks the network for the newest list of prices.
    command.env("LITELLM_LOCAL_MODEL_COST_MAP", "True").env("LITELLM_LOG", "ERROR");
    let mut process = Background::start(&mut command, &folder.join("litellm.log"))?;
    process.wait_for_port(address, PEER_START)?;
    Ok(Peer { process, address: address.to_string() })
}

fn drive(
    driver: &Path,
    way: &Way,
    is_stream: bool,
    connections: u64,
    easy: Option<u64>,
    seconds: u64,
) -> Result<Seen> {
    let mut command = asking(driver, way, connections);
    command.args(["--seconds", &seconds.to_string()]);
    if is_stream {
        command.arg("--stream");
    }
    if let Some(rate) = easy {
        command.args(["--rate", &rate.to_string()]);
    }
    let before = way.pid.map(cpu_seconds).transpose()?.unwrap_or(0.0);
    let line = driven(&mut command)?;
    let spent = way.pid.map(cpu_seconds).transpose()?.unwrap_or(0.0) - before;
    let figure = |key: &str| line[key].as_f64().unwrap_or(f64::NAN);
    let answers = figure("answers");
    if answers < 1.0 {
        bail!("{} gave no answer: {}", way.name, line["first_failure"]);
    }
    Ok(Seen {
        way: way.name,
        is_stream,
        connections,
        is_easy: easy.is_some(),
        rate: answers / figure("seconds"),
        p50_us: figure("p50_us"),
        p99_us: figure("p99_us"),
        first_p50_us: figure("first_p50_us"),
        cpu_us: spent * 1e6 / answers,
        failures: line["failures"].as_u64().unwrap_or(0),
    })
}

fn asking(driver: &Path, way: &Way, connections: u64) -> Command {
    let mut command = Command::new(driver);
    command.args(["drive", "--address", &way.address, "--path", way.path, "--model", way.model]);
    command.args(["--token", &way.token, "--connections", &connections.to_string()]);
    command
}

fn driven(command: &mut Command) -> Result<Value> {
    let printed = process::output(command)?;
    serde_json::from_str(printed.trim()).context("the driver printed no line of JSON")
}

/// The memory after each tenth of a million calls.
fn lasting(driver: &Path, way: &Way) -> Result<Vec<f64>> {
    let Some(pid) = way.pid else { return Ok(Vec::new()) };
    let mut memory = Vec::new();
    for _ in 0..10 {
        let mut command = asking(driver, way, 16);
        command.args(["--seconds", "110", "--requests", &(MILLION / 10).to_string()]);
        driven(&mut command)?;
        memory.push(memory_mb(pid)?);
    }
    Ok(memory)
}

/// What a process has resident, in MB.
fn memory_mb(pid: u32) -> Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let kilobytes = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = kilobytes.and_then(|rest| rest.split_whitespace().next()?.parse::<f64>().ok());
    Ok(kilobytes.context("a process without resident memory")? * 1.024 / 1e3)
}

/// What a process and its threads have used of the processor.
fn cpu_seconds(pid: u32) -> Result<f64> {
    const TICKS_A_SECOND: f64 = 100.0;
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // Its name may hold spaces; what follows the last bracket is numbers, user time the 12th.
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |index: usize| fields.get(index).and_then(|field| field.parse::<f64>().ok());
    let (user, system) = ticks(11).zip(ticks(12)).context("a process without times")?;
    Ok((user + system) / TICKS_A_SECOND)
}

struct Memory {
    at_rest: f64,
    busy: f64,
    peer: f64,
    lasting: Vec<f64>,
}

/// The figures of all rounds of one measurement.
struct Series<'a>(Vec<&'a Seen>);

impl Series<'_> {
    fn all(&self, figure: impl Fn(&Seen) -> f64) -> Vec<f64> {
        self.0.iter().map(|seen| figure(seen)).collect()
    }

    fn middle(&self, figure: impl Fn(&Seen) -> f64) -> f64 {
        median(&self.all(figure))
    }
}

fn series<'a>(seen: &'a [Seen], way: &str, is_stream: bool, connections: u64, is_easy: bool) -> Series<'a> {
    let is_one = |one: &&Seen| {
        one.way == way
            && one.is_stream == is_stream
            && one.connections == connections
            && one.is_easy == is_easy
    };
    Series(seen.iter().filter(is_one).collect())
}

const WAYS: [&str; 5] = ["mock", "relay", "atelier", "atelier, translated", "litellm"];

fn report(workshop: &Workshop, seen: &[Seen], memory: &Memory) -> Result<()> {
    let (mut rows, mut lines) = (Vec::new(), Vec::new());
    for is_stream in [false, true] {
        for (connections, is_easy) in [(1, false), (16, true), (16, false), (256, false)] {
            for way in WAYS {
                let these = series(seen, way, is_stream, connections, is_easy);
                let kind = if is_stream { "stream" } else { "whole" };
                let at = if is_easy { format!("{connections}, paced") } else { connections.to_string() };
                let rates = these.all(|one| one.rate);
                let failures: u64 = these.0.iter().map(|one| one.failures).sum();
                rows.push(vec![
                    way.to_owned(),
                    kind.into(),
                    at.clone(),
                    short(median(&rates)),
                    spread(&rates),
                    short(these.middle(|one| one.p50_us)),
                    short(these.middle(|one| one.p99_us)),
                    short(these.middle(|one| one.first_p50_us)),
                    short(these.middle(|one| one.cpu_us)),
                    failures.to_string(),
                ]);
                lines.push(json!({
                    "way": way, "kind": kind, "connections": at, "rate": rates, "failures": failures,
                    "p50_us": these.all(|one| one.p50_us), "p99_us": these.all(|one| one.p99_us),
                    "first_p50_us": these.all(|one| one.first_p50_us), "cpu_us": these.all(|one| one.cpu_us),
                }));
            }
        }
    }
    let head = [
        "way",
        "answer",
        "connections",
        "calls/s",
        "spread",
        "p50 µs",
        "p99 µs",
        "first p50 µs",
        "CPU µs/call",
        "failed",
    ];
    println!("\n{}", table(&head, &rows));
    print!("{}", goals(seen, memory));
    let figures = json!({
        "series": lines, "memory_mb": {"at_rest": memory.at_rest, "after": memory.busy,
            "litellm": memory.peer, "over_a_million": memory.lasting},
    });
    let place = workshop.scratch("bench")?.join("gateway.json");
    std::fs::write(&place, serde_json::to_string_pretty(&figures)? + "\n")?;
    println!("written to {}", place.display());
    Ok(())
}

/// What we hold ourselves to.
fn goals(seen: &[Seen], memory: &Memory) -> String {
    let rate = |way: &str| {
        let rates = CONNECTIONS.map(|at| series(seen, way, false, at, false).middle(|one| one.rate));
        rates.into_iter().fold(0.0, f64::max)
    };
    let added = |way: &str, is_stream: bool, figure: fn(&Seen) -> f64| {
        let mock = series(seen, "mock", is_stream, 16, true).middle(figure);
        series(seen, way, is_stream, 16, true).middle(figure) - mock
    };
    let bar = |name: &str, here: f64, sign: &str, goal: f64, relay: Option<f64>| {
        let is_met = if sign == "≤" { here <= goal } else { here >= goal };
        let relay = relay.map(short).unwrap_or_default();
        vec![name.to_owned(), short(here), format!("{sign} {goal}"), verdict(is_met), relay]
    };
    let at_most = |name, goal, figure: &dyn Fn(&str) -> f64| {
        bar(name, figure("atelier"), "≤", goal, Some(figure("relay")))
    };
    let at_least = |name, here, goal| bar(name, here, "≥", goal, None);
    let p50 = |way: &str| added(way, false, |one| one.p50_us);
    let first = |way: &str| added(way, true, |one| one.first_p50_us);
    let chunk = |way: &str| (added(way, true, |one| one.p50_us) - first(way)) / CHUNKS;
    let mut rows = vec![
        at_least("calls a second", rate("atelier"), 10_000.0),
        at_least("× LiteLLM's calls a second", rate("atelier") / rate("litellm"), 50.0),
        at_most("added p50 µs, passed on", 80.0, &p50),
        at_most("added p99 µs, passed on", 300.0, &|way| added(way, false, |one| one.p99_us)),
        bar("added p50 µs, translated", p50("atelier, translated"), "≤", 120.0, None),
        at_most("added µs to the first words", 80.0, &first),
        at_most("added µs a chunk", 10.0, &chunk),
        at_least("LiteLLM's added p50 ÷ ours", p50("litellm") / p50("atelier"), 150.0),
        at_least("LiteLLM's memory ÷ ours", memory.peer / memory.busy, 12.0),
    ];
    if let (Some(first), Some(last)) = (memory.lasting.get(1), memory.lasting.last()) {
        rows.push(bar("MB grown over a million calls", last - first, "≤", 4.0, None));
    }
    let title = format!("gateway, {} MB at rest, {} MB after", short(memory.at_rest), short(memory.busy));
    table(&[&title, "here", "goal", "", "relay of bytes"], &rows)
}
