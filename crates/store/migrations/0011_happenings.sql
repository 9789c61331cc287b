-- What people decided in runs, what failed there for good and which files were made, until somebody
-- has taken note of it.
CREATE TABLE happenings (
    position INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    run_id   TEXT    NOT NULL,
    seq      INTEGER NOT NULL
);
