-- Snapshots of a program's own folds: several folds may read one stream, and each has its own at the same version. A
-- cache as the table beside it, and a table of its own, so that logs of older releases are read as they are.
CREATE TABLE own_snapshots (
    stream_id INTEGER NOT NULL REFERENCES streams (id),
    name      TEXT    NOT NULL,
    version   INTEGER NOT NULL,
    fold      TEXT    NOT NULL,
    taken_at  INTEGER NOT NULL,
    digest    BLOB    NOT NULL,
    state     TEXT    NOT NULL,
    PRIMARY KEY (stream_id, name, version)
) STRICT, WITHOUT ROWID;
