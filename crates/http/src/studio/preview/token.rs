//! Who may see a preview: whoever has its address, signed, for a day.

use axum::http::header::COOKIE;
use axum::http::{HeaderMap, HeaderValue};
use kernel::{SessionId, Timestamp};

/// How long a signed address lets somebody in, in milliseconds.
const LIFETIME_MS: i64 = 24 * 60 * 60 * 1000;

/// Signs the addresses of previews.
#[derive(Clone)]
pub struct PreviewKey([u8; 32]);

impl PreviewKey {
    /// A key of these bytes, which nobody else may know.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// A token for a session's previews: when it ends, and the signature.
    pub(super) fn sign(&self, id: &SessionId, now: Timestamp) -> String {
        // To the hour, so that the address stays the same for a while and a frame is not loaded anew.
        const HOUR_MS: i64 = 60 * 60 * 1000;
        let until = (now.0 / HOUR_MS) * HOUR_MS + LIFETIME_MS;
        format!("{until:x}.{}", self.signature(id, until).to_hex())
    }

    /// Whether a token is one of this session and not over.
    pub(super) fn verifies(&self, id: &SessionId, token: &str, now: Timestamp) -> bool {
        let parsed = token.split_once('.').and_then(|(until, signature)| {
            Some((i64::from_str_radix(until, 16).ok()?, blake3::Hash::from_hex(signature).ok()?))
        });
        // Two hashes are compared in constant time.
        parsed.is_some_and(|(until, signature)| now.0 < until && self.signature(id, until) == signature)
    }

    /// A token that shows a session until then, as long as its owner has not ended all of this
    /// generation.
    pub(in crate::studio) fn sign_share(&self, id: &SessionId, generation: u32, until: Timestamp) -> String {
        format!("{id}.{:x}.{}", until.0, self.share_signature(id, generation, until).to_hex())
    }

    /// Whether a token shows this session and is not over.
    pub(in crate::studio) fn verifies_share(
        &self,
        id: &SessionId,
        generation: u32,
        token: &str,
        now: Timestamp,
    ) -> bool {
        let parts: Vec<&str> = token.split('.').collect();
        let [named, until, signature] = parts.as_slice() else { return false };
        let (Ok(until), Ok(signature)) = (i64::from_str_radix(until, 16), blake3::Hash::from_hex(signature))
        else {
            return false;
        };
        *named == id.as_str()
            && now.0 < until
            && self.share_signature(id, generation, Timestamp(until)) == signature
    }

    fn share_signature(&self, id: &SessionId, generation: u32, until: Timestamp) -> blake3::Hash {
        blake3::keyed_hash(&self.0, format!("share {id} {generation} {}", until.0).as_bytes())
    }

    fn signature(&self, id: &SessionId, until: i64) -> blake3::Hash {
        blake3::keyed_hash(&self.0, format!("preview {id} {until}").as_bytes())
    }
}

impl std::fmt::Debug for PreviewKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PreviewKey")
    }
}

/// Takes one cookie out of a request and leaves the others.
pub(super) fn take_cookie(headers: &mut HeaderMap, name: &str) -> Option<String> {
    let mut taken = None;
    let mut others = Vec::new();
    for value in headers.get_all(COOKIE) {
        let Ok(text) = value.to_str() else { continue };
        for pair in text.split(';').map(str::trim).filter(|pair| !pair.is_empty()) {
            match pair.split_once('=') {
                Some((own, value)) if own == name => taken = Some(value.to_owned()),
                _ => others.push(pair.to_owned()),
            }
        }
    }
    headers.remove(COOKIE);
    if !others.is_empty()
        && let Ok(value) = HeaderValue::try_from(others.join("; "))
    {
        headers.insert(COOKIE, value);
    }
    taken
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(last: char) -> SessionId {
        format!("ses_0000000000000000000{last}").parse().expect("an id")
    }

    #[test]
    fn a_token_is_for_one_session_and_a_day() {
        let key = PreviewKey::new([7; 32]);
        let now = Timestamp(1_795_253_400_000);
        let token = key.sign(&session('a'), now);
        let later = |hours: i64| Timestamp(now.0 + hours * 60 * 60 * 1000);
        assert!(key.verifies(&session('a'), &token, now) && key.verifies(&session('a'), &token, later(23)));
        assert!(!key.verifies(&session('a'), &token, later(24)));
        assert!(!key.verifies(&session('b'), &token, now));
        assert!(!PreviewKey::new([8; 32]).verifies(&session('a'), &token, now));
        let (_, signature) = token.split_once('.').expect("two parts");
        assert!(!key.verifies(&session('a'), &format!("{:x}.{signature}", now.0 * 2), now));
        for other in ["", ".", "x.y", "1f.00"] {
            assert!(!key.verifies(&session('a'), other, now));
        }
    }

    #[test]
    fn a_shared_link_is_for_one_session_and_ends_with_its_generation() {
        let key = PreviewKey::new([7; 32]);
        let token = key.sign_share(&session('a'), 0, Timestamp(1_000));
        assert!(key.verifies_share(&session('a'), 0, &token, Timestamp(999)));
        assert!(!key.verifies_share(&session('a'), 0, &token, Timestamp(1_000)));
        assert!(!key.verifies_share(&session('a'), 1, &token, Timestamp(1)));
        assert!(!key.verifies_share(&session('b'), 0, &token, Timestamp(1)));
        for odd in ["", "a", "a.b.c", &token.replace('.', ".."), &format!("{token}.x")] {
            assert!(!key.verifies_share(&session('a'), 0, odd, Timestamp(1)), "{odd}");
        }
    }

    #[test]
    fn only_our_cookie_is_taken() {
        let mut headers = HeaderMap::new();
        headers.append(COOKIE, HeaderValue::from_static("a=1; atelier_preview=tok; b=2"));
        headers.append(COOKIE, HeaderValue::from_static("c=3"));
        assert_eq!(take_cookie(&mut headers, "atelier_preview").as_deref(), Some("tok"));
        assert_eq!(headers.get_all(COOKIE).iter().collect::<Vec<_>>(), ["a=1; b=2; c=3"]);
        assert_eq!(take_cookie(&mut headers, "atelier_preview"), None);
    }
}
