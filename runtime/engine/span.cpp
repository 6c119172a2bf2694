#include "runtime/engine/span.hpp"

#include "runtime/base/encoding.hpp"
#include "runtime/base/hash.hpp"

#include <algorithm>
#include <charconv>

namespace troupe {

namespace {

constexpr std::size_t text_bytes_max = 256;
constexpr std::uint64_t request_seed = 0x7265717565737400, run_seed = 0x72756e0000000000;

std::string_view bytes_of(const run_id& run) noexcept {
  return {reinterpret_cast<const char*>(run.id.bytes.data()), run.id.bytes.size()};
}

bool lower_hex(std::string_view text) noexcept {
  return std::ranges::all_of(
      text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

} // namespace

std::string trace_of(const run_id& run, std::string_view given) {
  if (given.size() == 32 && lower_hex(given) && given != std::string_view(std::string(32, '0')))
    return std::string(given);
  return to_hex(bytes_of(run));
}

std::uint64_t request_span(const run_id& run) noexcept {
  return hash64(bytes_of(run), request_seed) | 1;
}

std::uint64_t run_span(const run_id& run, std::uint32_t round) noexcept {
  return hash64(bytes_of(run), run_seed + round) | 1;
}

std::uint64_t attempt_span(const run_id& run, const place& at, std::uint32_t attempt) {
  std::string key(bytes_of(run));
  // A node id holds no zero byte, so no two places spell the same key.
  key.append(at.node).append(1, '\0').append(to_text(at.iteration));
  return hash64(key, attempt) | 1;
}

std::string span_text(std::uint64_t id) {
  std::string bytes;
  for (int shift = 56; shift >= 0; shift -= 8)
    bytes.push_back(static_cast<char>((id >> shift) & 0xff));
  return to_hex(bytes);
}

std::uint64_t span_from_text(std::string_view text) noexcept {
  std::uint64_t id = 0;
  if (text.size() != 16 || !lower_hex(text))
    return 0;
  std::from_chars(text.data(), text.data() + text.size(), id, 16);
  return id;
}

std::string short_text(std::string_view text) {
  if (text.size() <= text_bytes_max)
    return std::string(text);
  auto end = text_bytes_max;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80)
    --end;
  return std::string(text.substr(0, end));
}

} // namespace troupe
