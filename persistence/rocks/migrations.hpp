// Numbered steps between the layouts of a data directory, each with its way back.
#pragma once

#include "persistence/rocks/rocks_store.hpp"

#include <cstdint>
#include <span>
#include <string_view>

namespace troupe::rocks {

/// Row of `system` with the number of the last applied migration, as decimal text.
inline constexpr std::string_view schema_version_key = "schema_version";
inline constexpr std::string_view partitions_key = "partitions";
inline constexpr std::string_view store_id_key = "store_id";
inline constexpr std::string_view created_by_key = "created_by";
inline constexpr std::string_view feature_level_key = "feature_level";

/// What a step may look at.
struct migration_context {
  const row_reader& rows;
  std::uint16_t partitions; ///< wanted for a new directory
};

/// A step returns the rows to change; they are written together with the new version in one
/// durable batch, so that a crash leaves the step done or not begun.
struct migration {
  using step = result<std::vector<row_change>> (*)(const migration_context&);
  std::uint32_t number;
  std::string_view name;
  step up;
  step down; ///< a failure when there is no way back
};

/// All migrations in order, numbered from 1 without gap.
std::span<const migration> migrations() noexcept;
std::uint32_t newest_schema() noexcept;

/// Number of the last applied migration; 0: a new directory.
result<std::uint32_t> schema_of(const row_reader& rows);

/// Failure "data_dir_newer", naming both versions, when `stored` is not one this build knows.
result<void> fits_this_build(std::string_view stored);

/// Up to where newer kinds of records may be in the directory; 1 without the row.
result<std::uint32_t> feature_level_of(const row_reader& rows);

/// Failure "data_dir_newer", naming both levels.
result<void> feature_level_fits(std::uint32_t stored, std::uint32_t known);

/// Applies steps one by one until the directory has version `target`; nothing to do is success.
result<void> migrate(rocks_store& store, std::uint32_t target, std::uint16_t partitions);

} // namespace troupe::rocks
