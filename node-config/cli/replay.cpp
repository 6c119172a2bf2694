// replay: every stored history folded, and decided anew.
#include "runtime/engine/replay.hpp"
#include "node-config/cli/commands.hpp"
#include "node-config/cli/offline.hpp"

#include <CLI/CLI.hpp>

#include <chrono>
#include <cstdio>

namespace troupe::cli {

namespace {

struct replay_options {
  std::string data_dir = "troupe-data", run, mode = "fold";
  bool all = false, redecide = false;
};

struct replay_count {
  std::uint64_t runs = 0, events = 0, different = 0;
};

/// One run's turns, gathered until the next run begins.
class replayer {
public:
  replayer(const rocks_store& store, bool redecide, replay_count& count)
      : store_(store), redecide_(redecide), count_(count) {}

  result<void> take(const stored_turn& turn) {
    if (turn.run != run_)
      if (auto done = finish(); !done)
        return done;
    run_ = turn.run;
    auto events = decode_events(turn.row.text);
    if (!events)
      return events.error();
    turns_.push_back(std::move(*events));
    return {};
  }

  result<void> finish() {
    if (turns_.empty())
      return {};
    const auto turns = std::exchange(turns_, {});
    ++count_.runs;
    const auto* start = std::get_if<events::execution_started>(&turns.front().front().what);
    if (!start)
      return damaged("The history does not begin with execution_started.");
    const auto p = plan(*start);
    if (!p)
      return p.error();
    return redecide_ ? decide_again(**p, turns) : fold_all(**p, turns);
  }

private:
  failure damaged(const std::string& message) const {
    return {failure_kind::internal, "history_malformed", to_text(run_) + ": " + message, {}, {}};
  }

  result<plan_ptr> plan(const events::execution_started& start) {
    auto& known = plans_[start.definition];
    if (known)
      return known;
    auto made = plan_of(store_, run_, start);
    if (made)
      known = *made;
    return made;
  }

  result<void> fold_all(const troupe::plan& p, const std::vector<std::vector<event>>& turns) {
    std::vector<event> history;
    for (const auto& turn : turns)
      history.insert(history.end(), turn.begin(), turn.end());
    count_.events += history.size();
    const auto state = fold(p, run_, history);
    return state ? result<void>{} : damaged(state.error().message);
  }

  result<void> decide_again(const troupe::plan& p, const std::vector<std::vector<event>>& turns) {
    stored_blobs blobs{store_, partition_of(run_)};
    const auto partitions = store_.partitions();
    const auto compared = redecide(p, run_, turns, [&](instant now) {
      return decide_context{.now = now, .blobs = blobs, .limits = {}, .partitions = partitions};
    });
    if (!compared)
      return damaged(compared.error().message);
    count_.events += compared->events;
    if (compared->equal())
      return {};
    ++count_.different;
    const auto& first = *compared->first;
    std::fprintf(stderr, "%s differs at sequence %llu\n  recorded %s\n  decided  %s\n",
                 to_text(run_).c_str(), static_cast<unsigned long long>(first.seq),
                 first.recorded.c_str(), first.decided.c_str());
    return {};
  }

  const rocks_store& store_;
  bool redecide_;
  replay_count& count_;
  run_id run_{};
  std::vector<std::vector<event>> turns_;
  std::map<std::string, plan_ptr> plans_;
};

int replay_offline(const replay_options& options) {
  std::optional<run_id> only;
  if (!options.run.empty()) {
    only = run_id_from_text(options.run);
    if (!only)
      return print_failure({failure_kind::invalid,
                            "usage",
                            "'" + options.run + "' is not the id of an execution.",
                            {},
                            {}});
  }
  const auto store = open_existing(options.data_dir);
  if (!store)
    return print_failure(store.error()), exit_code::failed;
  const auto began = std::chrono::steady_clock::now();
  replay_count count;
  replayer work{**store, options.redecide || options.mode == "decide", count};
  auto done = each_turn(**store, (*store)->partitions(), only,
                        [&](const stored_turn& turn) { return work.take(turn); });
  if (done)
    done = work.finish();
  if (!done)
    return print_failure(done.error()), exit_code::failed;
  const auto seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  std::printf("%s: %llu runs, %llu events, %llu different, %.3f s, %.0f events/s\n",
              count.different == 0 ? "ok" : "different",
              static_cast<unsigned long long>(count.runs),
              static_cast<unsigned long long>(count.events),
              static_cast<unsigned long long>(count.different), seconds,
              static_cast<double>(count.events) / std::max(seconds, 1e-9));
  return count.different == 0 && (count.runs > 0 || !only) ? exit_code::ok : exit_code::failed;
}

} // namespace

void add_replay(CLI::App& app, context& c) {
  auto* replay =
      app.add_subcommand("replay", "Check that stored histories lead to the same states");
  auto options = std::make_shared<replay_options>();
  replay->add_option("execution", options->run, "only this execution");
  replay->add_flag("--all", options->all, "every execution (the default without an id)");
  replay->add_flag("--redecide", options->redecide, "decide every recorded fact anew");
  replay->add_option("--mode", options->mode, "fold or decide")
      ->check(CLI::IsMember({"fold", "decide"}));
  replay->add_option("--data-dir", options->data_dir, "data directory of a stopped node")
      ->envname("TROUPE_DATA_DIR");
  replay->footer("Example: troupe replay --redecide --data-dir troupe-data");
  replay->callback([&c, options] { c.run = [options] { return replay_offline(*options); }; });
}

} // namespace troupe::cli
