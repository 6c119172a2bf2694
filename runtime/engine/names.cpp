#include "runtime/engine/names.hpp"

namespace troupe {

using found = expr::names::found;

namespace {

found owned(shared_value v, std::size_t consumed) {
  found f;
  f.at = v.get();
  f.consumed = consumed;
  f.keep = std::move(v);
  return f;
}

found owned(json::value v, std::size_t consumed) {
  return owned(share(std::move(v)), consumed);
}

result<found> loaded(const value_ref& v, blob_port& blobs, std::size_t consumed) {
  auto got = v.get(blobs);
  if (!got)
    return std::move(got).error();
  return owned(std::move(*got), consumed);
}

json::value error_json(const slot& what) {
  if (!what.error)
    return nullptr;
  return json::object{{"code", what.error->code}, {"message", what.error->message}};
}

} // namespace

result<shared_value> output_of(const slot& what, blob_port& blobs) {
  if (what.status == step_status::skipped)
    return share(json::object{{"skipped", true}, {"reason", what.reason}});
  if (what.ports.empty())
    return null_value();
  return what.ports.front().value.get(blobs);
}

run_names::run_names(const plan& p, const run_state& s, blob_port& blobs, scope_key scope,
                     shared_value input, const json::object* overlay)
    : p_(p), s_(s), blobs_(blobs), scope_(std::move(scope)),
      input_(input ? std::move(input) : null_value()), overlay_(overlay) {}

const slot* run_names::visible_slot(node_index node) const {
  const auto key = enclosing(p_, scope_, p_.nodes[node].region);
  return key.region == p_.nodes[node].region ? find_slot(p_, s_, {key, node}) : nullptr;
}

result<json::value> run_names::describe(const slot& what) const {
  auto output = output_of(what, blobs_);
  if (!output)
    return std::move(output).error();
  json::object fields{{"status", to_text(what.status)},
                      {"output", **output},
                      {"json", **output},
                      {"error", error_json(what)},
                      {"attempt", what.attempt}};
  return json::value{std::move(fields)};
}

result<found> run_names::all_nodes() const {
  json::object all;
  for (node_index n = 0; n < p_.nodes.size(); ++n) {
    const auto* what = visible_slot(n);
    if (!what || !terminal(what->status))
      continue;
    auto described = describe(*what);
    if (!described)
      return std::move(described).error();
    all.emplace(p_.nodes[n].id, std::move(*described));
  }
  return owned(json::value{std::move(all)}, 1);
}

result<found> run_names::all_variables() const {
  json::object all;
  for (const auto& [name, v] : s_.vars) {
    auto got = v.get(blobs_);
    if (!got)
      return std::move(got).error();
    all.emplace(name, **got);
  }
  return owned(json::value{std::move(all)}, 1);
}

result<found> run_names::resolve_node(std::span<const std::string_view> path) const {
  const auto node = find_node(p_, path[1]);
  if (node == no_index)
    return found{};
  const auto* what = visible_slot(node);
  if (!what || !terminal(what->status))
    return found{};
  if (path.size() == 2) {
    auto described = describe(*what);
    if (!described)
      return std::move(described).error();
    return owned(std::move(*described), 2);
  }
  if (path[2] == "status")
    return owned(json::value(to_text(what->status)), 3);
  if (path[2] == "error")
    return owned(error_json(*what), 3);
  if (path[2] == "attempt")
    return owned(json::value(what->attempt), 3);
  if (path[2] == "output" || path[2] == "json") {
    auto output = output_of(*what, blobs_);
    if (!output)
      return std::move(output).error();
    return owned(std::move(*output), 3);
  }
  if (path[2] == "ports" && path.size() > 3)
    for (const auto& port : what->ports)
      if (port.port == path[3])
        return loaded(port.value, blobs_, 4);
  return found{};
}

result<found> run_names::resolve_iteration(std::string_view root) const {
  if (scope_.region == 0)
    return found{};
  const auto& item = s_.scopes.at(scope_).item;
  if (root == "item")
    return loaded(item, blobs_, 1);
  if (root == "index")
    return owned(json::value(scope_.path.back()), 1);
  auto got = item.get(blobs_);
  if (!got)
    return std::move(got).error();
  return owned(json::value(json::object{{"index", scope_.path.back()}, {"item", **got}}), 1);
}

result<found> run_names::resolve(std::span<const std::string_view> path) const {
  const auto root = path[0];
  if (overlay_)
    if (const auto* v = overlay_->if_contains(root))
      return found{v, 1, nullptr};
  if (root == "$json" || root == "$input" || root == "json")
    return owned(input_, 1);
  if (root == "input" || root == "$trigger" || root == "trigger")
    return loaded(s_.start.input, blobs_, 1);
  if (root == "steps" || root == "$node" || root == "nodes" || root == "$steps")
    return path.size() == 1 ? all_nodes() : resolve_node(path);
  if (root == "vars" || root == "$vars") {
    if (path.size() == 1)
      return all_variables();
    const auto v = s_.vars.find(path[1]);
    return v == s_.vars.end() ? result<found>{found{}} : loaded(v->second, blobs_, 2);
  }
  if (root == "item" || root == "index" || root == "loop")
    return resolve_iteration(root);
  if (root == "$config" || root == "settings")
    return owned(json::value(p_.settings), 1);
  if (root == "execution" || root == "$execution")
    return owned(json::value(json::object{{"id", to_text(s_.id)},
                                          {"workflow_id", s_.start.workflow_id},
                                          {"workflow_version", s_.start.workflow_version},
                                          {"attempt", s_.attempt},
                                          {"trigger_type", s_.start.trigger_type}}),
                 1);
  return found{};
}

} // namespace troupe
