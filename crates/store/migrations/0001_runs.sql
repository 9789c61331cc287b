-- A run's current standing; the events are the truth it is projected from.
CREATE TABLE runs (
    id              TEXT    NOT NULL PRIMARY KEY,
    workflow        TEXT    NOT NULL,
    version         INTEGER NOT NULL,
    title           TEXT    NOT NULL,
    -- The title in lower case, in any script, for searching.
    title_folded    TEXT    NOT NULL,
    status          TEXT    NOT NULL,
    actor           TEXT    NOT NULL,
    parent_id       TEXT,
    forked_from     TEXT,
    waiting_gates   INTEGER NOT NULL DEFAULT 0,
    error           TEXT,
    idempotency_key TEXT,
    request_digest  TEXT,
    lease_owner     TEXT,
    lease_epoch     INTEGER NOT NULL DEFAULT 0,
    -- When a worker should look at the run: at once when queued, at a timer, when its lease ends.
    due_at          INTEGER,
    -- A child has ended that the run may not have heard of.
    wake_pending    INTEGER NOT NULL DEFAULT 0,
    created_at      INTEGER NOT NULL,
    updated_at      INTEGER NOT NULL,
    finished_at     INTEGER
);

CREATE INDEX runs_due ON runs (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX runs_parent ON runs (parent_id) WHERE parent_id IS NOT NULL;
CREATE UNIQUE INDEX runs_idempotency ON runs (idempotency_key) WHERE idempotency_key IS NOT NULL;

CREATE TABLE events (
    run_id  TEXT    NOT NULL,
    seq     INTEGER NOT NULL,
    at      INTEGER NOT NULL,
    kind    TEXT    NOT NULL,
    payload TEXT    NOT NULL,
    PRIMARY KEY (run_id, seq)
) WITHOUT ROWID;
