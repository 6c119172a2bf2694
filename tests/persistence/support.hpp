// What the tests of the store share.
#pragma once

#include "persistence/rocks/rocks_store.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <string>
#include <unistd.h>

namespace troupe::test {

/// A folder that is removed with the object.
class scratch {
public:
  scratch() {
    auto pattern = (std::filesystem::temp_directory_path() / "troupe-test-XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  ~scratch() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  scratch(const scratch&) = delete;
  scratch& operator=(const scratch&) = delete;
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  const std::string& path() const { return path_; }

private:
  std::string path_;
};

inline rocks_options options_for(std::string data_dir) {
  rocks_options options;
  options.data_dir = std::move(data_dir);
  options.partitions = 4;
  options.disk_reserve_bytes = 1 << 20;
  return options;
}

/// Opens or fails the test.
inline std::unique_ptr<rocks_store> must_open(const rocks_options& options) {
  auto opened = open_rocks_store(options);
  if (!opened) {
    ADD_FAILURE() << opened.error().code << ": " << opened.error().message;
    return nullptr;
  }
  return std::move(*opened);
}

inline row_change put(table in, std::string key, std::string value) {
  return {in, std::move(key), std::move(value), std::nullopt};
}
inline row_change erase(table in, std::string key) {
  return {in, std::move(key), std::nullopt, std::nullopt};
}
inline row_change erase_range(table in, std::string from, std::string to) {
  return {in, std::move(from), std::nullopt, std::move(to)};
}

/// A key of `documents` that sorts by its number.
inline std::string document_key(std::uint16_t partition, std::uint64_t n) {
  return key_builder(static_cast<partition_id>(partition)).u64(n).take();
}

inline proposal one_row(std::uint16_t partition, std::uint64_t n, std::string value) {
  proposal what;
  what.partition = static_cast<partition_id>(partition);
  what.facts.push_back(put(table::documents, document_key(partition, n), std::move(value)));
  what.changed = std::to_string(n);
  return what;
}

/// Proposes and waits for the answer.
inline result<std::uint64_t> commit(replicated_log& log, proposal what) {
  auto answered = std::make_shared<std::promise<result<std::uint64_t>>>();
  auto future = answered->get_future();
  log.propose(std::move(what),
              [answered](const result<std::uint64_t>& index) { answered->set_value(index); });
  return future.get();
}

/// True for the long size of a test (TROUPE_LONG=1).
inline bool long_run() {
  const char* set = std::getenv("TROUPE_LONG");
  return set && std::string_view(set) == "1";
}

/// How often a random test repeats: TROUPE_ROUNDS=N says so, else its short or its long size.
inline int rounds_of(int few, int many) {
  const char* set = std::getenv("TROUPE_ROUNDS");
  const int wanted = set ? static_cast<int>(std::strtol(set, nullptr, 10)) : 0;
  return wanted > 0 ? wanted : long_run() ? many : few;
}

inline std::uint64_t seed() {
  const char* set = std::getenv("TROUPE_SEED");
  const auto value =
      set ? std::strtoull(set, nullptr, 10)
          : static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
  std::printf("TROUPE_SEED=%llu\n", static_cast<unsigned long long>(value));
  return value;
}

} // namespace troupe::test
