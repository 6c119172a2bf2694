#include "runtime/expr/text.hpp"

#include "runtime/base/utf8.hpp"

#include <algorithm>
#include <cstring>

namespace troupe::expr {

namespace {

std::size_t step(std::string_view text) noexcept {
  const std::size_t length = utf8_sequence(text);
  return length == 0 ? 1 : length;
}

char32_t decode(std::string_view sequence) noexcept {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(sequence[i]); };
  switch (sequence.size()) {
  case 2: return static_cast<char32_t>((byte(0) & 0x1F) << 6 | (byte(1) & 0x3F));
  case 3:
    return static_cast<char32_t>((byte(0) & 0x0F) << 12 | (byte(1) & 0x3F) << 6 | (byte(2) & 0x3F));
  case 4:
    return static_cast<char32_t>((byte(0) & 0x07) << 18 | (byte(1) & 0x3F) << 12 |
                                 (byte(2) & 0x3F) << 6 | (byte(3) & 0x3F));
  default: return byte(0);
  }
}

constexpr bool within(char32_t c, char32_t first, char32_t last) noexcept {
  return c >= first && c <= last;
}

/// Letters that come in pairs: upper case even or, in one stretch of Latin, odd.
constexpr bool paired_even(char32_t c) noexcept {
  return within(c, 0x100, 0x12F) || within(c, 0x132, 0x137) || within(c, 0x14A, 0x177) ||
         within(c, 0x460, 0x481) || within(c, 0x48A, 0x4BF) || within(c, 0x1E00, 0x1E95) ||
         within(c, 0x1EA0, 0x1EFF);
}
constexpr bool paired_odd(char32_t c) noexcept {
  return within(c, 0x139, 0x148) || within(c, 0x179, 0x17E);
}

constexpr char32_t to_upper(char32_t c) noexcept {
  if (within(c, 'a', 'z') || (within(c, 0xE0, 0xFE) && c != 0xF7) || within(c, 0x430, 0x44F) ||
      (within(c, 0x3B1, 0x3C9) && c != 0x3C2))
    return c - 0x20;
  if (within(c, 0x450, 0x45F))
    return c - 0x50;
  if (c == 0xFF)
    return 0x178;
  if (c == 0x3C2) // final sigma
    return 0x3A3;
  if (paired_even(c))
    return c & ~char32_t{1};
  if (paired_odd(c) && c % 2 == 0)
    return c - 1;
  return c;
}

constexpr char32_t to_lower(char32_t c) noexcept {
  if (within(c, 'A', 'Z') || (within(c, 0xC0, 0xDE) && c != 0xD7) || within(c, 0x410, 0x42F) ||
      (within(c, 0x391, 0x3A9) && c != 0x3A2))
    return c + 0x20;
  if (within(c, 0x400, 0x40F))
    return c + 0x50;
  if (c == 0x178)
    return 0xFF;
  if (paired_even(c))
    return c | 1;
  if (paired_odd(c) && c % 2 == 1)
    return c + 1;
  return c;
}

template <class Change> std::string changed(std::string_view text, Change change) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const std::size_t length = utf8_sequence(text);
    if (length == 0)
      out.push_back(text[0]);
    else
      append_code_point(out, change(decode(text.substr(0, length))));
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return out;
}

} // namespace

std::size_t length_of(std::string_view text) noexcept {
  return utf8_length(text);
}

std::string_view code_points(std::string_view text, std::size_t from, std::size_t to) noexcept {
  std::size_t begin = 0;
  std::size_t count = 0;
  for (; count < from && begin < text.size(); ++count)
    begin += step(text.substr(begin));
  std::size_t end = begin;
  for (; count < to && end < text.size(); ++count)
    end += step(text.substr(end));
  return text.substr(begin, end - begin);
}

std::size_t find_text(std::string_view text, std::string_view piece, std::size_t from) noexcept {
  if (from > text.size() || piece.size() > text.size() - from)
    return std::string_view::npos;
  if (piece.empty())
    return from;
  // memmem is linear in the worst case; string_view::find is not.
  const void* at = memmem(text.data() + from, text.size() - from, piece.data(), piece.size());
  return at == nullptr ? std::string_view::npos
                       : static_cast<std::size_t>(static_cast<const char*>(at) - text.data());
}

std::string upper_case(std::string_view text) {
  return changed(text, to_upper);
}
std::string lower_case(std::string_view text) {
  return changed(text, to_lower);
}

bool is_space(char c) noexcept {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

std::string_view trimmed(std::string_view text, std::string_view set, bool left,
                         bool right) noexcept {
  const auto in_set = [set](char c) { return set.find(c) != std::string_view::npos; };
  while (left && !text.empty() && in_set(text.front()))
    text.remove_prefix(1);
  while (right && !text.empty() && in_set(text.back()))
    text.remove_suffix(1);
  return text;
}

void append_code_point(std::string& out, char32_t point) {
  const auto put = [&out](char32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (point < 0x80) {
    put(point);
  } else if (point < 0x800) {
    put(0xC0 | point >> 6);
    put(0x80 | (point & 0x3F));
  } else if (point < 0x10000) {
    put(0xE0 | point >> 12);
    put(0x80 | (point >> 6 & 0x3F));
    put(0x80 | (point & 0x3F));
  } else {
    put(0xF0 | point >> 18);
    put(0x80 | (point >> 12 & 0x3F));
    put(0x80 | (point >> 6 & 0x3F));
    put(0x80 | (point & 0x3F));
  }
}

} // namespace troupe::expr
