// Any text, as an expression and as a template, over a small scope: no crash, and results that are
// valid JSON.
#include "runtime/expr/expression.hpp"

#include <cstdint>
#include <cstdlib>

namespace {

const troupe::json::object& roots() {
  static const auto all = *troupe::json::parse(
      R"({"input": {"n": 5, "s": "text", "l": [3, 1, {"a": null}], "f": 2.5},
          "$json": {"id": 9}})");
  return all.get_object();
}

void require_json(const troupe::result<troupe::json::value>& r) {
  if (!r)
    return;
  const auto again = troupe::json::parse(troupe::json::write(*r));
  if (!again || !troupe::json::same(*again, *r))
    std::abort();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace troupe;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const expr::object_names scope(roots());
  if (const auto e = expr::parse(text)) {
    expr::budget spend{10'000, 100'000, 64};
    require_json(expr::evaluate(*e, scope, spend));
  }
  // A JSON value holds well-formed text only, as everything that came in by json::parse.
  std::string quoted;
  json::write_string(quoted, text);
  if (const auto t = expr::compile(*json::parse(quoted))) {
    expr::budget spend{10'000, 100'000, 64};
    require_json(expr::render(*t, scope, spend));
  }
  return 0;
}
