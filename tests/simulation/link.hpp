// The link between the actors of simulated nodes, as one process has it.
#pragma once

#include "actors/api/node_link.hpp"
#include "tests/simulation/network.hpp"

#include <map>
#include <memory>

namespace troupe::test {

/// Not thread-safe. `find` gives the link of the process that runs on a node now, or nothing.
class sim_link final : public node_link, public std::enable_shared_from_this<sim_link> {
public:
  using finder = std::function<std::shared_ptr<sim_link>(std::uint64_t node)>;
  sim_link(stage& on, sim_network& network, std::uint64_t self, std::uint64_t first_id, finder find)
      : stage_(on), network_(network), self_(self), next_(first_id), find_(std::move(find)) {}

  std::uint64_t self() const override { return self_; }
  void ask(std::uint64_t node, link_topic about, std::string bytes,
           std::chrono::milliseconds timeout, answer back) override;
  void serve(link_topic about, server who) override { servers_[about] = std::move(who); }

  /// The process is gone: nobody is answered any more.
  void die();

private:
  void asked(std::uint64_t from, std::uint64_t id, link_topic about, std::string bytes);
  void settle(std::uint64_t id, result<std::string> with);

  stage& stage_;
  sim_network& network_;
  const std::uint64_t self_;
  std::uint64_t next_; ///< no two processes have the same
  finder find_;
  std::map<link_topic, server> servers_;
  std::map<std::uint64_t, answer> pending_;
  bool dead_ = false;
};

} // namespace troupe::test
