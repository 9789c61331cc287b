//! The server is killed in the middle of turns. Afterwards the files are what they would have been,
//! and no tool with an effect was used twice.

use kernel::{Entropy, SeededEntropy};

use super::*;

/// What the model does: one thing after the other, by how many answers it has seen.
fn script() -> Script {
    Script::answering(|request| match answers(request) {
        0 => write("a", "a.txt", "one\n"),
        1 => exec("b", "echo ran >> log.txt; sleep 0.05; echo still >> log.txt"),
        2 => Reply::default().calling("c", "fs_edit", json!({ "path": "a.txt", "old": "one", "new": "two" })),
        3 => exec("d", "cat a.txt >> log.txt; mkdir -p deep/er; seq 1000 > deep/er/numbers"),
        4 => exec("e", "echo last >> log.txt"),
        _ => Reply { pause_ms: 5, ..say("All of it is done.") },
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn whenever_the_server_is_killed_the_files_are_as_if_it_had_not_been() {
    let nightly = std::env::var("ATELIER_TEST_PROFILE").is_ok_and(|profile| profile == "nightly");
    let kills = if nightly { 200 } else { 20 };
    let entropy = SeededEntropy::new(20_261_121);
    let mut bench = Bench::new(script()).await;
    let mut killed = 0;
    let mut turn = 0;
    while killed < kills {
        turn += 1;
        let response = bench.begin(json!({ "text": format!("turn {turn}"), "model": "scripted" })).await;
        drop(response);
        loop {
            let life = Duration::from_millis(entropy.next_u64() % 400);
            let deadline = Instant::now() + life;
            let mut ended = false;
            while Instant::now() < deadline && !ended {
                let conversation = bench.conversation().await;
                let last = conversation["turns"].as_array().unwrap().last().cloned().unwrap_or_default();
                ended = !matches!(last["status"].as_str(), Some("running"));
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            if ended {
                break;
            }
            let token = bench.server.token.clone();
            bench.server.kill();
            killed += 1;
            bench.server = Server::start(bench.folder.path(), &token).await;
        }
        let last = bench.until("finished").await;
        assert_eq!(last["status"], "finished");
        assert_eq!(bench.read("a.txt").await, "two\n");
        assert_eq!(
            bench.read("log.txt").await,
            "ran\nstill\ntwo\nlast\n",
            "after {killed} kills, turn {turn}"
        );
        let numbers = bench.read("deep/er/numbers").await;
        assert_eq!(numbers.as_str().unwrap().lines().count(), 1_000);
        // Back to the beginning for the next turn.
        let checkpoint = last["checkpoint"].as_str().unwrap();
        let restore = bench.path(&format!("/checkpoints/{checkpoint}/restore"));
        let (status, answer) = bench.server.post(&restore, None, json!({})).await.unwrap();
        assert_eq!(status, StatusCode::OK, "{answer}");
    }
    println!("{killed} kills in {turn} turns");
}
