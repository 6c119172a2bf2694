// Strength of operators, weakest first: a if c else b · or · and · not · == < in · + - · ~ ·
// * / // % · filters and tests · unary minus · ** · member, index, call.
#include "runtime/expr/parser.hpp"

#include "runtime/expr/call_syntax.hpp"
#include "runtime/expr/tree_builder.hpp"

#include <algorithm>
#include <array>

namespace troupe::expr {

namespace {

constexpr std::array<std::string_view, 7> reserved = {"and", "or", "not", "in", "is", "if", "else"};

bool is_reserved(std::string_view name) {
  return std::find(reserved.begin(), reserved.end(), name) != reserved.end();
}

json::value literal_of(std::string_view name, bool& found) {
  found = true;
  if (name == "true" || name == "True")
    return true;
  if (name == "false" || name == "False")
    return false;
  found = name == "none" || name == "None" || name == "null";
  return nullptr;
}

class parser : private tree_builder {
public:
  using tree_builder::tree_builder;

  result<node> run() {
    node root = conditional();
    if (here().kind != token_kind::end)
      fail("something is wrong before this");
    if (failed())
      return take_failure();
    return root;
  }

private:
  node conditional() {
    return nested([this] {
      node value = disjunction();
      if (!sees("if"))
        return value;
      node n;
      n.kind = node_kind::conditional;
      n.children.push_back(std::move(value));
      while (accept("if")) {
        n.children.push_back(disjunction());
        if (!accept("else"))
          break;
        n.children.push_back(disjunction());
      }
      return finish(std::move(n));
    });
  }

  node disjunction() {
    return chain(node_kind::any, "or", [this] { return conjunction(); });
  }
  node conjunction() {
    return chain(node_kind::all, "and", [this] { return negation(); });
  }

  node negation() {
    std::size_t times = 0;
    while (accept("not"))
      ++times;
    node n = comparison();
    if (times == 0)
      return n;
    n = make(node_kind::truth, std::move(n));
    n.flip = times % 2 == 1;
    return n;
  }

  std::optional<op> comparison_operator() {
    static constexpr std::pair<std::string_view, op> table[] = {
        {"==", op::equal},  {"!=", op::unequal},       {"<", op::less}, {"<=", op::less_equal},
        {">", op::greater}, {">=", op::greater_equal}, {"in", op::in}};
    if (sees("not") && ahead(1).raw == "in") {
      advance(2);
      return op::not_in;
    }
    return one_of(table);
  }

  template <class Table> std::optional<op> one_of(const Table& table) {
    for (const auto& [raw, what] : table)
      if (accept(raw))
        return what;
    return std::nullopt;
  }

  node comparison() {
    return mixed_chain(
        node_kind::comparison, [this] { return comparison_operator(); }, [this] { return sum(); });
  }

  node sum() {
    static constexpr std::pair<std::string_view, op> table[] = {{"+", op::add},
                                                                {"-", op::subtract}};
    return mixed_chain(
        node_kind::arithmetic, [this] { return one_of(table); }, [this] { return concat(); });
  }

  node concat() {
    return chain(node_kind::concat, "~", [this] { return product(); });
  }

  node product() {
    static constexpr std::pair<std::string_view, op> table[] = {
        {"*", op::multiply}, {"/", op::divide}, {"//", op::floor_divide}, {"%", op::modulo}};
    return mixed_chain(
        node_kind::arithmetic, [this] { return one_of(table); }, [this] { return filtered(); });
  }

  node filtered() {
    node n = unary();
    for (;;) {
      if (accept("|"))
        n = filter(std::move(n));
      else if (accept("is"))
        n = tested(std::move(n));
      else if (sees("**"))
        n = power(std::move(n));
      else
        return n;
    }
  }

  node unary() {
    const bool minus = sees("-");
    if (!minus && !sees("+"))
      return power(postfix());
    advance();
    node n = nested([this] { return unary(); });
    if (n.kind == node_kind::constant && n.constant.is_int64()) {
      // So that items[-1] needs no calculation; a literal is never negative by itself.
      if (minus)
        n.constant = -n.constant.get_int64();
      return n;
    }
    return make(minus ? node_kind::negative : node_kind::positive, std::move(n));
  }

  /// Binds to the right, and tighter than a minus before it, as in Python.
  node power(node base) {
    if (!accept("**"))
      return base;
    node exponent = nested([this] { return unary(); });
    node n = make(node_kind::arithmetic, std::move(base), std::move(exponent));
    n.operators.push_back(op::power);
    return n;
  }

  node postfix() {
    node n = primary();
    for (;;) {
      if (accept("."))
        n = member(std::move(n));
      else if (accept("["))
        n = bracket(std::move(n));
      else
        return n;
    }
  }

  node primary() {
    const token& t = here();
    switch (t.kind) {
    case token_kind::number:
    case token_kind::text: advance(); return constant(t.literal);
    case token_kind::name: return name();
    case token_kind::symbol:
      if (accept("("))
        return parenthesis();
      if (accept("["))
        return make_list("]");
      if (accept("{"))
        return dict();
      break;
    case token_kind::end: break;
    }
    fail(t.kind == token_kind::end ? "the expression ends too early" : "a value is expected");
    return {};
  }

