//! TLS: in tunnels and caught on port 443. It passes untouched, to the host it names.

use sandbox::egress::{Refusal, Verdict, Way};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::support::{Behaviour, HELLO, Server, World, hello, read_all, shake_hands, soon, trust};

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: open.test\r\n\r\n";

#[tokio::test]
async fn a_tunnel_carries_tls_to_the_host_it_names() {
    let server = Server::secure(Behaviour::Answer(HELLO)).await;
    let mut world = World::new(trust(&["open.test"])).leads("open.test", 443, server.address);
    let mut stream = shake_hands(world.tunnel("open.test:443").await, "open.test").await.expect("TLS");
    stream.write_all(REQUEST).await.expect("sent");
    assert!(read_all(&mut stream).await.ends_with("hello"));
    drop(stream);
    let event = world.event().await;
    assert_eq!((event.host.as_str(), event.port, event.way), ("open.test", Some(443), Way::Proxy));
    assert_eq!(event.verdict, Verdict::Allowed);
    assert!(event.sent_bytes > 200 && event.received_bytes > 500, "{event:?}");
}

#[tokio::test]
async fn a_tool_that_knows_of_no_proxy_is_served_by_name() {
    let server = Server::secure(Behaviour::Answer(HELLO)).await;
    let mut world = World::new(trust(&["*.test"])).leads("open.test", 443, server.address);
    let address = world.caught("open.test", world.https).await;
    let stream = TcpStream::connect(address).await.expect("connected");
    let mut stream = shake_hands(stream, "open.test").await.expect("TLS");
    stream.write_all(REQUEST).await.expect("sent");
    assert!(read_all(&mut stream).await.ends_with("hello"));
    drop(stream);
    let event = world.event().await;
    assert_eq!((event.host.as_str(), event.port, event.way), ("open.test", Some(443), Way::Tls));
}

#[tokio::test]
async fn a_tunnel_to_a_made_up_address_is_one_to_its_name() {
    let server = Server::secure(Behaviour::Answer(HELLO)).await;
    let mut world = World::new(trust(&["open.test"])).leads("open.test", 443, server.address);
    let address = world.look_up("open.test").await.expect("an address");
    let mut stream =
        shake_hands(world.tunnel(&format!("{address}:443")).await, "open.test").await.expect("TLS");
    stream.write_all(REQUEST).await.expect("sent");
    assert!(read_all(&mut stream).await.ends_with("hello"));
    drop(stream);
    assert_eq!(world.event().await.host, "open.test");
}

#[tokio::test]
async fn another_name_than_the_one_decided_on_is_refused() {
    let server = Server::secure(Behaviour::Answer(HELLO)).await;
    // Both hosts may be reached, but not one in the name of the other.
    let mut world = World::new(trust(&["open.test", "other.test"])).leads("open.test", 443, server.address);
    assert!(shake_hands(world.tunnel("open.test:443").await, "other.test").await.is_err());
    assert_eq!(world.event().await.verdict, Verdict::Refused(Refusal::ServerNameDiffers));
    let address = world.caught("open.test", world.https).await;
    let stream = TcpStream::connect(address).await.expect("connected");
    assert!(shake_hands(stream, "other.test").await.is_err());
    assert_eq!(world.event().await.verdict, Verdict::Refused(Refusal::ServerNameDiffers));
    assert_eq!(server.received(), "no TLS", "the tunnel was connected, and not a byte sent");
}

#[tokio::test]
async fn a_greeting_in_pieces_is_put_together() {
    let server = Server::plain(Behaviour::Listen).await;
    let world = World::new(trust(&["open.test"])).leads("open.test", 443, server.address);
    let mut tunnel = world.tunnel("open.test:443").await;
    let hello = hello(Some("open.test"));
    for piece in hello.chunks(40) {
        tunnel.write_all(piece).await.expect("sent");
        tunnel.flush().await.expect("sent");
        tokio::task::yield_now().await;
    }
    tunnel.shutdown().await.expect("ended");
    read_all(&mut tunnel).await;
    assert_eq!(server.received().into_bytes(), String::from_utf8_lossy(&hello).into_owned().into_bytes());
}

#[tokio::test]
async fn a_side_that_has_finished_still_hears_the_other() {
    let server = Server::plain(Behaviour::Echo).await;
    let world = World::new(trust(&["open.test:9000"])).leads("open.test", 9000, server.address);
    let mut tunnel = world.tunnel("open.test:9000").await;
    tunnel.write_all(b"ping").await.expect("sent");
    tunnel.shutdown().await.expect("ended");
    assert_eq!(read_all(&mut tunnel).await, "pingend");
    let event = &world.events().await[0];
    assert_eq!((event.sent_bytes, event.received_bytes), (4, 7));
}

#[tokio::test]
async fn a_server_may_speak_first_on_a_port_that_a_rule_names() {
    let server = Server::plain(Behaviour::Greet(b"SSH-2.0-test\r\n")).await;
    let world = World::new(trust(&["open.test:22"])).leads("open.test", 22, server.address);
    let mut tunnel = world.tunnel("open.test:22").await;
    let mut greeting = [0; 14];
    soon(tunnel.read_exact(&mut greeting)).await.expect("a greeting");
    assert_eq!(&greeting, b"SSH-2.0-test\r\n");
    tunnel.write_all(b"me too").await.expect("sent");
    tunnel.shutdown().await.expect("ended");
    assert_eq!(read_all(&mut tunnel).await, "me tooend");
}
