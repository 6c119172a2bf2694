#include "persistence/store/entry.hpp"

#include "persistence/store/byte_codec.hpp"

#include <algorithm>

namespace troupe {

namespace {

constexpr char head_format = 1;
constexpr char logged_format = '\x81';

void append_counted(std::string& out, std::string_view bytes) {
  check(bytes.size() <= UINT32_MAX, "a row is larger than 4 GiB");
  for (int shift = 24; shift >= 0; shift -= 8)
    out.push_back(static_cast<char>((bytes.size() >> shift) & 0xff));
  out.append(bytes);
}

} // namespace

std::string encode(const log_head& head) {
  std::string bytes(1, head_format);
  for (int shift = 56; shift >= 0; shift -= 8)
    bytes.push_back(static_cast<char>((head.applied >> shift) & 0xff));
  bytes.append(reinterpret_cast<const char*>(head.audit.data()), head.audit.size());
  return bytes;
}

std::optional<log_head> log_head_from(std::string_view bytes) {
  log_head head;
  if (bytes.size() != 1 + 8 + head.audit.size() || bytes[0] != head_format)
    return std::nullopt;
  key_reader reader(bytes.substr(1));
  reader.u64(head.applied);
  std::copy(reader.rest().begin(), reader.rest().end(), head.audit.begin());
  return head;
}

std::string log_key(partition_id partition, std::uint64_t index) {
  return key_builder(partition).u64(index).take();
}

std::string log_head_key(partition_id partition) {
  return key_builder(partition).take();
}

std::size_t size_of(const proposal& what) noexcept {
  std::size_t bytes = what.changed.size() + 64;
  for (const auto* rows : {&what.facts, &what.derived})
    for (const auto& row : *rows)
      bytes += row.key.size() + (row.value ? row.value->size() : 0) +
               (row.range_end ? row.range_end->size() : 0) + 16;
  return bytes;
}

// What an auditor hashes again: table, kind of change, key, then the value or the range's end.
void append_row(std::string& to, const row_change& row) {
  to.push_back(static_cast<char>(row.in));
  to.push_back(row.range_end ? 'r' : row.value ? 'p' : 'd');
  append_counted(to, row.key);
  std::string_view rest;
  if (row.range_end)
    rest = *row.range_end;
  else if (row.value)
    rest = *row.value;
  append_counted(to, rest);
}

bool append_rows(std::vector<row_change>& to, std::string_view rows) {
  byte_reader reader(rows);
  while (!reader.done()) {
    std::uint8_t in = 0;
    char kind = 0;
    std::string_view key, rest;
    if (!reader.integer(in) || in >= table_count || !reader.integer(kind) || !reader.text(key) ||
        !reader.text(rest))
      return false;
    row_change row{static_cast<table>(in), std::string(key), {}, {}};
    if (kind == 'p')
      row.value = rest;
    else if (kind == 'r')
      row.range_end = rest;
    else if (kind != 'd')
      return false;
    to.push_back(std::move(row));
  }
  return true;
}

std::string encode(const logged_entry& entry) {
  return byte_writer()
      .u8(static_cast<std::uint8_t>(logged_format))
      .u64(entry.term)
      .u8(entry.kind)
      .raw(entry.payload)
      .take();
}

std::optional<logged_entry> logged_entry_from(std::string_view log_row) {
  if (!log_row.starts_with(logged_format))
    return std::nullopt;
  byte_reader reader(log_row.substr(1));
  logged_entry entry;
  if (!reader.integer(entry.term) || !reader.integer(entry.kind))
    return std::nullopt;
  entry.payload = reader.rest();
  return entry;
}

void append_proposal(std::string& payload, const proposal& what) {
  for (const auto* rows : {&what.facts, &what.derived}) {
    std::string bytes;
    for (const auto& row : *rows)
      append_row(bytes, row);
    append_counted(payload, bytes);
  }
  append_counted(payload, what.changed);
}

std::optional<std::vector<logged_proposal>> proposals_of(std::string_view payload) {
  std::vector<logged_proposal> parts;
  byte_reader reader(payload);
  while (!reader.done()) {
    logged_proposal one;
    if (!reader.text(one.facts) || !reader.text(one.derived) || !reader.text(one.changed))
      return std::nullopt;
    parts.push_back(one);
  }
  return parts;
}

std::optional<std::vector<std::string_view>> changed_of(std::string_view log_row) {
  std::vector<std::string_view> parts;
  if (const auto entry = logged_entry_from(log_row)) {
    if (entry->kind != logged_entry::proposals)
      return parts;
    const auto proposals = proposals_of(entry->payload);
    if (!proposals)
      return std::nullopt;
    for (const auto& one : *proposals)
      parts.push_back(one.changed);
    return parts;
  }
  byte_reader reader(log_row);
  while (!reader.done())
    if (!reader.text(parts.emplace_back()))
      return std::nullopt;
  return parts;
}

entry_assembler::entry_assembler(head_source head_of, row_sink put)
    : head_of_(std::move(head_of)), put_(std::move(put)) {}

std::uint64_t entry_assembler::add(const proposal& what) {
  auto head = heads_.find(what.partition);
  if (head == heads_.end())
    head = heads_.emplace(what.partition, head_of_(what.partition)).first;
  auto& entry = open_[what.partition];
  const auto bytes = size_of(what);
  if (entry.proposals == entry_proposals_max ||
      (entry.proposals > 0 && entry.bytes + bytes > entry_bytes_max))
    close(what.partition, entry);
  ++entry.proposals;
  entry.bytes += bytes;
  for (const auto& fact : what.facts) {
    append_row(entry.facts, fact);
    put_(fact.in, fact.key, &fact, fact.value ? *fact.value : std::string_view{});
  }
  for (const auto& row : what.derived)
    put_(row.in, row.key, &row, row.value ? *row.value : std::string_view{});
  append_counted(entry.changed, what.changed);
  return head->second.applied + 1;
}

void entry_assembler::close(partition_id partition, open_entry& entry) {
  auto& head = heads_.at(partition);
  ++head.applied;
  head.audit = chain(head.audit, entry.facts);
  put_(table::log, log_key(partition, head.applied), nullptr, entry.changed);
  entry = {};
}

const std::map<partition_id, log_head>& entry_assembler::finish() {
  for (auto& [partition, entry] : open_) {
    if (entry.proposals > 0)
      close(partition, entry);
    put_(table::log_meta, log_head_key(partition), nullptr, encode(heads_.at(partition)));
  }
  return heads_;
}

} // namespace troupe
