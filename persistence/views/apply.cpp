#include "persistence/views/apply.hpp"

#include "persistence/views/schema.hpp"

#include <unordered_set>

namespace troupe::sqlite {

namespace {

bound number(std::uint64_t v) {
  return static_cast<std::int64_t>(v);
}
bound number(const std::optional<std::int64_t>& v) {
  return v ? bound(*v) : bound(std::monostate{});
}

// One letter for the table, then the row's key.
std::string key_of(const view_change& change) {
  struct {
    std::string operator()(const execution_row& row) const { return "e" + raw(row.id); }
    std::string operator()(const execution_gone& row) const { return "e" + raw(row.id); }
    std::string operator()(const review_row& row) const { return "r" + row.id; }
    std::string operator()(const document_row& row) const {
      return "d" + row.collection + '\0' + row.id;
    }
    std::string operator()(const document_gone& row) const {
      return "d" + row.collection + '\0' + row.id;
    }
    static std::string raw(const run_id& run) {
      return {reinterpret_cast<const char*>(run.id.bytes.data()), run.id.bytes.size()};
    }
  } key;
  return std::visit(key, change);
}

/// As they stand in the ids of a partition's runs.
std::string partition_digits(partition_id partition) {
  return to_text(make_run_id(from_millis(0), partition, 0)).substr(15, 3);
}

class writer {
public:
  explicit writer(connection& to) : to_(to) {}

  // What changes in the life of a run is not in the indices that cost most: these are written for
  // a new row, and for one that is different in its identity.
  result<void> operator()(const execution_row& row) {
    const auto id = to_text(row.id);
    const std::vector<bound> values{id,
                                    row.workflow_id,
                                    row.workflow_name,
                                    number(std::uint64_t{row.workflow_version}),
                                    row.status,
                                    row.trigger_type,
                                    row.triggered_by,
                                    row.parent_id,
                                    row.user,
                                    row.priority,
                                    row.created_ms,
                                    number(row.started_ms),
                                    number(row.completed_ms),
                                    row.error_code,
                                    row.error_message,
                                    number(row.last_seq),
                                    number(std::uint64_t{row.attempt})};
    const auto written = to_.run(
        "INSERT INTO executions(id, workflow_id, workflow_name, workflow_version, status, "
        "trigger_type, triggered_by, parent_id, user, priority, created_ms, started_ms, "
        "completed_ms, error_code, error_message, last_seq, attempt) "
        "VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT(id) DO UPDATE SET "
        "status=excluded.status, started_ms=excluded.started_ms, "
        "completed_ms=excluded.completed_ms, error_code=excluded.error_code, "
        "error_message=excluded.error_message, last_seq=excluded.last_seq, "
        "attempt=excluded.attempt, priority=excluded.priority, "
        "workflow_name=excluded.workflow_name WHERE created_ms=excluded.created_ms AND "
        "workflow_id=excluded.workflow_id AND workflow_version=excluded.workflow_version AND "
        "trigger_type=excluded.trigger_type AND triggered_by=excluded.triggered_by AND "
        "parent_id=excluded.parent_id AND user=excluded.user",
        values);
    if (!written || to_.changes() > 0)
      return written;
    return to_.run(
        "INSERT OR REPLACE INTO executions(id, workflow_id, workflow_name, workflow_version, "
        "status, trigger_type, triggered_by, parent_id, user, priority, created_ms, started_ms, "
        "completed_ms, error_code, error_message, last_seq, attempt) "
        "VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
        values);
  }

  result<void> operator()(const execution_gone& row) {
    const auto id = to_text(row.id);
    auto gone = to_.run("DELETE FROM executions WHERE id=?", {id});
    return gone ? to_.run("DELETE FROM reviews WHERE execution=?", {id}) : gone;
  }

  result<void> operator()(const review_row& row) {
    return to_.run("INSERT OR REPLACE INTO reviews(id, execution, workflow_id, node, kind, title, "
                   "priority, status, body, created_ms, due_ms, decided_ms) "
                   "VALUES(?,?,?,?,?,?,?,?,?,?,?,?)",
                   {row.id, to_text_of(row.execution), row.workflow_id, row.node, row.kind,
                    row.title, row.priority, row.status, row.body, row.created_ms,
                    number(row.due_ms), number(row.decided_ms)});
  }

