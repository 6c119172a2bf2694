#include "persistence/rocks/database.hpp"

#include "persistence/rocks/manifest_check.hpp"
#include "persistence/rocks/migrations.hpp"
#include "persistence/rocks/status.hpp"
#include "persistence/rocks/tuning.hpp"
#include "runtime/base/log.hpp"

#include <rocksdb/file_system.h>
#include <rocksdb/listener.h>
#include <rocksdb/wal_filter.h>

#include <algorithm>
#include <unistd.h>

namespace troupe::rocks {

namespace {

/// Learns from which log file on the tables need the log; replays nothing.
class start_finder final : public rocksdb::WalFilter {
public:
  void ColumnFamilyLogNumberMap(const std::map<std::uint32_t, std::uint64_t>& numbers,
                                const std::map<std::string, std::uint32_t>&) override {
    first_file = UINT64_MAX;
    for (const auto& [family, number] : numbers)
      first_file = std::min(first_file, number);
  }
  WalProcessingOption LogRecordFound(unsigned long long, const std::string&,
                                     const rocksdb::WriteBatch&, rocksdb::WriteBatch*,
                                     bool*) override {
    return WalProcessingOption::kStopReplay;
  }
  const char* Name() const override { return "start_finder"; }

  std::uint64_t first_file = 0;
};

/// Ends the process when a background write fails for another reason than a full disk.
class failure_listener final : public rocksdb::EventListener {
public:
  void OnBackgroundError(rocksdb::BackgroundErrorReason reason, rocksdb::Status* status) override {
    const auto during = reason == rocksdb::BackgroundErrorReason::kFlush        ? "flush"
                        : reason == rocksdb::BackgroundErrorReason::kCompaction ? "compaction"
                                                                                : "commit";
    if (medium_failed(*status))
      end_process(*status, during);
    const auto words = to_failure(*status);
    log::error("store", "background work failed",
               {{"during", std::string_view(during)}, {"code", std::string_view(words.code)}});
  }
};

// Reads the manifest and the flushed part of `system`, changing nothing.
result<wal_start> look(const std::string& path, const rocks_options& options, rocksdb::Env* env) {
  start_finder finder;
  auto db_options = database_options(options);
  db_options.wal_recovery_mode = rocksdb::WALRecoveryMode::kSkipAnyCorruptedRecords;
  db_options.wal_filter = &finder;
  if (env)
    db_options.env = env;
  std::vector<std::string> names;
  if (const auto status = rocksdb::DB::ListColumnFamilies(db_options, path, &names); !status.ok())
    return status.IsCorruption() ? to_failure(status) : corrupt(to_failure(status).message);
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* opened = nullptr;
  const auto status =
      rocksdb::DB::OpenForReadOnly(db_options, path, {families(options).back()}, &handles, &opened);
  if (!status.ok())
    return status.IsCorruption() ? to_failure(status) : corrupt(to_failure(status).message);
  const std::unique_ptr<rocksdb::DB> db(opened);
  const wal_start seen{finder.first_file, db->GetLatestSequenceNumber()};
  std::string version;
  const auto read = db->Get({}, handles.front(), schema_version_key, &version);
  db->DestroyColumnFamilyHandle(handles.front());
  if (read.ok())
    if (auto fits = fits_this_build(version); !fits)
      return fits.error();
  return seen;
}

result<wal_summary> check_log(data_dir& dir, const wal_start& start) {
  const auto cuts = read_small_file(dir.wal_cuts());
  if (!cuts)
    return cuts.error();
  auto summary = check_wals(dir.database(), start,
                            cuts->has_value() ? wal_cuts_from(**cuts) : std::vector<wal_cut>{});
  if (summary && summary->bytes_cut > 0)
    log::warning("store", "cut the torn tail of the log: a write was in flight when it ended",
                 {{"bytes", static_cast<std::int64_t>(summary->bytes_cut)},
                  {"records_kept", static_cast<std::int64_t>(summary->records)}});
  return summary;
}

} // namespace

result<std::unique_ptr<database>> database::open(data_dir dir, const rocks_options& options) {
  std::unique_ptr<rocksdb::Env> env;
  if (options.file_system)
    env = rocksdb::NewCompositeEnv(options.file_system);
  std::unique_ptr<database> made(new database(std::move(dir), std::move(env)));
  const auto path = made->dir_.database();
  if (made->dir_.fresh()) {
    // A first start that was interrupted has acknowledged nothing: begin again.
    if (auto removed = remove_dir(path); !removed)
      return removed.error();
    ::unlink(made->dir_.manifest_witness().c_str());
    if (auto created = make_dir(path); !created)
      return created.error();
  } else {
    if (auto whole = check_manifest(path, made->dir_.manifest_witness()); !whole)
      return whole.error();
    auto seen = look(path, options, made->env_.get());
    if (!seen)
      return seen.error();
    seen->log_expected = !made->dir_.restored();
    auto summary = check_log(made->dir_, *seen);
    if (!summary)
      return summary.error();
    made->recovered_ = {summary->files, summary->records, summary->bytes_cut};
  }
  auto db_options = database_options(options);
  db_options.create_if_missing = made->dir_.fresh();
  db_options.create_missing_column_families = true;
  const auto keeper = std::make_shared<manifest_keeper>(path, made->dir_.manifest_witness());
  db_options.listeners = {std::make_shared<failure_listener>(), keeper};
  if (made->env_)
    db_options.env = made->env_.get();
  rocksdb::DB* opened = nullptr;
  const auto status =
      rocksdb::DB::Open(db_options, path, families(options), &made->families_, &opened);
  made->db_.reset(opened);
  if (!status.ok())
    return disk_full(status) || device_failed(status) || status.IsCorruption()
               ? to_failure(status)
               : corrupt(to_failure(status).message);
  ::unlink(made->dir_.wal_cuts().c_str());
  keeper->keep(made->db());
  if (made->dir_.restored())
    if (auto marked = made->dir_.mark_complete(); !marked)
      return marked.error();
  return made;
}

database::~database() {
  if (!db_)
    return;
  for (auto* family : families_)
    db_->DestroyColumnFamilyHandle(family);
  const auto closed = db_->Close();
  if (!closed.ok())
    log::error("store", "closing the database failed");
}

result<std::uint64_t> database::free_bytes() const {
  std::uint64_t free = 0;
  const auto status =
      db_->GetFileSystem()->GetFreeSpace(dir_.database(), rocksdb::IOOptions(), &free, nullptr);
  if (!status.ok())
    return to_failure(status);
  return free;
}

} // namespace troupe::rocks
