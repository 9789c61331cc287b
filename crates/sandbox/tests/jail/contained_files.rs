//! Files of the host and of the server: out of sight, out of reach.

use std::{fs, os::unix::fs::MetadataExt, os::unix::fs::symlink};

use sandbox::Outcome;

use crate::support::{Bench, text};

const SECRET: &str = "swordfish-4711";

#[track_caller]
fn assert_hidden(result: &sandbox::Execution) {
    let said = text(&result.stdout) + &text(&result.stderr);
    assert!(!said.contains(SECRET), "{said}");
}

#[tokio::test]
async fn the_servers_files_are_not_there() {
    let bench = Bench::new();
    let home = std::env::var_os("HOME").map(std::path::PathBuf::from).filter(|home| home.is_dir());
    let mut folders = vec![tempfile::tempdir().expect("a folder")];
    folders.extend(home.and_then(|home| tempfile::tempdir_in(home).ok()));
    for folder in &folders {
        for name in ["secret.txt", "atelier.db"] {
            let path = folder.path().join(name);
            fs::write(&path, SECRET).expect("a secret");
            let path = path.display();
            let script = format!(
                "cat {path} ../..{path} /proc/self/root{path} /proc/1/root{path} /proc/1/cwd{path} \
                 /dev/fd/../../..{path}; ls -la $(dirname {path})"
            );
            let result = bench.shell(&script).await;
            assert_ne!(result.outcome, Outcome::Exited(0));
            assert_hidden(&result);
        }
    }
    let result =
        bench.shell("find / -name 'secret.txt' -o -name 'atelier.db' -o -name .ssh 2>/dev/null").await;
    assert_eq!(text(&result.stdout), "");
}

#[tokio::test]
async fn environ_of_process_one_tells_nothing() {
    let bench = Bench::new();
    let result = bench.shell("cat /proc/1/environ /proc/[0-9]*/environ | tr '\\0' '\\n'").await;
    let said = text(&result.stdout);
    // The environment of this very test has these.
    assert!(!said.contains("CARGO") && !said.contains("USER="), "{said}");
    let result = bench.shell("cat /proc/1/cmdline /proc/1/maps; readlink /proc/1/exe").await;
    assert_eq!(text(&result.stdout), "");
}

#[tokio::test]
async fn kernel_settings_cannot_be_seen_or_written() {
    let bench = Bench::new();
    let result = bench
        .shell("echo x > /proc/sys/kernel/hostname; echo $?; ls /proc/sys /proc/kcore /proc/keys /sys")
        .await;
    assert!(text(&result.stdout).starts_with('2') || text(&result.stdout).starts_with('1'), "{result:?}");
    assert_eq!(text(&result.stdout).lines().count(), 1, "{result:?}");
    let result = bench.shell("echo 0 > /proc/self/oom_score_adj || echo b > /proc/sysrq-trigger").await;
    assert_ne!(result.outcome, Outcome::Exited(0));
}

#[tokio::test]
async fn the_system_is_read_only() {
    let bench = Bench::new();
    for path in
        ["/usr/bin/new", "/usr/lib/new", "/etc/new", "/etc/passwd", "/new", "/dev/new", "/root", "/proc/new"]
    {
        let result = bench.shell(&format!("echo x > {path}")).await;
        assert_ne!(result.outcome, Outcome::Exited(0), "{path}");
    }
    let result = bench.shell("rm -rf /usr/bin/env /etc/passwd; chmod 777 /usr/bin/env /dev/null").await;
    assert_ne!(result.outcome, Outcome::Exited(0));
    assert!(fs::metadata("/usr/bin/env").is_ok());
}

