// What an operator may set about the engine of one node.
#pragma once

#include "runtime/policy/retry_policy.hpp"
#include "runtime/workflow/compile.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

namespace troupe {

struct engine_settings {
  std::uint16_t partitions = 16; ///< P: content partitions 1…P, as the data directory has them
  unsigned threads = 0;          ///< of the actors; 0: one a core
  std::string scheduling = "sharing";       ///< "sharing" or "stealing" (polls: costs idle CPU)
  std::uint32_t starts_queued_max = 256;    ///< a partition; beyond: "overloaded"
  std::uint32_t attempts_running_max = 256; ///< HTTP calls in flight
  std::uint32_t attempts_per_host_max = 64;
  std::uint32_t interruptions_max = 3;             ///< of a step in a row; then quarantine
  std::uint32_t executions_max = 0;                ///< running at once, of the cluster; 0: no limit
  std::uint32_t worker_queue_max = 100'000;        ///< tasks waiting for workers
  std::chrono::milliseconds step_timeout{300'000}; ///< where a node sets none
  std::chrono::milliseconds run_timeout{3'600'000}; ///< where a workflow sets none
  std::chrono::milliseconds worker_heartbeat{10'000};
  /// How long control's new leader waits for what the others hold before it gives out tokens.
  std::chrono::milliseconds token_lease{5'000};
  std::chrono::hours dedupe_kept{48};
  std::chrono::milliseconds queued_alert_after{300'000}; ///< EN-39
  std::chrono::milliseconds stuck_after{300'000};        ///< without progress although owed; EN-39
  std::chrono::milliseconds retention_sweep{
      60'000};                             ///< how often old and stuck runs are looked for
  std::uint64_t log_entries_kept = 20'000; ///< a partition; older ones go once the views have them
  std::uint64_t log_trim_entries_min = 5'000; ///< fewer are not worth a trim
  std::size_t blob_cache_bytes = std::size_t{16} << 20;
  retry_policy default_retry;
  definition_limits limits;
  bool test_clock = false, test_faults = false;
};

} // namespace troupe
