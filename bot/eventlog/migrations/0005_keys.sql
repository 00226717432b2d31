-- The keys of the log, wrapped under the master key that its owner keeps. The code that runs this makes them, since it
-- takes random numbers. Where the keyed chain begins, and which log this is, stands in meta.
CREATE TABLE keys (
    number     INTEGER PRIMARY KEY,
    wrapped_at INTEGER NOT NULL,
    wrapped    BLOB    NOT NULL
) STRICT;
