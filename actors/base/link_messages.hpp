// What goes between nodes about runs, as bytes (link_topic::message and link_topic::task).
#pragma once

#include "actors/api/skill.hpp"
#include "runtime/engine/messages.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace troupe {

/// A message of the outbox on its way to the node that leads its target.
struct remote_delivery {
  partition_id from{};
  outbox_message what;
  std::uint64_t control = 0; ///< what the sender had applied of control: the receiver needs as much
};
std::string encode_delivery(const remote_delivery& what);
/// Fails with "link_malformed", or as decode_message does.
result<remote_delivery> decode_delivery(std::string_view bytes);

/// A task for an external worker. `token` is the attempt's: the same when it is sent again.
struct remote_task {
  std::string token;
  skill_task what;
};
std::string encode_task(const remote_task& what);
/// Its outcome no longer matters: a task without a skill.
std::string encode_task_abort(std::string_view token);
/// Fails with "link_malformed".
result<remote_task> decode_task(std::string_view bytes);

/// What a task says that is not its outcome, back to the node that asked.
struct remote_word {
  std::string token, kind;
  std::shared_ptr<const std::string> json; ///< never empty
};
/// No task looks like this: it has no time.
std::string encode_word(std::string_view token, std::string_view kind, std::string_view json);
/// Nothing: it is no such word.
std::optional<remote_word> decode_word(std::string_view bytes);

/// Values must be inline.
std::string encode_outcome(const attempt_outcome& what);
result<attempt_outcome> decode_outcome(std::string_view bytes);

/// What a run says that is no event (link_topic::live).
struct live_word {
  run_id run{};
  std::string kind;
  std::shared_ptr<const std::string> json; ///< never empty
};
std::string encode_live(const run_id& run, std::string_view kind, std::string_view json);
/// Fails with "link_malformed".
result<live_word> decode_live(std::string_view bytes);

} // namespace troupe
