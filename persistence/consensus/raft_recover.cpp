#include "persistence/consensus/raft_recover.hpp"

#include "persistence/consensus/raft_codec.hpp"
#include "persistence/consensus/raft_driver.hpp"

#include <algorithm>

namespace troupe::raft {

namespace {

failure unreadable(partition_id partition, const char* what) {
  return {failure_kind::internal,
          "store_corrupt",
          "partition " + std::to_string(number(partition)) + ": " + what + " cannot be read",
          "run `troupe log verify` to see what is affected",
          {}};
}

std::string log_end(partition_id partition) {
  return prefix_end(key_builder(partition).take());
}

result<void> read_marks(partition_id partition, const row_reader& rows, partition_remains& into) {
  const auto head = rows.get(table::log_meta, log_head_key(partition));
  const auto mark = rows.get(table::log_meta, snapshot_key(partition));
  const auto voted = rows.get(table::log_meta, ballot_key(partition));
  for (const auto* row : {&head, &mark, &voted})
    if (!*row)
      return row->error();
  if (*head) {
    const auto read = log_head_from(**head);
    if (!read)
      return unreadable(partition, "the head of the log");
    into.applied = read->applied;
  }
  if (*mark && !decode(**mark, into.snapshot.emplace()))
    return unreadable(partition, "the snapshot's mark");
  if (*voted && !decode(**voted, into.last_ballot))
    return unreadable(partition, "the ballot");
  return {};
}

} // namespace

result<partition_remains> remains_of(partition_id partition, row_store& rows) {
  if (auto finished = finish_staged(partition, rows); !finished)
    return finished.error();
  partition_remains out;
  if (auto read = read_marks(partition, rows, out); !read)
    return read.error();
  out.last = out.snapshot ? out.snapshot->index : 0;
  out.last_term = out.snapshot ? out.snapshot->term : 0;
  bool whole = true;
  auto read = rows.scan(table::log, log_key(partition, out.last + 1), log_end(partition),
                        [&](std::string_view key, std::string_view value) {
                          const auto one = logged_entry_from(value);
                          whole = one && key == log_key(partition, out.last + 1);
                          if (!whole)
                            return false;
                          ++out.last;
                          out.last_term = one->term;
                          return true;
                        });
  if (!read)
    return read.error();
  if (!whole || out.last < out.applied)
    return unreadable(partition, "the log");
  const auto prefix = key_builder(partition).take();
  read = rows.scan(table::active, prefix, prefix_end(prefix),
                   [&](std::string_view, std::string_view) { return ++out.unfinished_runs > 0; });
  return read ? result<partition_remains>(out) : result<partition_remains>(read.error());
}

result<std::vector<row_change>> rows_alone(partition_id partition, node_number self,
                                           const partition_remains& from, const row_reader& rows) {
  const membership alone{{self, member_role::voter}};
  if (from.last == 0)
    return first_rows(partition, alone, log_head{});
  const auto term = std::max(from.last_ballot.term, from.last_term) + 1;
  std::vector<row_change> out{
      {table::log_meta, ballot_key(partition), encode(ballot{term, 0}), {}}};
  // The library sends nothing to new members where the snapshot ends with the first entry.
  const bool marked = from.applied >= 2;
  bool whole = true;
  const auto begin = from.snapshot ? from.snapshot->index + 1 : log_index{1};
  auto index = begin;
  auto mark_term = from.snapshot ? from.snapshot->term : term_number{0};
  const auto read = rows.scan(
      table::log, log_key(partition, begin), log_end(partition),
      [&](std::string_view, std::string_view value) {
        const auto one = logged_entry_from(value);
        whole = one.has_value();
        if (!whole)
          return false;
        if (index == from.applied)
          mark_term = one->term;
        if (one->kind == static_cast<std::uint8_t>(entry_kind::members) &&
            (index > from.applied || !marked)) {
          const bool first = index == 1;
          out.push_back({table::log,
                         log_key(partition, index),
                         encode(logged_entry{one->term,
                                             static_cast<std::uint8_t>(first ? entry_kind::members
                                                                             : entry_kind::barrier),
                                             first ? encode(alone) : std::string(8, '\0')}),
                         {}});
        }
        ++index;
        return true;
      });
  if (!read)
    return read.error();
  if (!whole)
    return unreadable(partition, "the log");
  if (marked)
    out.push_back({table::log_meta,
                   snapshot_key(partition),
                   encode(snapshot_mark{from.applied, mark_term, alone, from.applied}),
                   {}});
  return out;
}

} // namespace troupe::raft
