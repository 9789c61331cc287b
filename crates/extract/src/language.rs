//! Languages of source code, by file name, by first line, and by the name in a Markdown fence.
//!
//! One table holds them all; a language is its position's name, so that one of a later version is
//! never mistaken for another.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

/// A language of source code, as `Rust` or `Python`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Language(Cow<'static, str>);

/// Name, file endings and other names, names of programs in a `#!` line.
type Row = (&'static str, &'static [&'static str], &'static [&'static str]);

const LANGUAGES: &[Row] = &[
    ("Ada", &["adb", "ads"], &[]),
    ("Assembly", &["asm", "s"], &[]),
    ("Awk", &["awk"], &["awk", "gawk"]),
    ("C", &["c", "h"], &[]),
    ("C#", &["cs", "csharp"], &[]),
    ("C++", &["cpp", "cc", "cxx", "hpp", "hh", "hxx", "ipp", "c++"], &[]),
    ("CMake", &["cmake"], &[]),
    ("CSS", &["css", "scss", "sass", "less"], &[]),
    ("CUDA", &["cu", "cuh"], &[]),
    ("Clojure", &["clj", "cljs", "cljc", "edn"], &[]),
    ("Crystal", &["cr"], &["crystal"]),
    ("D", &["d"], &[]),
    ("Dart", &["dart"], &[]),
    ("Dockerfile", &["dockerfile", "containerfile"], &[]),
    ("Elixir", &["ex", "exs"], &["elixir"]),
    ("Elm", &["elm"], &[]),
    ("Erlang", &["erl", "hrl"], &["escript"]),
    ("F#", &["fs", "fsi", "fsx"], &[]),
    ("Fortran", &["f", "f77", "f90", "f95", "f03", "for"], &[]),
    ("GLSL", &["glsl", "vert", "frag", "comp"], &[]),
    ("Go", &["go", "golang"], &[]),
    ("GraphQL", &["graphql", "gql"], &[]),
    ("Groovy", &["groovy", "gradle"], &["groovy"]),
    ("HCL", &["hcl", "tf", "tfvars"], &[]),
    ("Haskell", &["hs", "lhs"], &["runhaskell"]),
    ("INI", &["ini", "cfg", "conf", "properties", "editorconfig"], &[]),
    ("Java", &["java"], &[]),
    ("JavaScript", &["js", "jsx", "mjs", "cjs", "node"], &["node", "nodejs"]),
    ("Julia", &["jl"], &["julia"]),
    ("Kotlin", &["kt", "kts"], &[]),
    ("Lisp", &["lisp", "cl", "el", "elisp"], &["sbcl", "emacs"]),
    ("Lua", &["lua"], &["lua"]),
    ("Makefile", &["makefile", "gnumakefile", "mk", "make"], &["make"]),
    ("Nim", &["nim", "nims"], &[]),
    ("Nix", &["nix"], &[]),
    ("OCaml", &["ml", "mli"], &["ocaml"]),
    ("Objective-C", &["mm", "objc"], &[]),
    ("PHP", &["php", "phtml"], &["php"]),
    ("Pascal", &["pas", "pp", "dpr"], &[]),
    ("Perl", &["pl", "pm"], &["perl"]),
    ("PowerShell", &["ps1", "psm1", "psd1"], &["pwsh"]),
    ("Prolog", &["pro", "prolog"], &["swipl"]),
    ("Protocol Buffers", &["proto", "protobuf"], &[]),
    ("Python", &["py", "pyi", "pyw", "py3"], &["python", "python2", "python3", "pypy3", "uv"]),
    ("R", &["r"], &["rscript"]),
    ("Ruby", &["rb", "rake", "gemspec", "rakefile", "gemfile"], &["ruby"]),
    ("Rust", &["rs"], &["rust-script"]),
    ("SQL", &["sql", "ddl"], &[]),
    ("Scala", &["scala", "sc", "sbt"], &["scala"]),
    ("Scheme", &["scm", "ss", "rkt"], &["guile", "racket"]),
    ("Shell", &["sh", "bash", "zsh", "fish", "ksh", "shell"], &["sh", "bash", "zsh", "dash", "ksh", "fish"]),
    ("Solidity", &["sol"], &[]),
    ("Svelte", &["svelte"], &[]),
    ("Swift", &["swift"], &["swift"]),
    ("Tcl", &["tcl"], &["tclsh", "wish"]),
    ("TeX", &["tex", "sty", "cls", "latex"], &[]),
    ("TypeScript", &["ts", "tsx", "mts", "cts"], &["deno", "bun", "tsx", "ts-node"]),
    ("V", &["v"], &[]),
    ("VHDL", &["vhd", "vhdl"], &[]),
    ("Verilog", &["sv", "svh", "vh"], &[]),
    ("Vim script", &["vim", "vimrc"], &[]),
    ("Visual Basic", &["vb", "bas", "vbs"], &[]),
    ("Vue", &["vue"], &[]),
    ("WebAssembly", &["wat", "wast"], &[]),
    ("XML", &["xml", "xsd", "xsl", "xslt", "svg", "plist"], &[]),
    ("Zig", &["zig"], &[]),
];

impl Language {
    /// The language's name, as people write it.
    pub fn name(&self) -> &str {
        &self.0
    }

    /// The language of a file, by its name.
    pub fn of_file(name: &str) -> Option<Self> {
        let name = name.rsplit(['/', '\\']).next().unwrap_or(name).to_lowercase();
        match name.rsplit_once('.') {
            Some((_, ending)) => by_ending(ending),
            None => by_ending(&name).filter(|_| name.len() > 3),
        }
    }

    /// The language of a text whose first line names its interpreter.
    pub fn of_first_line(text: &str) -> Option<Self> {
        let line = text.strip_prefix("#!")?.lines().next()?;
        let mut words = line.split_whitespace().filter(|word| !word.starts_with('-'));
        let mut program = words.next()?.rsplit('/').next()?;
        if program == "env" {
            program = words.find(|word| !word.contains('='))?.rsplit('/').next()?;
        }
        let program = program.to_lowercase();
        let program = program.trim_end_matches(|letter: char| letter.is_ascii_digit() || letter == '.');
        let row = LANGUAGES.iter().find(|(_, _, programs)| {
            programs
                .iter()
                .any(|known| known.trim_end_matches(|letter: char| letter.is_ascii_digit()) == program)
        });
        row.map(|(name, ..)| Self(Cow::Borrowed(name)))
    }

    /// The language that a Markdown fence names, as `rust` or `py,ignore`.
    pub fn of_fence(info: &str) -> Option<Self> {
        let word = info.split([' ', ',', '{', '\t']).find(|word| !word.is_empty())?.to_lowercase();
        let word = word.trim_matches(['.', '}']);
        let named = LANGUAGES.iter().find(|(name, ..)| name.to_lowercase() == word);
        named.map(|(name, ..)| Self(Cow::Borrowed(name))).or_else(|| by_ending(word))
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn by_ending(ending: &str) -> Option<Language> {
    let row = LANGUAGES.iter().find(|(_, endings, _)| endings.contains(&ending))?;
    Some(Language(Cow::Borrowed(row.0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_language_is_known_by_file_name_first_line_or_fence() {
        #[track_caller]
        fn check(found: Option<Language>, expected: &str) {
            assert_eq!(found.as_ref().map_or("", Language::name), expected);
        }
        check(Language::of_file("src/main.RS"), "Rust");
        check(Language::of_file("a\\b\\App.tsx"), "TypeScript");
        check(Language::of_file("Dockerfile"), "Dockerfile");
        check(Language::of_file("Makefile"), "Makefile");
        check(Language::of_file("notes"), "");
        check(Language::of_file("c"), "");
        check(Language::of_first_line("#!/usr/bin/env -S python3 -u\n"), "Python");
        check(Language::of_first_line("#!/usr/bin/python3.12\n"), "Python");
        check(Language::of_first_line("#! /bin/bash\n"), "Shell");
        check(Language::of_first_line("#!"), "");
        check(Language::of_fence("rust,ignore"), "Rust");
        check(Language::of_fence("c++"), "C++");
        check(Language::of_fence("{.python}"), "Python");
        check(Language::of_fence("mermaid"), "");
    }
}
