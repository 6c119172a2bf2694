#include "runtime/engine/status.hpp"

#include <array>
#include <string>
#include <utility>

namespace troupe {

namespace {

constexpr std::array<std::string_view, 10> run_words{"pending",   "queued",   "running", "waiting",
                                                     "paused",    "success",  "partial", "failed",
                                                     "cancelled", "timed_out"};
constexpr std::array<std::string_view, 10> step_words{
    "pending", "queued", "running", "retrying",  "waiting",
    "success", "failed", "skipped", "cancelled", "timed_out"};

/// Words of the systems that users come from.
constexpr std::array<std::pair<std::string_view, std::string_view>, 13> aliases{{
    {"new", "pending"},
    {"idle", "pending"},
    {"incomplete", "pending"},
    {"completed", "success"},
    {"succeeded", "success"},
    {"error", "failed"},
    {"canceled", "cancelled"},
    {"terminated", "cancelled"},
    {"timeout", "timed_out"},
    {"review", "waiting"},
    {"waiting_for_human", "waiting"},
    {"suspended", "paused"},
    {"in_progress", "running"},
}};

std::string canonical(std::string_view text) {
  std::string lower;
  for (char c : text)
    lower.push_back(c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c);
  for (const auto& [alias, word] : aliases)
    if (alias == lower)
      return std::string{word};
  return lower;
}

template <class Status, std::size_t N>
std::optional<Status> find_word(const std::array<std::string_view, N>& words,
                                std::string_view text) {
  const auto wanted = canonical(text);
  for (std::size_t i = 0; i < N; ++i)
    if (words[i] == wanted)
      return static_cast<Status>(i);
  return std::nullopt;
}

} // namespace

std::string_view to_text(run_status s) noexcept {
  return run_words[static_cast<std::size_t>(s)];
}
std::string_view to_text(step_status s) noexcept {
  return step_words[static_cast<std::size_t>(s)];
}
std::optional<run_status> run_status_from_text(std::string_view text) noexcept {
  return find_word<run_status>(run_words, text);
}
std::optional<step_status> step_status_from_text(std::string_view text) noexcept {
  return find_word<step_status>(step_words, text);
}

} // namespace troupe
