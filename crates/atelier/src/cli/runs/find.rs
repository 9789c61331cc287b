//! Runs by a part of their id.

use kernel::Kind;

use crate::cli::terminal::one_line;
use crate::client::wire::Run;
use crate::client::{Client, Problem, Result, RunsQuery};

const PREFIX: &str = "run_";
const BODY: usize = 20;
/// So many of the newest runs are looked through.
const REACH: usize = 5_000;
/// A part as short as this fits too much by chance.
const SHORTEST: usize = 3;

/// The id of the run that `given` names: a whole id, or a part of one from its beginning or its end
/// that fits no other.
///
/// # Errors
/// When no run fits, or more than one.
pub async fn find(client: &Client, given: &str) -> Result<String> {
    let wanted = given.trim().to_lowercase();
    let body = wanted.strip_prefix(PREFIX).unwrap_or(&wanted);
    let fits = |c: char| c.is_ascii_digit() || c.is_ascii_lowercase();
    if body.is_empty() || !body.chars().all(fits) || body.len() > BODY {
        return Err(Problem::invalid("invalid_run_id", format!("`{given}` is not the id of a run"))
            .with_hint("Ids look like run_01hv5k3m9x7q2w8e4r6t; `atelier runs list` shows them"));
    }
    if body.len() == BODY {
        return Ok(format!("{PREFIX}{body}"));
    }
    if body.len() < SHORTEST {
        return Err(Problem::invalid("invalid_run_id", format!("`{given}` is too short to name a run"))
            .with_hint(format!(
                "Give at least {SHORTEST} characters from the beginning or the end of the id"
            )));
    }
    one_of(given, candidates(client, body).await?)
}

async fn candidates(client: &Client, part: &str) -> Result<Vec<Run>> {
    let mut found = Vec::new();
    let mut seen = 0;
    let mut query = RunsQuery { limit: Some(500), ..RunsQuery::default() };
    loop {
        let page = client.runs(&query).await?;
        seen += page.items.len();
        found.extend(page.items.iter().filter(|run| matches(&run.id, part)).cloned());
        match &page.next_cursor {
            Some(cursor) if seen < REACH => query.cursor = Some(cursor.clone()),
            _ => return Ok(found),
        }
    }
}

fn matches(id: &str, part: &str) -> bool {
    let body = id.strip_prefix(PREFIX).unwrap_or(id);
    body.starts_with(part) || body.ends_with(part)
}

fn one_of(given: &str, mut found: Vec<Run>) -> Result<String> {
    if found.len() > 1 {
        let shown = found.iter().take(5).map(|run| format!("{}  {}", run.id, one_line(&run.title, 60)));
        let mut lines: Vec<_> = shown.collect();
        if found.len() > lines.len() {
            lines.push(format!("… and {} more", found.len() - lines.len()));
        }
        let message = format!("`{given}` fits {} runs", found.len());
        return Err(Problem::new(Kind::Conflict, "run_ambiguous", message).with_hint(lines.join("\n")));
    }
    found.pop().map(|run| run.id).ok_or_else(|| {
        Problem::new(Kind::NotFound, "run_not_found", format!("No run's id begins or ends with `{given}`"))
            .with_hint("`atelier runs list` shows the runs")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_fits_at_either_end_only() {
        let id = "run_01hv5k3m9x7q2w8e4r6t";
        for (part, fits) in [("01hv", true), ("4r6t", true), ("5k3m", false), ("run", false)] {
            assert_eq!(matches(id, part), fits, "{part}");
        }
    }
}
