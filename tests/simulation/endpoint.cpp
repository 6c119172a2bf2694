#include "tests/simulation/endpoint.hpp"

#include "runtime/base/hash.hpp"

namespace troupe::test {

namespace {

failure upstream(const char* code) {
  return {failure_kind::upstream, code, "the call failed", {}, {}};
}

http::incoming_response answer(unsigned status) {
  return {status, {{"content-type", "application/json"}}, R"({"ok":true})", {}};
}

/// The call arrives, whether its caller is there any more or not.
void execute(stage& on, endpoint_book& book, const std::string& key) {
  on.trace(hash64(key));
  ++on.done.executed;
  on.done.repeated += ++book.executed[key] > 1;
}

} // namespace

class sim_http::held_call final : public http::call {
public:
  held_call(std::weak_ptr<sim_http> of, std::uint64_t id) : of_(std::move(of)), id_(id) {}
  void abort() override {
    if (const auto alive = of_.lock())
      alive->finish(id_, upstream("aborted"));
  }

private:
  const std::weak_ptr<sim_http> of_;
  const std::uint64_t id_;
};

std::shared_ptr<http::call> sim_http::start(http::outgoing_request what, http::call_done done) {
  const auto id = ++next_;
  pending_.emplace(id, std::move(done));
  std::string key;
  for (const auto& [name, text] : what.headers)
    if (name == "Idempotency-Key")
      key = text;
  const auto weak = weak_from_this();
  const auto finish_later = [&](std::uint64_t in_ms, result<http::incoming_response> how) {
    stage_.later(in_ms, [weak, id, how = std::move(how)] {
      if (const auto self = weak.lock())
        self->finish(id, how);
    });
  };
  const auto there = stage_.between(1, 50);
  const auto back = there + stage_.between(1, stage_.percent(20) ? 2'000 : 50);
  const bool faulty = stage_.percent(stage_.faults.endpoint);
  const auto kind = faulty ? stage_.random.below(4) : 4;
  if (kind != 0)
    stage_.later(there, [&on = stage_, &book = book_, key] { execute(on, book, key); });
  switch (kind) {
  case 0: // it never arrived
    ++stage_.suffered.calls_lost;
    finish_later(there, upstream("connect_failed"));
    break;
  case 1: // it was done, and the answer is lost
    ++stage_.suffered.answers_lost;
    finish_later(back, upstream("connection_lost"));
    break;
  case 2:
  case 3:
    ++stage_.suffered.calls_failed;
    finish_later(back, answer(kind == 2 ? 503 : 400));
    break;
  default: finish_later(back, answer(200));
  }
  return std::make_shared<held_call>(weak, id);
}

std::shared_ptr<http::call> sim_http::start_streaming(http::outgoing_request what,
                                                      std::function<void(std::string_view)>,
                                                      http::call_done done) {
  return start(std::move(what), std::move(done));
}

void sim_http::finish(std::uint64_t id, result<http::incoming_response> how) {
  const auto at = pending_.find(id);
  if (at == pending_.end())
    return;
  const auto done = std::move(at->second);
  pending_.erase(at);
  done(std::move(how));
}

void sim_http::die() {
  const auto left = std::exchange(pending_, {});
}

} // namespace troupe::test
