//! Goals in plain words, planned and carried out with a model that speaks the real wire protocol:
//! first a sound one, then one in every sort of trouble.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/desk.rs"]
mod desk;

use std::time::{Duration, Instant};

use desk::Desk;
use serde_json::{Value, json};
use testkit::scripted_model::{DIMENSIONS, MODEL};
use testkit::{Fault, Reply, Script, ScriptedModel};

const GOAL: &str = "Summarise sales.csv by region and draw a chart; ask me before you publish the report";
const SUMS: &str = "\
import csv
sums = {}
for row in csv.DictReader(open('sales.csv')):
    sums[row['region']] = sums.get(row['region'], 0) + int(row['amount'])
with open('totals.csv', 'w') as file:
    file.write('region,total\\n')
    for region, total in sorted(sums.items()):
        file.write(f'{region},{total}\\n')
        print(region, total)
";
const CHART: &str = "\
rows=$(tail -n +2 totals.csv)
echo '<svg xmlns=\"http://www.w3.org/2000/svg\">' > chart.svg
for row in $rows; do echo \"<rect width='${row#*,}' height='8'/>\" >> chart.svg; done
echo '</svg>' >> chart.svg
";

/// What a model answers to [`GOAL`]; the first step has no word to recall anything by.
fn plan() -> Value {
    let contains = |text: &str| json!({"text": text, "check": {"kind": "output_contains", "text": text}});
    json!({
        "title": "Sales by region", "language": "en", "steps": [
            {"id": "s1", "title": "?!", "kind": "recall", "depends_on": [], "acceptance": []},
            {"id": "s2", "title": "Sum by region", "kind": "code", "depends_on": ["s1"],
             "language": "python", "code": SUMS, "acceptance": [
                contains("north 30"), contains("south 5"),
                {"text": "two regions", "check": {"kind": "file_count", "path": "totals.csv", "unit": "rows",
                                                  "at_least": 2, "at_most": 2}},
             ]},
            {"id": "s3", "title": "Draw the chart", "kind": "code", "depends_on": ["s2"],
             "language": "shell", "code": CHART, "acceptance": [
                {"text": "the chart has its bars",
                 "check": {"kind": "file_contains", "path": "chart.svg", "text": "width='30'"}},
             ]},
            {"id": "s4", "title": "Publish the report?", "kind": "gate", "depends_on": ["s3"],
             "detail": "The totals and the chart are written up.", "acceptance": []},
            {"id": "s5", "title": "Say it in a sentence", "kind": "note", "depends_on": ["s4"], "acceptance": []},
            {"id": "s6", "title": "Report", "kind": "report", "depends_on": ["s5"], "acceptance": []},
        ],
    })
}

fn good_plan() -> Reply {
    Reply::json(&plan()).usage(1_000, 200)
}

fn sentence() -> Reply {
    Reply::text("The north sold six times as much as the south.").usage(300, 10)
}

/// A desk whose server knows the model by its settings.
fn desk_with(model: &ScriptedModel) -> Desk {
    let desk = Desk::new();
    desk.folder.write("sales.csv", "region,amount\nnorth,10\nsouth,5\nnorth,20\n");
    let base_url = model.base_url();
    desk.folder.write(
        "data/settings.yaml",
        format!("models:\n  providers:\n  - {{ name: scripted, base_url: {base_url}, model: {MODEL} }}\n"),
    );
    desk.serving()
}

/// Carries [`GOAL`] out until it ends or asks; its events, and the run as it stands then.
#[track_caller]
fn carry_out(desk: &Desk, flags: &[&str], code: i32) -> (Vec<Value>, Value) {
    let words = ["run", GOAL, "--file", "sales.csv", "--watch", "--json"];
    lines(&desk.run(&[&words, flags].concat()).expect(code).out)
}

#[track_caller]
fn lines(text: &str) -> (Vec<Value>, Value) {
    let mut events: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let run = events.pop().unwrap()["run"].take();
    (events, run)
}

/// How each call of the model went: `answered`, or the code of its failure.
fn calls(events: &[Value]) -> Vec<String> {
    let calls = events.iter().filter(|event| event["kind"] == "model_call");
    let outcomes = calls.map(|event| &event["payload"]["outcome"]);
    outcomes
        .map(|outcome| outcome["code"].as_str().or(outcome["kind"].as_str()).unwrap().to_owned())
        .collect()
}

