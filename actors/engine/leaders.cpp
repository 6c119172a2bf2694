#include "actors/engine/leaders.hpp"

#include <caf/send.hpp>

namespace troupe {

template <class Message> void leaders::tell(partition_id partition, Message&& m) const {
  if (number(partition) == 0)
    caf::anon_send(control_, std::forward<Message>(m));
  else if (number(partition) < shared_.partitions.size())
    caf::anon_send(shared_.partition(partition), std::forward<Message>(m));
}

void leaders::begin() {
  shared_.log.follow(this);
  caf::anon_send(shared_.limiter, token_tick{});
  for (std::uint16_t p = 0; p < shared_.partitions.size(); ++p)
    if (const auto now = shared_.log.leads(partition_id{p}); now.here)
      tell(partition_id{p}, open_partition{now.term});
}

void leaders::end() {
  shared_.log.follow(nullptr);
}

void leaders::led(partition_id partition, const leadership& now) {
  if (now.here)
    tell(partition, open_partition{now.term});
  else
    tell(partition, leave_partition{});
  if (number(partition) == 0)
    caf::anon_send(shared_.limiter, token_tick{});
}

void leaders::applied(partition_id partition, std::uint64_t index,
                      const std::vector<std::string_view>& changed) {
  if (follows_)
    follows_(partition, index, changed);
}

} // namespace troupe
