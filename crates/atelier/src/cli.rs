//! The command line: what can be typed, and what then happens.
//!
//! Invariants: [`Exit::code`] and [`exit_code`] are the only places where an end gets its exit code.
//! With `--json` standard output holds JSON and nothing else; what is meant for people then goes to
//! standard error.
//!
//! Start reading at [`Command`]; each one is a file below.

mod connect;
mod doctor;
mod eval;
mod exec;
mod goal;
mod infer;
mod mcp;
mod memory;
mod models;
mod open;
mod plan;
mod providers;
mod run;
mod runs;
mod session;
mod studio;
pub mod terminal;
mod token;
mod usage;
mod watch;

use std::net::SocketAddr;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use kernel::Kind;
use serde_json::json;

use crate::client::{Problem, Result};
use session::Place;
use terminal::{Ink, note, plain, say, say_json};

/// The hidden word that makes this program the launcher of a jail.
const JAIL: &str = "__jail";
/// The hidden word that makes this program a reader of documents.
const READER: &str = "__read";

#[derive(Parser)]
#[command(
    name = "atelier",
    version,
    about = "A goal in, the work done: planned, carried out in a sandbox, watched live.",
    subcommand_required = true,
    arg_required_else_help = true,
    disable_help_subcommand = true,
    after_help = "Examples:
  atelier serve                              serve the workspace at http://127.0.0.1:8080
  atelier run examples/quarterly-report.md   carry out a runbook and watch it
  atelier run \"add up sales.csv by region\" --file sales.csv
  atelier runs list --status waiting_approval
  atelier studio new --template vite-react   begin a project; `atelier studio chat` talks about it
  atelier doctor                             look whether everything it needs is here

Exit codes: 0 done, 1 defect, 2 not valid, 3 not allowed, 4 not found, 5 conflict, 6 limit,
7 unavailable, 8 cancelled, 10 the run failed, 11 the run waits for approval."
)]
struct Cli {
    #[command(flatten)]
    place: Place,
    /// Print JSON for programs
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve a workspace until told to stop
    Serve(Serve),
    /// Print a fresh link that opens the UI
    Open(open::Open),
    /// Issue, list and revoke tokens for programs
    Token(token::Token),
    /// Submit a goal and watch it being carried out
    Run(run::Run),
    /// List, watch, answer and change runs
    Runs(runs::Runs),
    /// Show how a goal would be reached, without doing it
    Plan(plan::Plan),
    /// Run code in the sandbox
    Exec(exec::Exec),
    /// Build software together with the agent: sessions, their conversation, their files
    Studio(studio::Studio),
    /// Find out how well the Studio's agent does tasks whose results a program can judge
    Eval(eval::Eval),
    /// Set up, test and change model providers
    Providers(providers::Providers),
    /// Connect servers of tools that agents may use, and say what each tool may do
    Connect(connect::Connect),
    /// Ask a model one question
    Infer(infer::Infer),
    /// Search what is remembered
    Memory(memory::Memory),
    /// Be a server of the Model Context Protocol over standard input and output
    Mcp(mcp::Mcp),
    /// Show what models were asked and what it cost
    Usage(usage::Usage),
    /// List, set and remove limits on what models may be asked
    Limits(usage::Limits),
    /// List models, and fetch those that run in this process
    Models(models::Models),
    /// Look whether everything Atelier needs is here
    Doctor,
    /// Print the version
    Version,
    /// Print the description of the HTTP API
    #[command(hide = true)]
    Openapi,
}

#[derive(Args)]
#[command(after_help = "Examples:
  atelier serve --data ~/work --listen 127.0.0.1:8090
  ATELIER_DATA=~/work atelier serve")]
struct Serve {
    /// Where to listen; port 0 means any that is free
    #[arg(long, env = "ATELIER_LISTEN", value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,
}

/// How a command that did what it should ends the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// All is well.
    Done,
    /// The run that was watched failed.
    RunFailed,
    /// The run that was watched waits for an answer that could not be given here.
    WaitingApproval,
    /// The run that was watched was cancelled.
    RunCancelled,
    /// Something that is needed is missing.
    Unfit,
    /// The exit code of the code that was run.
    Code(u8),
}

impl Exit {
    fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::RunFailed => 10,
            Self::WaitingApproval => 11,
            Self::RunCancelled => exit_code(Kind::Cancelled),
            Self::Unfit => exit_code(Kind::Unavailable),
            Self::Code(code) => code,
        }
    }
}

/// The exit code of a failure.
fn exit_code(kind: Kind) -> u8 {
    match kind {
        Kind::Internal => 1,
        Kind::Invalid => 2,
        Kind::Unauthenticated | Kind::Forbidden => 3,
        Kind::NotFound => 4,
        Kind::Conflict => 5,
        Kind::Limit => 6,
        Kind::Unavailable => 7,
        Kind::Cancelled => 8,
    }
}

/// The kind of failure another `atelier` ended with.
pub fn kind_of_exit_code(code: i32) -> Option<Kind> {
    const KINDS: [Kind; 8] = [
        Kind::Internal,
        Kind::Invalid,
        Kind::Forbidden,
        Kind::NotFound,
        Kind::Conflict,
        Kind::Limit,
        Kind::Unavailable,
        Kind::Cancelled,
    ];
    KINDS.into_iter().find(|kind| i32::from(exit_code(*kind)) == code)
}

