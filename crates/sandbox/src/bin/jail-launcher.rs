//! The launcher as a program of its own, for this crate's tests; the `atelier` binary is its own
//! launcher.

fn main() {
    sandbox::jail::launcher_main()
}
