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