/// The program.
pub fn main() -> ExitCode {
    // Before anything else is set up: the launcher inherits nothing it does not need.
    if std::env::args_os().nth(1).is_some_and(|word| word == JAIL) {
        crate::allocator::set_huge_pages(true);
        sandbox::jail::launcher_main()
    }
    if std::env::args_os().nth(1).is_some_and(|word| word == READER) {
        return extract::serve_worker(std::io::stdin(), std::io::stdout());
    }
    let cli = Cli::parse();
    let json = cli.json;
    match dispatch(cli) {
        Ok(exit) => ExitCode::from(exit.code()),
        Err(problem) => {
            tell(&problem, json);
            ExitCode::from(exit_code(problem.kind))
        }
    }
}

fn dispatch(cli: Cli) -> Result<Exit> {
    let Cli { place, json, command } = cli;
    match command {
        Command::Version => Ok(version(json)),
        Command::Openapi => {
            say_json(&http_surface::document(&http_surface::Options::default()));
            Ok(Exit::Done)
        }
        Command::Serve(Serve { listen }) => {
            let folder = place.folder();
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .enable_all()
                .on_thread_park(crate::allocator::give_back)
                .build();
            run_to_end(runtime, async move {
                crate::serve::serve(folder, listen).await?;
                Ok(Exit::Done)
            })
        }
        command => {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            run_to_end(runtime, carry_out(place, json, command))
        }
    }
}

async fn carry_out(place: Place, json: bool, command: Command) -> Result<Exit> {
    match command {
        Command::Open(open) => open::open(&place, open, json).await,
        Command::Token(token) => token::token(&place, token, json).await,
        Command::Run(run) => Box::pin(run::run(&place, run, json)).await,
        Command::Runs(runs) => Box::pin(runs::runs(&place, runs, json)).await,
        Command::Plan(plan) => plan::plan(&place, plan, json).await,
        Command::Exec(exec) => exec::exec(&place, exec, json).await,
        Command::Studio(studio) => Box::pin(studio::studio(&place, studio, json)).await,
        Command::Eval(eval) => Box::pin(eval::eval(&place, eval, json)).await,
        Command::Providers(providers) => providers::providers(&place, providers, json).await,
        Command::Connect(connect) => connect::connect(&place, connect, json).await,
        Command::Infer(infer) => infer::infer(&place, infer, json).await,
        Command::Memory(memory) => memory::memory(&place, memory, json).await,
        Command::Mcp(mcp) => mcp::mcp(&place, mcp).await,
        Command::Usage(usage) => usage::usage(&place, usage, json).await,
        Command::Limits(limits) => usage::limits(&place, limits, json).await,
        Command::Models(models) => Box::pin(models::models(&place, models, json)).await,
        Command::Doctor => Box::pin(doctor::doctor(&place, json)).await,
        Command::Serve(_) | Command::Version | Command::Openapi => unreachable!("needs no client"),
    }
}

fn run_to_end(
    runtime: std::io::Result<tokio::runtime::Runtime>,
    work: impl Future<Output = Result<Exit>>,
) -> Result<Exit> {
    let runtime =
        runtime.map_err(|error| Problem::internal(format!("No threads can be started: {error}")))?;
    let outcome = runtime.block_on(work);
    // Whatever still blocks, a name that is being looked up say, is not waited for.
    runtime.shutdown_background();
    outcome
}

fn version(json: bool) -> Exit {
    let version = env!("CARGO_PKG_VERSION");
    if json {
        say_json(&json!({ "name": "atelier", "version": version }));
    } else {
        say(&format!("atelier {version}"));
    }
    Exit::Done
}

/// Tells a failure: lines for a person on standard error, a document for a program on the other.
fn tell(problem: &Problem, json: bool) {
    if json {
        let Problem { code, message, hint, request_id, .. } = problem;
        say_json(&json!({
            "error": {"code": code, "message": message, "hint": hint, "request_id": request_id},
            "exit_code": exit_code(problem.kind),
        }));
    }
    let ink = Ink::stderr();
    note(&format!("{} {}", ink.red("error:"), plain(&problem.message)));
    for line in problem.hint.as_deref().map(plain).unwrap_or_default().lines() {
        note(&format!("{} {line}", ink.cyan("hint:")));
    }
    if let Some(request_id) = problem.request_id.as_ref().filter(|_| problem.kind == Kind::Internal) {
        note(&format!("{} the server's log has more under {}", ink.cyan("hint:"), plain(request_id)));
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definitions_hold_together() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_shows_examples() {
        fn check(command: &clap::Command, path: &str) {
            for sub in command.get_subcommands() {
                let path = format!("{path} {}", sub.get_name());
                if sub.has_subcommands() {
                    check(sub, &path);
                } else if !sub.is_hide_set() && !path.ends_with("version") && !path.ends_with("doctor") {
                    let help = sub.get_after_help().map(ToString::to_string).unwrap_or_default();
                    assert!(help.contains("Example"), "{path} has no examples");
                }
            }
        }
        check(&Cli::command(), "atelier");
    }

    #[test]
    fn exit_codes_read_back() {
        for code in 1..=8 {
            let kind = kind_of_exit_code(code).unwrap();
            assert_eq!(i32::from(exit_code(kind)), code);
        }
        assert_eq!(kind_of_exit_code(10), None);
    }
}
