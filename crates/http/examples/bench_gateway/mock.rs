//! A provider that answers at once.

use std::io::Result;
use std::sync::Arc;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::announced;
use crate::answers::Answers;
use crate::message::Reader;

struct Mock {
    chat: Answers,
    anthropic: Answers,
}

/// Serves until standard input ends.
pub async fn serve() {
    let listener = announced().await;
    let mock = Arc::new(Mock { chat: Answers::chat(), anthropic: Answers::anthropic() });
    while let Ok((stream, _)) = listener.accept().await {
        let mock = mock.clone();
        tokio::spawn(async move {
            let _ = answer(&mock, stream).await;
        });
    }
}

async fn answer(mock: &Mock, mut stream: TcpStream) -> Result<()> {
    stream.set_nodelay(true)?;
    let (read, mut write) = stream.split();
    let mut requests = Reader::new(read);
    while let Some(request) = requests.next().await? {
        let answers = if request.head.contains("/messages") { &mock.anthropic } else { &mock.chat };
        let wants_stream = [&b"\"stream\":true"[..], b"\"stream\": true"]
            .iter()
            .any(|wish| request.body.windows(wish.len()).any(|part| part == *wish));
        if wants_stream {
            // The first words go with the head; the others come one by one, as a model says them.
            write.write_all(&answers.stream[..3].concat()).await?;
            for chunk in &answers.stream[3..] {
                write.write_all(chunk).await?;
            }
        } else {
            write.write_all(&answers.whole).await?;
        }
    }
    Ok(())
}
