// Everything an operator may set: one row a setting, with default, unit and documentation.
#pragma once

#include "actors/api/settings.hpp"
#include "runtime/base/result.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {

struct node_settings {
  std::string data_dir = "troupe-data";
  std::string host = "127.0.0.1";
  std::uint16_t port = 7070;
  std::uint16_t health_port = 0; ///< of health checks only, without a password; 0: none
  std::string password;
  std::string cors_origins;
  std::string http_allow;
  std::string tls_certificate, tls_key;
  std::string log_level = "info", log_file;
  std::string otlp_endpoint; ///< empty: nothing is traced
  std::uint64_t memory_bytes_max = std::uint64_t{1} << 30;
  std::uint64_t header_timeout_ms = 10'000, body_timeout_ms = 30'000, idle_timeout_ms = 75'000;
  std::uint64_t write_timeout_ms = 30'000, disk_reserve_bytes = std::uint64_t{64} << 20;
  std::uint64_t connections_max = 20'000;
  std::uint64_t starts_per_minute_max = 0;
  std::uint64_t definition_bytes_max = std::uint64_t{10} << 20;
  std::uint64_t shutdown_grace_ms = 10'000;
  std::uint64_t cluster_election_timeout_ms = 500, cluster_heartbeat_ms = 100;
  std::uint64_t cluster_rebalance_ms = 5'000;
  std::string roles;              ///< empty: as the node joined, else both
  std::uint32_t test_release = 0; ///< 0: the build's own
  engine_settings engine;

  node_settings() { engine.limits.timeout_min = std::chrono::minutes{1}; }
};

/// Where a value came from; later ones win.
enum class setting_source : std::uint8_t { built_in, file, environment, flag };
std::string_view to_text(setting_source source) noexcept;

/// One setting: `--name`, `TROUPE_NAME`, and `name` in the file, with dashes as underscores.
struct setting {
  std::string_view name; ///< with dashes; the unit comes last
  std::string_view help;
  bool secret = false;
  bool flag = false; ///< a switch: needs no value on the command line
  std::function<std::string(const node_settings&)> get;
  std::function<result<void>(node_settings&, std::string_view)> set;
};
const std::vector<setting>& all_settings();
const setting* find_setting(std::string_view name);
std::string environment_name(const setting& one);

/// Settings with their sources, in the order of all_settings().
struct loaded_settings {
  node_settings values;
  std::vector<setting_source> sources;
};

/// Applies file, environment and flags in this order. A value that is wrong is a failure that names
/// the setting as the user wrote it. `file` may be empty.
result<loaded_settings>
load_settings(const std::string& file,
              const std::vector<std::pair<std::string, std::string>>& flags);

/// `troupe config`: every setting with value, source and help; secrets masked.
std::string describe(const loaded_settings& loaded, bool json);

} // namespace troupe
