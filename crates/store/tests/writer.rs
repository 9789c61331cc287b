//! What waits is committed together, and a change that fails takes nothing with it.

use futures::future::{join_all, join3};
use store::{Database, Error};

#[tokio::test]
async fn a_change_that_fails_leaves_nothing_and_those_beside_it_are_stored() {
    let folder = tempfile::tempdir().unwrap();
    let database = Database::open(&folder.path().join("workspace.sqlite3")).await.unwrap();
    let writer = database.writer();
    writer.write(|it| Ok(it.execute_batch("CREATE TABLE kept (number INTEGER PRIMARY KEY)")?)).await.unwrap();
    for failing in 0..4 {
        // All others queue up behind this one.
        let (go, wait) = std::sync::mpsc::channel();
        let first = writer.write(move |_| Ok(wait.recv().is_ok()));
        let changes = (0..9).map(|number| {
            writer.write(move |it| {
                it.execute("INSERT INTO kept VALUES (?1)", [failing * 9 + number])?;
                let fails = failing == 3 || number % 3 == failing;
                if fails { Err(Error::Unreadable("nothing of this".into())) } else { Ok(()) }
            })
        });
        let (waited, stored, _) = join3(first, join_all(changes), async { go.send(()) }).await;
        assert!(waited.unwrap());
        for (number, stored) in stored.into_iter().enumerate() {
            assert_eq!(stored.is_err(), failing == 3 || number as i64 % 3 == failing, "{failing} {number}");
        }
    }
    let kept = database.read(|it| {
        let mut statement = it.prepare("SELECT number FROM kept ORDER BY number")?;
        let numbers = statement.query_map([], |row| row.get::<_, i64>(0))?;
        Ok(numbers.collect::<Result<Vec<_>, _>>()?)
    });
    let expected: Vec<i64> = (0..27).filter(|number| number % 9 % 3 != number / 9).collect();
    assert_eq!(kept.await.unwrap(), expected);
    database.close().await;
}
