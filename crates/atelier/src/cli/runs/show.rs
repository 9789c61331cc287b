//! `atelier runs show`.

use crate::cli::Exit;
use crate::cli::terminal::{Ink, age, one_line, plain, say, say_json};
use crate::cli::watch::{Progress, conclusion, describe_gate, is_over, list_steps};
use crate::client::{Client, Result};

pub async fn show(client: &Client, id: &str, json: bool) -> Result<Exit> {
    let detail = client.run(id).await?;
    if json {
        say_json(&detail.raw);
        return Ok(Exit::Done);
    }
    let ink = Ink::stdout();
    let run = &detail.run;
    let mut text = format!("{}\n", ink.bold(&one_line(&run.title, 160)));
    let ended = run.finished_at.as_deref().map_or_else(String::new, |at| format!(", ended {}", age(at)));
    let facts = format!(
        "{}  {}, submitted {}{ended} by {}",
        run.id,
        run.workflow,
        age(&run.created_at),
        plain(&run.actor)
    );
    text.push_str(&format!("{}\n", ink.dim(&facts)));
    if let Some(from) = &run.forked_from {
        text.push_str(&format!("{}\n", ink.dim(&format!("forked from {from}"))));
    }
    text.push_str(&format!("\n{}", list_steps(&Progress::from_detail(&detail), ink)));
    for gate in &detail.gates {
        match &gate.decision {
            Some(decision) => {
                let said = gate
                    .feedback
                    .as_deref()
                    .map_or_else(String::new, |said| format!(": {}", one_line(said, 200)));
                text.push_str(&format!(
                    "\n{} {}{said}",
                    ink.dim(&one_line(&gate.title, 100)),
                    plain(decision)
                ));
            }
            None if !is_over(run.status) => text.push_str(&format!("\n{}", describe_gate(gate, ink))),
            None => {}
        }
    }
    say(text.trim_end());
    say(conclusion(&detail).trim_end());
    Ok(Exit::Done)
}
