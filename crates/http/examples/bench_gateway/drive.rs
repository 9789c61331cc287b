//! A client that asks as fast as it is answered, or at a given rate, and says how long it took.

use std::cell::RefCell;
use std::io::{Error, Result};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::task::LocalSet;

use crate::given;
use crate::message::{Message, Reader};

/// What is asked, the whole request.
struct Question {
    address: SocketAddr,
    bytes: Vec<u8>,
    is_stream: bool,
}

/// What all connections have seen.
#[derive(Default)]
struct Seen {
    /// Nanoseconds to the end of each answer.
    whole: Vec<u64>,
    /// Nanoseconds to the first byte of each body.
    first: Vec<u64>,
    failures: Vec<String>,
    asked: u64,
}

/// Until when it is asked, and how often.
struct Plan {
    ends: Instant,
    most: u64,
    pause: Option<Duration>,
}

/// Asks, and prints what it has seen.
pub async fn drive() {
    let question = Rc::new(question());
    let connections: u32 = given("--connections").unwrap_or(1);
    let rate: Option<f64> = given("--rate");
    let seconds: f64 = given("--seconds").unwrap_or(5.0);
    let plan = Rc::new(Plan {
        ends: Instant::now() + Duration::from_secs_f64(seconds),
        most: given("--requests").unwrap_or(u64::MAX),
        pause: rate.map(|rate| Duration::from_secs_f64(f64::from(connections) / rate)),
    });
    let seen = Rc::new(RefCell::new(Seen::default()));
    let begun = Instant::now();
    let tasks = LocalSet::new();
    for number in 0..connections {
        let (question, plan, seen) = (question.clone(), plan.clone(), seen.clone());
        tasks.spawn_local(async move {
            if let Some(pause) = plan.pause {
                tokio::time::sleep(pause * number / connections).await;
            }
            if let Err(error) = ask(&question, &plan, &seen).await {
                seen.borrow_mut().failures.push(error.to_string());
            }
        });
    }
    tasks.await;
    println!("{}", summary(&mut seen.borrow_mut(), begun.elapsed()));
}

fn question() -> Question {
    let address: SocketAddr = given("--address").expect("--address names who is asked");
    let path: String = given("--path").expect("--path names what is asked for");
    let token: String = given("--token").unwrap_or_else(|| "none".into());
    let model: String = given("--model").unwrap_or_else(|| "mock".into());
    let is_stream = std::env::args().any(|it| it == "--stream");
    let context = "Some context that a person would send along with a question. ".repeat(12);
    let mut body = json!({
        "model": model,
        "max_tokens": 500,
        "messages": [
            {"role": "user", "content": context},
            {"role": "assistant", "content": "I see."},
            {"role": "user", "content": "Then what comes after it?"},
        ],
    });
    if is_stream {
        body["stream"] = true.into();
        if path.ends_with("completions") {
            body["stream_options"] = json!({"include_usage": true});
        }
    }
    let body = body.to_string();
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    Question { address, bytes: (head + &body).into_bytes(), is_stream }
}

async fn ask(question: &Question, plan: &Plan, seen: &RefCell<Seen>) -> Result<()> {
    let mut stream = TcpStream::connect(question.address).await?;
    stream.set_nodelay(true)?;
    let (read, mut write) = stream.split();
    let mut answers = Reader::new(read);
    let mut due = Instant::now();
    while Instant::now() < plan.ends && seen.borrow().asked < plan.most {
        seen.borrow_mut().asked += 1;
        let begun = Instant::now();
        write.write_all(&question.bytes).await?;
        let answer = answers.next().await?.ok_or_else(|| Error::other("hung up before its answer"))?;
        let ended = begun.elapsed();
        {
            let mut seen = seen.borrow_mut();
            match wrong(&answer, question.is_stream) {
                None => {
                    seen.whole.push(ended.as_nanos() as u64);
                    seen.first.push((answer.body_began - begun).as_nanos() as u64);
                }
                Some(reason) => seen.failures.push(reason),
            }
        }
        if let Some(pause) = plan.pause {
            due += pause;
            tokio::time::sleep_until(due.into()).await;
        }
    }
    Ok(())
}

/// What is wrong with an answer; every one is looked at.
fn wrong(answer: &Message, is_stream: bool) -> Option<String> {
    let holds = |mark: &[u8]| answer.body.windows(mark.len()).rev().take(600).any(|part| part == mark);
    let is_whole = if is_stream {
        holds(b"[DONE]") || holds(b"message_stop")
    } else {
        answer.body.trim_ascii_end().ends_with(b"}")
    };
    if answer.head.starts_with("http/1.1 200") && is_whole {
        return None;
    }
    let head = answer.head.lines().next().unwrap_or_default();
    Some(format!("{head}: {}", String::from_utf8_lossy(&answer.body[..answer.body.len().min(300)])))
}

fn summary(seen: &mut Seen, took: Duration) -> Value {
    seen.whole.sort_unstable();
    seen.first.sort_unstable();
    let at = |sorted: &[u64], part: f64| {
        let index = ((sorted.len() as f64 * part) as usize).min(sorted.len().saturating_sub(1));
        sorted.get(index).map(|nanoseconds| *nanoseconds as f64 / 1e3)
    };
    json!({
        "answers": seen.whole.len(),
        "failures": seen.failures.len(),
        "first_failure": seen.failures.first(),
        "seconds": took.as_secs_f64(),
        "p50_us": at(&seen.whole, 0.5),
        "p99_us": at(&seen.whole, 0.99),
        "first_p50_us": at(&seen.first, 0.5),
        "first_p99_us": at(&seen.first, 0.99),
    })
}
