// How the frontier moves: scopes open, nodes end, dependants become ready.
#pragma once

#include "runtime/engine/state.hpp"

namespace troupe::evolving {

/// Makes the scope and queues the nodes that need nothing. The key must not exist.
void open_scope(const plan& p, run_state& s, const scope_key& key, value_ref item);

/// Erases a scope with everything inside it, loops included.
void erase_scope(const plan& p, run_state& s, const scope_key& key);

/// Counts open slots and pending edges of a scope anew and queues what is ready (after a retry).
void recount(const plan& p, run_state& s, const scope_key& key);

/// Marks the node ended and tells its dependants.
void settle(const plan& p, run_state& s, const slot_ref& at, step_status status, resolution out,
            instant now);

/// One thing less is open in a scope; an iteration that is empty is noted at its loop.
void close_one(const plan& p, run_state& s, const scope_key& key);

void queue(run_state& s, slot& what, const slot_ref& at);
void unqueue(run_state& s, slot& what, const slot_ref& at);

/// The loop or streaming node whose iteration this scope is.
slot_ref owner_of(const plan& p, const scope_key& key);

/// Appends a result at its index, in order.
void append_result(result_list& results, std::uint32_t index, value_ref value);

} // namespace troupe::evolving
