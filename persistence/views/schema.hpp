// The tables of the view file. A change of anything here needs a new version: the file is
// disposable.
#pragma once

namespace troupe::sqlite {

inline constexpr int views_version = 2;

/// Settings of every connection. In WAL mode NORMAL never leaves a damaged file; a power cut may
/// take back the last transactions, and their positions with them.
inline constexpr const char* pragmas = R"sql(
PRAGMA journal_mode=WAL;
PRAGMA synchronous=NORMAL;
PRAGMA temp_store=MEMORY;
PRAGMA wal_autocheckpoint=4000;
PRAGMA journal_size_limit=33554432;
)sql";

inline constexpr const char* schema = R"sql(
CREATE TABLE positions(partition INTEGER PRIMARY KEY, applied INTEGER NOT NULL);

CREATE TABLE executions(
  key INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE, workflow_id TEXT NOT NULL, workflow_name TEXT NOT NULL,
  workflow_version INTEGER NOT NULL, status TEXT NOT NULL, trigger_type TEXT NOT NULL,
  triggered_by TEXT NOT NULL, parent_id TEXT NOT NULL, user TEXT NOT NULL, priority TEXT NOT NULL,
  created_ms INTEGER NOT NULL, started_ms INTEGER, completed_ms INTEGER,
  error_code TEXT NOT NULL, error_message TEXT NOT NULL,
  last_seq INTEGER NOT NULL, attempt INTEGER NOT NULL);
CREATE INDEX executions_newest ON executions(created_ms, id);
CREATE INDEX executions_by_workflow ON executions(workflow_id, created_ms, id);
CREATE INDEX executions_by_status ON executions(status, created_ms, id);
CREATE INDEX executions_by_parent ON executions(parent_id, created_ms, id) WHERE parent_id <> '';
CREATE INDEX executions_by_user ON executions(user, created_ms, id) WHERE user <> '';
CREATE INDEX executions_quarantined ON executions(created_ms, id) WHERE error_code = 'quarantined';
CREATE INDEX executions_completed ON executions(completed_ms, id) WHERE completed_ms IS NOT NULL;

CREATE TABLE reviews(
  id TEXT PRIMARY KEY, execution TEXT NOT NULL, workflow_id TEXT NOT NULL, node TEXT NOT NULL,
  kind TEXT NOT NULL, title TEXT NOT NULL, priority TEXT NOT NULL, status TEXT NOT NULL,
  body TEXT NOT NULL, created_ms INTEGER NOT NULL, due_ms INTEGER, decided_ms INTEGER);
CREATE INDEX reviews_newest ON reviews(created_ms, id);
CREATE INDEX reviews_by_status ON reviews(status, created_ms, id);
CREATE INDEX reviews_by_execution ON reviews(execution, created_ms, id);
CREATE INDEX reviews_by_workflow ON reviews(workflow_id, created_ms, id);

CREATE TABLE documents(
  key INTEGER PRIMARY KEY, collection TEXT NOT NULL, id TEXT NOT NULL, name TEXT NOT NULL,
  body TEXT NOT NULL, tags TEXT NOT NULL, enabled INTEGER NOT NULL, created_ms INTEGER NOT NULL,
  updated_ms INTEGER NOT NULL, version INTEGER NOT NULL, UNIQUE(collection, id));
CREATE INDEX documents_newest ON documents(collection, created_ms, id);

-- Trigrams find words of any language, Chinese too. The rowid is documents.key.
CREATE VIRTUAL TABLE document_texts USING fts5(text, tokenize='trigram');
)sql";

} // namespace troupe::sqlite
