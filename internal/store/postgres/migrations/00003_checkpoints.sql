-- +goose Up

-- Signed checkpoints of the audit log that were given out, by their time.
CREATE TABLE checkpoints (key bytea PRIMARY KEY, value bytea NOT NULL);
