// JSON as Troupe reads and writes it: Boost.JSON's values, our own number text.
//
// Boost.JSON 1.81 neither prints nor reads doubles to the last bit and accepts 1e400 and duplicate
// keys; a stored event must round-trip exactly, so all text goes through these functions.
#pragma once

#include "runtime/base/result.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/string.hpp>
#include <boost/json/value.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace troupe::json {

using boost::json::array;
using boost::json::object;
using boost::json::string;
using boost::json::value;

struct parse_limits {
  std::size_t depth_max = 64;
  std::size_t bytes_max = std::size_t{64} << 20;
};

/// Parses exactly one JSON text (RFC 8259, UTF-8). Refuses, with kind `malformed` and the byte
/// offset in the message: duplicate keys, numbers that overflow a double, lone surrogates, bad
/// UTF-8, trailing text; with kind `too_large` (code "json_too_large") what is over `limits` in
/// bytes and with `malformed` (code "json_too_deep") what is nested deeper than depth_max.
/// Integers that fit int64 or uint64 become those; all other numbers doubles, read by
/// std::from_chars. "-0" becomes the double -0.0.
result<value> parse(std::string_view text, const parse_limits& limits = {});

/// Appends compact JSON. Doubles in their shortest round-trip form, always recognisable as doubles
/// ("2.0", "1e+300"). Non-finite doubles break an invariant: they never enter a value.
void write(std::string& out, const value& v);
/// Same, for humans: two spaces of indentation.
std::string write_pretty(const value& v);
std::string write(const value& v);
/// Appends `text` as a JSON string with quotes. Bytes that are not UTF-8 are replaced by U+FFFD.
void write_string(std::string& out, std::string_view text);
/// Shortest round-trip text of a finite double; integral values keep ".0".
void write_number(std::string& out, double number);

/// Equal as values: 1 and 1.0 differ here (an event must not change type in a round trip); objects
/// compare with their order ignored.
bool same(const value& a, const value& b);

/// The size in bytes that write() would produce, without producing it; stops counting once `cap`
/// is passed.
std::size_t written_size(const value& v, std::size_t cap = SIZE_MAX);

/// nullptr when `v` is not an object or lacks the key.
const value* find(const value& v, std::string_view key) noexcept;
/// The text of a string member, or `otherwise`.
std::string_view text_or(const value& v, std::string_view key, std::string_view otherwise) noexcept;

} // namespace troupe::json

namespace troupe {

/// Immutable JSON, shared between state, events and steps without copies. Never null pointers in
/// state: an absent value is an empty pointer, JSON null is a value.
using shared_value = std::shared_ptr<const json::value>;

inline shared_value share(json::value v) {
  return std::make_shared<const json::value>(std::move(v));
}

} // namespace troupe
