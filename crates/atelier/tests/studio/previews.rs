//! Every template is shown on both kinds of address: an origin of its own, and a path of ours.

use reqwest::Client;
use reqwest::header::{COOKIE, HOST, LOCATION, SET_COOKIE};
use reqwest::redirect::Policy;

use super::*;

/// Installing from the registry takes what it takes.
const INSTALLED: Duration = Duration::from_secs(180);

struct Preview {
    bench: Bench,
    client: Client,
    /// What the app's own origin is called.
    host: String,
    cookie: String,
}

impl Preview {
    /// A session whose app answers, opened on its own origin.
    async fn of(template: &str) -> Self {
        let bench = Bench::with(template, Script::always(say("Nothing to do."))).await;
        let client =
            Client::builder().no_proxy().redirect(Policy::none()).timeout(INSTALLED).build().unwrap();
        let deadline = Instant::now() + INSTALLED;
        loop {
            let state = bench.server.get(&bench.path("/state")).await.unwrap();
            match state["status"].as_str().unwrap() {
                "running" => break,
                "failed" => panic!("{}", state["problem"]),
                _ => assert!(Instant::now() < deadline, "{state}"),
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let address =
            bench.server.get(&bench.path("")).await.unwrap()["previewUrl"].as_str().unwrap().to_owned();
        let (host, path) = address.strip_prefix("http://").unwrap().split_once('/').unwrap();
        let opened =
            client.get(format!("{}/{path}", bench.server.url)).header(HOST, host).send().await.unwrap();
        assert_eq!(opened.status(), 303);
        let cookie = opened.headers()[SET_COOKIE].to_str().unwrap().split(';').next().unwrap().to_owned();
        let host = host.to_owned();
        Self { bench, client, host, cookie }
    }

    async fn at_the_top(&self, path: &str) -> (u16, String) {
        let request = self.client.get(format!("{}{path}", self.bench.server.url));
        let response = request.header(HOST, &self.host).header(COOKIE, &self.cookie).send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    }

    /// The address of the app below a path, with the token in it.
    async fn below(&self) -> String {
        let url = format!("{}/api/v1{}", self.bench.server.url, self.bench.path("/preview/proxy"));
        let opened = self.client.get(url).bearer_auth(&self.bench.server.token).send().await.unwrap();
        assert_eq!(opened.status(), 307);
        opened.headers()[LOCATION].to_str().unwrap().to_owned()
    }

    async fn get(&self, path: &str) -> reqwest::Response {
        self.client.get(format!("{}{path}", self.bench.server.url)).send().await.unwrap()
    }
}

/// The first address in a page that loads something from its own server.
fn loaded(html: &str) -> Option<&str> {
    html.split(['"', '\'']).find(|part| {
        let path = part.split('?').next().unwrap();
        !part.contains("://") && [".tsx", ".js", ".css"].iter().any(|end| path.ends_with(end))
    })
}

#[track_caller]
fn resolve(base: &str, reference: &str) -> String {
    let base: reqwest::Url = format!("http://x{base}").parse().unwrap();
    let joined = base.join(reference).unwrap();
    joined.as_str().strip_prefix("http://x").unwrap().to_owned()
}

async fn is_shown_on_both(template: &str, text: &str) {
    let preview = Preview::of(template).await;
    let (status, page) = preview.at_the_top("/").await;
    assert!(status == 200 && page.contains(text), "{template}: {status} {page}");
    let script = loaded(&page).unwrap_or_else(|| panic!("nothing is loaded by {page}"));
    let (status, body) = preview.at_the_top(&resolve("/", script)).await;
    assert!(status == 200 && !body.is_empty(), "{template}: {script} {status}");

    let base = preview.below().await;
    let shown = preview.get(&base).await;
    assert_eq!(shown.status(), 200, "{template}");
    let policy = shown.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.contains("sandbox") && !policy.contains("allow-same-origin"), "{policy}");
    assert!(!shown.headers().contains_key(SET_COOKIE));
    let page = shown.text().await.unwrap();
    assert!(page.contains(text), "{template}: {page}");
    let script = loaded(&page).unwrap_or_else(|| panic!("nothing is loaded by {page}"));
    let script = resolve(&base, script);
    assert!(script.starts_with(&base), "{template}: {script} leaves {base}");
    let body = preview.get(&script).await;
    assert_eq!(body.status(), 200, "{template}: {script}");

    // The first one is not disturbed by the second, and nobody gets in without the token.
    assert_eq!(preview.at_the_top("/").await.0, 200, "{template}");
    let (begin, end) = base.split_at(base.len() - 3);
    let other = if end.starts_with("00") { "11" } else { "00" };
    assert_eq!(preview.get(&format!("{begin}{other}{}", &end[2..])).await.status(), 401);
    let stranger =
        preview.client.get(&preview.bench.server.url).header(HOST, &preview.host).send().await.unwrap();
    assert_eq!(stranger.status(), 401);
    preview.bench.server.kill();
}

#[tokio::test(flavor = "multi_thread")]
async fn vite_react_is_shown_on_both() {
    is_shown_on_both("vite-react", "/src/main.tsx").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nextjs_is_shown_on_both() {
    is_shown_on_both("nextjs", "<h1").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn express_is_shown_on_both() {
    is_shown_on_both("express", "<h1").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fastapi_is_shown_on_both() {
    is_shown_on_both("fastapi", "<h1").await;
}
