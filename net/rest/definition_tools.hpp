// Pure work on definitions for their routes: what GET shows, differences, exports, merges.
#pragma once

#include "runtime/base/json.hpp"

#include <cstdint>
#include <string>

namespace troupe::rest {

/// {nodes: {added, removed, changed: [{id, fields, changes}]}, edges: {added, removed}, fields:
/// [top-level keys that differ], changes: [{field, from, to}]}. Both in graph form.
json::object definition_diff(const json::object& from, const json::object& to);

/// A copy without what belongs to this installation or is secret: ids and versions of the server,
/// owners, credentials, webhook ids, and members whose name says that they hold a secret (these
/// become null, so that an importer sees where to fill in).
json::object portable(const json::object& definition);

/// Drops the members that the server owns (id, version, created …): a client may send back what
/// GET answered.
void drop_server_fields(json::object& definition);

/// PATCH: every sent key replaces the stored one; null removes it, so that its default applies.
json::object merged(const json::object& stored, const json::object& sent);

} // namespace troupe::rest
