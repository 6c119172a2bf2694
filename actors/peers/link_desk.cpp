#include "actors/peers/link_desk.hpp"

#include "actors/api/promise.hpp"
#include "actors/base/link_bytes.hpp"
#include "actors/peers/link_frames.hpp"

#include <array>
#include <condition_variable>
#include <mutex>
#include <random>
#include <set>
#include <thread>
#include <unordered_map>

namespace troupe {

namespace {

using desk_clock = std::chrono::steady_clock;

/// An answer to a question of a former process must not meet one of this process.
std::uint64_t first_id() {
  std::random_device device;
  return (std::uint64_t{device()} << 32) | device();
}

failure nobody_answers() {
  return node_unreachable("nobody answers this there");
}

} // namespace

class link_desk::core : public std::enable_shared_from_this<core> {
public:
  explicit core(link_desk_options options)
      : options_(std::move(options)), next_id_(first_id()),
        joiner_(options_.message_bytes_max, options_.unfinished_bytes_max) {}

  void run();
  void close();
  void ask(std::uint64_t node, link_topic about, std::string bytes,
           std::chrono::milliseconds timeout, answer back);
  void serve(link_topic about, server who);
  void received(std::uint64_t from, std::string bytes);
  void down(std::uint64_t node);

  const link_desk_options& options() const noexcept { return options_; }

private:
  struct question {
    std::uint64_t node = 0;
    desk_clock::time_point until;
    answer back;
  };
  struct desk {
    std::shared_ptr<const server> who;
    std::size_t calls = 0; ///< under way
  };

  bool send(std::uint64_t node, const link_frame& what);
  void settle(std::uint64_t id, std::uint64_t node, result<std::string> with);
  void serve_one(std::uint64_t from, std::uint8_t about, std::string bytes, answer back);
  void answer_to(std::uint64_t node, std::uint64_t id, const result<std::string>& with);

  const link_desk_options options_;
  mutable std::mutex mutex_;
  std::condition_variable changed_; ///< what is due, or the end
  std::condition_variable idle_;    ///< a call or a send is over
  std::uint64_t next_id_;
  std::unordered_map<std::uint64_t, question> pending_;
  std::set<std::pair<desk_clock::time_point, std::uint64_t>> due_;
  std::array<desk, 256> desks_;
  std::size_t sending_ = 0;
  bool closed_ = false;

