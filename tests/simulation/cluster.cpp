#include "tests/simulation/cluster.hpp"

#include "persistence/store/entry.hpp"

namespace troupe::test {

namespace {

constexpr std::uint16_t partitions = 2;
/// Of virtual time, once nothing fails any more: for everything, and until the next run ends.
constexpr std::uint64_t heal_ms_max = 1'800'000, next_end_ms_max = 300'000;

} // namespace

cluster_simulation::cluster_simulation(std::uint64_t seed, const fault_mix& mix)
    : stage_(seed, mix), network_(stage_), checks_(stage_),
      clients_(stage_, checks_, [this] { return any_process(); }) {
  settings_.partitions = partitions;
  settings_.executions_max = stage_.percent(30) ? 5 : 0;
  pause_ms_ = stage_.between(10, 200);
  raft::membership members;
  for (std::size_t i = 0; i < size; ++i)
    members.push_back({i + 1, raft::member_role::voter});
  for (std::size_t i = 0; i < size; ++i) {
    auto& at = *nodes_.emplace_back(std::make_unique<node>());
    at.home = this;
    at.number = i + 1;
    at.disk.wrote = [this, &at](const std::vector<row_change>& rows) {
      checks_.wrote(at.disk, rows);
    };
    at.clock.runs_at(stage_.between(1'000 - mix.drift, 1'000 + mix.drift));
    at.clock.move_to(stage_.now());
    std::vector<row_change> rows;
    for (std::uint16_t p = 0; p <= partitions; ++p)
      for (auto& row : raft::first_rows(partition_id{p}, members, log_head{}))
        rows.push_back(std::move(row));
    if (!at.disk.write_batch(std::move(rows), true))
      stage_.broke("no first write");
  }
  for (auto& at : nodes_)
    boot(*at);
  clients_.begin(2 + stage_.random.below(3));
}

cluster_simulation::~cluster_simulation() {
  stage_.forget_all();
  for (auto& at : nodes_)
    at->runs.reset();
}

void cluster_simulation::node::send(raft::node_number to, std::string bytes) {
  const auto size_of_it = bytes.size();
  home->network_.send_log(number, to, size_of_it,
                          [this_home = home, from = number, to, bytes = std::move(bytes)] {
                            if (auto& there = *this_home->nodes_[to - 1]; there.runs)
                              there.runs->log().receive(from, bytes);
                          });
}

process* cluster_simulation::any_process() {
  auto& at = any();
  return at.runs.get();
}

void cluster_simulation::boot(node& at) {
  at.disk.revive();
  at.clock.move_to(stage_.now());
  at.frozen_until = 0;
  at.runs = std::make_unique<process>(process_needs{stage_, network_, at.disk, at.clock, checks_,
                                                    book_, settings_, at.number, ++incarnations_,
                                                    at, [this](std::uint64_t number) {
                                                      auto& runs = nodes_[number - 1]->runs;
                                                      return runs ? runs->link() : nullptr;
                                                    }});
  want_members();
}

/// A process that dies loses nothing that it wrote; a machine loses what was not synced.
void cluster_simulation::crash(node& at) {
  ++stage_.suffered.crashes;
  stage_.trace(at.number * 1'000 + 1);
  at.runs.reset();
  if (!stage_.percent(stage_.faults.power))
    return;
  const auto kept = stage_.random.below(at.disk.unsynced() + 1);
  stage_.suffered.unsynced_lost += at.disk.unsynced() - kept;
  at.disk.lose_unsynced(kept);
}

void cluster_simulation::want_members() {
  std::vector<raft::wanted_member> all;
  for (const auto& at : nodes_)
    all.push_back({at->number, raft::member_role::voter, !at->drained});
  for (const auto& at : nodes_)
    if (at->runs)
      at->runs->log().want(all);
}

void cluster_simulation::watch_leaders(node& at) {
  for (std::uint16_t p = 0; p <= partitions; ++p)
    if (const auto now = at.runs->log().leads(partition_id{p}); now.here)
      checks_.led(at.number, partition_id{p}, now.term);
}

void cluster_simulation::work(node& at) {
  ++stage_.done.steps;
  at.runs->work();
  if (at.disk.dead)
    return crash(at);
  watch_leaders(at);
}

/// To the next thing that is due, or a little on while others still work.
void cluster_simulation::pass_time(bool idle) {
  auto until = stage_.next();
  for (const auto& at : nodes_)
    if (at->runs)
      until =
          std::min(until, std::max(at->frozen_until, at->clock.true_at(at->runs->deadline_ms())));
  until = std::max(until, stage_.now() + 1);
  stage_.move_to(idle ? until : std::min(until, stage_.now() + 1 + stage_.random.below(3)));
  for (const auto& at : nodes_) {
    at->clock.move_to(stage_.now());
    if (at->awake())
      at->runs->time_passed();
  }
  stage_.run_due();
}

void cluster_simulation::suffer_a_clock(node& at) {
  const auto ms = stage_.random.below(2) ? stage_.random.below(20'000) : stage_.random.below(500);
  at.clock.jump(stage_.percent(50) ? static_cast<std::int64_t>(ms)
                                   : -static_cast<std::int64_t>(ms));
  ++stage_.suffered.jumps;
}

void cluster_simulation::suffer() {
  auto& at = any();
  const auto& how = stage_.faults;
  auto& count = stage_.suffered;
  if (at.runs && stage_.permille(how.crash)) {
    if (stage_.percent(40))
      return crash(at);
    at.disk.die_in(1 + stage_.random.below(6), stage_.percent(50));
    ++count.in_a_write;
  }
  if (at.runs && stage_.permille(how.full)) {
    at.disk.full = !at.disk.full;
    count.full_disks += at.disk.full;
  }
  if (stage_.permille(how.cut)) {
    const auto a = 1 + stage_.random.below(size), b = 1 + stage_.random.below(size);
    if (network_.cuts() < 3 && a != b) {
      network_.cut(a, b);
      ++count.cuts;
    } else {
      network_.mend();
    }
  }
  if (at.runs && stage_.permille(how.freeze)) {
    at.frozen_until = stage_.now() + stage_.between(50, 3'000);
    ++count.frozen;
  }
  if (stage_.permille(how.jump))
    suffer_a_clock(at);
  if (stage_.permille(how.transfer)) {
    at.drained = !at.drained;
    count.transfers += at.drained;
    want_members();
  }
  if (at.runs && stage_.permille(how.trim)) {
    const partition_id p{static_cast<std::uint16_t>(stage_.random.below(partitions + 1))};
    at.runs->log().trim_log(p, at.runs->log().applied(p));
    ++count.trims;
  }
}

void cluster_simulation::step() {
  if (!healing_)
    suffer();
  std::vector<node*> ready;
  for (const auto& at : nodes_)
    if (at->awake() && at->runs->has_work())
      ready.push_back(at.get());
  if (!ready.empty() && !stage_.percent(5)) {
    work(*ready[stage_.random.below(ready.size())]);
  } else {
    pass_time(ready.empty());
    for (const auto& at : nodes_)
      if (!at->runs && (healing_ || stage_.percent(5)))
        boot(*at);
  }
  if (!healing_ && act_at_ <= stage_.now()) {
    act_at_ = stage_.now() + stage_.between(1, 2 * pause_ms_);
    clients_.act();
    if (stage_.percent(10))
      clients_.attend();
  }
}

bool cluster_simulation::all_done() const {
  return what_is_left().empty();
}

std::string cluster_simulation::what_is_left() const {
  if (!clients_.quiet())
    return "a client waits for an answer";
  for (const auto& [id, run] : checks_.runs()) {
    if (!run.ended)
      return "a run does not end: " + troupe::to_text(id);
    for (const auto& child : run.children)
      if (!checks_.runs().contains(child))
        return "a child was never started: " + troupe::to_text(child);
  }
  for (std::uint16_t p = 0; p <= partitions; ++p) {
    const auto at = nodes_.front()->runs->log().applied(partition_id{p});
    const auto prefix = key_builder(partition_id{p}).take();
    for (const auto& one : nodes_) {
      if (one->runs->log().applied(partition_id{p}) != at)
        return "nodes have applied different entries of partition " + std::to_string(p);
      bool any = false;
      (void)one->disk
          .scan(table::outbox, prefix, prefix_end(prefix),
                [&](std::string_view, std::string_view) { return !(any = true); })
          .has_value();
      if (any)
        return "a message of the outbox is left";
    }
  }
  return {};
}

void cluster_simulation::heal() {
  healing_ = true;
  stage_.faults = {};
  network_.mend();
  for (const auto& at : nodes_) {
    at->disk.full = at->drained = false;
    at->frozen_until = 0;
    at->disk.die_in(0, false);
    if (at->runs)
      at->runs->time_passed(); // it may have stood still
    else
      boot(*at);
  }
  want_members();
  const auto until = stage_.now() + heal_ms_max;
  auto look_at = stage_.now(), ended_at = stage_.now();
  std::size_t ended = 0;
  while (stage_.fine() && stage_.now() < std::min(until, ended_at + next_end_ms_max)) {
    step();
    if (look_at > stage_.now())
      continue;
    look_at = stage_.now() + 1'000;
    if (checks_.ended() != std::exchange(ended, checks_.ended()))
      ended_at = stage_.now();
    if (all_done())
      break;
    if (clients_.quiet())
      clients_.attend();
  }
  if (stage_.fine())
    compare();
}

/// Where every log stands.
std::string cluster_simulation::logs() const {
  std::string out;
  for (const auto& one : nodes_)
    for (std::uint16_t p = 0; one->runs && p <= partitions; ++p) {
      const auto& at = one->runs->log().driver().partition(partition_id{p});
      const auto& replica = at.replica();
      out += "node " + std::to_string(one->number) + " partition " + std::to_string(p) + ": role " +
             std::to_string(static_cast<int>(replica.role())) + ", term " +
             std::to_string(replica.term()) + ", leader " + std::to_string(at.leads().leader) +
             ", applied " + std::to_string(one->runs->log().applied(partition_id{p})) +
             ", commit " + std::to_string(replica.commit()) + ", last " +
             std::to_string(replica.last_index()) + ", snapshot " +
             std::to_string(replica.snapshot() ? replica.snapshot()->index : 0) +
             (at.installing() ? ", fetches a state" : "") + "\n";
    }
  return out;
}

std::string cluster_simulation::histories() const {
  auto out = logs();
  for (const auto& [id, run] : checks_.runs()) {
    bool whole = run.ended;
    for (const auto& child : run.children)
      whole = whole && checks_.runs().contains(child);
    if (whole && broken().find(troupe::to_text(id)) == std::string::npos)
      continue;
    out += troupe::to_text(id) + "\n";
    const auto prefix = key_builder(partition_of(id)).id(id.id).take();
    (void)nodes_.front()
        ->disk
        .scan(table::events, prefix, prefix_end(prefix),
              [&](std::string_view, std::string_view value) {
                if (const auto turn = decode_turn(value))
                  out += std::string(turn->text) + "\n";
                return true;
              })
        .has_value();
    out += "\n";
  }
  return out;
}

void cluster_simulation::compare() {
  if (const auto left = what_is_left(); !left.empty())
    return stage_.broke("after healing: " + left);
  clients_.settle_accounts();
  for (const auto& at : nodes_) {
    if (at->runs->crashes() > 0)
      stage_.broke("an actor failed");
    if (at->runs->stuck() > 0)
      stage_.broke("a run was stuck");
    for (std::uint16_t p = 0; p <= partitions; ++p)
      if (at->disk.rows_of(partition_id{p}) != nodes_.front()->disk.rows_of(partition_id{p}))
        stage_.broke("stores differ after healing");
  }
}

} // namespace troupe::test
