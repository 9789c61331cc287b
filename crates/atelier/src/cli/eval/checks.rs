//! What has to hold after a task, and finding out whether it does.
//!
//! Invariant: a check fails or is skipped with a reason; it passes only on what was seen.

use std::time::Duration;

use kernel::Kind;
use regex::{Regex, RegexBuilder};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::time::sleep;

use crate::cli::terminal::one_line;
use crate::client::studio::{Look, Turn};
use crate::client::{Client, Problem, Result};

/// How often a page is looked at that is not yet as it should be: its server may be starting again.
const LOOKS: u32 = 4;
const BETWEEN_LOOKS: Duration = Duration::from_millis(1_500);
/// How much of what was found is told.
const TOLD: usize = 300;

/// Something that has to hold.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Check {
    /// There is such a file.
    FileExists {
        /// Its path; with `*` in it, any file that fits.
        path: String,
    },
    /// The file has this text.
    FileContains {
        /// Its path; with `*` in it, any file that fits.
        path: String,
        /// The text.
        text: String,
    },
    /// There is such a file, and it does not have this text.
    FileLacks {
        /// Its path; with `*` in it, no file that fits has it.
        path: String,
        /// The text.
        text: String,
    },
    /// The file's text fits the regular expression.
    FileMatches {
        /// Its path; with `*` in it, a line of any file that fits.
        path: String,
        /// The expression; `.` fits line feeds as well, and `^` and `$` fit at lines.
        pattern: String,
    },
    /// The last time the server checked the project itself, this check of the template passed.
    Verified {
        /// What the template calls it: `typecheck`, `test`, `compile`.
        name: String,
    },
    /// A page shows what it should, without errors.
    Page {
        /// Its path.
        #[serde(default = "first_page")]
        path: String,
        /// The status it answers with.
        #[serde(default = "ok")]
        status: u16,
        /// Texts that can be seen.
        #[serde(default)]
        visible: Vec<String>,
        /// Texts that cannot be seen.
        #[serde(default)]
        hidden: Vec<String>,
    },
    /// An expression is true in the page.
    Script {
        /// The page's path.
        #[serde(default = "first_page")]
        path: String,
        /// JavaScript; a promise is waited for.
        expression: String,
        /// What it finds out, for a person.
        #[serde(default)]
        title: Option<String>,
    },
}

fn first_page() -> String {
    "/".into()
}

fn ok() -> u16 {
    200
}

/// What a check found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckStatus {
    /// It holds.
    Passed,
    /// It does not.
    Failed,
    /// It could not be found out here.
    Skipped,
}

/// A check and what it found.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CheckReport {
    /// What has to hold, in a line.
    pub check: String,
    /// Whether it does.
    pub status: CheckStatus,
    /// Why not, or why it is not known.
    pub reason: Option<String>,
}

/// Why a check did not pass.
enum Not {
    Held(String),
    Known(String),
}

type Found = std::result::Result<(), Not>;

fn fails<T>(why: impl Into<String>) -> std::result::Result<T, Not> {
    Err(Not::Held(why.into()))
}

impl Check {
    /// Whether it can be carried out at all; what keeps it from that.
    pub fn validate(&self) -> std::result::Result<(), String> {
        match self {
            Self::FileMatches { path, pattern } => {
                expression(pattern).map_err(|error| format!("a pattern cannot be read: {error}"))?;
                relative(path)
            }
            Self::FileExists { path } => relative(path),
            Self::FileContains { path, text } | Self::FileLacks { path, text } => {
                if text.is_empty() {
                    return Err(format!("the text to look for in `{path}` is empty"));
                }
                relative(path)
            }
            Self::Page { path, .. } | Self::Script { path, .. } if !path.starts_with('/') => {
                Err(format!("the page `{path}` does not begin with `/`"))
            }
            Self::Script { expression, .. } if expression.trim().is_empty() => {
                Err("an expression is empty".into())
            }
            Self::Page { .. } | Self::Script { .. } | Self::Verified { .. } => Ok(()),
        }
    }

    /// What has to hold, in a line.
    pub fn describe(&self) -> String {
        let quoted = |text: &str| format!("“{}”", one_line(text, 60));
        match self {
            Self::FileExists { path } => format!("{path} exists"),
            Self::FileContains { path, text } => format!("{path} has {}", quoted(text)),
            Self::FileLacks { path, text } => format!("{path} lacks {}", quoted(text)),
            Self::FileMatches { path, pattern } => format!("{path} fits {}", quoted(pattern)),
            Self::Verified { name } => format!("the project's check {name} passes"),
            Self::Page { path, visible, hidden, .. } => {
                let shows: Vec<String> = visible.iter().map(|text| quoted(text)).collect();
                let hides: Vec<String> = hidden.iter().map(|text| format!("not {}", quoted(text))).collect();
                let texts = [shows, hides].concat();
                let shows =
                    if texts.is_empty() { "is well".into() } else { format!("shows {}", texts.join(", ")) };
                format!("page {path} {shows}")
            }
            Self::Script { path, expression, title } => {
                format!("page {path}: {}", title.clone().unwrap_or_else(|| one_line(expression, 80)))
            }
        }
    }

