#include "actors/replica/changed_names.hpp"

namespace troupe {

std::string name_of(const view_change& row) {
  struct {
    std::string operator()(const execution_row& r) const { return to_text(r.id); }
    std::string operator()(const execution_gone& r) const { return to_text(r.id); }
    std::string operator()(const review_row& r) const { return to_text(r.execution); }
    std::string operator()(const document_row& r) const { return r.collection + "/" + r.id; }
    std::string operator()(const document_gone& r) const { return r.collection + "/" + r.id; }
  } name;
  return std::visit(name, row);
}

} // namespace troupe
