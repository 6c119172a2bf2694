// Drives a run without a store, a clock or a network: commands in, events kept, effects answered by
// a function of the test. Same seed, same trace.
#pragma once

#include "runtime/base/hash.hpp"
#include "runtime/base/prng.hpp"
#include "runtime/engine/decide.hpp"
#include "runtime/engine/effect.hpp"
#include "runtime/engine/names.hpp"
#include "runtime/workflow/compile.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <set>

namespace troupe::test {

/// Blobs in memory; the id is a hash good enough for tests.
class memory_blobs final : public blob_port {
public:
  blob_id save(std::string text) override {
    blob_id id{};
    for (std::size_t part = 0; part < 4; ++part) {
      const auto h = hash64(text, part);
      for (std::size_t i = 0; i < 8; ++i)
        id[part * 8 + i] = static_cast<std::uint8_t>(h >> (8 * i));
    }
    kept_.emplace(id, share(json::parse(text).value()));
    return id;
  }
  result<shared_value> load(const blob_id& id) override {
    const auto found = kept_.find(id);
    if (found == kept_.end())
      return failure{failure_kind::not_found, "blob_missing", "no such blob", {}, {}};
    return found->second;
  }

private:
  std::map<blob_id, shared_value> kept_;
};

inline json::value parsed(std::string_view text) {
  auto v = json::parse(text);
  EXPECT_TRUE(v) << (v ? "" : v.error().message) << "\n" << text;
  return v ? *v : json::value(nullptr);
}

inline plan_ptr plan_of(std::string_view definition) {
  static const catalog types;
  compile_context context{types, {}, {}, [](std::string_view) { return true; }};
  auto made = compile(parsed(definition), context);
  for (const auto& e : made.errors)
    ADD_FAILURE() << e.node << "." << e.field << ": " << e.message;
  return made.executable;
}

inline attempt_outcome succeed(json::value output) {
  attempt_outcome out;
  out.succeeded = true;
  out.ports.push_back({"main", value_ref{share(std::move(output))}});
  return out;
}
inline attempt_outcome fail_with(std::string code, bool retryable) {
  attempt_outcome out;
  out.error = {std::move(code), "it failed", 0, retryable, {}};
  return out;
}

/// One run and its world.
class core_run {
public:
  /// Answers an attempt; nothing: it stays in flight.
  using executor = std::function<std::optional<attempt_outcome>(const effects::run_attempt&)>;

  core_run(plan_ptr p, executor answer, turn_limits limits = {})
      : p_(std::move(p)), answer_(std::move(answer)), limits_(limits) {
    state.id = make_run_id(now, partition_id{1}, 7);
  }

  /// Gives commands; false when the first was refused.
  bool give(std::vector<commands::any> what) {
    const auto before = state.seq;
    auto made = decide(*p_, state, what, context());
    for (auto& e : made.events)
      history.push_back(e);
    if (!made.events.empty())
      turns.push_back(made.events);
    refusals.insert(refusals.end(), made.rejections.begin(), made.rejections.end());
    for (auto& effect : newly_owed(*p_, state, made.events))
      if (auto* attempt = std::get_if<effects::run_attempt>(&effect))
        attempts_.push_back(*attempt);
      else if (std::holds_alternative<effects::proceed>(effect))
        proceed_ = true;
    if (after_turn)
      after_turn();
    return made.rejected.empty() || before != state.seq;
  }

  bool start(json::value input = json::object{}, events::execution_started what = {}) {
    what.input = value_ref{share(std::move(input))};
    what.seed = 42;
    if (what.trigger_type.empty())
      what.trigger_type = "manual";
    return give({commands::start{std::move(what)}});
  }

  /// Does one thing the run is owed. False: nothing to do now.
  bool step() {
    if (proceed_) {
      proceed_ = false;
      return give({commands::proceed{}}), true;
    }
    for (std::size_t i = 0; i < attempts_.size(); ++i) {
      const auto attempt = attempts_[i];
      auto outcome = answer_(attempt);
      if (!outcome)
        continue;
      attempts_.erase(attempts_.begin() + static_cast<std::ptrdiff_t>(i));
      ++executed[attempt.at.node + "/" + to_text(attempt.at.iteration)];
      return give({commands::finish_attempt{attempt.at, attempt.attempt, *outcome}}), true;
    }
    return false;
  }

  /// Moves time to the next timer. False: there is none.
  bool next_timer() {
    const timer_info* first = nullptr;
    std::uint64_t id = 0;
    for (const auto& [timer, info] : state.timers)
      if (info.purpose != timer_purpose::deadline && (!first || info.due < first->due)) {
        first = &info;
        id = timer;
      }
    if (!first)
      return false;
    now = std::max(now, first->due);
    return give({commands::fire_timer{id}});
  }

  /// Runs until the end, or until only people and signals can move it.
  void run(std::size_t steps_max = 100'000) {
    for (std::size_t i = 0; i < steps_max && !terminal(state.status); ++i)
      if (!step() && !next_timer())
        return;
  }

  /// Does all that needs no time to pass.
  void settle() {
    while (!terminal(state.status) && step()) {
    }
  }

  /// As after SIGKILL: state from the history, attempts forgotten and recovered.
  void crash() {
    state = fold();
    attempts_.clear();
    proceed_ = false;
    if (!terminal(state.status) && state.seq > 0)
      give({commands::recover{}});
  }

  run_state fold() const {
    run_state folded;
    folded.id = state.id;
    for (const auto& e : history)
      evolve(*p_, folded, e);
    return folded;
  }

  std::string trace() const {
    std::string text;
    for (const auto& e : history) {
      text += text.empty() ? "" : " ";
      text += kind_of(e.what);
    }
    return text;
  }
  std::size_t count(std::string_view kind) const {
    std::size_t n = 0;
    for (const auto& e : history)
      n += kind_of(e.what) == kind ? 1u : 0u;
    return n;
  }
  const slot& at(std::string_view node) const {
    const auto* found = find_slot(*p_, state, {{}, find_node(*p_, node)});
    EXPECT_NE(found, nullptr) << node;
    return *found;
  }
  json::value output(std::string_view node) {
    auto v = output_of(at(node), blobs);
    return v ? **v : json::value("missing");
  }
  std::string status() const { return std::string{to_text(visible_status(state))}; }
  const plan& the_plan() const { return *p_; }
  std::size_t in_flight() const { return attempts_.size(); }

  run_state state;
  std::vector<event> history;
  std::vector<std::vector<event>> turns; ///< the same events, as they were decided together
  std::vector<rejection> refusals;
  std::map<std::string, int> executed; ///< node/iteration → outcomes delivered
  memory_blobs blobs;
  instant now = from_millis(1'800'000'000'000);
  std::function<void()> after_turn;

  decide_context context_at(instant at) {
    return {at, blobs, limits_, 16, 16, 3, 256, std::chrono::hours{1}};
  }

private:
  decide_context context() { return context_at(now); }

  plan_ptr p_;
  executor answer_;
  turn_limits limits_;
  std::vector<effects::run_attempt> attempts_;
  bool proceed_ = false;
};

/// Echoes the parameters.
inline core_run::executor echo() {
  return [](const effects::run_attempt& a) {
    return succeed(a.parameters.inline_value() ? *a.parameters.inline_value() : json::value{});
  };
}

} // namespace troupe::test
