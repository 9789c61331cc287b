//! One reader for each format. Each hands its blocks to a [`Collector`](crate::collector::Collector).

pub(crate) mod calendar;
pub(crate) mod chat;
pub(crate) mod docx;
pub(crate) mod html;
pub(crate) mod json;
pub(crate) mod mail;
pub(crate) mod markdown;
pub(crate) mod pdf;
pub(crate) mod table;
pub(crate) mod text;
pub(crate) mod tree;