fn statuses(run: &Value) -> Vec<&str> {
    run["steps"].as_array().unwrap().iter().map(|step| step["status"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_goal_in_plain_words_is_planned_approved_carried_out_and_remembered() {
    let model = ScriptedModel::start(Script::replies([good_plan(), sentence()])).await;
    let desk = desk_with(&model);

    let (events, run) = carry_out(&desk, &[], 11);
    assert_eq!((&run["plan"]["planner"], &run["plan"]["title"]), (&json!("model"), &plan()["title"]));
    assert_eq!(calls(&events), ["answered"]);
    let gate = &run["gates"][0];
    assert_eq!((&gate["name"], &gate["proposal"]), (&json!("approve-plan"), &run["plan"]["steps"]));
    assert_eq!(run["artifacts"], json!([]), "nothing is run before the plan is approved");
    let asked = &model.requests()[0];
    assert_eq!((&asked.json["model"], &asked.json["stream"]), (&json!(MODEL), &json!(true)));
    let instructions = asked.json["messages"][0]["content"].as_str().unwrap();
    assert!(instructions.contains("JSON Schema of the answer"), "{instructions}");
    assert!(asked.prompt().ends_with(GOAL), "{}", asked.prompt());

    let id = run["id"].as_str().unwrap();
    desk.run(&["runs", "approve", id]).expect(0);
    let (_, run) = lines(&desk.run(&["runs", "watch", id, "--json"]).expect(11).out);
    assert_eq!(run["gates"][1]["name"], "s4");
    desk.run(&["runs", "approve", id, "--feedback", "go on"]).expect(0);
    let (events, run) = lines(&desk.run(&["runs", "watch", id, "--json"]).expect(0).out);
    assert_eq!(run["status"], "completed");
    assert_eq!(statuses(&run).iter().filter(|status| **status == "completed").count(), 10, "{run}");
    let hits = &run["steps"].as_array().unwrap().iter().find(|step| step["name"] == "s1").unwrap()["result"];
    assert_eq!(hits, &json!({"hits": [], "privacy": "shareable"}));
    let checks: Vec<_> = events.iter().filter(|event| event["kind"] == "check").collect();
    assert_eq!(checks.len(), 4);
    assert!(checks.iter().all(|event| event["payload"]["check"]["passed"] == true), "{checks:?}");
    assert_eq!(run["cost"], json!({"tokens_in": 1_300, "tokens_out": 210, "usd": 0.0}));

    desk.run(&["runs", "artifacts", id, "--output", "out"]).expect(0);
    let read = |name: &str| std::fs::read_to_string(desk.folder.join("out").join(name)).unwrap();
    assert_eq!(read("totals.csv"), "region,total\nnorth,30\nsouth,5\n");
    assert!(read("chart.svg").contains("<rect width='30' height='8'/>"));
    let report = read("report.md");
    assert!(report.contains("north 30") && report.contains("six times as much"), "{report}");

    let found = desk.run(&["memory", "search", "sales by region", "--json"]).expect(0).json();
    let collections: Vec<_> =
        found["items"].as_array().unwrap().iter().map(|hit| &hit["collection"]).collect();
    assert!(collections.contains(&&json!("runs")), "{found}");
    let logged = desk.run(&["memory", "logs", "--json"]).expect(0).json();
    assert_eq!(logged["items"][0]["plan"]["planner"], "model");
    no_secret_is_logged(&desk);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_s_models_are_told_what_memory_knows_and_the_run_keeps_it() {
    let model = ScriptedModel::start(Script::replies([good_plan(), sentence()])).await;
    let desk = desk_with(&model);
    desk.folder
        .write("regions.md", "# Regions\n\nThe sales by region go to Caroline before they are published.\n");
    desk.run(&["memory", "ingest", "regions.md"]).expect(0);
    let (_, run) = carry_out(&desk, &["--yes"], 0);
    let pack = desk.run(&["memory", "pack", "--run", run["id"].as_str().unwrap(), "--json"]).expect(0).json();
    assert_eq!(pack["query"], GOAL);
    let kept = pack["text"].as_str().unwrap();
    assert!(kept.contains("go to Caroline") && kept.contains(GOAL), "{kept}");
    assert_eq!(pack["sections"][0]["entries"][0]["title"], "Regions");
    let told = model.requests().last().unwrap().prompt();
    assert!(told.contains("go to Caroline"), "{told}");
    desk.run(&["memory", "pack", "--run", "run_01hv5k3m9x7q2w8e4r6t"]).expect(4);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stays_on_this_machine_is_told_to_no_model_elsewhere() {
    let model = ScriptedModel::start(Script::always(good_plan())).await;
    let desk = Desk::new();
    desk.folder.write("sales.csv", "region,amount\nnorth,10\nsouth,5\nnorth,20\n");
    // The same server, by an address that is not taken for this machine's own.
    let base_url = model.base_url().replace("127.0.0.1", "0.0.0.0");
    desk.folder.write(
        "data/settings.yaml",
        format!("models:\n  providers:\n  - {{ name: scripted, base_url: {base_url}, model: {MODEL} }}\n"),
    );
    let desk = desk.serving();
    desk.folder
        .write("regions.md", "# Regions\n\nThe sales by region go to Caroline before they are published.\n");
    desk.run(&["memory", "ingest", "regions.md", "--privacy", "local"]).expect(0);
    let (_, run) = carry_out(&desk, &["--yes"], 0);
    let pack = desk.run(&["memory", "pack", "--run", run["id"].as_str().unwrap(), "--json"]).expect(0).json();
    assert_eq!(pack["privacy"], "local");
    assert_eq!(model.requests().len(), 1, "only the plan was asked for");
    assert!(!model.requests().iter().any(|asked| asked.prompt().contains("Caroline")));
}

/// Neither a token nor the key of a link is in a log file.
fn no_secret_is_logged(desk: &Desk) {
    let mut files = 0;
    for file in std::fs::read_dir(desk.data.join("logs")).unwrap() {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        assert!(!text.contains("atl_") && !text.contains("ato_"), "{text}");
        files += 1;
    }
    assert!(files > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_gate_of_the_whole_plan_can_be_switched_off_and_on() {
    let model = ScriptedModel::start(Script::always(good_plan())).await;
    let desk = desk_with(&model);
    let (_, run) = carry_out(&desk, &["--no-approval"], 11);
    assert_eq!(run["gates"][0]["name"], "s4", "a question of the plan's own is asked all the same");
    desk.folder.write("book.md", "# Book\n\n```sh\ntrue\n```\n");
    let (_, run) =
        lines(&desk.run(&["run", "book.md", "--require-approval", "--watch", "--json"]).expect(11).out);
    assert_eq!(run["gates"][0]["name"], "approve-plan");
    desk.run(&["run", "book.md", "--watch"]).expect(0);
    desk.run(&["run", "book.md", "--require-approval", "--no-approval"]).expect(2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_fails_once_is_asked_again() {
    let broken = Reply::text(plan().to_string().replace("\"steps\"", "\"stages\""));
    let cut = good_plan().fault(Fault::CutAfter(9));
    let limited = Reply::status(429, "slow down").retry_after("1");
    let model = ScriptedModel::start(Script::default()).await;
    let desk = desk_with(&model);
    for (first, expected) in [
        (Reply::status(500, "boom"), "model_upstream_failed"),
        (limited, "model_rate_limited"),
        (cut, "model_answer_interrupted"),
        (broken, "answered"),
    ] {
        let before = model.requests().len();
        model.follow(Script::replies([first, good_plan(), sentence()]));
        let (events, run) = carry_out(&desk, &["--yes"], 0);
        assert_eq!(calls(&events), [expected, "answered", "answered"]);
        assert_eq!(run["plan"]["planner"], "model", "{expected}");
        assert_eq!(run["status"], "completed", "{expected}");
        let second = model.requests()[before + 1].prompt();
        let is_corrected = second.contains("Answer with the corrected JSON only");
        assert_eq!(is_corrected, expected == "answered", "{second}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_usable_answer_the_rules_plan_and_the_run_says_why() {
    let model = ScriptedModel::start(Script::always(Reply::text("I would rather not."))).await;
    let desk = desk_with(&model);
    let check = |expected: &[&str], reason: &str| {
        let (events, run) = carry_out(&desk, &["--yes"], 0);
        assert_eq!((&run["plan"]["planner"], &run["status"]), (&json!("rules"), &json!("completed")));
        assert_eq!(calls(&events), expected);
        let warning = events.iter().find(|event| event["payload"]["level"] == "warning").unwrap();
        let message = warning["payload"]["message"].as_str().unwrap();
        assert!(message.contains("so the rules planned") && message.contains(reason), "{message}");
    };
    check(&["answered"; 3], "it begins “I would rather not.”");
    drop(model);
    check(&["model_unreachable"; 3], "scripted");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_goes_away_fails_its_step_which_goes_on_once_it_is_back() {
    let model = ScriptedModel::start(Script::replies([good_plan()])).await;
    let desk = desk_with(&model);
    let (_, run) = carry_out(&desk, &["--yes"], 10);
    assert_eq!(run["error"]["code"], "no_model_answered", "{run}");
    assert!(run["error"]["hint"].is_string(), "{run}");
    assert_eq!(run["artifacts"].as_array().unwrap().len(), 2, "what was done stays");
    model.follow(Script::replies([sentence()]));
    let id = run["id"].as_str().unwrap();
    desk.run(&["runs", "retry", id]).expect(0);
    let (events, run) = lines(&desk.run(&["runs", "watch", id, "--json"]).expect(0).out);
    assert_eq!((&run["status"], calls(&events).last().unwrap().as_str()), (&json!("completed"), "answered"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_remembered_gets_vectors_of_the_chosen_embedder_and_anew_of_another() {
    let model = ScriptedModel::start(Script::always(good_plan())).await;
    let base_url = model.base_url();
    let settings = |embedder: &str| {
        format!(
            "models:\n  providers:\n  - {{ name: scripted, base_url: {base_url}, model: {MODEL} }}\n\
             embeddings: {{ provider: scripted, model: {embedder}, dimensions: {DIMENSIONS} }}\n"
        )
    };
    let mut desk = Desk::new();
    for embedder in ["first", "second"] {
        desk.folder.write("data/settings.yaml", settings(embedder));
        desk = desk.serving();
        desk.run(&["plan", "Water the ficus"]).expect(0);
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            let index = desk.run(&["memory", "index", "--json"]).expect(0).json();
            assert_eq!(index["embedder"], format!("scripted/{embedder}"));
            if index["state"] == "active" && index["done"] == index["total"] && index["total"] != 0 {
                break;
            }
            assert!(Instant::now() < deadline, "{index}");
        }
        let asked = model.requests().into_iter().rfind(|it| it.path == "/v1/embeddings").unwrap();
        assert_eq!(asked.json["model"], embedder);
        let mut server = desk.server.take().unwrap();
        server.kill().unwrap();
        server.wait().unwrap();
        std::fs::remove_file(desk.data.join("server.json")).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_orders_what_memory_found_and_its_calls_are_accounted_for() {
    let grades = json!({"grades": [{"number": 1, "grade": 2}, {"number": 2, "grade": 9}]});
    let model = ScriptedModel::start(Script::replies([
        Reply::json(&grades).usage(400, 20),
        Reply::text("They are all good."),
    ]))
    .await;
    let desk = desk_with(&model);
    desk.folder.write("first.md", "The invoices of the region go out on Mondays.");
    desk.folder.write("second.md", "The invoices wait until somebody has read them.");
    desk.run(&["memory", "ingest", "first.md", "second.md"]).expect(0);
    let words = ["memory", "search", "invoices of the region on Mondays", "--json"];
    let search = |flags: &[&str]| desk.run(&[&words, flags].concat()).expect(0).json();
    let titles = |found: &Value| -> Vec<String> {
        found["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|hit| hit["text"].as_str().unwrap().to_owned())
            .collect()
    };

    let usual = search(&[]);
    assert_eq!((titles(&usual).len(), &usual["reranked"]), (2, &json!(false)));
    let found = search(&["--rerank=scripted"]);
    let (mut expected, order) = (titles(&usual), titles(&found));
    expected.reverse();
    assert_eq!((&found["reranked"], order), (&json!(true), expected));
    assert_eq!(found["items"][0]["rerank"], json!({"grade": 9.0, "rank_before": 2}));
    let asked = &model.requests()[0];
    assert!(asked.prompt().contains("go out on Mondays"), "{}", asked.prompt());
    let usage = desk.run(&["usage", "--json"]).expect(0).out;
    assert!(usage.contains("scripted") && usage.contains("400"), "{usage}");

    let told = search(&["--rerank"]);
    assert_eq!((&told["reranked"], titles(&told)), (&json!(false), titles(&usual)));
    assert_eq!(told["rerank_problem"]["code"], "rerank_unusable");
}
