#include "persistence/store/tables.hpp"

#include "runtime/base/invariant.hpp"

#include <array>
#include <cstring>

namespace troupe {

namespace {

constexpr std::array<std::string_view, table_count> names{
    "log",    "log_meta", "events", "state", "outputs",   "active", "documents",
    "timers", "outbox",   "dedupe", "blobs", "blob_refs", "system"};

template <class Integer> void append_big_endian(std::string& out, Integer v) {
  for (std::size_t i = sizeof(Integer); i-- > 0;)
    out.push_back(static_cast<char>((v >> (8 * i)) & 0xff));
}

template <class Integer> bool read_big_endian(std::string_view& from, Integer& v) noexcept {
  if (from.size() < sizeof(Integer))
    return false;
  std::uint64_t read = 0;
  for (std::size_t i = 0; i < sizeof(Integer); ++i)
    read = (read << 8) | static_cast<std::uint8_t>(from[i]);
  v = static_cast<Integer>(read);
  from.remove_prefix(sizeof(Integer));
  return true;
}

} // namespace

std::string_view name_of(table t) noexcept {
  const auto at = static_cast<std::size_t>(t);
  return at < names.size() ? names[at] : "unknown";
}

key_builder::key_builder(partition_id partition) {
  key_.reserve(48);
  u16(number(partition));
}

key_builder& key_builder::u8(std::uint8_t v) {
  key_.push_back(static_cast<char>(v));
  return *this;
}

key_builder& key_builder::u16(std::uint16_t v) {
  append_big_endian(key_, v);
  return *this;
}

key_builder& key_builder::u64(std::uint64_t v) {
  append_big_endian(key_, v);
  return *this;
}

key_builder& key_builder::id(const uuid& v) {
  key_.append(reinterpret_cast<const char*>(v.bytes.data()), v.bytes.size());
  return *this;
}

key_builder& key_builder::text(std::string_view v) {
  check(v.find('\0') == std::string_view::npos, "text in a key contains a zero byte");
  key_.append(v);
  key_.push_back('\0');
  return *this;
}

key_builder& key_builder::raw(std::string_view v) {
  key_.append(v);
  return *this;
}

bool key_reader::u8(std::uint8_t& v) noexcept {
  return read_big_endian(rest_, v);
}
bool key_reader::u16(std::uint16_t& v) noexcept {
  return read_big_endian(rest_, v);
}
bool key_reader::u64(std::uint64_t& v) noexcept {
  return read_big_endian(rest_, v);
}

bool key_reader::id(uuid& v) noexcept {
  if (rest_.size() < v.bytes.size())
    return false;
  std::memcpy(v.bytes.data(), rest_.data(), v.bytes.size());
  rest_.remove_prefix(v.bytes.size());
  return true;
}

bool key_reader::text(std::string_view& v) noexcept {
  const auto end = rest_.find('\0');
  if (end == std::string_view::npos)
    return false;
  v = rest_.substr(0, end);
  rest_.remove_prefix(end + 1);
  return true;
}

std::string prefix_end(std::string_view prefix) {
  std::string end(prefix);
  while (!end.empty() && static_cast<std::uint8_t>(end.back()) == 0xff)
    end.pop_back();
  if (!end.empty())
    end.back() = static_cast<char>(static_cast<std::uint8_t>(end.back()) + 1);
  return end;
}

} // namespace troupe
