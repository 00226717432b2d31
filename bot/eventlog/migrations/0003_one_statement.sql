-- A commit is one statement of a fixed number of rows: the empty ones that fill it up come to nothing.

DROP TRIGGER incoming_recorded;

CREATE TRIGGER incoming_recorded INSTEAD OF INSERT ON incoming WHEN NEW.position IS NOT NULL
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
