#include "tests/simulation/link.hpp"

#include "actors/base/link_bytes.hpp"

namespace troupe::test {

void sim_link::ask(std::uint64_t node, link_topic about, std::string bytes,
                   std::chrono::milliseconds timeout, answer back) {
  if (dead_)
    return;
  const auto id = ++next_;
  pending_.emplace(id, std::move(back));
  const auto size = bytes.size();
  const auto arrive = [find = find_, from = self_, node, id, about, bytes = std::move(bytes)] {
    if (const auto there = find(node))
      there->asked(from, id, about, bytes);
  };
  if (node == self_)
    return arrive();
  stage_.later(static_cast<std::uint64_t>(timeout.count()), [weak = weak_from_this(), id] {
    if (const auto self = weak.lock())
      self->settle(id, node_unreachable("another node did not answer in time"));
  });
  network_.send_link(self_, node, size, arrive);
}

void sim_link::asked(std::uint64_t from, std::uint64_t id, link_topic about, std::string bytes) {
  if (dead_)
    return;
  const auto back = [weak = weak_from_this(), from, id](result<std::string> with) {
    const auto self = weak.lock();
    if (!self || self->dead_)
      return;
    const auto size = with ? with->size() : 100;
    const auto arrive = [find = self->find_, from, id, with = std::move(with)] {
      if (const auto there = find(from))
        there->settle(id, with);
    };
    if (from == self->self_)
      return arrive();
    self->network_.send_link(self->self_, from, size, arrive);
  };
  const auto at = servers_.find(about);
  if (at == servers_.end() || !at->second)
    return back(node_unreachable("nobody answers this there"));
  at->second(from, std::move(bytes), back);
}

void sim_link::settle(std::uint64_t id, result<std::string> with) {
  const auto at = pending_.find(id);
  if (dead_ || at == pending_.end())
    return;
  const auto back = std::move(at->second);
  pending_.erase(at);
  back(std::move(with));
}

void sim_link::die() {
  dead_ = true;
  const auto left = std::exchange(pending_, {});
  const auto servers = std::exchange(servers_, {});
}

} // namespace troupe::test
