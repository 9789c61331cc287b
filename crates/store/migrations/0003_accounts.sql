-- Secrets are kept as the hexadecimal digits of their BLAKE3 hash only.
CREATE TABLE tokens (
    id           TEXT    NOT NULL PRIMARY KEY,
    hash         TEXT    NOT NULL UNIQUE,
    name         TEXT    NOT NULL,
    scopes       TEXT    NOT NULL,
    created_at   INTEGER NOT NULL,
    expires_at   INTEGER,
    revoked_at   INTEGER,
    last_used_at INTEGER
);

-- The sessions of browsers; one without a token is the owner's own.
CREATE TABLE sessions (
    hash       TEXT    NOT NULL PRIMARY KEY,
    token_id   TEXT REFERENCES tokens (id),
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
);

-- One-time keys of links that open a session.
CREATE TABLE open_keys (
    hash       TEXT    NOT NULL PRIMARY KEY,
    expires_at INTEGER NOT NULL
);
