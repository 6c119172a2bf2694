// Runs as the API shows them (API.md, "Wire details"): JSON text, appended to strings. Pure.
#pragma once

#include "runtime/engine/codec.hpp"
#include "runtime/engine/history.hpp"
#include "runtime/engine/projection.hpp"
#include "runtime/engine/state.hpp"

#include <span>
#include <string>

namespace troupe {

/// The Execution. `history`, when given, must have seen all events up to the state's: it adds what
/// the state has forgotten (finished iterations, usage, created ids). Blobs that are missing show
/// as null.
std::string execution_json(const plan& p, const run_state& s, blob_port& blobs,
                           const run_history* history = nullptr);

/// One event: {seq, time, kind, node?, iteration?, attempt?, data, hash}. Secrets written into
/// parameters are masked.
std::string event_json(const event& e, const chain_hash& hash);

/// A review: open when `decided` is nullptr and the status pending.
std::string review_json(const run_state& s, const open_review& review,
                        const events::review_decided* decided, std::string_view status,
                        std::optional<instant> closed, blob_port& blobs);

/// {execution_summary, execution_path, node_inputs, node_outputs, performance_metrics, errors}.
std::string execution_report(const plan& p, const run_state& s, std::span<const event> all,
                             blob_port& blobs);
/// {items: [{time, node, iteration?, level, message}]}, oldest first.
std::string execution_logs(std::span<const event> all);

/// The value with members that are secrets by their name (password, token, api_key …) replaced by
/// "***". The same pointer when there are none.
shared_value masked(const shared_value& v);

} // namespace troupe
