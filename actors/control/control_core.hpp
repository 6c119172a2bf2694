// What control's actor does: the only writer of workflows and documents.
#pragma once

#include "actors/control/directory.hpp"

#include <functional>
#include <map>
#include <vector>

namespace troupe {

struct control_deps {
  engine_shared& shared;
  directory& workflows;
  std::function<std::string()> new_id;
};

class control_core {
public:
  control_core(control_deps deps, control_actor self)
      : deps_(std::move(deps)), self_(std::move(self)) {}

  void on(save_workflow_request& m);
  void on(activate_workflow_request& m);
  void on(delete_workflow_request& m);
  void on(write_document_request& m);
  void on(const settled& m);
  /// Retention, old entries of the log, and a look for executions that are stuck.
  void on(const control_tick&);

private:
  using after_commit = std::function<void(const settled&)>;
  void propose(proposal what, std::vector<view_change> views, after_commit then);
  void put_head(proposal& what, const workflow_head& head) const;
  bool busy(const std::string& workflow) const { return writing_.contains(workflow); }
  void cancel_runs_of(const std::string& workflow);
  void sweep_retention();
  void trim_logs();
  void look_for_stuck();

  control_deps deps_;
  control_actor self_;
  std::map<std::uint64_t, after_commit> proposals_;
  std::uint64_t ticket_ = 0;
  milliseconds next_trim_{0};
  std::map<std::string, int> writing_;       ///< workflows and documents with a write in flight
  std::vector<std::function<void()>> later_; ///< requests that wait for such a write
};

/// The row of lists for a workflow.
document_row workflow_row(const workflow_entry& entry);
document_row document_row_of(const document& what);

} // namespace troupe
