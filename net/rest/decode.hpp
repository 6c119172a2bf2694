// Request bodies and query parameters, read with answers that name the field.
#pragma once

#include "net/http/server.hpp"
#include "net/rest/route.hpp"
#include "runtime/base/json.hpp"
#include "runtime/base/result.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::rest {

constexpr std::size_t body_depth_max = 64;

/// A JSON object out of a request's body. 400 for what is no JSON, 415 for other content types,
/// 413 over `bytes_max` (by default the limit of the kind), 422 (code "wrong_type") when it is no
/// object. YAML is not decoded here: see net/provider/yaml.hpp.
result<json::object> decode_json(const http::request& r, body_kind kind, std::size_t bytes_max);
inline result<json::object> decode_json(const http::request& r, body_kind kind) {
  return decode_json(r, kind, body_bytes_max(kind));
}

/// Reads members of one object; complaints gather until `fault()`. A member that is null counts as
/// absent. The object must outlive the reader.
class fields {
public:
  explicit fields(const json::object& from, std::string prefix = {})
      : from_(from), prefix_(std::move(prefix)) {}

  std::string text(std::string_view name, std::string_view otherwise = {});
  std::string required_text(std::string_view name); ///< not empty
  bool flag(std::string_view name, bool otherwise);
  /// Within the bounds, which are allowed values.
  std::int64_t whole(std::string_view name, std::int64_t otherwise, std::int64_t lowest,
                     std::int64_t highest);
  const json::object* map(std::string_view name);               ///< nullptr: absent
  const json::array* list(std::string_view name);               ///< nullptr: absent
  const json::value* any(std::string_view name) const noexcept; ///< nullptr: absent or null
  std::string one_of(std::string_view name, std::string_view otherwise,
                     std::initializer_list<std::string_view> words);
  void complain(std::string_view name, std::string code, std::string message);

  /// 422 with one entry for every complaint. Empty: all was well.
  std::optional<failure> fault() const;

private:
  const json::object& from_;
  std::string prefix_;
  std::vector<node_error> complaints_;
};

/// A query parameter as number within bounds; code "bad_parameter" (422).
result<std::uint64_t> number_parameter(const http::request& r, std::string_view name,
                                       std::uint64_t otherwise, std::uint64_t lowest,
                                       std::uint64_t highest);
/// true, 1, yes, or no value: true. false, 0, no: false. Absent: nothing.
result<std::optional<bool>> flag_parameter(const http::request& r, std::string_view name);
/// RFC 3339 or milliseconds since 1970; nothing when absent.
result<std::optional<std::int64_t>> time_parameter(const http::request& r, std::string_view name);
/// All values of a repeated or comma-separated parameter, without empty ones.
std::vector<std::string> list_parameter(const http::request& r, std::string_view name);

} // namespace troupe::rest
