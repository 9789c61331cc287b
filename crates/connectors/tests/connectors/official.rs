//! Servers that other people wrote: the protocol's own of everything, over both transports, and one on
//! its Python SDK.

use std::process::Stdio;

use connectors::{Program, RunningProgram, Starting};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use super::*;

/// Starts programs as they are: these tests are about what is said, and the jail has its own.
struct Bare;

#[async_trait::async_trait]
impl Programs for Bare {
    async fn start(&self, starting: Starting<'_>) -> kernel::Result<RunningProgram> {
        let mut child = Command::new(&starting.program.command)
            .args(&starting.program.args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .map_err(kernel::Error::internal)?;
        Ok(RunningProgram {
            input: Box::new(child.stdin.take().unwrap()),
            output: Box::new(child.stdout.take().unwrap()),
            complaints: Box::new(String::new),
            hold: Box::new(child),
        })
    }

    async fn forget(&self, _: &str) -> kernel::Result<()> {
        Ok(())
    }
}

fn everything(transport: &str) -> (String, Vec<String>) {
    let modules = packages::node();
    let script = modules.join("@modelcontextprotocol/server-everything/dist/index.js");
    let node = packages::node_program(&modules);
    (node.display().to_string(), vec![script.display().to_string(), transport.to_owned()])
}

async fn started(command: &str, args: Vec<String>) -> Bench {
    let bench = Bench::with(Arc::new(Bare), Duration::from_secs(30));
    let program = Program { command: command.to_owned(), args, ..Program::default() };
    let new = NewServer {
        name: "it".into(),
        transport: Transport::Stdio(program),
        token: None,
        secrets: BTreeMap::new(),
        enabled: true,
    };
    bench.connectors.create(new).await.unwrap();
    let report = bench.connectors.test("it").await.unwrap();
    assert!(report.problem.is_none(), "{report:?}");
    bench
}

async fn check_everything(bench: &Bench) {
    let tools = bench.connectors.find("it").await.unwrap().tools;
    assert!(tools.len() >= 8, "{:?}", tools.iter().map(|tool| &tool.name).collect::<Vec<_>>());
    let echoed = bench.call("echo", json!({"message": "hello"})).await.unwrap();
    assert!(echoed.text.contains("hello") && !echoed.is_error, "{echoed:?}");
    let sum = bench.call("get-sum", json!({"a": 2, "b": 3})).await.unwrap();
    assert!(sum.text.contains('5'), "{sum:?}");
    let image = bench.call("get-tiny-image", json!({})).await.unwrap();
    assert!(image.text.contains("[image image/png, about"), "{image:?}");
    let unfit = bench.call("echo", json!({})).await.unwrap_err();
    assert!(matches!(unfit, Error::ArgumentsUnfit { .. }), "{unfit:?}");
    let slow =
        bench.call("trigger-long-running-operation", json!({"duration": 1, "steps": 2})).await.unwrap();
    assert!(slow.text.to_lowercase().contains("completed"), "{slow:?}");
}

#[tokio::test]
async fn the_server_of_everything_over_standard_input_and_output() {
    let (node, args) = everything("stdio");
    check_everything(&started(&node, args).await).await;
}

#[tokio::test]
async fn the_server_of_everything_over_http() {
    let (node, args) = everything("streamableHttp");
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut command = Command::new(node);
    let mut child: Child = command
        .args(args)
        .env("PORT", port.to_string())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut said = BufReader::new(child.stderr.take().unwrap()).lines();
    while let Some(line) = said.next_line().await.unwrap() {
        if line.contains(&port.to_string()) {
            break;
        }
    }
    // What it goes on to say is taken, so that it does not wait for it.
    tokio::spawn(async move { while let Ok(Some(_)) = said.next_line().await {} });
    let bench = Bench::ready(&format!("http://127.0.0.1:{port}/mcp")).await;
    check_everything(&bench).await;
}

#[tokio::test]
async fn a_server_on_the_python_sdk() {
    let script = "
from mcp.server import MCPServer
server = MCPServer('it')

@server.tool()
def add(a: int, b: int) -> int:
    '''Adds two numbers.'''
    return a + b

@server.tool()
def fail() -> str:
    '''Fails.'''
    raise ValueError('on purpose')

server.run(transport='stdio')
";
    let python = packages::python().display().to_string();
    let bench = started(&python, vec!["-c".into(), script.into()]).await;
    let sum = bench.call("add", json!({"a": 2, "b": 40})).await.unwrap();
    assert_eq!((sum.text.as_str(), sum.is_error), ("42", false));
    let failed = bench.call("fail", json!({})).await.unwrap();
    assert!(failed.is_error, "{failed:?}");
}
