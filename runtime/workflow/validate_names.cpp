#include "runtime/workflow/draft.hpp"

#include "runtime/workflow/shape.hpp"

#include <algorithm>
#include <array>

namespace troupe::drafting {

namespace {

constexpr std::size_t id_bytes_max = 128;
constexpr std::size_t name_bytes_max = 256;

constexpr std::array<std::string_view, 9> reserved{
    "start", "end", "input", "output", "context", "workflow", "execution", "node", "connection"};

bool well_formed(std::string_view id) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  if (id.size() > id_bytes_max || !(letter(id.front()) || id.front() == '_'))
    return false;
  return std::all_of(id.begin(), id.end(), [&](char c) {
    return letter(c) || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

void check_id(const draft_node& n, faults& found) {
  const std::string field = n.is_step ? "step_id" : "id";
  if (n.id.empty())
    found.error("", n.place + "." + field, "missing_id", n.place + " has no " + field);
  else if (!well_formed(n.id))
    found.error(n.id, field, "bad_id",
                "an id starts with a letter or _, holds letters, digits, _ and -, and has at most "
                "128 characters");
  else if (std::find(reserved.begin(), reserved.end(), n.id) != reserved.end())
    found.error(n.id, field, "reserved_id", "\"" + n.id + "\" is a reserved word");
}

void check_name(const draft_node& n, faults& found) {
  if (n.name.size() > name_bytes_max)
    found.error(n.id, "name", "bad_name", "a name has at most 256 bytes");
}

void note_duplicates(const draft& d, const draft_node& n, node_index i, faults& found) {
  if (const auto at = d.by_id.find(n.id); at != d.by_id.end() && at->second != i)
    found.error(n.id, n.is_step ? "step_id" : "id", "duplicate_id",
                "\"" + n.id + "\" is already the id of " + d.nodes[at->second].place);
  const auto at = d.by_name.find(n.name);
  if (n.name.empty() || n.name == n.id || at == d.by_name.end() || at->second == i)
    return;
  const std::string why =
      "\"" + n.name + "\" is already the name of " + draft::label(d.nodes[at->second]);
  if (n.is_step)
    found.warn(n.id, "name", "duplicate_name", why + "; templates reach the first one");
  else
    found.error(n.id, "name", "duplicate_name", why);
}

void index_names(draft& d) {
  d.by_id.clear();
  d.by_name.clear();
  for (node_index i = 0; i < d.nodes.size(); ++i) {
    if (!d.nodes[i].id.empty())
      d.by_id.emplace(d.nodes[i].id, i);
    if (!d.nodes[i].name.empty())
      d.by_name.emplace(d.nodes[i].name, i);
  }
}

} // namespace

void check_names(draft& d, faults& found) {
  index_names(d);
  for (node_index i = 0; i < d.nodes.size(); ++i) {
    check_id(d.nodes[i], found);
    check_name(d.nodes[i], found);
    note_duplicates(d, d.nodes[i], i, found);
  }
  std::erase_if(d.nodes, [&d](const draft_node& n) {
    const bool note = n.spec != nullptr && !n.spec->executable;
    if (note)
      d.notes.insert(n.id);
    return note;
  });
  index_names(d);
}

} // namespace troupe::drafting
