// Workflows and documents of control in memory, for everybody to read; control's actor writes.
#pragma once

#include "actors/api/shared.hpp"

#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <shared_mutex>
#include <string>
#include <unordered_map>
#include <vector>

namespace troupe {

/// A workflow apart from its definitions.
struct workflow_head {
  std::string id;
  std::uint32_t active = 0, latest = 0;
  std::int64_t created_ms = 0, updated_ms = 0;
  friend bool operator==(const workflow_head&, const workflow_head&) = default;
};

constexpr std::string_view workflows_collection = "workflows";
constexpr std::string_view versions_collection = "workflow_versions";
constexpr std::string_view skills_collection = "worker_skills";

/// Of a document of the collection `workflows`.
workflow_head head_from(const document& stored);
std::string document_key(std::string_view collection, std::string_view id);
std::string version_document(std::string_view workflow, std::uint32_t version);

/// Thread-safe. Heads are in memory; definitions are read and compiled at first use and kept.
class directory final : public workflow_directory {
public:
  directory(const row_reader& rows, compile_context how) : rows_(rows), how_(std::move(how)) {}

  /// Reads control's rows: before anybody asks, before this node begins to write them, and when
  /// they came as a whole. On failure everything stays as it was.
  result<void> open();

  /// Takes what is stored under this name now, after an entry that somebody else wrote: a workflow,
  /// or a skill of workers. Never goes back in time, whoever else tells of the same.
  void refresh(std::string_view collection, std::string_view id);

  void look_again(std::string_view id) override;
  workflow_ptr find(std::string_view id, std::uint32_t version) const override;
  result<plan_ptr> plan_of(partition_id partition, const std::string& workflow,
                           std::uint32_t version, const std::string& definition) const override;
  std::vector<std::uint32_t> versions(std::string_view id) const;
  std::optional<workflow_head> head(std::string_view id) const;
  std::vector<std::string> ids() const;
  std::optional<document> read(std::string_view collection, std::string_view id) const;
  std::vector<document> all_of(std::string_view collection) const;
  /// Whether workers of any node have registered the skill.
  bool knows_skill(std::string_view type) const;
  compiled check(const json::value& definition) const { return compile(definition, how_); }

  // For control's actor, after a commit. Both take what is stored by now, should that be newer.
  void put(const workflow_head& head, workflow_ptr active);
  void remove(std::string_view id);
  void forget_compiled(); ///< skills came or went: what did not compile may now

  /// Compiles a stored definition.
  workflow_ptr make(const workflow_head& head, std::uint32_t version,
                    std::shared_ptr<const json::value> definition, std::int64_t saved_ms) const;

  /// A version as stored, compiled anew. nullptr: it is not there.
  workflow_ptr load(const workflow_head& head, std::uint32_t version) const;

private:
  result<std::vector<document>> read_all(std::string_view collection) const;
  void take(std::string_view id);

  const row_reader& rows_;
  const compile_context how_;
  mutable std::shared_mutex mutex_;
  std::map<std::string, workflow_head, std::less<>> heads_;
  std::set<std::string, std::less<>> skills_; ///< of workers, as stored
  mutable std::map<std::string, std::map<std::uint32_t, workflow_ptr>, std::less<>> compiled_;
  mutable std::deque<std::pair<std::string, std::uint32_t>> compiled_order_;
  mutable std::unordered_map<std::string, plan_ptr> plans_; ///< workflow, version, digest
};

} // namespace troupe
