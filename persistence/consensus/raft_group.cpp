#include "persistence/consensus/raft_group.hpp"

#include "persistence/consensus/raft_codec.hpp"
#include "persistence/consensus/raft_state.hpp"
#include "runtime/base/invariant.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace troupe::raft {

namespace {

failure conflict_found(const char* what) {
  return {failure_kind::internal,
          "raft_conflict",
          std::string("the group's log contradicts what it committed: ") + what,
          {},
          {}};
}

failure to_failure(int code) {
  switch (code) {
  case RAFT_NOTLEADER:
  case RAFT_LEADERSHIPLOST:
    return {failure_kind::unavailable, "not_leader", "this node does not lead the group", {}, {}};
  case RAFT_CANTCHANGE:
    return {failure_kind::conflict, "change_under_way", "a membership change is under way", {}, {}};
  case RAFT_NOTFOUND:
  case RAFT_BADID:
    return {failure_kind::invalid, "not_a_voter", "the node is not another voter", {}, {}};
  default: return conflict_found(raft_strerror(code));
  }
}

/// Of a message that only a leader sends.
std::optional<term_number> leader_term(const message& what) {
  if (const auto* appended = std::get_if<append_entries>(&what.what))
    return appended->term;
  if (const auto* snapshot = std::get_if<install_snapshot>(&what.what))
    return snapshot->term;
  return std::nullopt;
}

raft_entry_type to_library(entry_kind kind) noexcept {
  return kind == entry_kind::part ? RAFT_COMMAND : static_cast<raft_entry_type>(kind);
}

/// The payload stays ours; `batch` is what the library frees with the message that brought it.
raft_entry to_library(const entry& what, void* batch) {
  raft_entry out{};
  out.term = what.term;
  out.type = to_library(what.kind);
  out.buf = {const_cast<char*>(what.bytes.data()), what.bytes.size()};
  out.batch = batch;
  return out;
}

raft_snapshot_metadata to_library(const snapshot_mark& mark) {
  raft_snapshot_metadata out{};
  out.index = mark.index;
  out.term = mark.term;
  out.configuration_index = mark.members_index;
  out.configuration = to_library(mark.members);
  return out;
}

} // namespace

group::group(const group_options& options, entry_reader read_entry)
    : options_(options), read_entry_(std::move(read_entry)), raft_(std::make_unique<library>()) {
  auto* r = &raft_->state;
  const auto address = std::to_string(options.self);
  check(raft_init(r, nullptr, nullptr, options.self, address.c_str()) == 0, "out of memory");
  r->tracer = nullptr; // it would format text at every step, and its state is shared by all groups
  raft_seed(r, options.seed);
  raft_set_pre_vote(r, true);
  raft_set_election_timeout(r, static_cast<unsigned>(options.election_timeout_ms));
  raft_set_heartbeat_timeout(r, static_cast<unsigned>(options.heartbeat_ms));
  raft_set_max_inflight_entries(r, options.inflight_entries_max);
}

group::~group() {
  raft_close(&raft_->state, nullptr);
}

result<void> group::start(std::uint64_t now_ms, stored_group stored) {
  check(!raft_->started, "a group starts once");
  raft_->started = true;
  now_ms_ = started_ms_ = now_ms;
  snapshot_ = stored.snapshot;
  if (snapshot_) {
    members_ = snapshot_->members;
    commit_ = snapshot_->index;
  }
  const auto count = stored.entries.size();
  cache_from_ = stored.first + count; // what is stored is read when it is needed
  void* const batch = raft_malloc(1);
  // By the library's own allocator: it frees both when it cannot use them.
  auto* const entries = static_cast<raft_entry*>(raft_malloc((count + 1) * sizeof(raft_entry)));
  for (std::size_t i = 0; i < count; ++i)
    entries[i] = to_library(*stored.entries[i], batch);
  raft_snapshot_metadata mark{};
  if (snapshot_)
    mark = to_library(*snapshot_);
  raft_->state.current_term = stored.last_ballot.term;
  raft_->state.voted_for = stored.last_ballot.voted_for;
  for (const auto& one : stored.entries)
    if (one->kind == entry_kind::members)
      members_ = membership_from(one->bytes).value_or(membership{});
  begin_term_alone();
  raft_event event{};
  event.type = RAFT_START;
  event.start.term = raft_->state.current_term;
  event.start.voted_for = raft_->state.voted_for;
  event.start.metadata = snapshot_ ? &mark : nullptr;
  event.start.start_index = stored.first;
  event.start.entries = entries;
  event.start.n_entries = static_cast<unsigned>(count);
  raft_update update{};
  const auto done = step(now_ms, event, update);
  if (done) {
    raft_free(entries);
    raft_free(batch);
  }
  return done ? advance(now_ms) : done;
}

