//! Follows the instructions that draw a page and gathers the pieces of text it shows.
//!
//! Of the state of drawing, only what moves text is kept. Forms that draw each other in a circle, or
//! draw each other ever more often, end at a depth and at a number of instructions.

use std::collections::HashMap;
use std::rc::Rc;

use hayro_syntax::content::UntypedIter;
use hayro_syntax::object::{Array, Dict, Name, Object, ObjectIdentifier, Stream};
use hayro_syntax::page::{Page, Rotation};

use super::font::Font;
use super::layout::{Glyph, Piece};
use super::streams::Budget;
use crate::error::{Error, Result};
use crate::limits::Limits;

/// A matrix as PDF writes it: `x' = a·x + c·y + e`, `y' = b·x + d·y + f`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Matrix([f32; 6]);

impl Matrix {
    const IDENTITY: Self = Self([1.0, 0.0, 0.0, 1.0, 0.0, 0.0]);

    /// This one first, then `after`.
    fn then(self, after: Self) -> Self {
        let ([a, b, c, d, e, f], [p, q, r, s, t, u]) = (self.0, after.0);
        Self([
            a * p + b * r,
            a * q + b * s,
            c * p + d * r,
            c * q + d * s,
            e * p + f * r + t,
            e * q + f * s + u,
        ])
    }

    fn moved(x: f32, y: f32) -> Self {
        Self([1.0, 0.0, 0.0, 1.0, x, y])
    }
}

#[derive(Clone)]
struct State {
    ctm: Matrix,
    font: Option<Rc<Font>>,
    size: f32,
    letter_space: f32,
    word_space: f32,
    /// As a fraction, not in percent.
    scale: f32,
    leading: f32,
    rise: f32,
}

/// Reads pages one after the other; fonts are kept from page to page.
pub(super) struct Interpreter<'l> {
    budget: Budget,
    limits: &'l Limits,
    fonts: HashMap<ObjectIdentifier, Rc<Font>>,
    /// Characters whose meaning no font told.
    pub unknown: usize,
    instructions: usize,
    text_bytes: u64,
}

impl<'l> Interpreter<'l> {
    pub fn new(budget: Budget, limits: &'l Limits) -> Self {
        Self { budget, limits, fonts: HashMap::new(), unknown: 0, instructions: 0, text_bytes: 0 }
    }

    /// The pieces of text on a page, in the order they are drawn, turned upright.
    pub fn pieces(&mut self, page: &Page<'_>) -> Result<Vec<Piece>> {
        let upright = match page.rotation() {
            Rotation::None => Matrix::IDENTITY,
            Rotation::Horizontal => Matrix([0.0, -1.0, 1.0, 0.0, 0.0, 0.0]),
            Rotation::Flipped => Matrix([-1.0, 0.0, 0.0, -1.0, 0.0, 0.0]),
            Rotation::FlippedHorizontal => Matrix([0.0, 1.0, -1.0, 0.0, 0.0, 0.0]),
        };
        let mut content = Vec::new();
        if let Some(stream) = page.raw().get::<Stream<'_>>(b"Contents") {
            content.extend_from_slice(&self.budget.unpack(&stream)?);
        } else if let Some(streams) = page.raw().get::<Array<'_>>(b"Contents") {
            for stream in streams.iter::<Stream<'_>>() {
                content.extend_from_slice(&self.budget.unpack(&stream)?);
                content.push(b'\n');
            }
        }
        let resources = page.resources();
        let resources = Resources { fonts: resources.fonts.clone(), forms: resources.x_objects.clone() };
        let mut drawing = Drawing { pieces: Vec::new(), reader: self };
        drawing.draw(&content, &resources, upright, 0)?;
        Ok(drawing.pieces)
    }

    fn font(&mut self, resources: &Resources<'_>, name: &[u8]) -> Result<Option<Rc<Font>>> {
        let Some(dict) = resources.fonts.get::<Dict<'_>>(name) else { return Ok(None) };
        let known = dict.obj_id().and_then(|id| self.fonts.get(&id));
        if let Some(font) = known {
            return Ok(Some(font.clone()));
        }
        let font = Rc::new(Font::of(&dict, &mut self.budget)?);
        if let Some(id) = dict.obj_id() {
            self.fonts.insert(id, font.clone());
        }
        Ok(Some(font))
    }
}

