//! Connections whose bytes pass untouched: TLS, and other protocols on ports that a rule names.
//!
//! What is inside TLS is not seen. What is seen is the greeting, and it has to name the host that
//! the connection was made for.

use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy_bidirectional};

use super::{
    Refusal, Stopped, hello,
    host::Host,
    meter::Metered,
    session::{Attempt, Session, Way},
    uplink::BoxedStream,
};

/// The port on which nothing but TLS passes.
const TLS_PORT: u16 = 443;

/// Serves a TLS connection that a tool made without knowing of the proxy.
pub(super) async fn serve_caught(
    session: Arc<Session>,
    mut client: BoxedStream,
    host: Result<Host, Refusal>,
    shown: String,
) {
    let name = host.as_ref().map_or(shown, ToString::to_string);
    let attempt = session.attempt(name, Some(TLS_PORT), Way::Tls);
    let connected = async {
        let host = host?;
        let reach = session.policy().judge(&host, TLS_PORT)?;
        check_budget(&session)?;
        // The greeting is judged before anything is resolved for it.
        let hello = hello::expect(&mut client, Vec::new(), &host, session.limits.first_bytes).await?;
        let upstream = session.uplink.connect(&host, TLS_PORT, reach).await?;
        Ok::<_, Stopped>((host, hello, upstream))
    };
    match connected.await {
        Ok((host, hello, upstream)) => {
            let upstream = Metered::new(upstream, attempt.meter().clone());
            relay(&session, &attempt, (&host, TLS_PORT), client, upstream, &hello).await;
        }
        Err(stopped) => attempt.stop(stopped),
    }
}

/// Carries a `CONNECT` tunnel that was allowed and answered; `upstream` is connected to the host.
pub(super) async fn serve_connect(
    session: Arc<Session>,
    attempt: Arc<Attempt>,
    mut client: BoxedStream,
    upstream: BoxedStream,
    host: Host,
    port: u16,
) {
    let mut upstream = Metered::new(upstream, attempt.meter().clone());
    let first = if port == TLS_PORT {
        hello::expect(&mut client, Vec::new(), &host, session.limits.first_bytes).await
    } else {
        first_words(&session, &mut client, &mut upstream, &host).await
    };
    match first {
        Ok(first) => relay(&session, &attempt, (&host, port), client, upstream, &first).await,
        Err(refusal) => attempt.stop(refusal),
    }
}

/// On other ports either side may speak first. A client that begins with TLS is held to the same
/// rule as on 443; a server that begins speaks something else, by its own decision.
async fn first_words(
    session: &Session,
    client: &mut BoxedStream,
    upstream: &mut Metered<BoxedStream>,
    host: &Host,
) -> Result<Vec<u8>, Refusal> {
    let mut from_client = [0; 4096];
    let mut from_server = [0; 4096];
    tokio::select! {
        biased;
        read = client.read(&mut from_client) => {
            let read = from_client[..read.unwrap_or(0)].to_vec();
            if hello::may_be_tls(&read) {
                return hello::expect(client, read, host, session.limits.first_bytes).await;
            }
            Ok(read)
        }
        read = upstream.read(&mut from_server) => {
            // A client that is gone is noticed by the relay.
            let _ = client.write_all(&from_server[..read.unwrap_or(0)]).await;
            Ok(Vec::new())
        }
        () = tokio::time::sleep(session.limits.idle) => Err(Refusal::TooSlow),
    }
}

/// Copies both ways until both have ended, nothing passes any more, or the host is withdrawn.
pub(super) async fn relay(
    session: &Session,
    attempt: &Attempt,
    (host, port): (&Host, u16),
    mut client: impl AsyncRead + AsyncWrite + Unpin,
    mut upstream: impl AsyncRead + AsyncWrite + Unpin,
    first: &[u8],
) {
    let copying = async {
        upstream.write_all(first).await?;
        copy_bidirectional(&mut client, &mut upstream).await
    };
    tokio::select! {
        // First, so that nothing is sent to a host that was withdrawn a moment ago.
        biased;
        () = session.withdrawn(host, port) => attempt.stop(Refusal::Withdrawn),
        // Either side may break off whenever it likes; there is nobody to tell.
        _ = copying => {}
        () = attempt.meter().idle(session.limits.idle) => {}
    }
}

/// Refuses what would go past the bytes of the session before it is begun.
pub(super) fn check_budget(session: &Session) -> Result<(), Refusal> {
    if session.budget.is_spent() { Err(Refusal::BudgetSpent) } else { Ok(()) }
}

/// A connection to a host that the policy allows now; for `CONNECT`, before it is answered.
pub(super) async fn open(session: &Session, host: &Host, port: u16) -> Result<BoxedStream, Stopped> {
    let reach = session.policy().judge(host, port)?;
    check_budget(session)?;
    let connecting = session.uplink.connect(host, port, reach);
    tokio::select! {
        connected = connecting => connected,
        () = session.withdrawn(host, port) => Err(Refusal::Withdrawn.into()),
    }
}