  result<void> operator()(const document_row& row) {
    auto written = to_.run(
        "INSERT INTO documents(collection, id, name, body, tags, enabled, created_ms, updated_ms, "
        "version) VALUES(?,?,?,?,?,?,?,?,?) ON CONFLICT(collection, id) DO UPDATE SET "
        "name=excluded.name, body=excluded.body, tags=excluded.tags, enabled=excluded.enabled, "
        "created_ms=excluded.created_ms, updated_ms=excluded.updated_ms, version=excluded.version",
        {row.collection, row.id, row.name, row.body, row.tags, std::int64_t{row.enabled},
         row.created_ms, row.updated_ms, number(row.version)});
    if (!written)
      return written;
    const auto text = row.name + "\n" + row.text;
    std::int64_t key = 0;
    bool there = false;
    bool same = false;
    written = to_.each_row("SELECT d.key, t.text = ?3, t.rowid FROM documents d LEFT JOIN "
                           "document_texts t ON t.rowid = d.key WHERE d.collection=?1 AND d.id=?2",
                           {row.collection, row.id, text}, [&](const sqlite::row& found) {
                             key = found.integer(0);
                             same = found.integer(1) == 1;
                             there = !found.null(2);
                           });
    if (!written || same)
      return written;
    if (there)
      return to_.run("UPDATE document_texts SET text=?2 WHERE rowid=?1", {key, text});
    return to_.run("INSERT INTO document_texts(rowid, text) VALUES(?1, ?2)", {key, text});
  }

  result<void> operator()(const document_gone& row) {
    auto gone = to_.run("DELETE FROM document_texts WHERE rowid = (SELECT key FROM documents WHERE "
                        "collection=? AND id=?)",
                        {row.collection, row.id});
    return gone ? to_.run("DELETE FROM documents WHERE collection=? AND id=?",
                          {row.collection, row.id})
                : gone;
  }

private:
  std::string_view to_text_of(const run_id& run) {
    text_ = to_text(run);
    return text_;
  }

  connection& to_;
  std::string text_;
};

result<void> apply_all(connection& to, const std::vector<view_change>& changes,
                       const std::map<partition_id, std::uint64_t>& positions) {
  std::unordered_set<std::string> later;
  std::vector<const view_change*> last_ones;
  for (auto change = changes.rbegin(); change != changes.rend(); ++change)
    if (later.insert(key_of(*change)).second)
      last_ones.push_back(&*change);
  writer write(to);
  for (auto change = last_ones.rbegin(); change != last_ones.rend(); ++change)
    if (auto written = std::visit(write, **change); !written)
      return written;
  for (const auto& [partition, index] : positions)
    if (auto written = to.run("INSERT OR REPLACE INTO positions(partition, applied) VALUES(?,?)",
                              {std::int64_t{troupe::number(partition)}, number(index)});
        !written)
      return written;
  return {};
}

} // namespace

result<void> apply(connection& to, const std::vector<view_change>& changes,
                   const std::map<partition_id, std::uint64_t>& positions) {
  if (auto begun = to.run("BEGIN IMMEDIATE", {}); !begun)
    return begun;
  auto written = apply_all(to, changes, positions);
  if (written)
    written = to.run("COMMIT", {});
  if (!written)
    (void)to.run("ROLLBACK", {}).has_value();
  return written;
}

result<sweep_place> sweep(connection& of, partition_id partition, const views::row_filter& stays,
                          sweep_place from) {
  constexpr std::size_t rows_at_once = 1'000;
  std::vector<view_change> rows;
  const auto documents = troupe::number(partition) == 0;
  const auto digits = partition_digits(partition);
  const auto last_run = from.after_run;
  const auto read =
      documents
          ? of.each_row("SELECT key, collection, id FROM documents WHERE key > ? ORDER BY key "
                        "LIMIT 1000",
                        {from.after_document},
                        [&](const sqlite::row& found) {
                          from.after_document = found.integer(0);
                          rows.push_back(document_gone{std::string(found.text(1)),
                                                       std::string(found.text(2))});
                        })
          : of.each_row("SELECT id FROM executions WHERE id > ? AND substr(id, 16, 3) = ? "
                        "ORDER BY id LIMIT 1000",
                        {last_run, digits}, [&](const sqlite::row& found) {
                          from.after_run = found.text(0);
                          if (const auto run = run_id_from_text(from.after_run))
                            rows.push_back(execution_gone{*run});
                        });
  if (!read)
    return read.error();
  from.done = rows.size() < rows_at_once;
  std::erase_if(rows, stays);
  if (!rows.empty())
    if (auto removed = apply(of, rows, {}); !removed)
      return removed.error();
  return from;
}

result<void> clear(connection& of) {
  auto done = of.script("BEGIN IMMEDIATE");
  for (const auto* table : {"positions", "executions", "reviews", "documents", "document_texts"})
    if (done)
      done = of.script(("DROP TABLE " + std::string(table)).c_str());
  for (const auto* sql : {schema, "COMMIT"})
    if (done)
      done = of.script(sql);
  if (!done)
    (void)of.script("ROLLBACK").has_value();
  return done;
}

} // namespace troupe::sqlite
