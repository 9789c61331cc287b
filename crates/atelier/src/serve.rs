//! `atelier serve`: one workspace, served until the process is told to stop.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use accounts::{Accounts, NewToken, Scopes};
use kernel::{Error, TokenId};
use serde_json::json;
use store::Workspace;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use crate::composition;
use crate::logging;
use crate::settings::Settings;

/// How long steps that are being carried out may go on after the signal to stop.
const GRACE: Duration = Duration::from_secs(5);

/// Serves the workspace in `folder` until SIGTERM or SIGINT.
///
/// # Errors
/// When the folder is in use or unusable, the port is taken, or a setting is wrong.
pub async fn serve(folder: PathBuf, listen: Option<SocketAddr>) -> kernel::Result<()> {
    let lock = Workspace::lock(&folder)?;
    let folder = std::fs::canonicalize(&folder).map_err(Error::internal)?;
    let mut settings = Settings::load(&folder)?;
    if let Some(listen) = listen {
        settings.listen = listen;
    }
    let listener = bind(settings.listen).await?;
    let address = listener.local_addr().map_err(Error::internal)?;
    let workshop = composition::compose(&folder, &settings).await?;
    logging::start(&folder, &settings.log)?;
    let accounts = workshop.app.accounts.clone();
    let own_token = announce(&folder, address, &accounts).await?;
    let (options, lifetime) = (workshop.app.options.clone(), workshop.app.lifetime.clone());
    let providers = workshop.app.services.providers.clone();
    let looking = tokio::spawn(composition::look_around(providers, settings.models.ollama.warm_up));
    let connectors = workshop.app.services.connectors.clone();
    let router = http_surface::router(workshop.app);
    let signalled = lifetime.stopping.clone();
    let (engine, accounting, studio) = (workshop.engine, workshop.accounting, workshop.studio);
    let tidying = tokio::spawn({
        let (studio, connectors) = (studio.clone(), connectors.clone());
        async move {
            let mut rounds = tokio::time::interval(Duration::from_secs(60));
            for round in 0_u64.. {
                rounds.tick().await;
                studio.close_idle(studio::studio::IDLE).await;
                connectors.close_idle();
                // Every hour, beginning at once.
                if round % 60 == 0
                    && let Err(error) = studio.empty_trash().await
                {
                    tracing::warn!(%error, "the Studio's trash could not be emptied");
                }
            }
        }
    });
    // Steps and requests get their time to end side by side, so that both fit into ten seconds.
    let (served, ()) = tokio::join!(
        async {
            let served = http_surface::serve(listener, router, &options, &lifetime, stop_signal()).await;
            lifetime.stopping.cancel();
            served
        },
        async {
            signalled.cancelled().await;
            tracing::info!("stopping");
            tokio::join!(engine.stop(GRACE), studio.close_all());
            connectors.close_all();
        }
    );
    looking.abort();
    tidying.abort();
    let _ = std::fs::remove_file(folder.join("server.json"));
    if let Err(error) = accounts.revoke_token(&own_token).await {
        tracing::warn!(%error, "the command line's token could not be revoked");
    }
    // After the last call has ended, before the database closes.
    accounting.flush().await;
    workshop.workspace.database().close().await;
    // The indices are closed with what still holds them. The system lets go of the lock when the process
    // ends, which is after that.
    std::mem::forget(lock);
    served.map_err(Error::internal)
}

async fn bind(address: SocketAddr) -> kernel::Result<TcpListener> {
    if !address.ip().is_loopback() {
        let message = format!("{address} is not on this machine's loopback, so others could reach it");
        return Err(Error::invalid("listen_not_loopback", message)
            .with_hint("Listen on 127.0.0.1 and let a reverse proxy or a tunnel reach it"));
    }
    TcpListener::bind(address).await.map_err(|error| match error.kind() {
        std::io::ErrorKind::AddrInUse => {
            Error::conflict("port_in_use", format!("Something already listens on {address}"))
                .with_hint("Stop it, or choose another port with --listen 127.0.0.1:PORT")
        }
        std::io::ErrorKind::PermissionDenied => {
            Error::invalid("port_not_allowed", format!("This user may not listen on {address}"))
                .with_hint("Choose a port above 1023 with --listen")
        }
        _ => Error::unavailable("cannot_listen", format!("Cannot listen on {address}: {error}")),
    })
}

/// Tells programs of this user where the server is, and the person how to open it.
async fn announce(folder: &Path, address: SocketAddr, accounts: &Accounts) -> kernel::Result<TokenId> {
    let name = "command line of this server".to_owned();
    let issued = accounts.issue_token(NewToken { name, scopes: Scopes::all(), expires_at: None }).await?;
    let url = format!("http://{address}");
    let content =
        json!({ "url": url, "pid": std::process::id(), "token": issued.secret.expose() }).to_string();
    write_private(&folder.join("server.json"), &content).map_err(|error| {
        Error::unavailable(
            "workspace_read_only",
            format!("The workspace folder cannot be written to: {error}"),
        )
    })?;
    let key = accounts.new_open_key().await?;
    println!("Atelier {} serves {}", env!("CARGO_PKG_VERSION"), folder.display());
    println!("Open {url}/open?key={key}");
    let _ = std::io::stdout().flush();
    Ok(issued.id)
}

/// Writes a file only its owner can read, whole or not at all.
fn write_private(path: &Path, content: &str) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new().prefix(".server-").tempfile_in(folder)?;
    file.write_all(content.as_bytes())?;
    file.persist(path)?;
    Ok(())
}

async fn stop_signal() {
    let (Ok(mut terminate), Ok(mut interrupt)) =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        tracing::error!("signals cannot be listened for; stop the server by ending its process");
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}
