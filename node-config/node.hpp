// One node, put together: the only place that knows every class.
#pragma once

#include "node-config/settings.hpp"

#include <cstdint>
#include <memory>

namespace troupe {

class node {
public:
  virtual ~node() = default;
  virtual std::uint16_t port() const noexcept = 0;
  /// Ends in order: no new requests, running calls within the grace, actors, views, store.
  virtual void stop() = 0;
};

/// Opens the store, migrates, recovers and listens, in this order; the first failure ends it.
result<std::unique_ptr<node>> start_node(const node_settings& settings);

} // namespace troupe
