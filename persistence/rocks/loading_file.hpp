// The file `loading` of a data directory: what the process is loading, for the one after it.
#pragma once

#include "persistence/store/loading_marks.hpp"
#include "runtime/base/result.hpp"

namespace troupe {

/// Opens or makes the file in a data directory that this process has for itself, and counts what
/// the process before it died of. `version` is the program's: with another one all are tried again.
/// Marks go to the page cache, which outlives the process, and are never synced. A failure leaves
/// the store as it is: a node can do without marks.
result<std::unique_ptr<loading_marks>> open_loading_file(const std::string& data_dir,
                                                         std::string_view version);

} // namespace troupe
