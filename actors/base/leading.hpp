// Who may speak for a partition, and what those answer who may not.
#pragma once

#include "actors/api/shared.hpp"
#include "persistence/store/refusals.hpp"

#include <type_traits>
#include <variant>

namespace troupe {

/// Whether this node leads the partition under that very term.
bool leads_under(const engine_shared& shared, partition_id partition, std::uint64_t term);

/// What a partition that is not open here answers: code "not_leader"; "opening" when it is led here
/// and its actor does not know yet.
failure not_open(const engine_shared& shared, partition_id partition);

/// Answers whoever waits for this message; nothing for messages without an answer.
template <class Message> void refuse(Message& m, const failure& why) {
  if constexpr (std::is_same_v<Message, ask_run>)
    std::visit([&](auto& question) { question.answer(why); }, m.what);
  else if constexpr (requires { m.answer(why); })
    m.answer(why);
}

} // namespace troupe
