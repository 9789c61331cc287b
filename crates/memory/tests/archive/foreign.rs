//! What other programs keep.

use kernel::Privacy;
use memory::Query;
use memory::archive::ImportOptions;

use crate::support::{world, zip_of};

#[tokio::test]
async fn a_vault_is_taken_in_without_its_settings_and_pictures() {
    let world = world();
    let vault = |march: &str| {
        zip_of(&[
            ("Vault/.obsidian/app.json", b"{}"),
            ("Vault/.trash/old.md", b"thrown away"),
            ("Vault/Meetings/March.md", march.as_bytes()),
            ("Vault/garden.md", b"# Garden\n\nThe ficus. See ![[ficus.png]].\n"),
            ("Vault/ficus.png", b"\x89PNG\r\n"),
            ("Vault/table.csv", b"plant,water\nficus,daily\n"),
            ("Vault/empty.md", b"\n"),
            ("__MACOSX/Vault/._garden.md", b"\0\x05"),
        ])
    };
    let note = "---\ntags: [budget, q1]\naliases: [Kick-off]\ncreated: 2026-03-03\n---\nWe met [[Ana Lima|Ana]] about the kumquat.\n";
    let came = world.import("download (1).zip", &vault(note)).await;
    assert_eq!((came.recognised, came.totals.new, came.totals.failed), (Some("obsidian"), 3, 0), "{came:?}");
    assert_eq!(came.totals.passed_over, 5);
    assert_eq!(world.keys("notes").await, ["Vault/Meetings/March.md", "Vault/garden.md", "Vault/table.csv"]);
    let march = world.document("notes", "Vault/Meetings/March.md").await.unwrap();
    assert_eq!((march.text.as_str(), march.title.as_str()), (note, "March"));
    assert_eq!(march.occurred_at.unwrap().to_string(), "2026-03-03T00:00:00.000Z");
    assert_eq!(march.attributes["path"], "Meetings/March.md");
    for query in ["kick-off", "q1", "Lima kumquat"] {
        let hits = world.memory.search(Query::new(query, 3)).await.unwrap().hits;
        assert_eq!(hits[0].document.id, march.id, "{query}");
    }
    assert_eq!(world.import("vault.zip", &vault(note)).await.totals.unchanged, 3);
    let came = world.import("vault.zip", &vault("other\n")).await;
    assert_eq!((came.totals.changed, came.totals.unchanged), (1, 2));
}

#[tokio::test]
async fn what_came_from_elsewhere_is_kept_and_what_is_local_stays_so() {
    let world = world();
    let one = zip_of(&[("Notes/a.md", b"from a folder"), ("Notes/b.md", b"b")]);
    let options = ImportOptions { privacy: Privacy::Local, ..ImportOptions::default() };
    assert_eq!(world.import_with(&one, options).await.recognised, Some("markdown_folder"));
    let changed = zip_of(&[("Notes/a.md", b"changed"), ("Notes/b.md", b"b")]);
    let came = world.import("x.zip", &changed).await;
    assert_eq!((came.totals.changed, came.totals.failed), (2, 0), "a label is a change: {came:?}");
    let document = world.document("notes", "Notes/a.md").await.unwrap();
    assert_eq!((document.text.as_str(), document.privacy), ("changed", Privacy::Local));
    let vault = zip_of(&[("Notes/.obsidian/a.json", b"{}"), ("Notes/a.md", b"from a vault")]);
    assert_eq!(world.import("x.zip", &vault).await.totals.kept, 1);
    assert_eq!(world.text("notes", "Notes/a.md").await.as_deref(), Some("changed"));
    let options = ImportOptions { overwrite: true, ..ImportOptions::default() };
    assert_eq!(world.import_with(&vault, options).await.totals.changed, 1);
    assert_eq!(world.text("notes", "Notes/a.md").await.as_deref(), Some("from a vault"));
}

const CHATGPT: &str = r#"[
 {"title":"Watering","create_time":1700000000.5,"id":"c1","conversation_id":"c1","current_node":"n2","mapping":{
   "n0":{"id":"n0","message":null,"parent":null,"children":["n1"]},
   "n1":{"id":"n1","parent":"n0","children":["n2"],"message":{"author":{"role":"user"},"create_time":1700000001,"content":{"content_type":"text","parts":["How often does a ficus need water?"]}}},
   "n2":{"id":"n2","parent":"n1","children":[],"message":{"author":{"role":"assistant"},"create_time":1700000002,"content":{"content_type":"text","parts":["Once a week."]}}}}},
 {"title":null,"id":"c2","mapping":{"n0":{"message":null,"parent":null}}},
 {"title":"Kumquats","id":"c3","current_node":"m","mapping":{"m":{"parent":null,"message":{"author":{"role":"user"},"create_time":1700000500,"content":{"parts":["Is a kumquat a fruit?"]}}}}}
]"#;

const CLAUDE: &str = r#"[{"uuid":"u1","name":"Orchids","created_at":"2026-01-02T03:04:05Z","chat_messages":[
 {"uuid":"m1","text":"Do orchids sleep?","sender":"human","created_at":"2026-01-02T03:04:06Z"},
 {"uuid":"m2","text":"In winter they rest.","sender":"assistant","created_at":"2026-01-02T03:04:09Z"}]}]"#;

