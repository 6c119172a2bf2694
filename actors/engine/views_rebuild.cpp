#include "actors/engine/views_rebuild.hpp"

#include "actors/base/instant_skills.hpp"
#include "actors/base/run_history.hpp"
#include "actors/control/control_core.hpp"
#include "persistence/store/entry.hpp"
#include "runtime/base/log.hpp"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

namespace troupe {

namespace {

constexpr std::size_t chunk_changes = 500;
constexpr std::size_t chunk_bytes = std::size_t{4} << 20;
constexpr std::size_t names_at_once = 10'000;
constexpr std::size_t documents_at_once = 256;
constexpr milliseconds room_wait{100};

failure stopped() {
  return {failure_kind::unavailable, "stopped", "the node is stopping", {}, {}};
}

/// Skills that were registered stay known, whether or not a worker is connected now.
compile_context compiling(const engine_shared& shared) {
  auto known = std::make_shared<std::set<std::string, std::less<>>>();
  const auto prefix = key_builder(partition_id{0}).text(skills_collection).take();
  const auto read = shared.rows.scan(table::documents, prefix, prefix_end(prefix),
                                     [&](std::string_view key, std::string_view) {
                                       key_reader reader(key.substr(prefix.size()));
                                       if (std::string_view id; reader.text(id))
                                         known->emplace(id);
                                       return true;
                                     });
  if (!read)
    log::warning("views", "the skills of workers are not readable");
  return {shared.types, shared.settings.limits, shared.settings.default_retry,
          [known](std::string_view skill) {
            return skill == "http_request" || is_instant_skill(skill) || known->contains(skill);
          }};
}

std::size_t size_of(const view_change& change) {
  if (const auto* row = std::get_if<document_row>(&change))
    return row->body.size() + row->text.size() + 256;
  if (const auto* row = std::get_if<review_row>(&change))
    return row->body.size() + 256;
  return 512;
}

} // namespace

view_builder::view_builder(std::shared_ptr<engine_shared> shared, views& into,
                           rebuild_progress& progress, std::function<bool()> go_on)
    : shared_(std::move(shared)), into_(into), progress_(progress), go_on_(std::move(go_on)),
      documents_(shared_->rows, compiling(*shared_)) {}

result<void> view_builder::everything(partition_id partition) {
  auto done = number(partition) == 0 ? every_document() : every_run(partition);
  if (done)
    done = flush();
  if (done)
    ++progress_.partitions;
  return done;
}

/// From run to run: one row of each is read to find the next.
result<void> view_builder::every_run(partition_id partition) {
  auto from = key_builder(partition).take();
  const auto end = prefix_end(from);
  for (;;) {
    std::optional<run_id> next;
    const auto read =
        shared_->rows.scan(table::events, from, end, [&](std::string_view key, std::string_view) {
          key_reader reader(key);
          std::uint16_t ignored = 0;
          run_id found;
          if (!reader.u16(ignored) || !reader.id(found.id))
            return true;
          next = found;
          return false;
        });
    if (!read)
      return read;
    if (!next)
      return {};
    if (auto done = run(partition, *next); !done)
      return done;
    from = prefix_end(key_builder(partition).id(next->id).take());
  }
}

result<void> view_builder::run(partition_id partition, const run_id& run) {
  auto rows = list_rows_of(*shared_, partition, run);
  if (!rows) {
    ++progress_.unreadable;
    log::error("views", "an execution is not listed: its history cannot be read",
               {{"execution_id", std::string_view(to_text(run))},
                {"code", std::string_view(rows.error().code)},
                {"why", std::string_view(rows.error().message)}});
    return {};
  }
  for (auto& row : *rows)
    if (auto done = add(std::move(row)); !done)
      return done;
  return {};
}

result<void> view_builder::every_document() {
  const auto prefix = key_builder(partition_id{0}).take();
  // Old versions of workflows are in no list, and large.
  const auto versions = key_builder(partition_id{0}).text(versions_collection).take();
  if (auto done = documents_between(prefix, versions); !done)
    return done;
  return documents_between(prefix_end(versions), prefix_end(prefix));
}

result<void> view_builder::documents_between(std::string from, const std::string& to) {
  for (;;) {
    std::vector<std::pair<std::string, std::string>> names;
    std::string last;
    const auto read =
        shared_->rows.scan(table::documents, from, to, [&](std::string_view key, std::string_view) {
          key_reader reader(key);
          std::uint16_t ignored = 0;
          std::string_view collection, id;
          if (reader.u16(ignored) && reader.text(collection) && reader.text(id))
            names.emplace_back(collection, id);
          last = key;
          return names.size() < documents_at_once;
        });
    if (!read)
      return read;
    for (const auto& [collection, id] : names)
      if (auto done = document(collection, id); !done)
        return done;
    if (names.size() < documents_at_once)
      return {};
    from = last + '\0';
  }
}

result<void> view_builder::document(const std::string& collection, const std::string& id) {
  if (collection == versions_collection)
    return {};
  const auto stored = documents_.read(collection, id);
  if (!stored)
    return add(document_gone{collection, id});
  if (collection != workflows_collection)
    return add(document_row_of(*stored));
  const auto head = head_from(*stored);
  const auto active = documents_.load(head, head.active);
  if (!active) {
    ++progress_.unreadable;
    log::error("views", "a workflow is not listed: its active version cannot be read",
               {{"workflow_id", std::string_view(id)}});
    return {};
  }
  return add(workflow_row(*active));
}

result<void> view_builder::named(partition_id partition, const std::string& name) {
  if (number(partition) > 0) {
    const auto found = run_id_from_text(name);
    return found ? run(partition, *found) : result<void>{};
  }
  const auto slash = name.find('/');
  return slash == std::string::npos ? result<void>{}
                                    : document(name.substr(0, slash), name.substr(slash + 1));
}

result<void> view_builder::show(partition_id partition, const std::vector<std::string>& names) {
  for (const auto& name : names)
    if (auto done = named(partition, name); !done)
      return done;
  return flush();
}

result<void> view_builder::changed(partition_id partition, std::uint64_t after, std::uint64_t to) {
  auto next = after + 1;
  while (next <= to) {
    std::set<std::string> names;
    bool gap = false;
    const auto read =
        shared_->rows.scan(table::log, log_key(partition, next), log_key(partition, to + 1),
                           [&](std::string_view key, std::string_view row) {
                             const auto changed =
                                 key == log_key(partition, next) ? changed_of(row) : std::nullopt;
                             gap = !changed;
                             if (gap)
                               return false;
                             ++next;
                             for (auto text : *changed)
                               while (!text.empty()) {
                                 const auto end = std::min(text.find('\n'), text.size());
                                 if (end > 0)
                                   names.emplace(text.substr(0, end));
                                 text.remove_prefix(std::min(end + 1, text.size()));
                               }
                             return names.size() < names_at_once;
                           });
    if (!read)
      return read;
    for (const auto& name : names)
      if (auto done = named(partition, name); !done)
        return done;
    if (gap || (names.size() < names_at_once && next <= to))
      return failure{failure_kind::internal,
                     "log_trimmed",
                     "entries of the log are not there any more",
                     {},
                     {}};
  }
  return flush();
}

void view_builder::reached(partition_id partition, std::uint64_t index) {
  into_.apply(partition, index, {});
}

result<void> view_builder::add(view_change change) {
  if (std::holds_alternative<execution_row>(change))
    ++progress_.executions;
  else if (std::holds_alternative<review_row>(change))
    ++progress_.reviews;
  else if (std::holds_alternative<document_row>(change))
    ++progress_.documents;
  pending_bytes_ += size_of(change);
  pending_.push_back(std::move(change));
  return pending_.size() < chunk_changes && pending_bytes_ < chunk_bytes ? result<void>{} : flush();
}

/// Index 0 leaves the position where it is: until reached() lists are stale.
result<void> view_builder::flush() {
  do {
    if (!go_on_())
      return stopped();
  } while (!into_.wait_for_room(chunk_changes, room_wait));
  if (!pending_.empty())
    into_.apply(partition_id{0}, 0, std::exchange(pending_, {}));
  pending_bytes_ = 0;
  return {};
}

result<void> rebuild_views(const row_reader& rows, replicated_log& log, views& into,
                           const engine_settings& settings, rebuild_progress& progress,
                           const std::function<bool()>& go_on) {
  const machine_clock clock;
  const catalog types;
  auto shared =
      std::make_shared<engine_shared>(engine_ports{rows, log, into, clock}, settings, types);
  shared->workflows = std::make_shared<directory>(
      rows, compile_context{types, settings.limits, settings.default_retry,
                            [](std::string_view) { return true; }});
  view_builder builder(shared, into, progress, go_on);
  for (std::uint16_t p = 0; p <= settings.partitions; ++p)
    if (auto done = builder.everything(partition_id{p}); !done)
      return done;
  for (std::uint16_t p = 0; p <= settings.partitions; ++p)
    if (const auto head = log.applied(partition_id{p}); head > 0)
      builder.reached(partition_id{p}, head);
  while (!into.wait_for_room(0, room_wait))
    if (!go_on())
      return stopped();
  return {};
}

} // namespace troupe
