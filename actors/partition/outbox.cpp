// Messages between runs: sent until the target has made their effect durable, then removed.
#include "actors/partition/partition_core.hpp"

#include "actors/base/faults.hpp"
#include "actors/base/link_messages.hpp"
#include "actors/base/run_blobs.hpp"
#include "persistence/store/refusals.hpp"
#include "runtime/base/log.hpp"

#include <caf/send.hpp>

#include <algorithm>

namespace troupe {

namespace {

constexpr partition_id control_home{0};
constexpr milliseconds resend_after{5'000};
/// Where a delivery failed, doubling: leaders are elected in about a second.
constexpr milliseconds failed_wait_min{200}, failed_wait_max{2'000};
constexpr std::size_t outbox_in_memory_max = 50'000;

run_id sender_of(const outbox_message& what) {
  return run_id_from_text(what.id.substr(0, what.id.find('.'))).value_or(run_id{});
}

void load_inline(value_ref& v, blob_port& blobs) {
  if (!v.is_blob())
    return;
  if (auto loaded = v.get(blobs))
    v = value_ref(std::move(*loaded));
}

} // namespace

void partition_core::read_outbox() {
  const auto prefix = key_builder(partition_).take();
  const auto fine = shared_.rows.scan(
      table::outbox, prefix, prefix_end(prefix), [&](std::string_view key, std::string_view value) {
        key_reader reader(key);
        std::uint16_t partition = 0, target = 0;
        std::string_view id;
        auto what = decode_message(value);
        if (!what || !reader.u16(partition) || !reader.u16(target) || !reader.text(id)) {
          log::error("partition", "a message to another execution is not readable");
          return true;
        }
        const outbox_key at{partition_id{target}, std::string(id)};
        outbox_.try_emplace(at,
                            outgoing{{at.first, at.second, std::move(*what)}, milliseconds(-1)});
        return outbox_.size() < outbox_in_memory_max;
      });
  if (!fine)
    log::error("partition", "the outbox is not readable");
  next_resend_ = shared_.clock.elapsed();
}

void partition_core::on(outbox_added& m) {
  for (auto& each : m.messages) {
    const outbox_key at{each.target, each.id};
    const auto [slot, fresh] = outbox_.try_emplace(at, outgoing{std::move(each), milliseconds(-1)});
    if (fresh)
      send_out(slot->second);
  }
  if (next_resend_ <= shared_.clock.elapsed())
    next_resend_ = shared_.clock.elapsed() + resend_after;
}

/// A cancellation must not overtake the start that it cancels.
bool partition_core::must_wait(const outbox_message& what) const {
  const auto* cancel = std::get_if<messages::cancel_child>(&what.what);
  if (!cancel)
    return false;
  const auto prefix = what.id.substr(0, what.id.find('.'));
  for (auto at = outbox_.lower_bound({what.target, prefix});
       at != outbox_.end() && at->first.first == what.target &&
       at->first.second.starts_with(prefix);
       ++at)
    if (const auto* start = std::get_if<messages::start_child>(&at->second.what.what))
      if (start->child == cancel->child)
        return true;
  return false;
}

void partition_core::send_out(outgoing& what) {
  if (must_wait(what.what) || !shared_.log.may_act(partition_, term_))
    return; // it is tried again like one that nobody acknowledged
  what.sent = shared_.clock.elapsed();
  what.wait = resend_after;
  if (!what.first_sent)
    what.first_sent = what.sent;
  deliver out{partition_, what.what, {}};
  // The sender's blobs are not the target's.
  run_blobs blobs(shared_, partition_, {});
  if (auto* start = std::get_if<messages::start_child>(&out.what.what))
    load_inline(start->input, blobs);
  else if (auto* ended = std::get_if<messages::child_ended>(&out.what.what))
    load_inline(ended->output, blobs);
  shared_.metrics.outbox_sent.add();
  if (number(what.what.target) >= shared_.partitions.size() || number(what.what.target) == 0) {
    delivered_.push_back({what.what.target, what.what.id});
    return retire_delivered();
  }
  if (shared_.link)
    out.answer = promise<done_at>(
        [back = self_, target = what.what.target, id = what.what.id](const result<done_at>& done) {
          caf::anon_send(back, delivered{target, id, !done});
        });
  post(std::move(out));
}

/// A node that has applied less of control may not know a workflow that this one knows.
void partition_core::post(deliver what) {
  const auto target = what.what.target;
  const auto home = shared_.log.leads(target);
  if (home.here || !shared_.link)
    return caf::anon_send(shared_.partition(target), std::move(what));
  if (home.leader == 0)
    return what.answer(not_leader(home));
  auto bytes =
      encode_delivery({what.from, std::move(what.what), shared_.log.applied(control_home)});
  shared_.link->ask(home.leader, link_topic::message, std::move(bytes), resend_after,
                    [answer = std::move(what.answer)](const result<std::string>& done) {
                      answer(done ? result<done_at>(done_at{}) : result<done_at>(done.error()));
                    });
}

void partition_core::resend() {
  const auto now = shared_.clock.elapsed();
  if (outbox_.size() >= outbox_in_memory_max / 2)
    read_outbox();
  auto next = now + resend_after;
  for (auto& [key, each] : outbox_) {
    if (each.sent < milliseconds(0) || now - each.sent >= each.wait)
      send_out(each);
    if (each.sent >= milliseconds(0))
      next = std::min(next, each.sent + each.wait);
  }
  next_resend_ = std::max(next, now + failed_wait_min);
}

promise<done_at> partition_core::acknowledgement(const deliver& m) const {
  const auto tell =
      m.answer ? m.answer
               : promise<done_at>([back = shared_.partition(m.from), target = m.what.target,
                                   id = m.what.id](const result<done_at>& done) {
                   if (done)
                     caf::anon_send(back, delivered{target, id});
                 });
  return promise<done_at>([tell](const result<done_at>& done) {
    // Refused for good (it has ended, it is unknown) is delivered too.
    const bool for_good = done || (done.error().kind != failure_kind::unavailable &&
                                   done.error().kind != failure_kind::storage_full &&
                                   done.error().kind != failure_kind::internal);
    tell(for_good ? result<done_at>(done_at{}) : done);
  });
}

void partition_core::on(deliver& m) {
  if (!open_ || closing_)
    return m.answer(not_open(shared_, partition_)); // it is sent again
  if (told_to_drop(shared_, "message", sender_of(m.what)))
    return;
  if (const auto* start = std::get_if<messages::start_child>(&m.what.what))
    return start_child(m, *start);
  auto answer = acknowledgement(m);
  if (const auto* cancel = std::get_if<messages::cancel_child>(&m.what.what)) {
    command_run out{
        cancel->child, commands::cancel{cancel->reason, "parent"}, std::move(answer), {}};
    return on(out);
  }
  const auto& ended = std::get<messages::child_ended>(m.what.what);
  command_run out{
      ended.parent.run,
      commands::finish_child{ended.parent.at, ended.child, ended.status, ended.output, ended.error},
      std::move(answer),
      {}};
  on(out);
}

/// This node may lag behind control: whoever leads that says whether the workflow is unknown there
/// too; then the message comes back. Otherwise it is sent again until this node has caught up.
void partition_core::ask_control(const deliver& m, const messages::start_child& what,
                                 promise<done_at> answer) const {
  const auto control = shared_.log.leads(control_home);
  if (control.here || control.leader == 0)
    return answer(not_leader(control));
  auto question = what;
  question.input = {};
  auto bytes = encode_delivery({m.from, {control_home, m.what.id, std::move(question)}, 0});
  shared_.link->ask(control.leader, link_topic::message, std::move(bytes), resend_after,
                    [self = self_, again = deliver{m.from, m.what, std::move(answer), true}](
                        const result<std::string>& unknown) {
                      if (unknown)
                        caf::anon_send(self, again);
                      else
                        again.answer(unknown.error());
                    });
}

void partition_core::start_child(const deliver& m, const messages::start_child& what) {
  auto answer = acknowledgement(m);
  if (const auto at = live_.find(what.child); at != live_.end()) {
    // Perhaps not durable yet: the run tells when it is.
    forward(what.child,
            join_run{promise<started_run>([answer](const result<started_run>& r) {
                       answer(r ? result<done_at>(done_at{}) : result<done_at>(r.error()));
                     }),
                     false});
    return;
  }
  if (known(what.child))
    return answer(done_at{});
  const auto control = shared_.log.leads(control_home);
  const bool sure = m.surely_unknown || !shared_.link ||
                    (control.here && shared_.log.may_act(control_home, control.term));
  if (shared_.link) // it may be newer than what this node was told of
    shared_.workflows->look_again(what.workflow_id);
  const auto workflow = shared_.workflows->find(what.workflow_id, what.workflow_version);
  if (!sure && (!workflow || !workflow->executable))
    return ask_control(m, what, std::move(answer));
  if (!workflow || !workflow->executable)
    return tell_parent_failed(what,
                              {failure_kind::not_found,
                               "workflow_not_found",
                               "there is no runnable workflow " + what.workflow_id,
                               {},
                               {}},
                              std::move(answer));
  auto input =
      what.input.is_blob() || what.input.empty() ? null_value() : what.input.inline_value();
  pending_start start;
  start.what.run = what.child;
  start.what.workflow = workflow;
  start.what.parent = what.parent;
  start.what.depth = what.depth;
  start.what.what.workflow_id = what.workflow_id;
  start.what.what.input = std::move(input);
  start.what.what.trigger_type = "subworkflow";
  start.what.what.triggered_by = what.triggered_by;
  start.what.what.priority = what.priority;
  start.what.what.trace_id = what.trace_id;
  start.what.what.user = what.user;
  start.what.answer = promise<started_run>([answer](const result<started_run>& r) {
    answer(r ? result<done_at>(done_at{}) : result<done_at>(r.error()));
  });
  launch(std::move(start), false);
}

void partition_core::tell_parent_failed(const messages::start_child& what, const failure& why,
                                        promise<done_at> then) {
  const auto home = partition_of(what.parent.run);
  if (shared_.link && !shared_.log.leads(home).here) {
    // In the words in which a child that ended would have told it.
    deliver told{
        partition_, {home, to_text(what.child) + ".0", messages::child_ended{}}, std::move(then)};
    auto& ended = std::get<messages::child_ended>(told.what.what);
    ended.parent = what.parent;
    ended.child = what.child;
    ended.status = run_status::failed;
    ended.error = error_info{why.code, why.message, 0, false, {}};
    return post(std::move(told));
  }
  commands::finish_child out;
  out.at = what.parent.at;
  out.child = what.child;
  out.status = run_status::failed;
  out.error = error_info{why.code, why.message, 0, false, {}};
  caf::anon_send(shared_.partition(home),
                 command_run{what.parent.run, std::move(out), std::move(then), {}});
}

/// Whoever sent the message: it has had its effect, so the row may go. An acknowledgement that was
/// meant for a former leadership is as good as any.
void partition_core::on(const delivered& m) {
  const outbox_key key{m.target, m.id};
  const auto at = outbox_.find(key);
  if (at == outbox_.end())
    return;
  if (m.failed) {
    auto& each = at->second;
    each.back_off = std::clamp(each.back_off * 2, failed_wait_min, failed_wait_max);
    each.wait = each.back_off;
    each.sent = shared_.clock.elapsed();
    next_resend_ = std::min(next_resend_, each.sent + each.wait);
    return;
  }
  delivered_.push_back(key);
  retire_delivered();
}

void partition_core::retire_delivered() {
  if (retiring_ || delivered_.empty())
    return;
  retiring_ = true;
  auto keys = std::exchange(delivered_, {});
  proposal what;
  for (const auto& [target, id] : keys)
    what.derived.push_back({table::outbox,
                            key_builder(partition_).u16(number(target)).text(id).take(),
                            std::nullopt,
                            {}});
  propose(std::move(what), [this, keys = std::move(keys)](const settled& done) {
    retiring_ = false;
    if (done.index != 0)
      for (const auto& key : keys)
        outbox_.erase(key);
    retire_delivered();
    // Who waited for a start to be delivered may go now.
    for (auto& [key, each] : outbox_)
      if (each.sent < milliseconds(0))
        send_out(each);
  });
}

} // namespace troupe
