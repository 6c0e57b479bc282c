-- +goose Up

-- Which record keys are to be destroyed, in the order of the erasures.
CREATE TABLE destroyed (key bytea PRIMARY KEY, value bytea NOT NULL);
