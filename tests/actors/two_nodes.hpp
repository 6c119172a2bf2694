// A leader with a whole engine, and what follows from its log on a second node.
#pragma once

#include "actors/engine/following.hpp"
#include "actors/replica/changed_names.hpp"
#include "tests/actors/support.hpp"

#include <set>

namespace troupe::test {

/// What a subscriber was told, and whether it was in order.
class listener final : public subscriber {
public:
  explicit listener(sequence_number since = 0, std::size_t refuse_after = SIZE_MAX)
      : since_(since), left_(refuse_after) {}

  bool on_event(const run_id& run, sequence_number seq, std::string_view,
                const std::shared_ptr<const std::string>& json) override {
    const std::lock_guard lock(mutex_);
    auto& at = runs_[run];
    const auto before = at.last == 0 ? (any_start ? seq - 1 : since_) : at.last;
    in_order_ = in_order_ && seq == before + 1 && at.ends == 0;
    at.last = seq;
    at.texts.push_back(*json);
    if (left_ == 0)
      return false;
    --left_;
    return true;
  }
  bool on_live(const run_id&, std::string_view kind,
               const std::shared_ptr<const std::string>& json) override {
    const std::lock_guard lock(mutex_);
    live_.push_back(std::string(kind) + " " + *json);
    return true;
  }
  void on_end(const run_id& run) override {
    const std::lock_guard lock(mutex_);
    ++runs_[run].ends;
  }

  bool in_order() const {
    const std::lock_guard lock(mutex_);
    return in_order_;
  }
  sequence_number last(const run_id& run) const { return at(run).last; }
  int ends(const run_id& run) const { return at(run).ends; }
  std::vector<std::string> texts(const run_id& run) const { return at(run).texts; }
  std::vector<std::string> live() const {
    const std::lock_guard lock(mutex_);
    return live_;
  }
  bool any_start = false; ///< the first event may be any

private:
  struct told {
    sequence_number last = 0;
    int ends = 0;
    std::vector<std::string> texts;
  };
  told at(const run_id& run) const {
    const std::lock_guard lock(mutex_);
    const auto found = runs_.find(run);
    return found == runs_.end() ? told{} : found->second;
  }
  const sequence_number since_;
  mutable std::mutex mutex_;
  std::size_t left_;
  bool in_order_ = true;
  std::map<run_id, told> runs_;
  std::vector<std::string> live_;
};

/// Keeps the rows that somebody makes.
class row_catcher final : public views {
public:
  void apply(partition_id, std::uint64_t, std::vector<view_change> changes) override {
    for (auto& each : changes)
      rows.push_back(std::move(each));
  }
  std::uint64_t applied(partition_id) const override { return 0; }
  void query(view_query, std::vector<position>, milliseconds, page_ready) override {}
  std::size_t lag() const override { return 0; }
  void clear() override {}
  void sweep(partition_id, row_filter) override {}
  bool wait_for_room(std::size_t, milliseconds) override { return true; }
  std::vector<view_change> rows;
};

/// The second node: no actors, only what follows.
struct second_node final : log_follower {
  memory_store store;
  fake_views lists;
  movable_clock clock;
  engine_settings settings;
  const catalog types;
  std::shared_ptr<gated_views> gate = std::make_shared<gated_views>(lists);
  std::unique_ptr<following> it;
  std::shared_ptr<directory> workflows;
  std::shared_ptr<engine_shared> shared;
  std::atomic<bool> deaf{false}; ///< entries come without a word

  second_node() {
    settings.partitions = 4;
    store.commit_at_once(true);
    for (std::uint16_t p = 0; p <= settings.partitions; ++p)
      lead(p, false);
    it = std::make_unique<following>(store, gate, settings.partitions);
    workflows = std::make_shared<directory>(
        store, compile_context{types, settings.limits, settings.default_retry,
                               [this](std::string_view skill) {
                                 return skill == "echo" || workflows->knows_skill(skill);
                               }});
    shared = std::make_shared<engine_shared>(engine_ports{store, it->log(), *it->lists(), clock},
                                             settings, types);
    shared->gate = it->lists();
    shared->workflows = workflows;
    store.follow(this);
    EXPECT_TRUE(workflows->open());
    it->start(shared, workflows);
  }
  ~second_node() override {
    store.follow(nullptr);
    it->stop();
  }

  void led(partition_id, const leadership&) override {}
  void applied(partition_id partition, std::uint64_t index,
               const std::vector<std::string_view>& changed) override {
    if (!deaf)
      it->applied(partition, index, changed);
  }

