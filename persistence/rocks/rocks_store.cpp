#include "persistence/rocks/rocks_store.hpp"

#include "persistence/rocks/backup.hpp"
#include "persistence/rocks/database.hpp"
#include "persistence/rocks/migrations.hpp"
#include "persistence/rocks/status.hpp"
#include "persistence/rocks/tuning.hpp"
#include "persistence/rocks/writer.hpp"
#include "runtime/base/encoding.hpp"

#include <rocksdb/convenience.h>

#include <atomic>
#include <charconv>
#include <condition_variable>
#include <mutex>

namespace troupe {

namespace {

using namespace rocks;

rocksdb::Slice slice(std::string_view bytes) {
  return {bytes.data(), bytes.size()};
}
std::string_view view(const rocksdb::Slice& bytes) {
  return {bytes.data(), bytes.size()};
}

failure with_place(failure why, table in, std::string_view key) {
  why.message += " (table " + std::string(name_of(in)) + ", key " + to_hex(key) + ")";
  return why;
}

// Whether all keys of [from, to) start with the same prefix, so that filters may be used.
bool within_one_prefix(table in, std::string_view from, std::string_view to) {
  const auto size = prefix_bytes(in);
  if (size == 0 || from.size() < size || to.empty())
    return false;
  const auto end = prefix_end(from.substr(0, size));
  return end.empty() || to <= end;
}

class store final : public rocks_store {
public:
  explicit store(std::unique_ptr<database> opened) : database_(std::move(opened)) {}

  /// Second half of opening: layout, heads, and the thread that writes.
  result<void> start(const rocks_options& options);

  result<std::optional<std::string>> get(table in, std::string_view key) const override;
  result<void> scan(table in, std::string_view from, std::string_view to, const row_visitor& each,
                    bool reverse) const override;
  void propose(proposal what, proposal_done done) override {
    writer_->propose(std::move(what), std::move(done));
  }
  std::uint64_t applied(partition_id partition) const override {
    return writer_->applied(partition);
  }
  queue_size queued() const override { return writer_->queued(); }
  result<void> write_batch(std::vector<row_change> rows, bool durable) override;
  std::unique_ptr<row_reader> pin() const override;
  bool refusing() const override { return writer_->refusing(); }
  result<void> write_rows(std::vector<row_change> rows) override;
  void trim_log(partition_id partition, std::uint64_t up_to_index) override;
  result<void> raise_feature_level(std::uint32_t level) override;
  std::uint32_t feature_level() const override { return feature_level_.load(); }
  result<log_head> head(partition_id partition) const override;
  std::uint16_t partitions() const override { return partitions_; }
  const recovery_report& recovered() const override { return database_->recovered(); }
  writer_stats stats() const override { return writer_->stats(); }
  result<void> compact(table in, std::string_view from, std::string_view to) override;
  result<void> reclaim(table in, std::string_view from, std::string_view to) override;
  result<void> flush(table in) override;
  result<void> verify_files() override;
  result<disk_usage> usage() const override;
  result<void> backup_to(const std::string& dir) override;

private:
  void start_writer(const rocks_options& how, std::vector<log_head> heads) {
    writer_ = std::make_unique<writer>(*database_, how, std::move(heads));
  }

