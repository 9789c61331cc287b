//! The launcher that this crate's tests give the jail; the program itself uses its own.

fn main() {
    sandbox::jail::launcher_main()
}
