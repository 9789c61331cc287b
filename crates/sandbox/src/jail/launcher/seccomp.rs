//! Which system calls a program may make.
//!
//! Two filters, both of which must agree. The *table* decides by the number of the call: what is
//! listed goes on; what a program should be told it may not do answers `EPERM`; everything else,
//! also what kernels yet to come will have, answers `ENOSYS`, upon which libraries take their
//! older way (`clone3`, `openat2`). The *argument* filter refuses calls that are dangerous with
//! certain arguments only.
//!
//! Foreign architectures (`int 0x80` on x86-64) kill the process; the x32 calls have numbers of
//! their own and so are not on the list.

mod allowed;
mod refused;
mod table;

use std::{collections::BTreeMap, io};

use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, TargetArch};

/// Compiled filters, ready to be applied to any number of processes.
pub(super) struct Filters {
    arguments: BpfProgram,
    table: BpfProgram,
}

/// What the filters depend on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Conditions {
    /// Without a memory cgroup, memory that belongs to no process cannot be counted, so the calls
    /// that make it are refused.
    pub has_memory_group: bool,
    /// Whether programs may have sockets of the internet's kind. In a jail that stays there is
    /// nobody at the other end but its own programs and the ways out it was given.
    pub has_loopback: bool,
}

/// Compiles them.
pub(super) fn compile(conditions: Conditions) -> io::Result<Filters> {
    let architecture = TargetArch::try_from(std::env::consts::ARCH).map_err(io::Error::other)?;
    let eperm = SeccompAction::Errno(libc::EPERM.unsigned_abs());
    let arguments =
        SeccompFilter::new(refused::arguments(conditions), SeccompAction::Allow, eperm, architecture)
            .and_then(BpfProgram::try_from)
            .map_err(io::Error::other)?;
    Ok(Filters { arguments, table: table::program(&verdicts(conditions)) })
}

fn verdicts(conditions: Conditions) -> BTreeMap<i64, table::Verdict> {
    let allowed = allowed::calls().map(|call| (call, table::Verdict::Allowed));
    let refused = refused::calls(conditions).map(|call| (call, table::Verdict::Refused));
    // What is on both lists is refused.
    allowed.chain(refused).collect()
}

impl Filters {
    /// Applies both to this process and what it starts, for good. The table comes last, because
    /// it refuses any further filter.
    pub(super) fn apply(&self) -> io::Result<()> {
        seccompiler::apply_filter(&self.arguments).map_err(io::Error::other)?;
        seccompiler::apply_filter(&self.table).map_err(io::Error::other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_filters_are_small_enough_to_be_installed_quickly() {
        for (has_memory_group, has_loopback) in [(true, false), (false, true)] {
            let filters = compile(Conditions { has_memory_group, has_loopback }).expect("compiles");
            assert!(filters.table.len() < 400, "{}", filters.table.len());
            assert!(filters.arguments.len() < 500, "{}", filters.arguments.len());
        }
    }

    #[test]
    fn memory_that_nobody_counts_is_refused_only_without_a_group() {
        for (has_memory_group, expected) in
            [(true, table::Verdict::Allowed), (false, table::Verdict::Refused)]
        {
            let conditions = Conditions { has_memory_group, has_loopback: false };
            assert_eq!(verdicts(conditions).get(&libc::SYS_memfd_create), Some(&expected));
        }
    }
}