  std::unique_ptr<database> database_;
  std::uint16_t partitions_ = 0;
  std::atomic<std::uint32_t> feature_level_{1};
  std::unique_ptr<writer> writer_; ///< after database_: dies first
};

result<void> store::start(const rocks_options& options) {
  const auto version = get(table::system, schema_version_key);
  if (!version)
    return version.error();
  if (version->has_value())
    if (auto fits = fits_this_build(**version); !fits)
      return fits.error();
  if (!version->has_value() && !database_->dir().fresh())
    return corrupt("the data directory has lost its schema version");
  start_writer(options, std::vector<log_head>(1));
  const auto target = options.schema_version.value_or(newest_schema());
  if (auto migrated = migrate(*this, target, options.partitions); !migrated)
    return migrated.error();
  if (database_->dir().fresh())
    if (auto marked = database_->dir().mark_complete(); !marked)
      return marked.error();
  const auto level = feature_level_of(*this);
  if (!level)
    return level.error();
  if (auto fits = feature_level_fits(*level, options.feature_level_known); !fits)
    return fits;
  feature_level_ = *level;
  const auto stored = get(table::system, partitions_key);
  if (!stored)
    return stored.error();
  const auto text = stored->value_or("");
  const auto read = std::from_chars(text.data(), text.data() + text.size(), partitions_);
  if (read.ec != std::errc{} || partitions_ == 0)
    return corrupt("the data directory has lost its number of partitions");
  std::vector<log_head> heads(partitions_ + std::size_t{1});
  for (std::size_t i = 0; i < heads.size(); ++i) {
    auto one = head(static_cast<partition_id>(i));
    if (!one)
      return one.error();
    heads[i] = *one;
  }
  start_writer(options, std::move(heads));
  return {};
}

result<void> store::raise_feature_level(std::uint32_t level) {
  if (level <= feature_level_)
    return {};
  auto written =
      write_rows({{table::system, std::string(feature_level_key), std::to_string(level), {}}});
  if (written)
    feature_level_ = level;
  return written;
}

result<std::optional<std::string>> get_row(const database& from, const rocksdb::Snapshot* at,
                                           table in, std::string_view key) {
  rocksdb::ReadOptions options;
  options.snapshot = at;
  std::string value;
  const auto status = from.db().Get(options, from.family(in), slice(key), &value);
  if (status.IsNotFound())
    return std::optional<std::string>{};
  if (!status.ok())
    return with_place(to_failure(status), in, key);
  return std::optional(std::move(value));
}

result<void> scan_rows(const database& rows, const rocksdb::Snapshot* at, table in,
                       std::string_view from, std::string_view to,
                       const row_reader::row_visitor& each, bool reverse) {
  if (!to.empty() && from >= to)
    return {};
  const auto lower = slice(from);
  const auto upper = slice(to);
  rocksdb::ReadOptions options;
  options.snapshot = at;
  options.iterate_lower_bound = &lower;
  if (!to.empty())
    options.iterate_upper_bound = &upper;
  options.prefix_same_as_start = !reverse && within_one_prefix(in, from, to);
  options.total_order_seek = !options.prefix_same_as_start;
  // A walk over a whole partition must not push everything else out of the small cache.
  options.fill_cache = options.prefix_same_as_start;
  const std::unique_ptr<rocksdb::Iterator> row(rows.db().NewIterator(options, rows.family(in)));
  for (reverse ? row->SeekToLast() : row->Seek(lower); row->Valid();
       reverse ? row->Prev() : row->Next())
    if (!each(view(row->key()), view(row->value())))
      return {};
  if (!row->status().ok())
    return with_place(to_failure(row->status()), in, from);
  return {};
}

/// The rows as they were when it was made.
class pinned_rows final : public row_reader {
public:
  explicit pinned_rows(const database& from) : from_(from), at_(from.db().GetSnapshot()) {}
  ~pinned_rows() override { from_.db().ReleaseSnapshot(at_); }

