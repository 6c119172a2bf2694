// Short ways to evaluate text in tests.
#pragma once

#include "runtime/expr/expression.hpp"

#include <gtest/gtest.h>

#include <array>
#include <span>
#include <string>
#include <string_view>

namespace troupe::expr {

/// The JSON of the result, or "!" and the failure's code.
inline std::string outcome(const result<json::value>& r) {
  return r ? json::write(*r) : "!" + r.error().code;
}

inline std::string evaluated(std::string_view text, const json::object& roots = {},
                             budget spend = {}) {
  const auto parsed = parse(text);
  if (!parsed)
    return "!" + parsed.error().code;
  return outcome(evaluate(*parsed, object_names(roots), spend));
}

inline std::string rendered(const json::value& source, const json::object& roots = {},
                            budget spend = {}) {
  const auto compiled = compile(source);
  if (!compiled)
    return "!" + compiled.error().code;
  return outcome(render(*compiled, object_names(roots), spend));
}

/// What all rows can read.
inline const json::object& roots() {
  static const json::object all = json::parse(R"({
    "input": {"n": 5, "f": 2.5, "s": "Hello World", "e": "", "z": 0, "nil": null, "yes": true,
              "list": [3, 1, 2], "names": ["Bob", "alice", "Carol"], "items": {"items": [7, 8]},
              "people": [{"name": "Ann", "age": 30, "tags": ["a"]}, {"name": "Bo", "age": 25},
                         {"name": "Cy", "age": 35, "tags": []}],
              "nested": [1, [2, [3, [4]]]], "big": 18446744073709551615,
              "u": "h\u00e9llo \u4e2d\u6587",
              "d": {"a": 1, "b": {"c": [10, 20, {"x": "deep"}]}, "keys": "member", "0": "zero"},
              "user__id": 4, "json": "{\"k\": [1, 2.5]}"},
    "steps": {"a": {"status": "success", "output": {"items": [{"x": 1}, {"x": 2}], "0": "z"}},
              "b": {"status": "failed", "output": null}},
    "vars": {"limit": 10}, "$json": {"id": 9}, "$node": {"fetch data": {"json": {"v": 1}}},
    "$input": {"all": [1]}, "$trigger": {"at": "x"}, "$vars": {"k": "v"}
  })")
                                      ->get_object();
  return all;
}

struct row {
  const char* text;
  const char* expected; ///< JSON, or "!" and a code
};

inline void run(std::span<const row> rows) {
  for (const row& r : rows)
    EXPECT_EQ(evaluated(r.text, roots()), r.expected) << r.text;
}

} // namespace troupe::expr
