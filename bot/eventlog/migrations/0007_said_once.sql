-- What is said elsewhere, too. How far a consumer has read stands in its own database, where it is committed together with
-- what the consumer writes; nobody ever wrote to this table. How often the log was restored, its events say.
DROP TABLE checkpoints;
DELETE FROM meta WHERE name = 'incarnation';
