//! That one document never takes others with it: real processes, real limits.

use std::ffi::OsString;
use std::time::{Duration, Instant};

use extract::{Error, Hint, Limits, Workers};

use crate::made::has_code;

fn program() -> Vec<OsString> {
    vec![env!("CARGO_BIN_EXE_extract-worker").into()]
}

fn limits() -> Limits {
    Limits { wall: Duration::from_secs(20), memory: 256 << 20, ..Limits::default() }
}

async fn read(workers: &Workers, text: &str) -> Result<String, Error> {
    let (extracted, chunks) = workers.extract(text.into(), Hint::named("a.txt")).await?;
    assert_eq!(chunks[0].text, extracted.blocks[0].text);
    Ok(chunks[0].text.clone())
}

#[tokio::test]
async fn a_document_that_breaks_its_reader_gets_an_error_and_the_next_one_is_read() {
    let workers = Workers::new(program(), 1, limits());
    for (poison, code) in [
        ("abort", "document_too_complex"),
        ("stack", "document_too_complex"),
        ("memory", "document_too_complex"),
        ("exit", "document_damaged"),
        ("panic", "document_damaged"),
        ("nonsense", "document_damaged"),
    ] {
        let result = read(&workers, &format!("poison: {poison}")).await;
        assert!(has_code(result.clone(), code), "{poison}: {result:?}");
        assert_eq!(read(&workers, "well").await, Ok("well".into()), "after {poison}");
    }
}

#[tokio::test]
async fn what_a_reader_has_when_it_begins_is_not_counted() {
    let workers = Workers::new(program(), 1, limits());
    let long = "well ".repeat(1 << 20);
    workers.extract(long.into(), Hint::named("a.txt")).await.expect("a long text is read");
    let result = read(&workers, "poison: memory").await;
    assert!(has_code(result.clone(), "document_too_complex"), "{result:?}");
}

#[tokio::test]
async fn a_document_that_takes_too_long_is_given_up() {
    let limits = Limits { wall: Duration::from_secs(1), ..limits() };
    let workers = Workers::new(program(), 1, limits);
    for poison in ["poison: sleep", "poison: spin"] {
        let began = Instant::now();
        assert!(has_code(read(&workers, poison).await, "document_too_slow"));
        assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
    }
    // A child that must start again may need longer than that second on a busy machine.
    let mut again = read(&workers, "well").await;
    for _ in 0..5 {
        if again.is_err() {
            again = read(&workers, "well").await;
        }
    }
    assert_eq!(again, Ok("well".into()));
}

#[tokio::test]
async fn a_worker_has_no_files_no_environment_and_limits_that_it_cannot_raise() {
    let mark = "of-the-test-of-limits";
    let workers = Workers::new(vec![env!("CARGO_BIN_EXE_extract-worker").into(), mark.into()], 1, limits());
    assert_eq!(read(&workers, "poison: files").await, Ok("poison: files".into()));
    let process = std::path::Path::new("/proc").join(processes(mark).first().expect("a process"));
    assert_eq!(std::fs::read(process.join("environ")).expect("its environment"), b"");
    assert_eq!(std::fs::read_link(process.join("cwd")).expect("its folder"), std::path::Path::new("/"));
    let open = std::fs::read_dir(process.join("fd")).expect("its files");
    assert_eq!(open.count(), 3);
    let set = std::fs::read_to_string(process.join("limits")).expect("its limits");
    let memory = limits().memory;
    for (name, least, most) in [
        ("Max file size", 0, 0),
        ("Max core file size", 0, 0),
        ("Max open files", 3, 3),
        // And what it had when it began: 512 MiB and little more.
        ("Max data size", memory + (512 << 20), memory + (544 << 20)),
    ] {
        let line = set.lines().find(|line| line.starts_with(name)).expect("a limit");
        let values = line[name.len()..].split_whitespace().take(2).map(|value| value.parse::<u64>());
        let values: Vec<u64> = values.map(|value| value.expect("a number")).collect();
        assert!(values[0] == values[1] && (least..=most).contains(&values[0]), "{name}: {values:?}");
    }
}

#[tokio::test]
async fn of_two_hundred_documents_with_every_tenth_poisonous_the_others_come_through() {
    let workers = std::sync::Arc::new(Workers::new(program(), 2, limits()));
    let poisons = ["abort", "exit", "panic", "nonsense"];
    let mut answers = Vec::new();
    for number in 0..200 {
        let text = if number % 10 == 9 {
            format!("poison: {}", poisons[number / 10 % 4])
        } else {
            format!("document {number}")
        };
        let workers = std::sync::Arc::clone(&workers);
        answers.push(tokio::spawn(async move { read(&workers, &text).await }));
    }
    for (number, answer) in answers.into_iter().enumerate() {
        let answer = answer.await.unwrap();
        if number % 10 == 9 {
            assert!(answer.is_err(), "{number}");
        } else {
            assert_eq!(answer, Ok(format!("document {number}")));
        }
    }
}

#[tokio::test]
async fn what_is_too_large_never_reaches_a_worker() {
    let workers = Workers::new(vec!["/nowhere".into()], 1, Limits { input_bytes: 3, ..limits() });
    assert!(has_code(read(&workers, "four").await, "document_too_large"));
}

#[tokio::test]
async fn a_program_that_cannot_be_started_is_not_the_documents_fault() {
    for program in [vec![], vec!["/nowhere".into()], vec!["/bin/true".into()]] {
        let workers = Workers::new(program, 1, limits());
        assert!(has_code(read(&workers, "well").await, "extract_worker_unavailable"));
    }
}

#[tokio::test]
async fn children_end_with_their_pool_and_with_what_nobody_waits_for() {
    // The worker does not look at its arguments; they are how its processes are found.
    let mark = "of-the-test-of-children";
    let program = vec![env!("CARGO_BIN_EXE_extract-worker").into(), mark.into()];
    let workers = Workers::new(program, 1, limits());
    assert!(read(&workers, "well").await.is_ok());
    let first = processes(mark);
    assert_eq!(first.len(), 1);
    // Dropping the future ends the child that works for it.
    let waiting = tokio::time::timeout(Duration::from_millis(300), read(&workers, "poison: sleep")).await;
    assert!(waiting.is_err());
    assert_eq!(read(&workers, "well").await, Ok("well".into()));
    let second = processes(mark);
    assert!(second.len() == 1 && second != first);
    drop(workers);
    let deadline = Instant::now() + Duration::from_secs(20);
    while !processes(mark).is_empty() {
        assert!(Instant::now() < deadline, "the child outlives its pool");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// The processes with this argument.
fn processes(argument: &str) -> Vec<String> {
    let all = std::fs::read_dir("/proc").expect("the list of processes").flatten();
    let ours = all.filter(|process| {
        let line = std::fs::read(process.path().join("cmdline")).unwrap_or_default();
        line.split(|byte| *byte == 0).any(|part| part == argument.as_bytes())
    });
    ours.filter_map(|process| process.file_name().into_string().ok()).collect()
}
