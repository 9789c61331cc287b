//! Secrets that a session may use and never see.

use sandbox::egress::{Broker, Failure, Policy, Refusal, Verdict};

use crate::support::{Behaviour, HELLO, Server, World, exchange, trust};

const CANARY: &str = "canary-4711";

fn broker() -> Broker {
    Broker::new("open.test".parse().expect("a host"), 443, "Authorization", &format!("Bearer {CANARY}"))
        .expect("a broker")
}

fn policy() -> Policy {
    trust(&["open.test", "other.test"]).broker(broker())
}

#[tokio::test]
async fn a_plain_request_leaves_as_a_secure_one_with_the_secret() {
    let (secure, plain) =
        (Server::secure(Behaviour::Answer(HELLO)).await, Server::plain(Behaviour::Answer(HELLO)).await);
    let mut world =
        World::new(policy()).leads("open.test", 443, secure.address).leads("open.test", 80, plain.address);
    let request = "GET http://open.test/package HTTP/1.1\r\nHost: open.test\r\nAuthorization: Bearer own\r\n\
                   authorization: Basic again\r\nConnection: close\r\n\r\n";
    let answer = world.ask_proxy(request).await;
    assert!(answer.ends_with("hello"), "{answer}");
    assert_eq!(
        secure.received(),
        format!(
            "GET /package HTTP/1.1\r\nhost: open.test\r\nauthorization: Bearer {CANARY}\r\nconnection: close\r\n\r\n"
        )
    );
    let event = world.event().await;
    assert_eq!((event.host.as_str(), event.port), ("open.test", Some(80)));
    let address = world.caught("open.test", world.http).await;
    let caught = exchange(address, "GET / HTTP/1.1\r\nHost: open.test\r\nConnection: close\r\n\r\n").await;
    assert!(caught.ends_with("hello"), "{caught}");
    assert_eq!(secure.received().matches(CANARY).count(), 2);
    let seen = format!("{answer}{caught}{event:?}{:?}{:?}", broker(), world.events().await);
    assert!(!seen.contains(CANARY), "{seen}");
    assert_eq!(plain.connections(), 0, "the secret never goes over a connection that anybody can read");
}

#[tokio::test]
async fn it_goes_to_its_own_host_only() {
    let server = Server::plain(Behaviour::Answer(HELLO)).await;
    let world = World::new(policy()).leads("other.test", 80, server.address);
    let answer = world
        .ask_proxy("GET http://other.test/ HTTP/1.1\r\nHost: other.test\r\nConnection: close\r\n\r\n")
        .await;
    assert!(answer.ends_with("hello"), "{answer}");
    assert!(!server.received().contains(CANARY));
}

#[tokio::test]
async fn it_is_not_sent_to_a_host_that_cannot_prove_its_name() {
    let plain = Server::plain(Behaviour::Listen).await;
    let broker =
        |host: &str| Broker::new(host.parse().expect("a host"), 443, "x-key", CANARY).expect("a broker");
    // The certificate of the tests is for names below `test`.
    let secure = Server::secure(Behaviour::Answer(HELLO)).await;
    let policy =
        trust(&["forged.example", "open.test"]).broker(broker("forged.example")).broker(broker("open.test"));
    let mut world = World::new(policy).leads("forged.example", 443, secure.address).leads(
        "open.test",
        443,
        plain.address,
    );
    let request = "GET http://forged.example/ HTTP/1.1\r\nHost: forged.example\r\nConnection: close\r\n\r\n";
    let answer = world.ask_proxy(request).await;
    assert!(answer.contains("no secure connection to it can be made"), "{answer}");
    assert_eq!(world.event().await.verdict, Verdict::Failed(Failure::NotSecure));
    assert!(!secure.received().contains(CANARY) && !plain.received().contains(CANARY));
}

#[tokio::test]
async fn a_secret_for_reading_does_not_write() {
    let server = Server::secure(Behaviour::Answer(HELLO)).await;
    let policy = trust(&["open.test"]).broker(broker().read_only());
    let mut world = World::new(policy).leads("open.test", 443, server.address);
    for (method, headers) in
        [("PUT", "Content-Length: 0"), ("GET", "Connection: upgrade\r\nUpgrade: websocket")]
    {
        let request =
            format!("{method} http://open.test/package HTTP/1.1\r\nHost: open.test\r\n{headers}\r\n\r\n");
        let answer = world.ask_proxy(request).await;
        assert!(answer.starts_with("HTTP/1.1 403") && answer.contains("only for reading"), "{answer}");
        assert_eq!(world.event().await.verdict, Verdict::Refused(Refusal::ReadOnly));
    }
    assert_eq!(server.connections(), 0);
    let request = "GET http://open.test/package HTTP/1.1\r\nHost: open.test\r\nX-HTTP-Method-Override: PUT\r\n\
                   Connection: close\r\n\r\n";
    assert!(world.ask_proxy(request).await.ends_with("hello"));
    assert!(!server.received().to_lowercase().contains("override"), "{}", server.received());
}

#[tokio::test]
async fn a_tool_that_is_sent_on_by_the_host_stays_on_the_plain_way() {
    let answer = b"HTTP/1.1 301 Moved\r\nlocation: https://open.test/simple/\r\ncontent-length: 0\r\n\r\n";
    let server = Server::secure(Behaviour::Answer(answer)).await;
    let world = World::new(policy()).leads("open.test", 443, server.address);
    let request = "GET http://open.test/simple HTTP/1.1\r\nHost: open.test\r\nConnection: close\r\n\r\n";
    let answer = world.ask_proxy(request).await;
    assert!(answer.contains("\r\nlocation: http://open.test/simple/\r\n"), "{answer}");
}

#[tokio::test]
async fn a_secret_alone_allows_nothing() {
    let server = Server::secure(Behaviour::Answer(HELLO)).await;
    let world = World::new(Policy::default().broker(broker())).leads("open.test", 443, server.address);
    let answer = world.ask_proxy("GET http://open.test/ HTTP/1.1\r\nHost: open.test\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 403"), "{answer}");
    assert_eq!(server.connections(), 0);
}
