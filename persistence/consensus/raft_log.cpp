#include "persistence/consensus/raft_log.hpp"

#include "persistence/store/refusals.hpp"
#include "runtime/base/invariant.hpp"
#include "runtime/base/log.hpp"

#include <time.h>

#include <algorithm>

namespace troupe::raft {

namespace {

constexpr std::chrono::milliseconds full_disk_wait{250};
constexpr std::uint64_t publish_every_ms = 100;
/// What peers sent and was not read: beyond, the rest is dropped, as a network may.
constexpr std::size_t messages_max = 4'096;

} // namespace

result<std::unique_ptr<raft_log>> raft_log::open(raft_log_options options, row_store& rows,
                                                 raft_network& network) {
  std::unique_ptr<raft_log> made(new raft_log(std::move(options), rows, network));
  if (auto opened = made->driver_.open(now_ms()); !opened)
    return opened.error();
  made->publish(now_ms());
  made->thread_ = std::thread([log = made.get()] { log->run(); });
  return made;
}

raft_log::raft_log(raft_log_options options, row_store& rows, raft_network& network)
    : options_(std::move(options)), rows_(rows), driver_(options_.driver, rows, network) {}

raft_log::~raft_log() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable())
    thread_.join();
}

/// Goes on while the process is stopped and while the machine sleeps: a lease must end then. Never
/// 0, which means "never" to the driver.
std::uint64_t raft_log::now_ms() {
  timespec now{};
  check(clock_gettime(CLOCK_BOOTTIME, &now) == 0, "the machine has no clock");
  return 1'000 + static_cast<std::uint64_t>(now.tv_sec) * 1'000 +
         static_cast<std::uint64_t>(now.tv_nsec) / 1'000'000;
}

template <class F> void raft_log::enqueue(F add) {
  bool wake = false;
  {
    const std::lock_guard lock(mutex_);
    wake = input_.empty();
    add(input_);
  }
  if (wake)
    wake_.notify_one();
}

void raft_log::settle(std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  waiting_.proposals -= 1;
  waiting_.bytes -= bytes;
  waiting_since_ = std::chrono::steady_clock::now();
  if (options_.budget)
    options_.budget->sub(budget_kind::log, bytes);
}

void raft_log::propose(proposal what, proposal_done done) {
  const auto bytes = size_of(what);
  bool closed = false;
  enqueue([&](input& in) {
    closed = closing_;
    if (closed)
      return;
    if (waiting_.proposals++ == 0)
      waiting_since_ = std::chrono::steady_clock::now();
    waiting_.bytes += bytes;
    if (options_.budget)
      options_.budget->add(budget_kind::log, bytes);
    in.proposals.emplace_back(
        std::move(what), [this, bytes, done = std::move(done)](const result<std::uint64_t>& how) {
          settle(bytes);
          done(how);
        });
  });
  if (closed)
    done(shutting_down());
}

std::uint64_t raft_log::applied(partition_id partition) const {
  return number(partition) < driver_.size() ? driver_.board(partition).applied() : 0;
}

replicated_log::queue_size raft_log::queued() const {
  const std::lock_guard lock(mutex_);
  auto size = waiting_;
  size.refusing = rows_.refusing();
  if (size.proposals > 0)
    size.oldest = std::chrono::duration_cast<std::chrono::milliseconds>(
        std::chrono::steady_clock::now() - waiting_since_);
  return size;
}

void raft_log::trim_log(partition_id partition, std::uint64_t up_to_index) {
  enqueue([&](input& in) { in.trims.emplace_back(partition, up_to_index); });
}

leadership raft_log::leads(partition_id partition) const {
  return number(partition) < driver_.size() ? driver_.board(partition).leads()
                                            : leadership{0, 0, false};
}

bool raft_log::may_act(partition_id partition, std::uint64_t term) const {
  return number(partition) < driver_.size() && driver_.board(partition).may_act(term, now_ms());
}

void raft_log::follow(log_follower* who) {
  const std::lock_guard lock(driving_);
  driver_.follow(who);
}

void raft_log::receive(node_number from, std::string bytes) {
  enqueue([&](input& in) {
    if (in.messages.size() < messages_max)
      in.messages.emplace_back(from, std::move(bytes));
  });
}

void raft_log::want(std::vector<wanted_member> members) {
  enqueue([&](input& in) { in.members = std::move(members); });
}

std::vector<partition_status> raft_log::status() const {
  const std::lock_guard lock(mutex_);
  return status_;
}

void raft_log::publish(std::uint64_t now) {
  if (now < published_ms_ + publish_every_ms)
    return;
  published_ms_ = now;
  std::vector<partition_status> all;
  for (std::size_t i = 0; i < driver_.size(); ++i) {
    const auto& one = driver_.partition(static_cast<partition_id>(i));
    const auto& replica = one.replica();
    auto& out = all.emplace_back();
    out.partition = static_cast<partition_id>(i);
    out.leads = one.leads();
    out.members = replica.members();
    out.commit = replica.commit();
    out.applied = driver_.board(out.partition).applied();
    out.last = replica.last_index();
    if (replica.role() == group_role::leader)
      for (const auto& each : out.members)
        out.matches.emplace_back(each.node, replica.match_index(each.node));
  }
  const std::lock_guard lock(mutex_);
  status_ = std::move(all);
}

/// Gives the driver what gathered, and lets it work that off.
result<void> raft_log::work(input what) {
  const std::lock_guard lock(driving_);
  const auto now = now_ms();
  if (what.members)
    driver_.want(std::move(*what.members));
  for (const auto& [partition, up_to] : what.trims)
    driver_.trim(partition, up_to);
  for (const auto& [from, bytes] : what.messages)
    if (auto done = driver_.receive(now, from, bytes); !done)
      return done;
  for (auto& [one, done] : what.proposals)
    driver_.propose(std::move(one), std::move(done));
  auto done = driver_.run(now);
  publish(now);
  return done;
}

void raft_log::run() {
  bool stuck = false; // on a full disk: nothing may go in before what is under way is written
  for (;;) {
    input taken;
    {
      std::unique_lock lock(mutex_);
      const auto now = now_ms();
      const auto wait = stuck
                            ? full_disk_wait
                            : std::chrono::milliseconds(std::max(driver_.deadline_ms(), now) - now);
      wake_.wait_for(lock, wait, [&] { return closing_ || (!stuck && !input_.empty()); });
      if (closing_)
        break;
      std::swap(taken, input_);
    }
    if (options_.before_round && !taken.proposals.empty())
      options_.before_round();
    if (stuck) {
      taken.messages.clear();
      for (auto& [one, done] : std::exchange(taken.proposals, {}))
        done(storage_full());
    }
    const auto done = work(std::move(taken));
    stuck = !done && done.error().code == "storage_full";
    if (!done && !stuck && options_.fatal)
      options_.fatal(done.error());
  }
  const std::lock_guard lock(driving_);
  input rest;
  {
    const std::lock_guard queue(mutex_);
    std::swap(rest, input_);
  }
  for (auto& [one, done] : rest.proposals)
    done(shutting_down());
  driver_.close(shutting_down());
}

} // namespace troupe::raft
