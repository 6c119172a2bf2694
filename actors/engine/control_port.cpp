// engine_port: workflows, documents, skills and workers.
#include "actors/engine/node_engine.hpp"

#include <caf/all.hpp>

namespace troupe {

workflow_ptr node_engine::workflow(std::string_view id, std::uint32_t version) const {
  return workflows_->find(id, version);
}

std::vector<std::uint32_t> node_engine::workflow_versions(std::string_view id) const {
  return workflows_->versions(id);
}

compiled node_engine::check(const json::value& definition) const {
  return workflows_->check(definition);
}

void node_engine::save_workflow(std::string id, json::value definition, bool draft,
                                std::optional<std::uint32_t> if_version,
                                reply<workflow_ptr> answer) {
  if (stopping_ || !control_)
    return answer(stopping());
  caf::anon_send(control_,
                 save_workflow_request{std::move(id), std::move(definition), draft, if_version,
                                       promise<workflow_ptr>(std::move(answer))});
}

void node_engine::activate_workflow(std::string id, std::uint32_t version,
                                    reply<workflow_ptr> answer) {
  if (stopping_ || !control_)
    return answer(stopping());
  caf::anon_send(control_, activate_workflow_request{std::move(id), version,
                                                     promise<workflow_ptr>(std::move(answer))});
}

void node_engine::delete_workflow(std::string id, reply<done_at> answer) {
  if (stopping_ || !control_)
    return answer(stopping());
  caf::anon_send(control_,
                 delete_workflow_request{std::move(id), promise<done_at>(std::move(answer))});
}

std::optional<document> node_engine::read_document(std::string_view collection,
                                                   std::string_view id) const {
  return workflows_->read(collection, id);
}

void node_engine::write_document(document_write what, reply<done_at> answer) {
  if (stopping_ || !control_)
    return answer(stopping());
  caf::anon_send(control_,
                 write_document_request{std::move(what), promise<done_at>(std::move(answer))});
}

json::value node_engine::skills() const {
  json::array out;
  for (const auto& type : types_.all())
    if (type.kind == node_kind::skill && !type.skill_type.empty())
      out.push_back(
          json::object{{"skill_type", type.skill_type},
                       {"description", type.description},
                       {"effect", type.effect == effect_class::immediate ? "instant" : "io"},
                       {"provider", "builtin"}});
  for (auto& each : worker_skills_.skills())
    out.push_back(std::move(each));
  if (deps_.log.leads(partition_id{0}).here)
    return out;
  for (const auto& each : workflows_->all_of(skills_collection)) { // workers are known elsewhere
    auto shown = each.body.is_object() ? each.body.get_object() : json::object{};
    shown.erase("name");
    shown["skill_type"] = each.id;
    shown["provider"] = "worker";
    out.push_back(std::move(shown));
  }
  return out;
}

/// Skills outlive the process that registered them: a recovered run waits for its worker instead of
/// failing because nobody has come back yet.
void node_engine::skills_changed(const std::map<std::string, worker_skill, std::less<>>& skills) {
  workflows_->forget_compiled();
  if (!deps_.log.leads(partition_id{0}).here)
    return; // who leads control writes them
  std::map<std::string, bool, std::less<>> stored;
  for (const auto& each : workflows_->all_of(skills_collection))
    stored.emplace(each.id, skills.contains(each.id));
  for (const auto& [type, s] : skills)
    if (!stored.contains(type))
      write_document({std::string(skills_collection), type, std::nullopt,
                      json::value(json::object{{"name", type},
                                               {"description", s.description},
                                               {"effect", s.effect},
                                               {"parameters_schema", s.parameters_schema}})},
                     [](const result<done_at>&) {});
  for (const auto& [type, stays] : stored)
    if (!stays)
      write_document({std::string(skills_collection), type, std::nullopt, std::nullopt},
                     [](const result<done_at>&) {});
}

void node_engine::register_worker(json::value body, reply<worker_info> answer) {
  if (stopping_ || !workers_)
    return answer(stopping());
  worker_call call;
  call.what = worker_call::verb::enroll;
  call.body = std::move(body);
  call.answer = promise<json::value>([answer = std::move(answer)](const result<json::value>& made) {
    if (!made)
      return answer(made.error());
    worker_info out;
    out.id = json::text_or(*made, "id", "");
    out.name = json::text_or(*made, "name", "");
    out.token = json::text_or(*made, "token", "");
    if (const auto* beat = json::find(*made, "heartbeat_seconds"); beat && beat->is_uint64())
      out.heartbeat_seconds = static_cast<std::uint32_t>(beat->get_uint64());
    answer(std::move(out));
  });
  caf::anon_send(workers_, std::move(call));
}

void node_engine::unregister_worker(std::string id, reply<done_at> answer) {
  if (stopping_ || !workers_)
    return answer(stopping());
  worker_call call;
  call.what = worker_call::verb::dismiss;
  call.worker = std::move(id);
  call.answer = promise<json::value>([answer = std::move(answer)](const result<json::value>& gone) {
    answer(gone ? result<done_at>(done_at{{}, *gone}) : result<done_at>(gone.error()));
  });
  caf::anon_send(workers_, std::move(call));
}

json::value node_engine::workers() const {
  return worker_skills_.workers();
}

void node_engine::poll_tasks(std::string worker_id, json::value body, reply<json::value> answer) {
  if (stopping_ || !workers_)
    return answer(stopping());
  worker_call call;
  call.what = worker_call::verb::poll;
  call.worker = std::move(worker_id);
  call.body = std::move(body);
  call.answer = promise<json::value>(std::move(answer));
  caf::anon_send(workers_, std::move(call));
}

void node_engine::task_message(std::string worker_id, std::string task_id, std::string verb,
                               json::value body, reply<json::value> answer) {
  if (stopping_ || !workers_)
    return answer(stopping());
  worker_call call;
  call.what = worker_call::verb::message;
  call.worker = std::move(worker_id);
  call.task = std::move(task_id);
  call.word = std::move(verb);
  call.body = std::move(body);
  call.answer = promise<json::value>(std::move(answer));
  caf::anon_send(workers_, std::move(call));
}

void node_engine::task_results(std::string worker_id, json::value body, reply<json::value> answer) {
  if (stopping_ || !workers_)
    return answer(stopping());
  worker_call call;
  call.what = worker_call::verb::results;
  call.worker = std::move(worker_id);
  call.body = std::move(body);
  call.answer = promise<json::value>(std::move(answer));
  caf::anon_send(workers_, std::move(call));
}

} // namespace troupe
