#include "persistence/rocks/migrations.hpp"

#include "persistence/rocks/status.hpp"
#include "runtime/base/encoding.hpp"
#include "runtime/base/log.hpp"

#include <array>
#include <charconv>
#include <sys/random.h>

namespace troupe::rocks {

namespace {

row_change put(std::string_view key, std::string value) {
  return {table::system, std::string(key), std::move(value), std::nullopt};
}

row_change remove(std::string_view key) {
  return {table::system, std::string(key), std::nullopt, std::nullopt};
}

result<std::vector<row_change>> initial_layout(const migration_context& context) {
  std::array<char, 16> random{};
  if (::getrandom(random.data(), random.size(), 0) != static_cast<ssize_t>(random.size()))
    return failure{
        failure_kind::internal, "no_randomness", "the system gave no random bytes", {}, {}};
  return std::vector<row_change>{
      put(partitions_key, std::to_string(context.partitions)),
      put(store_id_key, to_hex(std::string_view(random.data(), random.size()))),
      put(created_by_key, TROUPE_VERSION)};
}

result<std::vector<row_change>> no_way_back(const migration_context&) {
  return failure{failure_kind::conflict,
                 "migration_irreversible",
                 "the initial layout cannot be taken back",
                 "use an empty data directory instead",
                 {}};
}

// The feature level says which optional record kinds may be written; a release that knows none
// must not find the row.
result<std::vector<row_change>> add_feature_level(const migration_context&) {
  return std::vector<row_change>{put(feature_level_key, "1")};
}

result<std::vector<row_change>> drop_feature_level(const migration_context&) {
  return std::vector<row_change>{remove(feature_level_key)};
}

constexpr std::array all{
    migration{1, "initial layout", initial_layout, no_way_back},
    migration{2, "feature level", add_feature_level, drop_feature_level},
};

std::optional<std::uint32_t> version_from(std::string_view text) {
  std::uint32_t version = 0;
  const auto* const end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, version);
  return read.ec == std::errc{} && read.ptr == end ? std::optional(version) : std::nullopt;
}

} // namespace

std::span<const migration> migrations() noexcept {
  return all;
}

std::uint32_t newest_schema() noexcept {
  return all.back().number;
}

result<std::uint32_t> schema_of(const row_reader& rows) {
  const auto stored = rows.get(table::system, schema_version_key);
  if (!stored)
    return stored.error();
  if (!stored->has_value())
    return std::uint32_t{0};
  const auto version = version_from(**stored);
  return version ? result<std::uint32_t>(*version)
                 : corrupt("the schema version of the data directory is not a number");
}

result<void> fits_this_build(std::string_view stored) {
  const auto version = version_from(stored);
  if (!version)
    return corrupt("the schema version of the data directory is not a number");
  if (*version > newest_schema())
    return failure{failure_kind::conflict,
                   "data_dir_newer",
                   "the data directory has schema version " + std::to_string(*version) +
                       ", this build knows " + std::to_string(newest_schema()),
                   "start the newer release, or let it run `troupe migrate down` first",
                   {}};
  return {};
}

result<std::uint32_t> feature_level_of(const row_reader& rows) {
  const auto stored = rows.get(table::system, feature_level_key);
  if (!stored)
    return stored.error();
  const auto level = version_from(stored->value_or("1"));
  return level ? result<std::uint32_t>(*level)
               : corrupt("the feature level of the data directory is not a number");
}

result<void> feature_level_fits(std::uint32_t stored, std::uint32_t known) {
  if (stored <= known)
    return {};
  return failure{failure_kind::conflict,
                 "data_dir_newer",
                 "the data directory has feature level " + std::to_string(stored) +
                     ", this build knows " + std::to_string(known),
                 "start the newer release: what it has written cannot be read by an older one",
                 {}};
}

result<void> migrate(rocks_store& store, std::uint32_t target, std::uint16_t partitions) {
  if (target > newest_schema())
    return invalid("schema_unknown",
                   "this build knows schema versions up to " + std::to_string(newest_schema()));
  auto current = schema_of(store);
  if (!current)
    return current.error();
  const auto before = *current;
  for (std::uint32_t at = before; at != target;) {
    const bool up = at < target;
    const auto& step = all[up ? at : at - 1];
    auto rows = (up ? step.up : step.down)({store, partitions});
    if (!rows)
      return rows.error();
    at = up ? at + 1 : at - 1;
    rows->push_back(put(schema_version_key, std::to_string(at)));
    if (auto written = store.write_rows(std::move(*rows)); !written)
      return written.error();
    log::info("store", up ? "migrated up" : "migrated down",
              {{"migration", step.name}, {"schema_version", std::int64_t{at}}});
  }
  // In a table file the version can be read without replaying the log.
  return before == target ? result<void>{} : store.flush(table::system);
}

} // namespace troupe::rocks
