// What the command line prints: colours only on a terminal, tables, durations.
#pragma once

#include "runtime/base/json.hpp"
#include "runtime/base/result.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace troupe::cli {

/// Exit codes, as documented in docs/operations.md.
enum exit_code : int {
  ok = 0,
  failed = 1,      ///< a run ended in another status than success, a check found damage
  usage = 2,       ///< wrong words on the command line, wrong settings
  unreachable = 3, ///< no node answered
  refused = 4,     ///< the node refused: not found, conflict, invalid
};

bool colours() noexcept;
enum class colour { plain, green, red, yellow, cyan, grey, bold };
std::string paint(colour c, std::string_view text);
/// The colour of a status word.
std::string paint_status(std::string_view status);

/// Prints rows under a head, columns aligned; the last column is not padded.
void print_table(const std::vector<std::string>& head,
                 const std::vector<std::vector<std::string>>& rows);

/// "850 ms", "2.5 s", "3 min 20 s".
std::string human_seconds(double seconds);

/// Prints the failure with hint and node errors to standard error. Returns the exit code for it.
int print_failure(const failure& why);

/// A member's text whatever its type; empty when it is missing or null.
std::string field(const json::value& v, std::string_view key);

} // namespace troupe::cli