#[derive(Clone)]
struct Resources<'a> {
    fonts: Dict<'a>,
    forms: Dict<'a>,
}

struct Drawing<'i, 'l> {
    pieces: Vec<Piece>,
    reader: &'i mut Interpreter<'l>,
}

/// Where text goes: the matrix of the text, and that of its line.
struct Cursor {
    text: Matrix,
    line: Matrix,
}

impl Cursor {
    fn set(&mut self, matrix: Matrix) {
        (self.text, self.line) = (matrix, matrix);
    }

    fn next_line(&mut self, x: f32, y: f32) {
        self.set(Matrix::moved(x, y).then(self.line));
    }
}

impl Drawing<'_, '_> {
    fn draw(&mut self, content: &[u8], resources: &Resources<'_>, ctm: Matrix, depth: usize) -> Result<()> {
        const MOST_SAVED: usize = 512;
        let mut state = State {
            ctm,
            font: None,
            size: 1.0,
            letter_space: 0.0,
            word_space: 0.0,
            scale: 1.0,
            leading: 0.0,
            rise: 0.0,
        };
        let mut saved: Vec<State> = Vec::new();
        let mut cursor = Cursor { text: Matrix::IDENTITY, line: Matrix::IDENTITY };
        let mut instructions = UntypedIter::new(content);
        while let Some(instruction) = instructions.next() {
            self.count()?;
            let operands: Vec<&Object<'_>> = instruction.operands().take(8).collect();
            let operator: &[u8] = instruction.operator;
            match operator {
                b"q" if saved.len() < MOST_SAVED => saved.push(state.clone()),
                b"Q" => state = saved.pop().unwrap_or(state),
                b"cm" => state.ctm = matrix(&operands).then(state.ctm),
                b"Do" => self.draw_form(&operands, resources, state.ctm, depth)?,
                b"Tf" => {
                    if let Some(Object::Name(name)) = operands.first() {
                        state.font = self.reader.font(resources, name)?;
                    }
                    state.size = number(&operands, 1);
                }
                _ => self.text_instruction(operator, &operands, &mut state, &mut cursor)?,
            }
        }
        Ok(())
    }

