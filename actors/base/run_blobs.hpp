// Large values of one run: saved with the turn that names them, loaded by content.
#pragma once

#include "actors/api/shared.hpp"

#include <map>

namespace troupe {

std::string blob_key(partition_id partition, const blob_id& id);
std::string blob_ref_key(partition_id partition, const blob_id& id, const run_id& run);

/// Not thread-safe: its run's actor owns it.
class run_blobs final : public blob_port {
public:
  run_blobs(engine_shared& shared, partition_id partition, const run_id& run)
      : shared_(shared), partition_(partition), run_(run) {}
  blob_id save(std::string text) override;
  result<shared_value> load(const blob_id& id) override;
  /// Adds the rows of a turn: the values it names that were saved since the last call, and
  /// references to all it names.
  void take_rows(const std::vector<blob_id>& named, std::vector<row_change>& into);
  /// The turn of the last take_rows() is committed.
  void committed();

private:
  void take_row(const blob_id& id, std::string text, std::vector<row_change>& into);

  engine_shared& shared_;
  partition_id partition_;
  run_id run_;
  std::map<blob_id, std::string> saved_;
  struct sent_value {
    shared_value value;
    byte_claim claim;
  };
  std::map<blob_id, sent_value> in_flight_;   ///< proposed, perhaps not committed
  std::vector<std::shared_ptr<void>> pinned_; ///< what that turn names
};

} // namespace troupe
