// Which runs are being loaded, noted where it outlives the process: a run whose loading ends the
// process again and again is found at the next start, and is not loaded any more.
#pragma once

#include "runtime/base/ids.hpp"

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {

/// What is done with a stored run. Each is counted by itself: that one went well says nothing of
/// another.
enum class loading_work : std::uint8_t {
  read,   ///< its rows become a run, for an answer
  resume, ///< the same, and its first turn is decided
  list,   ///< its whole history becomes rows of lists
};

/// A run that cost so many processes is given up.
inline constexpr std::uint32_t loading_deaths_max = 3;

/// 64 lines of 64 bytes of text, filled up with spaces:
///
///   troupe loading 1 <version>       the first
///   loading <work> <run id>          31 of them: what is being loaded; blank: free
///   died <times> <work> <run id>     32 of them
inline constexpr std::size_t loading_page_bytes = 4096;

/// The page that a process begins with: what `found` says was being loaded has died once more.
/// What is no page of this format, or of another version of the program, counts for nothing;
/// neither does a line that cannot be read.
std::string loading_page_after(std::string_view found, std::string_view version);

class loading_mark;

/// Thread-safe.
class loading_marks {
public:
  /// Makes bytes of the page outlive the process (no more: a power cut may lose them). Called by
  /// any thread, never at the same time for the same bytes; must not fail loudly.
  using keeper = std::function<void(std::size_t at, std::string_view bytes)>;

  /// `page`: what loading_page_after made, already kept.
  loading_marks(std::string_view page, keeper keep);

  /// The run is marked until the object ends. nullptr: it is given up, nothing may be loaded. A run
  /// that has died before is loaded while no other is, so that the next death counts for it alone:
  /// then this call waits, and so do others. The object ends on the thread that made it, and no
  /// thread holds two.
  std::unique_ptr<loading_mark> begin(const run_id& run, loading_work work);

  bool given_up(const run_id& run) const noexcept;

  struct deaths {
    run_id run{};
    loading_work work{};
    std::uint32_t times = 0;
  };
  /// As this process found them.
  const std::vector<deaths>& found() const noexcept { return found_; }

private:
  friend class loading_mark;
  static constexpr std::size_t slots = 31;
  struct suspect {
    deaths what;
    std::size_t line;
  };

  bool suspected(const run_id& run) const;
  std::optional<std::size_t> take_slot(const run_id& run);
  void write(std::size_t line, std::string text) const;
  void survived(const run_id& run, loading_work work);

  const keeper keep_;
  std::vector<deaths> found_;
  std::vector<run_id> given_up_;
  std::array<std::atomic<bool>, slots> taken_{};
  mutable std::mutex mutex_;
  std::vector<suspect> suspects_;
  std::atomic<std::size_t> suspects_left_{0}; ///< zero nearly always: then nobody locks anything
  std::shared_mutex alone_;                   ///< held alone while a suspect is loaded
};

/// A run that is being loaded. Its end, however it comes, shows that the process lives: the run's
/// deaths at this work are forgotten.
class loading_mark {
public:
  loading_mark(loading_marks& owner, const run_id& run, loading_work work);
  ~loading_mark();
  loading_mark(const loading_mark&) = delete;
  loading_mark& operator=(const loading_mark&) = delete;

private:
  loading_marks& owner_;
  const run_id run_;
  const loading_work work_;
  std::unique_lock<std::shared_mutex> alone_;
  std::shared_lock<std::shared_mutex> beside_others_;
  std::optional<std::size_t> slot_; ///< none: all are taken, a death would not be counted
};

} // namespace troupe