  std::mutex joining_; ///< pieces of one node come in order: from one thread at a time
  frame_joiner joiner_;
};

/// Ends questions whose time is over.
void link_desk::core::run() {
  std::unique_lock lock(mutex_);
  while (!closed_) {
    const auto now = desk_clock::now();
    if (due_.empty()) {
      changed_.wait(lock);
    } else if (const auto next = due_.begin()->first; next > now) { // a copy: the entry may go
      changed_.wait_until(lock, next);
    } else {
      const auto id = due_.begin()->second;
      const auto node = pending_.at(id).node;
      lock.unlock();
      settle(id, node, node_unreachable("another node did not answer in time"));
      lock.lock();
    }
  }
}

void link_desk::core::close() {
  std::unordered_map<std::uint64_t, question> left;
  {
    std::unique_lock lock(mutex_);
    closed_ = true;
    for (auto& each : desks_)
      each.who.reset();
    changed_.notify_all();
    idle_.wait(lock, [this] {
      for (const auto& each : desks_)
        if (each.calls > 0)
          return false;
      return sending_ == 0;
    });
    left.swap(pending_);
    due_.clear();
  }
  for (auto& [id, each] : left)
    each.back(node_unreachable("the node is stopping"));
}

/// Who answers first has the question; whoever comes later finds nothing.
void link_desk::core::settle(std::uint64_t id, std::uint64_t node, result<std::string> with) {
  answer back;
  {
    const std::lock_guard lock(mutex_);
    const auto at = pending_.find(id);
    if (at == pending_.end() || at->second.node != node)
      return;
    due_.erase({at->second.until, id});
    back = std::move(at->second.back);
    pending_.erase(at);
  }
  back(std::move(with));
}

bool link_desk::core::send(std::uint64_t node, const link_frame& what) {
  {
    const std::lock_guard lock(mutex_);
    if (closed_)
      return false;
    ++sending_;
  }
  bool fine = what.bytes.size() <= options_.message_bytes_max;
  if (fine)
    for (auto& piece : cut(what, options_.piece_bytes_max))
      if (fine = options_.send(node, std::move(piece)); !fine)
        break;
  {
    const std::lock_guard lock(mutex_);
    --sending_;
  }
  idle_.notify_all();
  return fine;
}

void link_desk::core::ask(std::uint64_t node, link_topic about, std::string bytes,
                          std::chrono::milliseconds timeout, answer back) {
  const auto until = desk_clock::now() + std::max(timeout, std::chrono::milliseconds(0));
  std::uint64_t id = 0;
  {
    const std::lock_guard lock(mutex_);
    if (!closed_ && pending_.size() < options_.pending_max) {
      id = ++next_id_;
      if (due_.empty() || until < due_.begin()->first)
        changed_.notify_all();
      due_.emplace(until, id);
      pending_.emplace(id, question{node, until, std::move(back)});
    }
  }
  if (back)
    return back(node_unreachable("too many questions wait for other nodes"));
  const auto topic = static_cast<std::uint8_t>(about);
  if (node == options_.self)
    return serve_one(node, topic, std::move(bytes),
                     [weak = weak_from_this(), id, node](result<std::string> with) {
                       if (const auto self = weak.lock())
                         self->settle(id, node, std::move(with));
                     });
  if (!send(node, {link_frame::kind_of::question, topic, id, std::move(bytes)}))
    settle(id, node, node_unreachable("there is no connection to another node"));
}

void link_desk::core::serve(link_topic about, server who) {
  auto& at = desks_[static_cast<std::uint8_t>(about)];
  std::unique_lock lock(mutex_);
  at.who = who ? std::make_shared<const server>(std::move(who)) : nullptr;
  idle_.wait(lock, [&] { return at.calls == 0; });
}

void link_desk::core::serve_one(std::uint64_t from, std::uint8_t about, std::string bytes,
                                answer back) {
  auto& at = desks_[about];
  std::shared_ptr<const server> who;
  {
    const std::lock_guard lock(mutex_);
    who = at.who;
    at.calls += who ? 1 : 0;
  }
  if (!who)
    return back(nobody_answers());
  // Dropped unanswered, it answers by itself.
  const promise<std::string> once(std::move(back));
  (*who)(from, std::move(bytes), [once](result<std::string> with) { once(std::move(with)); });
  {
    const std::lock_guard lock(mutex_);
    --at.calls;
  }
  idle_.notify_all();
}

void link_desk::core::answer_to(std::uint64_t node, std::uint64_t id,
                                const result<std::string>& with) {
  const auto refuse = [&](const failure& why) {
    link_writer to;
    write_failure(to, why);
    send(node, {link_frame::kind_of::refusal, 0, id, to.take()});
  };
  if (!with)
    refuse(with.error());
  else if (with->size() > options_.message_bytes_max)
    refuse({failure_kind::too_large, "answer_too_large", "the answer is too large", {}, {}});
  else
    send(node, {link_frame::kind_of::answer, 0, id, *with});
}

void link_desk::core::received(std::uint64_t from, std::string bytes) {
  std::optional<link_frame> whole;
  {
    const std::lock_guard lock(joining_);
    whole = joiner_.add(from, bytes);
  }
  if (!whole)
    return;
  if (whole->kind == link_frame::kind_of::question)
    return serve_one(from, whole->topic, std::move(whole->bytes),
                     [weak = weak_from_this(), from, id = whole->id](result<std::string> with) {
                       if (const auto self = weak.lock())
                         self->answer_to(from, id, with);
                     });
  if (whole->kind == link_frame::kind_of::answer)
    return settle(whole->id, from, std::move(whole->bytes));
  link_reader in(whole->bytes);
  auto why = read_failure(in);
  settle(whole->id, from, in.ok() ? std::move(why) : link_malformed());
}

void link_desk::core::down(std::uint64_t node) {
  {
    const std::lock_guard lock(joining_);
    joiner_.forget(node);
  }
  std::vector<answer> lost;
  {
    const std::lock_guard lock(mutex_);
    for (auto at = pending_.begin(); at != pending_.end();) {
      if (at->second.node != node) {
        ++at;
        continue;
      }
      due_.erase({at->second.until, at->first});
      lost.push_back(std::move(at->second.back));
      at = pending_.erase(at);
    }
  }
  for (auto& back : lost)
    back(node_unreachable("the connection to another node broke"));
}

link_desk::link_desk(link_desk_options options)
    : core_(std::make_shared<core>(std::move(options))), timer_([core = core_] { core->run(); }) {}

link_desk::~link_desk() {
  core_->close();
  timer_.join();
}

std::uint64_t link_desk::self() const {
  return core_->options().self;
}

std::vector<std::uint64_t> link_desk::others() const {
  const auto& ask = core_->options().others;
  return ask ? ask() : std::vector<std::uint64_t>{};
}

void link_desk::ask(std::uint64_t node, link_topic about, std::string bytes,
                    std::chrono::milliseconds timeout, answer back) {
  core_->ask(node, about, std::move(bytes), timeout, std::move(back));
}

void link_desk::serve(link_topic about, server who) {
  core_->serve(about, std::move(who));
}

void link_desk::received(std::uint64_t from, std::string bytes) {
  core_->received(from, std::move(bytes));
}

void link_desk::down(std::uint64_t node) {
  core_->down(node);
}

} // namespace troupe
