//! A guarded request from the server's own process.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use sandbox::egress::{Failure, FetchError, FetchRequest, Fetched, Policy, Refusal, Stopped, Uplink, fetch};

use crate::support::{Behaviour, HELLO, Server, Table, client_config, trust};

struct Bench {
    table: Arc<Table>,
    policy: Policy,
    uplink: Uplink,
}

impl Bench {
    fn new(policy: Policy) -> Self {
        let table = Arc::new(Table::default());
        let uplink = Uplink::new(table.clone()).with_tls(client_config());
        Self { table, policy, uplink }
    }

    fn leads(self, name: &str, port: u16, to: SocketAddr) -> Self {
        self.table.set(name, port, &[to]);
        self
    }

    async fn fetch(&self, request: &FetchRequest) -> Result<Fetched, FetchError> {
        fetch(request, &self.policy, &self.uplink).await
    }
}

fn refused(host: &str, refusal: Refusal) -> FetchError {
    FetchError::Stopped { host: host.into(), stopped: Stopped::Refused(refusal) }
}

#[tokio::test]
async fn a_page_is_fetched() {
    let (plain, secure) =
        (Server::plain(Behaviour::Answer(HELLO)).await, Server::secure(Behaviour::Answer(HELLO)).await);
    let bench = Bench::new(trust(&["open.test"])).leads("open.test", 80, plain.address).leads(
        "open.test",
        443,
        secure.address,
    );
    for (url, server) in [("http://open.test/a?b", &plain), ("https://open.test/a?b", &secure)] {
        let fetched = bench.fetch(&FetchRequest::get(url)).await.expect("fetched");
        assert_eq!((fetched.status, &*fetched.text(), fetched.url.as_str()), (200, "hello", url));
        assert!(!fetched.truncated && fetched.headers.contains(&("content-length".into(), "5".into())));
        let received = server.received();
        assert!(received.starts_with("GET /a?b HTTP/1.1\r\nuser-agent: atelier/"), "{received}");
        assert!(
            received.ends_with("accept: */*\r\nhost: open.test\r\nconnection: close\r\n\r\n"),
            "{received}"
        );
    }
}

#[tokio::test]
async fn a_body_is_sent_with_what_the_caller_adds() {
    let server = Server::plain(Behaviour::Answer(HELLO)).await;
    let bench = Bench::new(trust(&["open.test"])).leads("open.test", 80, server.address);
    let mut request = FetchRequest::get("http://open.test/");
    request.method = "POST".into();
    request.headers.push(("Content-Type".into(), "text/plain".into()));
    request.body = b"words".to_vec();
    bench.fetch(&request).await.expect("fetched");
    let received = server.received();
    assert!(
        received.contains("content-type: text/plain\r\n") && received.ends_with("\r\n\r\nwords"),
        "{received}"
    );
}

#[tokio::test]
async fn an_answer_is_cut_where_it_is_too_long() {
    let server = Server::plain(Behaviour::Answer(HELLO)).await;
    let bench = Bench::new(trust(&["open.test"])).leads("open.test", 80, server.address);
    let mut request = FetchRequest::get("http://open.test/");
    request.max_bytes = 4;
    let fetched = bench.fetch(&request).await.expect("fetched");
    assert_eq!((&*fetched.text(), fetched.truncated), ("hell", true));
}

#[tokio::test]
async fn only_what_the_policy_allows_is_fetched() {
    let forbidden = Server::plain(Behaviour::Answer(HELLO)).await;
    let policy = trust(&["open.test"]).allow("rebind.test".parse().expect("a rule"));
    let bench = Bench::new(policy).leads("*", 0, forbidden.address);
    let url = |rest: &str| FetchRequest::get(format!("http://{rest}"));
    let cases = [("evil.test/", Refusal::NotAllowed), ("169.254.169.254/latest", Refusal::AddressLiteral)];
    for (rest, refusal) in cases {
        let host = rest.split('/').next().expect("a host");
        assert_eq!(bench.fetch(&url(rest)).await, Err(refused(host, refusal)));
    }
    let rebound = bench.fetch(&url("rebind.test/")).await.expect_err("loopback");
    assert!(rebound.to_string().ends_with("it leads to 127.0.0.1, an address of this machine itself"));
    for rest in ["open.test\\@evil.test/", "open.test@evil.test/", "2130706433/", "0x7f.1/"] {
        let error = bench.fetch(&url(rest)).await.expect_err(rest);
        assert!(matches!(error, FetchError::BadAddress { .. }), "{rest}: {error}");
    }
    assert_eq!(forbidden.connections(), 0);
}

