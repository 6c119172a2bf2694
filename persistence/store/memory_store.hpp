// The store's in-memory twin: the same rows and the same log without a disk, for tests.
#pragma once

#include "persistence/store/entry.hpp"
#include "persistence/store/store.hpp"

#include <array>
#include <map>
#include <mutex>
#include <utility>
#include <vector>

namespace troupe {

/// Thread-safe. Proposals wait until somebody commits them, so that a test decides what happens
/// before and what after a commit; `done` is called on the committing thread.
class memory_store final : public row_reader, public replicated_log {
public:
  result<std::optional<std::string>> get(table in, std::string_view key) const override;
  result<void> scan(table in, std::string_view from, std::string_view to, const row_visitor& each,
                    bool reverse = false) const override;
  void propose(proposal what, proposal_done done) override;
  std::uint64_t applied(partition_id partition) const override;
  queue_size queued() const override;
  void trim_log(partition_id partition, std::uint64_t up_to_index) override; ///< at once
  leadership leads(partition_id partition) const override;
  bool may_act(partition_id partition, std::uint64_t term) const override;
  void follow(log_follower* who) override;

  /// Commits what is queued now, in as many entries as a real flush would make. Proposals made by
  /// the `done` functions wait for the next call. Returns how many proposals were answered.
  std::size_t commit_all();

  /// From now on every proposal commits inside propose(), what is queued at once.
  void commit_at_once(bool on);

  /// The next `count` proposals that would commit fail with storage_full instead.
  void fail_next(std::size_t count);

  /// Fails what is queued and all later proposals with "shutting_down".
  void close();

  /// From now on the partition is led like this; who follows is told. What is queued under another
  /// leadership fails, with "leadership_lost".
  void elect(partition_id partition, const leadership& now);

  /// Leaders hear no majority (true), or do again.
  void isolate(bool on);

  /// An entry of another node: its rows are applied, and who follows is told.
  void replicate(const proposal& what);

  log_head head(partition_id partition) const;

  /// Puts rows as they are, outside of the log (the state a test starts from).
  void load(const std::vector<row_change>& rows);

private:
  using rows = std::map<std::string, std::string, std::less<>>;
  void change(table in, std::string_view key, const row_change* how, std::string_view value);

  mutable std::mutex mutex_;
  std::array<rows, table_count> tables_;
  std::map<partition_id, log_head> heads_;
  std::vector<std::pair<proposal, proposal_done>> queue_;
  std::size_t failing_ = 0;
  bool at_once_ = false;
  bool closed_ = false;
  std::map<partition_id, leadership> leaders_; ///< those that were elected
  bool isolated_ = false;
  log_follower* follower_ = nullptr;
};

} // namespace troupe
