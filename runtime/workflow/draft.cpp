#include "runtime/workflow/draft.hpp"

#include "runtime/workflow/shape.hpp"

#include <algorithm>

namespace troupe::drafting {

node_index draft::find(std::string_view id_or_name) const noexcept {
  if (const auto at = by_id.find(id_or_name); at != by_id.end())
    return at->second;
  const auto at = by_name.find(id_or_name);
  return at == by_name.end() ? no_index : at->second;
}

std::vector<std::string> output_ports(const node_type& type, const json::object& parameters) {
  if (type.kind != node_kind::switch_)
    return type.outputs;
  std::vector<std::string> ports;
  const auto add = [&ports](std::string port) {
    if (!port.empty() && std::find(ports.begin(), ports.end(), port) == ports.end())
      ports.push_back(std::move(port));
  };
  if (const json::value* cases = member(parameters, "cases"); cases && cases->is_object())
    for (const auto& entry : cases->get_object())
      if (entry.value().is_string())
        add(std::string(std::string_view(entry.value().get_string())));
  add(text_at(parameters, "default_case"));
  for (const auto& port : type.outputs)
    add(port);
  return ports;
}

void sort_faults(const draft& d, std::vector<node_error>& list) {
  const auto rank = [&d](const node_error& e) {
    const node_index i = d.find(e.node);
    return i == no_index ? std::size_t{0} : std::size_t{i} + 1;
  };
  std::stable_sort(list.begin(), list.end(),
                   [&rank](const node_error& a, const node_error& b) { return rank(a) < rank(b); });
}

} // namespace troupe::drafting
