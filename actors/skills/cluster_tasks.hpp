// Tasks for external workers in a cluster: the workers are known where control is led, and the
// steps that need them run where their runs are led.
#pragma once

#include "actors/api/shared.hpp"
#include "actors/base/link_messages.hpp"
#include "actors/skills/worker_table.hpp"

#include <map>
#include <memory>
#include <unordered_map>

namespace troupe {

/// Not thread-safe: the workers' actor owns it.
///
///   own task:  in this node's table ──control goes──► asked of the leader ◄──► waits to be asked
///              again; in both directions it keeps its token and its deadline
class cluster_tasks {
public:
  /// `here`: the table of this node, while it leads control; otherwise empty.
  using table_now = std::function<worker_table*()>;
  cluster_tasks(node_link& link, const replicated_log& log, const engine_clock& clock,
                std::function<std::string()> new_id, table_now here)
      : link_(link), log_(log), clock_(clock), new_id_(std::move(new_id)), here_(std::move(here)) {}

  void begin(worker_task& m);
  void drop(std::uint64_t ticket);
  /// From another node: a task, the end of one, or what one that was asked for there says.
  void take(task_mail& m);
  void settled(const task_settled& m, const workers_actor& self);
  /// Asks what is to be asked; ends what is overdue.
  void look(const workers_actor& self);
  /// The table of this node is gone or new: tasks of others are theirs to ask again.
  void control_moved();

  bool idle() const noexcept { return own_.empty(); }

private:
  struct own_task {
    remote_task what;
    skill_done done;
    skill_live live;
    milliseconds deadline{0}, ask_at{0}, back_off{0};
    std::uint64_t number = 0; ///< in this node's table; 0: not there
    std::uint64_t ask = 0;    ///< that is under way; 0: none
    std::uint64_t node = 0;   ///< that was asked last
  };
  struct foreign_task {
    std::uint64_t number = 0;
    promise<std::string> answer;
  };
  void queue_here(std::uint64_t ticket, own_task& task, worker_table& table);
  void ask(std::uint64_t ticket, own_task& task, const workers_actor& self);
  void finish(std::uint64_t ticket, attempt_outcome how);
  void queue_foreign(std::uint64_t from, remote_task what, promise<std::string> answer,
                     worker_table& table);

  node_link& link_;
  const replicated_log& log_;
  const engine_clock& clock_;
  const std::function<std::string()> new_id_;
  const table_now here_;
  std::unordered_map<std::uint64_t, own_task> own_;           ///< by ticket
  std::map<std::string, std::uint64_t, std::less<>> tickets_; ///< of own tasks, by token
  std::map<std::string, foreign_task, std::less<>> foreign_;  ///< by token
  std::uint64_t next_ask_ = 0;
};

} // namespace troupe
