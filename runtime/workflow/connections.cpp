#include "runtime/workflow/connections.hpp"

#include "runtime/catalog/catalog.hpp"
#include "runtime/workflow/draft.hpp"
#include "runtime/workflow/shape.hpp"

namespace troupe::drafting {

namespace {

/// Where one list of targets stands: from which node, type and output port.
struct origin {
  std::string source, type, port, place;
};

class reader {
public:
  reader(const json::array& nodes, faults& found) : names_(nodes), found_(found) {}

  json::array read(const json::object& map) {
    for (const auto& entry : map) {
      const std::string source(entry.key());
      const std::string place = "connections." + source;
      if (!entry.value().is_object()) {
        wrong(place, "an object from connection type to targets");
        continue;
      }
      for (const auto& typed : entry.value().get_object())
        read_type(source, std::string(typed.key()), typed.value(),
                  place + "." + std::string(typed.key()));
    }
    return std::move(edges_);
  }

private:
  void read_type(const std::string& source, const std::string& type, const json::value& lists,
                 const std::string& place) {
    if (!lists.is_array())
      return wrong(place, "a list of targets");
    const auto ports = ports_of(source, type);
    std::size_t i = 0;
    for (const auto& each : lists.get_array()) {
      origin from{source, type, ports.front(), indexed(place, i)};
      if (each.is_array()) { // targets of output i
        from.port = i < ports.size() ? ports[i] : "output" + std::to_string(i);
        std::size_t j = 0;
        for (const auto& target : each.get_array()) {
          origin one = from;
          one.place = indexed(from.place, j++);
          read_target(one, target);
        }
      } else if (!each.is_null()) {
        read_target(from, each);
      }
      ++i;
    }
  }

  void read_target(const origin& from, const json::value& target) {
    if (!target.is_object())
      return wrong(from.place, "an object {node, type, index}");
    const json::object& to = target.get_object();
    const std::string name = text_at(to, "node");
    const json::value* index = member(to, "index");
    if (index != nullptr && !has_shape(*index, shape::whole))
      return wrong(from.place + ".index", "a whole number");
    json::object edge{
        {"source", from.source}, {"source_port", from.port},
        {"target", name},        {"target_port", input_port(name, index)},
        {"type", from.type},     {"index", index != nullptr ? *index : json::value(0)}};
    for (const std::string_view key : {"mapping", "is_static"})
      if (const json::value* v = member(to, key))
        edge[key] = *v;
    edges_.push_back(std::move(edge));
  }

  const node_type* type_of(const std::string& name) const {
    const json::object* node = names_.find(name);
    return node == nullptr ? nullptr
                           : types_.find(text_at(*node, "type"), text_at(*node, "subtype"));
  }

  std::vector<std::string> ports_of(const std::string& source, const std::string& type) const {
    const node_type* spec = type_of(source);
    if (spec == nullptr || type != "main")
      return {"main"};
    const json::value* parameters = names_.find(source)->if_contains("parameters");
    auto ports = output_ports(*spec, parameters != nullptr && parameters->is_object()
                                         ? parameters->get_object()
                                         : json::object());
    if (ports.empty())
      ports.push_back("main");
    return ports;
  }

  /// Inputs are numbered where a type has several.
  std::string input_port(const std::string& target, const json::value* index) const {
    const node_type* spec = type_of(target);
    const auto i = index == nullptr ? 0 : number_of(*index).value_or(0);
    if (spec == nullptr || spec->inputs.size() < 2 || i < 0 ||
        i >= static_cast<double>(spec->inputs.size()))
      return "main";
    return spec->inputs[static_cast<std::size_t>(i)];
  }

  void wrong(const std::string& place, const char* wanted) {
    found_.error("", place, "wrong_type", place + " must be " + wanted);
  }

  catalog types_;
  node_names names_;
  faults& found_;
  json::array edges_;
};

} // namespace

node_names::node_names(const json::array& nodes) {
  for (const auto& each : nodes) {
    const json::object* node = each.if_object();
    if (node == nullptr)
      continue;
    by_id_.emplace(text_at(*node, "id"), node);
    by_name_.emplace(text_at(*node, "name"), node);
  }
}

const json::object* node_names::find(std::string_view id_or_name) const {
  if (id_or_name.empty())
    return nullptr;
  if (const auto at = by_id_.find(id_or_name); at != by_id_.end())
    return at->second;
  const auto at = by_name_.find(id_or_name);
  return at == by_name_.end() ? nullptr : at->second;
}

std::string node_names::id_of(std::string_view id_or_name) const {
  const json::object* node = find(id_or_name);
  return node == nullptr ? std::string() : text_at(*node, "id");
}

void read_connections(json::object& definition, faults& found) {
  const json::value* given = member(definition, "connections");
  if (given == nullptr) {
    definition.erase("connections");
    return;
  }
  const json::value* edges = member(definition, "edges");
  if (edges != nullptr && (!edges->is_array() || !edges->get_array().empty())) {
    found.error("", "connections", "two_forms", "give edges or connections, not both");
    return;
  }
  json::value made;
  if (given->is_array()) {
    made = *given;
  } else if (given->is_object()) {
    const json::value* nodes = definition.if_contains("nodes");
    const json::array none;
    made = reader(nodes != nullptr && nodes->is_array() ? nodes->get_array() : none, found)
               .read(given->get_object());
  } else {
    found.error("", "connections", "wrong_type", "connections must be a list or an object");
    return;
  }
  definition.erase("connections");
  definition["edges"] = std::move(made);
}

} // namespace troupe::drafting
