-- One row an event: its words are columns of its own row, and come last, since few readers want them. An append writes
-- one row where it wrote two, in one table and its indexes.
--
-- From here on a seal begins with its form (see vault.py): those there are have form 1.
--
-- The rows are copied in their order and the indexes made afterwards, so that every page is written once.

DROP VIEW incoming;
DROP INDEX events_key;
ALTER TABLE events RENAME TO events_before;

CREATE TABLE events (
    position    INTEGER PRIMARY KEY,
    stream_id   INTEGER NOT NULL REFERENCES streams (id),
    version     INTEGER NOT NULL CHECK (version > 0),
    type        TEXT    NOT NULL,
    v           INTEGER NOT NULL,
    recorded_at INTEGER NOT NULL,
    key_kind    INTEGER,
    key_id      INTEGER,
    key_part    INTEGER,
    correlation INTEGER,
    causation   INTEGER,
    data        TEXT    NOT NULL,
    body_digest BLOB,
    hash        BLOB    NOT NULL,
    subject_id  INTEGER,
    salt        BLOB,
    sealed      BLOB
) STRICT;

INSERT INTO events
SELECT e.*, b.subject_id, b.salt, CAST(x'01' || b.sealed AS BLOB)
FROM events_before e LEFT JOIN bodies b ON b.position = e.position
ORDER BY e.position;

DROP TABLE bodies;
DROP TABLE events_before;

CREATE UNIQUE INDEX events_version ON events (stream_id, version);
CREATE UNIQUE INDEX events_key ON events (key_kind, key_id, key_part, stream_id) WHERE key_kind IS NOT NULL;

CREATE TRIGGER events_refuse_delete BEFORE DELETE ON events
BEGIN SELECT RAISE (ABORT, 'events are append-only'); END;

-- Words may be erased, with the salt and the person's id, and nothing else changes. The event's digest stays, and the
-- chain still verifies.
CREATE TRIGGER events_refuse_update BEFORE UPDATE ON events
WHEN NEW.subject_id IS NOT NULL OR NEW.salt IS NOT NULL OR NEW.sealed IS NOT NULL OR NOT (
    NEW.position = OLD.position AND NEW.stream_id = OLD.stream_id AND NEW.version = OLD.version
    AND NEW.type = OLD.type AND NEW.v = OLD.v AND NEW.recorded_at = OLD.recorded_at
    AND NEW.key_kind IS OLD.key_kind AND NEW.key_id IS OLD.key_id AND NEW.key_part IS OLD.key_part
    AND NEW.correlation IS OLD.correlation AND NEW.causation IS OLD.causation
    AND NEW.data = OLD.data AND NEW.body_digest IS OLD.body_digest AND NEW.hash = OLD.hash
)
BEGIN SELECT RAISE (ABORT, 'events are append-only: words may be erased, and nothing else'); END;

CREATE TRIGGER events_move_head AFTER INSERT ON events
BEGIN UPDATE streams SET version = NEW.version, hash = NEW.hash WHERE id = NEW.stream_id; END;

-- The words that are not erased, for readers.
CREATE VIEW bodies AS
SELECT position, subject_id, correlation AS message_id, salt, sealed FROM events WHERE sealed IS NOT NULL;

-- An event that begins a stream, or that leaves work to be done, and its row: one statement for a batch of those too.
-- The other events go into their table at once, which takes less time.
CREATE VIEW incoming AS SELECT e.*, s.name AS made, 0 AS opens FROM events e JOIN streams s ON s.id = e.stream_id;

CREATE TRIGGER incoming_recorded INSTEAD OF INSERT ON incoming WHEN NEW.position IS NOT NULL
BEGIN
    INSERT INTO streams SELECT NEW.stream_id, NEW.made, 0, x'' WHERE NEW.made IS NOT NULL;
    INSERT INTO events VALUES (
        NEW.position, NEW.stream_id, NEW.version, NEW.type, NEW.v, NEW.recorded_at, NEW.key_kind, NEW.key_id,
        NEW.key_part, NEW.correlation, NEW.causation, NEW.data, NEW.body_digest, NEW.hash, NEW.subject_id, NEW.salt,
        NEW.sealed
    );
    INSERT OR IGNORE INTO unfinished SELECT NEW.stream_id WHERE NEW.opens;
END;
