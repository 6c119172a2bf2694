// What the state forgets and reports want: finished iterations, usage, created ids, log lines.
// Collected from events one by one; memory grows with the number of events.
#pragma once

#include "runtime/engine/event.hpp"

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace troupe {

/// One node in one iteration, as its last events left it.
struct step_record {
  std::string node;
  iteration_path iteration;
  step_status status = step_status::pending;
  std::uint32_t attempt = 0, max_attempts = 1;
  std::optional<instant> started, ended;
  std::vector<port_value> ports;
  value_ref parameters; ///< rendered, of the last attempt
  std::string reason;   ///< of a skip
  std::optional<error_info> error;
};

struct log_line {
  instant time{};
  std::string node;
  iteration_path iteration;
  std::string level, message;
};

class run_history {
public:
  /// Events must come in order.
  void add(const event& e);

  using step_key = std::pair<iteration_path, std::string>;
  const std::map<step_key, step_record>& steps() const noexcept { return steps_; }
  /// In the order they were reported, without doubles.
  const std::vector<std::string>& created_sources() const noexcept { return sources_; }
  const std::vector<std::string>& created_notes() const noexcept { return notes_; }
  /// Sums of the numeric members of all attempts' usage; the four standard ones are always there.
  const json::object& usage() const noexcept { return usage_; }
  const std::vector<log_line>& logs() const noexcept { return logs_; }

  run_history();

private:
  struct folding;
  step_record& at(const place& where);

  std::map<step_key, step_record> steps_;
  std::vector<std::string> sources_, notes_;
  std::set<std::string> known_sources_, known_notes_;
  json::object usage_;
  std::vector<log_line> logs_;
};

} // namespace troupe
