// Workflows as their routes show them. Private to this folder.
#pragma once

#include "actors/gateway/call.hpp"

namespace troupe::gate {

/// The definition with id, versions, times and, for drafts, node_errors.
json::object workflow_json(const workflow_entry& w, bool graph = false);
/// Answers with a workflow and its ETag.
void answer_workflow(const call_ptr& c, unsigned status, const workflow_entry& w,
                     bool graph = false);
json::array errors_json(const std::vector<node_error>& errors);

/// Reads the active version, changes it and saves, again if somebody else saved meanwhile; If-Match
/// is honoured. `change` makes the new definition.
void change_workflow(const call_ptr& c, bool draft,
                     std::function<json::object(const json::object& stored)> change);

/// `?draft=`; refuses with 422 otherwise.
std::optional<bool> draft_of(const call_ptr& c);

} // namespace troupe::gate