result<void> group::receive(std::uint64_t now_ms, message from_peer) {
  auto* r = &raft_->state;
  now_ms_ = now_ms;
  if (!may_hear(from_peer))
    return {};
  note_contact(from_peer);
  if (const auto* answer = std::get_if<append_result>(&from_peer.what);
      answer && outdated(from_peer.from, *answer))
    return {};
  if (const auto* snapshot = std::get_if<install_snapshot>(&from_peer.what))
    if (r->snapshot.installing && snapshot->term <= r->current_term)
      return {}; // the library would leak it
  if (const auto former = leader_term(from_peer); former && *former < term())
    return refuse(from_peer);
  auto* appended = std::get_if<append_entries>(&from_peer.what);
  if (appended)
    skip_known(*appended);
  const auto address = std::to_string(from_peer.from);
  auto in = to_library(from_peer, address.c_str());
  std::vector<raft_entry> entries;
  void* batch = nullptr;
  if (appended && !appended->entries.empty()) {
    arriving_ = std::move(appended->entries);
    arriving_from_ = appended->previous_index + 1;
    batch = raft_malloc(1);
    for (const auto& one : arriving_)
      entries.push_back(to_library(*one, batch));
    in.append_entries.entries = entries.data();
    in.append_entries.n_entries = static_cast<unsigned>(entries.size());
  }
  raft_event event{};
  event.type = RAFT_RECEIVE;
  event.receive.message = &in;
  if (in.type == RAFT_TIMEOUT_NOW)
    begin_term_alone();
  if (in.type == RAFT_REQUEST_VOTE)
    return receive_vote_request(now_ms, event);
  raft_update update{};
  const auto done = step(now_ms, event, update);
  if (done && (update.flags & (RAFT_UPDATE_ENTRIES)))
    raft_free(batch); // else the library did
  arriving_.clear();
  return done ? advance(now_ms) : done;
}

result<void> group::tick(std::uint64_t now_ms) {
  if (now_ms >= deadline_ms())
    begin_term_alone();
  raft_event event{};
  event.type = RAFT_TIMEOUT;
  return step(now_ms, event);
}

result<void> group::persisted(std::uint64_t now_ms, const append& what) {
  const auto stands = [&](log_index index) {
    return index >= cache_from_ && index - cache_from_ < cache_.size() &&
           cache_[index - cache_from_] == what.entries[index - what.from];
  };
  auto last = what.from + what.entries.size() - 1;
  while (last >= what.from && !stands(last))
    --last;
  if (last < what.from || last <= raft_->state.last_stored || raft_->state.snapshot.installing)
    return {};
  raft_event event{};
  event.type = RAFT_PERSISTED_ENTRIES;
  event.persisted_entries.index = last;
  return step(now_ms, event);
}

result<void> group::installed(std::uint64_t now_ms, const snapshot_mark& mark) {
  check(raft_->state.snapshot.installing, "no snapshot is being installed");
  snapshot_ = mark;
  commit_ = mark.index;
  cache_.clear();
  cache_bytes_ = 0;
  cache_from_ = mark.index + 1;
  raft_event event{};
  event.type = RAFT_PERSISTED_SNAPSHOT;
  event.persisted_snapshot.metadata = to_library(mark);
  event.persisted_snapshot.last = true;
  return step(now_ms, event);
}

result<log_index> group::submit(std::uint64_t now_ms, entry_kind kind,
                                std::vector<std::string> bytes) {
  check(!bytes.empty(), "a submission has entries");
  if (role() != group_role::leader)
    return to_failure(RAFT_NOTLEADER);
  std::vector<raft_entry> entries;
  arriving_.clear();
  arriving_from_ = last_index() + 1;
  for (auto& text : bytes) {
    arriving_.push_back(std::make_shared<const entry>(entry{term(), kind, std::move(text)}));
    entries.push_back(to_library(*arriving_.back(), this)); // a submission is never freed there
  }
  const auto first = arriving_from_;
  raft_event event{};
  event.type = RAFT_SUBMIT;
  event.submit.entries = entries.data();
  event.submit.n = static_cast<unsigned>(entries.size());
  raft_update update{};
  auto done = step(now_ms, event, update);
  arriving_.clear();
  if (done)
    done = advance(now_ms);
  if (!done)
    return done.error();
  return first;
}

result<log_index> group::change(std::uint64_t now_ms, const membership& to) {
  const member self{options_.self, member_role::voter};
  if (std::find(to.begin(), to.end(), self) == to.end())
    return failure{failure_kind::conflict,
                   "leader_leaves",
                   "the leader cannot leave its own group",
                   "transfer its leadership first",
                   {}};
  return submit(now_ms, entry_kind::members, {encode(to)});
}

result<void> group::transfer(std::uint64_t now_ms, node_number to) {
  now_ms_ = now_ms;
  release_lease();
  raft_event event{};
  event.type = RAFT_TRANSFER;
  event.transfer.server_id = to;
  return step(now_ms, event);
}

