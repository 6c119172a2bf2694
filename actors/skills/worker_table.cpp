#include "actors/skills/worker_table.hpp"

#include <algorithm>

namespace troupe {

namespace {

failure no_worker() {
  return {failure_kind::not_found,
          "worker_unknown",
          "no worker is registered under this id",
          "register again: POST /skill-providers",
          {}};
}

/// Counting more would cost more than it tells.
constexpr std::size_t parameters_counted_max = std::size_t{64} << 20;

std::int64_t integer_or(const json::value& body, std::string_view key, std::int64_t otherwise) {
  const auto* at = json::find(body, key);
  if (at && at->is_int64())
    return at->get_int64();
  return at && at->is_double() ? static_cast<std::int64_t>(std::clamp(at->get_double(), 0.0, 1e9))
                               : otherwise;
}

} // namespace

void worker_table::remember_skill(worker_skill known) {
  auto& slot = skills_[known.type];
  const auto workers = slot.workers;
  slot = std::move(known);
  slot.workers = workers;
}

result<worker_info> worker_table::enroll(const json::value& body, milliseconds now) {
  const auto* skills = json::find(body, "skills");
  if (!skills || !skills->is_array() || skills->get_array().empty())
    return invalid("worker_invalid", "skills: a worker needs at least one skill");
  if (skills->get_array().size() > 1'000)
    return invalid("worker_invalid", "skills: at most 1000");
  std::vector<worker_skill> found;
  for (const auto& each : skills->get_array()) {
    worker_skill s;
    s.type = each.is_string() ? std::string(each.get_string())
                              : std::string(json::text_or(each, "skill_type", ""));
    if (s.type.empty() || s.type.size() > 200 || s.type.find('\0') != std::string::npos)
      return invalid("worker_invalid", "skills[].skill_type must be 1 to 200 characters");
    s.description = json::text_or(each, "description", "");
    s.effect = json::text_or(each, "effect", "io");
    if (const auto* schema = json::find(each, "parameters_schema"))
      s.parameters_schema = *schema;
    found.push_back(std::move(s));
  }
  worker made;
  made.info.id = ids_();
  made.info.token = ids_();
  made.info.name = json::text_or(body, "name", "worker");
  made.info.heartbeat_seconds =
      static_cast<std::uint32_t>(std::max<std::int64_t>(1, limits_.heartbeat.count() / 1000));
  made.seen = now;
  for (auto& s : found) {
    if (std::ranges::find(made.skills, s.type) != made.skills.end())
      continue;
    made.skills.push_back(s.type);
    const auto type = s.type;
    remember_skill(std::move(s));
    ++skills_[type].workers;
  }
  auto info = made.info;
  workers_.emplace(info.id, std::move(made));
  return info;
}

bool worker_table::dismiss(std::string_view id) {
  const auto at = workers_.find(id);
  if (at == workers_.end())
    return false;
  auto who = std::move(at->second);
  workers_.erase(at);
  for (auto& poll : who.polls)
    poll.answer(no_worker());
  for (const auto& skill : who.skills)
    if (auto known = skills_.find(skill); known != skills_.end() && --known->second.workers == 0)
      skills_.erase(known);
  for (const auto number : who.tasks)
    lose(number);
  // What waits for a skill that is gone would wait for nobody.
  for (const auto& skill : who.skills) {
    if (skills_.contains(skill))
      continue;
    const auto queue = queues_.find(skill);
    if (queue == queues_.end())
      continue;
    const auto waiting = queue->second;
    for (const auto number : waiting)
      finish(number, failed_attempt("skill_unknown",
                                    "no provider has the skill \"" + skill + "\" any more", false));
  }
  return true;
}

void worker_table::poll(const std::string& id, const json::value& body, promise<json::value> answer,
                        milliseconds now) {
  const auto at = workers_.find(id);
  if (at == workers_.end())
    return answer(no_worker());
  auto& who = at->second;
  if (const auto token = json::text_or(body, "token", who.info.token); token != who.info.token)
    return answer(failure{
        failure_kind::unauthenticated, "worker_token", "the worker's token is wrong", {}, {}});
  who.seen = now;
  const auto most = static_cast<std::uint32_t>(std::clamp<std::int64_t>(
      integer_or(body, "max_tasks", 1), 1, static_cast<std::int64_t>(limits_.tasks_a_poll_max)));
  auto tasks = take(who, most, now);
  const auto wait = std::min(
      milliseconds(std::clamp<std::int64_t>(integer_or(body, "wait_seconds", 0), 0, 3600) * 1000),
      limits_.poll_wait_max);
  if (!tasks.empty() || wait.count() <= 0)
    return answer(show(tasks));
  constexpr std::size_t parked_polls_max = 64;
  if (who.polls.size() >= parked_polls_max)
    return answer(failure{
        failure_kind::exhausted, "too_many_polls", "this worker has 64 polls waiting", {}, {}});
  who.polls.push_back({std::move(answer), now + wait, most, next_order_++});
}

std::vector<std::uint64_t> worker_table::take(worker& by, std::uint32_t most, milliseconds now) {
  std::vector<std::uint64_t> out;
  while (out.size() < most) {
    std::set<std::uint64_t>* oldest = nullptr;
    for (const auto& skill : by.skills)
      if (const auto queue = queues_.find(skill); queue != queues_.end() && !queue->second.empty())
        if (!oldest || *queue->second.begin() < *oldest->begin())
          oldest = &queue->second;
    if (!oldest)
      break;
    const auto number = *oldest->begin();
    oldest->erase(oldest->begin());
    auto& t = tasks_.at(number);
    unschedule(number);
    --queued_;
    t.leased = true;
    t.worker = by.info.id;
    t.token = ids_();
    t.lease_until = now + limits_.heartbeat * limits_.missed_heartbeats;
    schedule(number);
    by.tasks.insert(number);
    out.push_back(number);
  }
  return out;
}

json::value worker_table::show(const std::vector<std::uint64_t>& numbers) const {
  json::array list;
  for (const auto number : numbers) {
    const auto& t = tasks_.at(number);
    json::object each;
    each["task_id"] = t.id;
    each["token"] = t.token;
    each["execution_id"] = to_text(t.what.run);
    each["step_id"] = t.what.at.node;
    each["iteration"] = to_text(t.what.at.iteration);
    each["attempt"] = t.what.attempt;
    each["idempotency_key"] = t.what.idempotency_key;
    each["skill_type"] = t.what.skill;
    each["parameters"] = *t.what.parameters;
    each["deadline"] = to_text(t.wall_deadline);
    list.push_back(std::move(each));
  }
  return json::object{{"tasks", std::move(list)}};
}

std::uint64_t worker_table::add(skill_task what, skill_done done, skill_live live, milliseconds now,
                                instant wall) {
  if (!skills_.contains(what.skill)) {
    done(
        failed_attempt("skill_unknown", "no provider has the skill \"" + what.skill + "\"", false));
    return 0;
  }
  if (queued_ >= limits_.queue_max) {
    done(failed_attempt("worker_queue_full", "too many tasks wait for workers", true));
    return 0;
  }
  const auto number = next_number_++;
  task t;
  t.id = ids_();
  t.deadline = now + what.timeout;
  t.wall_deadline = wall + what.timeout;
  t.done = std::move(done);
  t.live = std::move(live);
  t.what = std::move(what);
  if (limits_.budget)
    t.claim = {limits_.budget, budget_kind::tasks,
               sizeof(task) + json::written_size(*t.what.parameters, parameters_counted_max)};
  by_id_.emplace(t.id, number);
  tasks_.emplace(number, std::move(t));
  ++queued_;
  queues_[tasks_.at(number).what.skill].insert(number);
  schedule(number);
  offer(number, now);
  return number;
}

void worker_table::offer(std::uint64_t number, milliseconds now) {
  const auto& skill = tasks_.at(number).what.skill;
  worker* first = nullptr;
  for (auto& [id, who] : workers_)
    if (!who.polls.empty() && std::ranges::find(who.skills, skill) != who.skills.end())
      if (!first || who.polls.front().order < first->polls.front().order)
        first = &who;
  if (!first)
    return;
  auto waiting = std::move(first->polls.front());
  first->polls.pop_front();
  first->seen = now;
  waiting.answer(show(take(*first, waiting.tasks_max, now)));
}

std::optional<milliseconds> worker_table::oldest_queued() const {
  std::optional<milliseconds> oldest;
  for (const auto& [skill, queue] : queues_)
    if (!queue.empty()) {
      const auto& t = tasks_.at(*queue.begin()); // numbers grow with time
      const auto added = t.deadline - t.what.timeout;
      oldest = std::min(oldest.value_or(added), added);
    }
  return oldest;
}

void worker_table::schedule(std::uint64_t number) {
  const auto& t = tasks_.at(number);
  due_.emplace(t.leased ? std::min(t.deadline, t.lease_until) : t.deadline, number);
}

void worker_table::unschedule(std::uint64_t number) {
  const auto& t = tasks_.at(number);
  due_.erase({t.leased ? std::min(t.deadline, t.lease_until) : t.deadline, number});
}

void worker_table::finish(std::uint64_t number, attempt_outcome how) {
  unschedule(number);
  const auto at = tasks_.find(number);
  auto t = std::move(at->second);
  tasks_.erase(at);
  by_id_.erase(t.id);
  if (t.leased) {
    if (const auto who = workers_.find(t.worker); who != workers_.end())
      who->second.tasks.erase(number);
  } else {
    --queued_;
    if (const auto queue = queues_.find(t.what.skill); queue != queues_.end()) {
      queue->second.erase(number);
      if (queue->second.empty())
        queues_.erase(queue);
    }
  }
  if (t.done)
    t.done(std::move(how));
}

void worker_table::abort(std::uint64_t number) {
  const auto at = tasks_.find(number);
  if (at == tasks_.end())
    return;
  at->second.done = nullptr;
  finish(number, {});
}

void worker_table::close(const failure& why) {
  for (auto& [id, who] : workers_)
    for (auto& poll : who.polls)
      poll.answer(why);
  workers_.clear();
  skills_.clear();
  queues_.clear();
  tasks_.clear();
  by_id_.clear();
  due_.clear();
  queued_ = 0;
}

void worker_table::lose(std::uint64_t number) {
  finish(number, failed_attempt("worker_lost", "the worker was lost while it ran the step", true));
}

void worker_table::tick(milliseconds now) {
  while (!due_.empty() && due_.begin()->first <= now) {
    const auto number = due_.begin()->second;
    const auto& t = tasks_.at(number);
    if (t.deadline <= now)
      finish(number, failed_attempt("timeout", "the step took longer than its timeout", true));
    else
      lose(number);
  }
  for (auto& [id, who] : workers_) {
    while (!who.polls.empty() && who.polls.front().until <= now) {
      who.seen = now;
      auto waiting = std::move(who.polls.front());
      who.polls.pop_front();
      waiting.answer(show({}));
    }
    if (!who.polls.empty())
      who.seen = now;
  }
}

json::value worker_table::describe(milliseconds now) const {
  json::array list;
  for (const auto& [id, who] : workers_) {
    json::array skills;
    for (const auto& skill : who.skills)
      skills.push_back(json::value(json::string(skill)));
    json::object each;
    each["id"] = id;
    each["name"] = who.info.name;
    each["skills"] = std::move(skills);
    each["running"] = who.tasks.size();
    each["completed"] = who.done;
    each["polls_waiting"] = who.polls.size();
    each["last_seen_seconds"] = (now - who.seen).count() / 1000;
    each["online"] = now - who.seen <= limits_.heartbeat * limits_.missed_heartbeats;
    list.push_back(std::move(each));
  }
  return list;
}

} // namespace troupe
