#include "net/cluster/peers.hpp"
#include "net/cluster/network_actor.hpp"

#include <caf/actor_system_config.hpp>
#include <caf/io/middleman.hpp>
#include <caf/send.hpp>

#include <algorithm>
#include <exception>

namespace troupe::cluster {

namespace {

/// One worker: all work is in the broker, which lives in the middleman's thread. Nothing of CAF's
/// own remoting is used: no BASP port is opened, so its heartbeats stay off, and ours are in the
/// links.
struct network_config final : caf::actor_system_config {
  network_config() {
    load<caf::io::middleman>();
    set("scheduler.policy", caf::atom("sharing"));
    set("scheduler.max-threads", std::size_t{1});
    set("scheduler.max-throughput", std::size_t{100});
    set("middleman.workers", std::size_t{0});
  }
};

class caf_peers final : public peers {
public:
  caf_peers(peers_options options, peer_events& events, tls_context_ptr tls, listening listener)
      : options_(std::move(options)),
        book_({options_.queued_bytes_max, options_.unacknowledged_bytes_max,
               options_.message_bytes_max}),
        tls_(std::move(tls)), port_(listener.port), system_(config_),
        network_(spawn_network(system_, {&options_, &book_, &events, tls_.get(), &flush_asked_},
                               std::move(listener.socket))) {}

  ~caf_peers() override {
    caf::anon_send(network_, stop_atom::value);
    network_ = nullptr; // ~actor_system waits for it
  }

  std::uint16_t port() const noexcept override { return port_; }

  void set(std::vector<peer_address> nodes) override {
    book_.set(nodes, options_.self.node);
    caf::anon_send(network_, nodes_atom::value);
  }

  bool send(node_number to, lane in, std::string bytes) override {
    const auto record = book_.find(to);
    if (!record || !record->send(in, std::move(bytes)))
      return false;
    if (!flush_asked_.exchange(true))
      caf::anon_send(network_, flush_atom::value);
    return true;
  }

  std::vector<peer_status> status() const override {
    std::vector<peer_status> out;
    for (const auto& [node, record] : book_.all())
      out.push_back(record->status());
    return out;
  }

private:
  const peers_options options_;
  peer_book book_;
  tls_context_ptr tls_;
  const std::uint16_t port_;
  std::atomic<bool> flush_asked_{false};
  network_config config_;
  caf::actor_system system_;
  caf::actor network_;
};

} // namespace

result<std::unique_ptr<peers>> start_peers(peers_options options, peer_events& events) {
  const auto& self = options.self;
  check(self.node != 0 && options.heartbeat_interval.count() > 0 &&
            options.silence_max > options.heartbeat_interval && options.reconnect_min.count() > 0 &&
            options.reconnect_max >= options.reconnect_min,
        "options of the cluster's network are impossible");
  for (const auto* text : {&self.cluster_id, &self.incarnation, &self.version, &self.http_url})
    check(text->size() <= 1024, "a text of this node's identity is too long for a hello");
  auto tls = make_tls_context(options.authority_file, options.certificate_file, options.key_file);
  if (!tls)
    return tls.error();
  auto listener = listen_on(options.host, options.port);
  if (!listener)
    return listener.error();
  try {
    return std::unique_ptr<peers>(std::make_unique<caf_peers>(
        std::move(options), events, std::move(*tls), std::move(*listener)));
  } catch (const std::exception& error) {
    return failure{failure_kind::unavailable,
                   "bind_failed",
                   std::string{"The cluster's network cannot start: "} + error.what() + ".",
                   {},
                   {}};
  }
}

} // namespace troupe::cluster
