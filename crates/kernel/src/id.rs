//! Identifiers: a prefix that says what the thing is, then 20 characters that sort by time.
//!
//! The 20 characters are Crockford base 32 in lower case: 10 of milliseconds since 1970 and 10 of
//! randomness (50 bits), so that ids made later sort later and two made in the same millisecond
//! do not collide.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::clock::Clock;

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const BODY_LENGTH: usize = 20;

/// A source of randomness.
pub trait Entropy: Send + Sync {
    /// 64 random bits.
    fn next_u64(&self) -> u64;
}

/// The operating system's randomness.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn next_u64(&self) -> u64 {
        getrandom::u64().expect("the operating system provides randomness")
    }
}

/// Reproducible numbers from a seed (SplitMix64), for tests and simulations. Never for secrets.
#[derive(Debug)]
pub struct SeededEntropy(AtomicU64);

impl SeededEntropy {
    /// The sequence that belongs to `seed`.
    pub fn new(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }
}

impl Entropy for SeededEntropy {
    fn next_u64(&self) -> u64 {
        const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
        let mut z = self.0.fetch_add(STEP, Ordering::SeqCst).wrapping_add(STEP);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

/// Makes fresh identifiers.
#[derive(Clone)]
pub struct Ids {
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

impl Ids {
    /// Identifiers that carry the time of `clock` and the randomness of `entropy`.
    pub fn new(clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Self {
        Self { clock, entropy }
    }

    /// A fresh identifier of the wanted type.
    pub fn fresh<T: From<Body>>(&self) -> T {
        let millis = u64::try_from(self.clock.now().0).unwrap_or(0);
        T::from(Body::new(millis, self.entropy.next_u64()))
    }
}

/// The part of an identifier behind its prefix.
pub struct Body([u8; BODY_LENGTH]);

impl Body {
    fn new(millis: u64, random: u64) -> Self {
        let mut body = [0; BODY_LENGTH];
        for (half, mut bits) in [(0, millis), (1, random)] {
            for place in (0..10).rev() {
                body[half * 10 + place] = ALPHABET[(bits & 31) as usize];
                bits >>= 5;
            }
        }
        Self(body)
    }

    /// The characters.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("the alphabet is ASCII")
    }
}

/// A text that is not an identifier of the expected sort.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseIdError {
    /// The prefix that was expected, with its underscore.
    pub prefix: &'static str,
}

impl fmt::Display for ParseIdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected an identifier like {}01hv5k3m9x7q2w8e4r6t", self.prefix)
    }
}

impl std::error::Error for ParseIdError {}

/// Checks that `text` is `prefix` and 20 characters of the alphabet.
///
/// # Errors
/// [`ParseIdError`] when it is anything else.
pub fn parse(prefix: &'static str, text: &str) -> Result<(), ParseIdError> {
    let body = text.strip_prefix(prefix).ok_or(ParseIdError { prefix })?;
    let valid = body.len() == BODY_LENGTH && body.bytes().all(|byte| ALPHABET.contains(&byte));
    if valid { Ok(()) } else { Err(ParseIdError { prefix }) }
}

/// Declares an identifier type with its prefix.
#[macro_export]
macro_rules! id_type {
    ($(#[$attribute:meta])* $name:ident, $prefix:literal) => {
        $(#[$attribute])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(std::sync::Arc<str>);

        impl $name {
            /// The identifier as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<$crate::id::Body> for $name {
            fn from(body: $crate::id::Body) -> Self {
                Self(format!(concat!($prefix, "_{}"), body.as_str()).into())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::id::ParseIdError;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                $crate::id::parse(concat!($prefix, "_"), text).map(|()| Self(text.into()))
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, into: S) -> Result<S::Ok, S::Error> {
                into.serialize_str(&self.0)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str> as serde::Deserialize>::deserialize(from)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

id_type!(
    /// A run, also known as a job.
    RunId, "run"
);
id_type!(
    /// A document in memory.
    DocumentId, "doc"
);
id_type!(
    /// A supervisor session, a Studio session.
    SessionId, "ses"
);
id_type!(
    /// An access token's public part.
    TokenId, "tok"
);
id_type!(
    /// An entry in the planner's log.
    DispatchId, "dsp"
);
id_type!(
    /// An entry in the log of decisions and errors.
    LogEntryId, "log"
);
id_type!(
    /// A process that carries runs out.
    WorkerId, "wrk"
);
id_type!(
    /// A call of a model, in the ledger.
    CallId, "call"
);
id_type!(
    /// A limit on what models may be asked.
    LimitId, "lim"
);
id_type!(
    /// A request, as `X-Request-ID` carries it.
    RequestId, "req"
);

/// Parses an identifier that a person or program sent.
///
/// # Errors
/// [`crate::Kind::NotFound`] with `code`: an id that cannot exist does not exist.
pub fn known<T>(text: &str, code: &'static str) -> crate::Result<T>
where
    T: FromStr<Err = ParseIdError>,
{
    text.parse().map_err(|error: ParseIdError| {
        let shown: String = text.chars().take(60).collect();
        crate::Error::not_found(code, format!("There is nothing with the id `{shown}`"))
            .with_hint(error.to_string())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{FixedClock, Timestamp};
    use std::time::Duration;

    #[test]
    fn sorts_by_time_and_parses_back() {
        let clock = Arc::new(FixedClock::at(Timestamp(1_700_000_000_000)));
        let ids = Ids::new(clock.clone(), Arc::new(SeededEntropy::new(7)));
        let mut all: Vec<RunId> = Vec::new();
        for _ in 0..100 {
            all.push(ids.fresh());
            clock.advance(Duration::from_millis(1));
        }
        let mut sorted = all.clone();
        sorted.sort();
        assert_eq!(all, sorted);
        assert_eq!(all[3].as_str().parse(), Ok(all[3].clone()));
    }

    #[test]
    fn refuses_what_is_no_id() {
        for text in
            ["", "run_", "run_UPPERCASE0000000000", "doc_01hv5k3m9x7q2w8e4r6t", "run_01hv5k3m9x7q2w8e4r6!"]
        {
            assert!(RunId::from_str(text).is_err(), "{text}");
        }
    }
}
