//! Title, author and time of a DOCX (`docProps/core.xml`).

use quick_xml::Reader;
use quick_xml::events::Event;

use super::body::{reference, unescaped};
use crate::collector::Collector;
use crate::moment;

pub(super) fn read(xml: &str, collector: &mut Collector<'_>) {
    let mut reader = Reader::from_str(xml);
    reader.config_mut().check_end_names = false;
    let mut text = String::new();
    while let Ok(event) = reader.read_event() {
        match event {
            Event::Eof => break,
            Event::Start(_) => text.clear(),
            Event::Text(more) => text.push_str(&unescaped(&more)),
            Event::GeneralRef(name) => text.push_str(&reference(&name)),
            Event::End(tag) => {
                match tag.local_name().as_ref() {
                    "title" => collector.set_title(&text),
                    "creator" => text.split(';').for_each(|author| collector.add_author(author)),
                    "created" => collector.created = moment::parse(&text),
                    _ => {}
                }
                text.clear();
            }
            _ => {}
        }
    }
}
