// RocksDB's options, table by table, with the reason for each that differs from its default.
#pragma once

#include "persistence/rocks/rocks_store.hpp"

#include <rocksdb/db.h>

#include <cstddef>
#include <memory>

namespace troupe::rocks {

/// Length of the prefix by which a table's rows are read together (partition and run id); 0: none.
std::size_t prefix_bytes(table in) noexcept;

/// Name of a table's column family. `system` is RocksDB's own default family.
std::string family_name(table in);

rocksdb::DBOptions database_options(const rocks_options& options);

/// Options of all tables, in the order of the enumeration; they share one block cache.
std::vector<rocksdb::ColumnFamilyDescriptor> families(const rocks_options& options);

} // namespace troupe::rocks
