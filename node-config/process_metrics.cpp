#include "node-config/process_metrics.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <vector>

namespace troupe {

namespace {

std::string figure(std::string_view name, std::string_view type, std::string_view help,
                   const std::string& value) {
  std::string out = "# HELP ";
  out.append(name).append(" ").append(help).append("\n# TYPE ");
  out.append(name).append(" ").append(type).append("\n");
  out.append(name).append(" ").append(value).append("\n");
  return out;
}

/// Fields of /proc/self/stat behind the name in parentheses, which may hold spaces.
std::vector<std::string> stat_fields() {
  std::ifstream in("/proc/self/stat");
  std::string line;
  std::getline(in, line);
  const auto name_end = line.rfind(')');
  std::vector<std::string> out;
  if (name_end == std::string::npos)
    return out;
  std::istringstream rest(line.substr(name_end + 1));
  for (std::string field; rest >> field;)
    out.push_back(std::move(field));
  return out;
}

std::uint64_t number_at(const std::vector<std::string>& fields, std::size_t at) {
  return at < fields.size() ? std::strtoull(fields[at].c_str(), nullptr, 10) : 0;
}

std::uint64_t boot_seconds() {
  std::ifstream in("/proc/stat");
  for (std::string line; std::getline(in, line);)
    if (line.starts_with("btime "))
      return std::strtoull(line.c_str() + 6, nullptr, 10);
  return 0;
}

} // namespace

std::string process_metrics() {
  // Positions behind the name, see proc(5): utime 11, stime 12, threads 17, start 19, size 20, 21.
  const auto fields = stat_fields();
  const auto ticks = static_cast<double>(std::max(1L, sysconf(_SC_CLK_TCK)));
  const auto page = static_cast<std::uint64_t>(std::max(1L, sysconf(_SC_PAGESIZE)));
  const auto cpu = static_cast<double>(number_at(fields, 11) + number_at(fields, 12)) / ticks;
  const auto begun =
      static_cast<double>(boot_seconds()) + static_cast<double>(number_at(fields, 19)) / ticks;
  std::error_code ec;
  std::uint64_t files = 0;
  for (std::filesystem::directory_iterator at("/proc/self/fd", ec), end; !ec && at != end;
       at.increment(ec))
    ++files;
  return figure("process_resident_memory_bytes", "gauge", "Resident memory.",
                std::to_string(number_at(fields, 21) * page)) +
         figure("process_virtual_memory_bytes", "gauge", "Virtual memory.",
                std::to_string(number_at(fields, 20))) +
         figure("process_cpu_seconds_total", "counter", "Processor time, user and system.",
                std::to_string(cpu)) +
         figure("process_start_time_seconds", "gauge", "Start, in seconds since 1970.",
                std::to_string(begun)) +
         figure("process_threads", "gauge", "Threads.", std::to_string(number_at(fields, 17))) +
         figure("process_open_fds", "gauge", "Open files and sockets.", std::to_string(files));
}

std::string budget_metrics(const byte_budget& now) {
  std::string used, high;
  for (std::size_t i = 0; i < budget_kinds; ++i) {
    const auto kind = static_cast<budget_kind>(i);
    const auto label = "{kind=\"" + std::string(to_text(kind)) + "\"} ";
    used += "troupe_memory_budget_used_bytes" + label + std::to_string(now.used(kind)) + "\n";
    high += "troupe_memory_budget_high_bytes" + label + std::to_string(now.high(kind)) + "\n";
  }
  return figure("troupe_memory_budget_bytes", "gauge", "The memory budget (--memory-bytes-max).",
                std::to_string(now.bytes_max())) +
         "# HELP troupe_memory_budget_used_bytes Bytes held now, by kind.\n"
         "# TYPE troupe_memory_budget_used_bytes gauge\n" +
         used +
         "# HELP troupe_memory_budget_high_bytes The most that was held at once, by kind.\n"
         "# TYPE troupe_memory_budget_high_bytes gauge\n" +
         high +
         figure("troupe_memory_budget_high_total_bytes", "gauge",
                "The most that was held at once, of all kinds together.",
                std::to_string(now.high())) +
         figure("troupe_over_capacity_refused_total", "counter",
                "Starts and signals refused with 429 over_capacity.",
                std::to_string(now.work_refused)) +
         figure("troupe_bodies_paused_total", "counter", "Times that a body waited for memory.",
                std::to_string(now.bodies_paused)) +
         figure("troupe_bodies_refused_total", "counter",
                "Bodies that waited too long and got 503 over_capacity.",
                std::to_string(now.bodies_refused));
}

std::uint64_t file_bytes(const std::string& path) {
  std::uint64_t all = 0;
  for (const auto* end : {"", "-wal"}) {
    std::error_code ec;
    const auto size = std::filesystem::file_size(path + end, ec);
    all += ec ? 0 : size;
  }
  return all;
}

std::string store_metrics(const disk_usage& now, std::uint64_t views_bytes) {
  const auto line = [](std::string_view kind, std::uint64_t bytes) {
    return "troupe_store_bytes{kind=\"" + std::string(kind) + "\"} " + std::to_string(bytes) + "\n";
  };
  return "# HELP troupe_store_bytes Bytes on disk, by kind.\n"
         "# TYPE troupe_store_bytes gauge\n" +
         line("tables", now.tables_bytes) + line("wal", now.wal_bytes) +
         line("views", views_bytes) +
         figure("troupe_store_free_bytes", "gauge", "Bytes left on the disk of the store.",
                std::to_string(now.free_bytes));
}

std::string span_metrics(const otlp::span_exporter::figures& now) {
  return figure("troupe_spans_sent_total", "counter", "Spans that the collector took.",
                std::to_string(now.sent)) +
         figure("troupe_spans_dropped_total", "counter",
                "Spans that were dropped: the queue was full, or the collector did not take them.",
                std::to_string(now.dropped)) +
         figure("troupe_spans_queued", "gauge", "Spans that wait to be sent.",
                std::to_string(now.queued));
}

std::string server_metrics(const http::server_counters& now) {
  return figure("troupe_connections_open", "gauge", "Open connections.",
                std::to_string(now.connections_open)) +
         figure("troupe_websockets_open", "gauge", "Those that are WebSockets.",
                std::to_string(now.websockets_open)) +
         figure("troupe_connections_accepted_total", "counter", "Accepted connections.",
                std::to_string(now.connections_accepted)) +
         figure("troupe_connections_refused_total", "counter", "Connections over the limit.",
                std::to_string(now.connections_refused)) +
         figure("troupe_connections_buffered_bytes", "gauge", "Bytes that wait to be sent.",
                std::to_string(now.bytes_buffered)) +
         figure("troupe_bodies_waiting", "gauge", "Bodies that wait for memory.",
                std::to_string(now.bodies_waiting));
}

} // namespace troupe