  void lead(std::uint16_t partition, bool here) {
    store.elect(partition_id{partition}, {++term, here ? 2u : 1u, here});
  }
  /// As this node's own engine would commit it, rows of lists included.
  void commit(proposal what) {
    const auto partition = what.partition;
    const auto changed = what.changed;
    what.term = 0;
    it->log().propose(std::move(what), [&](const result<std::uint64_t>& index) {
      ASSERT_TRUE(index);
      row_catcher made;
      rebuild_progress ignored;
      std::vector<std::string> names;
      each_name(changed, [&](std::string_view name) { names.emplace_back(name); });
      view_builder builder(shared, made, ignored, [] { return true; });
      ASSERT_TRUE(builder.show(partition, names));
      if (number(partition) == 0)
        for (const auto& name : names) // as control does after a commit
          workflows->refresh(name.substr(0, name.find('/')), name.substr(name.find('/') + 1));
      it->lists()->apply(partition, *index, std::move(made.rows));
    });
  }
  std::uint64_t term = 1;
};

/// The leader's log: what it commits, the second node gets, in order.
class copying_log final : public replicated_log {
public:
  copying_log(memory_store& inner, second_node& to) : inner_(inner), to_(to) {}

  void propose(proposal what, proposal_done done) override {
    const std::lock_guard lock(mutex_);
    auto copy = what;
    bool answered = false;
    result<std::uint64_t> index = 0;
    inner_.propose(std::move(what), [&](const result<std::uint64_t>& at) {
      index = at;
      answered = true;
    });
    EXPECT_TRUE(answered);
    if (index && cut)
      missed_.push_back(std::move(copy));
    else if (index)
      give(std::move(copy));
    done(index);
  }
  std::uint64_t applied(partition_id partition) const override { return inner_.applied(partition); }
  leadership leads(partition_id partition) const override { return inner_.leads(partition); }
  bool may_act(partition_id partition, std::uint64_t term) const override {
    return inner_.may_act(partition, term);
  }
  void follow(log_follower* who) override { inner_.follow(who); }
  queue_size queued() const override { return inner_.queued(); }
  void trim_log(partition_id partition, std::uint64_t up_to) override {
    inner_.trim_log(partition, up_to);
  }

  std::atomic<bool> cut{false};                     ///< nothing gets through
  std::function<void(const proposal&)> before_each; ///< may flip the partition; under the lock

  /// What was missed comes as a whole, as a snapshot would bring it.
  void snapshot() {
    const std::lock_guard lock(mutex_);
    to_.deaf = true;
    std::set<partition_id> of;
    for (auto& each : missed_) {
      of.insert(each.partition);
      to_.store.replicate(each);
    }
    missed_.clear();
    for (const auto partition : of)
      to_.store.trim_log(partition, to_.store.applied(partition));
    to_.deaf = false;
    cut = false;
    for (const auto partition : of)
      to_.it->applied(partition, to_.store.applied(partition), {});
  }

private:
  void give(proposal what) {
    if (before_each)
      before_each(what);
    if (to_.store.leads(what.partition).here)
      to_.commit(std::move(what));
    else
      to_.store.replicate(what);
  }

  memory_store& inner_;
  second_node& to_;
  std::recursive_mutex mutex_;
  std::vector<proposal> missed_;
};

struct two_nodes {
  second_node second;
  node first;
  copying_log log{first.store, second};

  two_nodes() {
    for (std::uint16_t p = 0; p <= 4; ++p)
      EXPECT_EQ(first.store.applied(partition_id{p}), 0u);
    first.log = &log;
    first.reopen();
  }
  ~two_nodes() { first.it.reset(); }

  bool shown() const {
    for (std::uint16_t p = 0; p <= 4; ++p)
      if (second.lists.applied(partition_id{p}) != first.store.applied(partition_id{p}))
        return false;
    return true;
  }
  bool becomes_shown() const {
    return eventually([&] { return shown(); });
  }
  std::shared_ptr<void> follow(const run_id& run, const std::shared_ptr<listener>& who,
                               sequence_number since = 0) {
    return second.it->subscriptions().subscribe(run, since, who);
  }
  std::vector<std::string> events(const run_id& run, sequence_number after = 0) {
    waiting<event_page> page;
    first.it->events(run, after, 100'000, page.answer());
    auto found = page.get();
    return found ? found->items : std::vector<std::string>{};
  }
};

inline constexpr auto asks_once = R"({"name":"ask","nodes":[{"id":"h","name":"h",
  "type":"HUMAN_IN_THE_LOOP","subtype":"APP","parameters":{"notification_type":"approval",
  "title":"May it?","message":"?"}}],"edges":[]})";

} // namespace troupe::test