    /// Finds out whether it holds in a session, whose turns are these.
    ///
    /// # Errors
    /// When the server is away: that says nothing about the check.
    pub async fn judge(&self, client: &Client, session: &str, turns: &[Turn]) -> Result<CheckReport> {
        let (status, reason) = match self.find_out(client, session, turns).await {
            Ok(Ok(())) => (CheckStatus::Passed, None),
            Ok(Err(Not::Held(why))) => (CheckStatus::Failed, Some(why)),
            Ok(Err(Not::Known(why))) => (CheckStatus::Skipped, Some(why)),
            Err(problem) if is_away(&problem) => return Err(problem),
            Err(problem) => (CheckStatus::Failed, Some(one_line(&problem.message, TOLD))),
        };
        Ok(CheckReport { check: self.describe(), status, reason })
    }

    async fn find_out(&self, client: &Client, session: &str, turns: &[Turn]) -> Result<Found> {
        match self {
            Self::FileExists { path } => exists(client, session, path).await,
            Self::FileContains { path, text } => has(client, session, path, text).await,
            Self::FileLacks { path, text } => lacks(client, session, path, text).await,
            Self::FileMatches { path, pattern } => fits(client, session, path, pattern).await,
            Self::Verified { name } => Ok(verified(name, turns)),
            Self::Page { path, status, visible, hidden } => {
                let judge = |look: &Look| page(look, *status, visible, hidden);
                look(client, session, path, None, judge).await
            }
            Self::Script { path, expression, .. } => {
                look(client, session, path, Some(expression), |look| match &look.value {
                    Value::Bool(true) => Ok(()),
                    other => fails(format!("the expression is {}", one_line(&other.to_string(), TOLD))),
                })
                .await
            }
        }
    }
}

fn relative(path: &str) -> std::result::Result<(), String> {
    let fits = !path.is_empty() && !path.starts_with('/') && !path.split('/').any(|part| part == "..");
    if fits { Ok(()) } else { Err(format!("`{path}` is no path below the session's folder")) }
}

fn expression(pattern: &str) -> std::result::Result<Regex, regex::Error> {
    RegexBuilder::new(pattern).multi_line(true).dot_matches_new_line(true).build()
}

fn is_glob(path: &str) -> bool {
    path.contains('*')
}

async fn exists(client: &Client, session: &str, path: &str) -> Result<Found> {
    if is_glob(path) {
        let found = client.search_files(session, ".", true, path).await?;
        return Ok(if found.matches.is_empty() { fails("no file fits that has any text") } else { Ok(()) });
    }
    Ok(if client.find_file(session, path).await?.is_some() { Ok(()) } else { missing(path) })
}

fn missing(path: &str) -> Found {
    fails(format!("there is no {path}"))
}

/// What a file says; the other one is why that is not known.
async fn text_of(client: &Client, session: &str, path: &str) -> Result<std::result::Result<String, Not>> {
    Ok(match client.find_file(session, path).await? {
        None => missing(path).map(|()| String::new()),
        Some(file) if file.binary => fails(format!("{path} is no text")),
        Some(file) => Ok(file.content),
    })
}

async fn has(client: &Client, session: &str, path: &str, text: &str) -> Result<Found> {
    if is_glob(path) {
        let found = client.search_files(session, text, false, path).await?;
        return Ok(if found.matches.is_empty() { fails("no file that fits has it") } else { Ok(()) });
    }
    let content = text_of(client, session, path).await?;
    Ok(content.and_then(|content| if content.contains(text) { Ok(()) } else { fails("it does not have it") }))
}

async fn lacks(client: &Client, session: &str, path: &str, text: &str) -> Result<Found> {
    if is_glob(path) {
        let found = client.search_files(session, text, false, path).await?;
        return Ok(match found.matches.first() {
            Some(one) => fails(format!("it is in {}, line {}", one.path, one.line)),
            None => Ok(()),
        });
    }
    let content = text_of(client, session, path).await?;
    Ok(content.and_then(|content| if content.contains(text) { fails("it has it") } else { Ok(()) }))
}

async fn fits(client: &Client, session: &str, path: &str, pattern: &str) -> Result<Found> {
    if is_glob(path) {
        let found = client.search_files(session, pattern, true, path).await?;
        return Ok(if found.matches.is_empty() { fails("no line of a file that fits does") } else { Ok(()) });
    }
    let wanted = expression(pattern)
        .map_err(|error| Problem::invalid("task_invalid", format!("A pattern cannot be read: {error}")))?;
    let content = text_of(client, session, path).await?;
    Ok(content.and_then(|content| if wanted.is_match(&content) { Ok(()) } else { fails("it does not fit") }))
}

/// What the server itself found when it checked the project after the agent's last change.
fn verified(name: &str, turns: &[Turn]) -> Found {
    let Some(turn) = turns.iter().rev().find(|turn| !turn.checks.is_empty()) else {
        return fails("nothing was changed that the server would have checked");
    };
    match turn.checks.iter().find(|check| check.name == name) {
        Some(check) if check.ok => Ok(()),
        Some(check) => fails(one_line(&check.text, TOLD)),
        None => fails("the server did not come to this check"),
    }
}

