//! Landlock: a second wall around files, and one around signals and sockets, that does not depend
//! on the mounts being right.
//!
//! Best effort by design: an older kernel enforces what it knows. The first wall is complete
//! without it.

use std::path::Path;

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, PathBeneath, PathFd, Ruleset,
    RulesetAttr, RulesetCreatedAttr, RulesetError, Scope,
};

use super::root::{TERMINALS, WRITABLE};
use crate::jail::wire::{Purpose, Spec};

/// The newest version whose rights are understood here.
const KNOWN: ABI = ABI::V7;

/// Restricts the calling process to what the specification's layout shows. Paths are those inside.
pub(super) fn restrict(spec: &Spec) -> Result<(), RulesetError> {
    let layout = &spec.layout;
    let is_session = matches!(spec.purpose, Purpose::Session { .. });
    let read = AccessFs::ReadFile | AccessFs::ReadDir;
    let rules = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(KNOWN))?;
    // No rule follows for these. A run: no port, no signal, no abstract socket beyond the program's
    // own. Programs of a session reach each other; beyond them there is nobody to be reached.
    let rules = if is_session {
        rules
    } else {
        rules.handle_access(AccessNet::from_all(KNOWN))?.scope(Scope::from_all(KNOWN))?
    };
    let mut rules = rules.create()?;
    let mut allow = |path: &Path, access: BitFlags<AccessFs>| -> Result<(), RulesetError> {
        let Ok(fd) = PathFd::new(path) else { return Ok(()) };
        (&mut rules).add_rule(PathBeneath::new(fd, access))?;
        Ok(())
    };
    allow(Path::new("/"), AccessFs::ReadDir.into())?;
    for path in ["/etc", "/proc"] {
        allow(Path::new(path), read)?;
    }
    allow(Path::new("/dev"), read | AccessFs::WriteFile)?;
    if is_session {
        allow(Path::new(TERMINALS), read | AccessFs::WriteFile | AccessFs::IoctlDev)?;
    }
    let programs = layout.folders.iter().chain(&layout.files).filter(|path| !path.starts_with("/etc"));
    for path in programs {
        let access =
            if path.is_dir() { read | AccessFs::Execute } else { AccessFs::ReadFile | AccessFs::Execute };
        allow(path, access)?;
    }
    let all_but_devices =
        AccessFs::from_all(KNOWN) & !(AccessFs::MakeChar | AccessFs::MakeBlock | AccessFs::IoctlDev);
    for folder in WRITABLE {
        allow(Path::new(folder), all_but_devices)?;
    }
    rules.restrict_self().map(drop)
}

/// The version this kernel has, 0 for none.
#[allow(unsafe_code)]
pub(in crate::jail) fn abi() -> i64 {
    const VERSION: libc::c_uint = 1;
    // SAFETY: with this flag the kernel reads no memory and returns a number.
    let version = unsafe {
        libc::syscall(libc::SYS_landlock_create_ruleset, std::ptr::null::<libc::c_void>(), 0_usize, VERSION)
    };
    version.max(0)
}
