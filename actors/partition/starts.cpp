// Starts: keys that make them idempotent, tokens that bound them.
#include "actors/partition/partition_core.hpp"

#include "actors/base/run_blobs.hpp"
#include "persistence/store/digest.hpp"
#include "runtime/base/encoding.hpp"
#include "runtime/base/hash.hpp"

#include <caf/send.hpp>

#include <algorithm>

namespace troupe {

namespace {

std::string dedupe_row_key(partition_id partition, const start_request& what) {
  const auto hash = sha256(what.user + '\0' + what.workflow_id + '\0' + what.idempotency_key);
  return key_builder(partition)
      .raw({reinterpret_cast<const char*>(hash.data()), hash.size()})
      .take();
}

std::string dedupe_row(const run_id& run, const start_request& what, instant expires) {
  return json::write(json::object{
      {"run", to_text(run)}, {"digest", what.body_digest}, {"expires", to_millis(expires)}});
}

failure reused_key() {
  return invalid("idempotency_key_reused", "this Idempotency-Key was used with another body",
                 "use a new key for a new start");
}

std::uint64_t seed_of(const run_id& run) {
  return hash64({reinterpret_cast<const char*>(run.id.bytes.data()), run.id.bytes.size()});
}

} // namespace

/// True: the key is known and the start was answered, or will be by the run.
result<bool> partition_core::answer_repeat(start_run& m, const std::string& key) {
  const auto row = shared_.rows.get(table::dedupe, key);
  if (!row)
    return row.error();
  if (!*row)
    return false;
  const auto known = json::parse(**row);
  if (!known)
    return known.error();
  const auto* expires = json::find(*known, "expires");
  if (expires && expires->is_int64() && from_millis(expires->get_int64()) < shared_.clock.now())
    return false;
  if (json::text_or(*known, "digest", "") != m.what.body_digest)
    return reused_key();
  const auto run = run_id_from_text(json::text_or(*known, "run", ""));
  if (!run)
    return failure{
        failure_kind::internal, "dedupe_malformed", "a stored key is not readable", {}, {}};
  join(*run, std::move(m.answer), m.what);
  return true;
}

void partition_core::join(const run_id& run, promise<started_run> answer,
                          const start_request& what) {
  if (what.wait) {
    const auto until = shared_.clock.elapsed() + *what.wait;
    waits_.emplace(until, run);
    waits_of_[run].insert(until);
  }
  forward(run, join_run{std::move(answer), what.wait.has_value()});
}

void partition_core::on(start_run& m) {
  if (closing_ || !open_)
    return m.answer(failure{failure_kind::unavailable,
                            closing_ ? "shutting_down" : "opening",
                            closing_ ? "the node is stopping" : "the node is starting",
                            "try again with the same key",
                            {}});
  if (!m.workflow || !m.workflow->executable)
    return m.answer(invalid("workflow_invalid", "the workflow has errors and cannot run"));
  if (m.what.previous) {
    auto reused = outputs_of(shared_, *m.what.previous);
    if (!reused)
      return m.answer(reused.error());
    m.reused = std::move(*reused);
  }
  pending_start start{std::move(m), {}};
  auto& what = start.what;
  if (!what.what.idempotency_key.empty()) {
    start.dedupe_key = dedupe_row_key(partition_, what.what);
    if (const auto under_way = starting_.find(start.dedupe_key); under_way != starting_.end()) {
      // Its row is not durable yet: the run itself tells whether the body was the same.
      const auto waits = waiting_for_token_.find(under_way->second);
      if (waits != waiting_for_token_.end())
        return what.answer(failure{failure_kind::unavailable,
                                   "start_under_way",
                                   "a start with this key is under way",
                                   "try again",
                                   {}});
      if (digests_[under_way->second] != what.what.body_digest)
        return what.answer(reused_key());
      return join(under_way->second, std::move(what.answer), what.what);
    }
    const auto repeated = answer_repeat(what, start.dedupe_key);
    if (!repeated)
      return what.answer(repeated.error());
    if (*repeated)
      return;
    starting_.emplace(start.dedupe_key, what.run);
    key_of_.emplace(what.run, start.dedupe_key);
    digests_.emplace(what.run, what.what.body_digest);
  }
  const auto workflow_max = what.workflow->executable->limits.concurrent_executions_max;
  if (workflow_max == 0 && shared_.settings.executions_max == 0)
    return launch(std::move(start), false);
  const auto run = what.run;
  token_wanted ask{run, what.what.workflow_id, what.what.priority, workflow_max, false, term_};
  waiting_for_token_.emplace(run, std::move(start));
  tokens_.insert(run);
  caf::anon_send(shared_.limiter, std::move(ask));
}

void partition_core::on(const run_granted& m) {
  const auto waits = waiting_for_token_.find(m.run);
  if (waits != waiting_for_token_.end()) {
    auto start = std::move(waits->second);
    waiting_for_token_.erase(waits);
    return launch(std::move(start), m.queued);
  }
  // A start that is queued may be granted before it is durable.
  if (m.queued || (!live_.contains(m.run) && !known(m.run)))
    return;
  granted_.insert(m.run);
  forward(m.run, command_run{m.run, commands::admit{}, {}, {}});
}

void partition_core::launch(pending_start start, bool queued) {
  auto& m = start.what;
  const auto& from = m.what;
  begin_run begin;
  auto& e = begin.what.what;
  e.workflow_id = m.workflow->id;
  e.workflow_name = m.workflow->executable->workflow_name;
  e.workflow_version = m.workflow->version;
  e.definition = m.workflow->definition_digest;
  e.input = from.input ? value_ref(from.input) : value_ref();
  e.vars = from.vars ? value_ref(from.vars) : value_ref();
  e.trigger_type = from.trigger_type;
  e.triggered_by = from.triggered_by;
  e.priority = from.priority;
  e.trace_id = from.trace_id;
  e.user = from.user;
  e.dry_run = from.dry_run;
  e.queued = queued;
  e.disabled = !m.workflow->enabled;
  e.seed = seed_of(m.run);
  e.only_node = from.only_node;
  e.from_node = from.from_node;
  e.overrides = from.overrides;
  e.reused = m.reused;
  e.parent = m.parent;
  e.depth = m.depth;
  if (!start.dedupe_key.empty())
    begin.with.push_back(
        {table::dedupe,
         start.dedupe_key,
         dedupe_row(m.run, from, shared_.clock.now() + shared_.settings.dedupe_kept),
         {}});
  // Once a partition: a run can be opened again although its workflow was deleted.
  if (!definitions_.contains(e.definition)) {
    if (const auto id = from_hex(e.definition); id && id->size() == 32)
      begin.with.push_back({table::blobs,
                            key_builder(partition_).raw(*id).take(),
                            json::write(*m.workflow->definition),
                            {}});
    definitions_of_[m.run] = e.definition;
  }
  if (from.wait) {
    const auto until = shared_.clock.elapsed() + *from.wait;
    waits_.emplace(until, m.run);
    waits_of_[m.run].insert(until);
  }
  begin.wait = from.wait.has_value();
  begin.place = std::move(m.place);
  begin.bytes = from.bytes;
  begin.answer = std::move(m.answer);
  forward(m.run, std::move(begin), true);
}

void partition_core::on(const run_news& m) {
  if (m.began) {
    if (const auto key = key_of_.find(m.run); key != key_of_.end()) {
      starting_.erase(key->second);
      key_of_.erase(key);
      digests_.erase(m.run);
    }
    if (const auto text = definitions_of_.find(m.run); text != definitions_of_.end()) {
      definitions_.insert(text->second);
      definitions_of_.erase(text);
    }
  }
  if (m.ended)
    release(m.run);
}

void partition_core::release(const run_id& run) {
  if (tokens_.erase(run) > 0)
    caf::anon_send(shared_.limiter, token_free{run, term_});
  granted_.erase(run);
  if (const auto waits = waits_of_.find(run); waits != waits_of_.end()) {
    for (const auto until : waits->second)
      waits_.erase({until, run});
    waits_of_.erase(waits);
  }
  key_of_.erase(run);
  digests_.erase(run);
  definitions_of_.erase(run);
}

void partition_core::end_waits() {
  const auto now = shared_.clock.elapsed();
  while (!waits_.empty() && waits_.begin()->first <= now) {
    const auto [until, run] = *waits_.begin();
    waits_.erase(waits_.begin());
    if (const auto of = waits_of_.find(run); of != waits_of_.end()) {
      of->second.erase(until);
      if (of->second.empty())
        waits_of_.erase(of);
    }
    if (live_.contains(run))
      forward(run, wait_over{run});
  }
}

/// Removes keys that are no longer held, a bounded number at a time.
void partition_core::sweep_dedupe() {
  constexpr std::size_t rows_max = 10'000;
  const auto now = to_millis(shared_.clock.now());
  proposal what;
  std::size_t seen = 0;
  const auto prefix = key_builder(partition_).take();
  const auto from = sweep_from_.empty() ? prefix : sweep_from_;
  std::string last;
  const auto fine = shared_.rows.scan(
      table::dedupe, from, prefix_end(prefix), [&](std::string_view key, std::string_view value) {
        last = key;
        if (const auto row = json::parse(value))
          if (const auto* expires = json::find(*row, "expires");
              expires && expires->is_int64() && expires->get_int64() < now)
            what.derived.push_back({table::dedupe, std::string(key), std::nullopt, {}});
        return ++seen < rows_max;
      });
  sweep_from_ = fine && seen >= rows_max ? last + '\0' : std::string();
  if (!what.derived.empty())
    propose(std::move(what), [](const settled&) {});
}

} // namespace troupe
