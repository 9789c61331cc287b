//! What a credential allows.

use std::fmt;
use std::str::FromStr;

use crate::error::Error;

/// One thing that may be allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// See runs, their events and artifacts.
    ReadRuns,
    /// Submit runs, answer their gates, cancel, retry and fork them.
    WriteRuns,
    /// Search and export memory.
    ReadMemory,
    /// Put documents into memory and take them out.
    WriteMemory,
    /// Run code in a sandbox.
    RunCode,
    /// Ask models.
    InvokeModels,
    /// Change what is canonical in memory, together with [`Scope::WriteMemory`].
    WriteCanonical,
    /// Everything, tokens and settings included.
    Admin,
}

impl Scope {
    /// Every scope, in the order in which they are listed.
    pub const ALL: [Self; 8] = [
        Self::ReadRuns,
        Self::WriteRuns,
        Self::ReadMemory,
        Self::WriteMemory,
        Self::RunCode,
        Self::InvokeModels,
        Self::WriteCanonical,
        Self::Admin,
    ];

    /// The scope as stored and sent, such as `read:runs`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ReadRuns => "read:runs",
            Self::WriteRuns => "write:runs",
            Self::ReadMemory => "read:memory",
            Self::WriteMemory => "write:memory",
            Self::RunCode => "run:code",
            Self::InvokeModels => "llm:invoke",
            Self::WriteCanonical => "write:canonical",
            Self::Admin => "admin",
        }
    }

    fn bit(self) -> u8 {
        1 << self as u8
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Scope {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let known = Self::ALL.into_iter().find(|scope| scope.as_str() == text);
        known.ok_or_else(|| Error::UnknownScope(text.chars().take(60).collect()))
    }
}

/// A set of scopes. Its text form is their names, separated by commas.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Scopes(u8);

impl Scopes {
    /// Every scope there is.
    pub fn all() -> Self {
        Scope::ALL.into_iter().collect()
    }

    /// Whether `scope` is in the set, or [`Scope::Admin`], which includes it.
    pub fn allows(self, scope: Scope) -> bool {
        self.0 & (scope.bit() | Scope::Admin.bit()) != 0
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The scopes that were named, in the order of [`Scope::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Scope> {
        Scope::ALL.into_iter().filter(move |scope| self.0 & scope.bit() != 0)
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        Self(scopes.into_iter().fold(0, |bits, scope| bits | scope.bit()))
    }
}

impl FromStr for Scopes {
    type Err = Error;

    /// Reads names separated by commas, with or without spaces around them.
    fn from_str(text: &str) -> Result<Self, Error> {
        let names = text.split(',').map(str::trim).filter(|name| !name.is_empty());
        let scopes: Self = names.map(str::parse::<Scope>).collect::<Result<_, _>>()?;
        if scopes.is_empty() { Err(Error::NoScopes) } else { Ok(scopes) }
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.iter().map(Scope::as_str).collect();
        f.write_str(&names.join(","))
    }
}

impl fmt::Debug for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Scopes({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Result<&str, Error>) {
        let read = text.parse::<Scopes>().map(|scopes| scopes.to_string());
        assert_eq!(read, expected.map(str::to_owned), "{text}");
    }

    #[test]
    fn reads_lists_of_names() {
        check("read:runs", Ok("read:runs"));
        check(" run:code , read:runs,run:code ", Ok("read:runs,run:code"));
        check("admin,", Ok("admin"));
        check("", Err(Error::NoScopes));
        check(" , ", Err(Error::NoScopes));
        check("read:runs,fly", Err(Error::UnknownScope("fly".into())));
        check("READ:RUNS", Err(Error::UnknownScope("READ:RUNS".into())));
    }

    #[test]
    fn names_read_back() {
        for scope in Scope::ALL {
            assert_eq!(scope.as_str().parse(), Ok(scope));
        }
        assert_eq!(Scopes::all().to_string().parse(), Ok(Scopes::all()));
    }

    #[test]
    fn allows_what_was_named_and_everything_to_admin() {
        let some: Scopes = [Scope::ReadRuns, Scope::RunCode].into_iter().collect();
        assert!(some.allows(Scope::ReadRuns) && some.allows(Scope::RunCode));
        assert!(!some.allows(Scope::WriteRuns) && !some.allows(Scope::Admin));
        let admin: Scopes = [Scope::Admin].into_iter().collect();
        for scope in Scope::ALL {
            assert!(admin.allows(scope), "{scope}");
            assert!(!Scopes::default().allows(scope), "{scope}");
        }
    }

    #[test]
    fn an_unknown_scope_is_told_with_the_known_ones() {
        let error = kernel::Error::from("fly".parse::<Scopes>().unwrap_err());
        assert_eq!(error.message, "There is no scope `fly`");
        let hint = error.hint.unwrap();
        assert!(Scope::ALL.iter().all(|scope| hint.contains(scope.as_str())), "{hint}");
    }
}
