// A node that leads what a test says.
#pragma once

#include "tests/actors/support.hpp"

#include <algorithm>
#include <atomic>
#include <utility>

namespace troupe::test {

inline constexpr std::uint64_t other_node = 2;

struct led_node : node {
  using node::node;

  void lead(partition_id p, std::uint64_t term) { store.elect(p, {term, 1, true}); }
  void lose(partition_id p, std::uint64_t term) { store.elect(p, {term, other_node, false}); }

  std::uint64_t partitions_open() const {
    return it->status().at("partitions_open").to_number<std::uint64_t>();
  }
  bool opens(std::uint64_t count) {
    return eventually([&] { return partitions_open() == count; });
  }
  std::uint64_t live() const {
    return it->status().at("executions").at("live").to_number<std::uint64_t>();
  }
  /// A run that holds its first HTTP call, and what it answers to who waits for its end.
  std::pair<run_id, waiting<started_run>> begin(const std::string& workflow) {
    const auto calls = http.requests().size();
    start_request what;
    what.workflow_id = workflow;
    what.input = share(json::object{});
    what.wait = milliseconds(600'000);
    waiting<started_run> answer;
    it->start(std::move(what), answer.answer());
    EXPECT_TRUE(http.wait_for_calls(calls + 1));
    return {run_of(http.requests().at(calls)), std::move(answer)};
  }
  /// Lets time pass in steps, until something is so.
  template <class So> bool after_a_while(So so, std::int64_t step_ms = 400) {
    for (int i = 0; i < 300 && !so(); ++i) {
      EXPECT_TRUE(it->move_clock(json::object{{"advance_ms", step_ms}}));
      std::this_thread::sleep_for(milliseconds(5));
    }
    return so();
  }

  /// "run/step/iteration", as the request tells.
  static std::string key_of(const http::outgoing_request& request) {
    for (const auto& [name, value] : request.headers)
      if (name == "Idempotency-Key")
        return value;
    return {};
  }
  static run_id run_of(const http::outgoing_request& request) {
    return run_id_from_text(key_of(request).substr(0, 36)).value_or(run_id{});
  }
};

/// HTTP steps "first", "second" … one after the other.
inline std::string calls_in_a_row(const std::vector<std::string>& steps, std::uint32_t runs_max) {
  json::array list;
  for (const auto& name : steps) {
    json::object step{{"step_id", name},
                      {"skill_type", "http_request"},
                      {"parameters", json::object{{"url", "http://target/" + name}}}};
    if (!list.empty())
      step["depends_on"] = json::array{list.back().at("step_id")};
    list.push_back(std::move(step));
  }
  json::object out{{"name", "calls"}, {"steps", std::move(list)}};
  if (runs_max > 0)
    out["settings"] = json::object{{"max_concurrent_executions", runs_max}};
  return json::write(out);
}

template <class T> void expect_refusal(const result<T>& got, std::string_view code) {
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, code) << got.error().message;
  EXPECT_EQ(got.error().kind, failure_kind::unavailable);
  EXPECT_EQ(got.error().hint == std::to_string(other_node), code == "not_leader");
}

} // namespace troupe::test
