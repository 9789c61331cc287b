-- The owner's model providers. Keys are not here: `config` only says where each one is.
CREATE TABLE providers (
    name       TEXT    NOT NULL PRIMARY KEY,
    position   INTEGER NOT NULL UNIQUE,
    config     TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
);

-- Who is asked, and in which order: one row, or none while the settings hold.
CREATE TABLE routing (
    only_one INTEGER NOT NULL PRIMARY KEY CHECK (only_one = 1),
    config   TEXT    NOT NULL
);

-- Suggestions of providers that are not wanted.
CREATE TABLE dismissed_suggestions (
    name TEXT NOT NULL PRIMARY KEY
);
