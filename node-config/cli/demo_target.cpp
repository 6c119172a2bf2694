#include "node-config/cli/demo_target.hpp"

namespace troupe::cli {

demo_target::~demo_target() {
  server_.reset();
  {
    const std::lock_guard lock(mutex_);
    ends_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable())
    thread_.join();
}

result<void> demo_target::start() {
  http::handlers all;
  all.head = [](const http::request&, std::size_t&) { return std::nullopt; };
  all.serve = [this](const http::request& r, std::shared_ptr<http::responder> to) {
    take(r, std::move(to));
  };
  all.upgrade = [](const http::request&, const std::shared_ptr<http::websocket>&)
      -> std::variant<http::response, http::websocket_events> {
    return http::response{404, {}, {}, {}};
  };
  all.decorate = [](const http::request&, http::response&) {};
  all.problem = [](const http::request&, const failure&) {
    return http::response{400, {}, {}, {}};
  };
  auto server = http::start_server({}, std::move(all));
  if (!server)
    return server.error();
  server_ = std::move(*server);
  thread_ = std::thread([this] { answer_late(); });
  return {};
}

void demo_target::take(const http::request& r, std::shared_ptr<http::responder> to) {
  {
    const std::lock_guard lock(mutex_);
    auto& here = effects_[r.path];
    ++here.times;
    ++calls_;
    here.keys.emplace(r.header("idempotency-key"));
    late_.push_back({clock::now() + takes_, std::move(to)});
  }
  wake_.notify_all();
}

void demo_target::answer_late() {
  std::unique_lock lock(mutex_);
  while (!ends_) {
    if (late_.empty()) {
      wake_.wait(lock);
    } else if (late_.front().due > clock::now()) {
      wake_.wait_until(lock, late_.front().due);
    } else {
      const auto to = std::move(late_.front().to);
      late_.pop_front();
      lock.unlock();
      to->send({200, {{"Content-Type", "application/json"}}, R"({"done":true})", {}});
      lock.lock();
    }
  }
}

std::size_t demo_target::calls() const {
  const std::lock_guard lock(mutex_);
  return calls_;
}

std::map<std::string, demo_target::effect> demo_target::effects() const {
  const std::lock_guard lock(mutex_);
  return effects_;
}

} // namespace troupe::cli
