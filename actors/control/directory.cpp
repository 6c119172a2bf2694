#include "actors/control/directory.hpp"

#include "persistence/store/digest.hpp"
#include "runtime/base/encoding.hpp"

#include <charconv>

namespace troupe {

namespace {

constexpr std::size_t compiled_max = 2'000;
constexpr std::size_t plans_max = 4'000;

std::uint32_t number_at(const json::value& v, std::string_view key) {
  const auto* at = json::find(v, key);
  return at && at->is_int64() ? static_cast<std::uint32_t>(at->get_int64()) : 0;
}

std::int64_t millis_at(const json::value& v, std::string_view key) {
  const auto* at = json::find(v, key);
  return at && at->is_int64() ? at->get_int64() : 0;
}

/// The time in an id of ours (UUIDv7); 0 for other texts.
std::int64_t time_in(std::string_view id) {
  const auto made = uuid_from_text(id);
  if (!made || made->bytes[6] >> 4 != 7)
    return 0;
  std::int64_t ms = 0;
  for (std::size_t i = 0; i < 6; ++i)
    ms = ms << 8 | made->bytes[i];
  return ms;
}

/// Rows of earlier releases do not tell their times.
document document_from(std::string_view collection, std::string_view id, const json::value& row) {
  document out{std::string(collection), std::string(id), number_at(row, "version"), nullptr};
  if (const auto* body = json::find(row, "body"))
    out.body = *body;
  out.created_ms = json::find(row, "created_ms") ? millis_at(row, "created_ms") : time_in(id);
  out.updated_ms = json::find(row, "updated_ms") ? millis_at(row, "updated_ms") : out.created_ms;
  return out;
}

std::string digest_of(const json::value& definition) {
  return to_hex(sha256(json::write(definition)));
}

plan_ptr named(const plan_ptr& p, const std::string& id, std::uint32_t version) {
  if (!p || (p->workflow_id == id && p->workflow_version == version))
    return p;
  auto out = std::make_shared<plan>(*p);
  out->workflow_id = id;
  out->workflow_version = version;
  return out;
}

constexpr json::parse_limits stored_limits{256, std::size_t{1} << 30};

} // namespace

std::string document_key(std::string_view collection, std::string_view id) {
  return key_builder(partition_id{0}).text(collection).text(id).take();
}

workflow_head head_from(const document& stored) {
  workflow_head head;
  head.id = stored.id;
  head.active = number_at(stored.body, "active_version");
  head.latest = number_at(stored.body, "latest_version");
  head.created_ms = millis_at(stored.body, "created_ms");
  head.updated_ms = millis_at(stored.body, "updated_ms");
  return head;
}

std::string version_document(std::string_view workflow, std::uint32_t version) {
  auto number = std::to_string(version);
  number.insert(0, 10 - std::min<std::size_t>(10, number.size()), '0');
  return std::string(workflow) + "/" + number;
}

std::optional<document> directory::read(std::string_view collection, std::string_view id) const {
  if (collection.find('\0') != std::string_view::npos || id.find('\0') != std::string_view::npos)
    return std::nullopt;
  const auto row = rows_.get(table::documents, document_key(collection, id));
  if (!row || !*row)
    return std::nullopt;
  auto stored = json::parse(**row, stored_limits);
  if (!stored)
    return std::nullopt;
  return document_from(collection, id, *stored);
}

result<std::vector<document>> directory::read_all(std::string_view collection) const {
  std::vector<document> out;
  const auto prefix = key_builder(partition_id{0}).text(collection).take();
  const auto fine = rows_.scan(table::documents, prefix, prefix_end(prefix),
                               [&](std::string_view key, std::string_view value) {
                                 key_reader reader(key.substr(prefix.size()));
                                 std::string_view id;
                                 auto stored = json::parse(value, stored_limits);
                                 if (reader.text(id) && stored && json::find(*stored, "body"))
                                   out.push_back(document_from(collection, id, *stored));
                                 return true;
                               });
  if (!fine)
    return fine.error();
  return out;
}

std::vector<document> directory::all_of(std::string_view collection) const {
  auto found = read_all(collection);
  return found ? std::move(*found) : std::vector<document>{};
}

result<void> directory::open() {
  // Reading under the lock: whoever takes a row later takes a newer one.
  const std::unique_lock lock(mutex_);
  const auto stored = read_all(workflows_collection), skills = read_all(skills_collection);
  if (!stored || !skills)
    return stored ? skills.error() : stored.error();
  decltype(heads_) heads;
  for (const auto& each : *stored)
    heads.emplace(each.id, head_from(each));
  skills_.clear();
  for (const auto& each : *skills)
    skills_.insert(each.id);
  if (heads == heads_)
    return {};
  heads_ = std::move(heads);
  compiled_.clear();
  compiled_order_.clear();
  return {};
}

void directory::take(std::string_view id) {
  if (const auto at = compiled_.find(id); at != compiled_.end())
    compiled_.erase(at); // entries tell the active and latest version too
  if (const auto stored = read(workflows_collection, id))
    heads_.insert_or_assign(std::string(id), head_from(*stored));
  else if (const auto at = heads_.find(id); at != heads_.end())
    heads_.erase(at);
}

void directory::refresh(std::string_view collection, std::string_view id) {
  if (collection == workflows_collection) {
    const std::unique_lock lock(mutex_);
    take(id);
  } else if (collection == skills_collection) {
    {
      const std::unique_lock lock(mutex_);
      if (read(collection, id))
        skills_.emplace(id);
      else if (const auto at = skills_.find(id); at != skills_.end())
        skills_.erase(at);
    }
    forget_compiled();
  }
}

void directory::look_again(std::string_view id) {
  const auto stored = read(workflows_collection, id);
  if (stored && head(id) != head_from(*stored))
    refresh(workflows_collection, id);
}

bool directory::knows_skill(std::string_view type) const {
  const std::shared_lock lock(mutex_);
  return skills_.contains(type);
}

workflow_ptr directory::make(const workflow_head& head, std::uint32_t version,
                             std::shared_ptr<const json::value> definition,
                             std::int64_t saved_ms) const {
  auto out = std::make_shared<workflow_entry>();
  out->id = head.id;
  out->version = version;
  out->active_version = head.active;
  out->latest_version = head.latest;
  auto made = compile(*definition, how_);
  out->executable = named(made.executable, head.id, version);
  out->errors = std::move(made.errors);
  if (const auto* enabled = json::find(*definition, "enabled"); enabled && enabled->is_bool())
    out->enabled = enabled->get_bool();
  out->definition_digest = digest_of(*definition);
  out->definition = std::move(definition);
  out->created_ms = head.created_ms;
  out->updated_ms = saved_ms;
  return out;
}

workflow_ptr directory::load(const workflow_head& head, std::uint32_t version) const {
  auto stored = read(versions_collection, version_document(head.id, version));
  if (!stored)
    return nullptr;
  auto* body = stored->body.if_object();
  auto* definition = body ? body->if_contains("definition") : nullptr;
  if (!definition)
    return nullptr;
  // Choosing another version changes a workflow too.
  const auto saved = version == head.active ? head.updated_ms : millis_at(stored->body, "saved_ms");
  return make(head, version, std::make_shared<const json::value>(std::move(*definition)), saved);
}

workflow_ptr directory::find(std::string_view id, std::uint32_t version) const {
  workflow_head head;
  {
    const std::shared_lock lock(mutex_);
    const auto at = heads_.find(id);
    if (at == heads_.end())
      return nullptr;
    if (version == 0)
      version = at->second.active;
    if (const auto known = compiled_.find(id); known != compiled_.end())
      if (const auto entry = known->second.find(version); entry != known->second.end())
        return entry->second;
    if (version > at->second.latest)
      return nullptr;
    head = at->second;
  }
  auto made = load(head, version);
  if (!made)
    return nullptr;
  const std::unique_lock lock(mutex_);
  const auto still = heads_.find(id);
  if (still == heads_.end() || still->second != head)
    return made; // it changed meanwhile: not kept
  if (compiled_[head.id].try_emplace(version, made).second)
    compiled_order_.emplace_back(head.id, version);
  while (compiled_order_.size() > compiled_max) {
    const auto& [old_id, old_version] = compiled_order_.front();
    if (const auto old = compiled_.find(old_id); old != compiled_.end()) {
      old->second.erase(old_version);
      if (old->second.empty())
        compiled_.erase(old);
    }
    compiled_order_.pop_front();
  }
  return made;
}

result<plan_ptr> directory::plan_of(partition_id partition, const std::string& workflow,
                                    std::uint32_t version, const std::string& definition) const {
  const auto key = workflow + '\0' + std::to_string(version) + '\0' + definition;
  {
    const std::shared_lock lock(mutex_);
    if (const auto at = plans_.find(key); at != plans_.end())
      return at->second;
  }
  plan_ptr found;
  if (const auto entry = find(workflow, version);
      entry && entry->definition_digest == definition && entry->executable)
    found = entry->executable;
  if (!found) {
    const auto id = from_hex(definition);
    const auto row = id ? rows_.get(table::blobs, key_builder(partition).raw(*id).take())
                        : result<std::optional<std::string>>(std::optional<std::string>{});
    if (!row)
      return row.error();
    if (!*row)
      return failure{failure_kind::internal,
                     "definition_missing",
                     "the definition of workflow " + workflow + " is not stored",
                     {},
                     {}};
    const auto parsed = json::parse(**row, stored_limits);
    if (!parsed)
      return parsed.error();
    // It compiled when the run began: a skill that is gone since fails its steps, not the run.
    auto how = compile_context{how_.types, how_.limits, how_.default_retry,
                               [](std::string_view) { return true; }};
    how.limits.zone_known = nullptr;
    auto made = compile(*parsed, how);
    if (!made.executable)
      return failure{failure_kind::internal,
                     "definition_refused",
                     "the definition that the execution began with no longer compiles",
                     {},
                     std::move(made.errors)};
    found = named(made.executable, workflow, version);
  }
  const std::unique_lock lock(mutex_);
  if (plans_.size() >= plans_max)
    plans_.clear();
  plans_.emplace(key, found);
  return found;
}

std::vector<std::uint32_t> directory::versions(std::string_view id) const {
  const auto known = head(id);
  std::vector<std::uint32_t> out;
  for (std::uint32_t v = 1; known && v <= known->latest; ++v)
    out.push_back(v);
  return out;
}

std::optional<workflow_head> directory::head(std::string_view id) const {
  const std::shared_lock lock(mutex_);
  const auto at = heads_.find(id);
  return at == heads_.end() ? std::nullopt : std::optional(at->second);
}

std::vector<std::string> directory::ids() const {
  const std::shared_lock lock(mutex_);
  std::vector<std::string> out;
  for (const auto& [id, head] : heads_)
    out.push_back(id);
  return out;
}

void directory::put(const workflow_head& head, workflow_ptr active) {
  const std::unique_lock lock(mutex_);
  take(head.id);
  if (const auto at = heads_.find(head.id); at == heads_.end() || at->second != head)
    return;
  const auto version = active->version;
  compiled_[head.id].emplace(version, std::move(active));
  compiled_order_.emplace_back(head.id, version);
}

void directory::remove(std::string_view id) {
  const std::unique_lock lock(mutex_);
  take(id);
}

void directory::forget_compiled() {
  const std::unique_lock lock(mutex_);
  for (auto& [id, versions] : compiled_)
    std::erase_if(versions, [](const auto& v) { return !v.second->executable; });
}

} // namespace troupe
