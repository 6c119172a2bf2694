// Spans of W3C Trace Context: what is told of a request, a run or an attempt, under ids that
// anybody can work out again, so that a restarted process goes on in the same trace.
#pragma once

#include "runtime/engine/event.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace troupe {

enum class span_kind : std::uint8_t { internal = 1, server = 2, client = 3 }; ///< as OTLP counts

struct trace_span {
  std::string trace_id;             ///< 32 lower-case hex digits
  std::uint64_t id = 0, parent = 0; ///< parent 0: the trace begins here
  std::string name;
  span_kind kind = span_kind::internal;
  instant start{}, end{};
  bool failed = false;
  std::string error; ///< a code, never a message: messages may quote data
  /// Keys are static text. Never inputs, outputs or anything that may hold a secret.
  std::vector<std::pair<std::string_view, std::variant<std::string, std::int64_t>>> attributes;
};

/// Takes finished spans. Thread-safe.
class span_sink {
public:
  virtual ~span_sink() = default;
  virtual void add(trace_span what) = 0; ///< never blocks; may drop
};

/// The trace that a run was started with; without a valid one, its own id as a trace id.
std::string trace_of(const run_id& run, std::string_view given);

/// Of the request that started a run, of the run in one of its rounds (1: the first; each retry by
/// a person is one more), and of an attempt of a step. Never 0.
std::uint64_t request_span(const run_id& run) noexcept;
std::uint64_t run_span(const run_id& run, std::uint32_t round) noexcept;
std::uint64_t attempt_span(const run_id& run, const place& at, std::uint32_t attempt);

/// 16 lower-case hex digits, and back (0 when it is none).
std::string span_text(std::uint64_t id);
std::uint64_t span_from_text(std::string_view text) noexcept;

/// At most 256 bytes of a text, cut between characters.
std::string short_text(std::string_view text);

} // namespace troupe
