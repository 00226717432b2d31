-- Indexes that keep an append near the end of the file, so that a commit writes few pages.
--
-- A key that begins with the message's id (Discord's ids grow with time) is put beside the newest keys, whichever the
-- stream: measured half the pages a commit. Words are erased rarely, and finding a person's takes one pass over bodies.

DROP INDEX events_key;
CREATE UNIQUE INDEX events_key ON events (key_kind, key_id, key_part, stream_id) WHERE key_kind IS NOT NULL;

DROP INDEX bodies_subject;
DROP INDEX bodies_message;

-- One row in, everything that an append changes in its place: an event, its words, its stream's head, a note of work to
-- be done. A batch is one statement then. The writing thread gives the interpreter up with each statement, and on a
-- busy machine waits to have it back: measured, with three statements a batch it waits more than it writes.
CREATE VIEW incoming AS
SELECT e.*, s.name AS made, 0 AS opens, b.subject_id, b.salt, b.sealed
FROM events e JOIN streams s ON s.id = e.stream_id LEFT JOIN bodies b ON b.position = e.position;

CREATE TRIGGER incoming_recorded INSTEAD OF INSERT ON incoming
BEGIN
    INSERT INTO streams SELECT NEW.stream_id, NEW.made, 0, x'' WHERE NEW.made IS NOT NULL;
    INSERT INTO events VALUES (
        NEW.position, NEW.stream_id, NEW.version, NEW.type, NEW.v, NEW.recorded_at, NEW.key_kind, NEW.key_id,
        NEW.key_part, NEW.correlation, NEW.causation, NEW.data, NEW.body_digest, NEW.hash
    );
    INSERT INTO bodies SELECT NEW.position, NEW.subject_id, NEW.correlation, NEW.salt, NEW.sealed
    WHERE NEW.sealed IS NOT NULL;
    UPDATE streams SET version = NEW.version, hash = NEW.hash WHERE id = NEW.stream_id;
    INSERT OR IGNORE INTO unfinished SELECT NEW.stream_id WHERE NEW.opens;
END;
