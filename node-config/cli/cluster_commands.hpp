// Subcommands of `troupe cluster`, by file.
#pragma once

#include "node-config/cli/commands.hpp"

namespace troupe::cli {

/// Prints it; of this machine's files: a disk that does not work is no node that does not answer.
int local_failure(const failure& why);

void add_cluster_status(CLI::App& cluster, context& c);  ///< status
void add_cluster_changes(CLI::App& cluster, context& c); ///< drain, remove, finalize
void add_cluster_recover(CLI::App& cluster, context& c); ///< recover

} // namespace troupe::cli
