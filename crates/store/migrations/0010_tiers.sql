-- The tiers of memory beside documents: what agents note, what was decided and what failed, and what
-- conversations come to.

-- Documents that another one has taken the place of. They can be read, and are not searched. When the
-- one that took their place is forgotten, they stand again.
CREATE TABLE supersessions (
    document  INTEGER NOT NULL PRIMARY KEY REFERENCES documents (number) ON DELETE CASCADE,
    successor INTEGER NOT NULL REFERENCES documents (number) ON DELETE CASCADE
);

CREATE INDEX supersessions_by_successor ON supersessions (successor);

CREATE TRIGGER supersessions_added AFTER INSERT ON supersessions BEGIN
    DELETE FROM chunk_changes WHERE chunk IN (SELECT number FROM chunks WHERE document = new.document);
    INSERT INTO chunk_changes (chunk)
    SELECT number FROM chunks WHERE document = new.document ORDER BY ordinal;
END;

CREATE TRIGGER supersessions_removed AFTER DELETE ON supersessions BEGIN
    DELETE FROM chunk_changes WHERE chunk IN (SELECT number FROM chunks WHERE document = old.document);
    INSERT INTO chunk_changes (chunk)
    SELECT number FROM chunks WHERE document = old.document ORDER BY ordinal;
END;

-- What was decided and what failed. Nothing is changed but how often an error was seen, and when last.
CREATE TABLE memory_log (
    id         TEXT    NOT NULL PRIMARY KEY,
    kind       TEXT    NOT NULL CHECK (kind IN ('decision', 'error')),
    agent      TEXT,
    run_id     TEXT,
    step       TEXT,
    title      TEXT    NOT NULL,
    detail     TEXT    NOT NULL,
    outcome    TEXT,
    privacy    TEXT    NOT NULL,
    actor      TEXT    NOT NULL,
    -- What says the same has the same; none where each one is an entry of its own.
    digest     BLOB,
    supersedes TEXT    UNIQUE REFERENCES memory_log (id),
    created_at INTEGER NOT NULL,
    last_at    INTEGER NOT NULL,
    count      INTEGER NOT NULL
);

CREATE UNIQUE INDEX memory_log_same ON memory_log (kind, digest) WHERE digest IS NOT NULL;
CREATE INDEX memory_log_listed ON memory_log (kind, last_at, id);
CREATE INDEX memory_log_of_agent ON memory_log (agent, kind, last_at, id) WHERE agent IS NOT NULL;

-- In which runs an entry was seen.
CREATE TABLE memory_log_runs (
    run_id TEXT NOT NULL,
    entry  TEXT NOT NULL REFERENCES memory_log (id) ON DELETE CASCADE,
    PRIMARY KEY (run_id, entry)
) WITHOUT ROWID;

-- What agents note by key. Each write is a version; the newest one stands.
CREATE TABLE facts (
    number     INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    agent      TEXT    NOT NULL,
    key        TEXT    NOT NULL,
    version    INTEGER NOT NULL,
    stands     INTEGER NOT NULL,
    privacy    TEXT    NOT NULL,
    actor      TEXT    NOT NULL,
    written_at INTEGER NOT NULL,
    expires_at INTEGER,
    -- JSON; none when the key was taken back.
    value      TEXT,
    UNIQUE (agent, key, version)
);

CREATE UNIQUE INDEX facts_standing ON facts (agent, key) WHERE stands = 1;
CREATE INDEX facts_listed ON facts (agent, number) WHERE stands = 1 AND value IS NOT NULL;
CREATE INDEX facts_expiring ON facts (expires_at) WHERE stands = 1 AND expires_at IS NOT NULL;
CREATE INDEX facts_taken_back ON facts (written_at) WHERE stands = 1 AND value IS NULL;

-- What was said before the messages that are still given in full.
CREATE TABLE conversation_summaries (
    conversation TEXT    NOT NULL PRIMARY KEY,
    -- The last message it tells of, how many it tells of, and what they said: when one of them is
    -- another by now, or gone, the summary is made anew.
    up_to        TEXT    NOT NULL,
    messages     INTEGER NOT NULL,
    digest       BLOB    NOT NULL,
    -- What wrote it.
    author       TEXT    NOT NULL,
    privacy      TEXT    NOT NULL,
    updated_at   INTEGER NOT NULL,
    text         TEXT    NOT NULL
);
