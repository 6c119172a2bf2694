#include "actors/control/control_core.hpp"

#include "actors/base/leading.hpp"
#include "actors/control/housekeeping.hpp"

#include <caf/send.hpp>

namespace troupe {

namespace {

failure no_workflow() {
  return {failure_kind::not_found, "workflow_not_found", "there is no such workflow", {}, {}};
}

row_change put_row(const document& what) {
  return {table::documents,
          document_key(what.collection, what.id),
          json::write(json::object{{"version", what.version},
                                   {"body", what.body},
                                   {"created_ms", what.created_ms},
                                   {"updated_ms", what.updated_ms}}),
          {}};
}

bool nameable(std::string_view text) {
  return !text.empty() && text.size() <= 512 && text.find('\0') == std::string_view::npos;
}

std::string strings_of(const json::value& v, std::string_view key) {
  const auto* at = json::find(v, key);
  return at && at->is_array() ? json::write(*at) : std::string("[]");
}

/// What the writer gets: it knows its position.
workflow_ptr written(workflow_entry entry, std::uint64_t index) {
  entry.at = {partition_id{0}, index};
  return std::make_shared<const workflow_entry>(std::move(entry));
}

} // namespace

document_row workflow_row(const workflow_entry& entry) {
  document_row row;
  row.collection = workflows_collection;
  row.id = entry.id;
  row.name = json::text_or(*entry.definition, "name", "");
  row.tags = strings_of(*entry.definition, "tags");
  row.text = row.name + " " + std::string(json::text_or(*entry.definition, "description", ""));
  row.enabled = entry.enabled;
  row.created_ms = entry.created_ms;
  row.updated_ms = entry.updated_ms;
  row.version = entry.version;
  auto body = entry.definition->is_object() ? entry.definition->get_object() : json::object{};
  body["id"] = entry.id;
  body["version"] = entry.version;
  body["active_version"] = entry.active_version;
  body["latest_version"] = entry.latest_version;
  body["enabled"] = entry.enabled;
  body["draft"] = !entry.errors.empty();
  body["created_at"] = to_text(from_millis(entry.created_ms));
  body["updated_at"] = to_text(from_millis(entry.updated_ms));
  row.body = json::write(std::move(body));
  return row;
}

document_row document_row_of(const document& what) {
  document_row row;
  row.collection = what.collection;
  row.id = what.id;
  row.name = json::text_or(what.body, "name", "");
  row.tags = strings_of(what.body, "tags");
  row.text = row.name + " " + std::string(json::text_or(what.body, "description", ""));
  const auto* enabled = json::find(what.body, "enabled");
  row.enabled = !enabled || !enabled->is_bool() || enabled->get_bool();
  row.created_ms = what.created_ms;
  row.updated_ms = what.updated_ms;
  row.version = what.version;
  row.body = json::write(what.body);
  return row;
}

void control_core::propose(proposal what, std::vector<view_change> views, after_commit then) {
  const auto ticket = ++ticket_;
  if (left_)
    return then(settled{ticket, 0,
                        std::make_shared<const failure>(not_open(deps_.shared, partition_id{0}))});
  proposals_.emplace(ticket, std::move(then));
  what.partition = partition_id{0};
  what.term = term_;
  deps_.shared.log.propose(
      std::move(what), [shared = deps_.shared.shared_from_this(), self = self_, ticket,
                        views = std::move(views)](const result<std::uint64_t>& index) mutable {
        if (index)
          shared->lists.apply(partition_id{0}, *index, std::move(views));
        caf::anon_send(self,
                       index ? settled{ticket, *index, nullptr}
                             : settled{ticket, 0, std::make_shared<const failure>(index.error())});
      });
}

void control_core::on(const settled& m) {
  const auto at = proposals_.find(m.ticket);
  if (at == proposals_.end())
    return;
  const auto then = std::move(at->second);
  proposals_.erase(at);
  then(m);
  // Requests for what was being written are looked at again, in order.
  for (auto& each : std::exchange(later_, {}))
    each();
}

void control_core::leave() {
  left_ = true; // what is tried again below is refused
  const auto lost = std::make_shared<const failure>(leadership_lost());
  for (const auto& [ticket, then] : std::exchange(proposals_, {}))
    then(settled{ticket, 0, lost});
  for (auto& each : std::exchange(later_, {}))
    each();
}

void control_core::put_head(proposal& what, const workflow_head& head) const {
  what.facts.push_back(put_row({std::string(workflows_collection), head.id, head.latest,
                                json::object{{"active_version", head.active},
                                             {"latest_version", head.latest},
                                             {"created_ms", head.created_ms},
                                             {"updated_ms", head.updated_ms}},
                                head.created_ms, head.updated_ms}));
  what.changed = "workflows/" + head.id;
}

void control_core::on(save_workflow_request& m) {
  if (busy(m.id) && !m.id.empty()) {
    later_.push_back([this, m]() mutable { on(m); });
    return;
  }
  auto known = deps_.workflows.head(m.id);
  if (!m.id.empty() && !known && !nameable(m.id))
    return m.answer(no_workflow());
  if (m.if_version && (known ? known->latest : 0) != *m.if_version)
    return m.answer(
        failure{failure_kind::precondition,
                "version_mismatch",
                "the workflow has version " + std::to_string(known ? known->latest : 0) + " by now",
                "read it again and repeat the change",
                {}});
  auto normal = normalise(m.definition);
  if (!normal)
    return m.answer(normal.error());
  const auto now = to_millis(deps_.shared.clock.now());
  workflow_head head = known.value_or(workflow_head{});
  if (!known) {
    head.id = m.id.empty() ? deps_.new_id() : m.id;
    head.created_ms = now;
  }
  head.updated_ms = now;
  head.latest += 1;
  head.active = head.latest;
  auto definition = std::make_shared<const json::value>(std::move(*normal));
  auto entry = deps_.workflows.make(head, head.latest, definition, now);
  if (!entry->errors.empty() && !m.draft) {
    auto why = invalid("workflow_invalid", "the definition has errors",
                       "correct what node_errors names, or save it with ?draft=true");
    why.node_errors = entry->errors;
    return m.answer(std::move(why));
  }
  proposal what;
  put_head(what, head);
  what.facts.push_back(
      put_row({std::string(versions_collection), version_document(head.id, head.latest), 1,
               json::object{{"definition", *definition}, {"saved_ms", now}}, now, now}));
  ++writing_[head.id];
  propose(std::move(what), {workflow_row(*entry)},
          [this, head, entry, answer = m.answer](const settled& done) {
            writing_.erase(head.id);
            if (done.index == 0)
              return answer(*done.why);
            deps_.workflows.put(head, entry);
            answer(written(*entry, done.index));
          });
}

void control_core::on(activate_workflow_request& m) {
  if (busy(m.id)) {
    later_.push_back([this, m]() mutable { on(m); });
    return;
  }
  auto head = deps_.workflows.head(m.id);
  if (!head)
    return m.answer(no_workflow());
  const auto version = m.version;
  if (version == 0 || version > head->latest)
    return m.answer(failure{failure_kind::not_found,
                            "version_not_found",
                            "the workflow has no version " + std::to_string(version),
                            {},
                            {}});
  const auto stored = deps_.workflows.find(m.id, version);
  if (!stored)
    return m.answer(no_workflow());
  head->active = version;
  head->updated_ms = to_millis(deps_.shared.clock.now());
  auto entry = deps_.workflows.make(*head, version, stored->definition, head->updated_ms);
  proposal what;
  put_head(what, *head);
  ++writing_[head->id];
  propose(std::move(what), {workflow_row(*entry)},
          [this, head = *head, entry, answer = m.answer](const settled& done) {
            writing_.erase(head.id);
            if (done.index == 0)
              return answer(*done.why);
            deps_.workflows.put(head, entry);
            answer(written(*entry, done.index));
          });
}

void control_core::on(delete_workflow_request& m) {
  if (busy(m.id)) {
    later_.push_back([this, m]() mutable { on(m); });
    return;
  }
  if (!deps_.workflows.head(m.id))
    return m.answer(no_workflow());
  // Versions stay: the history of its executions is still shown. Only the head goes.
  proposal what;
  what.changed = "workflows/" + m.id;
  what.facts.push_back(
      {table::documents, document_key(workflows_collection, m.id), std::nullopt, {}});
  ++writing_[m.id];
  propose(std::move(what), {document_gone{std::string(workflows_collection), m.id}},
          [this, id = m.id, answer = m.answer](const settled& done) {
            writing_.erase(id);
            if (done.index == 0)
              return answer(*done.why);
            deps_.workflows.remove(id);
            cancel_runs_of(deps_.shared, id);
            answer(done_at{{partition_id{0}, done.index}, nullptr});
          });
}

void control_core::on(write_document_request& m) {
  const auto& w = m.what;
  const auto key = w.collection + "/" + w.id;
  if (busy(key)) {
    later_.push_back([this, m]() mutable { on(m); });
    return;
  }
  if (!nameable(w.collection) || !nameable(w.id) || w.collection == workflows_collection ||
      w.collection == versions_collection)
    return m.answer(invalid("document_invalid", "collection and id must be 1 to 512 characters"));
  const auto old = deps_.workflows.read(w.collection, w.id);
  if (w.if_version && *w.if_version != (old ? old->version : 0))
    return m.answer(failure{failure_kind::precondition,
                            "version_mismatch",
                            "the document has version " + std::to_string(old ? old->version : 0),
                            "read it again and repeat the change",
                            {}});
  if (!w.body && !old)
    return m.answer(failure{
        failure_kind::not_found, "document_not_found", "there is no such document", {}, {}});
  proposal what;
  what.changed = key;
  std::vector<view_change> views;
  const auto version = (old ? old->version : 0) + 1;
  if (w.body) {
    const auto now = to_millis(deps_.shared.clock.now());
    const document now_stored{w.collection, w.id, version, *w.body, old ? old->created_ms : now,
                              now};
    what.facts.push_back(put_row(now_stored));
    views.push_back(document_row_of(now_stored));
  } else {
    what.facts.push_back({table::documents, document_key(w.collection, w.id), std::nullopt, {}});
    views.push_back(document_gone{w.collection, w.id});
  }
  ++writing_[key];
  propose(std::move(what), std::move(views),
          [this, key, version, answer = m.answer](const settled& done) {
            writing_.erase(key);
            if (done.index == 0)
              return answer(*done.why);
            answer(done_at{{partition_id{0}, done.index}, json::object{{"version", version}}});
          });
}

} // namespace troupe
