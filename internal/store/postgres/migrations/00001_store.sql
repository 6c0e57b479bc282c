-- +goose Up
-- The row whose lock makes one writer at a time, over all nodes.
CREATE TABLE writer (id smallint PRIMARY KEY);
INSERT INTO writer (id) VALUES (1);
-- Each engine that has the store open: the number of its last transaction.
CREATE TABLE instances (id bytea PRIMARY KEY, turn bigint NOT NULL, seen timestamptz NOT NULL) WITH (fillfactor = 50);
CREATE TABLE settles (id bytea PRIMARY KEY, seen timestamptz NOT NULL) WITH (fillfactor = 50);
