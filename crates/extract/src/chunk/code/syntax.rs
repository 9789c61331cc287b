//! Definitions of languages that there is a grammar for.

use std::ops::{ControlFlow, Range};

use tree_sitter::{Node, ParseOptions, ParseState, Parser};

use crate::language::Language;

/// Larger sources are divided by indentation: they are generated, and a tree takes twenty times the
/// memory of its text.
const LARGEST: usize = 1 << 20;
/// How deep definitions are looked for.
const DEEPEST: usize = 64;

/// The lines and names of the definitions in a source, an outer one before those in it. `None` if there
/// is no grammar for the language or the source is too broken for it.
pub(super) fn definitions(
    text: &str,
    language: &Language,
    max_chars: usize,
) -> Option<Vec<(Range<usize>, String)>> {
    let (grammar, kinds) = grammar(language)?;
    if text.len() > LARGEST {
        return None;
    }
    let mut parser = Parser::new();
    parser.set_language(&grammar).ok()?;
    // Counted, not timed, so that the same text always gives the same.
    let mut steps = text.len() / 8 + 10_000;
    let mut progress = |_: &ParseState| {
        steps = steps.saturating_sub(1);
        if steps == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let options = ParseOptions::new().progress_callback(&mut progress);
    let bytes = text.as_bytes();
    let tree =
        parser.parse_with_options(&mut |at, _| bytes.get(at..).unwrap_or_default(), None, Some(options))?;
    if tree.root_node().is_error() {
        return None;
    }
    let mut found = Vec::new();
    let mut cursor = tree.walk();
    let mut depth = 0;
    // Down, else on, else up and on.
    'nodes: loop {
        let node = cursor.node();
        let rows = node.start_position().row..node.end_position().row + 1;
        // What is on one line has nothing in it to divide, nor has a definition that fits.
        let mut worth = rows.len() > 1;
        if let Some(name) = kinds.contains(&node.kind()).then(|| name(node, bytes)).flatten() {
            worth &= node.end_byte() - node.start_byte() > max_chars;
            found.push((rows, name));
        }
        if worth && depth < DEEPEST && cursor.goto_first_child() {
            depth += 1;
            continue;
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                break 'nodes;
            }
            depth -= 1;
        }
    }
    Some(found)
}

fn grammar(language: &Language) -> Option<(tree_sitter::Language, &'static [&'static str])> {
    Some(match language.name() {
        "Rust" => (
            tree_sitter_rust::LANGUAGE.into(),
            &[
                "function_item",
                "impl_item",
                "struct_item",
                "enum_item",
                "trait_item",
                "mod_item",
                "union_item",
                "macro_definition",
            ],
        ),
        "Python" => (tree_sitter_python::LANGUAGE.into(), &["function_definition", "class_definition"]),
        // Its grammar reads JavaScript as well.
        "JavaScript" | "TypeScript" => (
            tree_sitter_typescript::LANGUAGE_TSX.into(),
            &[
                "function_declaration",
                "generator_function_declaration",
                "class_declaration",
                "abstract_class_declaration",
                "method_definition",
                "interface_declaration",
                "enum_declaration",
                "type_alias_declaration",
                "internal_module",
                "lexical_declaration",
                "variable_declaration",
            ],
        ),
        "Go" => (
            tree_sitter_go::LANGUAGE.into(),
            &["function_declaration", "method_declaration", "type_declaration"],
        ),
        "Java" => (
            tree_sitter_java::LANGUAGE.into(),
            &[
                "class_declaration",
                "interface_declaration",
                "enum_declaration",
                "record_declaration",
                "annotation_type_declaration",
                "method_declaration",
                "constructor_declaration",
            ],
        ),
        "C" => (
            tree_sitter_c::LANGUAGE.into(),
            &[
                "function_definition",
                "struct_specifier",
                "enum_specifier",
                "union_specifier",
                "type_definition",
            ],
        ),
        _ => return None,
    })
}

/// The name of a definition; `None` for what defines nothing, as a variable that holds no function.
fn name(node: Node<'_>, bytes: &[u8]) -> Option<String> {
    const LONGEST: usize = 120;
    let text = |node: Node<'_>| {
        let text = node.utf8_text(bytes).ok()?;
        let text = crate::collector::one_line(text.get(..text.len().min(LONGEST)).unwrap_or(text));
        (!text.is_empty()).then_some(text)
    };
    // Parameters of types are no part of a name.
    let plain = |name: String| name.split('<').next().unwrap_or_default().trim().to_owned();
    match node.kind() {
        "mod_item" => {
            node.child_by_field_name("body")?;
            text(node.child_by_field_name("name")?)
        }
        "impl_item" => {
            let of = plain(text(node.child_by_field_name("type")?)?);
            let of_trait = node.child_by_field_name("trait").and_then(text).map(plain);
            Some(of_trait.map_or(of.clone(), |named| format!("{named} for {of}")))
        }
        "lexical_declaration" | "variable_declaration" => {
            let declared = node.named_child(0)?;
            let value = declared.child_by_field_name("value")?;
            let defines = ["arrow_function", "function_expression", "class", "generator_function"];
            defines.contains(&value.kind()).then(|| text(declared.child_by_field_name("name")?)).flatten()
        }
        "type_declaration" => text(node.named_child(0)?.child_by_field_name("name")?),
        "struct_specifier" | "enum_specifier" | "union_specifier" => {
            node.child_by_field_name("body")?;
            text(node.child_by_field_name("name")?)
        }
        // In C, the name is inside of what is declared.
        "function_definition" | "type_definition" if node.child_by_field_name("declarator").is_some() => {
            let mut declared = node;
            for _ in 0..DEEPEST {
                match declared.child_by_field_name("declarator") {
                    Some(inner) => declared = inner,
                    None => break,
                }
            }
            text(declared)
        }
        _ => text(node.child_by_field_name("name")?),
    }
}
