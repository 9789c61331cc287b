//! What a conversation keeps in full, what it sums up, and when.

use kernel::FixedClock;
use parking_lot::Mutex;

use super::*;
use crate::testing::FakeMemoryStore;

/// Counts words.
struct Words;

impl TokenCounter for Words {
    fn name(&self) -> String {
        "words".into()
    }

    fn count(&self, text: &str) -> usize {
        text.split_whitespace().count()
    }
}

/// Says what it was asked.
#[derive(Default)]
struct Scripted {
    asked: Mutex<Vec<ToSummarize>>,
    /// What it answers; none for no model.
    answer: Mutex<Option<Result<&'static str, ()>>>,
}

#[async_trait]
impl Summarizer for Scripted {
    async fn summarize(&self, wanted: &ToSummarize) -> Result<Option<(String, String)>> {
        self.asked.lock().push(wanted.clone());
        match *self.answer.lock() {
            None => Ok(None),
            Some(Ok(text)) => Ok(Some((text.to_owned(), "scripted/one".into()))),
            Some(Err(())) => Err(kernel::Error::unavailable("down", "It is down")),
        }
    }
}

struct Fixture {
    conversations: Conversations,
    summarizer: Arc<Scripted>,
    store: Arc<FakeMemoryStore>,
}

fn fixture() -> Fixture {
    let (summarizer, store) = (Arc::new(Scripted::default()), Arc::new(FakeMemoryStore::default()));
    let bounds = Bounds { messages: 3, tokens: 20, summary_tokens: 30 };
    let clock = Arc::new(FixedClock::at(Timestamp(5)));
    let conversations =
        Conversations::new(store.clone(), Some(summarizer.clone()), Arc::new(Words), clock, bounds);
    Fixture { conversations, summarizer, store }
}

fn conversation(texts: &[&str]) -> Conversation {
    let message = |(at, text): (usize, &&str)| Message {
        id: format!("m{at}"),
        said: vec![(Speaker::Person, (*text).to_owned())],
        whole: (*text).to_owned(),
    };
    let messages = texts.iter().enumerate().map(message).collect();
    Conversation { id: "c".into(), messages, privacy: Privacy::Shareable }
}

const FOUR: [&str; 4] = ["We must use SQLite.", "two", "three", "four"];

#[tokio::test]
async fn the_last_messages_that_fit_are_given_in_full() {
    let check = async |texts: &[&str], first: usize, tokens: usize| {
        let recalled = fixture().conversations.recall(&conversation(texts)).await.unwrap();
        assert_eq!((recalled.first, recalled.tokens), (first, tokens), "{texts:?}");
        assert_eq!(recalled.summary.is_some(), first > 0, "{texts:?}");
    };
    check(&[], 0, 0).await;
    check(&["one", "two", "three"], 0, 3).await;
    check(&FOUR, 1, 3).await;
    let ten = "x x x x x x x x x x";
    check(&[ten, ten], 0, 20).await;
    check(&["a", ten, ten], 1, 20).await;
    let long = "word ".repeat(1_000);
    check(&["a", &long], 1, 1_000).await;
    check(&[&long, "a"], 1, 1).await;
}

#[tokio::test]
async fn what_falls_out_is_told_at_once_and_summarized_in_the_background() {
    let f = fixture();
    *f.summarizer.answer.lock() = Some(Ok("SQLite is used."));
    let four = conversation(&FOUR);
    let told = f.conversations.recall(&four).await.unwrap().summary.unwrap();
    assert_eq!((told.author.as_str(), told.up_to.as_str()), (EXTRACT, "m0"));
    assert!(told.text.contains("Person: We must use SQLite."), "{}", told.text);
    assert!(f.summarizer.asked.lock().is_empty(), "no turn waits for a model");
    f.conversations.catch_up(&four).await.unwrap();
    let told = f.conversations.recall(&four).await.unwrap().summary.unwrap();
    assert_eq!((told.text.as_str(), told.author.as_str()), ("SQLite is used.", "scripted/one"));
    f.conversations.catch_up(&four).await.unwrap();
    assert_eq!(f.summarizer.asked.lock().len(), 1, "it tells of everything already");
    // Incremental: the summary so far and what has fallen out since.
    let six = conversation(&["We must use SQLite.", "two", "three", "four", "five", "six"]);
    let told = f.conversations.recall(&six).await.unwrap().summary.unwrap();
    assert!(told.text.contains("SQLite is used.") && told.text.contains("Person: three"), "{}", told.text);
    f.conversations.catch_up(&six).await.unwrap();
    let asked = f.summarizer.asked.lock().last().cloned().unwrap();
    assert_eq!(asked.earlier, "SQLite is used.");
    let said: Vec<&str> = asked.said.iter().map(|(_, text)| text.as_str()).collect();
    assert_eq!(said, ["two", "three"]);
}

