-- What memory can find. The text comes last, so that the other columns are read without it.
CREATE TABLE documents (
    number     INTEGER NOT NULL PRIMARY KEY,
    id         TEXT    NOT NULL UNIQUE,
    collection TEXT    NOT NULL,
    key        TEXT    NOT NULL,
    source     TEXT    NOT NULL,
    privacy    TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    title      TEXT    NOT NULL,
    text       TEXT    NOT NULL,
    UNIQUE (collection, key)
);

CREATE INDEX documents_listed ON documents (collection, id);
CREATE INDEX documents_recent ON documents (updated_at, id);

-- The planner's log.
CREATE TABLE dispatches (
    id         TEXT    NOT NULL PRIMARY KEY,
    task_type  TEXT    NOT NULL,
    actor      TEXT    NOT NULL,
    request_id TEXT,
    created_at INTEGER NOT NULL,
    prompt     TEXT    NOT NULL,
    plan       TEXT    NOT NULL
);

-- The keyword index holds no text of its own. It is a cache of `documents`, which the triggers keep
-- in step within the same transaction; it is made anew with
--   INSERT INTO keyword_index (keyword_index) VALUES ('rebuild');
CREATE VIRTUAL TABLE keyword_index USING fts5 (
    title, text,
    content = 'documents', content_rowid = 'number',
    tokenize = 'porter unicode61 remove_diacritics 2'
);

CREATE TRIGGER documents_indexed AFTER INSERT ON documents BEGIN
    INSERT INTO keyword_index (rowid, title, text) VALUES (new.number, new.title, new.text);
END;

CREATE TRIGGER documents_reindexed AFTER UPDATE OF title, text ON documents BEGIN
    INSERT INTO keyword_index (keyword_index, rowid, title, text)
    VALUES ('delete', old.number, old.title, old.text);
    INSERT INTO keyword_index (rowid, title, text) VALUES (new.number, new.title, new.text);
END;

CREATE TRIGGER documents_unindexed AFTER DELETE ON documents BEGIN
    INSERT INTO keyword_index (keyword_index, rowid, title, text)
    VALUES ('delete', old.number, old.title, old.text);
END;