result<log_index> group::snapshot_taken(std::uint64_t now_ms, log_index index,
                                        std::uint32_t keep_last) {
  check(index <= commit_, "a snapshot holds committed entries only");
  auto* r = &raft_->state;
  const auto first = [r] { return r->trail.offset + 1; };
  // With a snapshot of the first entry alone the library would send a new node nothing, for ever
  // (found by simulation, 0.22.1). With one that is taken while another is being installed it would
  // go on from the wrong one, and never catch up.
  if (index < 2 || r->snapshot.installing || (snapshot_ && index <= snapshot_->index))
    return first();
  const auto at = entry_at(index);
  if (!at)
    return at.error();
  if (r->configuration_committed_index > index)
    return first(); // the membership at `index` is no longer known: the next snapshot will do
  snapshot_mark mark{index, (*at)->term, from_library(r->configuration_committed),
                     r->configuration_committed_index};
  raft_event event{};
  event.type = RAFT_SNAPSHOT;
  event.snapshot.metadata = to_library(mark);
  event.snapshot.trailing = keep_last;
  snapshot_ = std::move(mark);
  if (auto done = step(now_ms, event); !done)
    return done.error();
  return first();
}

group_work group::take_work() {
  return std::exchange(work_, {});
}

result<void> group::step(std::uint64_t now_ms, raft_event& event, raft_update& update) {
  event.time = now_ms_ = now_ms;
  if (const auto code = raft_step(&raft_->state, &event, &update); code != 0)
    return to_failure(code);
  collect(update);
  return {};
}

result<void> group::step(std::uint64_t now_ms, raft_event& event) {
  raft_update update{};
  const auto done = step(now_ms, event, update);
  return done ? advance(now_ms) : done;
}

void group::collect(const raft_update& update) {
  auto& r = raft_->state;
  if (update.flags & ((RAFT_UPDATE_CURRENT_TERM) | (RAFT_UPDATE_VOTED_FOR)))
    work_.new_ballot = ballot{r.current_term, r.voted_for};
  if (update.flags & (RAFT_UPDATE_ENTRIES)) {
    std::vector<entry_ptr> fresh;
    for (unsigned i = 0; i < update.entries.n; ++i) {
      auto& one = update.entries.batch[i];
      if (&one == &r.barrier) { // the library's own, at the begin of a term
        fresh.push_back(std::make_shared<const entry>(
            entry{one.term, entry_kind::barrier, std::string(8, '\0')}));
        raft_free(one.batch);
        barrier_ = update.entries.index;
        led_ = r.current_term;
      } else {
        const auto at = update.entries.index + i - arriving_from_;
        check(at < arriving_.size(), "an entry appears that nobody sent");
        fresh.push_back(arriving_[at]);
      }
    }
    add_append(update.entries.index, std::move(fresh));
  }
  if (update.flags & (RAFT_UPDATE_SNAPSHOT)) {
    const auto& meta = update.snapshot.metadata;
    work_.install = snapshot_mark{meta.index, meta.term, from_library(meta.configuration),
                                  meta.configuration_index};
    auto configuration = meta.configuration;
    raft_configuration_close(&configuration);
    work_.appends.clear(); // the log is replaced by the snapshot
  }
  for (unsigned i = 0; i < update.messages.n; ++i) {
    const auto& one = update.messages.batch[i];
    if (one.type == RAFT_APPEND_ENTRIES) {
      const auto& args = one.append_entries;
      send_entries(one.server_id,
                   {args.term, args.prev_log_index, args.prev_log_term, args.leader_commit, {}, 0},
                   args.n_entries);
    } else {
      work_.messages.push_back(from_library(one, options_.self, snapshot_));
      stamp(work_.messages.back());
    }
  }
  if (update.flags & (RAFT_UPDATE_STATE)) {
    heard_.clear();
    released_ms_ = 0;
  }
}

/// Feeds the library what follows from a step: memberships that are committed, the barrier of a
/// new term.
result<void> group::advance(std::uint64_t now_ms) {
  auto& r = raft_->state;
  const std::pair now_at{r.configuration_committed_index, r.configuration_uncommitted_index};
  if (std::exchange(members_at_, now_at) != now_at)
    members_ = from_library(r.configuration);
  // While a snapshot is installed, what is committed may be neither in the log nor in the state.
  while (!r.snapshot.installing && commit_ < r.commit_index) {
    const auto at = commit_ + 1;
    commit_ = at;
    const auto one = entry_at(at);
    if (!one)
      return one.error();
    if ((*one)->kind != entry_kind::members)
      continue;
    const auto to = membership_from((*one)->bytes);
    if (!to)
      return conflict_found("a membership cannot be read");
    raft_event event{};
    event.type = RAFT_CONFIGURATION;
    event.configuration.index = at;
    event.configuration.conf = to_library(*to);
    if (auto done = step(now_ms, event); !done)
      return done;
  }
  drop_cached();
  if (role() == group_role::leader && led_ != r.current_term) {
    led_ = r.current_term;
    auto first = submit(now_ms, entry_kind::barrier, {std::string(8, '\0')});
    if (!first)
      return first.error();
    barrier_ = *first;
  }
  return {};
}

} // namespace troupe::raft
