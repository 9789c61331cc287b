//! One request to a program of a session, and its answer back; after an upgrade, both ways until
//! either side ends it.

use ::studio::Project;
use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{
    CONNECTION, HeaderName, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE, TRAILER, TRANSFER_ENCODING, UPGRADE,
    X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Version};
use axum::response::Response;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::page;
use crate::app::Lifetime;

const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
/// Headers that concern one connection only (RFC 9110, section 7.6.1).
const HOP_BY_HOP: [HeaderName; 7] =
    [CONNECTION, KEEP_ALIVE, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE, TRAILER, TRANSFER_ENCODING];

/// Sends a request over a connection of its own and gives the answer.
pub(super) async fn forward(
    project: &Project,
    stream: TcpStream,
    mut request: Request,
    lifetime: &Lifetime,
) -> Response {
    let upgrade = request.headers().get(UPGRADE).cloned();
    let client = upgrade.is_some().then(|| hyper::upgrade::on(&mut request));
    prepare(&mut request, upgrade.as_ref());
    let (mut sender, connection) = match http1::handshake::<_, Body>(TokioIo::new(stream)).await {
        Ok(made) => made,
        Err(error) => return broken(&error),
    };
    tokio::spawn(async move {
        // A program may break its answers off; whoever reads it learns that from the answer.
        let _ = connection.with_upgrades().await;
    });
    let mut response = match sender.send_request(request).await {
        Ok(response) => response,
        Err(error) => return broken(&error),
    };
    if let (StatusCode::SWITCHING_PROTOCOLS, Some(client)) = (response.status(), client) {
        let server = hyper::upgrade::on(&mut response);
        let (stopping, token) = (lifetime.stopping.clone(), lifetime.sockets.token());
        let hold = project.hold();
        tokio::spawn(async move {
            let both = async {
                if let (Ok(client), Ok(server)) = tokio::join!(client, server) {
                    let (mut client, mut server) = (TokioIo::new(client), TokioIo::new(server));
                    // Either side may go whenever it likes.
                    let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
                }
            };
            stopping.run_until_cancelled(both).await;
            drop((hold, token));
        });
        return response.map(|_| Body::empty());
    }
    strip(response.headers_mut());
    response.headers_mut().remove(X_FRAME_OPTIONS);
    response.map(Body::new)
}

/// A request as it goes on: to a path, without what concerned the connection it came on.
fn prepare(request: &mut Request, upgrade: Option<&HeaderValue>) {
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    if let Ok(uri) = path.parse() {
        *request.uri_mut() = uri;
    }
    *request.version_mut() = Version::HTTP_11;
    strip(request.headers_mut());
    match upgrade {
        Some(protocol) => {
            request.headers_mut().insert(CONNECTION, HeaderValue::from_static("upgrade"));
            request.headers_mut().insert(UPGRADE, protocol.clone());
        }
        None => drop(request.headers_mut().remove(UPGRADE)),
    }
}

fn strip(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|names| names.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in named.iter().chain(&HOP_BY_HOP) {
        headers.remove(name);
    }
}

fn broken(error: &hyper::Error) -> Response {
    tracing::debug!(%error, "a preview broke off");
    page(StatusCode::BAD_GATEWAY, "The app did not answer", "It broke the connection off.", true)
}
