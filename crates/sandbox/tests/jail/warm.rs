//! Snippets in interpreters that wait: they do what they would have done alone, and know nothing of
//! each other.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use sandbox::{Execution, Jail, Language, Limits, Outcome, Sandbox, Snippet, WarmSnippets};
use tempfile::TempDir;

use crate::support::{eventually, limits, python_options, text, with_languages};

struct Bench {
    folder: TempDir,
    snippets: WarmSnippets,
}

impl Bench {
    fn new(languages: &[Language]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let options = if languages.is_empty() { python_options() } else { with_languages(languages) };
        let jail = Arc::new(Jail::new(options));
        let toolchain = Arc::new(jail.toolchain().clone());
        let limits = Limits { memory_bytes: 256 << 20, ..limits() };
        let sandbox: Arc<dyn Sandbox> = jail;
        let snippets = WarmSnippets::new(sandbox, toolchain, folder.path().to_owned(), limits);
        Self { folder, snippets }
    }

    async fn run(&self, language: Language, code: &str, stdin: &str, wall_ms: u64) -> Execution {
        let wall = Duration::from_millis(wall_ms);
        let snippet = Snippet { language, code: code.into(), stdin: stdin.into(), wall };
        self.snippets.run(snippet, None).await.expect("it runs")
    }

    async fn python(&self, code: &str) -> Execution {
        self.run(Language::Python, code, "", 10_000).await
    }
}

#[tokio::test]
async fn python_is_what_it_is_without_waiting() {
    let bench = Bench::new(&[]);
    for _ in 0..3 {
        let code = "import sys, pickle, __main__\nclass A: pass\npickle.loads(pickle.dumps(A()))\n\
                    print(__name__, __file__, sys.argv, __main__.A is A, sys.stdin.read(), 'error' in globals())";
        let result = bench.run(Language::Python, code, "a line\n\nmore", 10_000).await;
        let expected =
            "__main__ /workspace/.snippet.py ['/workspace/.snippet.py'] True a line\n\nmore False\n";
        assert_eq!((text(&result.stdout).as_str(), text(&result.stderr).as_str()), (expected, ""));
        assert_eq!(result.outcome, Outcome::Exited(0));
    }
    let result = bench.python("def f():\n    return 1 / 0\nf()").await;
    assert_eq!(result.outcome, Outcome::Exited(1));
    let said = text(&result.stderr);
    assert!(said.starts_with("Traceback") && said.contains("line 3, in <module>\n    f()"), "{said}");
    assert!(said.ends_with("ZeroDivisionError: division by zero\n") && !said.contains("<string>"), "{said}");
    let result = bench.python("def (").await;
    assert!(text(&result.stderr).contains("SyntaxError"), "{result:?}");
    assert_eq!(bench.python("import sys; sys.exit(7)").await.outcome, Outcome::Exited(7));
    assert_eq!(bench.python("import os; os.abort()").await.outcome, Outcome::Signalled(6));
}

#[tokio::test]
async fn node_and_the_shell_read_what_is_theirs() {
    let bench = Bench::new(&[Language::JavaScript, Language::Shell]);
    for _ in 0..2 {
        let code = "const fs = require('fs'); console.log(require.main === module, __filename, \
                    process.argv.length, fs.readFileSync(0, 'utf8'))";
        let result = bench.run(Language::JavaScript, code, "given", 10_000).await;
        assert_eq!(text(&result.stdout), "true /workspace/.snippet.js 2 given\n", "{}", text(&result.stderr));
        let result = bench.run(Language::Shell, "cat; echo $0; exit 3", "given\n", 10_000).await;
        assert_eq!(text(&result.stdout), "given\n/workspace/.snippet.sh\n");
        assert_eq!(result.outcome, Outcome::Exited(3));
    }
}

#[tokio::test]
async fn snippets_know_nothing_of_each_other_and_keep_their_limits() {
    let bench = Bench::new(&[]);
    let first =
        bench.python("open('/workspace/left', 'w').write('x'); open('/tmp/left', 'w').write('x')").await;
    assert_eq!(first.outcome, Outcome::Exited(0));
    let second = bench.python("import os; print(os.listdir('/workspace'), os.listdir('/tmp'))").await;
    assert_eq!(text(&second.stdout), "['.snippet.py'] []\n");
    let slow = bench.run(Language::Python, "print('begun'); import time; time.sleep(60)", "", 400).await;
    assert_eq!((slow.outcome, text(&slow.stdout).as_str()), (Outcome::TimedOut, "begun\n"));
    let loud = bench.python("print('x' * 1000000)").await;
    assert!(loud.stdout_truncated && loud.stdout.len() == limits().output_bytes);
    let big = bench.python("b = bytearray(4 << 30)\nfor i in range(0, len(b), 4096): b[i] = 1").await;
    assert!(!big.outcome.is_success(), "{big:?}");
    let disk = bench.python("for i in range(9): open(f'f{i}', 'wb').write(bytes(30 << 20))").await;
    assert_eq!(disk.outcome, Outcome::DiskLimit);
}

#[tokio::test]
async fn a_waiting_interpreter_answers_at_once_and_nothing_is_left_behind() {
    let bench = Bench::new(&[]);
    bench.python("pass").await;
    tokio::time::sleep(Duration::from_millis(1500)).await;
    let started = Instant::now();
    assert_eq!(text(&bench.python("print(6 * 7)").await.stdout), "42\n");
    let took = started.elapsed();
    assert!(took < Duration::from_millis(500), "{took:?}");
    let path = bench.folder.path().to_owned();
    tokio::time::sleep(Duration::from_millis(1500)).await;
    drop(bench.snippets);
    let entries = || std::fs::read_dir(&path).expect("a folder").count();
    eventually("the folders of used interpreters stay", || entries() <= 2);
}
