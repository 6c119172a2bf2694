#include "persistence/rocks/tuning.hpp"

#include <rocksdb/cache.h>
#include <rocksdb/env.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/slice_transform.h>
#include <rocksdb/table.h>

namespace troupe::rocks {

namespace {

constexpr std::size_t mebibyte = std::size_t{1} << 20;

rocksdb::BlockBasedTableOptions table_format(table in,
                                             const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::BlockBasedTableOptions format;
  format.block_cache = cache;
  format.block_size = 16 * 1024;
  format.format_version = 5;
  // Index and filters count against the cache, so that memory does not grow with the data.
  format.cache_index_and_filter_blocks = true;
  format.pin_l0_filter_and_index_blocks_in_cache = true;
  format.cache_index_and_filter_blocks_with_high_priority = true;
  format.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  format.whole_key_filtering = prefix_bytes(in) == 0;
  return format;
}

void use_blob_files(rocksdb::ColumnFamilyOptions& family) {
  family.enable_blob_files = true;
  family.min_blob_size = 16 * 1024;
  family.blob_file_size = 64 * mebibyte;
  family.blob_compression_type = rocksdb::kLZ4Compression;
  family.enable_blob_garbage_collection = true;
  family.blob_garbage_collection_age_cutoff = 0.5;
}

/// The insert hint of a run's rows. RocksDB keeps one map of hints for rows and range deletions,
/// although these are in two memtables: a hint that both used would tear the memtable. So a range
/// deletion, which begins at the bare prefix of a run, has no hint.
class row_prefix final : public rocksdb::SliceTransform {
public:
  explicit row_prefix(std::size_t bytes) : bytes_(bytes) {}
  const char* Name() const override { return "troupe.row_prefix"; }
  rocksdb::Slice Transform(const rocksdb::Slice& key) const override {
    return {key.data(), bytes_};
  }
  bool InDomain(const rocksdb::Slice& key) const override { return key.size() > bytes_; }

private:
  const std::size_t bytes_;
};

rocksdb::ColumnFamilyOptions family_options(table in, const rocks_options& options,
                                            const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::ColumnFamilyOptions family;
  family.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table_format(in, cache)));
  const bool large = in == table::events || in == table::blobs;
  family.write_buffer_size = options.write_buffers_bytes / (large ? 2 : 8);
  family.max_write_buffer_number = 4;
  family.target_file_size_base = 16 * mebibyte;
  family.max_bytes_for_level_base = 64 * mebibyte;
  family.level_compaction_dynamic_level_bytes = true;
  // What is rewritten soon is not worth compressing.
  family.compression_per_level = {rocksdb::kNoCompression, rocksdb::kNoCompression,
                                  rocksdb::kLZ4Compression};
  family.bottommost_compression = rocksdb::kZSTD;
  family.bottommost_compression_opts.enabled = true;
  family.bottommost_compression_opts.level = 1; // half the time of 3, for a tenth more bytes
  family.level0_file_num_compaction_trigger = 8;
  if (const auto bytes = prefix_bytes(in); bytes > 0)
    family.prefix_extractor.reset(rocksdb::NewFixedPrefixTransform(bytes));
  if (in == table::events)
    // A run's events are appended behind each other: the hint halves the cost of an insert.
    family.memtable_insert_with_hint_prefix_extractor =
        std::make_shared<row_prefix>(prefix_bytes(in));
  if (in == table::blobs)
    use_blob_files(family);
  return family;
}

} // namespace

std::size_t prefix_bytes(table in) noexcept {
  switch (in) {
  case table::events:
  case table::outputs: return 2 + 16;   // partition, run
  case table::blob_refs: return 2 + 32; // partition, SHA-256
  default: return 0;
  }
}

std::string family_name(table in) {
  return in == table::system ? rocksdb::kDefaultColumnFamilyName : std::string(name_of(in));
}

rocksdb::DBOptions database_options(const rocks_options& options) {
  rocksdb::DBOptions db;
  db.paranoid_checks = true;
  db.max_open_files = 512;
  db.max_background_jobs = 2;
  db.db_write_buffer_size = options.write_buffers_bytes;
  db.max_total_wal_size = options.wal_bytes_max;
  // wal_check has cut a torn tail before RocksDB looks: what it still finds wrong is damage.
  // Recycled log files cannot be told from damage (RocksDB turns recycling off in this mode
  // anyway).
  db.wal_recovery_mode = rocksdb::WALRecoveryMode::kAbsoluteConsistency;
  db.recycle_log_file_num = 0;
  // One writer thread: concurrent inserts would only forbid the insert hint.
  db.allow_concurrent_memtable_write = false;
  db.enable_pipelined_write = false;
  db.bytes_per_sync = mebibyte;
  db.keep_log_file_num = 2;
  db.max_log_file_size = 4 * mebibyte;
  db.info_log_level = rocksdb::WARN_LEVEL;
  db.stats_dump_period_sec = 0;
  db.stats_persist_period_sec = 0;
  db.db_host_id.clear(); // a data directory names no machine
  return db;
}

std::vector<rocksdb::ColumnFamilyDescriptor> families(const rocks_options& options) {
  const auto cache = rocksdb::NewLRUCache(options.block_cache_bytes, 4);
  std::vector<rocksdb::ColumnFamilyDescriptor> all;
  for (std::size_t i = 0; i < table_count; ++i) {
    const auto in = static_cast<table>(i);
    all.emplace_back(family_name(in), family_options(in, options, cache));
  }
  return all;
}

} // namespace troupe::rocks
