#include "runtime/base/json.hpp"

#include <algorithm>
#include <bit>
#include <utility>

namespace troupe::json {

namespace {

bool same_objects(const object& a, const object& b) {
  if (a.size() != b.size())
    return false;
  return std::all_of(a.begin(), a.end(), [&b](const auto& member) {
    const value* other = b.if_contains(member.key());
    return other != nullptr && same(member.value(), *other);
  });
}

bool is_integer(const value& v) noexcept {
  return v.is_int64() || v.is_uint64();
}

/// int64 and uint64 are one type in the text.
bool same_integers(const value& a, const value& b) noexcept {
  if (a.is_int64())
    return b.is_int64() ? a.get_int64() == b.get_int64()
                        : std::cmp_equal(a.get_int64(), b.get_uint64());
  return b.is_int64() ? std::cmp_equal(a.get_uint64(), b.get_int64())
                      : a.get_uint64() == b.get_uint64();
}

} // namespace

bool same(const value& a, const value& b) {
  if (is_integer(a) && is_integer(b))
    return same_integers(a, b);
  if (a.kind() != b.kind())
    return false;
  switch (a.kind()) {
  case boost::json::kind::bool_: return a.get_bool() == b.get_bool();
  case boost::json::kind::double_: // by bits: 0.0 and -0.0 have different texts
    return std::bit_cast<std::uint64_t>(a.get_double()) ==
           std::bit_cast<std::uint64_t>(b.get_double());
  case boost::json::kind::string: return a.get_string() == b.get_string();
  case boost::json::kind::array:
    return std::equal(a.get_array().begin(), a.get_array().end(), b.get_array().begin(),
                      b.get_array().end(), same);
  case boost::json::kind::object: return same_objects(a.get_object(), b.get_object());
  default: return true;
  }
}

const value* find(const value& v, std::string_view key) noexcept {
  const object* members = v.if_object();
  return members ? members->if_contains(key) : nullptr;
}

std::string_view text_or(const value& v, std::string_view key,
                         std::string_view otherwise) noexcept {
  const value* member = find(v, key);
  const string* text = member ? member->if_string() : nullptr;
  return text ? std::string_view(*text) : otherwise;
}

} // namespace troupe::json
