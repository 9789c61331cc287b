//! The elements of a list somewhere in a file of JSON, one at a time.
//!
//! Invariant: no more than one element is held, and none that is larger than a file may be.

use std::cell::Cell;
use std::fmt;
use std::io::{self, BufReader, Read};
use std::rc::Rc;

use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::archive::members::told;
use crate::archive::reading::{Halt, MAX_FILE_BYTES};
use crate::error::Error;

/// Why a list was not read to its end.
pub(super) enum Ended {
    /// Nobody wants more.
    Halted(Halt),
    /// It is no list of what was looked for.
    NotOne,
    /// It cannot be read on.
    Unreadable(kernel::Error),
}

/// Takes an element.
type Each<'e> = &'e mut dyn FnMut(&str) -> Result<(), Ended>;

/// Hands over every element of the list that these keys lead to, and tells whether there is one.
///
/// # Errors
/// What `each` says, and [`Ended::Unreadable`] where it is no JSON or an element is too large.
pub(super) fn each_of_list(from: impl Read, path: &[&str], each: Each<'_>) -> Result<bool, Ended> {
    let left = Rc::new(Cell::new(MAX_FILE_BYTES));
    let bounded = Bounded { from, left: left.clone() };
    let mut deserializer = serde_json::Deserializer::from_reader(BufReader::with_capacity(1 << 16, bounded));
    let mut ended = None;
    let within = Within { path, each, left: &left, ended: &mut ended };
    let found = within.deserialize(&mut deserializer);
    if let Some(ended) = ended {
        return Err(ended);
    }
    found.map_err(|error| {
        if error.is_io() {
            return Ended::Unreadable(told(&io::Error::from(error)));
        }
        let reason = format!("it cannot be read on: {error}");
        Ended::Unreadable(Error::RecordDamaged { reason }.into())
    })
}

struct Within<'a, 'e> {
    path: &'a [&'a str],
    each: Each<'e>,
    left: &'a Cell<u64>,
    ended: &'a mut Option<Ended>,
}

impl<'de> DeserializeSeed<'de> for Within<'_, '_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Within<'_, '_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of conversations")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<bool, A::Error> {
        if !self.path.is_empty() {
            while list.next_element::<IgnoredAny>()?.is_some() {
                self.left.set(MAX_FILE_BYTES);
            }
            return Ok(false);
        }
        self.left.set(MAX_FILE_BYTES);
        while let Some(piece) = list.next_element::<Box<RawValue>>()? {
            if let Err(ended) = (self.each)(piece.get()) {
                *self.ended = Some(ended);
                return Err(A::Error::custom("no more is wanted"));
            }
            self.left.set(MAX_FILE_BYTES);
        }
        Ok(true)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<bool, A::Error> {
        let Some((wanted, rest)) = self.path.split_first() else {
            while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {
                self.left.set(MAX_FILE_BYTES);
            }
            return Ok(false);
        };
        let mut found = false;
        while let Some(name) = members.next_key::<String>()? {
            self.left.set(MAX_FILE_BYTES);
            if name == *wanted {
                let within =
                    Within { path: rest, each: &mut *self.each, left: self.left, ended: &mut *self.ended };
                found |= members.next_value_seed(within)?;
            } else {
                members.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }

    fn visit_bool<E>(self, _: bool) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_i64<E>(self, _: i64) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_u64<E>(self, _: u64) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_f64<E>(self, _: f64) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_str<E>(self, _: &str) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_unit<E>(self) -> Result<bool, E> {
        Ok(false)
    }
}

/// What is read of an element, counted.
struct Bounded<R> {
    from: R,
    left: Rc<Cell<u64>>,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.from.read(into)?;
        match self.left.get().checked_sub(count as u64) {
            Some(left) => self.left.set(left),
            None => {
                let error = extract::Error::TooLarge {
                    what: "data in one conversation".into(),
                    bytes: MAX_FILE_BYTES,
                    exact: false,
                    limit: MAX_FILE_BYTES,
                };
                return Err(io::Error::other(kernel::Error::from(error)));
            }
        }
        Ok(count)
    }
}
