#include "runtime/base/utf8.hpp"

#include <cstdint>

namespace troupe {

namespace {

bool continues(char c) noexcept {
  return (static_cast<unsigned char>(c) & 0xC0) == 0x80;
}

/// The second byte's range depends on the first: it excludes overlong forms and surrogates.
bool second_fits(unsigned char first, unsigned char second) noexcept {
  switch (first) {
  case 0xE0: return second >= 0xA0 && second <= 0xBF;
  case 0xED: return second >= 0x80 && second <= 0x9F;
  case 0xF0: return second >= 0x90 && second <= 0xBF;
  case 0xF4: return second >= 0x80 && second <= 0x8F;
  default: return second >= 0x80 && second <= 0xBF;
  }
}

} // namespace

std::size_t utf8_sequence(std::string_view text) noexcept {
  if (text.empty())
    return 0;
  const auto first = static_cast<unsigned char>(text[0]);
  if (first < 0x80)
    return 1;
  if (first < 0xC2 || first > 0xF4)
    return 0;
  const std::size_t length = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
  if (text.size() < length || !second_fits(first, static_cast<unsigned char>(text[1])))
    return 0;
  for (std::size_t i = 2; i < length; ++i)
    if (!continues(text[i]))
      return 0;
  return length;
}

bool valid_utf8(std::string_view text) noexcept {
  while (!text.empty()) {
    const std::size_t length = utf8_sequence(text);
    if (length == 0)
      return false;
    text.remove_prefix(length);
  }
  return true;
}

std::size_t utf8_length(std::string_view text) noexcept {
  std::size_t count = 0;
  for (; !text.empty(); ++count) {
    const std::size_t length = utf8_sequence(text);
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return count;
}

} // namespace troupe
