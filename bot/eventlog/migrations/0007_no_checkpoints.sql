-- Nobody ever wrote to it: how far a consumer has read stands in its own database, where it is committed together with
-- what the consumer writes.
DROP TABLE checkpoints;