#[tokio::test]
async fn a_link_in_the_workspace_leads_nowhere_outside() {
    let bench = Bench::new();
    let outside = tempfile::tempdir().expect("a folder");
    let secret = outside.path().join("secret.txt");
    fs::write(&secret, SECRET).expect("a secret");
    let owner = fs::metadata(&secret).expect("there").uid();
    symlink(&secret, bench.path("file")).expect("a link");
    symlink(outside.path(), bench.path("folder")).expect("a link");
    let result = bench
        .shell("cat file folder/secret.txt; echo x > folder/new; ln -s /proc/1/root up; cat up/etc/shadow; ln /etc/passwd hard")
        .await;
    assert_hidden(&result);
    assert_ne!(result.outcome, Outcome::Exited(0));
    assert!(!outside.path().join("new").exists() && !bench.path("hard").exists());
    assert_eq!(fs::metadata(&secret).expect("there").uid(), owner, "handed over through a link");
}

#[tokio::test]
async fn one_run_does_not_see_anothers_workspace() {
    let (mine, other) = (Bench::new(), Bench::new());
    fs::write(other.path("file"), SECRET).expect("a file");
    let path = other.path("file");
    assert_hidden(&mine.shell(&format!("cat {0}; ls -R /tmp /workspace", path.display())).await);
}

#[tokio::test]
async fn temporary_files_do_not_outlive_their_run() {
    let bench = Bench::new();
    let result = bench.shell("echo x > /tmp/left; echo x > /dev/shm/left; ls /tmp /dev/shm").await;
    assert_eq!(text(&result.stdout).matches("left").count(), 2);
    assert_eq!(text(&bench.shell("ls /tmp /dev/shm").await.stdout).matches("left").count(), 0);
    assert!(!std::path::Path::new("/dev/shm/left").exists());
}

#[tokio::test]
async fn devices_cannot_be_made_or_found() {
    let bench = Bench::with_python();
    let result = bench
        .python(
            "import os, stat\nfor kind, device in ((stat.S_IFBLK, (254, 0)), (stat.S_IFBLK, (8, 0)), \
             (stat.S_IFCHR, (1, 1)), (stat.S_IFCHR, (1, 2)), (stat.S_IFCHR, (10, 200))):\n    \
             for folder in ('/workspace', '/tmp', '/dev/shm'):\n        \
             try: os.mknod(folder + '/node', kind | 0o666, os.makedev(*device)); print('made', device)\n        \
             except PermissionError: pass",
        )
        .await;
    assert_eq!((result.outcome, text(&result.stdout).as_str()), (Outcome::Exited(0), ""), "{result:?}");
    let result = bench.shell("ls /dev/mem /dev/kmem /dev/sda /dev/vda /dev/kmsg /dev/tty /dev/ptmx /dev/net /dev/fuse /dev/kvm").await;
    assert_eq!(text(&result.stdout), "");
}

#[tokio::test]
async fn set_user_id_means_nothing_and_cannot_be_made() {
    let bench = Bench::with_python();
    let result = bench.shell("for p in /usr/bin/su /usr/bin/mount /usr/bin/passwd /usr/bin/chsh; do test -u $p && echo $p; done").await;
    let programs = text(&result.stdout);
    for program in programs.lines() {
        // Each would answer differently if it had become root.
        let result = bench
            .shell(&format!(
                "{program} -c id root < /dev/null; grep -E 'Uid|CapEff|NoNewPrivs' /proc/self/status"
            ))
            .await;
        assert!(text(&result.stdout).contains("Uid:\t1000\t1000\t1000\t1000"), "{result:?}");
        assert!(!text(&result.stdout).contains("uid=0"), "{result:?}");
    }
    let result = bench
        .python(
            "import os, shutil\nshutil.copy('/usr/bin/id', 'id')\n\
             tries = [lambda: os.chmod('id', 0o4755), lambda: os.chmod('id', 0o2755), \
             lambda: os.open('new', os.O_CREAT | os.O_WRONLY, 0o4755), lambda: os.mkdir('folder', 0o2755)]\n\
             for t in tries:\n    try: t(); print('made')\n    except PermissionError: pass\n\
             os.chmod('id', 0o755); os.open('id', os.O_RDONLY)",
        )
        .await;
    assert_eq!((result.outcome, text(&result.stdout).as_str()), (Outcome::Exited(0), ""), "{result:?}");
    use std::os::unix::fs::PermissionsExt;
    assert_eq!(fs::metadata(bench.path("id")).expect("there").permissions().mode() & 0o6000, 0);
}