/// Looks at a page until it is as it should be, a few times at most.
async fn look(
    client: &Client,
    session: &str,
    path: &str,
    script: Option<&str>,
    judge: impl Fn(&Look) -> Found,
) -> Result<Found> {
    let mut looks = 1;
    loop {
        let found = match client.look(session, path, script).await {
            Ok(look) => judge(&look),
            Err(problem) if is_away(&problem) => return Err(problem),
            Err(problem) => match cannot_look(&problem) {
                Some(why) => return Ok(Err(Not::Known(why))),
                None => fails(one_line(&problem.message, TOLD)),
            },
        };
        if found.is_ok() || looks == LOOKS {
            return Ok(found);
        }
        looks += 1;
        sleep(BETWEEN_LOOKS).await;
    }
}

fn is_away(problem: &Problem) -> bool {
    matches!(problem.code.as_str(), "server_unreachable" | "no_answer" | "not_atelier" | "stopping")
}

/// Why pages cannot be looked at here at all, if that is what the refusal says.
fn cannot_look(problem: &Problem) -> Option<String> {
    match problem.code.as_str() {
        "browser_missing" => Some("no Chromium is installed where the server runs".into()),
        "no_route" | "no_method" => Some("this server cannot look at pages".into()),
        _ if problem.kind == Kind::Unauthenticated || problem.kind == Kind::Forbidden => {
            Some(one_line(&problem.message, TOLD))
        }
        _ => None,
    }
}

fn page(look: &Look, status: u16, visible: &[String], hidden: &[String]) -> Found {
    if let Some(answered) = look.status.filter(|answered| *answered != status) {
        return fails(format!("it answers with status {answered}"));
    }
    // What another host does not answer is not the project's doing: the sandbox reaches few.
    if let Some(problem) = look.problems.iter().find(|problem| problem.kind != "outside") {
        return fails(one_line(&format!("{}: {}", problem.kind, problem.message), TOLD));
    }
    if look.is_blank {
        return fails("the page is blank");
    }
    let shown = folded(&look.text);
    if let Some(text) = visible.iter().find(|text| !shown.contains(&folded(text))) {
        return fails(format!("“{}” is not to be seen", one_line(text, 80)));
    }
    match hidden.iter().find(|text| shown.contains(&folded(text))) {
        Some(text) => fails(format!("“{}” is to be seen", one_line(text, 80))),
        None => Ok(()),
    }
}

/// The text without what a style may change about it: capitals and how its words are spaced.
fn folded(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn seen(look: Value, expected: Option<&str>) {
        let look: Look = serde_json::from_value(look).unwrap();
        let (visible, hidden) = (["Our  prices".to_owned()], ["Lorem".to_owned()]);
        let why = match page(&look, 200, &visible, &hidden) {
            Ok(()) => None,
            Err(Not::Held(why) | Not::Known(why)) => Some(why),
        };
        assert_eq!(why.as_deref(), expected);
    }

    #[test]
    fn a_page_passes_only_when_all_of_it_is_as_it_should_be() {
        seen(json!({"status": 200, "text": "OUR\nPRICES"}), None);
        seen(json!({"status": 200, "text": "Our price"}), Some("“Our prices” is not to be seen"));
        seen(json!({"status": 404, "text": "Our prices"}), Some("it answers with status 404"));
        seen(json!({"status": 200, "text": "Our prices, lorem"}), Some("“Lorem” is to be seen"));
        seen(json!({"status": 200, "text": "Our prices", "isBlank": true}), Some("the page is blank"));
        let with = |kind: &str| json!({"status": 200, "text": "Our prices", "problems": [{"kind": kind, "message": "no x"}]});
        seen(with("console"), Some("console: no x"));
        seen(with("outside"), None);
    }

    #[test]
    fn what_cannot_be_looked_at_is_skipped_and_what_does_not_answer_fails() {
        let why = |code: &str| cannot_look(&Problem::unavailable(code, "x")).is_some();
        assert!(why("browser_missing") && why("no_route"));
        assert!(!why("port_unanswered"));
    }

    #[test]
    fn the_servers_own_checks_count_from_the_last_turn_that_had_some() {
        let turn = |checks: Value| {
            serde_json::from_value::<Turn>(json!({"turnId": "run_1", "status": "finished", "checks": checks}))
                .unwrap()
        };
        let broken = turn(json!([{"name": "test", "ok": false, "text": "1 failed"}]));
        let sound = turn(json!([{"name": "test", "ok": true}]));
        let silent = turn(json!([]));
        assert!(verified("test", &[broken.clone(), sound.clone(), silent.clone()]).is_ok());
        assert!(verified("test", &[sound.clone(), broken]).is_err());
        assert!(verified("typecheck", &[sound]).is_err());
        assert!(verified("test", &[silent]).is_err());
    }
}
