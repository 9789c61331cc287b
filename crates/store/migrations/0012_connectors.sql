-- Servers of tools. Secrets are not here: `transport` only says where each one is.
CREATE TABLE connectors (
    name            TEXT    NOT NULL PRIMARY KEY,
    position        INTEGER NOT NULL UNIQUE,
    transport       TEXT    NOT NULL,
    enabled         INTEGER NOT NULL,
    -- What the owner approved last; nothing else is contacted or started.
    approved_digest TEXT,
    created_at      INTEGER NOT NULL,
    updated_at      INTEGER NOT NULL,
    -- When its tools were listed last.
    listed_at       INTEGER
);

-- Their tools, as they were listed last, with what the owner says of each.
CREATE TABLE connector_tools (
    connector    TEXT    NOT NULL REFERENCES connectors (name) ON DELETE CASCADE,
    name         TEXT    NOT NULL,
    position     INTEGER NOT NULL,
    definition   TEXT    NOT NULL,
    digest       TEXT    NOT NULL,
    owner_class  TEXT,
    -- `ask`, `allow` or `deny`.
    permission   TEXT    NOT NULL,
    has_changed  INTEGER NOT NULL,
    is_listed    INTEGER NOT NULL,
    PRIMARY KEY (connector, name)
);
