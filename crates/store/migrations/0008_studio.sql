-- Sessions of the Studio. Their folders lie beside the database, under their ids.
CREATE TABLE studio_sessions (
    id         TEXT    NOT NULL PRIMARY KEY,
    name       TEXT    NOT NULL,
    template   TEXT    NOT NULL,
    config     TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    deleted_at INTEGER
);

CREATE INDEX studio_sessions_by_use ON studio_sessions (updated_at DESC, id DESC) WHERE deleted_at IS NULL;

-- Which run is a turn of which session's conversation. What was said is in the runs.
CREATE TABLE studio_turns (
    run_id      TEXT    NOT NULL PRIMARY KEY,
    session_id  TEXT    NOT NULL,
    created_at  INTEGER NOT NULL,
    is_replaced INTEGER NOT NULL DEFAULT 0
);

CREATE INDEX studio_turns_by_session ON studio_turns (session_id, created_at, run_id) WHERE is_replaced = 0;
