//! Reading what a program writes: all of it is drained, the first bytes are kept.

use tokio::{
    io::{AsyncRead, AsyncReadExt},
    sync::mpsc::error::TrySendError,
};

use crate::{OutputChunk, OutputSender, Stream};

/// What was kept of one stream.
pub(super) struct Kept {
    pub bytes: Vec<u8>,
    pub truncated: bool,
}

/// Reads to the end. Never waits for the receiver of live output.
pub(super) async fn drain(
    mut source: impl AsyncRead + Unpin,
    stream: Stream,
    limit: usize,
    mut live: Option<OutputSender>,
) -> Kept {
    let mut kept = Kept { bytes: Vec::new(), truncated: false };
    let mut missed_bytes = 0;
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(read @ 1..) = source.read(&mut buffer).await {
        let fits = read.min(limit - kept.bytes.len());
        kept.truncated |= fits < read;
        kept.bytes.extend_from_slice(&buffer[..fits]);
        if fits == 0 {
            continue;
        }
        if let Some(sender) = &live {
            let chunk = OutputChunk { stream, bytes: buffer[..fits].to_vec(), missed_bytes };
            match sender.try_send(chunk) {
                Ok(()) => missed_bytes = 0,
                Err(TrySendError::Full(_)) => missed_bytes += fits as u64,
                Err(TrySendError::Closed(_)) => live = None,
            }
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_receiver_that_never_reads_stalls_nothing_and_learns_what_it_missed() {
        let (sender, mut receiver) = tokio::sync::mpsc::channel(1);
        let (mut writer, reader) = tokio::io::duplex(64);
        let reading = tokio::spawn(drain(reader, Stream::Stdout, 1000, Some(sender)));
        for _ in 0..10 {
            tokio::io::AsyncWriteExt::write_all(&mut writer, &[b'x'; 64]).await.expect("drained");
        }
        let first = receiver.recv().await.expect("the first chunk");
        assert_eq!(first.missed_bytes, 0);
        drop(writer);
        let kept = reading.await.expect("ends");
        assert_eq!((kept.bytes.len(), kept.truncated), (640, false));
    }

    #[tokio::test]
    async fn what_comes_after_the_limit_is_drained_and_thrown_away() {
        let (sender, mut receiver) = tokio::sync::mpsc::channel(8);
        let kept = drain(&[7_u8; 5000][..], Stream::Stderr, 100, Some(sender)).await;
        assert_eq!((kept.bytes.len(), kept.truncated), (100, true));
        assert_eq!(receiver.recv().await.expect("one chunk").bytes.len(), 100);
        assert!(receiver.recv().await.is_none());
    }
}
