// What writes. A log without peers has one thread for it: it takes everything that gathered while
// the disk was busy, and makes it durable with one batch and one sync. A log with peers is such a
// thread itself, and writes on it.
#pragma once

#include "persistence/rocks/database.hpp"

#include <rocksdb/write_batch.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace troupe::rocks {

///        free space < reserve            the disk refuses
///   open ────────────────────► low ──┐  ┌──────────────── any
///    ▲  ◄──────────────────────      ▼  ▼
///    └──────────────────────────── stopped    (space is back: resume, new log file)
class writer {
public:
  /// Starts the thread. `heads` holds the log head of each partition, by number.
  writer(database& on, const rocks_options& how, std::vector<log_head> heads);
  /// Commits what is queued, then ends the thread.
  ~writer();

  void propose(proposal what, proposal_done done);
  /// Writes rows outside of the log; `done` gets index 0. An empty `done` is allowed.
  void write_rows(std::vector<row_change> rows, proposal_done done);
  /// Rows of a log with peers, on its own thread: taken while the disk is nearly full, and synced
  /// only where they must be.
  result<void> write_now(const std::vector<row_change>& rows, bool durable);

  std::uint64_t applied(partition_id partition) const noexcept;
  std::size_t partition_count() const noexcept { return applied_.size(); }
  replicated_log::queue_size queued() const;
  bool refusing() const noexcept { return disk_ != disk::open; }
  writer_stats stats() const;

private:
  enum class disk { open, low, stopped };
  struct item {
    proposal what;
    proposal_done done;
    std::size_t bytes = 0;
    bool logged = true; ///< false: rows outside of the log, in what.facts
    std::uint64_t index = 0;
    bool refused = false;
    std::chrono::steady_clock::time_point since{};
  };
  using items = std::vector<item>;

  void enqueue(item one);
  void run();
  void flush(items& all, std::size_t from, std::size_t to);
  rocksdb::Status commit(rocksdb::WriteBatch& batch, bool durable);
  void look_at_disk();
  void wake_to_look();
  bool refused_by_disk(const item& one) const noexcept;
  void stop_for_full_disk();
  void try_to_resume();
  bool past_the_cut(std::vector<wal_cut> cuts) const;
  void answer(items& all, std::size_t from, std::size_t to, const failure* why);

  database& database_;
  const std::uint64_t disk_reserve_bytes_;
  byte_budget* const budget_;
  const std::function<void()> before_flush_;
  std::vector<log_head> heads_; ///< touched by this one's thread only
  std::vector<std::atomic<std::uint64_t>> applied_;
  std::atomic<disk> disk_{disk::open};
  wal_cut cut_; ///< where the log stood when the disk refused
  std::chrono::steady_clock::time_point disk_seen_{};
  std::uint64_t bytes_since_seen_ = 0;

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  items queue_;
  replicated_log::queue_size waiting_;                  ///< queued and in flight
  std::chrono::steady_clock::time_point taken_since_{}; ///< oldest of what was last in flight
  writer_stats stats_;
  bool asleep_ = false;
  bool closing_ = false;
  std::mutex writing_; ///< before mutex_; guards the disk's state, and what is written
  rocksdb::WriteBatch batch_, direct_; ///< reused, so that their buffers are
  std::thread thread_;
};

} // namespace troupe::rocks
