-- A vector is longer than what SQLite keeps in the leaf of a table without row numbers: each took a
-- page of its own, at a random place. With numbers they stand one after the other, and only their
-- digests are in order.
DROP TRIGGER chunks_removed;

CREATE TABLE new_embeddings (
    number   INTEGER NOT NULL PRIMARY KEY,
    embedder INTEGER NOT NULL REFERENCES embedders (number) ON DELETE CASCADE,
    digest   BLOB    NOT NULL,
    vector   BLOB,
    UNIQUE (embedder, digest)
);

INSERT INTO new_embeddings (embedder, digest, vector) SELECT embedder, digest, vector FROM embeddings;

DROP TABLE embeddings;
ALTER TABLE new_embeddings RENAME TO embeddings;

CREATE TRIGGER chunks_removed AFTER DELETE ON chunks BEGIN
    DELETE FROM chunk_changes WHERE chunk = old.number;
    INSERT INTO chunk_changes (chunk) VALUES (old.number);
    DELETE FROM embeddings WHERE embedder IN (SELECT number FROM embedders) AND digest = old.digest
        AND NOT EXISTS (SELECT 1 FROM chunks WHERE digest = old.digest);
END;
