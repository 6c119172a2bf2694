#include "runtime/engine/evolve/apply.hpp"

namespace troupe {

void evolve(const plan& p, run_state& state, const event& e) {
  check(e.seq == state.seq + 1, "events are folded in order, without gap");
  state.seq = e.seq;
  std::visit([&](const auto& what) { evolving::apply(p, state, what, e.time); }, e.what);
}

} // namespace troupe
