//! What the fetcher does with servers of every sort.

#![allow(clippy::unwrap_used, reason = "a test panics where it fails")]

use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;

use flate2::Compression;
use flate2::write::GzEncoder;
use kernel::FixedClock;
use memory::{Memory, NewDocument, Outcome};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;

/// A server that answers each path in its own way.
async fn serve() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(answer(stream));
        }
    });
    address
}

async fn answer(mut stream: TcpStream) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let path = head.split(' ').nth(1).unwrap_or_default();
    let html = "Content-Type: text/html; charset=iso-8859-1\r\n";
    match path {
        "/page" | "/php/index.php" => {
            let dated = "Last-Modified: Tue, 15 Nov 2022 08:12:31 GMT\r\n";
            if head.contains("if-modified-since: Tue, 15 Nov 2022 08:12:31 GMT\r\n") {
                return stream.write_all(b"HTTP/1.1 304 Not Modified\r\n\r\n").await;
            }
            let body = b"<!doctype html><title>Caf\xe9</title><p>The ficus needs water.</p>";
            let head = format!("HTTP/1.1 200 OK\r\n{html}{dated}Content-Length: {}\r\n\r\n", body.len());
            stream.write_all(head.as_bytes()).await?;
            stream.write_all(body).await
        }
        "/moved" => {
            stream.write_all(b"HTTP/1.1 302 Found\r\nLocation: /page\r\nContent-Length: 0\r\n\r\n").await
        }
        "/inward" => {
            stream.write_all(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/secret\r\n\r\n").await
        }
        "/metadata" => {
            stream.write_all(b"HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/latest\r\n\r\n").await
        }
        "/round" => stream.write_all(b"HTTP/1.1 302 Found\r\nLocation: /round\r\n\r\n").await,
        "/endless" => {
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n").await?;
            loop {
                stream.write_all(&[b'x'; 65_536]).await?;
            }
        }
        "/drip" => {
            stream
                .write_all(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 9999\r\n\r\n")
                .await?;
            loop {
                stream.write_all(b"x").await?;
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
        "/short" => stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\ntoo short").await,
        "/nonsense" => stream.write_all(b"SSH-2.0-OpenSSH\r\n").await,
        "/gzip" | "/bomb" | "/damaged" => {
            let packed = packed(path)?;
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n\r\n",
                packed.len()
            );
            stream.write_all(head.as_bytes()).await?;
            stream.write_all(&packed).await
        }
        "/brotli" => {
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 1\r\n\r\nx").await
        }
        _ => stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnone").await,
    }
}

/// A text packed with gzip: short, very long, or cut.
fn packed(path: &str) -> std::io::Result<Vec<u8>> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    match path {
        "/bomb" => {
            for _ in 0..64 {
                packed.write_all(&vec![b'x'; 1 << 20])?;
            }
        }
        _ => packed.write_all(b"The orchid rests in winter.")?,
    }
    let mut packed = packed.finish()?;
    if path == "/damaged" {
        packed.truncate(12);
    }
    Ok(packed)
}

fn memory_of(server: Option<SocketAddr>) -> Memory {
    let hosts: Vec<String> = server.iter().map(ToString::to_string).collect();
    let mut web = Web::new(&hosts, Uplink::default()).unwrap();
    web.patience = Duration::from_secs(2);
    let clock = Arc::new(FixedClock::at(Timestamp(1_700_000_000_000)));
    memory::testing::memory_with(clock, Some(Arc::new(web)))
}

#[tokio::test]
async fn a_page_is_taken_in_with_its_title_and_where_it_came_from() {
    let server = serve().await;
    let memory = memory_of(Some(server));
    let ingest = async |path: &str| {
        memory.ingest_page(&format!("http://{server}{path}"), NewDocument::default(), None).await
    };
    let moved = ingest("/moved#part").await.unwrap();
    assert_eq!(
        (moved.collection.as_str(), moved.title.as_str(), moved.outcome),
        ("web", "Café", Outcome::New)
    );
    let document = memory.document(&moved.id).await.unwrap();
    assert_eq!(document.key, format!("http://{server}/moved"));
    assert_eq!(document.source, format!("http://{server}/page"));
    assert_eq!(document.attributes["url"], document.source);
    assert_eq!(document.occurred_at.unwrap().to_string(), "2022-11-15T08:12:31.000Z");
    assert!(document.text.contains("The ficus needs water.") && document.format == "html");
    assert_eq!(ingest("/moved").await.unwrap().outcome, Outcome::Unchanged);
    // It says when it was changed, so it is not even sent again.
    ingest("/page").await.unwrap();
    assert_eq!(ingest("/page").await.unwrap().outcome, Outcome::Unchanged);
    let php = memory.document(&ingest("/php/index.php").await.unwrap().id).await.unwrap();
    assert_eq!(php.format, "html", "its ending says what made it, not what it is");
    let packed = memory.document(&ingest("/gzip").await.unwrap().id).await.unwrap();
    assert_eq!(packed.text, "The orchid rests in winter.");
}

#[tokio::test]
async fn what_is_no_page_is_refused() {
    let server = serve().await;
    let memory = memory_of(Some(server));
    let check = async |url: &str, code: &str| {
        let error = memory.ingest_page(url, NewDocument::default(), None).await.unwrap_err();
        assert_eq!(error.code, code, "{url}: {error:?}");
        assert!(error.hint.is_some());
    };
    let at = |path: &str| format!("http://{server}{path}");
    check(&at("/inward"), "egress_refused").await;
    check(&at("/metadata"), "egress_refused").await;
    check(&at("/round"), "fetch_failed").await;
    check(&at("/endless"), "document_too_large").await;
    check(&at("/drip"), "fetch_timed_out").await;
    check(&at("/short"), "fetch_failed").await;
    check(&at("/nonsense"), "fetch_failed").await;
    check(&at("/bomb"), "document_too_large").await;
    check(&at("/damaged"), "fetch_failed").await;
    check(&at("/brotli"), "fetch_failed").await;
    check(&at("/nothing"), "page_refused").await;
    check("http://127.0.0.1:1/", "egress_refused").await;
    check("http://[::1]/", "egress_refused").await;
    check("http://[::ffff:127.0.0.1]/", "egress_refused").await;
    check("http://169.254.169.254/", "egress_refused").await;
    check("http://localhost/", "egress_refused").await;
    check("http://2130706433/", "fetch_address_invalid").await;
    check("ftp://example.com/", "fetch_address_invalid").await;
    check("file:///etc/passwd", "fetch_address_invalid").await;
    check("", "fetch_address_invalid").await;
    let stranger = memory_of(None);
    let error = stranger.ingest_page(&at("/page"), NewDocument::default(), None).await.unwrap_err();
    assert_eq!(error.code, "egress_refused");
}
