// Handlers of executions: reading, commands, events.
#include "actors/gateway/executions.hpp"

#include "actors/gateway/start.hpp"
#include "net/rest/headers.hpp"
#include "runtime/engine/status.hpp"

namespace troupe::gate {

void command_run(const call_ptr& c, const run_id& run, commands::any what,
                 std::function<void(const done_at&)> answer) {
  c->home->cache.drop(run);
  c->engine().command(run, std::move(what), [c, run, answer](result<done_at> done) {
    c->home->cache.drop(run);
    if (!done)
      return c->refuse(done.error());
    c->at(done->at);
    answer(*done);
  });
}

std::function<void(const done_at&)> accepted(const call_ptr& c, const run_id& run, unsigned status,
                                             std::string message) {
  return [c, run, status, message = std::move(message)](const done_at& done) {
    json::object out;
    if (const auto* more = done.body.if_object())
      out = *more;
    out["execution_id"] = json::string(to_text(run));
    out["message"] = json::string(message);
    c->json(status, out);
  };
}

bool read_run_filter(const call_ptr& c, execution_filter& what) {
  const auto page = rest::page_of(c->request);
  const auto from = rest::time_parameter(c->request, "created_from");
  const auto to = rest::time_parameter(c->request, "created_to");
  std::optional<failure> fault;
  if (!page)
    fault = page.error();
  else if (!from)
    fault = from.error();
  else if (!to)
    fault = to.error();
  if (fault) {
    c->refuse(*fault);
    return false;
  }
  what.limit = page->limit;
  what.cursor = page->cursor;
  what.created_from_ms = *from;
  what.created_to_ms = *to;
  if (what.trigger_type.empty())
    what.trigger_type = c->request.parameter("trigger_type");
  if (what.trigger_type.empty())
    what.trigger_type = c->request.parameter("trigger");
  if (const auto word = c->request.parameter("status"); !word.empty()) {
    const auto status = run_status_from_text(word);
    if (!status) {
      c->refuse(invalid("bad_parameter", "Parameter 'status' is no status of an execution."));
      return false;
    }
    what.status = to_text(*status);
  }
  return true;
}

void list_runs_as(const call_ptr& c, execution_filter what,
                  std::function<json::value(const json::value& execution)> shown) {
  if (!read_run_filter(c, what))
    return;
  auto at_least = positions_of(c);
  if (!at_least)
    return;
  c->engine().query(std::move(what), std::move(*at_least),
                    then<view_page>(c, [c, shown = std::move(shown)](view_page page) {
                      for (auto& item : page.items)
                        if (const auto parsed = json::parse(item))
                          item = json::write(shown(*parsed));
                      c->page(page);
                    }));
}

void read_run(const call_ptr& c, const run_id& run,
              std::function<void(const execution_text&)> answer) {
  const auto now = std::chrono::steady_clock::now();
  auto known = c->home->cache.find(run, now);
  const auto term = c->engine().speaks_for(run);
  if (known.json && term == known.term) {
    c->at(c->engine().shown(run));
    return answer({std::move(known.json), 0, true});
  }
  const auto epoch = c->home->cache.epoch();
  c->engine().read(
      run, then<execution_text>(c, [c, run, epoch, term, answer](const execution_text& got) {
        if (got.terminal && term)
          c->home->cache.put(run, {got.json, *term}, epoch, std::chrono::steady_clock::now());
        c->at(c->engine().shown(run));
        answer(got);
      }));
}

result<sequence_number> since_of(const http::request& r) {
  http::request asked;
  asked.query = r.query;
  if (const auto last = r.header("last-event-id"); !last.empty())
    asked.query = {{"since", std::string(last)}};
  return rest::number_parameter(asked, "since", 0, 0, UINT64_MAX);
}

namespace {

void list_executions(const call_ptr& c) {
  execution_filter what;
  what.workflow_id = c->request.parameter("workflow_id");
  what.user = c->request.parameter("user_id");
  if (read_run_filter(c, what))
    answer_query(c, std::move(what));
}

/// The history of a deleted workflow stays readable, so a missing workflow matters only when there
/// is no history either.
void list_workflow_executions(const call_ptr& c) {
  execution_filter what;
  what.workflow_id = c->path("id");
  if (!read_run_filter(c, what))
    return;
  auto at_least = positions_of(c);
  if (!at_least)
    return;
  const bool known = c->engine().workflow(what.workflow_id) != nullptr;
  c->engine().query(
      std::move(what), std::move(*at_least), then<view_page>(c, [c, known](const view_page& page) {
        if (!known && page.items.empty())
          return c->refuse(not_found("workflow_not_found", "There is no such workflow."));
        c->page(page);
      }));
}

void read_execution(const call_ptr& c) {
  if (const auto run = run_of(c))
    read_run(c, *run, [c](const execution_text& got) { c->shared_json(200, got.json); });
}

void delete_execution(const call_ptr& c) {
  const auto run = run_of(c);
  if (!run)
    return;
  const auto purge = [c, run = *run](const execution_text& got) {
    if (!got.terminal)
      return c->refuse({failure_kind::conflict,
                        "execution_not_finished",
                        "Only a finished execution can be removed.",
                        "Cancel it first.",
                        {}});
    c->home->cache.drop(run);
    c->engine().purge({run}, then<done_at>(c, [c, run](const done_at& done) {
                        c->home->cache.drop(run);
                        c->at(done.at);
                        c->send({204, {}, {}, {}});
                      }));
  };
  c->engine().read(*run, then<execution_text>(c, purge));
}

void cancel_execution(const call_ptr& c) {
  rest::fields in(c->body);
  const auto reason = in.text("reason", "Cancelled by user");
  if (const auto fault = in.fault())
    return c->refuse(*fault);
  if (const auto run = run_of(c))
    command_run(c, *run, commands::cancel{reason, "user"},
                accepted(c, *run, 200, "The execution is being cancelled."));
}

void pause_execution(const call_ptr& c) {
  if (const auto run = run_of(c))
    command_run(c, *run, commands::pause{"user"},
                accepted(c, *run, 200, "No further step starts."));
}

void resume_execution(const call_ptr& c) {
  if (const auto run = run_of(c))
    command_run(c, *run, commands::resume{"user"},
                accepted(c, *run, 200, "The execution goes on."));
}

void retry_execution(const call_ptr& c) {
  rest::fields in(c->body);
  commands::retry what;
  what.from = in.text("from", "failed");
  const auto* parameters = in.map("parameters");
  const auto* input = in.map("input");
  what.by = "user";
  // A step's result belongs to the version that made it: another version is another execution.
  if (in.any("version") != nullptr)
    in.complain("version", "not_supported", "is fixed for an execution; start a new one");
  if (const auto fault = in.fault())
    return c->refuse(*fault);
  // Of the node that `from` names; without one, by node.
  if (parameters != nullptr && (what.from == "failed" || what.from.empty()))
    what.overrides = share(json::value(*parameters));
  else if (parameters != nullptr)
    what.overrides = share(json::object{{what.from, *parameters}});
  if (input != nullptr)
    what.input = value_ref(share(json::value(*input)));
  if (const auto run = run_of(c))
    command_run(c, *run, std::move(what),
                accepted(c, *run, 202, "The execution runs again from what failed."));
}

void replay_execution(const call_ptr& c) {
  rest::fields in(c->body);
  const bool redecide = in.flag("redecide", true);
  if (const auto fault = in.fault())
    return c->refuse(*fault);
  if (const auto run = run_of(c))
    c->engine().replay(*run, redecide,
                       then<json::value>(c, [c](const json::value& v) { c->json(200, v); }));
}

void signal_execution(const call_ptr& c) {
  const auto run = run_of(c);
  if (!run)
    return;
  commands::signal what;
  what.name = c->path("name");
  if (what.name.size() > 256)
    return c->refuse(invalid("bad_signal_name", "A signal's name has at most 256 bytes."));
  // {data: …} alone or with a message_id is an envelope; anything else is the data itself.
  const auto* data = c->body.if_contains("data");
  const auto* message = c->body.if_contains("message_id");
  const bool envelope = data != nullptr && c->body.size() == (message != nullptr ? 2u : 1u);
  what.data = value_ref(share(envelope ? *data : json::value(c->body)));
  what.message_id = c->request.header("idempotency-key");
  if (message != nullptr && message->is_string())
    what.message_id = std::string(message->get_string());
  command_run(c, *run, std::move(what), accepted(c, *run, 202, "The signal was delivered."));
}

void list_events(const call_ptr& c) {
  const auto run = run_of(c);
  if (!run)
    return;
  const auto page = rest::page_of(c->request);
  if (!page)
    return c->refuse(page.error());
  const auto since = rest::number_parameter(c->request, "since", 0, 0, UINT64_MAX);
  if (!since)
    return c->refuse(since.error());
  auto after = rest::position_of(page->cursor);
  if (!after)
    return c->refuse(after.error());
  const auto from = page->cursor.empty() ? *since : *after;
  const auto show = [c, run = *run, from](const event_page& p) {
    c->at(c->engine().shown(run));
    const auto next = p.has_more ? rest::cursor_at(from + p.items.size()) : std::string{};
    c->json_text(200, rest::list_text(p.items, p.last_seq, next));
  };
  c->engine().events(*run, from, page->limit, then<event_page>(c, show));
}

void read_report(const call_ptr& c) {
  if (const auto run = run_of(c))
    c->engine().report(*run, "report", then<json::value>(c, [c, run = *run](const json::value& v) {
      c->at(c->engine().shown(run));
      c->json(200, v);
    }));
}

void read_logs(const call_ptr& c) {
  const auto run = run_of(c);
  if (!run)
    return;
  const std::string level(c->request.parameter("level"));
  c->engine().report(*run, "logs", then<json::value>(c, [c, level](const json::value& got) {
    const auto* lines = got.is_array() ? &got : json::find(got, "logs");
    if (lines == nullptr)
      lines = json::find(got, "items");
    json::array all;
    if (lines != nullptr && lines->is_array())
      for (const auto& line : lines->get_array())
        if (level.empty() || json::text_or(line, "level", "") == level)
          all.push_back(line);
    c->page_of(all);
  }));
}

void list_children(const call_ptr& c) {
  const auto run = run_of(c);
  if (!run)
    return;
  execution_filter what;
  what.parent_id = to_text(*run);
  if (!read_run_filter(c, what))
    return;
  const auto exists = then<event_page>(c, [c, what](const event_page&) { answer_query(c, what); });
  c->engine().events(*run, 0, 1, exists);
}

void stream_execution(const call_ptr& c) {
  const auto run = run_of(c);
  if (!run)
    return;
  const auto since = since_of(c->request);
  if (!since)
    return c->refuse(since.error());
  c->engine().events(*run, *since, 1,
                     then<event_page>(c, [c, run = *run, since = *since](const event_page&) {
                       stream_run(c, run, since);
                     }));
}

} // namespace

std::vector<handler_row> execution_handlers() {
  return {{"list_executions", list_executions},
          {"list_workflow_executions", list_workflow_executions},
          {"read_execution", read_execution},
          {"delete_execution", delete_execution},
          {"cancel_execution", cancel_execution},
          {"pause_execution", pause_execution},
          {"resume_execution", resume_execution},
          {"retry_execution", retry_execution},
          {"replay_execution", replay_execution},
          {"signal_execution", signal_execution},
          {"list_events", list_events},
          {"read_logs", read_logs},
          {"read_report", read_report},
          {"stream_execution", stream_execution},
          {"list_children", list_children}};
}

} // namespace troupe::gate
