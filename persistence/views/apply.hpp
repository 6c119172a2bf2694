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

/// Where a sweep goes on.
struct sweep_place {
  std::string after_run;
  std::int64_t after_document = 0;
  bool done = false;
};

/// Removes some of a partition's rows that `stays` says no to, in one transaction.
result<sweep_place> sweep(connection& of, partition_id partition, const views::row_filter& stays,
                          sweep_place from);

/// Makes all tables anew, empty, in one transaction.
result<void> clear(connection& of);

} // namespace troupe::sqlite
