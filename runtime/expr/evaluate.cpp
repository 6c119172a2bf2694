#include "runtime/expr/evaluate.hpp"

#include "runtime/expr/helpers.hpp"
#include "runtime/expr/operators.hpp"
#include "runtime/expr/tree.hpp"

#include <charconv>

namespace troupe::expr {

namespace {

operand visit(context& c, const node& n);

/// Walks the literal segments that the names did not answer.
operand walk(context& c, operand at, std::span<const std::string_view> rest) {
  for (const std::string_view segment : rest) {
    if (at.missing() || !c.pay())
      return {};
    std::int64_t position = 0;
    const auto read = std::from_chars(segment.data(), segment.data() + segment.size(), position);
    const bool integral = read.ec == std::errc{} && read.ptr == segment.data() + segment.size();
    at = integral && !at.get().is_object() ? element_of(c, std::move(at), position)
                                           : member_of(std::move(at), segment);
  }
  return at;
}

operand read_path(context& c, const node& n) {
  const std::span<const std::string_view> path = n.views;
  auto found = c.scope().resolve(path);
  if (!found) {
    c.fail(std::move(found).error());
    return {};
  }
  if (found->at == nullptr)
    return {};
  check(found->consumed >= 1 && found->consumed <= path.size(), "names consumed a wrong count");
  return walk(c, operand::borrow(found->at, std::move(found->keep)), path.subspan(found->consumed));
}

operand build_list(context& c, const node& n) {
  json::array out;
  if (!c.pay_output(n.children.size() * sizeof(json::value)))
    return {};
  out.reserve(n.children.size());
  for (const node& child : n.children) {
    out.push_back(visit(c, child).take(c));
    if (c.failed())
      return {};
  }
  return operand(std::move(out));
}

operand build_dict(context& c, const node& n) {
  json::object out;
  for (std::size_t i = 0; i + 1 < n.children.size(); i += 2) {
    const operand key = visit(c, n.children[i]);
    json::value value = visit(c, n.children[i + 1]).take(c);
    const json::value& k = key.get();
    if (!k.is_string() && !is_number(k) && !k.is_bool())
      c.fail_type("a key must be text, not " + std::string(kind_name(k)));
    if (c.failed())
      return {};
    const std::string text = text_of(c, k);
    if (!c.pay_output(text.size() + 2 * sizeof(json::value)))
      return {};
    out.insert_or_assign(text, std::move(value));
  }
  return operand(std::move(out));
}

operand positive(context& c, operand value) {
  if (value.get().is_bool())
    return operand(std::int64_t{value.get().get_bool()});
  if (!is_number(value.get()))
    c.fail_type("'+' does not work on " + std::string(kind_name(value.get())));
  return value;
}

/// Gives the child that decides, as Python does.
operand first_that(context& c, const node& n, bool wanted) {
  for (std::size_t i = 0; i + 1 < n.children.size(); ++i) {
    operand value = visit(c, n.children[i]);
    if (c.failed() || truthy(value.get()) == wanted)
      return value;
  }
  return visit(c, n.children.back());
}

operand compare_chain(context& c, const node& n) {
  operand left = visit(c, n.children[0]);
  for (std::size_t i = 0; i < n.operators.size(); ++i) {
    operand right = visit(c, n.children[i + 1]);
    if (c.failed() || !compare(c, n.operators[i], left.get(), right.get()))
      return operand(false);
    left = std::move(right);
  }
  return operand(true);
}

operand calculate(context& c, const node& n) {
  operand left = visit(c, n.children[0]);
  for (std::size_t i = 0; i < n.operators.size() && !c.failed(); ++i) {
    operand right = visit(c, n.children[i + 1]);
    if (!c.failed())
      left = arithmetic(c, n.operators[i], std::move(left), std::move(right));
  }
  return left;
}

operand concatenate(context& c, const node& n) {
  json::string out;
  for (const node& child : n.children) {
    const operand part = visit(c, child);
    if (c.failed())
      return {};
    if (const json::string* text = part.get().if_string()) {
      if (c.pay_output(text->size()))
        out.append(*text);
    } else {
      out.append(text_of(c, part.get()));
    }
  }
  return operand(std::move(out));
}

operand choose(context& c, const node& n) {
  std::size_t i = 0;
  for (; i + 1 < n.children.size(); i += 2) {
    const bool chosen = truthy(visit(c, n.children[i + 1]).get());
    if (c.failed())
      return {};
    if (chosen)
      break;
  }
  return i < n.children.size() ? visit(c, n.children[i]) : operand();
}

std::vector<operand> visit_children(context& c, const node& n) {
  std::vector<operand> out;
  out.reserve(n.children.size());
  for (const node& child : n.children) {
    out.push_back(visit(c, child));
    if (c.failed())
      break;
  }
  return out;
}

/// Missing where there is nothing to look in, and where nothing is found.
operand find_pattern(context& c, const pattern& wanted, arguments given) {
  if (given[0].get().is_null())
    return {};
  std::string scratch;
  const std::string_view text = text_argument(c, given, 0, scratch);
  if (c.failed() || !c.pay(wanted.cost(text.size())))
    return {};
  const auto found = wanted.find(text);
  return found && c.pay_output(found->size()) ? operand(json::value(*found)) : operand();
}

operand call_function(context& c, const node& n) {
  std::vector<operand> arguments = visit_children(c, n);
  if (c.failed())
    return {};
  return n.pattern ? find_pattern(c, *n.pattern, arguments) : call(c, *n.function, arguments);
}

operand apply_test(context& c, const node& n) {
  std::vector<operand> arguments = visit_children(c, n);
  return operand(!c.failed() && holds(c, *n.test, arguments) != n.flip);
}

operand take_slice(context& c, const node& n) {
  std::vector<operand> parts = visit_children(c, n);
  return c.failed() ? operand() : slice(c, std::move(parts[0]), parts[1], parts[2], parts[3]);
}

operand take_index(context& c, const node& n) {
  operand base = visit(c, n.children[0]);
  const operand key = visit(c, n.children[1]);
  return c.failed() ? operand() : at_key(c, std::move(base), key.get());
}

operand dispatch(context& c, const node& n) {
  switch (n.kind) {
  case node_kind::absent: return {};
  case node_kind::constant: return operand::borrow(&n.constant);
  case node_kind::path: return read_path(c, n);
  case node_kind::list: return build_list(c, n);
  case node_kind::dict: return build_dict(c, n);
  case node_kind::member: return at_key(c, visit(c, n.children[0]), n.constant);
  case node_kind::index: return take_index(c, n);
  case node_kind::slice: return take_slice(c, n);
  case node_kind::negative: return negated(c, visit(c, n.children[0]));
  case node_kind::positive: return positive(c, visit(c, n.children[0]));
  case node_kind::truth: return operand(truthy(visit(c, n.children[0]).get()) != n.flip);
  case node_kind::all: return first_that(c, n, false);
  case node_kind::any: return first_that(c, n, true);
  case node_kind::comparison: return compare_chain(c, n);
  case node_kind::arithmetic: return calculate(c, n);
  case node_kind::concat: return concatenate(c, n);
  case node_kind::conditional: return choose(c, n);
  case node_kind::call: return call_function(c, n);
  case node_kind::test: return apply_test(c, n);
  }
  return {};
}

operand visit(context& c, const node& n) {
  if (!c.pay() || !c.enter())
    return {};
  operand out = dispatch(c, n);
  c.leave();
  return out;
}

} // namespace

operand run(context& c, const expression& e) {
  check(e.root() != nullptr, "an empty expression was evaluated");
  return visit(c, *e.root());
}

result<json::value> evaluate(const expression& e, const names& scope, budget& spend) {
  context c(scope, spend);
  json::value out = run(c, e).take(c);
  if (!c.failed() && deeper_than(out, nesting_max))
    c.fail_budget("the result is nested deeper than " + std::to_string(nesting_max) + " levels");
  if (c.failed())
    return c.take_failure();
  return out;
}

result<bool> evaluate_condition(const expression& e, const names& scope, budget& spend) {
  context c(scope, spend);
  const bool truth = truthy(run(c, e).get());
  if (c.failed())
    return c.take_failure();
  return truth;
}

} // namespace troupe::expr
