// MERGE: several inputs become one value; it may start before all are there.
#include "runtime/engine/decide/turn.hpp"

#include <algorithm>

namespace troupe::deciding {

namespace {

using lists = std::vector<json::array>;

json::array as_list(const json::value& v) {
  if (v.is_array())
    return v.get_array();
  return v.is_null() ? json::array{} : json::array{v};
}

bool holds_same(const json::array& list, const json::value& wanted) {
  return std::any_of(list.begin(), list.end(),
                     [&](const auto& v) { return json::same(v, wanted); });
}

json::array concat(const lists& all) {
  json::array out;
  for (const auto& list : all)
    for (const auto& v : list)
      out.push_back(v);
  return out;
}

json::array unite(const lists& all) {
  json::array out;
  for (const auto& list : all)
    for (const auto& v : list)
      if (!holds_same(out, v))
        out.push_back(v);
  return out;
}

json::array intersect(const lists& all) {
  json::array out;
  for (const auto& v : all.front())
    if (!holds_same(out, v) && std::all_of(all.begin() + 1, all.end(),
                                           [&](const auto& list) { return holds_same(list, v); }))
      out.push_back(v);
  return out;
}

/// Objects with the same key become one; later inputs win. Objects without the key stay apart.
json::array join(const lists& all, std::string_view key) {
  json::array out;
  json::object index; // key text → position in out
  for (const auto& list : all)
    for (const auto& v : list) {
      const auto* k = json::find(v, key);
      if (!k) {
        out.push_back(v);
        continue;
      }
      const auto [at, fresh] = index.emplace(json::write(*k), out.size());
      if (fresh) {
        out.push_back(v);
        continue;
      }
      auto& target = out[at->value().to_number<std::size_t>()].as_object();
      for (const auto& [name, member] : v.get_object())
        target.insert_or_assign(name, member);
    }
  return out;
}

/// The work of comparing everything with everything is bounded by size.
constexpr std::size_t quadratic_items_max = 10'000;

result<json::array> combine(const json::object& parameters, const lists& all) {
  if (all.empty())
    return json::array{};
  const json::value holder(parameters);
  const auto type = json::text_or(holder, "merge_type", "concat");
  std::size_t items = 0;
  for (const auto& list : all)
    items += list.size();
  const bool quadratic = type == "union" || type == "intersection";
  if (quadratic && items > quadratic_items_max)
    return invalid("expression_budget", "MERGE " + std::string{type} + " takes at most " +
                                            std::to_string(quadratic_items_max) + " items.");
  if (type == "union")
    return unite(all);
  if (type == "intersection")
    return intersect(all);
  if (type == "join")
    return join(all, json::text_or(holder, "join_key", "id"));
  return concat(all);
}

void merge_now(turn& t, const slot_ref& at, const inputs& in, const json::object& parameters) {
  lists all;
  for (const auto& [e, ref] : in.live) {
    const auto got = ref.get(t.c.blobs);
    if (!got)
      return fail(t, at, to_error(got.error()));
    all.push_back(as_list(**got));
  }
  auto merged_list = combine(parameters, all);
  if (!merged_list)
    return fail(t, at, to_error(merged_list.error()));
  cancel_timer(t, at);
  complete(t, at, t.keep(json::value(std::move(*merged_list))));
}

} // namespace

void run_merge(turn& t, const slot_ref& at, const inputs& in) {
  const auto parameters = parameters_of(t, at, null_value());
  if (!parameters)
    return fail(t, at, to_error(parameters.error()));
  const auto* all = parameters->if_contains("wait_for_all");
  const bool first = all && all->is_bool() && !all->get_bool();
  if (in.pending == 0 || (first && !in.live.empty()))
    return merge_now(t, at, in, *parameters);
  double seconds = 0;
  if (const auto* timeout = parameters->if_contains("timeout"); timeout && timeout->is_number())
    seconds = timeout->to_number<double>();
  const auto due = t.c.now + milliseconds{static_cast<std::int64_t>(seconds * 1000)};
  t.emit(events::node_waiting{t.place_at(at), wait_kind::merge, {}, due});
  set_timer(t, at, due, timer_purpose::node);
}

void merge_timed_out(turn& t, const slot_ref& at) {
  const auto parameters = parameters_of(t, at, null_value());
  const auto in = gather(t, at);
  if (!parameters || !in)
    return fail(t, at, to_error(parameters ? in.error() : parameters.error()));
  if (json::text_or(json::value(*parameters), "on_timeout", "continue") == "continue")
    return merge_now(t, at, *in, *parameters);
  fail(t, at, {"merge_timeout", "Not every branch arrived in time.", 0, false, {}});
}

} // namespace troupe::deciding
