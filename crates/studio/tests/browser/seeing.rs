//! What is seen of pages that are right and of pages that are wrong.

use std::time::{Duration, Instant};

use studio::LogSource;
use studio::browser::{Looked, ProblemKind};
use worktree::{Expected, TreePath};

use crate::support::Bench;
use crate::{pages, seen, serving, told};

#[tokio::test(flavor = "multi_thread")]
async fn a_good_page_is_seen_as_it_is() {
    let bench = Bench::new();
    let Some(project) = pages(&bench).await else { return };
    let started = Instant::now();
    let good = seen(project.look("/good").await);
    println!("a warm look took {:?}; the session has {:?}", started.elapsed(), project.sandbox().usage());
    assert_eq!(good.url, "/good");
    assert_eq!(good.status, Some(200));
    assert_eq!(good.title, "Good & plain");
    assert_eq!(good.text, "Hello\nOne two three\nBlank Again Tab Out SelfScript");
    assert_eq!(told(&good), [""; 0]);
    assert_eq!(good.links, ["/blank", "/good?tab=2"]);
    assert!(!good.is_blank);
    let picture = good.screenshot.expect("a picture");
    assert!(picture.starts_with(&[0xff, 0xd8]) && picture.len() < 1 << 20);

    for (path, status, text) in [
        ("/nothing", 404, "nothing here"),
        ("/late", 200, "came late"),
        ("/shadow", 200, "from the shadow"),
        ("/drawn", 200, ""),
        ("/three", 200, "text"),
        ("/tampered", 200, "text"),
        ("/stream", 200, "text"),
    ] {
        let page = seen(project.look(path).await);
        assert_eq!((page.status, page.text.as_str(), page.is_blank), (Some(status), text, false), "{path}");
        assert_eq!(told(&page), [""; 0], "{path}");
    }
    for (path, status) in [("/blank", 200), ("/empty", 204), ("/gone", 500)] {
        let page = seen(project.look(path).await);
        assert_eq!((page.status, page.is_blank), (Some(status), true), "{path}");
        assert_eq!(told(&page), [""; 0], "{path}");
    }
    let away = seen(project.look("/away").await);
    assert_eq!((away.url.as_str(), away.title.as_str()), ("/good?from=away", "Good & plain"));

    // Chromium asks nobody for anything by itself.
    let lines = project.logs().follow().0;
    assert!(!lines.iter().any(|line| line.line.starts_with("network:")), "{lines:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_told_with_its_place() {
    let bench = Bench::new();
    let Some(project) = pages(&bench).await else { return };
    let throws = seen(project.look("/throws").await);
    let told_of = told(&throws);
    assert!(throws.problems.iter().all(|problem| problem.kind == ProblemKind::Exception), "{told_of:?}");
    assert_eq!(told_of.len(), 4, "{told_of:?}");
    assert!(told_of[0].contains("Uncaught TypeError: Cannot read properties of null"), "{told_of:?}");
    assert!(told_of[0].ends_with(" at /throws:2"), "{told_of:?}");
    for part in ["(in promise) Error: nobody cared", "Uncaught a text", "Uncaught SyntaxError"] {
        assert!(told_of.iter().any(|one| one.contains(part)), "{part}: {told_of:?}");
    }
    assert_eq!(
        told(&seen(project.look("/console").await)),
        [
            "Console: It went wrong 7 at /console:2",
            "Console: again at /console:3",
            "Console: Assertion failed: numbers at /console:4",
        ]
    );
    let mut assets = told(&seen(project.look("/assets").await));
    assets.sort();
    assert_eq!(
        assets,
        [
            "Outside: GET https://outside.example/data failed: net::ERR_TUNNEL_CONNECTION_FAILED",
            "Request: GET /broken.js was answered with 500 at /assets:1",
            "Request: GET /fail was answered with 500",
            "Request: GET /missing.png was answered with 404 at /assets:1",
            "Request: GET http://localhost:4999/api failed: net::ERR_CONNECTION_REFUSED",
        ]
    );
    let out = seen(project.look("/out").await);
    assert_eq!(
        told(&out),
        ["Outside: The page led to https://outside.example/page, which could not be loaded",]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn scripts_are_evaluated_in_the_page() {
    let bench = Bench::new();
    let Some(project) = pages(&bench).await else { return };
    let value = project.evaluate("/good", "({ title: document.title, one: [1, null] })").await;
    assert_eq!(value, Ok(serde_json::json!({ "title": "Good & plain", "one": [1, null] })));
    let adding = "(async () => { what.value = 'water'; add.click(); return list.textContent })()";
    let values = project.evaluate_each("/todo", &[adding, "list.textContent"]).await;
    assert_eq!(values, Ok(vec!["water".into(), "water".into()]));
    let apart = project.evaluate("/todo", "list.textContent").await;
    assert_eq!(apart, Ok("".into()), "nothing is kept from one visit to the next");
    assert_eq!(project.evaluate("/good", "undefined").await, Ok(serde_json::Value::Null));
    for (script, said) in [
        ("nothing.at.all", "ReferenceError: nothing is not defined"),
        ("Promise.reject(new Error('no'))", "Error: no"),
        ("1 +", "SyntaxError"),
        ("'x'.repeat(1e6)", "longer than 256 kB"),
        ("window", "reference chain is too long"),
        ("(() => { for (;;); })()", "did not end within 15 s"),
    ] {
        let error = project.evaluate("/good", script).await.expect_err(script);
        assert!(error.contains(said), "{script}: {error}");
    }
    assert_eq!(project.evaluate("/good", "1 + 1").await, Ok(2.into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_is_kept_for_a_while_only() {
    let bench = Bench::new();
    let project = serving(&bench).await;
    let processes = || project.sandbox().usage().processes;
    let before = project.sandbox().usage();
    project.keep_browser_for(Duration::from_millis(200));
    let started = Instant::now();
    if project.look("/good").await == Looked::NoBrowser {
        return println!("skipped: no Chromium is installed where the sandbox shows it");
    }
    println!("a cold look took {:?}: {before:?}, {:?}", started.elapsed(), project.sandbox().usage());
    let Some(few) = before.processes else { return println!("skipped: nobody counts processes here") };
    let deadline = Instant::now() + Duration::from_secs(20);
    while processes().is_none_or(|many| many > few + 2) {
        assert!(Instant::now() < deadline, "{few} before, {:?} after", processes());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(seen(project.look("/good").await).status, Some(200));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_browser_the_dev_server_is_asked() {
    let bench = Bench::new();
    let project = serving(&bench).await;
    let good = project.probe("/good").await.expect("an answer");
    assert_eq!((good.status, good.content_type.as_deref()), (200, Some("text/html; charset=utf-8")));
    assert!(good.text.starts_with("<!doctype html><title>Good"), "{}", good.text);
    assert_eq!(project.probe("/gone").await.expect("an answer").status, 500);
    assert_eq!(project.probe("/huge").await.expect("an answer").text.chars().count(), 4097);
    for odd in ["good", "", "/a\r\nX: y", &format!("/{}", "x".repeat(3000))] {
        assert!(project.probe(odd).await.is_err(), "{odd:.20}");
        assert!(matches!(project.look(odd).await, Looked::Failed(_)), "{odd:.20}");
    }
    project.dev_stop().await;
    assert_eq!(project.probe("/good").await, Err("The dev server does not run".into()));
    assert_eq!(project.look("/good").await, Looked::Failed("The dev server does not run".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_overlays_of_development_servers_are_read() {
    let bench = Bench::new();
    for (template, broken, path) in
        [("vite-react", "src/pages/Home.tsx", "/"), ("nextjs", "app/page.tsx", "/")]
    {
        let (session, project) = bench.running(template).await;
        let started = Instant::now();
        let looked = project.look(path).await;
        if looked == Looked::NoBrowser {
            return println!("skipped: no Chromium is installed where the sandbox shows it");
        }
        let right = seen(looked);
        println!("{template}: {:?}, {:?}", started.elapsed(), project.sandbox().usage());
        assert_eq!(told(&right), [""; 0], "{template}");
        assert!(!right.is_blank && !right.links.is_empty(), "{template}: {right:?}");
        let file = TreePath::parse(broken).expect("a path");
        project.tree().write(&file, b"export default function (", Expected::Anything).expect("written");
        let wrong = seen(project.look(path).await);
        let overlay = wrong.problems.iter().find(|problem| problem.kind == ProblemKind::Overlay);
        assert!(overlay.is_some_and(|overlay| overlay.message.contains(broken)), "{template}: {wrong:?}");
        let lines = project.logs().follow().0;
        let network =
            |line: &&studio::LogLine| line.source == LogSource::Atelier && line.line.contains("google");
        assert!(!lines.iter().any(|line| network(&line)), "{lines:?}");
        bench.studio.close(&session.id).await;
    }
}