#[tokio::test]
async fn a_message_that_is_gone_or_another_has_the_summary_made_anew() {
    let f = fixture();
    *f.summarizer.answer.lock() = Some(Ok("SQLite is used."));
    f.conversations.catch_up(&conversation(&FOUR)).await.unwrap();
    let other = conversation(&["We must use PostgreSQL.", "two", "three", "four"]);
    let told = f.conversations.recall(&other).await.unwrap().summary.unwrap();
    assert!(!told.text.contains("SQLite is") && told.text.contains("PostgreSQL"), "{}", told.text);
    f.conversations.catch_up(&other).await.unwrap();
    let asked = f.summarizer.asked.lock().last().cloned().unwrap();
    assert_eq!((asked.earlier.as_str(), asked.said.len()), ("", 1));
    f.conversations.catch_up(&conversation(&["two"])).await.unwrap();
    assert_eq!(f.store.find_summary("c").await.unwrap(), None, "nothing is told of what was deleted");
}

#[tokio::test]
async fn where_no_model_answers_an_extract_stands_in_until_one_does() {
    let f = fixture();
    for answer in [None, Some(Err(())), Some(Ok(" \n"))] {
        *f.summarizer.answer.lock() = answer;
        f.conversations.catch_up(&conversation(&FOUR)).await.unwrap();
        let stored = f.store.find_summary("c").await.unwrap().unwrap();
        assert_eq!((stored.author.as_str(), stored.messages, stored.up_to.as_str()), (EXTRACT, 1, "m0"));
        assert!(stored.text.starts_with("(Sentences picked"), "{}", stored.text);
    }
    *f.summarizer.answer.lock() = Some(Ok("SQLite is used."));
    f.conversations.catch_up(&conversation(&FOUR)).await.unwrap();
    assert_eq!(f.store.find_summary("c").await.unwrap().unwrap().author, "scripted/one");
    assert_eq!(f.summarizer.asked.lock().last().unwrap().earlier, "", "it is made of what was said");
}

#[tokio::test]
async fn a_local_conversation_is_summarized_as_one() {
    let f = fixture();
    *f.summarizer.answer.lock() = Some(Ok("The pay is known."));
    let local = Conversation { privacy: Privacy::Local, ..conversation(&FOUR) };
    f.conversations.catch_up(&local).await.unwrap();
    assert_eq!(f.summarizer.asked.lock()[0].privacy, Privacy::Local);
    let told = f.conversations.recall(&conversation(&FOUR)).await.unwrap().summary.unwrap();
    assert_eq!(told.author, EXTRACT, "what was made of local words is not given elsewhere");
}

#[tokio::test]
async fn no_summary_has_more_tokens_than_it_may() {
    let f = fixture();
    *f.summarizer.answer.lock() = Some(Ok("One two three. ".repeat(50).leak()));
    let texts: Vec<String> = (0..40).map(|at| format!("Number {at} must be kept. It is so.")).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    for count in [5, 20, 40] {
        let all = conversation(&texts[..count]);
        let told = f.conversations.recall(&all).await.unwrap().summary.unwrap();
        assert!(told.tokens <= 30 && told.tokens > 10, "{count}: {told:?}");
        f.conversations.catch_up(&all).await.unwrap();
        let told = f.conversations.recall(&all).await.unwrap().summary.unwrap();
        assert!(told.tokens <= 30 && told.tokens > 10, "{count}: {told:?}");
    }
}

#[track_caller]
fn check_extract(said: &[(Speaker, &str)], tokens: usize, expected: &[&str]) {
    let said: Vec<_> = said.iter().map(|(speaker, text)| (*speaker, (*text).to_owned())).collect();
    let text = extract::extract("", &said, tokens, &Words);
    assert_eq!(text.lines().skip(1).collect::<Vec<_>>(), expected);
}

#[test]
fn an_extract_picks_decisions_names_numbers_and_open_tasks_in_their_order() {
    use Speaker::{Agent, Person};
    let said = [
        (Person, "Hello there. It is raining. The invoices must go out to Ana by 5 May!"),
        (Agent, "Sure. I looked around a bit. It is - [ ] no task.\n- [ ] send the invoices"),
        (Person, "Obrigado. Vamos usar a porta 8080."),
    ];
    check_extract(
        &said,
        // The heading has nine words, and each line a break.
        9 + 1 + 12 + 8 + 7,
        &[
            "Person: The invoices must go out to Ana by 5 May!",
            "Agent: - [ ] send the invoices",
            "Person: Vamos usar a porta 8080.",
        ],
    );
    check_extract(&said, 12, &[]);
    check_extract(&[(Person, "… — !"), (Agent, "")], 100, &[]);
}
