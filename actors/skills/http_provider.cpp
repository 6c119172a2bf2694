#include "actors/skills/http_provider.hpp"

#include <algorithm>

namespace troupe {

struct http_provider::job final : skill_call, std::enable_shared_from_this<job> {
  job(std::weak_ptr<http_provider> o, http_step s, skill_done d, byte_budget* budget)
      : owner(std::move(o)), step(std::move(s)), done(std::move(d)),
        claim(budget, budget_kind::calls, sizeof(job) + step.request.body.capacity()) {}
  void abort() override {
    if (const auto alive = owner.lock())
      alive->drop(shared_from_this());
  }

  std::weak_ptr<http_provider> owner;
  http_step step;
  skill_done done;
  byte_claim claim;
  std::shared_ptr<http::call> call; ///< under the owner's lock
  bool running = false, aborted = false;
};

http_provider::http_provider(http::client& client, const engine_clock& clock, http_limits limits)
    : client_(client), clock_(clock), limits_(limits) {}

std::shared_ptr<skill_call> http_provider::start(skill_task what, skill_done done, skill_live) {
  auto step = make_http_step(what);
  if (!step) {
    done(failed_attempt(step.error().code, step.error().message, false));
    return nullptr;
  }
  auto made =
      std::make_shared<job>(weak_from_this(), std::move(*step), std::move(done), limits_.budget);
  bool now = false;
  {
    // Whoever waits already waits for a place that this one cannot give: order is kept.
    const std::lock_guard lock(mutex_);
    now = take(made);
    if (!now)
      waiting_.push_back(made);
  }
  if (now)
    launch(made);
  return made;
}

bool http_provider::take(const job_ptr& what) {
  if (running_.size() >= limits_.running_max)
    return false;
  auto& used = per_host_[what->step.host];
  if (used >= limits_.per_host_max)
    return false;
  ++used;
  ++calls_;
  what->running = true;
  running_.emplace(what.get(), what);
  return true;
}

http_provider::job_ptr http_provider::take_next() {
  for (auto at = waiting_.begin(); at != waiting_.end(); ++at)
    if (take(*at)) {
      auto out = std::move(*at);
      waiting_.erase(at);
      return out;
    }
  return nullptr;
}

void http_provider::launch(const job_ptr& what) {
  auto call =
      client_.start(std::move(what->step.request),
                    [self = shared_from_this(), what](result<http::incoming_response> answer) {
                      self->finished(what, std::move(answer));
                    });
  bool late = false;
  {
    const std::lock_guard lock(mutex_);
    if (what->running)
      what->call = call;
    late = what->running && what->aborted;
  }
  if (late && call)
    call->abort();
}

void http_provider::finished(const job_ptr& what, result<http::incoming_response> answer) {
  job_ptr next;
  bool wanted = false;
  {
    const std::lock_guard lock(mutex_);
    what->running = false;
    what->call.reset();
    wanted = !what->aborted;
    failures_ += answer ? 0 : 1;
    running_.erase(what.get());
    const auto used = per_host_.find(what->step.host);
    if (used != per_host_.end() && --used->second == 0)
      per_host_.erase(used);
    next = take_next();
  }
  if (wanted)
    what->done(http_outcome(what->step, std::move(answer), clock_.now()));
  what->done = nullptr;
  if (next)
    launch(next);
}

void http_provider::drop(const job_ptr& what) {
  std::shared_ptr<http::call> call;
  {
    const std::lock_guard lock(mutex_);
    what->aborted = true;
    call = what->call;
    std::erase(waiting_, what);
  }
  if (call)
    call->abort();
}

void http_provider::abort_all() {
  std::vector<job_ptr> all;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [key, each] : running_)
      all.push_back(each);
    waiting_.clear();
  }
  for (const auto& each : all)
    each->abort();
}

http_provider::load http_provider::current() const {
  const std::lock_guard lock(mutex_);
  return {running_.size(), waiting_.size(), calls_, failures_};
}

} // namespace troupe
