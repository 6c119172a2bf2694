// What the gateway may ask of the engine: the one interface between HTTP and the actors.
// Every function returns at once; every reply is called exactly once, from any thread, and must not
// block. A write's reply comes after its commit.
#pragma once

#include "persistence/store/views.hpp"
#include "runtime/base/ids.hpp"
#include "runtime/base/json.hpp"
#include "runtime/base/result.hpp"
#include "runtime/engine/command.hpp"
#include "runtime/workflow/compile.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {

/// partition:index, as the header Troupe-Position carries it.
using position = views::position;

template <class T> using reply = std::function<void(result<T>)>;

/// A start, as the execute routes build it. The gateway has resolved the workflow and checked the
/// input schema.
struct start_request {
  std::string workflow_id;
  std::uint32_t version = 0; ///< 0: the active one
  shared_value input;        ///< never empty; defaults of the schema applied
  shared_value vars;         ///< object; may be empty
  shared_value overrides;    ///< node id → parameters; may be empty
  std::string trigger_type = "manual", triggered_by, priority = "normal", user, trace_id;
  bool dry_run = false;
  std::string only_node, from_node;
  std::optional<run_id> previous; ///< whose outputs only_node and from_node reuse
  std::string idempotency_key;    ///< empty: none
  std::string body_digest;        ///< SHA-256 of the body, to tell a repeat from a misuse
  std::optional<std::chrono::milliseconds>
      wait;                   ///< answer with the final state if it comes in time
  std::size_t bytes = 0;      ///< of the request's text, for the memory budget
  std::shared_ptr<void> held; ///< counts its bytes; let go once the start is durable
};

struct started_run {
  run_id id{};
  std::string status;                           ///< status word at the time of the answer
  bool repeated = false;                        ///< the idempotency key was known: that run
  bool finished = false;                        ///< `execution` holds the final state
  std::shared_ptr<const std::string> execution; ///< JSON as GET /executions/{id} answers
  position at;
};

/// An execution as JSON text, and what caches need to know.
struct execution_text {
  std::shared_ptr<const std::string> json;
  sequence_number seq = 0;
  bool terminal = false;
};

struct done_at {
  position at;
  json::value body; ///< what the route answers beyond the position; may be null
};

/// A page of events: JSON objects, oldest first.
struct event_page {
  std::vector<std::string> items;
  sequence_number last_seq = 0; ///< of the run
  bool has_more = false, terminal = false;
};

/// Receives a run's events as they are committed, and what is never an event (progress, tokens).
/// Called from any thread, one call at a time for one run, in order.
class subscriber {
public:
  virtual ~subscriber() = default;
  /// False: the subscriber is gone or too slow; it is dropped.
  virtual bool on_event(const run_id& run, sequence_number seq, std::string_view kind,
                        const std::shared_ptr<const std::string>& json) = 0;
  virtual bool on_live(const run_id& run, std::string_view kind,
                       const std::shared_ptr<const std::string>& json) = 0;
  /// The run is terminal and all its events were given.
  virtual void on_end(const run_id& run) = 0;
};

/// A document of control or of a content partition.
struct document {
  std::string collection, id;
  std::uint64_t version = 0;
  json::value body;
  std::int64_t created_ms = 0, updated_ms = 0;
};
struct document_write {
  std::string collection, id;
  std::optional<std::uint64_t> if_version; ///< If-Match; 0: must not exist
  std::optional<json::value> body;         ///< empty: delete
};

/// One workflow version, compiled; errors make a draft that refuses to run.
struct workflow_entry {
  std::string id;
  std::uint32_t version = 0, active_version = 0, latest_version = 0;
  std::shared_ptr<const json::value> definition; ///< as stored (normalised)
  std::string definition_digest;                 ///< SHA-256 hex
  plan_ptr executable;                           ///< empty for drafts with errors
  std::vector<node_error> errors;
  bool enabled = true;
  std::int64_t created_ms = 0, updated_ms = 0;
  position at; ///< of the write that made this entry; {0, 0} when it was not just written
};
using workflow_ptr = std::shared_ptr<const workflow_entry>;

/// A registered worker, as seen by its skills.
struct worker_info {
  std::string id, name, token;
  std::uint32_t heartbeat_seconds = 10;
};

class engine_port {
public:
  virtual ~engine_port() = default;

