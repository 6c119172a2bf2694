#include "persistence/views/change_size.hpp"

namespace troupe {

namespace {

std::size_t texts_of(const execution_row& row) noexcept {
  return row.workflow_id.size() + row.workflow_name.size() + row.triggered_by.size() +
         row.parent_id.size() + row.user.size() + row.error_code.size() + row.error_message.size();
}
std::size_t texts_of(const review_row& row) noexcept {
  return row.id.size() + row.workflow_id.size() + row.title.size() + row.body.size();
}
std::size_t texts_of(const document_row& row) noexcept {
  return row.id.size() + row.name.size() + row.body.size() + row.tags.size() + row.text.size();
}
std::size_t texts_of(const execution_gone&) noexcept {
  return 0;
}
std::size_t texts_of(const document_gone& gone) noexcept {
  return gone.collection.size() + gone.id.size();
}

} // namespace

std::size_t size_of(const std::vector<view_change>& changes) noexcept {
  std::size_t bytes = changes.size() * sizeof(view_change);
  for (const auto& change : changes)
    bytes += std::visit([](const auto& row) { return texts_of(row); }, change);
  return bytes;
}

} // namespace troupe
