//! What the index's files hold.

use tantivy::schema::{
    FAST, Field, INDEXED, IndexRecordOption, STRING, Schema, TextFieldIndexing, TextOptions,
};

/// Texts are given as stems with spaces between them, so that they are read only once.
const TOKENIZER: &str = "whitespace";

/// The fields of a chunk.
pub(super) struct Fields {
    pub number: Field,
    pub document: Field,
    pub ordinal: Field,
    pub time: Field,
    /// How many words it has that are no stop words.
    pub length: Field,
    pub text: Field,
    pub facets: Field,
}

pub(super) fn schema() -> (Schema, Fields) {
    let mut builder = Schema::builder();
    let indexing =
        TextFieldIndexing::default().set_tokenizer(TOKENIZER).set_index_option(IndexRecordOption::WithFreqs);
    let text = TextOptions::default().set_indexing_options(indexing);
    let fields = Fields {
        number: builder.add_u64_field("number", FAST | INDEXED),
        document: builder.add_u64_field("document", FAST),
        ordinal: builder.add_u64_field("ordinal", FAST),
        time: builder.add_i64_field("time", FAST | INDEXED),
        length: builder.add_u64_field("length", FAST),
        text: builder.add_text_field("text", text),
        facets: builder.add_text_field("facets", STRING),
    };
    (builder.build(), fields)
}