  result<std::optional<std::string>> get(table in, std::string_view key) const override {
    return get_row(from_, at_, in, key);
  }
  result<void> scan(table in, std::string_view from, std::string_view to, const row_visitor& each,
                    bool reverse) const override {
    return scan_rows(from_, at_, in, from, to, each, reverse);
  }

private:
  const database& from_;
  const rocksdb::Snapshot* const at_;
};

result<std::optional<std::string>> store::get(table in, std::string_view key) const {
  return get_row(*database_, nullptr, in, key);
}

result<void> store::scan(table in, std::string_view from, std::string_view to,
                         const row_visitor& each, bool reverse) const {
  return scan_rows(*database_, nullptr, in, from, to, each, reverse);
}

std::unique_ptr<row_reader> store::pin() const {
  return std::make_unique<pinned_rows>(*database_);
}

/// Waits for the answer that `ask` is given a function for.
template <class F> result<void> wait_for(F ask) {
  std::mutex mutex;
  std::condition_variable answered;
  std::optional<result<std::uint64_t>> outcome;
  ask([&](const result<std::uint64_t>& index) {
    const std::lock_guard lock(mutex);
    outcome = index;
    answered.notify_one();
  });
  std::unique_lock lock(mutex);
  answered.wait(lock, [&] { return outcome.has_value(); });
  return *outcome ? result<void>{} : result<void>(outcome->error());
}

result<void> store::write_rows(std::vector<row_change> rows) {
  return wait_for(
      [&](proposal_done done) { writer_->write_rows(std::move(rows), std::move(done)); });
}

result<void> store::write_batch(std::vector<row_change> rows, bool durable) {
  return writer_->write_now(rows, durable);
}

void store::trim_log(partition_id partition, std::uint64_t up_to_index) {
  if (up_to_index == UINT64_MAX)
    return;
  writer_->write_rows(
      {{table::log, log_key(partition, 0), std::nullopt, log_key(partition, up_to_index + 1)}},
      nullptr);
}

result<log_head> store::head(partition_id partition) const {
  auto row = get(table::log_meta, log_head_key(partition));
  if (!row)
    return row.error();
  if (!row->has_value())
    return log_head{};
  const auto head = log_head_from(**row);
  return head ? result<log_head>(*head)
              : corrupt("the log head of partition " + std::to_string(number(partition)) +
                        " cannot be read");
}

result<void> store::compact(table in, std::string_view from, std::string_view to) {
  const auto begin = slice(from);
  const auto end = slice(to);
  rocksdb::CompactRangeOptions options;
  options.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForceOptimized;
  if (in == table::blobs) {
    options.blob_garbage_collection_policy = rocksdb::BlobGarbageCollectionPolicy::kForce;
    options.blob_garbage_collection_age_cutoff = 1.0;
  }
  const auto status = database_->db().CompactRange(
      options, database_->family(in), from.empty() ? nullptr : &begin, to.empty() ? nullptr : &end);
  return status.ok() ? result<void>{} : result<void>(to_failure(status));
}

result<void> store::reclaim(table in, std::string_view from, std::string_view to) {
  check(!to.empty() && from < to, "reclaim needs a range with an end");
  auto& db = database_->db();
  // Dropping a file may drop the tombstone that hides a row in another file. So a new tombstone is
  // written first, and background work is held, so that it stays in memory while files go.
  if (const auto paused = db.PauseBackgroundWork(); !paused.ok())
    return to_failure(paused);
  auto written = write_rows({{in, std::string(from), std::nullopt, std::string(to)}});
  rocksdb::Status dropped;
  if (written) {
    const auto begin = slice(from);
    const auto end = slice(to);
    dropped = rocksdb::DeleteFilesInRange(&db, database_->family(in), &begin, &end, false);
  }
  db.ContinueBackgroundWork();
  if (!written)
    return written.error();
  if (!dropped.ok())
    return to_failure(dropped);
  return compact(in, from, to);
}

result<void> store::flush(table in) {
  const auto status = database_->db().Flush({}, database_->family(in));
  return status.ok() ? result<void>{} : result<void>(to_failure(status));
}

result<void> store::verify_files() {
  const auto status = database_->db().VerifyChecksum({});
  return status.ok() ? result<void>{} : result<void>(to_failure(status));
}

result<disk_usage> store::usage() const {
  disk_usage seen;
  auto& db = database_->db();
  for (std::size_t i = 0; i < table_count; ++i) {
    for (const auto* property : {"rocksdb.total-sst-files-size", "rocksdb.total-blob-file-size"}) {
      std::uint64_t bytes = 0;
      if (db.GetIntProperty(database_->family(static_cast<table>(i)), property, &bytes))
        seen.table_bytes[i] += bytes;
    }
    seen.tables_bytes += seen.table_bytes[i];
  }
  rocksdb::VectorLogPtr logs;
  if (const auto status = db.GetSortedWalFiles(logs); !status.ok())
    return to_failure(status);
  for (const auto& one : logs)
    seen.wal_bytes += one->SizeFileBytes();
  const auto free = database_->free_bytes();
  if (!free)
    return free.error();
  seen.free_bytes = *free;
  return seen;
}

result<void> store::backup_to(const std::string& dir) {
  return make_backup(*database_, *this, dir);
}

} // namespace

result<std::unique_ptr<rocks_store>> open_rocks_store(const rocks_options& options) {
  if (options.partitions == 0 || options.partitions > 4095)
    return invalid("partitions_invalid", "the number of partitions must be 1 to 4095");
  auto dir = rocks::data_dir::take(options.data_dir);
  if (!dir)
    return dir.error();
  auto opened = rocks::database::open(std::move(*dir), options);
  if (!opened)
    return opened.error();
  auto made = std::make_unique<store>(std::move(*opened));
  if (auto started = made->start(options); !started)
    return started.error();
  return std::unique_ptr<rocks_store>(std::move(made));
}

} // namespace troupe
