//! Serves a script as a model, for tests that start whole programs.
//!
//! `scripted-model --listen 127.0.0.1:PORT --script FILE` prints its base URL on one line and
//! serves until it is ended. Port 0 takes a free one; without `--script` every request gets the
//! same short answer.

use std::net::SocketAddr;
use std::process::ExitCode;

use testkit::{Reply, Script, ScriptedModel};

#[tokio::main]
async fn main() -> ExitCode {
    match start(std::env::args().skip(1)).await {
        Ok(model) => {
            println!("{}", model.base_url());
            model.serve().await;
            ExitCode::SUCCESS
        }
        Err(message) => {
            eprintln!("scripted-model: {message}");
            eprintln!("usage: scripted-model [--listen 127.0.0.1:PORT] [--script FILE]");
            ExitCode::FAILURE
        }
    }
}

async fn start(mut arguments: impl Iterator<Item = String>) -> Result<ScriptedModel, String> {
    let mut address = SocketAddr::from(([127, 0, 0, 1], 0));
    let mut script = Script::always(Reply::text("This is a scripted answer."));
    while let Some(flag) = arguments.next() {
        let value = arguments.next().ok_or_else(|| format!("`{flag}` needs a value"))?;
        match flag.as_str() {
            "--listen" => address = value.parse().map_err(|error| format!("`{value}`: {error}"))?,
            "--script" => {
                let text = std::fs::read_to_string(&value).map_err(|error| format!("{value}: {error}"))?;
                script = Script::from_json(&text).map_err(|error| format!("{value}: {error}"))?;
            }
            _ => return Err(format!("there is no flag `{flag}`")),
        }
    }
    ScriptedModel::listen(address, script).await.map_err(|error| format!("{address}: {error}"))
}
