-- How collections are set up. What is NULL is the default; a collection without a row has all of them.
CREATE TABLE collection_settings (
    collection       TEXT    NOT NULL PRIMARY KEY,
    -- The label that everything in it has at least.
    privacy          TEXT    CHECK (privacy IN ('shareable', 'local')),
    -- How long its chunks are at most.
    chunk_characters INTEGER,
    -- Whether its chunks have vectors.
    embedded         INTEGER CHECK (embedded IN (0, 1)),
    updated_at       INTEGER NOT NULL
) WITHOUT ROWID;

-- However something comes into a collection that stays here, it stays here. What agents note and what
-- was logged has a label of its own beside that of its document.
CREATE TRIGGER documents_added_here AFTER INSERT ON documents
WHEN new.privacy <> 'local'
    AND new.collection IN (SELECT collection FROM collection_settings WHERE privacy = 'local') BEGIN
    UPDATE documents SET privacy = 'local' WHERE number = new.number;
END;

CREATE TRIGGER documents_stay_here AFTER UPDATE OF privacy, collection ON documents
WHEN new.privacy <> 'local'
    AND new.collection IN (SELECT collection FROM collection_settings WHERE privacy = 'local') BEGIN
    UPDATE documents SET privacy = 'local' WHERE number = new.number;
END;

CREATE TRIGGER facts_added_here AFTER INSERT ON facts
WHEN new.privacy <> 'local'
    AND 'facts' IN (SELECT collection FROM collection_settings WHERE privacy = 'local') BEGIN
    UPDATE facts SET privacy = 'local' WHERE number = new.number;
END;

CREATE TRIGGER memory_log_added_here AFTER INSERT ON memory_log
WHEN new.privacy <> 'local'
    AND new.kind || 's' IN (SELECT collection FROM collection_settings WHERE privacy = 'local') BEGIN
    UPDATE memory_log SET privacy = 'local' WHERE id = new.id;
END;
