#include "actors/replica/telling_log.hpp"

#include <utility>

namespace troupe {

void telling_log::propose(proposal what, proposal_done done) {
  const auto partition = what.partition;
  auto changed = what.changed;
  inner_.propose(std::move(what), [tell = tell_, partition, changed = std::move(changed),
                                   done = std::move(done)](const result<std::uint64_t>& index) {
    done(index);
    if (index)
      (*tell)(partition, *index, changed);
  });
}

} // namespace troupe
