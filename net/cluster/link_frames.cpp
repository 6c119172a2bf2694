// The frames of a connection, as they come.
#include "net/cluster/link_keeper.hpp"

#include <utility>

namespace troupe::cluster {

std::size_t link_keeper::size_max(const connection& one, frame_kind kind) const noexcept {
  return one.at == stage::linked && kind == frame_kind::batch
             ? batch_bytes_max(options_.message_bytes_max)
             : greeting_bytes_max;
}

void link_keeper::data(connection_id id, std::string_view bytes, steady_time now) {
  auto* const one = find(id);
  if (!one || one->at == stage::leaving)
    return;
  one->heard = now;
  established(id, now); // the peer's hello may come before we are told that TLS is up
  if (const auto header = std::exchange(one->header, std::nullopt)) {
    wires_.expect(id, frame_header_bytes);
    return frame(id, header->kind, bytes, now);
  }
  const auto header = read_header(bytes);
  if (!header)
    return refuse(id, "It sent what is not understood.", now);
  if (header->size > size_max(*one, header->kind))
    return refuse(id, "It sent more at once than is allowed.", now);
  if (header->size == 0)
    return frame(id, header->kind, {}, now);
  one->header = header;
  wires_.expect(id, header->size);
}

void link_keeper::frame(connection_id id, frame_kind kind, std::string_view payload,
                        steady_time now) {
  const bool linked = find(id)->at == stage::linked;
  switch (kind) {
  case frame_kind::hello:
    if (!linked)
      return take_hello(id, payload, now);
    break;
  case frame_kind::welcome:
    if (!linked)
      return take_welcome(id, now);
    break;
  case frame_kind::refuse: return refused(id, read_refusal(payload), now);
  case frame_kind::batch:
    if (linked)
      return take_batch(id, payload, now);
    break;
  case frame_kind::acknowledge:
    if (linked) {
      const auto bytes = read_acknowledged(payload);
      auto& record = *find_peer(find(id)->who->node)->record;
      if (bytes && record.acknowledge(*bytes))
        return pump(id);
    }
    break;
  case frame_kind::heartbeat:
    if (linked)
      return;
    break;
  }
  refuse(id, "It sent what does not belong here.", now);
}

void link_keeper::refused(connection_id id, const refusal& why, steady_time now) {
  const auto& one = *find(id);
  const auto by = one.dialled ? *one.dialled : one.who ? one.who->node : 0;
  end(id, "Refused by it: " + why.words, now);
  if (by != 0)
    events_.refused(by, why);
}

bool link_keeper::living(const peer& one, steady_time now) const {
  if (!one.link)
    return false;
  return now - connections_.at(*one.link).heard < 2 * options_.heartbeat_interval;
}

void link_keeper::take_hello(connection_id id, std::string_view payload, steady_time now) {
  auto& one = *find(id);
  const auto said = read_hello(payload);
  if (!said || one.who)
    return refuse(id, "Its hello is damaged.", now);
  auto* const peer_of = find_peer(said->who.node);
  hello_circumstances in{one.dialled, node_of_certificate(wires_.peer_name(id)), peer_of != nullptr,
                         std::nullopt, options_.objects};
  if (peer_of && living(*peer_of, now))
    in.linked_incarnation = connections_.at(*peer_of->link).who->incarnation;
  if (const auto why = objection(options_.self, *said, in)) {
    if (peer_of && !one.dialled && !peer_of->link)
      peer_of->record->refused(why->words);
    one.who = said->who; // for the log
    return refuse(id, *why, now);
  }
  one.who = said->who;
  write_plain(wires_.out(id), frame_kind::welcome);
  wires_.flush(id);
  if (one.dialled || one.who->node > options_.self.node)
    return try_link(id, now);
  leave(one, now); // a knock
  if (!peer_of->link && !peer_of->attempt) {
    peer_of->back_off = options_.reconnect_min;
    peer_of->dial_at = now;
    tick_peer(*peer_of, now);
  }
}

void link_keeper::take_welcome(connection_id id, steady_time now) {
  auto& one = *find(id);
  if (std::exchange(one.welcomed, true))
    return refuse(id, "It sent what does not belong here.", now);
  try_link(id, now);
}

void link_keeper::try_link(connection_id id, steady_time now) {
  auto& one = *find(id);
  if (!one.who || !one.welcomed)
    return;
  auto* const peer_of = find_peer(one.who->node);
  if (one.dialled && options_.self.node < one.who->node) { // a knock that was heard
    if (peer_of) {
      end_attempt(*peer_of);
      schedule_dial(*peer_of, now);
    }
    return;
  }
  if (peer_of && living(*peer_of, now) &&
      connections_.at(*peer_of->link).who->incarnation != one.who->incarnation)
    return refuse(id,
                  refusal{"node_copied", "Another process is connected as node " +
                                             std::to_string(one.who->node) +
                                             ": was a data directory copied?"},
                  now);
  link_up(id, now);
}

void link_keeper::take_batch(connection_id id, std::string_view payload, steady_time now) {
  const auto messages = read_batch(payload, options_.message_bytes_max);
  if (!messages)
    return refuse(id,
                  "It sent a damaged batch, or a message of more than " +
                      std::to_string(options_.message_bytes_max) + " bytes.",
                  now);
  auto& one = *find(id);
  const auto node = one.who->node;
  for (const auto& message : *messages)
    events_.received(node, message.in, std::string{message.bytes});
  one.consumed += payload.size();
  find_peer(node)->record->count_received(payload.size());
  write_acknowledged(wires_.out(id), one.consumed);
  wires_.flush(id);
}

} // namespace troupe::cluster
