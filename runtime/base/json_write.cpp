// Values to JSON text. One writer serves both the text and its size, so that they cannot differ.
#include "runtime/base/json.hpp"

#include "runtime/base/utf8.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <cstring>

namespace troupe::json {

namespace {

struct text_sink {
  std::string& out;
  void put(char c) { out.push_back(c); }
  void put(const char* data, std::size_t n) { out.append(data, n); }
  static constexpr bool full() noexcept { return false; }
};

struct counting_sink {
  std::size_t cap;
  std::size_t count = 0;
  void put(char) noexcept { ++count; }
  void put(const char*, std::size_t n) noexcept { count += n; }
  bool full() const noexcept { return count > cap; }
};

/// What follows the backslash for each byte that needs one; 'u' means \u00XX, 0 none.
constexpr auto escapes = [] {
  std::array<char, 256> table{};
  for (std::size_t c = 0; c < 0x20; ++c)
    table[c] = 'u';
  table['\b'] = 'b';
  table['\f'] = 'f';
  table['\n'] = 'n';
  table['\r'] = 'r';
  table['\t'] = 't';
  table['"'] = '"';
  table['\\'] = '\\';
  return table;
}();

/// Whether eight bytes are all printable ASCII that needs no escape.
bool plain_block(const char* data) noexcept {
  constexpr std::uint64_t ones = 0x0101010101010101ULL;
  constexpr std::uint64_t high = 0x8080808080808080ULL;
  std::uint64_t word = 0;
  std::memcpy(&word, data, sizeof word);
  const std::uint64_t quote = word ^ (ones * '"');
  const std::uint64_t slash = word ^ (ones * '\\');
  const std::uint64_t marked =
      word | ((word - ones * 0x20) & ~word) | ((quote - ones) & ~quote) | ((slash - ones) & ~slash);
  return (marked & high) == 0;
}

/// First position from `at` on that cannot be copied as it is.
std::size_t skip_plain(std::string_view text, std::size_t at) noexcept {
  while (at + 8 <= text.size() && plain_block(text.data() + at))
    at += 8;
  while (at < text.size()) {
    const auto c = static_cast<unsigned char>(text[at]);
    if (c >= 0x80 || escapes[c] != 0)
      break;
    ++at;
  }
  return at;
}

template <class Sink> void put_escape(Sink& out, unsigned char c) {
  constexpr char digits[] = "0123456789abcdef";
  out.put('\\');
  out.put(escapes[c]);
  if (escapes[c] == 'u') {
    const char code[4] = {'0', '0', digits[c >> 4], digits[c & 15]};
    out.put(code, 4);
  }
}

template <class Sink> void put_string(Sink& out, std::string_view text) {
  out.put('"');
  std::size_t from = 0;
  for (std::size_t at = skip_plain(text, 0); at < text.size(); at = skip_plain(text, at)) {
    const auto c = static_cast<unsigned char>(text[at]);
    if (c < 0x80) {
      out.put(text.data() + from, at - from);
      put_escape(out, c);
      from = ++at;
    } else if (const std::size_t length = utf8_sequence(text.substr(at)); length != 0) {
      at += length;
    } else {
      out.put(text.data() + from, at - from);
      out.put("\xEF\xBF\xBD", 3);
      from = ++at;
    }
  }
  out.put(text.data() + from, text.size() - from);
  out.put('"');
}

template <class Sink> void put_double(Sink& out, double number) {
  check(std::isfinite(number), "a non-finite number reached a JSON value");
  // The same bounds as Python's, so that people read 100000.0 and not 1e+05.
  const double size = std::fabs(number);
  const bool plain = size == 0 || (size >= 1e-4 && size < 1e16);
  char digits[32];
  const auto end = std::to_chars(digits, digits + sizeof digits, number,
                                 plain ? std::chars_format::fixed : std::chars_format::scientific)
                       .ptr;
  const std::string_view text(digits, static_cast<std::size_t>(end - digits));
  out.put(text.data(), text.size());
  if (text.find_first_of(".e") == std::string_view::npos)
    out.put(".0", 2);
}

template <class Sink, class Integer> void put_integer(Sink& out, Integer number) {
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
  out.put(digits, static_cast<std::size_t>(end - digits));
}

template <class Sink> void put_scalar(Sink& out, const value& v) {
  switch (v.kind()) {
  case boost::json::kind::bool_:
    if (v.get_bool())
      return out.put("true", 4);
    return out.put("false", 5);
  case boost::json::kind::int64: return put_integer(out, v.get_int64());
  case boost::json::kind::uint64: return put_integer(out, v.get_uint64());
  case boost::json::kind::double_: return put_double(out, v.get_double());
  case boost::json::kind::string: return put_string(out, v.get_string());
  default: return out.put("null", 4);
  }
}

template <class Sink> void put_value(Sink& out, const value& v) {
  if (const object* members = v.if_object()) {
    out.put('{');
    bool first = true;
    for (const auto& member : *members) {
      if (out.full())
        return;
      if (!first)
        out.put(',');
      first = false;
      put_string(out, member.key());
      out.put(':');
      put_value(out, member.value());
    }
    out.put('}');
  } else if (const array* elements = v.if_array()) {
    out.put('[');
    bool first = true;
    for (const value& element : *elements) {
      if (out.full())
        return;
      if (!first)
        out.put(',');
      first = false;
      put_value(out, element);
    }
    out.put(']');
  } else {
    put_scalar(out, v);
  }
}

void put_pretty(std::string& out, const value& v, std::size_t indent) {
  text_sink sink{out};
  const auto new_line = [&](std::size_t width) { out.append("\n").append(width, ' '); };
  if (const object* members = v.if_object(); members && !members->empty()) {
    out.push_back('{');
    for (auto at = members->begin(); at != members->end(); ++at) {
      if (at != members->begin())
        out.push_back(',');
      new_line(indent + 2);
      put_string(sink, at->key());
      out.append(": ");
      put_pretty(out, at->value(), indent + 2);
    }
    new_line(indent);
    out.push_back('}');
  } else if (const array* elements = v.if_array(); elements && !elements->empty()) {
    out.push_back('[');
    for (auto at = elements->begin(); at != elements->end(); ++at) {
      if (at != elements->begin())
        out.push_back(',');
      new_line(indent + 2);
      put_pretty(out, *at, indent + 2);
    }
    new_line(indent);
    out.push_back(']');
  } else {
    put_value(sink, v);
  }
}

} // namespace

void write(std::string& out, const value& v) {
  text_sink sink{out};
  put_value(sink, v);
}

std::string write(const value& v) {
  std::string out;
  write(out, v);
  return out;
}

std::string write_pretty(const value& v) {
  std::string out;
  put_pretty(out, v, 0);
  return out;
}

void write_string(std::string& out, std::string_view text) {
  text_sink sink{out};
  put_string(sink, text);
}

void write_number(std::string& out, double number) {
  text_sink sink{out};
  put_double(sink, number);
}

std::size_t written_size(const value& v, std::size_t cap) {
  counting_sink sink{cap};
  put_value(sink, v);
  return sink.count;
}

} // namespace troupe::json
