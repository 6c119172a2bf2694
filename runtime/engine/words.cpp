#include "runtime/engine/words.hpp"

#include <array>

namespace troupe::words {

namespace {

template <std::size_t N> using word_list = std::array<std::string_view, N>;

constexpr word_list<10> run_words{"pending", "queued",  "running", "waiting",   "paused",
                                  "success", "partial", "failed",  "cancelled", "timed_out"};
constexpr word_list<10> step_words{"pending", "queued", "running", "retrying",  "waiting",
                                   "success", "failed", "skipped", "cancelled", "timed_out"};
constexpr word_list<4> outcome_words{"stop", "continued", "error_port", "blocked"};
constexpr word_list<3> skip_words{"condition", "dead_branch", "not_selected"};
constexpr word_list<9> wait_words{"none",   "delay", "time",  "condition", "signal",
                                  "review", "child", "merge", "retry"};
constexpr word_list<3> purpose_words{"node", "retry", "deadline"};
constexpr word_list<5> decision_words{"approved", "rejected", "completed", "expired", "withdrawn"};
constexpr word_list<7> resolution_words{"none",      "completed",  "skipped", "dead",
                                        "continued", "error_port", "blocked"};

template <std::size_t N, class Enum>
std::string_view word_of(const word_list<N>& list, Enum v) noexcept {
  const auto at = static_cast<std::size_t>(v);
  check(at < N, "an enumerator without a word");
  return list[at];
}

template <std::size_t N, class Enum>
bool find_word(const word_list<N>& list, std::string_view word, Enum& v) noexcept {
  for (std::size_t i = 0; i < N; ++i)
    if (list[i] == word) {
      v = static_cast<Enum>(i);
      return true;
    }
  return false;
}

} // namespace

std::string_view to_word(run_status v) noexcept {
  return word_of(run_words, v);
}
std::string_view to_word(step_status v) noexcept {
  return word_of(step_words, v);
}
std::string_view to_word(failure_outcome v) noexcept {
  return word_of(outcome_words, v);
}
std::string_view to_word(skip_kind v) noexcept {
  return word_of(skip_words, v);
}
std::string_view to_word(wait_kind v) noexcept {
  return word_of(wait_words, v);
}
std::string_view to_word(timer_purpose v) noexcept {
  return word_of(purpose_words, v);
}
std::string_view to_word(review_decision v) noexcept {
  return word_of(decision_words, v);
}
std::string_view to_word(resolution v) noexcept {
  return word_of(resolution_words, v);
}

bool from_word(std::string_view word, run_status& v) noexcept {
  return find_word(run_words, word, v);
}
bool from_word(std::string_view word, step_status& v) noexcept {
  return find_word(step_words, word, v);
}
bool from_word(std::string_view word, failure_outcome& v) noexcept {
  return find_word(outcome_words, word, v);
}
bool from_word(std::string_view word, skip_kind& v) noexcept {
  return find_word(skip_words, word, v);
}
bool from_word(std::string_view word, wait_kind& v) noexcept {
  return find_word(wait_words, word, v);
}
bool from_word(std::string_view word, timer_purpose& v) noexcept {
  return find_word(purpose_words, word, v);
}
bool from_word(std::string_view word, review_decision& v) noexcept {
  return find_word(decision_words, word, v);
}
bool from_word(std::string_view word, resolution& v) noexcept {
  return find_word(resolution_words, word, v);
}

} // namespace troupe::words