  node name() {
    const std::string_view raw = here().raw;
    bool literal = false;
    json::value v = literal_of(raw, literal);
    if (!literal && is_reserved(raw)) {
      fail("a value is expected");
      return {};
    }
    advance();
    if (literal)
      return constant(std::move(v));
    if (accept("("))
      return finish_call(raw, use::function, {});
    node n;
    n.kind = node_kind::path;
    n.segments.emplace_back(raw);
    return n;
  }

  /// (a) is a; (a,) and (a, b) are lists.
  node parenthesis() {
    if (accept(")"))
      return make(node_kind::list);
    node first = conditional();
    if (accept(")"))
      return first;
    expect(",");
    return make_list(")", std::move(first));
  }

  template <class... First> node make_list(std::string_view close, First... first) {
    node n = make(node_kind::list, std::move(first)...);
    while (!accept(close)) {
      n.children.push_back(conditional());
      if (!sees(close))
        expect(",");
      if (failed())
        break;
    }
    return finish(std::move(n));
  }

  node dict() {
    node n;
    n.kind = node_kind::dict;
    while (!accept("}")) {
      n.children.push_back(conditional());
      expect(":");
      n.children.push_back(conditional());
      if (!sees("}"))
        expect(",");
      if (failed())
        break;
    }
    return finish(std::move(n));
  }

  /// Goes on with a path when everything so far is literal.
  node step(node base, json::value key) {
    const bool literal = key.is_string() || (key.is_int64() && key.get_int64() >= 0);
    if (base.kind == node_kind::path && literal) {
      base.segments.push_back(key.is_string() ? std::string(key.get_string())
                                              : std::to_string(key.get_int64()));
      return base;
    }
    node n = make(node_kind::member, std::move(base));
    n.constant = std::move(key);
    return n;
  }

  node member(node base) {
    const token& t = here();
    if (t.kind == token_kind::number && t.literal.is_int64()) {
      advance();
      return step(std::move(base), t.literal);
    }
    if (t.kind != token_kind::name) {
      fail("a member's name is expected");
      return {};
    }
    advance();
    if (!accept("("))
      return step(std::move(base), json::value(t.raw));
    call_syntax call;
    call.arguments.push_back(std::move(base));
    return finish_call(t.raw, use::method, std::move(call));
  }

  node bracket(node base) {
    const std::size_t from = place();
    node key = sees(":") ? node() : conditional();
    if (accept("]")) {
      if (key.kind != node_kind::constant)
        return make(node_kind::index, std::move(base), std::move(key));
      if (key.constant.is_string() && key.constant.get_string().starts_with("__")) {
        go_to(from);
        fail("names that begin with two underscores are not allowed");
      }
      return step(std::move(base), std::move(key.constant));
    }
    expect(":");
    const auto bound = [this] { return sees(":") || sees("]") ? node() : conditional(); };
    node to = bound();
    node by = accept(":") ? bound() : node();
    expect("]");
    return make(node_kind::slice, std::move(base), std::move(key), std::move(to), std::move(by));
  }

  /// Arguments up to ")"; the "(" is read already.
  void arguments(call_syntax& call) {
    while (!accept(")")) {
      if (here().kind == token_kind::name && ahead(1).raw == "=") {
        call.keywords.emplace_back(here().raw);
        advance(2);
      } else if (!call.keywords.empty()) {
        fail("an argument without a name must not follow one with a name");
      }
      call.arguments.push_back(conditional());
      if (!sees(")"))
        expect(",");
      if (failed())
        return;
    }
  }

  node finish_call(std::string_view name, use as, call_syntax call) {
    const std::size_t name_at = before(2).at;
    arguments(call);
    return resolved(resolve_call(name, as, std::move(call)), name_at);
  }

  node filter(node base) {
    const token& t = here();
    if (t.kind != token_kind::name) {
      fail("a filter's name is expected");
      return {};
    }
    advance();
    call_syntax call;
    call.arguments.push_back(std::move(base));
    if (accept("("))
      arguments(call);
    return resolved(resolve_call(t.raw, use::filter, std::move(call)), t.at);
  }

  node tested(node base) {
    const bool flip = accept("not");
    const token& t = here();
    if (t.kind != token_kind::name) {
      fail("a test's name is expected");
      return {};
    }
    advance();
    call_syntax call;
    call.arguments.push_back(std::move(base));
    if (accept("("))
      arguments(call);
    else if (const auto* found = find_test(t.raw); found && found->least == 2)
      call.arguments.push_back(postfix()); // x is divisibleby 3
    node n = resolved(resolve_test(t.raw, std::move(call)), t.at);
    n.flip = flip;
    return n;
  }

  node resolved(result<node> made, std::size_t at) {
    if (failed())
      return {};
    if (!made) {
      failure why = std::move(made).error();
      why.message = located(at, why.message).message;
      fail(std::move(why));
      return {};
    }
    return finish(std::move(*made));
  }
};

} // namespace

result<node> parse_tree(std::string_view text, std::size_t column) {
  auto tokens = tokenize(text, column);
  if (!tokens)
    return std::move(tokens).error();
  return parser(text, column, std::move(*tokens)).run();
}

} // namespace troupe::expr
