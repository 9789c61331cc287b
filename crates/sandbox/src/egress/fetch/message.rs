//! The request as the caller wants it, and what is left of it after a redirect.

use bytes::Bytes;
use hyper::{
    HeaderMap, Method, StatusCode,
    header::{
        ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONNECTION, CONTENT_LENGTH, COOKIE, EXPECT, HOST, HeaderName,
        HeaderValue, PROXY_AUTHORIZATION, TE, TRANSFER_ENCODING, UPGRADE, USER_AGENT,
    },
};

use super::{FetchError, FetchRequest};

/// Headers that the caller may not choose: they say who asks, or how the request is made.
const BARRED: [HeaderName; 11] = [
    ACCEPT_ENCODING,
    AUTHORIZATION,
    PROXY_AUTHORIZATION,
    COOKIE,
    HOST,
    CONNECTION,
    CONTENT_LENGTH,
    TRANSFER_ENCODING,
    TE,
    UPGRADE,
    EXPECT,
];

/// The request, as it changes on its way.
pub(super) struct Message {
    pub method: Method,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Message {
    pub fn new(request: &FetchRequest) -> Result<Self, FetchError> {
        let bad = |reason: String| FetchError::BadRequest { reason };
        let method = request.method.to_ascii_uppercase();
        let method = Method::from_bytes(method.as_bytes()).ok();
        let method = method.filter(|method| !matches!(*method, Method::CONNECT | Method::TRACE));
        let method = method.ok_or_else(|| bad(format!("`{}` is not a method for it", request.method)))?;
        let mut headers = HeaderMap::new();
        headers.insert(USER_AGENT, HeaderValue::from_static(concat!("atelier/", env!("CARGO_PKG_VERSION"))));
        headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
        for (name, value) in &request.headers {
            let parsed: HeaderName = name.parse().map_err(|_| bad(format!("`{name}` is not a header")))?;
            let is_barred = BARRED.contains(&parsed) || parsed.as_str().starts_with("proxy-");
            if is_barred || parsed.as_str().starts_with("sec-") {
                return Err(bad(format!("the header `{parsed}` is not the caller's to set")));
            }
            let value = HeaderValue::from_str(value)
                .map_err(|_| bad(format!("the value of `{parsed}` cannot be sent")))?;
            headers.insert(parsed, value);
        }
        Ok(Self { method, headers, body: Bytes::from(request.body.clone()) })
    }

    /// Changes it for the address that an answer leads to.
    pub fn redirected(&mut self, status: StatusCode, is_same_host: bool) {
        let keeps_method = matches!(self.method, Method::GET | Method::HEAD);
        if matches!(status.as_u16(), 301..=303) && !keeps_method {
            self.method = Method::GET;
            self.body = Bytes::new();
        }
        if !is_same_host {
            // Anything else may be a key that was meant for the first host.
            let kept = [USER_AGENT, ACCEPT];
            let names: Vec<HeaderName> = self.headers.keys().filter(|n| !kept.contains(n)).cloned().collect();
            for name in names {
                self.headers.remove(name);
            }
            self.body = Bytes::new();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_says_who_asks_is_sent() {
        for name in ["Authorization", "cookie", "Host", "Proxy-Authorization", "proxy-x", "Transfer-Encoding"]
        {
            let mut request = FetchRequest::get("https://example.com/");
            request.headers.push((name.into(), "x".into()));
            assert!(matches!(Message::new(&request), Err(FetchError::BadRequest { .. })), "{name}");
        }
    }

    #[test]
    fn what_the_caller_adds_stays_with_its_host() {
        let mut request = FetchRequest::get("https://example.com/");
        request.method = "post".into();
        request.headers.push(("X-Api-Key".into(), "k".into()));
        request.body = b"b".to_vec();
        let mut message = Message::new(&request).expect("a message");
        message.redirected(StatusCode::TEMPORARY_REDIRECT, true);
        assert!(message.headers.contains_key("x-api-key") && message.method == Method::POST);
        message.redirected(StatusCode::TEMPORARY_REDIRECT, false);
        assert!(!message.headers.contains_key("x-api-key") && message.body.is_empty());
        message.redirected(StatusCode::SEE_OTHER, true);
        assert_eq!(message.method, Method::GET);
    }
}
