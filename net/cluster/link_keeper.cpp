#include "net/cluster/link_keeper.hpp"
#include "runtime/base/log.hpp"

#include <algorithm>
#include <utility>

namespace troupe::cluster {

namespace {
/// How long a refused peer has to read why.
constexpr auto leaving_time = std::chrono::seconds(1);
} // namespace

link_keeper::link_keeper(const peers_options& options, peer_book& book, peer_events& events,
                         wires& to, std::uint64_t seed)
    : options_(options), book_(book), events_(events), wires_(to), random_(seed) {}

link_keeper::connection* link_keeper::find(connection_id id) {
  const auto found = connections_.find(id);
  return found == connections_.end() ? nullptr : &found->second;
}

link_keeper::peer* link_keeper::find_peer(node_number node) {
  const auto found = peers_.find(node);
  return found == peers_.end() ? nullptr : &found->second;
}

void link_keeper::peers_changed(steady_time now) {
  const auto wanted = book_.all();
  for (auto one = peers_.begin(); one != peers_.end();) {
    const auto still = wanted.find(one->first);
    if (still == wanted.end() || still->second != one->second.record) {
      forget(one->second, now);
      one = peers_.erase(one);
    } else {
      ++one;
    }
  }
  for (const auto& [node, record] : wanted) {
    auto& one = peers_[node];
    auto address = record->address();
    if (one.record && one.address == address)
      continue;
    one.record = record;
    one.address = std::move(address);
    one.back_off = options_.reconnect_min;
    one.dial_at = now;
  }
  tick(now, now);
}

void link_keeper::forget(peer& who, steady_time now) {
  end_attempt(who);
  if (!who.link)
    return;
  const auto id = *who.link;
  const auto why = options_.objects ? options_.objects(*find(id)->who) : std::nullopt;
  refuse(id, why.value_or(refusal{{}, "It is no longer among this cluster's nodes."}), now);
}

// ---- dialling

void link_keeper::dial(peer& to, steady_time now) {
  to.attempt = ++last_attempt_;
  to.attempt_deadline = now + options_.handshake_timeout;
  wires_.dial(*to.attempt, to.address);
}

void link_keeper::schedule_dial(peer& to, steady_time now) {
  // Between half and all of the back-off: peers that lost the same node do not come all at once.
  const auto half = std::max<std::int64_t>(to.back_off.count() / 2, 1);
  to.dial_at = now + std::chrono::milliseconds(half + static_cast<std::int64_t>(random_.below(
                                                          static_cast<std::uint64_t>(half) + 1)));
  to.back_off = std::min(to.back_off * 2, options_.reconnect_max);
}

void link_keeper::end_attempt(peer& to) {
  to.attempt.reset();
  if (const auto id = std::exchange(to.dialled, std::nullopt)) {
    connections_.erase(*id);
    wires_.close(*id);
  }
}

void link_keeper::attempt_failed(peer& to, const std::string& why, steady_time now) {
  to.attempt.reset();
  to.dialled.reset();
  to.record->refused(why);
  log_.refused(to.address.node, why, now);
  schedule_dial(to, now);
}

bool link_keeper::dialled(std::uint64_t attempt, connection_id id) {
  const auto waits = std::find_if(peers_.begin(), peers_.end(),
                                  [&](const auto& one) { return one.second.attempt == attempt; });
  if (waits == peers_.end())
    return false;
  waits->second.dialled = id;
  auto& made = connections_[id];
  made.dialled = waits->first;
  made.deadline = waits->second.attempt_deadline;
  return true;
}

void link_keeper::dial_failed(std::uint64_t attempt, const std::string& why, steady_time now) {
  for (auto& [node, one] : peers_)
    if (one.attempt == attempt)
      attempt_failed(one, why, now);
}

void link_keeper::accepted(connection_id id, steady_time now) {
  if (connections_.size() >= options_.connections_max) {
    // The stranger who has said nothing for longest makes room.
    auto oldest = connections_.end();
    for (auto one = connections_.begin(); one != connections_.end(); ++one)
      if (!one->second.dialled && one->second.at != stage::linked &&
          (oldest == connections_.end() || one->second.deadline < oldest->second.deadline))
        oldest = one;
    log_.refused(0, "There are too many connections.", now);
    if (oldest == connections_.end())
      return wires_.close(id);
    wires_.close(oldest->first);
    connections_.erase(oldest);
  }
  connections_[id].deadline = now + options_.handshake_timeout;
}

void link_keeper::established(connection_id id, steady_time) {
  auto* one = find(id);
  if (!one || one->at != stage::handshake)
    return;
  one->at = stage::greeting;
  write_hello(wires_.out(id), {wire_version, options_.self});
  wires_.flush(id);
}

// ---- links

void link_keeper::link_up(connection_id id, steady_time now) {
  auto& one = *find(id);
  auto* const peer_of = find_peer(one.who->node);
  if (!peer_of)
    return refuse(id, "It is no longer among this cluster's nodes.", now);
  if (peer_of->link)
    end(*peer_of->link, "A newer connection took its place.", now);
  if (peer_of->dialled == id)
    peer_of->dialled.reset();
  end_attempt(*peer_of);
  one.at = stage::linked;
  one.since = one.heard = now;
  one.beat_at = now + options_.heartbeat_interval;
  peer_of->link = id;
  peer_of->record->connected(*one.who);
  log::info("cluster", "connected with a node",
            {{"node", static_cast<std::int64_t>(one.who->node)}, {"version", one.who->version}});
  events_.up(*one.who);
  pump(id);
}

void link_keeper::link_down(connection& of, const std::string& why, steady_time now) {
  const auto node = of.who->node;
  if (auto* const peer_of = find_peer(node)) {
    peer_of->link.reset();
    peer_of->record->disconnected();
    peer_of->record->refused(why);
    if (now - of.since >= options_.reconnect_max)
      peer_of->back_off = options_.reconnect_min;
    schedule_dial(*peer_of, now);
  }
  log_.refused(node, why, now);
  events_.down(node);
}

/// What the end of a connection means to its peer; the connection itself stays for now.
void link_keeper::part(connection_id id, const std::string& why, steady_time now) {
  auto& one = *find(id);
  if (one.at == stage::leaving)
    return;
  if (one.at == stage::linked)
    return link_down(one, why, now);
  const auto node = one.dialled ? *one.dialled : one.who ? one.who->node : 0;
  auto* const peer_of = find_peer(node);
  if (one.dialled && peer_of && peer_of->dialled == id)
    attempt_failed(*peer_of, why, now);
  else
    log_.refused(node, why, now);
}

void link_keeper::end(connection_id id, const std::string& why, steady_time now) {
  part(id, why, now);
  connections_.erase(id);
  wires_.close(id);
}

void link_keeper::closed(connection_id id, const std::string& why, steady_time now) {
  if (!find(id))
    return;
  part(id, why, now);
  connections_.erase(id);
}

void link_keeper::refuse(connection_id id, const refusal& why, steady_time now) {
  part(id, why.words, now);
  write_refusal(wires_.out(id), why);
  leave(*find(id), now);
  wires_.flush(id);
}

void link_keeper::leave(connection& one, steady_time now) {
  one.at = stage::leaving;
  one.dialled.reset();
  one.deadline = now + leaving_time;
}

void link_keeper::pump(connection_id id) {
  auto* const one = find(id);
  if (!one || one->at != stage::linked || !one->drained)
    return;
  const auto going = find_peer(one->who->node)->record->take();
  if (going.messages.empty())
    return;
  auto& out = wires_.out(id);
  out.reserve(out.size() + frame_header_bytes + going.bytes);
  write_header(out, frame_kind::batch, going.bytes);
  for (const auto& message : going.messages)
    write_message(out, message.in, message.bytes);
  one->drained = false;
  wires_.flush(id);
}

void link_keeper::flush(steady_time) {
  for (const auto& [node, one] : peers_)
    if (one.link)
      pump(*one.link);
}

void link_keeper::drained(connection_id id, steady_time) {
  if (auto* const one = find(id)) {
    one->drained = true;
    pump(id);
  }
}

// ---- time

void link_keeper::tick_connection(connection_id id, steady_time now, bool late) {
  auto& one = *find(id);
  if (one.at == stage::leaving) {
    if (now >= one.deadline) {
      connections_.erase(id);
      wires_.close(id);
    }
    return;
  }
  if (one.at != stage::linked) {
    if (now >= one.deadline)
      end(id,
          one.at == stage::handshake ? "It did not answer in time."
                                     : "It did not say hello in time.",
          now);
    return;
  }
  const auto received = wires_.received_bytes(id);
  if (late || received != std::exchange(one.received_seen, received))
    one.heard = now;
  if (now - one.heard >= options_.silence_max)
    return end(id, "It was silent for too long.", now);
  if (now >= one.beat_at) {
    one.beat_at = now + options_.heartbeat_interval;
    write_plain(wires_.out(id), frame_kind::heartbeat);
    wires_.flush(id);
  }
}

void link_keeper::tick_peer(peer& one, steady_time now) {
  if (one.attempt && !one.dialled && now >= one.attempt_deadline)
    attempt_failed(one, "Its name was not looked up in time.", now);
  if (!one.link && !one.attempt && now >= one.dial_at)
    dial(one, now);
}

void link_keeper::tick(steady_time now, steady_time meant_for) {
  const bool late = now - meant_for >= options_.heartbeat_interval;
  std::vector<connection_id> ids;
  for (const auto& [id, one] : connections_)
    ids.push_back(id);
  for (const auto id : ids)
    if (find(id)) // one that ends may take another with it
      tick_connection(id, now, late);
  for (auto& [node, one] : peers_)
    tick_peer(one, now);
}

steady_time link_keeper::next() const {
  auto out = steady_time::max();
  for (const auto& [id, one] : connections_)
    out = std::min(out, one.at == stage::linked
                            ? std::min(one.beat_at, one.heard + options_.silence_max)
                            : one.deadline);
  for (const auto& [node, one] : peers_) {
    if (one.attempt && !one.dialled)
      out = std::min(out, one.attempt_deadline);
    else if (!one.attempt && !one.link)
      out = std::min(out, one.dial_at);
  }
  return out;
}

} // namespace troupe::cluster
