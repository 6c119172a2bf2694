// The catalogue of node types: what each takes, which ports it has, who runs it.
#pragma once

#include "runtime/base/json.hpp"
#include "runtime/catalog/node_kind.hpp"

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {

enum class parameter_type : std::uint8_t {
  string,
  integer,
  number,
  boolean,
  enumeration,
  object,
  list,
  any,
  url,
  email,
  cron,
  expression
};

struct parameter_spec {
  std::string name;
  parameter_type type = parameter_type::any;
  bool required = false;
  shared_value fallback;           ///< default; may be empty
  std::vector<std::string> values; ///< of an enumeration
  std::optional<double> minimum, maximum;
  std::string description;
  bool templated = true; ///< a string with {{ }} is accepted in place of any type
};

struct node_type {
  std::string type, subtype;
  std::string description;
  node_kind kind = node_kind::skill;
  effect_class effect = effect_class::io;
  std::string skill_type; ///< for kind skill
  std::vector<parameter_spec> parameters;
  std::vector<std::string> inputs, outputs; ///< ports; SWITCH adds its cases
  bool executable = true;                   ///< NOTE is not
  std::string ui_type; ///< Standard, Input, Output, Note, Human In The Loop …
  double cost = 0;     ///< price of one run of it
};

/// Immutable after construction; thread-safe.
class catalog {
public:
  catalog(); ///< all built-in types, and the eight groups with what of them this build runs
  /// Without a subtype: OUTPUT is OUTPUT/OUTPUT, and plain names (Condition, Input …) are known.
  const node_type* find(std::string_view type, std::string_view subtype) const noexcept;
  /// For `skill_type` of the steps form: "http_request" → ACTION/HTTP_REQUEST, "if" → FLOW/IF …
  const node_type* find_by_skill(std::string_view skill_type) const noexcept;
  std::span<const node_type> all() const noexcept { return types_; }
  /// As GET /node-types answers it: every group with its types; a group may be empty.
  json::array describe_groups() const;
  /// As GET /node-types/{type}/{subtype}/spec answers it.
  static json::object describe(const node_type& t);

private:
  std::vector<node_type> types_;
};

} // namespace troupe
