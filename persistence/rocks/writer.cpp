#include "persistence/rocks/writer.hpp"

#include "persistence/rocks/status.hpp"
#include "persistence/rocks/tuning.hpp"
#include "runtime/base/log.hpp"

#include <algorithm>
#include <filesystem>

namespace troupe::rocks {

namespace {

/// A flush takes no more than this (or one larger proposal), so that the first caller in a long
/// queue does not wait for the last one's bytes.
constexpr std::size_t flush_bytes_max = std::size_t{4} << 20;
constexpr auto disk_look_interval = std::chrono::milliseconds(250);
constexpr auto slow_write = std::chrono::milliseconds(500);

void add(rocksdb::WriteBatch& batch, database& to, table which, std::string_view key,
         const row_change* change, std::string_view value) {
  auto* in = to.family(which);
  if (change && change->range_end) {
    check(which != table::events || key.size() <= prefix_bytes(which),
          "a range of events begins at a run or a partition");
    if (*change->range_end > key)
      batch.DeleteRange(in, {key.data(), key.size()}, *change->range_end);
  } else if (change && !change->value) {
    batch.Delete(in, {key.data(), key.size()});
  } else {
    batch.Put(in, {key.data(), key.size()}, {value.data(), value.size()});
  }
}

bool frees_space(const proposal& what) noexcept {
  for (const auto* rows : {&what.facts, &what.derived})
    for (const auto& row : *rows)
      if (row.range_end)
        return true;
  return false;
}

} // namespace

writer::writer(database& on, const rocks_options& how, std::vector<log_head> heads)
    : database_(on), disk_reserve_bytes_(how.disk_reserve_bytes), budget_(how.budget),
      before_flush_(how.before_flush), heads_(std::move(heads)), applied_(heads_.size()) {
  for (std::size_t i = 0; i < heads_.size(); ++i)
    applied_[i] = heads_[i].applied;
  thread_ = std::thread([this] { run(); });
}

writer::~writer() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void writer::propose(proposal what, proposal_done done) {
  check(number(what.partition) < applied_.size(), "a proposal names a partition that is not there");
  const auto bytes = size_of(what);
  enqueue({std::move(what), std::move(done), bytes});
}

void writer::write_rows(std::vector<row_change> rows, proposal_done done) {
  proposal what;
  what.facts = std::move(rows);
  const auto bytes = size_of(what);
  enqueue({std::move(what), std::move(done), bytes, false});
}

result<void> writer::write_now(const std::vector<row_change>& rows, bool durable) {
  const std::lock_guard writing(writing_);
  look_at_disk();
  if (disk_ == disk::stopped)
    return storage_full();
  direct_.Clear();
  for (const auto& row : rows)
    add(direct_, database_, row.in, row.key, &row, row.value ? *row.value : std::string_view{});
  const auto bytes = direct_.GetDataSize();
  const auto status = commit(direct_, durable);
  if (!status.ok())
    return to_failure(status);
  const std::lock_guard lock(mutex_);
  ++stats_.flushes;
  ++stats_.proposals;
  stats_.bytes += bytes;
  return {};
}

void writer::enqueue(item one) {
  one.since = std::chrono::steady_clock::now();
  bool wake = false;
  {
    const std::lock_guard lock(mutex_);
    if (!closing_) {
      waiting_.proposals += 1;
      waiting_.bytes += one.bytes;
      if (budget_)
        budget_->add(budget_kind::log, one.bytes);
      stats_.queue_bytes_high = std::max(stats_.queue_bytes_high, waiting_.bytes);
      stats_.queue_proposals_high = std::max(stats_.queue_proposals_high, waiting_.proposals);
      queue_.push_back(std::move(one));
      wake = std::exchange(asleep_, false);
      one.done = nullptr;
    }
  }
  if (wake)
    wake_.notify_one();
  if (one.done)
    one.done(shutting_down());
}

std::uint64_t writer::applied(partition_id partition) const noexcept {
  const auto at = number(partition);
  return at < applied_.size() ? applied_[at].load(std::memory_order_acquire) : 0;
}

replicated_log::queue_size writer::queued() const {
  const std::lock_guard lock(mutex_);
  auto size = waiting_;
  size.refusing = disk_ != disk::open;
  if (size.proposals > 0) {
    const auto since = size.proposals > queue_.size() ? taken_since_ : queue_.front().since;
    size.oldest = std::chrono::duration_cast<std::chrono::milliseconds>(
        std::chrono::steady_clock::now() - since);
  }
  return size;
}

writer_stats writer::stats() const {
  const std::lock_guard lock(mutex_);
  auto seen = stats_;
  seen.accepts_writes = disk_.load() == disk::open;
  return seen;
}

void writer::run() {
  items all;
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      while (queue_.empty() && !closing_) {
        asleep_ = true;
        if (disk_ == disk::open)
          wake_.wait(lock);
        else if (wake_.wait_for(lock, disk_look_interval) == std::cv_status::timeout)
          break;
      }
      asleep_ = false;
      if (queue_.empty() && closing_)
        return;
      all.swap(queue_);
      if (!all.empty())
        taken_since_ = all.front().since;
    }
    if (all.empty()) {
      const std::lock_guard writing(writing_);
      look_at_disk();
    } else if (before_flush_) {
      before_flush_();
    }
    for (std::size_t from = 0, to = 0; from < all.size(); from = to) {
      for (std::size_t bytes = 0; to < all.size(); ++to) {
        bytes += all[to].bytes;
        if (to > from && bytes > flush_bytes_max)
          break;
      }
      flush(all, from, to);
    }
    all.clear();
  }
}

