#include "runtime/engine/decide/turn.hpp"

#include "runtime/base/prng.hpp"

#include <algorithm>

namespace troupe::deciding {

namespace {

constexpr std::uint64_t operations_per_evaluation = 100'000;
/// A whole execute input (16 MB) may pass through one template.
constexpr std::size_t output_bytes_per_evaluation = std::size_t{32} << 20;

template <class Evaluate> auto budgeted(turn& t, Evaluate evaluate) {
  expr::budget spend;
  spend.operations = operations_per_evaluation;
  spend.output_bytes = output_bytes_per_evaluation;
  auto out = evaluate(spend);
  t.operations += operations_per_evaluation - spend.operations;
  return out;
}

} // namespace

value_ref turn::keep(shared_value v) {
  const auto size = json::written_size(*v, inline_bytes_max);
  bytes += std::min(size, inline_bytes_max);
  return size <= inline_bytes_max ? value_ref{std::move(v)} : troupe::keep(std::move(v), c.blobs);
}

value_ref turn::keep(const value_ref& v) {
  if (v.empty() || (!v.is_blob() && v.inline_value()->is_null()))
    return v;
  if (!v.is_blob())
    return keep(v.inline_value());
  bytes += inline_bytes_max;
  return v;
}

result<json::value> turn::render(const expr::json_template& what, const expr::names& names) {
  if (what.constant())
    return what.source();
  return budgeted(*this, [&](auto& spend) { return expr::render(what, names, spend); });
}

result<json::value> turn::evaluate(const expr::expression& e, const expr::names& names) {
  return budgeted(*this, [&](auto& spend) { return expr::evaluate(e, names, spend); });
}

result<bool> turn::holds(const expr::expression& e, const expr::names& names) {
  return budgeted(*this, [&](auto& spend) { return expr::evaluate_condition(e, names, spend); });
}

std::uint64_t turn::random() const {
  return prng{s.start.seed ^ (s.seq * 0x9e3779b97f4a7c15ULL)}.next();
}

namespace {

result<value_ref> mapped(turn& t, const slot_ref& at, const plan_edge& e, const value_ref* value) {
  if (!e.mapping)
    return value ? *value : value_ref{null_value()};
  auto source = value ? value->get(t.c.blobs) : result<shared_value>{null_value()};
  if (!source)
    return std::move(source).error();
  auto rendered =
      t.render(*e.mapping, run_names{t.p, t.s, t.c.blobs, at.scope, std::move(*source)});
  if (!rendered)
    return std::move(rendered).error();
  return value_ref{share(std::move(*rendered))};
}

} // namespace

result<inputs> gather(turn& t, const slot_ref& at) {
  inputs in;
  for (auto number : t.node_at(at).in) {
    const auto& e = t.p.edges[number];
    const auto view = look(t.p, t.s, e, at.scope);
    const bool data = e.kind == edge_kind::data;
    in.data += data ? 1u : 0u;
    switch (view.state) {
    case edge_state::pending: ++in.pending; break;
    case edge_state::dead: ++in.dead; break;
    case edge_state::blocked: ++in.blocked; break;
    case edge_state::live:
      if (!data) {
        ++in.order_live;
        break;
      }
      auto value = mapped(t, at, e, view.value);
      if (!value)
        return std::move(value).error();
      in.live.emplace_back(&e, std::move(*value));
    }
  }
  return in;
}

result<shared_value> merged(turn& t, const inputs& in) {
  if (in.live.empty())
    return null_value();
  std::vector<shared_value> values;
  bool objects = true;
  for (const auto& [e, ref] : in.live) {
    auto got = ref.get(t.c.blobs);
    if (!got)
      return std::move(got).error();
    objects = objects && (*got)->is_object();
    values.push_back(std::move(*got));
  }
  if (values.size() == 1)
    return values.front();
  if (!objects) {
    json::array list;
    for (const auto& v : values)
      list.push_back(*v);
    return share(std::move(list));
  }
  json::object all;
  for (const auto& v : values)
    for (const auto& [key, member] : v->get_object())
      all.insert_or_assign(key, member);
  return share(std::move(all));
}

rejection refused(failure_kind kind, std::string code, std::string message) {
  return {{kind, std::move(code), std::move(message), {}, {}}, false};
}

} // namespace troupe::deciding