  // Runs
  virtual void start(start_request what, reply<started_run> answer) = 0;
  virtual void command(const run_id& run, commands::any what, reply<done_at> answer) = 0;
  /// What a reader is told was so after it asked, wherever it asked; also of events, report,
  /// replay.
  virtual void read(const run_id& run, reply<execution_text> answer) = 0;
  /// The term under which this node alone may speak for the run at this moment; nothing: it may
  /// not.
  virtual std::optional<std::uint64_t> speaks_for(const run_id& run) const {
    (void)run;
    return 0;
  }
  /// In a cluster, where the run is led here: how far its partition is shown to who reads now; so
  /// far another node must be to show as much. {0, 0}: on one node, or it is led elsewhere.
  virtual position shown(const run_id& /*run*/) const { return {}; }
  virtual void events(const run_id& run, sequence_number after, std::uint32_t limit,
                      reply<event_page> answer) = 0;
  /// {summary, path, inputs, errors, logs …} for …/report and …/logs.
  virtual void report(const run_id& run, std::string what, reply<json::value> answer) = 0;
  /// Replay: fold (and re-decide) the stored history and compare with the live state.
  virtual void replay(const run_id& run, bool redecide, reply<json::value> answer) = 0;
  virtual void purge(std::vector<run_id> runs, reply<done_at> answer) = 0;
  /// All events after `since`, then live ones. Dropping the returned handle ends the subscription.
  virtual std::shared_ptr<void> subscribe(const run_id& run, sequence_number since,
                                          std::shared_ptr<subscriber> who) = 0;
  /// Every committed event of every run of a workflow, from now on.
  virtual std::shared_ptr<void> subscribe_workflow(std::string workflow_id,
                                                   std::shared_ptr<subscriber> who) = 0;

  // Workflows: read from memory, written through control's log
  virtual workflow_ptr workflow(std::string_view id, std::uint32_t version = 0) const = 0;
  virtual std::vector<std::uint32_t> workflow_versions(std::string_view id) const = 0;
  /// Compiles without storing.
  virtual compiled check(const json::value& definition) const = 0;
  /// Creates (empty id, or one that does not exist yet) or replaces; makes a new version.
  /// `if_version` is If-Match: the version that workflow(id) shows, else kind `precondition`.
  virtual void save_workflow(std::string id, json::value definition, bool draft,
                             std::optional<std::uint32_t> if_version,
                             reply<workflow_ptr> answer) = 0;
  virtual void activate_workflow(std::string id, std::uint32_t version,
                                 reply<workflow_ptr> answer) = 0;
  virtual void delete_workflow(std::string id, reply<done_at> answer) = 0;

  // Documents of control (node templates, settings …)
  virtual std::optional<document> read_document(std::string_view collection,
                                                std::string_view id) const = 0;
  virtual void write_document(document_write what, reply<done_at> answer) = 0;

  // Skills and workers
  virtual json::value skills() const = 0; ///< GET /skills/available
  virtual const catalog& node_types() const = 0;
  virtual void register_worker(json::value body, reply<worker_info> answer) = 0;
  virtual void unregister_worker(std::string id, reply<done_at> answer) = 0;
  virtual json::value workers() const = 0;
  /// Long poll; answers {tasks: [...]} when there are some or when wait_seconds are over.
  virtual void poll_tasks(std::string worker_id, json::value body, reply<json::value> answer) = 0;
  /// heartbeat, complete, fail; `body` carries the token. code "gone" when it is no longer valid.
  virtual void task_message(std::string worker_id, std::string task_id, std::string verb,
                            json::value body, reply<json::value> answer) = 0;
  /// POST …/results: one answer for each in order.
  virtual void task_results(std::string worker_id, json::value body, reply<json::value> answer) = 0;

  // Views and system
  virtual void query(view_query what, std::vector<position> at_least, reply<view_page> answer) = 0;
  virtual json::value status() const = 0;                              ///< GET /system/status
  virtual json::value service_health(std::string_view name) const = 0; ///< null: no such service
  virtual bool ready() const = 0;
  /// False while the store refuses writes; reads go on.
  virtual bool writable() const { return true; }
  virtual std::string metrics() const = 0; ///< Prometheus text
  virtual instant now() const = 0;         ///< the engine's clock (moved by the test clock)
  virtual result<json::value>
  fault(const json::value& body) = 0; ///< test switch; code "not_found" without
  virtual result<json::value> move_clock(const json::value& body) = 0;
  virtual void snapshot(std::string directory, reply<json::value> answer) = 0; ///< online backup
};

} // namespace troupe