rocksdb::Status writer::commit(rocksdb::WriteBatch& batch, bool durable) {
  rocksdb::WriteOptions how;
  how.sync = durable;
  const auto began = std::chrono::steady_clock::now();
  auto status = database_.db().Write(how, &batch);
  if (const auto took = std::chrono::steady_clock::now() - began; took > slow_write)
    log::warning("store", "the disk is slow: a write took long",
                 {{"milliseconds", static_cast<std::int64_t>(took / std::chrono::milliseconds(1))},
                  {"bytes", static_cast<std::int64_t>(batch.GetDataSize())},
                  {"durable", durable}});
  if (medium_failed(status))
    end_process(status, "commit");
  if (status.ok()) {
    bytes_since_seen_ += batch.GetDataSize();
    return status;
  }
  if (disk_full(status)) {
    stop_for_full_disk();
    return status;
  }
  const auto why = to_failure(status);
  log::write(log::level::critical, "store", "a commit was refused",
             {{"code", std::string_view(why.code)}, {"why", std::string_view(why.message)}});
  return status;
}

void writer::flush(items& all, std::size_t from, std::size_t to) {
  std::unique_lock writing(writing_);
  look_at_disk();
  batch_.Clear();
  entry_assembler entries(
      [this](partition_id partition) { return heads_[number(partition)]; },
      [this](table in, std::string_view key, const row_change* change, std::string_view value) {
        add(batch_, database_, in, key, change, value);
      });
  for (std::size_t i = from; i < to; ++i) {
    auto& one = all[i];
    one.refused = refused_by_disk(one);
    if (one.refused)
      continue;
    if (one.logged)
      one.index = entries.add(one.what);
    else
      for (const auto& row : one.what.facts)
        add(batch_, database_, row.in, row.key, &row, row.value ? *row.value : std::string_view{});
  }
  const auto& heads = entries.finish();
  if (batch_.Count() > 0) {
    if (const auto status = commit(batch_, true); !status.ok()) {
      writing.unlock();
      const auto why = to_failure(status);
      answer(all, from, to, &why);
      return;
    }
  }
  writing.unlock();
  for (const auto& [partition, head] : heads) {
    heads_[number(partition)] = head;
    applied_[number(partition)].store(head.applied, std::memory_order_release);
  }
  answer(all, from, to, nullptr);
}

void writer::answer(items& all, std::size_t from, std::size_t to, const failure* why) {
  replicated_log::queue_size gone;
  for (std::size_t i = from; i < to; ++i) {
    gone.proposals += 1;
    gone.bytes += all[i].bytes;
  }
  {
    const std::lock_guard lock(mutex_);
    waiting_.proposals -= gone.proposals;
    waiting_.bytes -= gone.bytes;
    if (budget_)
      budget_->sub(budget_kind::log, gone.bytes);
    if (!why) {
      ++stats_.flushes;
      stats_.proposals += gone.proposals;
      stats_.bytes += gone.bytes;
    }
  }
  for (std::size_t i = from; i < to; ++i) {
    if (!all[i].done)
      continue;
    if (why || all[i].refused)
      all[i].done(why ? *why : storage_full());
    else
      all[i].done(all[i].index);
  }
}

