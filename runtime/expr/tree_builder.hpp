// The lower half of the parser: the row of words, and the making of nodes.
#pragma once

#include "runtime/expr/token.hpp"
#include "runtime/expr/tree.hpp"

#include <algorithm>
#include <optional>

namespace troupe::expr {

class tree_builder {
public:
  tree_builder(std::string_view text, std::size_t column, std::vector<token> tokens)
      : text_(text), column_(column), tokens_(std::move(tokens)) {}

protected:
  // Words. After a failure the place is the end, where every loop stops.

  bool failed() const { return failed_.has_value(); }
  failure take_failure() { return std::move(*failed_); }
  std::size_t place() const { return at_; }
  void go_to(std::size_t place) { at_ = place; }
  void advance(std::size_t n = 1) { at_ += n; }
  const token& before(std::size_t n) const { return tokens_[at_ - n]; }
  const token& here() const { return tokens_[at_]; }
  const token& ahead(std::size_t n) const { return tokens_[std::min(at_ + n, tokens_.size() - 1)]; }
  bool sees(std::string_view raw) const {
    return here().raw == raw &&
           (here().kind == token_kind::symbol || here().kind == token_kind::name);
  }
  bool accept(std::string_view raw) {
    if (!sees(raw))
      return false;
    ++at_;
    return true;
  }
  void expect(std::string_view raw) {
    if (!accept(raw))
      fail("'" + std::string(raw) + "' is expected");
  }
  failure located(std::size_t at, const std::string& what) const {
    return syntax_failure(text_, at, column_, what);
  }
  void fail(const std::string& what) { fail(located(here().at, what)); }
  void fail(failure why) {
    if (!failed_)
      failed_ = std::move(why);
    at_ = tokens_.size() - 1;
  }

  // Trees.

  node finish(node n) {
    std::uint8_t deepest = 0;
    for (const node& child : n.children)
      deepest = std::max(deepest, child.depth);
    if (deepest >= nesting_max)
      fail("the expression is nested too deeply");
    n.depth = static_cast<std::uint8_t>(deepest + 1);
    return n;
  }

  template <class... Children> node make(node_kind kind, Children... children) {
    node n;
    n.kind = kind;
    n.children.reserve(sizeof...(children));
    (n.children.push_back(std::move(children)), ...);
    return finish(std::move(n));
  }

  static node constant(json::value v) {
    node n;
    n.kind = node_kind::constant;
    n.constant = std::move(v);
    return n;
  }

  /// Bounds our own recursion: brackets, prefixes and powers.
  template <class Parse> node nested(Parse parse) {
    if (nesting_ >= nesting_max) {
      fail("the expression is nested too deeply");
      return {};
    }
    ++nesting_;
    node n = parse();
    --nesting_;
    return n;
  }

  /// `a word b word c` as one node.
  template <class Operand> node chain(node_kind kind, std::string_view word, Operand operand) {
    node first = operand();
    if (!sees(word))
      return first;
    node n;
    n.kind = kind;
    n.children.push_back(std::move(first));
    while (accept(word))
      n.children.push_back(operand());
    return finish(std::move(n));
  }

  /// The same where several operators have one strength.
  template <class Operator, class Operand>
  node mixed_chain(node_kind kind, Operator read, Operand operand) {
    node first = operand();
    auto next = read();
    if (!next)
      return first;
    node n;
    n.kind = kind;
    n.children.push_back(std::move(first));
    for (; next; next = read()) {
      n.operators.push_back(*next);
      n.children.push_back(operand());
    }
    return finish(std::move(n));
  }

private:
  std::string_view text_;
  std::size_t column_;
  std::vector<token> tokens_;
  std::size_t at_ = 0;
  std::uint8_t nesting_ = 0;
  std::optional<failure> failed_;
};

} // namespace troupe::expr
