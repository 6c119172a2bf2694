// Answering questions from the view file.
#pragma once

#include "persistence/store/views.hpp"
#include "persistence/views/connection.hpp"

namespace troupe::sqlite {

/// Most items of a page, whatever the caller asks.
inline constexpr std::uint32_t page_items_max = 500;

/// Fails with "cursor_invalid" for a cursor that this list did not give out, "filter_invalid" for a
/// filter that cannot be asked.
result<view_page> answer(connection& from, const view_query& what);

} // namespace troupe::sqlite