const TELEGRAM: &str = r#"{"about":"x","personal_information":{"chats":1},"chats":{"about":"y","list":[
 {"name":"Ana","type":"personal_chat","id":42,"messages":[
  {"id":1,"type":"service","actor":"Ana","action":"phone_call","text":""},
  {"id":2,"type":"message","date":"2026-01-02T03:04:05","from":"Ana","text":["Bring the ",{"type":"bold","text":"kumquats"},"!"]}]},
 {"name":"Empty","type":"personal_chat","id":43,"messages":[]}]}}"#;

#[tokio::test]
async fn conversations_become_documents_with_their_messages() {
    #[track_caller]
    fn is_one(came: &crate::support::Came, recognised: &str, new: u64) {
        assert_eq!(
            (came.recognised, came.totals.new, came.totals.failed),
            (Some(recognised), new, 0),
            "{came:?}"
        );
    }
    let world = world();
    is_one(&world.import("conversations.json", CHATGPT.as_bytes()).await, "chatgpt", 2);
    assert_eq!(world.keys("chat").await, ["chatgpt/c1", "chatgpt/c3"]);
    let watering = world.document("chat", "chatgpt/c1").await.unwrap();
    assert_eq!((watering.title.as_str(), watering.source.as_str()), ("Watering", "chatgpt"));
    assert_eq!(watering.attributes["thread_id"], "c1");
    let chunks = world.memory.chunks(&watering.id).await.unwrap();
    let said: Vec<_> = chunks
        .iter()
        .map(|chunk| (chunk.content.author.as_deref(), chunk.content.time.map(|time| time.0)))
        .collect();
    assert!(said.contains(&(Some("assistant"), Some(1_700_000_002_000))), "{chunks:?}");
    let zipped =
        zip_of(&[("chat.html", b"<html>"), ("conversations.json", CHATGPT.as_bytes()), ("user.json", b"{}")]);
    let came = world.import("export.zip", &zipped).await;
    assert_eq!(
        (came.recognised, came.totals.unchanged, came.totals.new),
        (Some("chatgpt"), 2, 0),
        "{came:?}"
    );
    let parts = zip_of(&[("conversations-000.json", CHATGPT.as_bytes()), ("conversations-001.json", br#"[{"id":"c4","title":"T","mapping":{"m":{"message":{"author":{"role":"user"},"content":{"parts":["hello"]}}}}}]"#)]);
    assert_eq!(world.import("export.zip", &parts).await.totals.new, 1);
    is_one(&world.import("conversations.json", CLAUDE.as_bytes()).await, "claude", 1);
    assert!(world.text("chat", "claude/u1").await.unwrap().contains("human: Do orchids sleep?"));
    is_one(&world.import("result.json", TELEGRAM.as_bytes()).await, "telegram", 1);
    assert!(world.text("chat", "telegram/42").await.unwrap().contains("Ana: Bring the kumquats!"));
    let whatsapp = b"12/31/23, 11:59 PM - Ada: hi\n1/1/24, 12:00 AM - Bob: ho\n";
    is_one(
        &world.import("WhatsApp Chat - Ada.zip", &zip_of(&[("_chat.txt", whatsapp), ("a.jpg", b"x")])).await,
        "whatsapp",
        1,
    );
    assert_eq!(world.document("chat", "whatsapp/WhatsApp Chat - Ada").await.unwrap().format, "chat");
    let slack = zip_of(&[
        (
            "users.json",
            br#"[{"id":"U1","team_id":"T1","name":"ada","profile":{"real_name":"Ada Lovelace"}}]"#,
        ),
        ("channels.json", b"[]"),
        (
            "general/2026-01-02.json",
            br#"[{"type":"message","user":"U1","ts":"1767323045.000100","text":"The engine runs"}]"#,
        ),
    ]);
    is_one(&world.import("slack.zip", &slack).await, "slack", 1);
    assert!(
        world
            .text("chat", "slack/T1/general/2026-01-02")
            .await
            .unwrap()
            .contains("Ada Lovelace: The engine runs")
    );
}

#[tokio::test]
async fn a_list_of_conversations_that_breaks_off_gives_those_before() {
    let world = world();
    let broken = &CHATGPT[..CHATGPT.len() - 60];
    let came = world.import("conversations.json", broken.as_bytes()).await;
    assert_eq!((came.totals.new, came.outcome("conversations.json")), (1, "record_damaged"), "{came:?}");
}

#[tokio::test]
async fn any_other_file_is_read_as_what_it_is() {
    let world = world();
    let check = async |name: &str, bytes: &[u8], recognised: &str, outcome: &str| {
        let came = world.import(name, bytes).await;
        let first = came.outcomes.first().map(|(_, outcome)| outcome.as_str());
        assert_eq!((came.recognised, first), (Some(recognised), Some(outcome)), "{name}: {came:?}");
    };
    check("note.md", b"# A note\n\ntext", "file", "new").await;
    check("note.md", b"# A note\n\ntext", "file", "unchanged").await;
    check("a.json", br#"{"chats":"none","name":"x"}"#, "file", "new").await;
    check("list.json", br#"[{"name":"x"},{"name":"y"}]"#, "file", "new").await;
    check("talk.json", br#"[{"author":"Ana","text":"hi"}]"#, "file", "new").await;
    check("empty.md", b"", "file", "document_empty").await;
    check("picture.png", b"\x89PNG\r\n\x1a\n", "file", "unsupported_format").await;
    let sheet = zip_of(&[("[Content_Types].xml", b"<Types/>"), ("xl/workbook.xml", b"<workbook/>")]);
    check("sheet.xlsx", &sheet, "file", "unsupported_format").await;
    check("files.zip", &zip_of(&[("a.csv", b"a,b\n1,2\n"), ("b.txt", b"text")]), "files", "new").await;
}
