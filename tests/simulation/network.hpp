// The network between simulated nodes. Messages of the log are lost, late, repeated and out of
// order; those of the link between actors arrive in order, once or not at all.
#pragma once

#include "tests/simulation/stage.hpp"

#include <map>
#include <set>
#include <string>

namespace troupe::test {

class sim_network {
public:
  explicit sim_network(stage& on) : stage_(on) {}

  /// Either may be called at any time later, or never.
  using arrival = std::function<void()>;
  void send_log(std::uint64_t from, std::uint64_t to, std::size_t bytes, const arrival& arrive);
  void send_link(std::uint64_t from, std::uint64_t to, std::size_t bytes, const arrival& arrive);

  /// Nothing goes from one node to the other any more; the way back is another.
  void cut(std::uint64_t from, std::uint64_t to) { cut_.insert({from, to}); }
  void mend() { cut_.clear(); }
  std::size_t cuts() const noexcept { return cut_.size(); }

private:
  bool gets_lost(std::uint64_t from, std::uint64_t to);
  std::uint64_t delay();

  stage& stage_;
  std::set<std::pair<std::uint64_t, std::uint64_t>> cut_;
  std::map<std::pair<std::uint64_t, std::uint64_t>, std::uint64_t> link_until_;
};

} // namespace troupe::test
