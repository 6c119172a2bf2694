#include "persistence/consensus/raft_partition.hpp"

#include "persistence/store/refusals.hpp"
#include "runtime/base/log.hpp"

#include <algorithm>
#include <utility>

namespace troupe::raft {

namespace {

/// Of entries that one round applies in all partitions, and one more: nobody beats meanwhile.
constexpr std::size_t applied_bytes_max = std::size_t{2} << 20;

failure unreadable(std::string_view what) {
  return {failure_kind::internal,
          "store_corrupt",
          "the log of a partition cannot be read: " + std::string(what),
          "run `troupe log verify` to see what is affected",
          {}};
}

/// What a transfer could not write is asked for, or written, again.
result<void> tolerate_full_disk(const result<void>& how) {
  return how || how.error().code != "storage_full" ? how : result<void>{};
}

row_change put(std::string key, std::string value) {
  return {table::log_meta, std::move(key), std::move(value), {}};
}

} // namespace

raft_partition::raft_partition(partition_id partition, const partition_options& options,
                               row_store& rows, partition_board& board)
    : partition_(partition), options_(options), rows_(rows), board_(board),
      group_(options.group, [this](log_index index) { return read_entry(index); }),
      exports_(partition, rows) {}

result<entry_ptr> raft_partition::read_entry(log_index index) const {
  const auto row = rows_.get(table::log, log_key(partition_, index));
  if (!row)
    return row.error();
  const auto read = *row ? logged_entry_from(**row) : std::nullopt;
  if (!read)
    return unreadable("entry " + std::to_string(index) + " is missing");
  return std::make_shared<const entry>(
      entry{read->term, static_cast<entry_kind>(read->kind), std::string(read->payload)});
}

/// Payloads stay on the disk but those that name members: the group reads what it sends.
result<stored_group> raft_partition::stored() {
  stored_group out;
  const auto last_ballot = rows_.get(table::log_meta, ballot_key(partition_));
  const auto mark = rows_.get(table::log_meta, snapshot_key(partition_));
  if (!last_ballot || !mark)
    return !last_ballot ? last_ballot.error() : mark.error();
  if (*last_ballot && !decode(**last_ballot, out.last_ballot))
    return unreadable("its ballot");
  if (*mark && !decode(**mark, out.snapshot.emplace()))
    return unreadable("its snapshot");
  out.first = out.snapshot ? out.snapshot->index + 1 : 1;
  auto next = out.first;
  bool whole = true;
  const auto read =
      rows_.scan(table::log, log_key(partition_, next), prefix_end(key_builder(partition_).take()),
                 [&](std::string_view key, std::string_view value) {
                   const auto one = logged_entry_from(value);
                   whole = one && key == log_key(partition_, next);
                   if (!whole)
                     return false;
                   ++next;
                   const auto kind = static_cast<entry_kind>(one->kind);
                   out.entries.push_back(std::make_shared<const entry>(entry{
                       one->term, kind,
                       kind == entry_kind::members ? std::string(one->payload) : std::string()}));
                   return true;
                 });
  if (!read)
    return read.error();
  if (!whole)
    return unreadable("entry " + std::to_string(next));
  return out;
}

result<void> raft_partition::open(std::uint64_t now_ms) {
  if (auto ended = finish_staged(partition_, rows_); !ended)
    return ended.error();
  const auto row = rows_.get(table::log_meta, log_head_key(partition_));
  if (!row)
    return row.error();
  if (*row) {
    const auto head = log_head_from(**row);
    if (!head)
      return unreadable("its head");
    head_ = *head;
  }
  board_.set_applied(head_.applied);
  board_.set_leads(leads_);
  auto found = stored();
  if (!found)
    return found.error();
  stored_last_ = found->first + found->entries.size() - 1;
  return group_.start(now_ms, std::move(*found));
}

result<void> raft_partition::receive(std::uint64_t now_ms, node_number from, wire_message what) {
  if (auto* plain = std::get_if<message>(&what))
    return group_.receive(now_ms, std::move(*plain));
  if (const auto* fetch = std::get_if<fetch_state>(&what)) {
    if (group_.role() != group_role::leader)
      return {};
    auto part = exports_.part(now_ms, from, *fetch);
    if (part)
      parts_.emplace_back(from, std::move(*part));
    return part || part.error().code == "state_damaged" ? result<void>{}
                                                        : result<void>(part.error());
  }
  return install_ ? tolerate_full_disk(install_->receive(std::get<state_part>(what)))
                  : result<void>{};
}

result<void> raft_partition::tick(std::uint64_t now_ms) {
  exports_.tick(now_ms);
  return now_ms >= group_deadline_ms() ? group_.tick(now_ms) : result<void>{};
}

result<void> raft_partition::trim(std::uint64_t now_ms, log_index up_to) {
  const auto index = std::min<log_index>({up_to, head_.applied, group_.commit()});
  if (installing() || index == 0)
    return {};
  const auto had = group_.snapshot() ? group_.snapshot()->index : 0;
  const auto first = group_.snapshot_taken(now_ms, index, 0);
  if (!first)
    return first.error();
  const auto& mark = group_.snapshot();
  if (!mark || mark->index == had)
    return {};
  trimmed_ = {put(snapshot_key(partition_), encode(*mark)),
              {table::log, log_key(partition_, 0), std::nullopt, log_key(partition_, *first)}};
  return {};
}

result<bool> raft_partition::gather(std::uint64_t now_ms, write_round& round) {
  if (auto done = advance_install(now_ms); !done)
    return done.error();
  auto work = group_.take_work();
  if (group_.lease_until_ms(now_ms) == 0)
    board_.set_contact_until(0); // before the messages that let another one lead
  const auto before = round.rows.size();
  if (work.install && work.install->index <= head_.applied) {
    // The rows are there already: an earlier transfer brought more than its log.
    const auto prefix = key_builder(partition_).take();
    round.rows.push_back(put(snapshot_key(partition_), encode(*work.install)));
    round.rows.push_back({table::log, prefix, std::nullopt, prefix_end(prefix)});
    round.durable = true;
    adopted_ = std::move(work.install);
    stored_last_ = adopted_->index;
    parts_seen_.clear();
  } else if (work.install && !install_) {
    install_ = std::make_unique<state_install>(partition_, rows_, *work.install, now_ms);
  }
  if (work.new_ballot) {
    round.rows.push_back(put(ballot_key(partition_), encode(*work.new_ballot)));
    round.durable = true;
  }
  for (const auto& each : work.appends) {
    if (each.from <= stored_last_) // what follows is replaced: nothing of it may be found later
      round.rows.push_back({table::log, log_key(partition_, each.from), std::nullopt,
                            prefix_end(key_builder(partition_).take())});
    stored_last_ = each.from + each.entries.size() - 1;
    for (std::size_t i = 0; i < each.entries.size(); ++i) {
      const auto& one = *each.entries[i];
      round.stored_bytes += one.bytes.size();
      round.rows.push_back(
          {table::log,
           log_key(partition_, each.from + i),
           encode(logged_entry{one.term, static_cast<std::uint8_t>(one.kind), one.bytes}),
           {}});
    }
    round.durable = true;
  }
  appends_ = std::move(work.appends);
  auto& messages = work.new_ballot ? late_ : early_;
  messages.insert(messages.end(), std::make_move_iterator(work.messages.begin()),
                  std::make_move_iterator(work.messages.end()));
  if (auto done = apply(round); !done)
    return done.error();
  if (!trimmed_.empty()) {
    round.rows.insert(round.rows.end(), trimmed_.begin(), trimmed_.end());
    round.durable = true;
    trimmed_.clear();
  }
  return round.rows.size() > before || !early_.empty() || !late_.empty();
}

/// Entries whose turn it is become rows. They are behind the entries themselves in the same write,
/// or were written before.
result<void> raft_partition::apply(write_round& round) {
  if (installing() || adopted_)
    return {};
  const auto from = head_.applied;
  while (round.applied_bytes < applied_bytes_max) {
    const auto index = head_.applied + parts_seen_.size() + 1;
    if (index > group_.commit())
      break;
    const auto one = group_.entry_at(index);
    if (!one)
      return one.error();
    std::string large;
    for (auto& each : parts_seen_.add(index, *one, large)) {
      round.applied_bytes += each.what->bytes.size();
      const bool last = each.index == index;
      if (auto done = apply_entry(round, each, last ? std::move(large) : std::string{}); !done)
        return done;
      applied_.push_back(std::move(each));
    }
  }
  if (head_.applied > from)
    round.rows.push_back(put(log_head_key(partition_), encode(head_)));
  return {};
}

/// `large`: rows that came ahead of it.
result<void> raft_partition::apply_entry(write_round& round, const applied_entry& one,
                                         std::string large) {
  head_.applied = one.index;
  if (!append_rows(round.rows, large))
    return unreadable("parts before entry " + std::to_string(one.index));
  auto facts = std::move(large);
  if (one.what->kind == entry_kind::batch) {
    const auto proposals = proposals_of(one.what->bytes);
    if (!proposals)
      return unreadable("entry " + std::to_string(one.index));
    for (const auto& each : *proposals) {
      facts += each.facts;
      if (!append_rows(round.rows, each.facts) || !append_rows(round.rows, each.derived))
        return unreadable("entry " + std::to_string(one.index));
    }
  }
  head_.audit = chain(head_.audit, facts);
  return {};
}

void raft_partition::send(std::map<node_number, byte_writer>& out, std::vector<message>& messages) {
  for (const auto& one : messages)
    write_message(out[one.to], partition_, one);
  messages.clear();
}

void raft_partition::send_early(std::map<node_number, byte_writer>& out) {
  if (install_)
    if (const auto fetch = install_->wanted(now_ms_); fetch && group_.leader() != 0)
      write_message(out[group_.leader()], partition_, *fetch);
  send(out, early_);
}

void raft_partition::send_late(std::map<node_number, byte_writer>& out) {
  send(out, late_);
}

result<void> raft_partition::written(std::uint64_t now_ms, log_follower* follower) {
  if (const auto mark = std::exchange(adopted_, {}))
    if (auto done = group_.installed(now_ms, *mark); !done)
      return done;
  for (const auto& each : std::exchange(appends_, {}))
    if (auto done = group_.persisted(now_ms, each); !done)
      return done;
  for (const auto& one : std::exchange(applied_, {})) {
    board_.set_applied(one.index);
    answer(one, follower);
  }
  if (std::exchange(installed_, false) && follower)
    follower->applied(partition_, head_.applied, {});
  tell_leadership(now_ms, follower);
  return {};
}

void raft_partition::answer(const applied_entry& one, log_follower* follower) {
  if (!flights_.empty() && flights_.front().index == one.index) {
    auto landed = std::move(flights_.front());
    flights_.pop_front();
    const bool ours = landed.term == one.what->term;
    for (auto& done : landed.done)
      done(ours ? result<std::uint64_t>(one.index) : result<std::uint64_t>(leadership_lost()));
    if (ours)
      return;
  }
  if (!follower)
    return;
  std::vector<std::string_view> changed;
  if (one.what->kind == entry_kind::batch)
    for (const auto& part : proposals_of(one.what->bytes).value_or(std::vector<logged_proposal>{}))
      changed.push_back(part.changed);
  follower->applied(partition_, one.index, changed);
}

/// What was proposed and is not known to be committed when the leadership ends.
void raft_partition::lose_flights(log_index beyond) {
  parts_away_.clear();
  while (!flights_.empty() && flights_.back().index > beyond) {
    for (auto& done : flights_.back().done)
      done(leadership_lost());
    flights_.pop_back();
  }
  refuse_waiting(not_leader(leads_));
}

void raft_partition::tell_leadership(std::uint64_t now_ms, log_follower* follower) {
  const bool leader = group_.role() == group_role::leader;
  if (leader)
    board_.set_contact_until(group_.lease_until_ms(now_ms));
  leadership now{group_.term(), group_.leader(), false};
  now.here = leader && ((leads_.here && leads_.term == now.term) ||
                        (group_.settled() && head_.applied >= group_.commit()));
  if (now == leads_)
    return;
  const bool ended = leads_.here && !(now.here && now.term == leads_.term);
  if (now.here && !leads_.here)
    led_since_ms_ = now_ms;
  leads_ = now;
  board_.set_leads(now);
  if (ended)
    lose_flights(group_.commit());
  if (!leader)
    exports_.clear();
  if (follower)
    follower->led(partition_, now);
}

result<void> raft_partition::advance_install(std::uint64_t now_ms) {
  now_ms_ = now_ms;
  if (!install_)
    return {};
  const auto done = install_->advance(now_ms);
  if (!done)
    return tolerate_full_disk(done.error());
  if (!*done)
    return {};
  head_ = install_->head();
  parts_seen_.clear();
  lose_flights(0);
  board_.set_applied(head_.applied);
  installed_ = true;
  const auto mark = install_->mark();
  stored_last_ = mark.index;
  install_.reset();
  log::info("log", "the state of a partition was fetched from its leader",
            {{"partition", static_cast<std::int64_t>(number(partition_))},
             {"index", static_cast<std::int64_t>(head_.applied)}});
  return group_.installed(now_ms, mark);
}

void raft_partition::close(const failure& why) {
  for (auto& each : std::exchange(flights_, {}))
    for (auto& done : each.done)
      done(why);
  for (auto& [what, done] : std::exchange(gathered_, {}))
    done(why);
}

/// Leaders beat together, so that a node wakes its peers once for all of them.
std::uint64_t raft_partition::group_deadline_ms() const {
  const auto due = group_.deadline_ms(), beat = options_.group.heartbeat_ms;
  return group_.role() == group_role::leader ? (due + beat - 1) / beat * beat : due;
}

std::uint64_t raft_partition::deadline_ms() const {
  const auto due = group_deadline_ms();
  return install_ ? std::min<std::uint64_t>(due, install_->deadline_ms()) : due;
}

} // namespace troupe::raft
