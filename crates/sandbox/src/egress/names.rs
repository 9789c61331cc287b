//! The made-up addresses of one session: a name that is looked up inside gets one, and a
//! connection to it is a connection to that name.
//!
//! Invariant: within a session a name has one address and an address one name, for good. Nothing
//! is ever forgotten, because an address given to a second name would lead the first one astray.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv4Addr},
};

/// Where the made-up addresses begin: the range for benchmarks (RFC 2544), which nobody routes.
pub(super) const MADE_UP: Ipv4Addr = Ipv4Addr::new(198, 18, 0, 0);
/// How many addresses the range has: a /15.
const RANGE: u32 = 1 << 17;
/// Names one session may look up.
const MAX_NAMES: usize = 4096;

/// The names of one session.
#[derive(Debug)]
pub(super) struct Names {
    first: u32,
    by_name: HashMap<String, usize>,
    by_index: Vec<String>,
}

impl Names {
    /// No names; the addresses will begin after `first`.
    pub fn starting_at(first: Ipv4Addr) -> Self {
        Self { first: first.into(), by_name: HashMap::new(), by_index: Vec::new() }
    }

    /// The address of a name, made up if it has none yet. `None` when there are too many names.
    pub fn address_of(&mut self, name: &str) -> Option<Ipv4Addr> {
        let index = match self.by_name.get(name) {
            Some(index) => *index,
            None if self.by_index.len() >= MAX_NAMES => return None,
            None => {
                self.by_index.push(name.to_owned());
                self.by_name.insert(name.to_owned(), self.by_index.len() - 1);
                self.by_index.len() - 1
            }
        };
        // The first address of the range is nobody's.
        Some((self.first + 1 + u32::try_from(index).ok()?).into())
    }

    /// Whether an address is one of those that are made up, given or not.
    pub fn is_made_up(&self, address: IpAddr) -> bool {
        self.offset(address).is_some()
    }

    /// The name that has this address.
    pub fn name_of(&self, address: IpAddr) -> Option<&str> {
        let index = usize::try_from(self.offset(address)?).ok()?.checked_sub(1)?;
        self.by_index.get(index).map(String::as_str)
    }

    fn offset(&self, address: IpAddr) -> Option<u32> {
        let IpAddr::V4(address) = address.to_canonical() else { return None };
        u32::from(address).checked_sub(self.first).filter(|offset| *offset < RANGE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_keeps_its_address_and_an_address_its_name() {
        let mut names = Names::starting_at(MADE_UP);
        let first = names.address_of("a.example").expect("an address");
        let second = names.address_of("b.example").expect("an address");
        assert_eq!((first, second), (Ipv4Addr::new(198, 18, 0, 1), Ipv4Addr::new(198, 18, 0, 2)));
        assert_eq!(names.address_of("a.example"), Some(first));
        assert_eq!(names.name_of(second.into()), Some("b.example"));
        assert_eq!(names.name_of(Ipv4Addr::new(198, 18, 0, 3).into()), None);
        assert_eq!(names.name_of(MADE_UP.into()), None);
        assert!(names.is_made_up(Ipv4Addr::new(198, 19, 255, 255).into()));
        assert!(!names.is_made_up(Ipv4Addr::new(198, 20, 0, 0).into()));
        assert!(!names.is_made_up(Ipv4Addr::new(1, 1, 1, 1).into()));
    }

    #[test]
    fn a_session_has_so_many_names_and_no_more() {
        let mut names = Names::starting_at(MADE_UP);
        for number in 0..MAX_NAMES {
            assert!(names.address_of(&format!("n{number}.example")).is_some());
        }
        assert_eq!(names.address_of("one-more.example"), None);
        assert!(names.address_of("n7.example").is_some());
    }
}
