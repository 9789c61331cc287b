//! Changes are told, whoever makes them.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::time::Duration;

use worktree::{Change, Expected, Watch};

use crate::support::{Place, path};

const PATIENCE: Duration = Duration::from_secs(10);

/// Collects what is told until a path is among it.
async fn until(watch: &mut Watch, wanted: &str) -> BTreeSet<String> {
    let mut told = BTreeSet::new();
    loop {
        let change = tokio::time::timeout(PATIENCE, watch.next()).await;
        match change.unwrap_or_else(|_| panic!("{wanted} is not among {told:?}")) {
            Some(Change::Paths(paths)) => told.extend(paths),
            other => panic!("{other:?}"),
        }
        if told.contains(wanted) {
            return told;
        }
    }
}

#[tokio::test]
async fn tells_of_files_and_of_folders_that_are_made_later() {
    let place = Place::new();
    place.put("src/a", "1");
    place.put("node_modules/x", "1");
    let mut watch = place.tree.watch().unwrap();
    place.put("src/a", "2");
    assert_eq!(until(&mut watch, "src/a").await, BTreeSet::from(["src/a".to_owned()]));
    place.put("node_modules/x", "2");
    place.tree.write(&path("new/deep/file"), b"1", Expected::Anything).unwrap();
    let told = until(&mut watch, "new").await;
    assert!(
        !told.iter().any(|path| path.contains("node_modules") || path.contains(".atelier-part")),
        "{told:?}"
    );
    place.put("new/deep/file", "2");
    until(&mut watch, "new/deep/file").await;
    fs::rename(place.host("new"), place.host("moved")).unwrap();
    until(&mut watch, "moved").await;
    place.put("moved/deep/file", "3");
    until(&mut watch, "moved/deep/file").await;
    fs::remove_file(place.host("src/a")).unwrap();
    until(&mut watch, "src/a").await;
}

#[tokio::test]
async fn a_link_is_not_watched_through() {
    let place = Place::new();
    let outside = place.folder.path().join("outside");
    fs::create_dir(&outside).unwrap();
    let mut watch = place.tree.watch().unwrap();
    symlink(&outside, place.host("link")).unwrap();
    until(&mut watch, "link").await;
    fs::write(outside.join("secret"), "").unwrap();
    place.put("end", "");
    let told = until(&mut watch, "end").await;
    assert!(!told.iter().any(|path| path.contains("secret")), "{told:?}");
}

#[tokio::test]
async fn of_more_than_can_be_told_nothing_is_lost() {
    const FILES: usize = 30_000;
    let place = Place::new();
    let mut watch = place.tree.watch().unwrap();
    // Nobody listens meanwhile.
    for number in 0..FILES {
        fs::write(place.host(format!("f{number}")), "").unwrap();
    }
    place.put("last", "");
    let (mut told, mut is_everything) = (BTreeSet::new(), false);
    let heard = tokio::time::timeout(PATIENCE, async {
        while !(told.contains("last") && (is_everything || told.len() > FILES)) {
            match watch.next().await {
                Some(Change::Paths(paths)) => told.extend(paths),
                Some(Change::Everything) => {
                    is_everything = true;
                    // It goes on telling afterwards.
                    place.put("last", "again");
                }
                None => panic!("the watch ended"),
            }
        }
    });
    heard.await.unwrap();
}
