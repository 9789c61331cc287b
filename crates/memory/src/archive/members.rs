//! The members of a zip file that a stranger may have made.
//!
//! Nothing is unpacked to disk: a member is read when its turn comes, and what it says of its size is
//! not believed. A member that cannot be taken is refused by itself; the file as a whole only when its
//! list of members cannot be read or is out of all proportion.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::rc::Rc;

use zip::read::{ZipArchive, ZipFile};

use crate::error::Error;

/// The most members.
const MAX_MEMBERS: usize = 500_000;
/// The most bytes that the list of members may take.
const MAX_LIST_BYTES: u64 = 128 << 20;
/// The most bytes of all members together, unpacked.
const MAX_UNPACKED_BYTES: u64 = 16 << 30;
/// Small members may be packed as tightly as they like.
const RATIO_COUNTS_FROM: u64 = 1 << 20;
/// How many times larger a member may be than it is packed.
const MAX_RATIO: u64 = 200;
/// The bits of a Unix mode that say what a member is, and their value for a link.
const TYPE_MASK: u32 = 0o170_000;
const TYPE_LINK: u32 = 0o120_000;

/// A zip file that is open.
pub(super) struct Members {
    archive: ZipArchive<Bounded>,
    unpacked: u64,
}

/// A member that can be read.
#[derive(Clone, Debug)]
pub(super) struct Member {
    index: usize,
    /// Its path, with `/` between names that say nothing but themselves.
    pub path: String,
}

impl Member {
    /// The last part of its path.
    pub fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }
}

/// A member, or why it is none, and what it is called.
pub(super) type Listed = Result<Member, (String, kernel::Error)>;

impl Members {
    /// Opens a zip file.
    ///
    /// # Errors
    /// [`Error::ArchiveRefused`].
    pub fn open(mut file: File) -> Result<Self, Error> {
        let unreadable = |error: io::Error| refused(error.to_string());
        if declares_too_many(&mut file).map_err(unreadable)? {
            return Err(refused(format!("it has more than {MAX_MEMBERS} files")));
        }
        file.rewind().map_err(unreadable)?;
        let left = Rc::new(Cell::new(MAX_LIST_BYTES));
        let bounded = Bounded { file: BufReader::new(file), left: left.clone() };
        let archive = ZipArchive::new(bounded).map_err(|error| refused(error.to_string()))?;
        if archive.len() > MAX_MEMBERS {
            return Err(refused(format!("it has more than {MAX_MEMBERS} files")));
        }
        left.set(u64::MAX);
        Ok(Self { archive, unpacked: 0 })
    }

    /// All members that are files, in the order of their paths.
    pub fn list(&mut self) -> Vec<Listed> {
        let mut listed: Vec<Listed> = (0..self.archive.len()).filter_map(|index| self.look(index)).collect();
        let path = |listed: &Listed| match listed {
            Ok(member) => member.path.clone(),
            Err((name, _)) => name.clone(),
        };
        listed.sort_by_cached_key(path);
        listed
    }

    fn look(&mut self, index: usize) -> Option<Listed> {
        let listed = self.archive.name_for_index(index).unwrap_or_default().to_owned();
        let entry = match self.archive.by_index_raw(index) {
            Ok(entry) => entry,
            Err(error) => return Some(Err((listed, damaged(&error.to_string())))),
        };
        if entry.is_dir() {
            return None;
        }
        let name = name_of(&entry);
        Some(match check(&entry, &name) {
            Ok(path) => Ok(Member { index, path }),
            Err(error) => Err((name, error)),
        })
    }

    /// All of a member.
    ///
    /// # Errors
    /// [`extract::Error::TooLarge`], [`extract::Error::Bomb`], [`extract::Error::Damaged`].
    pub fn read(&mut self, member: &Member, most_bytes: u64) -> kernel::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let mut reader = self.open_member(member, most_bytes)?;
        reader.read_to_end(&mut bytes).map_err(|error| told(&error))?;
        Ok(bytes)
    }

    /// A member, to be read piece by piece. Its errors are those of [`Members::read`].
    ///
    /// # Errors
    /// As [`Members::read`].
    pub fn open_member(&mut self, member: &Member, most_bytes: u64) -> kernel::Result<MemberReader<'_>> {
        let entry = self.archive.by_index(member.index).map_err(|error| damaged(&error.to_string()))?;
        if entry.size() > most_bytes {
            return Err(too_large(entry.size(), true, most_bytes));
        }
        let packed = entry.compressed_size();
        let proportion = packed.saturating_mul(MAX_RATIO).max(RATIO_COUNTS_FROM);
        let unpacked = &mut self.unpacked;
        Ok(MemberReader { entry, unpacked, read: 0, packed, proportion, most_bytes })
    }
}

/// Reads a member, and counts.
pub(super) struct MemberReader<'a> {
    entry: ZipFile<'a, Bounded>,
    unpacked: &'a mut u64,
    read: u64,
    packed: u64,
    proportion: u64,
    most_bytes: u64,
}

