-- Vectors of documents. Each belongs to one version of an embedder, and versions are never mixed:
-- one is active, a new one is built beside it and then takes its place.
CREATE TABLE embedders (
    number     INTEGER NOT NULL PRIMARY KEY,
    name       TEXT    NOT NULL,
    version    TEXT    NOT NULL,
    dimensions INTEGER NOT NULL,
    state      TEXT    NOT NULL CHECK (state IN ('building', 'active', 'retired')),
    UNIQUE (name, version, dimensions)
);

CREATE UNIQUE INDEX embedders_active ON embedders (state) WHERE state = 'active';

-- Components are 32-bit floats, the lowest byte first. Without a vector: the embedder refuses the
-- document, or there is nothing in it to embed.
CREATE TABLE embeddings (
    embedder INTEGER NOT NULL REFERENCES embedders (number),
    document INTEGER NOT NULL REFERENCES documents (number) ON DELETE CASCADE,
    vector   BLOB,
    PRIMARY KEY (embedder, document)
) WITHOUT ROWID;

CREATE INDEX embeddings_of_document ON embeddings (document);

CREATE TRIGGER documents_changed AFTER UPDATE OF title, text, privacy ON documents
WHEN old.title <> new.title OR old.text <> new.text OR old.privacy <> new.privacy BEGIN
    DELETE FROM embeddings WHERE document = new.number;
END;
