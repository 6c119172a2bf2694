// What names mean in a run's expressions: input, steps, vars, $json, item, loop …
#pragma once

#include "runtime/engine/state.hpp"
#include "runtime/expr/expression.hpp"

namespace troupe {

/// Names as one node sees them, in its scope. Borrows everything; make one for each evaluation.
class run_names final : public expr::names {
public:
  /// `input` is the node's merged input ($json). `overlay` adds names that win over all others
  /// (item, index, acc …); may be nullptr.
  run_names(const plan& p, const run_state& s, blob_port& blobs, scope_key scope,
            shared_value input, const json::object* overlay = nullptr);

  result<found> resolve(std::span<const std::string_view> path) const override;

private:
  result<found> resolve_node(std::span<const std::string_view> path) const;
  result<found> resolve_iteration(std::string_view root) const;
  result<json::value> describe(const slot& what) const;
  result<found> all_nodes() const;
  result<found> all_variables() const;
  const slot* visible_slot(node_index node) const;

  const plan& p_;
  const run_state& s_;
  blob_port& blobs_;
  scope_key scope_;
  shared_value input_;
  const json::object* overlay_;
};

/// The output a step shows: its first port's value, {skipped, reason} when skipped, null otherwise.
result<shared_value> output_of(const slot& what, blob_port& blobs);

} // namespace troupe
