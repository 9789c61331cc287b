//! Each store does what memory wants of an index.

use std::sync::Arc;

use kernel::{Privacy, SystemClock};
use memory::embedding::VectorChange;
use memory::testing::vector_contract;
use memory::{EmbedderIdentity, Near, Reachable, VectorIndex};
use sqlx::postgres::PgConnectOptions;
use vector_stores::{Generation, Pgvector, Store};

use crate::servers::Server;

fn embedder(name: &str) -> EmbedderIdentity {
    EmbedderIdentity { name: name.into(), version: "1".into(), dimensions: 3 }
}

fn put(number: u32, vector: [f32; 3]) -> VectorChange {
    VectorChange { number, vector: Some(vector.into()), privacy: Privacy::Shareable }
}

async fn nearest(index: &Arc<dyn VectorIndex>) -> Vec<u32> {
    let found = index.search(&[1.0, 0.0, 0.0], 9, None).await.unwrap();
    found.iter().map(|near: &Near| near.number).collect()
}

async fn keeps_the_contract(store: Store) {
    let server = Server::start(store);
    vector_contract(async |identity| server.open(identity)).await;
    let said = server.address().check().await.unwrap();
    assert!(said.starts_with(if store == Store::Chroma { "Chroma 1" } else { "PostgreSQL 18" }), "{said}");
    no_one_sees_what_belongs_to_another(&server).await;
    what_is_ahead_of_the_workspace_begins_anew(&server).await;
    embedders_that_are_no_more_go(&server).await;
}

async fn no_one_sees_what_belongs_to_another(server: &Server) {
    let one = server.open_at("one", &embedder("a"), u64::MAX);
    let other = server.open_at("other", &embedder("a"), u64::MAX);
    one.apply(vec![put(1, [1.0, 0.0, 0.0])], 5).await.unwrap();
    other.apply(vec![put(2, [1.0, 0.0, 0.0])], 7).await.unwrap();
    assert_eq!((nearest(&one).await, nearest(&other).await), (vec![1], vec![2]));
    one.clear().await.unwrap();
    assert_eq!((one.position().await.unwrap(), other.position().await.unwrap()), (0, 7));
    assert_eq!(nearest(&other).await, [2]);
}

async fn what_is_ahead_of_the_workspace_begins_anew(server: &Server) {
    let ahead = server.open_at("other", &embedder("a"), 7);
    assert_eq!((ahead.position().await.unwrap(), nearest(&ahead).await), (7, vec![2]));
    let restored = server.open_at("other", &embedder("a"), 6);
    assert_eq!((restored.position().await.unwrap(), nearest(&restored).await), (0, vec![]));
    restored.apply(vec![put(3, [1.0, 0.0, 0.0])], 9).await.unwrap();
    assert_eq!((restored.position().await.unwrap(), nearest(&restored).await), (9, vec![3]));
}

async fn embedders_that_are_no_more_go(server: &Server) {
    let (old, kept) = (server.open_at("w", &embedder("old"), 9), server.open_at("v", &embedder("old"), 9));
    old.apply(vec![put(1, [1.0, 0.0, 0.0])], 5).await.unwrap();
    kept.apply(vec![put(2, [1.0, 0.0, 0.0])], 5).await.unwrap();
    let new = server.open_at("w", &embedder("new"), 9);
    assert_eq!(new.count().await.unwrap(), 0);
    new.maintain().await.unwrap();
    assert_eq!(server.open_at("w", &embedder("old"), 9).position().await.unwrap(), 0);
    assert_eq!(nearest(&kept).await, [2]);
    // Whoever still has it open finds it gone once, and then empty.
    let mut begun_anew = old.position().await;
    for _ in 0..2 {
        begun_anew = old.position().await.or(begun_anew);
    }
    assert_eq!(begun_anew.unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn pgvector_keeps_the_contract() {
    keeps_the_contract(Store::Pgvector).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn chroma_keeps_the_contract() {
    keeps_the_contract(Store::Chroma).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pgvector_keeps_the_contract_with_an_index() {
    let server = Server::start(Store::Pgvector);
    let options: PgConnectOptions = server.url().parse().unwrap();
    // So few vectors the planner would rather scan.
    let options = options.options([("enable_seqscan", "off")]);
    let open = async |embedder: &EmbedderIdentity| {
        let generation = Generation { workspace: "w".into(), embedder: embedder.clone(), last: u64::MAX };
        let index = Pgvector::new(options.clone(), Privacy::Local, generation).with_index_from(1_000);
        Arc::new(index) as Arc<dyn VectorIndex>
    };
    vector_contract(open).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_away_is_unavailable_and_never_waited_for_twice() {
    for store in [Store::Pgvector, Store::Chroma] {
        let mut server = Server::start(store);
        let index = Reachable::new(server.open(&embedder("a")), Arc::new(SystemClock));
        index.apply(vec![put(1, [1.0, 0.0, 0.0])], 1).await.unwrap();
        server.kill();
        let begun = std::time::Instant::now();
        for _ in 0..5 {
            let error = index.search(&[1.0, 0.0, 0.0], 1, None).await.unwrap_err();
            assert_eq!(
                (error.kind, error.code),
                (kernel::Kind::Unavailable, "vectors_unreachable"),
                "{error:?}"
            );
        }
        assert!(begun.elapsed().as_secs() < 5, "{:?}", begun.elapsed());
        assert!(server.address().check().await.unwrap_err().to_string().contains("does not answer"));
        server.start_again();
        // Whoever brings it up to date finds it there again, and then searches do.
        while index.position().await.is_err() {}
        assert_eq!(index.search(&[1.0, 0.0, 0.0], 1, None).await.unwrap().len(), 1);
    }
}
