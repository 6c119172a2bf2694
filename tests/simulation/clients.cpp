#include "tests/simulation/clients.hpp"

#include "tests/simulation/workload.hpp"

namespace troupe::test {

namespace {

constexpr std::uint64_t patience_ms = 4'000;
/// Where only one may run at a time, more would take too long to end.
constexpr std::uint64_t starts_max = 80;

/// What a client asks again for; anything else is an answer.
bool again(const failure& why) {
  return why.kind == failure_kind::unavailable || why.kind == failure_kind::storage_full ||
         why.kind == failure_kind::exhausted || why.code == "workflow_not_found";
}

} // namespace

void clients::begin(std::size_t workflows) {
  for (std::size_t i = 0; i < workflows; ++i) {
    const auto id = "w" + std::to_string(i);
    const auto child = i > 0 && stage_.percent(50) ? "w" + std::to_string(i - 1) : std::string();
    definitions_.emplace_back(id, random_workflow(stage_.random.next(), child));
  }
  save_next();
}

/// One after the other: who knows a workflow has applied those that it calls.
void clients::save_next() {
  const auto& [id, definition] = definitions_[saved_];
  run([this, id = id, definition = definition](process& at, const outcome& told) {
    at.save_workflow(id, definition, [this, told](const result<workflow_ptr>& saved) {
      const bool first = told(saved ? nullptr : &saved.error());
      if (saved && first && ++saved_ < definitions_.size())
        save_next();
    });
  });
}

/// Until somebody answers.
void clients::run(attempt what) {
  ++waiting_;
  ++stage_.done.operations;
  go(std::make_shared<errand>(errand{std::move(what)}));
}

void clients::go(const std::shared_ptr<errand>& one) {
  if (one->done)
    return;
  const auto number = ++one->tries;
  const auto retry = [this, one, number](std::uint64_t in_ms) {
    stage_.later(in_ms, [this, one, number] {
      if (!one->done && one->tries == number)
        go(one);
    });
  };
  auto* at = any_();
  if (!at)
    return retry(stage_.between(100, 500));
  retry(patience_ms);
  one->what(*at, [this, one, retry](const failure* why) {
    if (one->done)
      return false;
    if (why && again(*why)) {
      retry(stage_.between(20, 300));
      return false;
    }
    one->done = true;
    --waiting_;
    if (why && why->kind == failure_kind::internal)
      stage_.broke("an answer of kind internal: " + why->code + " " + why->message);
    stage_.done.acknowledged += !why;
    return true;
  });
}

void clients::start() {
  ++starts_;
  start_request what;
  what.workflow_id = definitions_[stage_.random.below(definitions_.size())].first;
  what.input = share(json::object{{"n", next_}});
  what.priority = stage_.percent(20) ? "high" : "normal";
  const auto key = "k" + std::to_string(++next_);
  what.idempotency_key = key;
  what.body_digest = "digest of " + key;
  if (stage_.percent(20))
    what.wait = milliseconds(2'000);
  run([this, what, key](process& at, const outcome& told) {
    at.start(what, [this, key, told](const result<started_run>& begun) {
      if (begun) {
        const auto [was, fresh] = started_.try_emplace(key, begun->id);
        if (!fresh && was->second != begun->id)
          stage_.broke("one key has two runs: " + key);
        if (fresh)
          known_.push_back(begun->id);
        if (!watch_.runs().contains(begun->id))
          stage_.broke("a start is acknowledged before it is committed: " + key);
      }
      told(begun ? nullptr : &begun.error());
    });
  });
}

void clients::command(const run_id& run, commands::any what, std::string message_id) {
  clients::run([this, run, what = std::move(what), message_id](process& at, const outcome& told) {
    at.command(run, what, [this, run, message_id, told](const result<done_at>& done) {
      if (done && !message_id.empty())
        signalled_.emplace_back(run, message_id);
      told(done ? nullptr : &done.error());
    });
  });
}

const run_id* clients::any_run() {
  return known_.empty() ? nullptr : &known_[stage_.random.below(known_.size())];
}

void clients::act() {
  if (!ready())
    return;
  const auto kind = stage_.random.below(20);
  const auto* run = any_run();
  if ((kind < 15 && starts_ < starts_max) || !run)
    return start();
  if (kind == 15)
    return command(*run, commands::cancel{"enough", "somebody"}, {});
  if (kind == 16)
    return command(*run, commands::pause{"somebody"}, {});
  if (kind <= 18)
    return command(*run, commands::resume{"somebody"}, {});
  const auto id = "m" + std::to_string(++next_);
  command(*run, commands::signal{"go", value_ref(share(json::object{})), id}, id);
}

void clients::attend() {
  for (const auto& [id, run] : watch_.runs()) {
    if (run.ended || stage_.percent(50))
      continue;
    command(id, commands::resume{"somebody"}, {});
    for (const auto& [node, name] : run.signals) {
      const auto message = "m" + std::to_string(++next_);
      command(id, commands::signal{name, value_ref(share(json::object{})), message}, message);
    }
    for (const auto& review : run.reviews)
      command(id,
              commands::decide_review{review, stage_.percent(50), value_ref(share(json::object{})),
                                      "so be it", "somebody"},
              {});
  }
}

void clients::settle_accounts() const {
  for (const auto& [key, run] : started_)
    if (!watch_.runs().contains(run))
      stage_.broke("an acknowledged start is lost: " + key);
  for (const auto& [run, message] : signalled_) {
    const auto at = watch_.runs().find(run);
    if (at == watch_.runs().end() || !at->second.messages.contains(message))
      stage_.broke("an acknowledged signal is lost: " + message);
  }
}

} // namespace troupe::test
