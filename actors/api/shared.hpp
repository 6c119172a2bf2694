// What all actors of one node share: ports, settings, counters and each other's handles.
#pragma once

#include "actors/api/blob_pins.hpp"
#include "actors/api/clock.hpp"
#include "actors/api/handles.hpp"
#include "actors/api/metrics.hpp"
#include "actors/api/node_link.hpp"
#include "actors/api/service_board.hpp"
#include "actors/api/settings.hpp"
#include "actors/api/stuck.hpp"
#include "persistence/store/loading_marks.hpp"
#include "runtime/base/byte_budget.hpp"
#include "runtime/engine/span.hpp"

#include <atomic>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <unordered_map>
#include <vector>

namespace troupe {

/// Values that were loaded or saved lately, by content. Thread-safe, bounded in bytes.
class blob_cache {
public:
  explicit blob_cache(std::size_t bytes_max) : bytes_max_(bytes_max) {}
  shared_value find(const blob_id& id);
  void keep(const blob_id& id, shared_value v, std::size_t bytes);

private:
  struct entry {
    blob_id id;
    shared_value value;
    std::size_t bytes;
  };
  const std::size_t bytes_max_;
  std::mutex mutex_;
  std::list<entry> newest_first_;
  std::map<blob_id, std::list<entry>::iterator> by_id_;
  std::size_t bytes_ = 0;
};

/// Who wants every event of a workflow. Thread-safe.
class workflow_watchers {
public:
  using list = std::vector<std::shared_ptr<subscriber>>;
  std::uint64_t add(std::string workflow, std::shared_ptr<subscriber> who);
  void remove(const std::string& workflow, std::uint64_t ticket);
  bool any() const noexcept { return count_.load(std::memory_order_relaxed) > 0; }
  list of(const std::string& workflow) const;

private:
  mutable std::shared_mutex mutex_;
  std::map<std::string, std::map<std::uint64_t, std::shared_ptr<subscriber>>, std::less<>>
      watchers_;
  std::atomic<std::size_t> count_{0};
  std::uint64_t next_ = 1;
};

/// Workflows as everybody may read them; control alone writes. Thread-safe.
class workflow_directory {
public:
  virtual ~workflow_directory() = default;
  /// Takes what is applied of the workflow by now, whether or not somebody has told of it yet.
  virtual void look_again(std::string_view id) = 0;
  /// nullptr: unknown. Version 0 is the active one.
  virtual workflow_ptr find(std::string_view id, std::uint32_t version) const = 0;
  /// The plan that a run was started with, even when its workflow was deleted since. `definition`
  /// is its SHA-256 in hex; the text is a blob of `partition`.
  virtual result<plan_ptr> plan_of(partition_id partition, const std::string& workflow,
                                   std::uint32_t version, const std::string& definition) const = 0;
};

struct run_spawn {
  partition_id partition{};
  run_id run{};
  std::uint64_t term = 0; ///< of the leadership that loads it
  bool fresh = false;     ///< nothing is stored yet; otherwise it is loaded first
};

/// The ports and what goes with them.
struct engine_ports {
  const row_reader& rows;
  replicated_log& log;
  class views& lists;
  const engine_clock& clock;
  byte_budget* budget = nullptr;
  span_sink* spans = nullptr;       ///< empty: nothing is traced
  loading_marks* loading = nullptr; ///< empty: nothing is marked
};

struct engine_shared : std::enable_shared_from_this<engine_shared> {
  engine_shared(const engine_ports& ports, const engine_settings& how, const catalog& all_types)
      : rows(ports.rows), log(ports.log), lists(ports.lists), clock(ports.clock),
        budget(ports.budget), spans(ports.spans), loading(ports.loading), settings(how),
        types(all_types), blobs(how.blob_cache_bytes) {}

  const row_reader& rows;
  replicated_log& log;
  class views& lists;
  std::shared_ptr<class views> gate; ///< behind `lists`, where it is not the caller's own
  const engine_clock& clock;
  byte_budget* const budget;    ///< may be null
  span_sink* const spans;       ///< may be null
  loading_marks* const loading; ///< may be null
  const engine_settings settings;
  const catalog& types;
  std::shared_ptr<workflow_directory> workflows;
  std::shared_ptr<skill_provider> skills;
  engine_metrics metrics;
  blob_cache blobs;
  blob_pins pins;
  workflow_watchers watchers;

  std::vector<partition_actor> partitions; ///< [0] is empty: control has its own
  limiter_actor limiter;
  node_link* link = nullptr; ///< to the other nodes of the cluster; empty: there are none
  std::atomic<std::uint32_t> opened{0}; ///< content partitions that accept work
  std::function<run_actor(const run_spawn&)> spawn_run;
  std::function<step_actor(const run_actor&)> spawn_step;
  /// Takes what a run says that is no event, to subscribers who follow the log; may be empty.
  std::function<void(const run_id&, std::string_view kind,
                     const std::shared_ptr<const std::string>& json)>
      tell_live;

  /// What an operator should look at; written by control.
  std::mutex alerts_mutex;
  json::array alerts;
  stuck_board stuck;
  service_board services;

  /// What tests have told actors to suffer, by name: "run:<id>", "partition:<n>", "control",
  /// "limiter", "api".
  struct told_fault {
    int times = 0;
    milliseconds late{0}; ///< zero: crash
  };
  std::mutex faults_mutex;
  std::map<std::string, told_fault, std::less<>> faults;
  std::atomic<int> faults_left{0};

  const partition_actor& partition(partition_id p) const { return partitions.at(number(p)); }
};

} // namespace troupe
