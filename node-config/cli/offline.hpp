// Reading a data directory without a node: histories, plans, checks.
#pragma once

#include "persistence/rocks/rocks_store.hpp"
#include "runtime/engine/codec.hpp"
#include "runtime/workflow/plan.hpp"

#include <functional>
#include <string>
#include <vector>

namespace troupe::cli {

/// Opens an existing data directory; a missing one is a failure, never made.
result<std::unique_ptr<rocks_store>> open_existing(const std::string& data_dir);

chain_hash digest_of(std::string_view a, std::string_view b);

/// One stored turn of a run.
struct stored_turn {
  run_id run{};
  sequence_number first_seq = 0;
  turn_row row; ///< points into bytes that live during the call
};

/// Calls `each` for every turn of every run (or of one), in order of run and sequence. Stops at the
/// first failure: of the store, of a row's form, or of `each`.
result<void> each_turn(const row_reader& rows, std::uint16_t partitions,
                       const std::optional<run_id>& only,
                       const std::function<result<void>(const stored_turn&)>& each);

/// Checks the table files and every run's history (or one's), prints what was found whole.
result<void> verify_log(rocks_store& store, const std::optional<run_id>& only);

/// Values of a partition's blobs, read only.
class stored_blobs final : public blob_port {
public:
  stored_blobs(const row_reader& rows, partition_id partition)
      : rows_(rows), partition_(partition) {}
  blob_id save(std::string text) override;
  result<shared_value> load(const blob_id& id) override;

private:
  const row_reader& rows_;
  partition_id partition_;
  std::map<blob_id, std::string> saved_;
};

/// Compiles the definition that a run was started with.
result<plan_ptr> plan_of(const row_reader& rows, const run_id& run,
                         const events::execution_started& start);

} // namespace troupe::cli
