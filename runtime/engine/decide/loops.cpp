// LOOP: iterations start, end and become one list; bodies run in scopes of their own.
#include "runtime/engine/decide/turn.hpp"

#include <algorithm>

namespace troupe::deciding {

namespace {

constexpr std::uint32_t parallel_default = 64;
constexpr std::size_t chunk_results = 256;

struct loop_settings {
  std::string type;
  std::uint64_t most = 1000;
  std::uint32_t width = 1;
};

std::uint64_t whole(const json::object& from, std::string_view name, std::uint64_t otherwise) {
  const auto* v = from.if_contains(name);
  if (!v || !v->is_number())
    return otherwise;
  const auto number = v->to_number<double>();
  return number >= 0 && number < 4e9 ? static_cast<std::uint64_t>(number) : otherwise;
}

loop_settings settings_of(const plan_node& node) {
  loop_settings settings;
  const json::value holder(node.constants);
  settings.type = json::text_or(holder, "loop_type", "foreach");
  settings.most = whole(node.constants, "max_iterations", 1000);
  const auto* parallel = node.constants.if_contains("parallel_execution");
  if (parallel && parallel->is_bool() && parallel->get_bool() && settings.type != "while" &&
      settings.type != "until") {
    const auto batch = whole(node.constants, "batch_size", 1);
    settings.width = batch > 1 ? static_cast<std::uint32_t>(batch) : parallel_default;
  }
  return settings;
}

scope_key iteration_key(const turn& t, const slot_ref& at, std::uint32_t index) {
  auto path = at.scope.path;
  path.push_back(index);
  return {t.node_at(at).body, std::move(path)};
}

/// What came back over the edge into `loop_body`; null when that branch was not taken.
value_ref result_of(turn& t, const scope_key& key) {
  value_ref value;
  for (auto number : t.p.regions[key.region].closing) {
    const auto& e = t.p.edges[number];
    const auto view = look(t.p, t.s, e, key);
    if (view.state == edge_state::live && view.value)
      value = *view.value;
  }
  return value.empty() ? value_ref{null_value()} : value;
}

void finish_iteration(turn& t, const slot_ref& at, std::uint32_t index) {
  const auto key = iteration_key(t, at, index);
  events::iteration_finished e{t.place_at(at), index, result_of(t, key), t.s.scopes.at(key).failed};
  t.bytes += e.result.is_blob() ? 64 : json::written_size(*e.result.inline_value(), 1024);
  t.emit(std::move(e));
}

/// Keeps the state small however long the loop: results in order go to a blob.
void store_results(turn& t, const slot_ref& at) {
  const auto& tail = t.s.loops.at(at).results.tail;
  json::array list;
  for (const auto& ref : tail) {
    auto got = ref.get(t.c.blobs);
    list.push_back(got ? **got : json::value(nullptr));
  }
  auto text = json::write(json::value(std::move(list)));
  const auto bytes = text.size();
  t.emit(events::results_stored{t.place_at(at), static_cast<std::uint32_t>(tail.size()),
                                value_ref{t.c.blobs.save(std::move(text)), bytes}});
}

void complete_loop(turn& t, const slot_ref& at) {
  const auto& results = t.s.loops.at(at).results;
  json::array list;
  for (const auto& chunk : results.chunks) {
    const auto got = chunk.get(t.c.blobs);
    if (!got)
      return fail(t, at, to_error(got.error()));
    for (const auto& v : (*got)->get_array())
      list.push_back(v);
  }
  for (const auto& ref : results.tail) {
    const auto got = ref.get(t.c.blobs);
    if (!got)
      return fail(t, at, to_error(got.error()));
    list.push_back(**got);
  }
  complete(t, at, t.keep(json::value(std::move(list))), "complete");
}

void fail_loop(turn& t, const slot_ref& at, std::string code, std::string message) {
  fail(t, at, {std::move(code), std::move(message), 0, false, {}});
}

enum class next_step { start, complete, fail, wait };

result<bool> loop_condition(turn& t, const slot_ref& at, const loop_state& loop) {
  const auto& expressions = t.node_at(at).expressions;
  const auto condition = expressions.find("condition");
  if (condition == expressions.end())
    return invalid("parameter_missing", "LOOP while and until need 'condition'.");
  auto last = loop.last.get(t.c.blobs);
  if (!last)
    return std::move(last).error();
  const json::object overlay{{"loop", json::object{{"index", loop.finished}, {"last", **last}}},
                             {"index", loop.finished}};
  return t.holds(condition->second, run_names{t.p, t.s, t.c.blobs, at.scope, *last, &overlay});
}

/// Whether the loop goes on, when its body is free.
result<next_step> next_of(turn& t, const slot_ref& at, const loop_state& loop,
                          const loop_settings& settings) {
  if (loop.total) {
    if (loop.started < *loop.total)
      return loop.active < settings.width ? next_step::start : next_step::wait;
    return loop.active == 0 ? next_step::complete : next_step::wait;
  }
  if (loop.active > 0)
    return next_step::wait;
  if (settings.type == "until" && loop.started == 0)
    return next_step::start;
  const auto holds = loop_condition(t, at, loop);
  if (!holds)
    return holds.error();
  if (*holds == (settings.type == "until"))
    return next_step::complete;
  return loop.started < settings.most ? next_step::start : next_step::fail;
}

void start_iteration(turn& t, const slot_ref& at, const loop_state& loop) {
  const auto index = loop.started;
  events::iteration_started e{t.place_at(at), index, {}};
  if (loop.items.is_blob()) {
    const auto items = loop.items.get(t.c.blobs);
    if (!items)
      return fail(t, at, to_error(items.error()));
    e.item = t.keep(json::value((*items)->get_array().at(index)));
  }
  t.emit(std::move(e));
}

bool step_loop(turn& t, const slot_ref& at, const loop_state& loop) {
  if (!loop.done.empty())
    return finish_iteration(t, at, loop.done.front()), true;
  const auto& node = t.node_at(at);
  if (node.kind != node_kind::loop || t.slot_at(at).status != step_status::running)
    return false;
  if (loop.results.tail.size() >= chunk_results)
    return store_results(t, at), true;
  if (loop.failed > 0) {
    // Failed iterations stay active in the count of started − finished; wait for the others only.
    if (loop.active > 0)
      return false;
    return fail_loop(t, at, "loop_body_failed", "An iteration of the loop failed."), true;
  }
  const auto settings = settings_of(node);
  const auto next = next_of(t, at, loop, settings);
  if (!next)
    return fail(t, at, to_error(next.error())), true;
  switch (*next) {
  case next_step::wait: return false;
  case next_step::start: return start_iteration(t, at, loop), true;
  case next_step::complete: return complete_loop(t, at), true;
  case next_step::fail: break;
  }
  return fail_loop(t, at, "max_iterations",
                   "The loop reached its maximum of " + std::to_string(settings.most) +
                       " iterations."),
         true;
}

} // namespace

void start_loop(turn& t, const slot_ref& at, const shared_value& input) {
  const auto parameters = parameters_of(t, at, input);
  if (!parameters)
    return fail(t, at, to_error(parameters.error()));
  const auto settings = settings_of(t.node_at(at));
  events::loop_started e;
  e.at = t.place_at(at);
  if (settings.type == "foreach") {
    const auto* given = parameters->if_contains("items");
    const auto items = given && !given->is_null() ? share(*given) : input;
    if (!items->is_array())
      return fail_loop(t, at, "expression_type", "LOOP foreach needs a list in 'items'.");
    e.total = items->get_array().size();
    e.items = t.keep(items);
  } else if (settings.type == "for") {
    e.total = whole(*parameters, "count", whole(*parameters, "iterations", settings.most));
  }
  if (e.total && *e.total > settings.most)
    return fail_loop(t, at, "max_iterations",
                     "The loop has " + std::to_string(*e.total) +
                         " iterations, more than its maximum of " + std::to_string(settings.most) +
                         ".");
  t.emit(std::move(e));
}

bool step_loops(turn& t) {
  for (const auto& [at, loop] : t.s.loops) {
    const slot_ref where = at;
    if (step_loop(t, where, loop))
      return true;
  }
  return false;
}

} // namespace troupe::deciding
