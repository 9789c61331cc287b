//! Migrations are read at compile time: a new file must cause a new compile.

fn main() {
    println!("cargo:rerun-if-changed=migrations");
}