/// So that it looks when there is space again, whoever found that there is none.
void writer::wake_to_look() {
  { const std::lock_guard lock(mutex_); }
  wake_.notify_one();
}

void writer::look_at_disk() {
  if (disk_ == disk::stopped) {
    try_to_resume();
    return;
  }
  const auto now = std::chrono::steady_clock::now();
  if (now - disk_seen_ < disk_look_interval && bytes_since_seen_ < disk_reserve_bytes_ / 4)
    return;
  disk_seen_ = now;
  bytes_since_seen_ = 0;
  const auto free = database_.free_bytes();
  const bool low = free && *free < disk_reserve_bytes_;
  const auto before = disk_.exchange(low ? disk::low : disk::open);
  if (low && before == disk::open) {
    wake_to_look();
    log::error("store", "the disk is nearly full: writes are refused until space is freed",
               {{"free_bytes", static_cast<std::int64_t>(*free)},
                {"reserve_bytes", static_cast<std::int64_t>(disk_reserve_bytes_)}});
  }
  if (!low && before == disk::low)
    log::info("store", "the disk has space again: writes are accepted");
}

bool writer::refused_by_disk(const item& one) const noexcept {
  const auto state = disk_.load();
  return state == disk::stopped || (state == disk::low && !frees_space(one.what));
}

void writer::stop_for_full_disk() {
  const auto file = newest_wal(database_.dir().database());
  cut_ = {file ? *file : 0, database_.db().GetLatestSequenceNumber()};
  disk_ = disk::stopped;
  wake_to_look();
  log::error("store", "the disk is full: writes are refused until space is freed");
}

/// Whether the log goes on where the cut does not reach. RocksDB begins no new file when nothing
/// was written to the newest one: the refused write never reached that, so the cut ends before it.
bool writer::past_the_cut(std::vector<wal_cut> cuts) const {
  const auto& dir = database_.dir();
  const auto newest = newest_wal(dir.database());
  if (!newest || *newest > cut_.file)
    return newest.has_value();
  std::error_code unknown;
  if (std::filesystem::file_size(wal_path(dir.database(), *newest), unknown) != 0 || unknown)
    return false;
  cuts.back().file = cut_.file - 1;
  return replace_file(dir.wal_cuts(), encode(cuts)).has_value();
}

void writer::try_to_resume() {
  const auto now = std::chrono::steady_clock::now();
  if (now - disk_seen_ < disk_look_interval)
    return;
  disk_seen_ = now;
  const auto free = database_.free_bytes();
  if (!free || *free < disk_reserve_bytes_)
    return;
  // The refused record may lie half or whole in the old log file: write down where the log really
  // ends before anything new is accepted, then go on in a new file.
  const auto stored = read_small_file(database_.dir().wal_cuts());
  if (!stored)
    return;
  auto cuts = stored->has_value() ? wal_cuts_from(**stored) : std::vector<wal_cut>{};
  if (cuts.empty() || cuts.back().file < cut_.file)
    cuts.push_back(cut_);
  if (!replace_file(database_.dir().wal_cuts(), encode(cuts)))
    return;
  auto& db = database_.db();
  auto* const system = database_.family(table::system);
  auto status = db.Resume();
  if (status.ok()) {
    rocksdb::WriteOptions unlogged;
    unlogged.disableWAL = true;
    status = db.Put(unlogged, system, "log_probe", std::to_string(cut_.file));
  }
  if (status.ok())
    status = db.Flush({}, system);
  if (medium_failed(status))
    end_process(status, "resuming after a full disk");
  if (!status.ok() || !past_the_cut(std::move(cuts)))
    return;
  bytes_since_seen_ = 0;
  disk_ = disk::open;
  log::info("store", "the disk has space again: writes are accepted");
}

} // namespace troupe::rocks
