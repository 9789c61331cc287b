-- Every call of a model, for ninety days. The id sorts by the time the call began.
CREATE TABLE model_calls (
    id               TEXT    NOT NULL PRIMARY KEY,
    began_at         INTEGER NOT NULL,
    ended_at         INTEGER NOT NULL,
    surface          TEXT    NOT NULL,
    actor            TEXT    NOT NULL,
    request_id       TEXT,
    run_id           TEXT,
    provider         TEXT,
    model            TEXT,
    requested_model  TEXT,
    is_stream        INTEGER NOT NULL,
    outcome          TEXT    NOT NULL,
    error_code       TEXT,
    usage            TEXT    NOT NULL,
    first_content_ms INTEGER,
    latency_ms       INTEGER NOT NULL,
    attempts         TEXT    NOT NULL
) WITHOUT ROWID;

CREATE INDEX model_calls_ended ON model_calls (ended_at);
CREATE INDEX model_calls_provider ON model_calls (provider);
CREATE INDEX model_calls_outcome ON model_calls (outcome);

-- The same summed up by hour, for good; written in the transaction that writes the calls. Calls are
-- counted where they ended, tries, tokens and cost where they were made. Empty text is none.
CREATE TABLE model_usage (
    hour          INTEGER NOT NULL,
    provider      TEXT    NOT NULL,
    model         TEXT    NOT NULL,
    actor         TEXT    NOT NULL,
    requests      INTEGER NOT NULL,
    failures      INTEGER NOT NULL,
    refused       INTEGER NOT NULL,
    fallbacks     INTEGER NOT NULL,
    cached        INTEGER NOT NULL,
    tries         INTEGER NOT NULL,
    tokens_in     INTEGER NOT NULL,
    tokens_out    INTEGER NOT NULL,
    tokens_cached INTEGER NOT NULL,
    usd           REAL    NOT NULL,
    estimated     INTEGER NOT NULL,
    -- Histograms of milliseconds.
    latency       BLOB    NOT NULL,
    first_content BLOB    NOT NULL,
    PRIMARY KEY (hour, provider, model, actor)
) WITHOUT ROWID;

-- How much models may be asked. Empty text is no subject: the workspace.
CREATE TABLE model_limits (
    id         TEXT    NOT NULL PRIMARY KEY,
    scope      TEXT    NOT NULL,
    subject    TEXT    NOT NULL,
    time_span  TEXT    NOT NULL,
    requests   INTEGER,
    tokens     INTEGER,
    usd        REAL,
    warn_at    REAL    NOT NULL,
    UNIQUE (scope, subject, time_span)
) WITHOUT ROWID;
