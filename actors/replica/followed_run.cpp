#include "actors/replica/followed_run.hpp"

#include "runtime/engine/codec.hpp"

#include <algorithm>
#include <limits>

namespace troupe {

namespace {

constexpr sequence_number since_max = std::numeric_limits<std::int64_t>::max();
constexpr sequence_number not_yet = std::numeric_limits<sequence_number>::max();

std::shared_ptr<const std::string> review_text(std::string_view node, std::string_view review) {
  return std::make_shared<const std::string>(json::write(json::value(
      json::object{{"node", json::string(node)}, {"review_id", json::string(review)}})));
}

/// The last event that is stored; 0: none.
sequence_number end_of(const engine_shared& shared, const run_id& run) {
  const auto prefix = key_builder(partition_of(run)).id(run.id).take();
  sequence_number end = 0;
  const auto read = shared.rows.scan(
      table::events, prefix, prefix_end(prefix),
      [&](std::string_view key, std::string_view row) {
        key_reader reader(key.substr(prefix.size()));
        const auto turn = decode_turn(row);
        if (turn && reader.u64(end))
          end += turn->header.count - std::min<std::uint32_t>(turn->header.count, 1);
        return false;
      },
      true);
  return read ? end : 0;
}

} // namespace

std::shared_ptr<const std::string> review_of(const stored_event& e) {
  if (e.kind != events::review_opened::kind)
    return nullptr;
  const auto events = decode_events(e.line);
  const auto* opened = events && events->size() == 1
                           ? std::get_if<events::review_opened>(&events->front().what)
                           : nullptr;
  return opened ? review_text(opened->at.node, opened->review) : nullptr;
}

void followed_run::add(std::uint64_t ticket, sequence_number since,
                       std::shared_ptr<subscriber> who) {
  subscribers_.push_back({ticket, std::min(since, since_max), not_yet, std::move(who), {}});
}

void followed_run::drop(std::uint64_t ticket) {
  std::erase_if(subscribers_, [&](const one& s) { return s.ticket == ticket; });
}

void followed_run::end_all() {
  for (auto& s : subscribers_)
    if (s.who)
      s.who->on_end(run_);
  subscribers_.clear();
}

void followed_run::live(std::string_view kind, const std::shared_ptr<const std::string>& json) {
  for (auto& s : subscribers_)
    if (s.who && s.live_from == not_yet)
      s.early.insert_or_assign(std::string(kind), json);
    else if (s.who && !s.who->on_live(run_, kind, json))
      s.who = nullptr;
}

void followed_run::give(const stored_event& e) {
  std::shared_ptr<const std::string> json, review;
  for (auto& s : subscribers_) {
    if (!s.who || s.seen + 1 != e.seq)
      continue;
    if (!json) {
      json = std::make_shared<const std::string>(e.json());
      review = review_of(e);
    }
    s.seen = e.seq;
    bool stays = s.who->on_event(run_, e.seq, e.kind, json);
    if (stays && review && e.seq > s.live_from)
      stays = s.who->on_live(run_, "user_input_required", review);
    if (!stays)
      s.who = nullptr;
  }
}

/// False: what is stored cannot be read.
bool followed_run::give(engine_shared& shared, sequence_number from, std::size_t events_max) {
  const auto read = each_event(shared, partition_of(run_), run_, from, [&](const stored_event& e) {
    give(e);
    return --events_max > 0;
  });
  return read.has_value();
}

bool followed_run::active(const engine_shared& shared) const {
  for (const bool owing : {true, false}) {
    const auto row = shared.rows.get(table::active, active_key(partition_of(run_), owing, run_));
    if (!row || *row)
      return true;
  }
  return false;
}

/// Who comes later must know as well that the run waits for a person.
void followed_run::tell_open_reviews(engine_shared& shared, sequence_number end) {
  const auto waits = [&](const one& s) { return s.who && s.seen >= end && s.live_from == not_yet; };
  if (std::none_of(subscribers_.begin(), subscribers_.end(), waits))
    return;
  std::vector<std::shared_ptr<const std::string>> open;
  auto told_to = end;
  if (const auto found = load_run(shared, partition_of(run_), run_)) {
    const auto& p = *found->plan;
    told_to = found->state.seq;
    for (const auto& [key, scope] : found->state.scopes)
      for (std::size_t i = 0; i < scope.slots.size(); ++i)
        if (const auto& slot = scope.slots[i];
            slot.status == step_status::waiting && slot.wait == wait_kind::review)
          open.push_back(review_text(p.nodes[p.regions[key.region].nodes[i]].id, slot.name));
  }
  for (auto& s : subscribers_) {
    if (!waits(s))
      continue;
    s.live_from = told_to;
    for (const auto& each : open)
      if (s.who && !s.who->on_live(run_, "user_input_required", each))
        s.who = nullptr;
    for (const auto& [kind, json] : std::exchange(s.early, {}))
      if (s.who && !s.who->on_live(run_, kind, json))
        s.who = nullptr;
  }
}

void followed_run::remove_gone(engine_shared& shared) {
  shared.metrics.subscribers_dropped.add(
      static_cast<std::uint64_t>(std::erase_if(subscribers_, [](const one& s) { return !s.who; })));
}

followed_run::next followed_run::turn(engine_shared& shared, std::size_t events_max) {
  if (subscribers_.empty())
    return next::wait;
  const auto by_seen = [](const one& a, const one& b) { return a.seen < b.seen; };
  const auto [low, high] = std::minmax_element(subscribers_.begin(), subscribers_.end(), by_seen);
  const auto from = low->seen, newest = high->seen;
  bool fine = give(shared, newest, events_max);
  if (from < newest)
    fine = give(shared, from, events_max) && fine;
  if (!fine) // the reader of /events is told
    for (auto& s : subscribers_)
      s.who = nullptr;
  remove_gone(shared);
  const auto end = end_of(shared, run_);
  if (end == 0 && !subscribers_.empty()) {
    if (!known_)
      return next::unknown;
    end_all(); // it was removed
  }
  known_ = true;
  // A run moves within `active` with each turn: only without a turn meanwhile is it not there.
  const bool ended = !active(shared) && end_of(shared, run_) == end;
  if (!ended)
    tell_open_reviews(shared, end);
  remove_gone(shared);
  bool more = false;
  for (auto& s : subscribers_) {
    if (s.seen < end)
      more = true;
    else if (ended)
      std::exchange(s.who, nullptr)->on_end(run_);
  }
  std::erase_if(subscribers_, [](const one& s) { return !s.who; });
  return more ? next::more : next::wait;
}

} // namespace troupe
