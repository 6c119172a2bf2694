#include "node-config/cli/offline.hpp"

#include "persistence/store/digest.hpp"
#include "runtime/base/encoding.hpp"
#include "runtime/workflow/compile.hpp"

#include <algorithm>
#include <filesystem>

namespace troupe::cli {

result<std::unique_ptr<rocks_store>> open_existing(const std::string& data_dir) {
  if (!std::filesystem::exists(data_dir))
    return failure{failure_kind::not_found,
                   "data_dir_missing",
                   "There is no data directory " + data_dir + ".",
                   "Name it with --data-dir.",
                   {}};
  rocks_options options;
  options.data_dir = data_dir;
  return open_rocks_store(options);
}

chain_hash digest_of(std::string_view a, std::string_view b) {
  audit_hash before{};
  check(a.size() == before.size(), "a link of the chain starts with a hash");
  std::copy(a.begin(), a.end(), before.begin());
  return chain(before, b);
}

result<void> each_turn(const row_reader& rows, std::uint16_t partitions,
                       const std::optional<run_id>& only,
                       const std::function<result<void>(const stored_turn&)>& each) {
  const std::uint16_t first = only ? number(partition_of(*only)) : std::uint16_t{1};
  const std::uint16_t last = only ? first : partitions;
  for (std::uint16_t n = first; n <= last; ++n) {
    key_builder from{partition_id{n}};
    if (only)
      from.id(only->id);
    const auto prefix = from.take();
    result<void> stopped;
    const auto scanned =
        rows.scan(table::events, prefix, prefix_end(prefix),
                  [&](std::string_view key, std::string_view value) {
                    key_reader reader{key};
                    std::uint16_t partition = 0;
                    stored_turn turn;
                    const auto decoded = decode_turn(value);
                    if (!decoded || !reader.u16(partition) || !reader.id(turn.run.id) ||
                        !reader.u64(turn.first_seq)) {
                      stopped = decoded
                                    ? invalid("key_malformed", "An event row has a damaged key.")
                                    : decoded.error();
                      return false;
                    }
                    turn.row = *decoded;
                    stopped = each(turn);
                    return stopped.has_value();
                  });
    if (!scanned)
      return scanned;
    if (!stopped)
      return stopped;
  }
  return {};
}

blob_id stored_blobs::save(std::string text) {
  const blob_id id = sha256(text);
  saved_.emplace(id, std::move(text));
  return id;
}

result<shared_value> stored_blobs::load(const blob_id& id) {
  std::string text;
  if (const auto kept = saved_.find(id); kept != saved_.end()) {
    text = kept->second;
  } else {
    key_builder key{partition_};
    key.raw({reinterpret_cast<const char*>(id.data()), id.size()});
    auto stored = rows_.get(table::blobs, key.take());
    if (!stored)
      return stored.error();
    if (!*stored)
      return failure{failure_kind::not_found, "blob_missing", "A large value is missing.", {}, {}};
    text = std::move(**stored);
  }
  auto parsed = json::parse(text, {.depth_max = 256, .bytes_max = std::size_t{1} << 30});
  if (!parsed)
    return parsed.error();
  return share(std::move(*parsed));
}

result<plan_ptr> plan_of(const row_reader& rows, const run_id& run,
                         const events::execution_started& start) {
  const auto bytes = from_hex(start.definition);
  blob_id id{};
  if (!bytes || bytes->size() != id.size())
    return invalid("definition_unknown", "The run names no definition.");
  std::copy(bytes->begin(), bytes->end(), id.begin());
  auto definition = stored_blobs{rows, partition_of(run)}.load(id);
  if (!definition)
    return definition.error();
  static const catalog types;
  definition_limits limits;
  limits.nodes_max = SIZE_MAX;
  const compile_context context{types, limits, {}, [](std::string_view) { return true; }};
  auto made = compile(**definition, context);
  if (!made.executable)
    return invalid("definition_invalid", "The stored definition does not compile in this build.");
  return made.executable;
}

} // namespace troupe::cli
