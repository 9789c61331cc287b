//! Who may change what is canonical.
//!
//! What is in a canonical collection is part of every context, so whoever could write it could change
//! what all agents are told. It takes the scope `write:canonical`: a person's session has it, and so
//! has a token to which the owner gave everything or that scope by name. A token with `write:memory`
//! alone, such as an agent's, may read it and search it.

use ::memory::is_canonical;
use accounts::Scope;

use crate::auth::{Caller, WriteMemory};
use crate::error::Error;

/// Refuses to let a collection be changed by whoever may not.
pub(super) fn check(caller: &Caller<WriteMemory>, collection: &str) -> Result<(), Error> {
    if is_canonical(collection) && !caller.identity.scopes.allows(Scope::WriteCanonical) {
        return Err(Error::ScopeLacking(Scope::WriteCanonical));
    }
    Ok(())
}
