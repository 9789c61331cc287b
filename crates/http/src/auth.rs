//! Who is asking: a bearer token for programs, a cookie for the UI.
//!
//! A handler that takes a [`Caller`] cannot be reached without credentials that allow its scope.
//! It stands before the body among a handler's arguments, so nothing of a body is read for a
//! stranger.

use std::marker::PhantomData;

use accounts::{Identity, NewSession, Scope};
use axum::extract::FromRequestParts;
use axum::http::header::{AUTHORIZATION, COOKIE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue};
use kernel::Actor;

use crate::app::App;
use crate::error::Error;

const SESSION_COOKIE: &str = "atelier_session";
/// A session ends on the server; the cookie must only live at least as long.
const COOKIE_LIFETIME_SECONDS: u64 = 400 * 24 * 60 * 60;
/// Headers in which other programs carry keys. A token of ours does not count there.
const OTHER_HEADERS: [&str; 5] =
    ["x-api-key", "api-key", "x-auth-token", "x-access-token", "proxy-authorization"];

/// What a handler needs its caller to be allowed.
pub(crate) trait Need: Send + Sync + 'static {
    /// The scope; without one, any valid credentials do.
    const SCOPE: Option<Scope>;
}

macro_rules! needs {
    ($($name:ident = $scope:expr;)*) => {$(
        pub(crate) struct $name;
        impl Need for $name {
            const SCOPE: Option<Scope> = $scope;
        }
    )*};
}

needs! {
    Anyone = None;
    ReadRuns = Some(Scope::ReadRuns);
    WriteRuns = Some(Scope::WriteRuns);
    ReadMemory = Some(Scope::ReadMemory);
    WriteMemory = Some(Scope::WriteMemory);
    RunCode = Some(Scope::RunCode);
    InvokeModels = Some(Scope::InvokeModels);
    Admin = Some(Scope::Admin);
}

/// Who asks, once it is known that they may.
pub(crate) struct Caller<N> {
    pub actor: Actor,
    pub identity: Identity,
    need: PhantomData<N>,
}

impl<N: Need> FromRequestParts<App> for Caller<N> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Error> {
        let identity = identify(&parts.headers, app).await?;
        if let Some(scope) = N::SCOPE
            && !identity.scopes.allows(scope)
        {
            return Err(Error::ScopeLacking(scope));
        }
        Ok(Self { actor: identity.actor.clone(), identity, need: PhantomData })
    }
}

/// Who asks at the gateway, where Anthropic's clients send their token as a key.
pub(crate) async fn identify_client(headers: &HeaderMap, app: &App) -> Result<Identity, Error> {
    let identity = match headers.get("x-api-key").filter(|_| !headers.contains_key(AUTHORIZATION)) {
        Some(key) => {
            let key = key.to_str().map_err(|_| kernel::Error::from(accounts::Error::Unauthenticated))?;
            app.accounts.authenticate_bearer(key.trim()).await?
        }
        None => identify(headers, app).await?,
    };
    if identity.scopes.allows(Scope::InvokeModels) {
        Ok(identity)
    } else {
        Err(Error::ScopeLacking(Scope::InvokeModels))
    }
}

async fn identify(headers: &HeaderMap, app: &App) -> Result<Identity, Error> {
    if let Some(header) = misplaced(headers) {
        return Err(Error::MisplacedCredentials(header));
    }
    let mut given = headers.get_all(AUTHORIZATION).iter();
    match (given.next(), given.next()) {
        (Some(one), None) => {
            let token = bearer(one).ok_or_else(|| kernel::Error::from(accounts::Error::Unauthenticated))?;
            Ok(app.accounts.authenticate_bearer(token).await?)
        }
        (Some(_), Some(_)) => Err(kernel::Error::from(accounts::Error::Unauthenticated).into()),
        (None, _) => match session_cookie(headers) {
            Some(cookie) => Ok(app.accounts.authenticate_session(cookie).await?),
            None => Err(Error::NoCredentials),
        },
    }
}

fn bearer(value: &HeaderValue) -> Option<&str> {
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

fn misplaced(headers: &HeaderMap) -> Option<&'static str> {
    let carries = |name: &&str| {
        let value = headers.get(*name).map(HeaderValue::as_bytes).unwrap_or_default();
        value.windows(4).any(|part| part == b"atl_")
    };
    OTHER_HEADERS.into_iter().find(carries)
}

/// The value of the session cookie, if there is one.
pub(crate) fn session_cookie(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    cookies.flat_map(|cookies| cookies.split(';')).find_map(|cookie| {
        let (name, value) = cookie.trim().split_once('=')?;
        (name == SESSION_COOKIE).then_some(value)
    })
}

/// The header that gives the browser a session.
pub(crate) fn set_cookie(session: &NewSession) -> HeaderValue {
    cookie(session.cookie_value.expose(), COOKIE_LIFETIME_SECONDS)
}

/// The header that takes it away.
pub(crate) fn clear_cookie() -> HeaderValue {
    cookie("", 0)
}

fn cookie(value: &str, seconds: u64) -> HeaderValue {
    let text = format!("{SESSION_COOKIE}={value}; Path=/; HttpOnly; SameSite=Strict; Max-Age={seconds}");
    let mut header = HeaderValue::try_from(text).expect("a session's secret is plain text");
    header.set_sensitive(true);
    header
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_session_among_other_cookies() {
        let mut headers = HeaderMap::new();
        assert_eq!(session_cookie(&headers), None);
        headers.append(COOKIE, HeaderValue::from_static("a=1; atelier_sessions=no"));
        headers.append(COOKIE, HeaderValue::from_static("b=2;atelier_session=yes; c=3"));
        assert_eq!(session_cookie(&headers), Some("yes"));
    }

    #[test]
    fn reads_a_bearer_token_in_any_case_of_the_scheme() {
        let read = |text: &'static str| bearer(&HeaderValue::from_static(text)).map(str::to_owned);
        assert_eq!(read("Bearer atl_x").as_deref(), Some("atl_x"));
        assert_eq!(read("bearer  atl_x").as_deref(), Some("atl_x"));
        assert_eq!(read("Basic atl_x"), None);
        assert_eq!(read("Bearer"), None);
    }
}
