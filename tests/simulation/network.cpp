#include "tests/simulation/network.hpp"

#include <algorithm>

namespace troupe::test {

bool sim_network::gets_lost(std::uint64_t from, std::uint64_t to) {
  const bool lost = cut_.contains({from, to}) || stage_.percent(stage_.faults.lose);
  stage_.suffered.lost += lost;
  return lost;
}

std::uint64_t sim_network::delay() {
  if (!stage_.percent(stage_.faults.slow))
    return stage_.random.below(3);
  ++stage_.suffered.slow;
  return stage_.between(5, 400);
}

void sim_network::send_log(std::uint64_t from, std::uint64_t to, std::size_t bytes,
                           const arrival& arrive) {
  stage_.trace(from * 31 + to * 7 + bytes);
  if (gets_lost(from, to))
    return;
  stage_.later(delay(), arrive);
  if (stage_.percent(stage_.faults.repeat)) {
    ++stage_.suffered.repeated;
    stage_.later(delay(), arrive);
  }
}

void sim_network::send_link(std::uint64_t from, std::uint64_t to, std::size_t bytes,
                            const arrival& arrive) {
  stage_.trace(from * 37 + to * 11 + bytes);
  if (gets_lost(from, to))
    return;
  auto& until = link_until_[{from, to}];
  until = std::max(until, stage_.now() + delay());
  stage_.later(until - stage_.now(), arrive);
}

} // namespace troupe::test
