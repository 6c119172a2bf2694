#include "node-config/settings.hpp"

#include "net/provider/otlp.hpp"
#include "node-config/cluster_files.hpp"

#include <algorithm>
#include <charconv>
#include <limits>

namespace troupe {

namespace {

failure wrong(std::string message) {
  return invalid("setting_invalid", std::move(message));
}

template <class Number>
result<void> read_number(Number& into, std::string_view text, std::uint64_t lowest,
                         std::uint64_t highest) {
  std::uint64_t value = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (ec != std::errc{} || end != text.data() + text.size() || value < lowest || value > highest)
    return wrong("must be a whole number from " + std::to_string(lowest) + " to " +
                 std::to_string(highest) + ", not '" + std::string{text} + "'");
  into = static_cast<Number>(value);
  return {};
}

using member_text = std::string node_settings::*;

setting text(std::string_view name, std::string_view help, member_text member,
             bool secret = false) {
  return {name,
          help,
          secret,
          false,
          [member](const auto& s) { return s.*member; },
          [member](auto& s, std::string_view v) -> result<void> {
            s.*member = v;
            return {};
          }};
}

template <class Access>
setting number(std::string_view name, std::string_view help, Access access, std::uint64_t lowest,
               std::uint64_t highest) {
  return {name,
          help,
          false,
          false,
          [access](const node_settings& s) {
            return std::to_string(access(const_cast<node_settings&>(s)));
          },
          [access, lowest, highest](node_settings& s, std::string_view v) {
            return read_number(access(s), v, lowest, highest);
          }};
}

/// Milliseconds held as a duration.
template <class Access>
setting duration(std::string_view name, std::string_view help, Access access, std::uint64_t lowest,
                 std::uint64_t highest) {
  return {name,
          help,
          false,
          false,
          [access](const node_settings& s) {
            return std::to_string(access(const_cast<node_settings&>(s)).count());
          },
          [access, lowest, highest](node_settings& s, std::string_view v) -> result<void> {
            std::uint64_t ms = 0;
            if (auto read = read_number(ms, v, lowest, highest); !read)
              return read;
            access(s) = std::chrono::milliseconds{static_cast<std::int64_t>(ms)};
            return {};
          }};
}

template <class Access>
setting toggle(std::string_view name, std::string_view help, Access access) {
  return {name,
          help,
          false,
          true,
          [access](const node_settings& s) {
            return std::string{access(const_cast<node_settings&>(s)) ? "true" : "false"};
          },
          [access](node_settings& s, std::string_view v) -> result<void> {
            if (v != "true" && v != "false" && v != "1" && v != "0")
              return wrong("must be true or false, not '" + std::string{v} + "'");
            access(s) = v == "true" || v == "1";
            return {};
          }};
}

setting choice(std::string_view name, std::string_view help, member_text member,
               std::vector<std::string_view> words) {
  auto one = text(name, help, member);
  one.set = [member, words](node_settings& s, std::string_view v) -> result<void> {
    if (std::find(words.begin(), words.end(), v) == words.end()) {
      std::string all;
      for (auto word : words)
        all += (all.empty() ? "" : ", ") + std::string{word};
      return wrong("must be one of " + all + ", not '" + std::string{v} + "'");
    }
    s.*member = v;
    return {};
  };
  return one;
}

setting otlp_endpoint() {
  auto one = text("otlp-endpoint",
                  "send spans to this collector, as OTLP/HTTP JSON; empty: nothing is traced",
                  &node_settings::otlp_endpoint);
  one.set = [](node_settings& s, std::string_view v) -> result<void> {
    if (const auto known = otlp::collector_of(v); !v.empty() && !known)
      return wrong(known.error().message + ", not '" + std::string{v} + "'");
    s.otlp_endpoint = v;
    return {};
  };
  return one;
}

setting roles() {
  auto one =
      text("roles",
           "in a cluster: engine (keeps the log and runs), gateway (serves clients) or both, "
           "comma-separated; empty: as it joined, else both",
           &node_settings::roles);
  one.set = [](node_settings& s, std::string_view v) -> result<void> {
    if (!roles_from(v))
      return wrong("must be engine, gateway or engine,gateway, not '" + std::string{v} + "'");
    s.roles = v;
    return {};
  };
  return one;
}

setting strategy() {
  return {
      "retry-strategy",
      "default back-off: fixed, exponential, exponential_jitter, random",
      false,
      false,
      [](const node_settings& s) { return std::string{to_text(s.engine.default_retry.strategy)}; },
      [](node_settings& s, std::string_view v) -> result<void> {
        const auto known = retry_strategy_from_text(v);
        if (!known)
          return wrong("must be fixed, exponential, exponential_jitter or random");
        s.engine.default_retry.strategy = *known;
        return {};
      }};
}

constexpr std::uint64_t day_ms = 86'400'000;
constexpr std::uint64_t any_number = std::uint64_t{1} << 48;

void add_network(std::vector<setting>& all) {
  using s = node_settings;
  all.push_back(text("data-dir", "directory of the store; made when missing", &s::data_dir));
  all.push_back(
      text("host", "address to listen on; other than loopback needs a password", &s::host));
  all.push_back(number(
      "port", "TCP port; 0 takes any free one", [](s & v) -> auto& { return v.port; }, 0, 65'535));
  all.push_back(number(
      "health-port", "one more TCP port, on which only health checks are answered; 0: none",
      [](s & v) -> auto& { return v.health_port; }, 0, 65'535));
  all.push_back(text("password", "Bearer password of the API; empty: open, on loopback only",
                     &s::password, true));
  all.push_back(text("cors-origins",
                     "origins that browsers may call from, comma-separated; * for any",
                     &s::cors_origins));
  all.push_back(text("http-allow", "private host:port targets that nodes may call, comma-separated",
                     &s::http_allow));
  all.push_back(
      text("tls-certificate", "PEM file with the certificate chain", &s::tls_certificate));
  all.push_back(text("tls-key", "PEM file with the private key", &s::tls_key));
  all.push_back(number(
      "connections-max", "open connections", [](s & v) -> auto& { return v.connections_max; }, 1,
      1'000'000));
  all.push_back(number(
      "header-timeout-ms", "time for a request's headers",
      [](s & v) -> auto& { return v.header_timeout_ms; }, 100, day_ms));
  all.push_back(number(
      "body-timeout-ms", "time for a request's body",
      [](s & v) -> auto& { return v.body_timeout_ms; }, 100, day_ms));
  all.push_back(number(
      "idle-timeout-ms", "an idle connection is closed after this",
      [](s & v) -> auto& { return v.idle_timeout_ms; }, 100, day_ms));
  all.push_back(number(
      "write-timeout-ms", "a reader that takes nothing for so long is dropped",
      [](s & v) -> auto& { return v.write_timeout_ms; }, 100, day_ms));
  all.push_back(number(
      "starts-per-minute-max", "starts a client may make in a minute; 0: no limit",
      [](s & v) -> auto& { return v.starts_per_minute_max; }, 0, any_number));
}

void add_engine(std::vector<setting>& all) {
  using s = node_settings;
  all.push_back(number(
      "memory-bytes-max",
      "budget for bodies, queues, live executions and blobs in transit: above 80 % new work gets "
      "429, above 95 % bodies wait",
      [](s & v) -> auto& { return v.memory_bytes_max; }, 64u << 20, any_number));
  all.push_back(number(
      "disk-reserve-bytes", "with less free on the disk, writes answer 507",
      [](s & v) -> auto& { return v.disk_reserve_bytes; }, 0, std::uint64_t{1} << 60));
  all.push_back(number(
      "partitions", "content partitions of a new data directory",
      [](s & v) -> auto& { return v.engine.partitions; }, 1, 4'000));
  all.push_back(number(
      "threads", "threads of the actors; 0: one a core",
      [](s & v) -> auto& { return v.engine.threads; }, 0, 256));
  all.push_back(number(
      "max-concurrent-executions", "runs at once; further ones queue; 0: no limit",
      [](s & v) -> auto& { return v.engine.executions_max; }, 0, 10'000'000));
  all.push_back(number(
      "starts-queued-max", "starts and signals a partition queues before it answers 429",
      [](s & v) -> auto& { return v.engine.starts_queued_max; }, 1, 1'000'000));
  all.push_back(number(
      "interruptions-max", "interruptions of one step in a row before its run is quarantined",
      [](s & v) -> auto& { return v.engine.interruptions_max; }, 1, 1'000'000));
  all.push_back(number(
      "attempts-running-max", "HTTP calls of nodes in flight",
      [](s & v) -> auto& { return v.engine.attempts_running_max; }, 1, 100'000));
  all.push_back(number(
      "attempts-per-host-max", "HTTP calls in flight to one host",
      [](s & v) -> auto& { return v.engine.attempts_per_host_max; }, 1, 100'000));
  all.push_back(number(
      "worker-queue-max", "tasks waiting for workers",
      [](s & v) -> auto& { return v.engine.worker_queue_max; }, 1, 100'000'000));
  all.push_back(number(
      "definition-bytes-max", "size of one workflow as JSON or YAML; over it: 413",
      [](s & v) -> auto& { return v.definition_bytes_max; }, 1u << 10, 64u << 20));
  all.push_back(number(
      "nodes-max", "nodes of one workflow",
      [](s & v) -> auto& { return v.engine.limits.nodes_max; }, 1, 1'000'000));
  all.push_back(duration(
      "workflow-timeout-min-ms", "shortest timeout a workflow may set",
      [](s & v) -> auto& { return v.engine.limits.timeout_min; }, 1, day_ms));
  all.push_back(duration(
      "step-timeout-ms", "of an attempt, where a node sets none",
      [](s & v) -> auto& { return v.engine.step_timeout; }, 1, 30 * day_ms));
  all.push_back(duration(
      "run-timeout-ms", "of a run, where a workflow sets none",
      [](s & v) -> auto& { return v.engine.run_timeout; }, 1, 3'650 * day_ms));
  all.push_back(duration(
      "worker-heartbeat-ms", "how often workers say that they live",
      [](s & v) -> auto& { return v.engine.worker_heartbeat; }, 100, day_ms));
  all.push_back(duration(
      "queued-alert-ms", "a run queued longer raises an alert",
      [](s & v) -> auto& { return v.engine.queued_alert_after; }, 100, 30 * day_ms));
  all.push_back(duration(
      "stuck-after-ms",
      "a run that owes something and made no progress for so long is reported and driven again",
      [](s & v) -> auto& { return v.engine.stuck_after; }, 100, 30 * day_ms));
  all.push_back(number(
      "retry-max-attempts", "attempts where a node sets none, the first included",
      [](s & v) -> auto& { return v.engine.default_retry.max_attempts; }, 1, 1'000));
  all.push_back(strategy());
  all.push_back(duration(
      "retry-wait-min-ms", "shortest wait before a retry",
      [](s & v) -> auto& { return v.engine.default_retry.wait_min; }, 0, day_ms));
  all.push_back(duration(
      "retry-wait-max-ms", "longest wait before a retry",
      [](s & v) -> auto& { return v.engine.default_retry.wait_max; }, 0, 30 * day_ms));
}

void add_operations(std::vector<setting>& all) {
  using s = node_settings;
  all.push_back(choice("log-level", "debug, info, warning, error", &s::log_level,
                       {"debug", "info", "warning", "error"}));
  all.push_back(text("log-file",
                     "write logs here (rotated at 10 MB, 3 kept), not to standard output",
                     &s::log_file));
  all.push_back(otlp_endpoint());
  all.push_back(number(
      "shutdown-grace-ms", "time for running calls after SIGTERM",
      [](s & v) -> auto& { return v.shutdown_grace_ms; }, 0, day_ms));
  all.push_back(number(
      "cluster-election-timeout-ms",
      "in a cluster: a leader that is silent for one to two of these is replaced",
      [](s & v) -> auto& { return v.cluster_election_timeout_ms; }, 50, 60'000));
  all.push_back(number(
      "cluster-heartbeat-ms",
      "in a cluster: how often a leader is heard; longer than the longest stall of a disk",
      [](s & v) -> auto& { return v.cluster_heartbeat_ms; }, 10, 10'000));
  all.push_back(number(
      "log-entries-kept",
      "of each partition's log; a node of a cluster further behind gets whole states",
      [](s & v) -> auto& { return v.engine.log_entries_kept; }, 10, 10'000'000));
  all.push_back(number(
      "cluster-rebalance-ms",
      "in a cluster: a partition goes to the node whose turn it is to lead it after so long",
      [](s & v) -> auto& { return v.cluster_rebalance_ms; }, 100, day_ms));
  all.push_back(roles());
  all.push_back(duration(
      "retention-sweep-ms", "how often old and stuck runs are looked for",
      [](s & v) -> auto& { return v.engine.retention_sweep; }, 100, day_ms));
  all.push_back(toggle(
      "test-clock", "tests only: POST /api/v1/system/faults/clock moves time",
      [](s & v) -> auto& { return v.engine.test_clock; }));
  all.push_back(toggle(
      "test-faults", "tests only: POST /api/v1/system/faults injects faults",
      [](s & v) -> auto& { return v.engine.test_faults; }));
  all.push_back(number(
      "test-release", "tests only: the release and feature level that this build pretends; 0: own",
      [](s & v) -> auto& { return v.test_release; }, 0, 1'000));
}

} // namespace

const std::vector<setting>& all_settings() {
  static const auto all = [] {
    std::vector<setting> rows;
    add_network(rows);
    add_engine(rows);
    add_operations(rows);
    return rows;
  }();
  return all;
}

const setting* find_setting(std::string_view name) {
  for (const auto& one : all_settings())
    if (one.name == name)
      return &one;
  return nullptr;
}

std::string environment_name(const setting& one) {
  std::string name = "TROUPE_";
  for (char c : one.name)
    name.push_back(c == '-' ? '_' : c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c);
  return name;
}

std::string_view to_text(setting_source source) noexcept {
  switch (source) {
  case setting_source::built_in: return "default";
  case setting_source::file: return "file";
  case setting_source::environment: return "environment";
  case setting_source::flag: return "flag";
  }
  return "default";
}

} // namespace troupe