    /// The instructions that place and show text.
    fn text_instruction(
        &mut self,
        operator: &[u8],
        operands: &[&Object<'_>],
        state: &mut State,
        cursor: &mut Cursor,
    ) -> Result<()> {
        match operator {
            b"BT" => cursor.set(Matrix::IDENTITY),
            b"Tc" => state.letter_space = number(operands, 0),
            b"Tw" => state.word_space = number(operands, 0),
            b"Tz" => state.scale = number(operands, 0) / 100.0,
            b"TL" => state.leading = number(operands, 0),
            b"Ts" => state.rise = number(operands, 0),
            b"Td" => cursor.next_line(number(operands, 0), number(operands, 1)),
            b"TD" => {
                state.leading = -number(operands, 1);
                cursor.next_line(number(operands, 0), number(operands, 1));
            }
            b"Tm" => cursor.set(matrix(operands)),
            b"T*" => cursor.next_line(0.0, -state.leading),
            b"Tj" => self.show(operands.first().copied(), state, cursor)?,
            b"'" => {
                cursor.next_line(0.0, -state.leading);
                self.show(operands.first().copied(), state, cursor)?;
            }
            b"\"" => {
                state.word_space = number(operands, 0);
                state.letter_space = number(operands, 1);
                cursor.next_line(0.0, -state.leading);
                self.show(operands.get(2).copied(), state, cursor)?;
            }
            b"TJ" => {
                let Some(Object::Array(parts)) = operands.first() else { return Ok(()) };
                for part in parts.iter::<Object<'_>>() {
                    if let Object::Number(number) = &part {
                        let by = -number.as_f32() / 1000.0 * state.size * state.scale;
                        cursor.text = Matrix::moved(by, 0.0).then(cursor.text);
                    } else {
                        self.show(Some(&part), state, cursor)?;
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn draw_form(
        &mut self,
        operands: &[&Object<'_>],
        resources: &Resources<'_>,
        ctm: Matrix,
        depth: usize,
    ) -> Result<()> {
        const DEEPEST: usize = 12;
        let Some(Object::Name(name)) = operands.first() else { return Ok(()) };
        let Some(form) = resources.forms.get::<Stream<'_>>(name.as_ref()) else { return Ok(()) };
        let dict = form.dict();
        if depth >= DEEPEST || dict.get::<Name<'_>>(b"Subtype").as_deref() != Some(b"Form") {
            return Ok(());
        }
        let own = dict.get::<Dict<'_>>(b"Resources").map(|own| Resources {
            fonts: own.get::<Dict<'_>>(b"Font").unwrap_or_else(Dict::empty),
            forms: own.get::<Dict<'_>>(b"XObject").unwrap_or_else(Dict::empty),
        });
        let values: Vec<f32> = dict
            .get::<Array<'_>>(b"Matrix")
            .map(|values| values.iter::<f32>().take(6).collect())
            .unwrap_or_default();
        let matrix = values.try_into().map_or(Matrix::IDENTITY, Matrix);
        let content = self.reader.budget.unpack(&form)?;
        self.draw(&content, own.as_ref().unwrap_or(resources), matrix.then(ctm), depth + 1)
    }

    fn show(&mut self, text: Option<&Object<'_>>, state: &State, cursor: &mut Cursor) -> Result<()> {
        let (Some(Object::String(bytes)), Some(font)) = (text, &state.font) else { return Ok(()) };
        let mut rest = bytes.as_bytes();
        while !rest.is_empty() {
            self.count()?;
            let character = font.next(rest);
            rest = rest.get(character.length.max(1)..).unwrap_or_default();
            let placed = Matrix([state.size * state.scale, 0.0, 0.0, state.size, 0.0, state.rise])
                .then(cursor.text)
                .then(state.ctm);
            let mut space = state.letter_space;
            if character.length == 1 && character.code == 32 {
                space += state.word_space;
            }
            let step = if font.vertical {
                Matrix::moved(0.0, -(character.width * state.size + space))
            } else {
                Matrix::moved((character.width * state.size + space) * state.scale, 0.0)
            };
            match &character.text {
                Some(text) => self.place(text, placed, character.width, font)?,
                None => self.reader.unknown += 1,
            }
            cursor.text = step.then(cursor.text);
        }
        Ok(())
    }

    fn place(&mut self, text: &str, placed: Matrix, width: f32, font: &Font) -> Result<()> {
        self.reader.text_bytes += text.len() as u64;
        let (bytes, limit) = (self.reader.text_bytes, self.reader.limits.text_bytes);
        if bytes > limit.saturating_mul(4) {
            return Err(Error::TooLarge { what: "text".into(), bytes, exact: false, limit });
        }
        let glyph = Glyph::new(text, placed.0, width, font.bold, font.vertical);
        let Some(glyph) = glyph else { return Ok(()) };
        if !self.pieces.last_mut().is_some_and(|piece| piece.extend(&glyph)) {
            self.pieces.push(Piece::begin(&glyph));
        }
        Ok(())
    }

    fn count(&mut self) -> Result<()> {
        self.reader.instructions += 1;
        // A page has a few thousand instructions, a long book some millions.
        if self.reader.instructions > self.reader.limits.parts.saturating_mul(50) {
            return Err(Error::too_complex("it draws too much"));
        }
        Ok(())
    }
}

fn number(operands: &[&Object<'_>], index: usize) -> f32 {
    match operands.get(index) {
        Some(Object::Number(number)) => number.as_f32(),
        _ => 0.0,
    }
}

fn matrix(operands: &[&Object<'_>]) -> Matrix {
    Matrix(std::array::from_fn(|index| number(operands, index)))
}