#[tokio::test]
async fn every_redirect_is_judged() {
    let forbidden = Server::plain(Behaviour::Answer(HELLO)).await;
    let redirects: [(&'static [u8], FetchError); 4] = [
        (b"Location: http://evil.test/\r\n", refused("evil.test", Refusal::NotAllowed)),
        (b"Location: //evil.test/\r\n", refused("evil.test", Refusal::NotAllowed)),
        (b"Location: http://169.254.169.254/latest\r\n", refused("169.254.169.254", Refusal::AddressLiteral)),
        (
            b"Location: http://open.test\\@evil.test/\r\n",
            FetchError::BadAddress { reason: "'\\\\' cannot be part of an address".into() },
        ),
    ];
    for (location, expected) in redirects {
        let answer = [b"HTTP/1.1 302 Found\r\ncontent-length: 0\r\n", location, b"\r\n"].concat();
        let server = Server::plain(Behaviour::Answer(answer.leak())).await;
        let bench = Bench::new(trust(&["open.test"])).leads("open.test", 80, server.address).leads(
            "*",
            0,
            forbidden.address,
        );
        let error = bench.fetch(&FetchRequest::get("http://open.test/")).await.expect_err("refused");
        assert_eq!(error, expected);
    }
    assert_eq!(forbidden.connections(), 0);
}

#[tokio::test]
async fn a_redirect_is_followed_without_what_was_meant_for_the_first_host() {
    let answer = b"HTTP/1.1 307 Temporary\r\nlocation: http://next.test/page\r\ncontent-length: 0\r\n\r\n";
    let (first, second) =
        (Server::plain(Behaviour::Answer(answer)).await, Server::plain(Behaviour::Answer(HELLO)).await);
    let bench = Bench::new(trust(&["open.test", "next.test"])).leads("open.test", 80, first.address).leads(
        "next.test",
        80,
        second.address,
    );
    let mut request = FetchRequest::get("http://open.test/");
    request.headers.push(("X-Api-Key".into(), "canary".into()));
    let fetched = bench.fetch(&request).await.expect("fetched");
    assert_eq!((&*fetched.text(), fetched.url.as_str()), ("hello", "http://next.test/page"));
    assert!(first.received().contains("canary") && !second.received().contains("canary"));
}

#[tokio::test]
async fn redirects_come_to_an_end() {
    let answer = b"HTTP/1.1 302 Found\r\nlocation: /again\r\ncontent-length: 0\r\n\r\n";
    let server = Server::plain(Behaviour::Answer(answer)).await;
    let bench = Bench::new(trust(&["open.test"])).leads("open.test", 80, server.address);
    let error = bench.fetch(&FetchRequest::get("http://open.test/")).await.expect_err("no end");
    assert_eq!((error, server.connections()), (FetchError::TooManyRedirects, 11));
}

#[tokio::test]
async fn a_server_that_says_nothing_is_not_waited_for() {
    let server = Server::plain(Behaviour::Listen).await;
    let bench = Bench::new(trust(&["open.test", "gone.test"])).leads("open.test", 80, server.address);
    let mut request = FetchRequest::get("http://open.test/");
    request.timeout = Duration::from_millis(100);
    assert_eq!(bench.fetch(&request).await, Err(FetchError::TimedOut));
    let error = bench.fetch(&FetchRequest::get("http://gone.test/")).await.expect_err("no such name");
    let stopped = Stopped::Failed(Failure::NameNotFound);
    assert_eq!(error, FetchError::Stopped { host: "gone.test".into(), stopped });
    let error = kernel::Error::from(error);
    assert_eq!(
        (error.code, error.message.as_str()),
        ("fetch_failed", "gone.test was not fetched: its name cannot be resolved")
    );
}