impl Read for MemberReader<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.entry.read(into)?;
        self.read += count as u64;
        *self.unpacked += count as u64;
        if self.read > self.most_bytes {
            return Err(io::Error::other(too_large(self.read, false, self.most_bytes)));
        }
        if self.read > self.proportion || *self.unpacked > MAX_UNPACKED_BYTES {
            let limit = self.proportion.min(MAX_UNPACKED_BYTES);
            return Err(io::Error::other(kernel::Error::from(extract::Error::Bomb {
                packed: self.packed,
                limit,
            })));
        }
        Ok(count)
    }
}

/// What a reader's error was about.
pub(super) fn told(error: &io::Error) -> kernel::Error {
    let own = error.get_ref().and_then(|inner| inner.downcast_ref::<kernel::Error>());
    match own {
        Some(own) => {
            let told = kernel::Error::new(own.kind, own.code, own.message.clone());
            match &own.hint {
                Some(hint) => told.with_hint(hint.clone()),
                None => told,
            }
        }
        None => damaged(&error.to_string()),
    }
}

fn too_large(bytes: u64, exact: bool, limit: u64) -> kernel::Error {
    extract::Error::TooLarge { what: "data".into(), bytes, exact, limit }.into()
}

fn damaged(reason: &str) -> kernel::Error {
    extract::Error::Damaged { reason: reason.to_owned() }.into()
}

fn refused(reason: String) -> Error {
    Error::ArchiveRefused { reason }
}

/// Old archives name their code page; most that say nothing mean UTF-8.
fn name_of(entry: &ZipFile<'_, Bounded>) -> String {
    let name = std::str::from_utf8(entry.name_raw()).unwrap_or_else(|_| entry.name());
    // Some programs of Windows write its own sign between names.
    name.replace('\\', "/")
}

fn check(entry: &ZipFile<'_, Bounded>, name: &str) -> Result<String, kernel::Error> {
    let not_taken = |reason: &str| Err(Error::MemberRefused { reason: reason.to_owned() }.into());
    let says_itself = |part: &str| !matches!(part, "" | "." | "..");
    let has_drive = name.get(1..3) == Some(":/");
    if has_drive || name.contains(char::is_control) || !name.split('/').all(says_itself) {
        return not_taken("its path leads elsewhere");
    }
    if entry.is_symlink() || entry.unix_mode().is_some_and(|mode| mode & TYPE_MASK == TYPE_LINK) {
        return not_taken("it is a link");
    }
    if entry.encrypted() {
        return Err(extract::Error::Encrypted.into());
    }
    Ok(name.to_owned())
}

/// A file of which only so much is read.
struct Bounded {
    file: BufReader<File>,
    left: Rc<Cell<u64>>,
}

impl Read for Bounded {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(into)?;
        let left = self.left.get().checked_sub(count as u64);
        self.left.set(left.ok_or_else(|| io::Error::other("its list of files is too long"))?);
        Ok(count)
    }
}

impl Seek for Bounded {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

/// Whether an end of the list says that there are more members than are read. Room for as many as it
/// says is made before the first one is looked at, so this has to be known before.
fn declares_too_many(file: &mut File) -> io::Result<bool> {
    const LOCATOR: &[u8] = b"PK\x06\x07";
    /// The record that ends the list, its longest comment, and the locator before it.
    const TAIL: u64 = 22 + 65_535 + 20;
    let length = file.seek(SeekFrom::End(0))?;
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL)))?;
    let mut tail = Vec::new();
    file.by_ref().take(TAIL).read_to_end(&mut tail)?;
    if !tail.windows(4).any(|window| window == LOCATOR) {
        // Without the large form there are at most 65,535.
        return Ok(false);
    }
    file.rewind()?;
    any_large_end(&mut BufReader::with_capacity(1 << 16, file))
}

/// Whether a large end of the list, wherever it stands, says that there are too many.
fn any_large_end(from: &mut impl Read) -> io::Result<bool> {
    const SIGNATURE: &[u8] = b"PK\x06\x06";
    const RECORD: usize = 56;
    let mut piece = vec![0; 1 << 20];
    let mut kept = 0;
    loop {
        let count = from.read(&mut piece[kept..])?;
        let held = kept + count;
        for at in memchr::memmem::find_iter(&piece[..held], SIGNATURE) {
            let Some(record) = piece[..held].get(at..at + RECORD) else { continue };
            let number = |at: usize| {
                record[at..at + 8].iter().rev().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte))
            };
            let is_record = (44..1 << 24).contains(&number(4));
            if is_record && number(24).max(number(32)) > MAX_MEMBERS as u64 {
                return Ok(true);
            }
        }
        if count == 0 {
            return Ok(false);
        }
        // A record may go on in the next piece.
        kept = held.min(RECORD - 1);
        piece.copy_within(held - kept..held, 0);
    }
}
