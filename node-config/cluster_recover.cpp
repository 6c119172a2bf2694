#include "node-config/cluster_recover.hpp"

#include "node-config/membership.hpp"
#include "persistence/consensus/raft_recover.hpp"
#include "persistence/rocks/rocks_store.hpp"

#include <filesystem>

namespace troupe {

namespace {

result<std::unique_ptr<rocks_store>> open_survivor(const std::string& data_dir) {
  if (!std::filesystem::exists(data_dir))
    return failure{failure_kind::not_found,
                   "data_dir_missing",
                   "There is no data directory " + data_dir + ".",
                   "Name it with --data-dir.",
                   {}};
  const auto belongs = cluster_files_exist(data_dir);
  if (!belongs)
    return belongs.error();
  if (!*belongs)
    return load_cluster_files(data_dir).error(); // "cluster_missing"
  rocks_options options;
  options.data_dir = data_dir;
  return open_rocks_store(options);
}

/// `before`: of this node, with the data that belongs to it.
result<cluster_files> files_of(const std::string& data_dir) {
  auto files = load_cluster_files(data_dir);
  if (files && files->ended_code == "data_lost")
    return failure{failure_kind::conflict,
                   files->ended_code,
                   files->ended_why,
                   "Another node must be the one that goes on.",
                   {}};
  return files;
}

} // namespace

result<survivor> look_at_survivor(const std::string& data_dir) {
  const auto store = open_survivor(data_dir);
  if (!store)
    return store.error();
  auto files = files_of(data_dir);
  if (!files)
    return files.error();
  survivor out{std::move(*files), {}};
  for (std::uint16_t p = 0; p <= (*store)->partitions(); ++p) {
    const auto found = raft::remains_of(partition_id{p}, **store);
    if (!found)
      return found.error();
    out.parts.push_back({p, found->applied, found->last, found->last_term, found->unfinished_runs});
  }
  if (out.parts.front().last == 0)
    return failure{failure_kind::conflict,
                   "nothing_to_recover",
                   "This node holds nothing of the cluster's own state: it never caught up.",
                   "Another node must be the one that goes on.",
                   {}};
  return out;
}

result<cluster_files> recover_alone(const std::string& data_dir) {
  const auto store = open_survivor(data_dir);
  if (!store)
    return store.error();
  const auto before = files_of(data_dir);
  if (!before)
    return before.error();
  auto after = recovered_alone(*before);
  if (!after)
    return after;
  std::vector<row_change> rows;
  for (std::uint16_t p = 0; p <= (*store)->partitions(); ++p) {
    const auto found = raft::remains_of(partition_id{p}, **store);
    if (!found)
      return found.error();
    auto made = raft::rows_alone(partition_id{p}, before->node, *found, **store);
    if (!made)
      return made.error();
    rows.insert(rows.end(), std::make_move_iterator(made->begin()),
                std::make_move_iterator(made->end()));
  }
  // The mark first: with the rows alone the node would take the lost ones in again.
  if (auto saved = save_cluster_files(data_dir, *after); !saved)
    return saved.error();
  if (auto written = (*store)->write_batch(std::move(rows), true); !written)
    return written.error();
  return after;
}

} // namespace troupe
