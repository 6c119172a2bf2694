#include "net/http/core.hpp"

#include "net/http/encode.hpp"
#include "runtime/base/log.hpp"

namespace troupe::http::detail {

namespace {

constexpr std::size_t buffers_kept_max = 64, buffer_capacity_kept_max = 64u << 10;

} // namespace

core::core(server_limits the_limits, handlers the_handlers, byte_budget* the_budget)
    : limits(the_limits), handle(std::move(the_handlers)), budget(the_budget) {}

void core::add(std::shared_ptr<connection> c) {
  c->place_ = live_.size();
  live_.push_back(std::move(c));
}

void core::remove(connection& c) noexcept {
  if (c.place_ == SIZE_MAX)
    return;
  const auto place = std::exchange(c.place_, SIZE_MAX);
  const auto kept = std::move(live_[place]); // ends after the list is in order again
  if (place + 1 != live_.size()) {
    live_[place] = std::move(live_.back());
    live_[place]->place_ = place;
  }
  live_.pop_back();
}

void core::for_each(const std::function<void(connection&)>& f) {
  // Backwards, because `f` may remove the connection it is called with, which moves the last one
  // into its place; callbacks of the owner may remove others.
  for (std::size_t i = live_.size(); i-- > 0;)
    if (i < live_.size()) {
      const auto kept = live_[i];
      f(*kept);
    }
}

void core::start_clock(std::function<void()> each_tick) {
  each_tick_ = std::move(each_tick);
  tick();
}

void core::tick() {
  clock_.expires_after(tick_length);
  clock_.async_wait([this](error_code ec) {
    if (ec)
      return;
    const auto now = std::chrono::steady_clock::now();
    for_each([now](connection& c) { c.tick(now); });
    resume_bodies();
    each_tick_();
    tick();
  });
}

void core::stop_clock() {
  clock_.cancel();
  each_tick_ = [] {};
}

const std::string& core::date() {
  if (const auto now = std::time(nullptr); now != date_of_) {
    date_of_ = now;
    date_ = date_text(now);
  }
  return date_;
}

std::string core::take_buffer() {
  if (buffers_.empty())
    return {};
  auto buffer = std::move(buffers_.back());
  buffers_.pop_back();
  return buffer;
}

void core::give_back(std::string buffer) {
  if (buffers_.size() >= buffers_kept_max || buffer.capacity() > buffer_capacity_kept_max)
    return;
  buffer.clear();
  buffers_.push_back(std::move(buffer));
}

response core::problem(const request& head, const refusal& why) {
  response answer;
  answer.headers = {{"Content-Type", "text/plain; charset=utf-8"}};
  answer.body = why.why.message;
  if (handle.problem) {
    try {
      answer = handle.problem(head, why.why);
    } catch (const std::exception& thrown) {
      log::error("http", "problem threw", {{"what", std::string_view{thrown.what()}}});
    }
  }
  answer.status = why.status;
  return answer;
}

void core::decorate(const request& head, response& answer) {
  if (!handle.decorate)
    return;
  try {
    handle.decorate(head, answer);
  } catch (const std::exception& thrown) {
    log::error("http", "decorate threw", {{"what", std::string_view{thrown.what()}}});
  }
}

admission::admission(std::shared_ptr<core> home, std::shared_ptr<table> by_address,
                     std::string address)
    : home_(std::move(home)), by_address_(std::move(by_address)), address_(std::move(address)) {
  ++home_->connections_open;
  ++(*by_address_)[address_];
}

admission::~admission() {
  if (!home_)
    return;
  --home_->connections_open;
  if (const auto found = by_address_->find(address_); --found->second == 0)
    by_address_->erase(found);
}

} // namespace troupe::http::detail
