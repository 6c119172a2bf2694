// Definitions as text, compiled with a fixed context.
#pragma once

#include "runtime/workflow/compile.hpp"

#include <gtest/gtest.h>

namespace troupe::test {

inline json::value parsed(std::string_view text) {
  auto v = json::parse(text);
  EXPECT_TRUE(v) << text;
  return v ? std::move(*v) : json::value();
}

inline const catalog& types() {
  static const catalog all;
  return all;
}

inline compile_context context() {
  return {types(), {}, {}, [](std::string_view skill) { return skill == "rss_crawler"; }};
}

inline compiled compiled_from(const json::value& v) {
  return compile(v, context());
}
inline compiled compiled_from(const std::string& text) {
  return compile(parsed(text), context());
}
inline compiled compiled_from(const char* text) {
  return compile(parsed(text), context());
}

inline std::string listed(const std::vector<node_error>& list) {
  std::string out;
  for (const auto& e : list)
    out += "[" + e.node + " | " + e.field + " | " + e.code + " | " + e.message + "]\n";
  return out;
}

/// The plan of a definition that must be valid.
inline plan_ptr plan_of(std::string_view text) {
  auto made = compile(parsed(text), context());
  EXPECT_TRUE(made.executable) << listed(made.errors) << text;
  return made.executable ? made.executable : std::make_shared<const plan>();
}

inline const plan_node& node_of(const plan& p, std::string_view id) {
  const node_index i = find_node(p, id);
  static const plan_node none;
  EXPECT_NE(i, no_index) << id;
  return i == no_index ? none : p.nodes[i];
}

inline const node_error* fault_of(const std::vector<node_error>& list, std::string_view code) {
  for (const auto& e : list)
    if (e.code == code)
      return &e;
  return nullptr;
}

} // namespace troupe::test
