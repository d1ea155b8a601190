-- Made once everything is loaded: a bulk load into indexed tables would be several times slower.
CREATE INDEX state_key ON state (topic, key, side);
CREATE INDEX event_key ON event (topic, key, version);
CREATE INDEX event_source ON event (source);
CREATE INDEX record_key ON record (topic, key, version, partition, position);
CREATE INDEX record_position ON record (topic, partition, position);
CREATE INDEX record_source ON record (source);
CREATE INDEX history_key ON history (topic, key, version);
CREATE INDEX projection_key ON projection (name, key);
CREATE INDEX counted_key ON counted (key);
CREATE INDEX dead_letter_position ON dead_letter (topic, partition, position, reader);
CREATE INDEX set_aside_event ON set_aside (instance, sequence);
CREATE INDEX command_user ON command (user_id);
ANALYZE;
