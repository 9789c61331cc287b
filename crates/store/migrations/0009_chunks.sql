-- Documents are found by their chunks. What is indexed is a cache of these tables, in files beside
-- the database: each index follows `chunk_changes` from the position it has reached, and begins
-- at 0 when it has been thrown away.

DROP TRIGGER documents_indexed;
DROP TRIGGER documents_reindexed;
DROP TRIGGER documents_unindexed;
DROP TRIGGER documents_changed;
DROP TABLE keyword_index;
DROP TABLE embeddings;

-- The text comes last, so that the other columns are read without it.
CREATE TABLE new_documents (
    number      INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    id          TEXT    NOT NULL UNIQUE,
    collection  TEXT    NOT NULL,
    key         TEXT    NOT NULL,
    source      TEXT    NOT NULL,
    privacy     TEXT    NOT NULL,
    format      TEXT    NOT NULL,
    author      TEXT,
    -- What it belongs to, as a JSON object of texts: brand, product, thread, project, run, agent, …
    attributes  TEXT    NOT NULL,
    -- When what it tells of happened.
    occurred_at INTEGER,
    created_at  INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL,
    -- Found no more from then on.
    expires_at  INTEGER,
    -- Of the content as it was given: what has not changed costs nothing.
    digest      BLOB,
    -- Which version of chunking its chunks are of; 0 before it has any.
    chunking    INTEGER NOT NULL,
    title       TEXT    NOT NULL,
    text        TEXT    NOT NULL,
    UNIQUE (collection, key)
);

INSERT INTO new_documents (number, id, collection, key, source, privacy, format, attributes, created_at,
    updated_at, chunking, title, text)
SELECT number, id, collection, key, source, privacy, 'text', '{}', created_at, updated_at, 0, title, text
FROM documents;

DROP TABLE documents;
ALTER TABLE new_documents RENAME TO documents;

CREATE INDEX documents_listed ON documents (collection, id);
CREATE INDEX documents_recent ON documents (updated_at, id);
CREATE INDEX documents_from ON documents (source);
CREATE INDEX documents_to_chunk ON documents (chunking);
CREATE INDEX documents_expiring ON documents (expires_at) WHERE expires_at IS NOT NULL;

-- A number is never used twice, so that no index takes one chunk for another.
CREATE TABLE chunks (
    number   INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    document INTEGER NOT NULL REFERENCES documents (number) ON DELETE CASCADE,
    ordinal  INTEGER NOT NULL,
    -- Of the text that stands for it in an embedder: the same text is embedded once.
    digest   BLOB    NOT NULL,
    author   TEXT,
    time     INTEGER,
    -- The headings above it, the outermost first, as a JSON list.
    headings TEXT    NOT NULL,
    -- Where in the document it is: page, lines, row, …, as JSON.
    place    TEXT    NOT NULL,
    text     TEXT    NOT NULL,
    UNIQUE (document, ordinal)
);

CREATE INDEX chunks_of_digest ON chunks (digest);

-- The newest change of each chunk; one that is not in `chunks` any more was removed. Whoever adds or
-- changes a chunk writes it down here; what follows from a document is written down by triggers.
CREATE TABLE chunk_changes (
    position INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    chunk    INTEGER NOT NULL UNIQUE
);

-- A trigger does not replace where the statement that sets it off says what conflicts come to.
CREATE TRIGGER chunks_removed AFTER DELETE ON chunks BEGIN
    DELETE FROM chunk_changes WHERE chunk = old.number;
    INSERT INTO chunk_changes (chunk) VALUES (old.number);
    DELETE FROM embeddings WHERE embedder IN (SELECT number FROM embedders) AND digest = old.digest
        AND NOT EXISTS (SELECT 1 FROM chunks WHERE digest = old.digest);
END;

CREATE TRIGGER documents_changed AFTER UPDATE ON documents
WHEN old.collection <> new.collection OR old.source <> new.source OR old.privacy <> new.privacy
    OR old.format <> new.format OR old.author IS NOT new.author OR old.attributes <> new.attributes
    OR old.occurred_at IS NOT new.occurred_at OR old.updated_at <> new.updated_at
    OR old.expires_at IS NOT new.expires_at OR old.title <> new.title BEGIN
    DELETE FROM chunk_changes WHERE chunk IN (SELECT number FROM chunks WHERE document = new.number);
    INSERT INTO chunk_changes (chunk)
    SELECT number FROM chunks WHERE document = new.number ORDER BY ordinal;
END;

-- How far along `chunk_changes` an embedder is.
ALTER TABLE embedders ADD COLUMN position INTEGER NOT NULL DEFAULT 0;
UPDATE embedders SET state = 'building' WHERE state = 'active';

-- Vectors by what was embedded. Components are 32-bit floats, the lowest byte first. Without a
-- vector: the embedder refuses the text.
CREATE TABLE embeddings (
    embedder INTEGER NOT NULL REFERENCES embedders (number) ON DELETE CASCADE,
    digest   BLOB    NOT NULL,
    vector   BLOB,
    PRIMARY KEY (embedder, digest)
) WITHOUT ROWID;
