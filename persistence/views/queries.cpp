#include "persistence/views/queries.hpp"

#include "persistence/views/page.hpp"
#include "runtime/base/json.hpp"

#include <algorithm>

namespace troupe::sqlite {

namespace {

constexpr std::string_view terminal =
    "status IN ('success', 'partial', 'failed', 'cancelled', 'timed_out')";

void member(std::string& out, std::string_view key, std::string_view json) {
  out += out.empty() ? "{\"" : ",\"";
  out += key;
  out += "\":";
  out += json;
}

void text_member(std::string& out, std::string_view key, std::string_view text) {
  member(out, key, "");
  json::write_string(out, text);
}

void text_or_null(std::string& out, std::string_view key, std::string_view text) {
  text.empty() ? member(out, key, "null") : text_member(out, key, text);
}

constexpr const char* execution_columns =
    "created_ms, id, workflow_id, workflow_name, workflow_version, status, trigger_type, "
    "triggered_by, parent_id, user, priority, started_ms, completed_ms, error_code, "
    "error_message, last_seq, attempt";

std::string execution_item(const row& found) {
  std::string out;
  text_member(out, "id", found.text(1));
  text_member(out, "workflow_id", found.text(2));
  text_member(out, "workflow_name", found.text(3));
  member(out, "workflow_version", std::to_string(found.integer(4)));
  text_member(out, "status", found.text(5));
  text_member(out, "trigger_type", found.text(6));
  text_or_null(out, "triggered_by", found.text(7));
  text_or_null(out, "parent_execution_id", found.text(8));
  text_or_null(out, "user", found.text(9));
  text_member(out, "priority", found.text(10));
  member(out, "created_at", time_or_null(found, 0));
  member(out, "started_at", time_or_null(found, 11));
  member(out, "completed_at", time_or_null(found, 12));
  member(out, "duration_seconds", "");
  if (found.null(11) || found.null(12))
    out += "null";
  else
    json::write_number(out, static_cast<double>(found.integer(12) - found.integer(11)) / 1000.0);
  member(out, "error", "");
  if (found.text(13).empty()) {
    out += "null";
  } else {
    std::string error;
    text_member(error, "code", found.text(13));
    text_member(error, "message", found.text(14));
    out += error + "}";
  }
  member(out, "last_seq", std::to_string(found.integer(15)));
  member(out, "attempt", std::to_string(found.integer(16)));
  return out + "}";
}

result<view_page> answer_one(connection& from, const execution_filter& filter) {
  conditions where;
  where.equal("workflow_id", filter.workflow_id);
  where.equal("status", filter.status);
  where.equal("trigger_type", filter.trigger_type);
  where.equal("parent_id", filter.parent_id);
  where.equal("user", filter.user);
  where.equal("triggered_by", filter.triggered_by);
  if (filter.quarantined)
    where.add("error_code = 'quarantined'");
  if (filter.created_from_ms)
    where.add("created_ms >= ?", *filter.created_from_ms);
  if (filter.created_to_ms)
    where.add("created_ms <= ?", *filter.created_to_ms);
  // Without these words SQLite cannot know that the partial indices apply.
  if (!filter.parent_id.empty())
    where.add("parent_id <> ''");
  if (!filter.user.empty())
    where.add("user <> ''");
  list_query list{'e', execution_columns, "executions"};
  list.limit = filter.limit;
  list.cursor = filter.cursor;
  list.item = execution_item;
  return page_of(from, std::move(where), list);
}

result<view_page> answer_one(connection& from, const review_filter& filter) {
  conditions where;
  where.equal("execution", filter.execution);
  where.equal("status", filter.status);
  where.equal("workflow_id", filter.workflow_id);
  list_query list{'r', "created_ms, id, body", "reviews"};
  list.limit = filter.limit;
  list.cursor = filter.cursor;
  list.item = [](const row& found) { return std::string(found.text(2)); };
  return page_of(from, std::move(where), list);
}

result<view_page> answer_one(connection& from, const document_filter& filter) {
  return answer_documents(from, filter);
}

result<view_page> answer_one(connection& from, const execution_stats_query& what) {
  conditions where;
  where.equal("workflow_id", what.workflow_id);
  std::int64_t total = 0;
  std::int64_t ended = 0;
  std::int64_t succeeded = 0;
  std::int64_t timed = 0;
  double seconds = 0;
  std::string by_status;
  const auto done =
      from.each_row("SELECT status, count(*), count(completed_ms - started_ms), "
                    "total(completed_ms - started_ms) / 1000.0, " +
                        std::string(terminal) + " FROM executions" + where.where() +
                        " GROUP BY status ORDER BY status",
                    where.values(), [&](const row& found) {
                      member(by_status, found.text(0), std::to_string(found.integer(1)));
                      total += found.integer(1);
                      timed += found.integer(2);
                      seconds += found.real(3);
                      ended += found.integer(4) ? found.integer(1) : 0;
                      succeeded += found.text(0) == "success" ? found.integer(1) : 0;
                    });
  if (!done)
    return done.error();
  std::string out;
  member(out, "total", std::to_string(total));
  member(out, "by_status", by_status.empty() ? "{}" : by_status + "}");
  member(out, "avg_duration", "");
  timed == 0 ? void(out += "null") : json::write_number(out, seconds / static_cast<double>(timed));
  member(out, "success_rate", "");
  ended == 0 ? void(out += "null")
             : json::write_number(out, static_cast<double>(succeeded) / static_cast<double>(ended));
  return view_page{{out + "}"}, 1, {}, false};
}

result<view_page> answer_one(connection& from, const retention_query& what) {
  conditions where;
  where.add(terminal);
  where.add("completed_ms IS NOT NULL");
  where.equal("status", what.status);
  std::string table = "executions";
  std::vector<bound> values;
  conditions ranked;
  // The newest of each workflow are counted among the runs that the policy is about.
  if (what.keep_newest) {
    table = "(SELECT *, row_number() OVER (PARTITION BY workflow_id ORDER BY completed_ms DESC, id "
            "DESC) AS age FROM executions" +
            where.where() + ")";
    values = where.values();
    ranked.add("age > ?", static_cast<std::int64_t>(std::min<std::uint64_t>(
                              *what.keep_newest, std::uint64_t{INT64_MAX})));
  }
  auto& outer = what.keep_newest ? ranked : where;
  if (what.completed_before_ms)
    outer.add("completed_ms < ?", *what.completed_before_ms);
  values.insert(values.end(), outer.values().begin(), outer.values().end());
  values.emplace_back(std::int64_t{std::clamp<std::uint32_t>(what.limit, 1, page_items_max)});
  view_page page;
  const auto done = from.each_row("SELECT id, workflow_id, status, completed_ms FROM " + table +
                                      outer.where() + " ORDER BY completed_ms, id LIMIT ?",
                                  values, [&](const row& found) {
                                    std::string out;
                                    text_member(out, "id", found.text(0));
                                    text_member(out, "workflow_id", found.text(1));
                                    text_member(out, "status", found.text(2));
                                    member(out, "completed_at", time_or_null(found, 3));
                                    page.items.push_back(out + "}");
                                  });
  if (!done)
    return done.error();
  page.total_count = page.items.size();
  return page;
}

} // namespace

result<view_page> answer(connection& from, const view_query& what) {
  return std::visit([&](const auto& one) { return answer_one(from, one); }, what);
}

} // namespace troupe::sqlite
