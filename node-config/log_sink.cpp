#include "node-config/log_sink.hpp"

#include "runtime/base/instant.hpp"
#include "runtime/base/json.hpp"
#include "runtime/base/log.hpp"

#include <spdlog/sinks/rotating_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <chrono>

namespace troupe {

namespace {

constexpr std::size_t file_bytes_max = 10u << 20;
constexpr std::size_t files_max = 3;

std::shared_ptr<spdlog::logger>& logger() {
  static std::shared_ptr<spdlog::logger> one;
  return one;
}

std::string_view word(log::level at) {
  switch (at) {
  case log::level::debug: return "debug";
  case log::level::info: return "info";
  case log::level::warning: return "warning";
  case log::level::error: return "error";
  case log::level::critical: return "critical";
  }
  return "info";
}

struct append_value {
  std::string& line;
  void operator()(std::int64_t v) const { line += std::to_string(v); }
  void operator()(double v) const { json::write_number(line, v); }
  void operator()(bool v) const { line += v ? "true" : "false"; }
  void operator()(std::string_view v) const { json::write_string(line, v); }
};

void write_line(log::level at, std::string_view component, std::string_view message,
                std::initializer_list<log::field> fields) {
  const auto now = std::chrono::time_point_cast<milliseconds>(std::chrono::system_clock::now());
  std::string line = "{\"time\":\"" + to_text(now) + "\",\"level\":\"";
  line += word(at);
  line += "\",\"component\":";
  json::write_string(line, component);
  line += ",\"message\":";
  json::write_string(line, message);
  for (const auto& field : fields) {
    line += ',';
    json::write_string(line, field.key);
    line += ':';
    std::visit(append_value{line}, field.value);
  }
  line += '}';
  logger()->log(spdlog::level::critical, line);
}

} // namespace

bool set_log_level(const std::string& level) {
  if (level == "debug")
    log::set_level(log::level::debug);
  else if (level == "info")
    log::set_level(log::level::info);
  else if (level == "warning")
    log::set_level(log::level::warning);
  else if (level == "error")
    log::set_level(log::level::error);
  else
    return false;
  return true;
}

void install_log_sink(const std::string& level, const std::string& file) {
  auto& target = logger();
  if (file.empty())
    target = spdlog::stdout_logger_mt("troupe");
  else
    target = spdlog::rotating_logger_mt("troupe", file, file_bytes_max, files_max);
  target->set_pattern("%v");
  target->flush_on(spdlog::level::trace);
  set_log_level(level);
  log::install(&write_line);
}

} // namespace troupe
