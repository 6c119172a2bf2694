// Writing changes into the view file.
#pragma once

#include "persistence/store/views.hpp"
#include "persistence/views/connection.hpp"

#include <map>

namespace troupe::sqlite {

/// Applies a batch of changes and the positions they reach in one transaction. Of several changes
/// of one row only the last is written.
result<void> apply(connection& to, const std::vector<view_change>& changes,
                   const std::map<partition_id, std::uint64_t>& positions);

/// Makes all tables anew, empty, in one transaction.
result<void> clear(connection& of);

} // namespace troupe::sqlite
