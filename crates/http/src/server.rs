//! Serving the routes on a listener, until told to stop.

use std::future::Future;
use std::io;
use std::time::Duration;

use axum::Router;
use axum::serve::ListenerExt;
use tokio::net::TcpListener;

use crate::app::{Lifetime, Options};

/// How long requests that are being answered may take to end.
const GRACE: Duration = Duration::from_secs(10);

/// Serves `router` on `listener` until `shutdown` ends. Then streams are told to end, requests that
/// are being answered get ten seconds, and what is left is cut off.
///
/// # Errors
/// When the listener is not on loopback and the options do not say that it may be.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    options: &Options,
    lifetime: &Lifetime,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let address = listener.local_addr()?;
    if !address.ip().is_loopback() && !options.beyond_loopback {
        let problem = format!(
            "{address} can be reached from other machines; listen on 127.0.0.1, or allow it by setting"
        );
        return Err(io::Error::new(io::ErrorKind::InvalidInput, problem));
    }
    let listener = listener.tap_io(|connection| {
        // Events are small and should arrive when they happen. Without it they only arrive later.
        let _ = connection.set_nodelay(true);
    });
    let stopping = lifetime.stopping.clone();
    let stop = {
        let stopping = stopping.clone();
        async move {
            shutdown.await;
            stopping.cancel();
        }
    };
    let serving = async {
        let served = axum::serve(listener, router).with_graceful_shutdown(stop).await;
        lifetime.sockets.close();
        lifetime.sockets.wait().await;
        served
    };
    tokio::select! {
        served = serving => served,
        () = async { stopping.cancelled().await; tokio::time::sleep(GRACE).await } => {
            tracing::info!("cutting off requests that have not ended");
            Ok(())
        }
    }
}
