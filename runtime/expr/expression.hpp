// The expression and template language: the expression subset of Jinja2 with exact budgets.
// Parsed once, at compile time of a workflow; evaluated without I/O, clock or randomness.
#pragma once

#include "runtime/base/json.hpp"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::expr {

/// What an evaluation may still spend. Shared by all evaluations of a turn.
struct budget {
  std::uint64_t operations = 100'000; ///< nodes evaluated, elements visited, 64-byte blocks copied
  std::size_t output_bytes = std::size_t{4} << 20; ///< size of all strings and lists built
  std::uint32_t depth = 64;                        ///< nesting of evaluation
};

/// What names mean. Asked with the longest path that is known without evaluating anything, so that
/// `steps.fetch.output.items[0]` need not build all of `steps`.
class names {
public:
  virtual ~names() = default;

  struct found {
    const json::value* at = nullptr; ///< nullptr: missing; lives as long as `keep` or the names
    std::size_t consumed = 0; ///< how many segments of the path `at` answers (≥ 1 when found)
    shared_value keep;        ///< owner of a value that was made for this question; may be empty
  };

  /// `path` has at least one segment: the root name, then literal member names and, for literal
  /// indices, their decimal text. The evaluator walks the segments that were not consumed.
  /// A failure ends the evaluation (such as a blob that could not be loaded).
  virtual result<found> resolve(std::span<const std::string_view> path) const = 0;
};

/// Names that are the members of one JSON object.
class object_names final : public names {
public:
  explicit object_names(const json::object& roots) : roots_(roots) {}
  result<found> resolve(std::span<const std::string_view> path) const override;

private:
  const json::object& roots_;
};

struct node; // the syntax tree, private to this folder

/// A parsed expression; immutable, cheap to copy.
class expression {
public:
  expression() = default;
  explicit operator bool() const noexcept { return root_ != nullptr; }
  const std::string& text() const noexcept { return text_; }
  const node* root() const noexcept { return root_.get(); }
  /// Every literal path that is read (root first), for validation: {"steps","a","output"}.
  const std::vector<std::vector<std::string>>& paths() const noexcept { return paths_; }

private:
  friend result<expression> parse(std::string_view text);
  std::shared_ptr<const node> root_;
  std::string text_;
  std::vector<std::vector<std::string>> paths_;
};

/// Parses an expression, with or without surrounding `{{ }}`. Text of at most 16 KiB, nesting of at
/// most 64. Failures have kind `invalid`, code "expression_syntax", and name the column.
result<expression> parse(std::string_view text);

/// Evaluates. Failures: "expression_budget", "expression_type", "expression_name" (unknown
/// function or filter is found by parse already), "expression_value" (division by zero …).
/// A missing path is JSON null.
result<json::value> evaluate(const expression& e, const names& scope, budget& spend);

/// Truth as in Python: null, false, 0, "", [], {} are false.
bool truthy(const json::value& v) noexcept;
/// Evaluates and takes the truth of the result.
result<bool> evaluate_condition(const expression& e, const names& scope, budget& spend);

/// The text of a value inside a template: null is empty, booleans true/false, lists and objects
/// JSON, an integral double "2.0".
std::string to_text(const json::value& v);

/// A JSON value whose strings may hold `{{ }}`; parsed once. Immutable, cheap to copy.
class json_template {
public:
  json_template() = default;
  /// Without any expression in it: render gives the value back as it is.
  bool constant() const noexcept { return parts_ == nullptr; }
  const json::value& source() const noexcept { return *source_; }
  const std::vector<std::vector<std::string>>& paths() const noexcept { return paths_; }

  struct part; // private to this folder

private:
  friend result<json_template> compile(const json::value& source);
  friend result<json::value> render(const json_template&, const names&, budget&);
  shared_value source_ = share(nullptr);
  std::shared_ptr<const part> parts_;
  std::vector<std::vector<std::string>> paths_;
};

/// Finds and parses every `{{ }}` in the strings of `source`, through lists and objects (values
/// only, not keys). A failure's message starts with the path inside the value: "headers.X-Id: …".
result<json_template> compile(const json::value& source);

/// `{{ expr }}` alone keeps the JSON type; inside text it is stringified. A missing path gives
/// null; a type error is a failure whose message starts with the path inside the value.
result<json::value> render(const json_template& t, const names& scope, budget& spend);

} // namespace troupe::expr
