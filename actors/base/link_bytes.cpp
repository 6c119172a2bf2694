#include "actors/base/link_bytes.hpp"

#include <algorithm>
#include <array>

namespace troupe {

namespace {

/// By failure_kind; never reordered, for it crosses releases as words.
constexpr std::array<std::string_view, 18> kind_words{
    "malformed",   "unauthenticated", "payment",     "forbidden",        "not_found",
    "not_allowed", "conflict",        "gone",        "precondition",     "too_large",
    "unsupported", "invalid",         "exhausted",   "header_too_large", "internal",
    "upstream",    "unavailable",     "storage_full"};
static_assert(kind_words.size() == static_cast<std::size_t>(failure_kind::storage_full) + 1);

constexpr std::uint32_t node_errors_max = 1'000;

} // namespace

link_writer& link_writer::number(std::uint64_t v, int bytes) {
  for (int shift = (bytes - 1) * 8; shift >= 0; shift -= 8)
    out_.push_back(static_cast<char>(v >> shift & 0xff));
  return *this;
}

link_writer& link_writer::run(const run_id& v) {
  out_.append(reinterpret_cast<const char*>(v.id.bytes.data()), v.id.bytes.size());
  return *this;
}

link_writer& link_writer::text(std::string_view v) {
  check(v.size() <= UINT32_MAX, "a text between nodes has its length in 32 bits");
  u32(static_cast<std::uint32_t>(v.size()));
  return rest(v);
}

link_writer& link_writer::rest(std::string_view v) {
  out_.append(v);
  return *this;
}

std::string_view link_reader::bytes(std::size_t count) {
  if (!ok_ || left_.size() < count) {
    ok_ = false;
    left_ = {};
    return {};
  }
  const auto out = left_.substr(0, count);
  left_.remove_prefix(count);
  return out;
}

std::uint64_t link_reader::number(std::size_t count) {
  std::uint64_t out = 0;
  for (const char c : bytes(count))
    out = out << 8 | static_cast<std::uint8_t>(c);
  return out;
}

run_id link_reader::run() {
  run_id out;
  const auto from = bytes(out.id.bytes.size());
  std::transform(from.begin(), from.end(), out.id.bytes.begin(),
                 [](char c) { return static_cast<std::uint8_t>(c); });
  return out;
}

std::string_view link_reader::text() {
  return bytes(u32());
}

std::uint32_t link_reader::count(std::size_t each) {
  const auto claimed = u32();
  if (std::uint64_t{claimed} * each <= left_.size())
    return claimed;
  ok_ = false;
  left_ = {};
  return 0;
}

void write_failure(link_writer& to, const failure& what) {
  to.text(kind_words[static_cast<std::size_t>(what.kind)]);
  to.text(what.code).text(what.message).text(what.hint);
  const auto count = std::min<std::size_t>(what.node_errors.size(), node_errors_max);
  to.u32(static_cast<std::uint32_t>(count));
  for (std::size_t i = 0; i < count; ++i) {
    const auto& each = what.node_errors[i];
    to.text(each.node).text(each.field).text(each.code).text(each.message);
  }
}

failure read_failure(link_reader& from) {
  failure out;
  const auto word = std::find(kind_words.begin(), kind_words.end(), from.text());
  if (word != kind_words.end())
    out.kind = static_cast<failure_kind>(word - kind_words.begin());
  out.code = from.text();
  out.message = from.text();
  out.hint = from.text();
  for (auto left = from.count(16); left > 0 && from.ok(); --left) {
    node_error each;
    each.node = from.text();
    each.field = from.text();
    each.code = from.text();
    each.message = from.text();
    out.node_errors.push_back(std::move(each));
  }
  return out;
}

failure link_malformed() {
  return {
      failure_kind::malformed, "link_malformed", "another node's message is not readable", {}, {}};
}

failure node_unreachable(std::string message) {
  return {failure_kind::unavailable,
          "node_unreachable",
          std::move(message),
          "try again with the same key",
          {}};
}

} // namespace troupe
