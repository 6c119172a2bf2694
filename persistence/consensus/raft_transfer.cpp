#include "persistence/consensus/raft_transfer.hpp"

#include <algorithm>

namespace troupe::raft {

namespace {

constexpr std::uint16_t staging_bit = 0x8000; ///< partitions are below 4,096
constexpr std::uint64_t ask_again_ms = 2'000, export_idle_ms = 30'000, write_again_ms = 250;
constexpr std::size_t swap_bytes = std::size_t{1} << 20;

/// What a replica has beyond its own log.
bool is_state(table in) noexcept {
  return in != table::log && in != table::log_meta && in != table::system;
}

partition_id staging(partition_id partition) noexcept {
  return partition_id{static_cast<std::uint16_t>(number(partition) | staging_bit)};
}

std::string prefix_of(partition_id partition) {
  return key_builder(partition).take();
}

row_change erase_all(table in, partition_id partition) {
  const auto prefix = prefix_of(partition);
  return {in, prefix, std::nullopt, prefix_end(prefix)};
}

std::vector<row_change> erase_state(partition_id partition) {
  std::vector<row_change> rows;
  for (std::size_t i = 0; i < table_count; ++i)
    if (is_state(static_cast<table>(i)))
      rows.push_back(erase_all(static_cast<table>(i), partition));
  return rows;
}

failure damaged() {
  return {
      failure_kind::internal, "state_damaged", "a part of a replica's state is damaged", {}, {}};
}

/// A later key with the same rest in another partition.
std::string moved(std::string_view key, partition_id to) {
  return prefix_of(to) + std::string(key.substr(2));
}

} // namespace

std::string ballot_key(partition_id partition) {
  return key_builder(partition).text("ballot").take();
}
std::string snapshot_key(partition_id partition) {
  return key_builder(partition).text("snapshot").take();
}
std::string staged_key(partition_id partition) {
  return key_builder(partition).text("staged").take();
}

result<state_part> state_exports::part(std::uint64_t now_ms, node_number to,
                                       const fetch_state& what) {
  auto& at = exports_[to];
  if (at.transfer != what.transfer || !at.rows) {
    at = reading{};
    at.transfer = what.transfer;
    at.rows = rows_.pin();
  }
  at.asked_ms = now_ms;
  if (what.part + 1 == at.next)
    return at.last_part; // it was lost on its way
  if (what.part != at.next) {
    exports_.erase(to); // of a transfer that nobody remembers: it begins anew
    return damaged();
  }
  state_part out;
  out.transfer = what.transfer;
  out.part = what.part;
  if (auto read = read_part(at, out); !read)
    return read.error();
  ++at.next;
  at.last_part = out;
  return out;
}

result<void> state_exports::read_part(reading& from, state_part& into) const {
  const auto prefix = prefix_of(partition_);
  const auto end = prefix_end(prefix);
  for (; from.at_table < table_count; ++from.at_table, from.from.clear()) {
    const auto in = static_cast<table>(from.at_table);
    if (!is_state(in))
      continue;
    if (from.from.empty())
      from.from = prefix;
    bool full = false;
    const auto read =
        from.rows->scan(in, from.from, end, [&](std::string_view key, std::string_view value) {
          full = into.rows.size() >= state_part_bytes;
          if (full) {
            from.from = key;
            return false;
          }
          append_row(into.rows, {in, std::string(key), std::string(value), {}});
          return true;
        });
    if (!read || full)
      return read;
  }
  const auto head = from.rows->get(table::log_meta, log_head_key(partition_));
  if (!head)
    return head.error();
  into.last = true;
  into.head = head->value_or(encode(log_head{}));
  return {};
}

void state_exports::tick(std::uint64_t now_ms) {
  std::erase_if(exports_,
                [&](const auto& one) { return now_ms > one.second.asked_ms + export_idle_ms; });
}

state_install::state_install(partition_id partition, row_store& rows, snapshot_mark mark,
                             std::uint64_t transfer)
    : partition_(partition), rows_(rows), mark_(std::move(mark)), transfer_(transfer) {}

std::optional<fetch_state> state_install::wanted(std::uint64_t now_ms) {
  if (all_here_ || (asked_ms_ != 0 && now_ms < asked_ms_ + ask_again_ms))
    return std::nullopt;
  asked_ms_ = now_ms;
  return fetch_state{transfer_, next_};
}

std::uint64_t state_install::deadline_ms() const noexcept {
  if (all_here_)
    return again_ms_;
  return asked_ms_ == 0 ? 0 : asked_ms_ + ask_again_ms;
}

result<void> state_install::begin() {
  auto cleared = rows_.write_batch(erase_state(staging(partition_)), false);
  begun_ = cleared.has_value();
  return cleared;
}

result<void> state_install::receive(const state_part& part) {
  if (all_here_ || part.transfer != transfer_ || part.part != next_)
    return {}; // of an earlier transfer, or twice
  if (!begun_)
    if (auto done = begin(); !done)
      return done;
  std::vector<row_change> rows;
  if (!append_rows(rows, part.rows))
    return damaged();
  for (auto& row : rows) {
    if (!is_state(row.in) || !row.value || !row.key.starts_with(prefix_of(partition_)))
      return damaged();
    row.key = moved(row.key, staging(partition_));
  }
  const auto head = part.last ? log_head_from(part.head) : log_head{};
  if (!head)
    return damaged();
  if (part.last) {
    rows.push_back({table::log_meta,
                    staged_key(partition_),
                    byte_writer().text(encode(mark_)).text(encode(*head)).take(),
                    {}});
    for (auto& row : erase_state(partition_))
      rows.push_back(std::move(row));
  }
  if (auto written = rows_.write_batch(std::move(rows), part.last); !written)
    return written;
  ++next_;
  asked_ms_ = 0;
  if (part.last)
    resume(*head);
  return {};
}

void state_install::resume(const log_head& head) {
  begun_ = all_here_ = true;
  head_ = head;
}

result<state_install::staged_rows> state_install::read_staged() const {
  const auto prefix = prefix_of(staging(partition_));
  staged_rows out{{}, at_table_, from_};
  for (std::size_t bytes = 0; out.at_table < table_count; ++out.at_table, out.from.clear()) {
    const auto in = static_cast<table>(out.at_table);
    if (!is_state(in))
      continue;
    bool full = false;
    const auto read =
        rows_.scan(in, out.from.empty() ? prefix : out.from, prefix_end(prefix),
                   [&](std::string_view key, std::string_view value) {
                     full = bytes >= swap_bytes;
                     if (full) {
                       out.from = key;
                       return false;
                     }
                     bytes += key.size() + value.size();
                     out.rows.push_back({in, moved(key, partition_), std::string(value), {}});
                     return true;
                   });
    if (!read)
      return read.error();
    if (full)
      break;
  }
  return out;
}

result<bool> state_install::advance(std::uint64_t now_ms) {
  if (!all_here_ || now_ms < again_ms_)
    return false;
  again_ms_ = now_ms + write_again_ms;
  auto staged = read_staged();
  if (!staged)
    return staged.error();
  if (!staged->rows.empty())
    if (auto written = rows_.write_batch(std::move(staged->rows), false); !written)
      return written.error();
  at_table_ = staged->at_table;
  from_ = staged->from;
  if (at_table_ < table_count) {
    again_ms_ = 0;
    return false;
  }
  if (auto done = finish(); !done)
    return done.error();
  return true;
}

result<void> state_install::finish() {
  auto rows = erase_state(staging(partition_));
  rows.push_back(erase_all(table::log, partition_));
  rows.push_back({table::log_meta, log_head_key(partition_), encode(head_), {}});
  rows.push_back({table::log_meta, snapshot_key(partition_), encode(mark_), {}});
  rows.push_back({table::log_meta, staged_key(partition_), std::nullopt, {}});
  return rows_.write_batch(std::move(rows), true);
}

result<std::optional<log_head>> finish_staged(partition_id partition, row_store& rows) {
  const auto row = rows.get(table::log_meta, staged_key(partition));
  if (!row)
    return row.error();
  if (!*row)
    return std::optional<log_head>{};
  byte_reader reader(**row);
  std::string_view mark_bytes, head_bytes;
  snapshot_mark mark;
  if (!reader.text(mark_bytes) || !reader.text(head_bytes) || !decode(mark_bytes, mark))
    return damaged();
  const auto head = log_head_from(head_bytes);
  if (!head)
    return damaged();
  state_install again(partition, rows, std::move(mark), 0);
  again.resume(*head);
  for (;;) {
    const auto done = again.advance(1);
    if (!done)
      return done.error();
    if (*done)
      return std::optional(again.head());
  }
}

} // namespace troupe::raft
