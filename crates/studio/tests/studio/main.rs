//! Sessions over the real jail: templates are installed from the registries this machine is set up
//! with, served, and asked for.

mod sessions;
mod support;
