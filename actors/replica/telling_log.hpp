// The log as the engine of a cluster's node sees it: what this node commits is told in the same
// words as what others commit.
#pragma once

#include "persistence/store/store.hpp"

namespace troupe {

class telling_log final : public replicated_log {
public:
  /// Called on the log's thread after each commit, in order; must not block or throw. It may come
  /// after this object's end.
  using teller = std::function<void(partition_id, std::uint64_t index, const std::string& changed)>;
  telling_log(replicated_log& inner, teller tell)
      : inner_(inner), tell_(std::make_shared<const teller>(std::move(tell))) {}

  void propose(proposal what, proposal_done done) override;
  std::uint64_t applied(partition_id partition) const override { return inner_.applied(partition); }
  leadership leads(partition_id partition) const override { return inner_.leads(partition); }
  bool may_act(partition_id partition, std::uint64_t term) const override {
    return inner_.may_act(partition, term);
  }
  void follow(log_follower* who) override { inner_.follow(who); }
  std::uint32_t feature_level() const override { return inner_.feature_level(); }
  queue_size queued() const override { return inner_.queued(); }
  void trim_log(partition_id partition, std::uint64_t up_to_index) override {
    inner_.trim_log(partition, up_to_index);
  }

private:
  replicated_log& inner_;
  const std::shared_ptr<const teller> tell_;
};

} // namespace troupe
