//! The project's only entry points: `cargo xtask serve | build | test | check | tidy | gen | bench`.
//!
//! Invariant: people and CI call the same commands, and a command fails if any part of it did. It
//! depends on no other crate of the workspace, so that it compiles in seconds.
//!
//! Start reading at [`dispatch`]; each command is a module of its own.

mod arguments;
mod background;
mod bench;
mod binary;
mod checks;
mod generate;
mod model_files;
mod prerequisites;
mod process;
mod serve;
mod server;
mod suites;
mod tidy;
mod ui;
mod venv;
mod workshop;

use std::process::ExitCode;

use anyhow::{Result, bail};
use arguments::Arguments;
use workshop::Workshop;

const USAGE: &str = "\
cargo xtask <command>

  serve [-- <arguments>]       build the UI and the binary, serve at http://127.0.0.1:8080
  build                        the release binary, UI included
  test [--nightly] [<filter>]  install what the tests need, run them all and sum them up;
                               a suite (rust, docs, web, e2e, api, clients) runs alone, any other
                               filter picks Rust tests by name
  check [<step>…]              format, lints, tidy, licences, sources, docs, web lint
  tidy                         the layering and style rules alone
  gen [--check]                the OpenAPI document and the UI's types from the code
  bench runs [--quick]         durable runs beside LangGraph and DBOS
  bench gateway [--quick]      what a gateway adds to a call, beside LiteLLM
  bench embedding [--quick]    texts a second beside onnxruntime
  bench vectors [<folder>] [--quick]
                               the index of vectors beside others; the folder has real vectors
  bench sandbox [--quick]      starting programs, beside bubblewrap and Docker where they are
  bench startup | fanout       time to listening, memory and size; events to many readers
";

fn main() -> ExitCode {
    match dispatch(std::env::args().skip(1).collect()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(words: Vec<String>) -> Result<()> {
    let mut arguments = Arguments::new(words);
    let Some(command) = arguments.word() else {
        print!("{USAGE}");
        return Ok(());
    };
    if matches!(command.as_str(), "help" | "-h" | "--help") {
        print!("{USAGE}");
        return Ok(());
    }
    let workshop = Workshop::find()?;
    match command.as_str() {
        "serve" => serve::serve(&workshop, arguments.rest()),
        "build" => arguments.finish().and_then(|()| binary::build_command(&workshop)),
        "test" => suites::test(&workshop, arguments),
        "check" => checks::check(&workshop, arguments),
        "tidy" => arguments.finish().and_then(|()| tidy::run(&workshop)),
        "gen" => {
            let check = arguments.flag("--check");
            arguments.finish()?;
            generate::generate(&workshop, check)
        }
        "bench" => bench::bench(&workshop, arguments),
        other => bail!("there is no command `{other}`\n\n{USAGE}"),
    }
}
