// What control's actor does while it leads: the only writer of workflows and documents. Made anew
// for every leadership.
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
  control_core(control_deps deps, std::uint64_t term, control_actor self)
      : deps_(std::move(deps)), term_(term), self_(std::move(self)), ticket_(term << 40) {}
  std::uint64_t term() const noexcept { return term_; }

  void on(save_workflow_request& m);
  void on(activate_workflow_request& m);
  void on(delete_workflow_request& m);
  void on(write_document_request& m);
  void on(const settled& m);
  /// The leadership is over: whoever waits is told. The core only is to be destroyed then.
  void leave();

private:
  using after_commit = std::function<void(const settled&)>;
  void propose(proposal what, std::vector<view_change> views, after_commit then);
  void put_head(proposal& what, const workflow_head& head) const;
  bool busy(const std::string& workflow) const { return writing_.contains(workflow); }

  control_deps deps_;
  const std::uint64_t term_;
  control_actor self_;
  std::map<std::uint64_t, after_commit> proposals_;
  std::uint64_t ticket_; ///< never one of another leadership
  bool left_ = false;
  std::map<std::string, int> writing_;       ///< workflows and documents with a write in flight
  std::vector<std::function<void()>> later_; ///< requests that wait for such a write
};

/// The row of lists for a workflow.
document_row workflow_row(const workflow_entry& entry);
document_row document_row_of(const document& what);

} // namespace troupe
