#include "net/rest/definition_tools.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <string_view>

namespace troupe::rest {

namespace {

constexpr std::array<std::string_view, 11> server_fields{
    "id",         "version",    "active_version", "latest_version", "created",          "updated",
    "created_at", "updated_at", "node_errors",    "runnable",       "definition_digest"};
constexpr std::array<std::string_view, 8> personal_fields{
    "user_id",       "owner",      "user",     "credentials",
    "credential_id", "webhook_id", "webhooks", "static_data"};
constexpr std::array<std::string_view, 9> secret_words{"password",   "secret",      "token",
                                                       "api_key",    "apikey",      "authorization",
                                                       "credential", "private_key", "cookie"};

template <std::size_t N>
bool contains(const std::array<std::string_view, N>& list, std::string_view key) {
  return std::find(list.begin(), list.end(), key) != list.end();
}

std::string plain(std::string_view key) {
  std::string out;
  for (const char c : key)
    out += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c == '-' ? '_' : c;
  return out;
}

/// Only text can be a secret: max_tokens is a number, a schema's `password` an object.
bool holds_secret(std::string_view key, const json::value& v) {
  if (!v.is_string())
    return false;
  const auto name = plain(key);
  return std::any_of(secret_words.begin(), secret_words.end(),
                     [&](std::string_view w) { return name.find(w) != std::string::npos; });
}

/// A template only names where the secret comes from.
bool is_template(const json::value& v) {
  return v.is_string() && v.get_string().starts_with("{{") && v.get_string().ends_with("}}");
}

/// `in_auth`: inside of an `auth`, where the secret of an api_key is called value or key.
json::value cleaned(const json::value& v, bool in_auth = false) {
  if (const auto* list = v.if_array()) {
    json::array out;
    for (const auto& item : *list)
      out.push_back(cleaned(item));
    return out;
  }
  const auto* object = v.if_object();
  if (object == nullptr)
    return v;
  json::object out;
  for (const auto& [key, member] : *object) {
    if (contains(personal_fields, std::string_view(key)))
      continue;
    const bool named = holds_secret(key, member) ||
                       (in_auth && member.is_string() && (key == "value" || key == "key"));
    if (named && !is_template(member))
      out[key] = nullptr;
    else
      out[key] = cleaned(member, key == "auth" || key == "authentication");
  }
  // {name: "Authorization", value: "…"} in lists of headers
  if (const auto name = json::text_or(v, "name", ""); out.contains("value") && !name.empty())
    if (holds_secret(name, out.at("value")) && !is_template(out.at("value")))
      out["value"] = nullptr;
  return out;
}

std::map<std::string, const json::object*> nodes_by_id(const json::object& graph) {
  std::map<std::string, const json::object*> out;
  if (const auto* list = graph.if_contains("nodes"); list != nullptr && list->is_array())
    for (const auto& node : list->get_array())
      if (node.is_object())
        out.emplace(std::string(json::text_or(node, "id", "")), &node.get_object());
  return out;
}

json::array differing(const json::object& a, const json::object& b,
                      std::initializer_list<std::string_view> without = {}) {
  std::map<std::string, bool> keys;
  for (const auto* side : {&a, &b})
    for (const auto& member : *side)
      keys[std::string(std::string_view(member.key()))] = true;
  json::array out;
  for (const auto& [key, unused] : keys) {
    if (std::find(without.begin(), without.end(), key) != without.end())
      continue;
    const auto *left = a.if_contains(key), *right = b.if_contains(key);
    if (left == nullptr || right == nullptr || !json::same(*left, *right))
      out.emplace_back(json::string(key));
  }
  return out;
}

json::value member_or_null(const json::object& o, std::string_view key) {
  const auto* v = o.if_contains(key);
  return v == nullptr ? json::value{} : *v;
}

/// The values behind `differing`: null stands for a member that is not there.
json::array changes(const json::object& a, const json::object& b, const json::array& fields) {
  json::array out;
  for (const auto& field : fields) {
    const std::string_view key = field.get_string();
    out.push_back(json::object{
        {"field", field}, {"from", member_or_null(a, key)}, {"to", member_or_null(b, key)}});
  }
  return out;
}

json::array without(const json::object& from, const json::object& other) {
  json::array out;
  const auto *list = from.if_contains("edges"), *rest = other.if_contains("edges");
  if (list == nullptr || !list->is_array())
    return out;
  std::map<std::string, bool> there;
  if (rest != nullptr && rest->is_array())
    for (const auto& edge : rest->get_array())
      there[json::write(edge)] = true;
  for (const auto& edge : list->get_array())
    if (!there.contains(json::write(edge)))
      out.push_back(edge);
  return out;
}

} // namespace

json::object definition_diff(const json::object& from, const json::object& to) {
  const auto before = nodes_by_id(from), after = nodes_by_id(to);
  json::array added, removed, changed;
  for (const auto& [id, node] : after)
    if (!before.contains(id))
      added.emplace_back(json::string(id));
  for (const auto& [id, node] : before) {
    const auto now = after.find(id);
    if (now == after.end())
      removed.emplace_back(json::string(id));
    else if (const auto what = differing(*node, *now->second); !what.empty())
      changed.push_back(json::object{{"id", json::string(id)},
                                     {"fields", what},
                                     {"changes", changes(*node, *now->second, what)}});
  }
  json::object nodes{{"added", std::move(added)},
                     {"removed", std::move(removed)},
                     {"changed", std::move(changed)}};
  json::object edges{{"added", without(to, from)}, {"removed", without(from, to)}};
  const auto fields = differing(from, to, {"nodes", "edges"});
  return {{"nodes", std::move(nodes)},
          {"edges", std::move(edges)},
          {"fields", fields},
          {"changes", changes(from, to, fields)}};
}

json::object portable(const json::object& definition) {
  json::object out = cleaned(definition).as_object();
  drop_server_fields(out);
  return out;
}

void drop_server_fields(json::object& definition) {
  for (const auto key : server_fields)
    definition.erase(key);
}

json::object merged(const json::object& stored, const json::object& sent) {
  json::object out = stored;
  // One spelling of the graph replaces the other.
  if (sent.contains("steps"))
    for (const auto key : {"nodes", "edges", "connections"})
      out.erase(key);
  if (sent.contains("nodes"))
    out.erase("steps");
  if (sent.contains("connections"))
    out.erase("edges");
  for (const auto& [key, v] : sent) {
    if (v.is_null())
      out.erase(key);
    else
      out[key] = v;
  }
  return out;
}

} // namespace troupe::rest
