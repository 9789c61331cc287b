//! What each element means to a reader of the text.

/// An element's name and what it means.
pub(super) struct Element<'n> {
    name: &'n [u8],
    pub meaning: Meaning,
}

/// What an element means to a reader of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// Nothing: its text belongs to the text around it.
    Inline,
    /// It begins and ends a block.
    Block,
    /// A block, and the main part of the page.
    Main,
    /// What it holds is never text.
    NoText,
    /// What it holds leads elsewhere; within the main part it is kept.
    Navigation,
    Title,
    Meta,
    Heading(u8),
    Quote,
    Code,
    InlineCode,
    List {
        ordered: bool,
    },
    Item,
    Table,
    Row,
    Cell {
        header: bool,
    },
    Break,
}

impl<'n> Element<'n> {
    pub fn of(name: &'n [u8]) -> Self {
        let meaning = match name {
            b"main" | b"article" => Meaning::Main,
            b"p" | b"div" | b"section" | b"body" | b"html" | b"address" | b"details" | b"summary" | b"dl"
            | b"dt" | b"dd" | b"figure" | b"figcaption" | b"hgroup" | b"center" | b"fieldset" | b"legend"
            | b"hr" | b"caption" | b"search" => Meaning::Block,
            b"script" | b"style" | b"template" | b"noscript" | b"svg" | b"math" | b"iframe" | b"object"
            | b"canvas" | b"audio" | b"video" | b"select" | b"datalist" | b"button" | b"textarea"
            | b"dialog" | b"map" => Meaning::NoText,
            b"nav" | b"header" | b"footer" | b"aside" | b"menu" => Meaning::Navigation,
            b"title" => Meaning::Title,
            b"meta" => Meaning::Meta,
            b"h1" => Meaning::Heading(1),
            b"h2" => Meaning::Heading(2),
            b"h3" => Meaning::Heading(3),
            b"h4" => Meaning::Heading(4),
            b"h5" => Meaning::Heading(5),
            b"h6" => Meaning::Heading(6),
            b"blockquote" => Meaning::Quote,
            b"pre" => Meaning::Code,
            b"code" => Meaning::InlineCode,
            b"ul" => Meaning::List { ordered: false },
            b"ol" => Meaning::List { ordered: true },
            b"li" => Meaning::Item,
            b"table" => Meaning::Table,
            b"tr" => Meaning::Row,
            b"td" => Meaning::Cell { header: false },
            b"th" => Meaning::Cell { header: true },
            b"br" => Meaning::Break,
            _ => Meaning::Inline,
        };
        Self { name, meaning }
    }

    /// Whether it has no end tag.
    pub fn is_void(&self) -> bool {
        matches!(
            self.name,
            b"area"
                | b"base"
                | b"br"
                | b"col"
                | b"embed"
                | b"hr"
                | b"img"
                | b"input"
                | b"link"
                | b"meta"
                | b"source"
                | b"track"
                | b"wbr"
        )
    }
}
