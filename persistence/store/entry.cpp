#include "persistence/store/entry.hpp"

#include <algorithm>

namespace troupe {

namespace {

constexpr char head_format = 1;

void append_u32(std::string& out, std::size_t v) {
  check(v <= UINT32_MAX, "a row is larger than 4 GiB");
  for (int shift = 24; shift >= 0; shift -= 8)
    out.push_back(static_cast<char>((v >> shift) & 0xff));
}

void append_counted(std::string& out, std::string_view bytes) {
  append_u32(out, bytes.size());
  out.append(bytes);
}

// What an auditor hashes again: table, kind of change, key, then the value or the range's end.
void append_fact(std::string& out, const row_change& fact) {
  out.push_back(static_cast<char>(fact.in));
  out.push_back(fact.range_end ? 'r' : fact.value ? 'p' : 'd');
  append_counted(out, fact.key);
  std::string_view rest;
  if (fact.range_end)
    rest = *fact.range_end;
  else if (fact.value)
    rest = *fact.value;
  append_counted(out, rest);
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

std::optional<std::vector<std::string_view>> changed_of(std::string_view log_row) {
  std::vector<std::string_view> parts;
  while (!log_row.empty()) {
    key_reader reader(log_row);
    std::uint16_t high = 0;
    std::uint16_t low = 0;
    if (!reader.u16(high) || !reader.u16(low))
      return std::nullopt;
    const std::size_t size = (static_cast<std::size_t>(high) << 16) | low;
    if (reader.rest().size() < size)
      return std::nullopt;
    parts.push_back(reader.rest().substr(0, size));
    log_row = reader.rest().substr(size);
  }
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
    append_fact(entry.facts, fact);
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
