//! `atelier infer`: one question to a model, its answer on standard output as it comes.

use std::io::Read;

use clap::Args;
use serde_json::{Value, json};

use super::Exit;
use super::session::{Place, with_client};
use super::terminal::{note, plain, say_json, write_all};
use crate::client::{Client, Problem, Result};

#[derive(Args)]
#[command(after_help = "Examples:
  atelier infer \"Why is the sky blue?\"
  cat report.md | atelier infer --system \"Summarise in three sentences\" -
  atelier infer --local --model llama3.1:8b \"Translate: bom dia\"")]
pub struct Infer {
    /// The question; `-` reads it from standard input
    prompt: String,
    /// A model, a provider or provider/model
    #[arg(long, visible_alias = "provider")]
    model: Option<String>,
    /// Another policy for this question: local-only, local-first, cloud-first, cheapest or fastest
    #[arg(long, value_parser = models::Policy::NAMES)]
    policy: Option<String>,
    /// Do not let the question leave this machine
    #[arg(long)]
    local: bool,
    /// Write the answer as it comes, which is usual
    #[arg(long, overrides_with = "no_stream")]
    stream: bool,
    /// Write the answer when it is whole
    #[arg(long)]
    no_stream: bool,
    /// Instructions that stand before the question
    #[arg(long)]
    system: Option<String>,
}

impl Infer {
    fn body(&self, stream: bool) -> Result<Value> {
        let mut prompt = self.prompt.clone();
        if prompt == "-" {
            prompt.clear();
            std::io::stdin().read_to_string(&mut prompt).map_err(|error| {
                Problem::invalid("input_unreadable", format!("Standard input cannot be read: {error}"))
                    .with_hint("Write text in UTF-8 to it")
            })?;
        }
        if prompt.trim().is_empty() {
            let problem = Problem::invalid("question_empty", "There is no question");
            return Err(
                problem.with_hint("Write it behind `atelier infer`, or into its standard input after `-`")
            );
        }
        let input = match &self.system {
            Some(system) => {
                json!([{"role": "system", "content": system}, {"role": "user", "content": prompt}])
            }
            None => json!(prompt),
        };
        let mut body = json!({"input": input, "stream": stream});
        if let Some(model) = &self.model {
            body["model"] = json!(model);
        }
        if let Some(policy) = &self.policy {
            body["policyOverride"] = json!(policy);
        }
        if self.local {
            body["privacy"] = json!("local");
        }
        Ok(body)
    }
}

pub async fn infer(place: &Place, infer: Infer, json: bool) -> Result<Exit> {
    let streams = !json && !infer.no_stream;
    let body = infer.body(streams)?;
    with_client(place, async |client| {
        let answer = if streams { streamed(client, body).await? } else { client.infer(body).await? };
        if json {
            say_json(&answer);
            return Ok(Exit::Done);
        }
        if !streams {
            write_all(plain(answer["text"].as_str().unwrap_or_default()).as_bytes());
        }
        write_all(b"\n");
        note(&summary(&answer));
        Ok(Exit::Done)
    })
    .await
}

async fn streamed(client: &Client, body: Value) -> Result<Value> {
    let mut events = client.infer_stream(body).await?;
    while let Some((event, data)) = events.next().await? {
        match event.as_str() {
            "token" => write_all(plain(data["text"].as_str().unwrap_or_default()).as_bytes()),
            "done" => return Ok(data),
            "error" => return Err(Problem::of_event(&data)),
            _ => {}
        }
    }
    Err(Problem::unavailable("stream_broken", "The server ended the answer before it was whole"))
}

fn summary(answer: &Value) -> String {
    let text = |value: &Value| plain(value.as_str().unwrap_or_default());
    let usage = &answer["usage"];
    let about = if usage["estimated"] == true { "about " } else { "" };
    let usd = usage["usd"].as_f64().unwrap_or_default();
    format!(
        "{}/{}  {about}{} + {} tokens  ${usd:.6}  {} ms",
        text(&answer["provider"]),
        text(&answer["model"]),
        usage["tokens_in"],
        usage["tokens_out"],
        answer["latency_ms"],
    )
}
