// One run and who follows it, from its stored events.
#pragma once

#include "actors/base/run_history.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace troupe {

/// Whose event is "user_input_required", as subscribers get it; empty for other events.
std::shared_ptr<const std::string> review_of(const stored_event& e);

/// Not thread-safe: the followers' thread owns it.
class followed_run {
public:
  explicit followed_run(const run_id& run) : run_(run) {}

  void add(std::uint64_t ticket, sequence_number since, std::shared_ptr<subscriber> who);
  void drop(std::uint64_t ticket);
  std::size_t size() const noexcept { return subscribers_.size(); }

  enum class next {
    wait,    ///< until the run changes
    more,    ///< there are events to be given
    unknown, ///< nothing is stored of it
  };
  /// Gives some events: to who is far, and before that to who was left behind least. Ends those who
  /// have everything of a run that has ended. At most two times `events_max` events are read.
  next turn(engine_shared& shared, std::size_t events_max);

  /// To those who have everything up to now, and to who is just getting there once it is: nobody
  /// gets it later. Who refuses goes with the next turn.
  void live(std::string_view kind, const std::shared_ptr<const std::string>& json);

  /// There is nothing to come.
  void end_all();

private:
  struct one {
    std::uint64_t ticket = 0;
    sequence_number seen = 0;
    sequence_number live_from = 0; ///< reviews opened behind it are told as they come
    std::shared_ptr<subscriber> who;
    std::map<std::string, std::shared_ptr<const std::string>> early; ///< the last word, by kind
  };

  bool give(engine_shared& shared, sequence_number from, std::size_t events_max);
  void give(const stored_event& e);
  bool active(const engine_shared& shared) const;
  void tell_open_reviews(engine_shared& shared, sequence_number end);
  void remove_gone(engine_shared& shared);

  const run_id run_;
  std::vector<one> subscribers_;
  bool known_ = false;
};

} // namespace troupe
