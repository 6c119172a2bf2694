// Opens partitions that this node comes to lead, and leaves those that it leads no more.
#pragma once

#include "actors/api/shared.hpp"

namespace troupe {

/// Turns what the log tells into messages. What a partition does with one is decided by what the
/// log says when it arrives: messages may be overtaken, and come twice.
class leaders final : public log_follower {
public:
  /// As log_follower::applied.
  using applied_hook = std::function<void(partition_id, std::uint64_t index,
                                          const std::vector<std::string_view>& changed)>;
  /// `follows` hears of entries; may be empty. All must outlive end().
  leaders(engine_shared& shared, control_actor control, applied_hook follows)
      : shared_(shared), control_(std::move(control)), follows_(std::move(follows)) {}

  /// Follows the log, and opens what is led here already.
  void begin();
  /// When it returns, nothing more is told. Idempotent.
  void end();

  void led(partition_id partition, const leadership& now) override;
  void applied(partition_id partition, std::uint64_t index,
               const std::vector<std::string_view>& changed) override;

private:
  template <class Message> void tell(partition_id partition, Message&& m) const;

  engine_shared& shared_;
  const control_actor control_;
  const applied_hook follows_;
};

} // namespace troupe
