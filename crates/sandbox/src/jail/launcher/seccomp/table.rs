//! A filter that decides by the number of a call, but for one setting.
//!
//! Written by hand, because installing costs time in proportion to its length: the kernel tries
//! every number there is. Numbers that are decided alike and lie side by side share one test.

use std::collections::BTreeMap;

use seccompiler::{BpfProgram, sock_filter};

/// What becomes of a call; one that has no verdict is unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Allowed,
    Refused,
}

// From linux/bpf_common.h and linux/seccomp.h.
const LOAD: u16 = 0x20;
const JUMP_IF_EQUAL: u16 = 0x15;
const JUMP_IF_AT_LEAST: u16 = 0x35;
const RETURN: u16 = 0x06;
const ALLOW: u32 = 0x7fff_0000;
const ERRNO: u32 = 0x0005_0000;
const KILL_PROCESS: u32 = 0x8000_0000;
/// Where `struct seccomp_data` has the number and the architecture.
const NUMBER_OFFSET: u32 = 0;
const ARCHITECTURE_OFFSET: u32 = 4;
const ARGUMENTS_OFFSET: u32 = 16;

#[cfg(target_arch = "x86_64")]
const ARCHITECTURE: u32 = 0xc000_003e;
#[cfg(target_arch = "aarch64")]
const ARCHITECTURE: u32 = 0xc000_00b7;

/// The program: for each run of numbers with one verdict, in order, "below its end? this answer".
pub(super) fn program(verdicts: &BTreeMap<i64, Verdict>) -> BpfProgram {
    let mut program = vec![
        instruction(LOAD, 0, 0, ARCHITECTURE_OFFSET),
        instruction(JUMP_IF_EQUAL, 1, 0, ARCHITECTURE),
        instruction(RETURN, 0, 0, KILL_PROCESS),
        instruction(LOAD, 0, 0, NUMBER_OFFSET),
    ];
    program.extend(core_limit_stays());
    for (end, verdict) in runs(verdicts) {
        program.push(instruction(JUMP_IF_AT_LEAST, 1, 0, end));
        program.push(instruction(RETURN, 0, 0, answer(verdict)));
    }
    program.push(instruction(RETURN, 0, 0, answer(None)));
    program
}

/// Setting the limit of core files is answered as if it were done. Lowered to 0, as cautious programs
/// do at their start, it would let a crash start the host's own program for cores again, as the host's
/// root; `resource_limits` says which number does not.
fn core_limit_stays() -> Vec<sock_filter> {
    let number = |call: i64| u32::try_from(call).expect("system calls have small numbers");
    let argument = |at: u32| ARGUMENTS_OFFSET + 8 * at;
    let done = instruction(RETURN, 0, 0, ERRNO);
    let core = libc::RLIMIT_CORE;
    vec![
        instruction(JUMP_IF_EQUAL, 0, 3, number(libc::SYS_setrlimit)),
        instruction(LOAD, 0, 0, argument(0)),
        instruction(JUMP_IF_EQUAL, 0, 7, core),
        done.clone(),
        instruction(JUMP_IF_EQUAL, 0, 6, number(libc::SYS_prlimit64)),
        instruction(LOAD, 0, 0, argument(1)),
        instruction(JUMP_IF_EQUAL, 0, 3, core),
        // Asking for it is another matter: then there is no address of a new one.
        instruction(LOAD, 0, 0, argument(2)),
        instruction(JUMP_IF_EQUAL, 1, 0, 0),
        done,
        instruction(LOAD, 0, 0, NUMBER_OFFSET),
    ]
}

/// The runs in ascending order, each with the first number after it.
fn runs(verdicts: &BTreeMap<i64, Verdict>) -> Vec<(u32, Option<Verdict>)> {
    let mut runs: Vec<(u32, Option<Verdict>)> = Vec::new();
    let mut extend = |end: u32, verdict: Option<Verdict>| match runs.last_mut() {
        Some(last) if last.1 == verdict => last.0 = end,
        _ => runs.push((end, verdict)),
    };
    let mut next = 0;
    for (call, verdict) in verdicts {
        let call = u32::try_from(*call).expect("system calls have small numbers");
        if call > next {
            extend(call, None);
        }
        extend(call + 1, Some(*verdict));
        next = call + 1;
    }
    runs
}

fn answer(verdict: Option<Verdict>) -> u32 {
    match verdict {
        Some(Verdict::Allowed) => ALLOW,
        Some(Verdict::Refused) => ERRNO | libc::EPERM.unsigned_abs(),
        None => ERRNO | libc::ENOSYS.unsigned_abs(),
    }
}

fn instruction(code: u16, jt: u8, jf: u8, k: u32) -> sock_filter {
    sock_filter { code, jt, jf, k }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_side_by_side_share_a_run_and_gaps_are_unknown() {
        use Verdict::{Allowed, Refused};
        let verdicts = BTreeMap::from([(0, Allowed), (1, Allowed), (2, Refused), (5, Allowed)]);
        assert_eq!(runs(&verdicts), [(2, Some(Allowed)), (3, Some(Refused)), (5, None), (6, Some(Allowed))]);
    }
}
