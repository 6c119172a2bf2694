// The load generator: closed-loop HTTP/1.1 over keep-alive connections, one thread, epoll.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace troupe::bench {

struct load_options {
  std::string host = "127.0.0.1";
  std::uint16_t port = 7070;
  std::string method = "POST", path = "/";
  std::string body;   ///< `{n}` becomes a number that no other request of this process has
  std::string key;    ///< sent as Idempotency-Key when set; `{n}` as in body
  std::string token;  ///< sent as Bearer when set
  std::string record; ///< file: one acknowledged execution id a line, with fsync before going on
  unsigned connections = 1;
  double seconds = 5;      ///< how long to measure
  double warmup = 1;       ///< before that, not counted
  std::uint64_t count = 0; ///< stop after so many answers instead; 0: by time
  std::uint64_t first = 0; ///< where {n} starts
};

struct load_report {
  std::uint64_t answers = 0, errors = 0, reconnects = 0, bytes = 0;
  std::map<int, std::uint64_t> by_status;
  std::vector<float> latencies_ms; ///< of the 2xx answers
  double seconds = 0, cpu_seconds = 0;
};

/// Runs until time or count is over, or nothing can be reached for five seconds.
load_report run_load(const load_options& options);
/// One line of JSON.
std::string describe(const load_report& report);

} // namespace troupe::bench
