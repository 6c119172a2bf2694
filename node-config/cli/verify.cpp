// What `troupe log verify` checks.
#include "node-config/cli/offline.hpp"

#include <cstdio>

namespace troupe::cli {

namespace {

/// Checks each run's chain: every hash, no gap, every event readable, and that the end is there.
class verifier {
public:
  explicit verifier(const row_reader& rows) : rows_(rows) {}

  result<void> take(const stored_turn& turn) {
    if (turn.run != run_) {
      if (auto whole = finish(); !whole)
        return whole;
      run_ = turn.run;
      ended_ = false;
      next_ = 1;
      last_ = {};
      ++runs_;
    }
    const auto where = to_text(turn.run) + " at sequence " + std::to_string(turn.first_seq);
    if (turn.first_seq != next_)
      return damaged("log_gap", "Events are missing or out of order in run " + where +
                                    ": expected sequence " + std::to_string(next_) + ".");
    if (turn.row.header.previous != last_)
      return damaged("log_broken_chain", "The chain is broken in run " + where + ".");
    if (const auto sound = verify_turn(turn.row, &digest_of); !sound)
      return damaged("log_edited", "Stored events were changed in run " + where + ".");
    const auto events = decode_events(turn.row.text);
    if (!events)
      return damaged(events.error().code,
                     "Events cannot be read in run " + where + ": " + events.error().message);
    for (const auto& e : *events)
      ended_ = std::holds_alternative<events::execution_finished>(e.what) ||
               (ended_ && !std::holds_alternative<events::execution_retried>(e.what));
    events_ += events->size();
    next_ += events->size();
    last_ = turn.row.header.last;
    return {};
  }
  /// After the last turn of a run: a chain cannot tell by itself that its end was cut off, but a
  /// run that has not ended is among the active ones.
  result<void> finish() {
    if (runs_ == 0 || ended_)
      return {};
    for (const bool owing : {false, true}) {
      const auto row = rows_.get(
          table::active, key_builder(partition_of(run_)).u8(owing ? 1 : 0).id(run_.id).take());
      if (!row)
        return row.error();
      if (row->has_value())
        return {};
    }
    return damaged("log_gap", "Events are missing at the end of run " + to_text(run_) +
                                  ": behind sequence " + std::to_string(next_ - 1) + ".");
  }

  std::uint64_t runs() const { return runs_; }
  std::uint64_t events() const { return events_; }

private:
  static failure damaged(std::string code, std::string message) {
    return {failure_kind::internal,
            std::move(code),
            std::move(message),
            "Restore a backup with 'troupe restore'; the other runs are not affected.",
            {}};
  }

  const row_reader& rows_;
  run_id run_{};
  bool ended_ = false;
  sequence_number next_ = 1;
  chain_hash last_{};
  std::uint64_t runs_ = 0, events_ = 0;
};

} // namespace

result<void> verify_log(rocks_store& store, const std::optional<run_id>& only) {
  if (auto files = store.verify_files(); !files)
    return files;
  verifier all{store};
  auto done = each_turn(store, store.partitions(), only,
                        [&](const stored_turn& turn) { return all.take(turn); });
  if (done)
    done = all.finish();
  if (done)
    std::printf("ok: %llu runs, %llu events, every hash matches\n",
                static_cast<unsigned long long>(all.runs()),
                static_cast<unsigned long long>(all.events()));
  return done;
}

} // namespace troupe::cli
