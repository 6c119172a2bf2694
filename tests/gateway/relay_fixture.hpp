// Gateways that reach each other over a link in memory, and clients that wait.
#pragma once

#include "actors/gateway/gateway.hpp"
#include "persistence/store/refusals.hpp"
#include "tests/support/fake_engine.hpp"
#include "tests/support/fake_http.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <future>
#include <map>
#include <mutex>

namespace troupe::test {

/// What a link does with questions. Thread-safe.
class link_hub {
public:
  enum class weather { fine, cut_before, cut_after };
  std::atomic<weather> now{weather::fine};
  std::atomic<int> asked{0};

  void put(std::uint64_t node, node_link::server who) {
    const std::lock_guard lock(mutex_);
    servers_[node] = std::move(who);
  }
  void ask(std::uint64_t from, std::uint64_t to, std::string bytes,
           std::chrono::milliseconds patience, node_link::answer back) {
    ++asked;
    node_link::server who;
    {
      const std::lock_guard lock(mutex_);
      last_ = bytes;
      last_patience_ = patience;
      if (const auto found = servers_.find(to); found != servers_.end())
        who = found->second;
    }
    const failure unreachable{failure_kind::unavailable, "node_unreachable", "gone", {}, {}};
    if (!who || now == weather::cut_before)
      return back(unreachable);
    if (now == weather::cut_after) // it happens, and nobody hears of it
      return who(from, std::move(bytes),
                 [back, unreachable](const result<std::string>&) { back(unreachable); });
    who(from, std::move(bytes), std::move(back));
  }
  std::string last() const {
    const std::lock_guard lock(mutex_);
    return last_;
  }
  std::chrono::milliseconds last_patience() const {
    const std::lock_guard lock(mutex_);
    return last_patience_;
  }

private:
  mutable std::mutex mutex_; ///< guards what is below
  std::map<std::uint64_t, node_link::server> servers_;
  std::string last_;
  std::chrono::milliseconds last_patience_{};
};

class fake_link final : public node_link {
public:
  fake_link(link_hub& hub, std::uint64_t self) : hub_(hub), self_(self) {}
  std::uint64_t self() const override { return self_; }
  void ask(std::uint64_t node, link_topic, std::string bytes, std::chrono::milliseconds timeout,
           answer back) override {
    hub_.ask(self_, node, std::move(bytes), timeout, std::move(back));
  }
  void serve(link_topic about, server who) override {
    if (about == link_topic::http)
      hub_.put(self_, std::move(who));
  }

private:
  link_hub& hub_;
  const std::uint64_t self_;
};

/// A stream that several threads write to.
class kept_stream final : public http::stream {
public:
  bool write(std::string bytes) override {
    const std::lock_guard lock(mutex_);
    text_ += bytes;
    return true;
  }
  void close() override {}
  bool open() const noexcept override { return true; }
  void on_close(std::function<void()> gone) override { gone_ = std::move(gone); }
  std::string text() const {
    const std::lock_guard lock(mutex_);
    return text_;
  }
  void end() {
    if (auto gone = std::exchange(gone_, nullptr))
      gone();
  }

private:
  mutable std::mutex mutex_;
  std::string text_;
  std::function<void()> gone_;
};

/// One answer, from whichever thread.
class awaited_answer final : public http::responder {
public:
  void send(http::response what) override {
    if (what.shared_body)
      what.body = *what.shared_body;
    what.shared_body = nullptr;
    answer_.set_value(std::move(what));
  }
  std::shared_ptr<http::stream> begin_stream(http::response head) override {
    stream = std::make_shared<kept_stream>();
    answer_.set_value(std::move(head));
    return stream;
  }
  void on_abort(std::function<void()>) override {}
  std::future<http::response> future() { return answer_.get_future(); }
  std::shared_ptr<kept_stream> stream;

private:
  std::promise<http::response> answer_;
};

/// One node: an engine that leads, or knows who does.
struct relay_node {
  relay_node(link_hub& hub, std::uint64_t number, gateway_settings how = {}) : link(hub, number) {
    engine.led_elsewhere = [this]() -> std::optional<failure> {
      ++questions;
      const auto now = leader.load();
      if (now == link.self())
        return std::nullopt;
      return not_leader({0, now, false});
    };
    how.link = &link;
    made = make_gateway(engine, std::move(how));
    maker.handle = made->handlers();
  }
  ~relay_node() { made.reset(); }

  std::future<http::response> ask(http::request r) {
    std::size_t limit = 0;
    last = std::make_shared<awaited_answer>();
    auto answer = last->future();
    if (auto refused = maker.handle.head(r, limit))
      last->send(std::move(*refused));
    else
      maker.handle.serve(std::move(r), last);
    return answer;
  }
  http::response operator()(std::string_view verb, std::string target, std::string body = {}) {
    auto answer = ask(maker.make(verb, std::move(target), std::move(body)));
    if (answer.wait_for(std::chrono::seconds(10)) != std::future_status::ready) {
      ADD_FAILURE() << "no answer to " << verb;
      return {};
    }
    return answer.get();
  }

  fake_engine engine;
  fake_link link;
  std::atomic<std::uint64_t> leader{1}; ///< as this node sees it; 0: nobody
  std::atomic<int> questions{0};
  fake_client maker; ///< its headers and address are those of every request
  std::shared_ptr<awaited_answer> last;
  std::unique_ptr<gateway> made;
};

inline constexpr const char* relayed_steps =
    R"({"name":"w","steps":[{"step_id":"a","skill_type":"echo","parameters":{"x":1}}]})";

/// Node 2 gets the requests, node 1 leads, node 3 is one more.
struct Relay : ::testing::Test {
  link_hub hub;
  std::unique_ptr<relay_node> one, two, three;
  std::string execute;

  void open(gateway_settings how = {}) {
    for (auto* node : {&one, &two, &three})
      node->reset();
    one = std::make_unique<relay_node>(hub, 1, how);
    two = std::make_unique<relay_node>(hub, 2, how);
    three = std::make_unique<relay_node>(hub, 3, how);
    for (auto* node : {one.get(), two.get(), three.get()}) {
      auto lead = std::exchange(node->engine.led_elsewhere, nullptr);
      node->engine.save_workflow("w", *json::parse(relayed_steps), false, std::nullopt,
                                 [](const result<workflow_ptr>& made) { EXPECT_TRUE(made); });
      node->engine.led_elsewhere = std::move(lead);
    }
    execute = "/api/v1/workflows/w/execute";
  }
  static gateway_settings patient(int milliseconds_) {
    gateway_settings how;
    how.leader_wait = std::chrono::milliseconds(milliseconds_);
    return how;
  }
  void SetUp() override { open(); }
};

} // namespace troupe::test
