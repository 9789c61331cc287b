//! What a journal gives back, whole, cut and damaged.

use super::*;

const WIDTH: usize = 64;

type Seen = Vec<(u64, Vec<(u32, Option<u16>)>)>;

fn seen(path: &Path) -> (Seen, u64) {
    let mut seen = Seen::new();
    let end = replay(path, WIDTH, |entries, position| {
        let entries = entries.iter().map(|entry| match entry {
            Entry::Put(number, vector) => (*number, Some(vector[WIDTH - 1])),
            Entry::Remove(number) => (*number, None),
        });
        seen.push((position, entries.collect()));
    });
    (seen, end)
}

fn write(folder: &Path) -> Seen {
    let mut journal = Journal::create(folder, 3).unwrap();
    let mut expected = Seen::new();
    for frame in 0..5_u32 {
        let mut entries = Vec::new();
        for number in 0..frame {
            entries.push((number, (number % 2 == 0).then_some((frame * 100 + number) as u16)));
        }
        let puts = entries.iter().filter(|(_, vector)| vector.is_some()).count();
        let position = u64::from(frame) + 10;
        let mut writing = journal.begin(position, entries.len(), puts, WIDTH).unwrap();
        for (number, vector) in &entries {
            let vector = vector.map(|last| [last; WIDTH]);
            let entry = vector.as_ref().map_or(Entry::Remove(*number), |vector| Entry::Put(*number, vector));
            writing.push(entry).unwrap();
        }
        writing.finish().unwrap();
        expected.push((position, entries));
    }
    expected
}

#[test]
fn a_journal_gives_back_its_frames_and_can_be_gone_on_with() {
    let folder = tempfile::tempdir().unwrap();
    let mut expected = write(folder.path());
    let path = path(folder.path(), 3);
    let (found, end) = seen(&path);
    assert_eq!(found, expected);
    assert_eq!(end, std::fs::metadata(&path).unwrap().len());
    let mut journal = Journal::resume(folder.path(), 3, end).unwrap();
    journal.begin(99, 0, 0, WIDTH).unwrap().finish().unwrap();
    expected.push((99, vec![]));
    assert_eq!(seen(&path).0, expected);
    let mut other = Journal::create(folder.path(), 4).unwrap();
    other.append(&journal.since(end).unwrap()).unwrap();
    assert_eq!(seen(&super::path(folder.path(), 4)).0, [(99, vec![])]);
    assert_eq!(seen(Path::new("/nowhere")), (vec![], 0));
}

#[test]
fn a_frame_that_was_not_finished_is_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let mut expected = write(folder.path());
    let path = path(folder.path(), 3);
    let mut journal = Journal::resume(folder.path(), 3, seen(&path).1).unwrap();
    journal.begin(50, 9, 9, WIDTH).unwrap().push(Entry::Put(1, &[7; WIDTH])).unwrap();
    assert_eq!(seen(&path).0, expected);
    journal.begin(51, 1, 0, WIDTH).unwrap().finish().unwrap();
    assert_eq!(seen(&path).0, expected, "a frame with fewer changes than it says does not count");
    let mut journal = Journal::resume(folder.path(), 3, seen(&path).1).unwrap();
    journal.begin(52, 0, 0, WIDTH).unwrap().finish().unwrap();
    expected.push((52, vec![]));
    assert_eq!(seen(&path).0, expected);
}

#[test]
fn what_is_cut_or_damaged_leaves_the_frames_before_it() {
    let folder = tempfile::tempdir().unwrap();
    let expected = write(folder.path());
    let path = path(folder.path(), 3);
    let whole = std::fs::read(&path).unwrap();
    for at in 0..whole.len() {
        let mut damaged = whole.clone();
        damaged[at] ^= 0x10;
        std::fs::write(&path, &damaged).unwrap();
        let (found, end) = seen(&path);
        assert!(expected.starts_with(&found) && found.len() < expected.len(), "damaged at {at}");
        assert!(end as usize <= at);
        std::fs::write(&path, &whole[..at]).unwrap();
        let (found, end) = seen(&path);
        assert!(expected.starts_with(&found) && found.len() < expected.len(), "cut at {at}");
        assert!(end as usize <= at);
    }
}
