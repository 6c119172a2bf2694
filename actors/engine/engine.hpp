// The engine of one node: all actors, put together, behind engine_port.
#pragma once

#include "actors/api/clock.hpp"
#include "actors/api/engine_port.hpp"
#include "actors/api/node_link.hpp"
#include "actors/api/settings.hpp"
#include "net/client/client.hpp"
#include "persistence/store/loading_marks.hpp"
#include "persistence/store/store.hpp"
#include "runtime/engine/span.hpp"

#include <functional>
#include <memory>

namespace troupe {

/// All references must outlive the engine. Take down in this order: gateway, engine, HTTP client,
/// store (commits what is queued), views.
struct engine_deps {
  const row_reader& rows;
  replicated_log& log;
  class views& lists;
  http::client& http;
  const engine_clock& clock;
  movable_clock* test_clock = nullptr; ///< the same object as `clock`, when tests may move it
  engine_settings settings;
  byte_budget* budget = nullptr; ///< counts what the engine holds; outlives it; may be empty
  span_sink* spans = nullptr;    ///< takes spans of runs; outlives the engine; may be empty
  /// Makes an online backup; must not block the caller. May be empty.
  std::function<void(std::string directory, reply<json::value> answer)> backup;
  loading_marks* loading = nullptr; ///< what kills a node while it is loaded; may be empty
  node_link* link = nullptr;        ///< to the other nodes of its cluster; empty: it is alone
  /// In a cluster: told the name ("collection/id") of every document of control that was written,
  /// by whichever node. Must not block. May be empty.
  std::function<void(const std::string& name)> control_changed;
};

class engine : public engine_port {
public:
  using engine_port::start;
  /// Reads what is stored, brings views up to date and opens the partitions that this node leads,
  /// now and whenever that changes. Returns before they are open: ready() tells.
  virtual result<void> start() = 0;
  /// No new starts; running steps may end within `grace`; then every actor stops. What is left
  /// goes on at the next start. Idempotent.
  virtual void stop(milliseconds grace) = 0;
};

std::unique_ptr<engine> make_engine(engine_deps deps);

} // namespace troupe
