//! What comes out of documents of every format, what becomes of hostile ones, and that workers outlive
//! them.

mod chunks;
mod formats;
mod hostile;
mod made;
mod properties;
mod workers;
