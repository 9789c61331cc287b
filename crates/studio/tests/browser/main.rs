//! Looking at pages with the Chromium of this machine in the real jail. Where there is none, the
//! tests say so and look no further.

mod hostile;
mod seeing;
#[allow(dead_code, reason = "some of it is for the other tests")]
#[path = "../studio/support.rs"]
mod support;

use std::sync::Arc;

use studio::browser::{Looked, Seen};
use studio::{DevCommand, NewSession, Project};
use support::Bench;
use worktree::{Expected, TreePath};

/// A session that serves `pages.py`; nothing where no Chromium is to be found.
async fn pages(bench: &Bench) -> Option<Arc<Project>> {
    let project = serving(bench).await;
    match project.look("/").await {
        Looked::NoBrowser => {
            println!("skipped: no Chromium is installed where the sandbox shows it");
            None
        }
        Looked::Seen(_) => Some(project),
        Looked::Failed(why) => panic!("{why}"),
    }
}

async fn serving(bench: &Bench) -> Arc<Project> {
    let new = NewSession { template: Some("empty".into()), name: None };
    let session = bench.studio.create(new).await.expect("a session");
    let project = bench.studio.project(&session.id).await.expect("it opens");
    let path = TreePath::parse("pages.py").expect("a path");
    project.tree().write(&path, include_bytes!("pages.py"), Expected::Anything).expect("written");
    let dev = DevCommand { command: "exec python3 pages.py".into(), port: 4100 };
    project.dev_start(Some(dev)).await.expect("it starts");
    project
}

#[track_caller]
fn seen(looked: Looked) -> Seen {
    match looked {
        Looked::Seen(seen) => seen,
        other => panic!("{other:?}"),
    }
}

/// The problems in short: the kind, what is said, and where.
fn told(seen: &Seen) -> Vec<String> {
    let told = seen.problems.iter().map(|problem| {
        let at = problem.at.as_ref().map(|at| format!(" at {at}")).unwrap_or_default();
        format!("{:?}: {}{at}", problem.kind, problem.message)
    });
    told.collect()
}
