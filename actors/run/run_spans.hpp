// Spans of one run and its attempts, made of committed events. Nothing is stored for them: ids are
// worked out, and what runs when a run is loaded is taken from its state.
#pragma once

#include "runtime/engine/span.hpp"
#include "runtime/engine/state.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace troupe {

class run_spans {
public:
  explicit run_spans(span_sink& to) : to_(to) {}

  /// After the run was loaded: its attempts in flight. A later attempt of a step begins with the
  /// step then, because state knows no better.
  void resume(const plan& p, const run_state& s);
  /// A committed turn; `after` is the state behind it.
  void add(const run_state& after, const std::vector<event>& turn);

private:
  struct open_attempt {
    std::uint32_t attempt = 1;
    instant since{};
    std::string skill;
  };
  using key = std::pair<std::string, iteration_path>;

  void begin(const run_state& s, const events::node_scheduled& what, instant now);
  /// Does nothing when the attempt is not open; an empty code: it succeeded.
  void end(const run_state& s, const place& at, instant now, std::string_view code,
           std::uint32_t status = 0);
  void end_all(const run_state& s, instant now);
  void finish(const run_state& s, const events::execution_finished& what, instant now);

  span_sink& to_;
  std::map<key, open_attempt> open_;
  std::optional<instant> round_; ///< when a person's retry began, if one did
};

} // namespace troupe
