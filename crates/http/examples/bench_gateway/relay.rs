//! A gateway that does nothing: it copies bytes. What it adds is what any gateway must add on the
//! machine it runs on, one more process to be woken twice.

use std::io::Result;
use std::net::SocketAddr;

use tokio::net::TcpStream;

use crate::{announced, given};

/// Serves until standard input ends.
pub async fn serve() {
    let address: SocketAddr = given("--address").expect("--address names who answers");
    let listener = announced().await;
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(async move {
            let _ = copy(stream, address).await;
        });
    }
}

async fn copy(mut client: TcpStream, address: SocketAddr) -> Result<()> {
    let mut upstream = TcpStream::connect(address).await?;
    client.set_nodelay(true)?;
    upstream.set_nodelay(true)?;
    tokio::io::copy_bidirectional(&mut client, &mut upstream).await?;
    Ok(())
}
